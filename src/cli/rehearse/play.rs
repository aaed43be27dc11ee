//! Plays one policy under many seeds, on every core.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use bowline_core::policy::Policy;
use bowline_sim::story::{Document, Scenario, Stage};

/// Plays a scenario once for each seed; gives what came of it in the order of the seeds.
pub(super) fn all(scenario: &Scenario, policy: &Policy, seeds: &[u64]) -> Vec<Document> {
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    let mut played: Vec<(usize, Document)> = std::thread::scope(|scope| {
        for _ in 0..threads(seeds.len()) {
            let (next, tell) = (&next, tell.clone());
            scope.spawn(move || {
                while let Some((at, seed)) = take(next, seeds) {
                    // Nobody listens any more only if the whole program is going down.
                    let _ = tell.send((at, one(scenario, policy, seed)));
                }
            });
        }
        drop(tell);
        gather(&told, seeds.len())
    });
    played.sort_by_key(|(at, _)| *at);
    played.into_iter().map(|(_, document)| document).collect()
}

fn threads(seeds: usize) -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(seeds)
}

fn take(next: &AtomicUsize, seeds: &[u64]) -> Option<(usize, u64)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    seeds.get(at).map(|seed| (at, *seed))
}

fn one(scenario: &Scenario, policy: &Policy, seed: u64) -> Document {
    let mut stage = Stage::new(scenario, policy, seed);
    stage.play();
    stage.document()
}

/// Gathers what comes, and tells a terminal how far it is.
fn gather(told: &mpsc::Receiver<(usize, Document)>, of: usize) -> Vec<(usize, Document)> {
    let mut err = std::io::stderr();
    let shown = err.is_terminal();
    let mut played = Vec::new();
    for one in told {
        played.push(one);
        if shown {
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(err, "\r{} of {of}", played.len());
        }
    }
    if shown {
        let _ = write!(err, "\r{:20}\r", "");
    }
    played
}
