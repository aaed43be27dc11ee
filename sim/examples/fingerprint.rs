//! One line for every scenario and seed, and one for every seed of each story of campaigns with all
//! faults: `fingerprint FROM TO`. Two builds whose lines are the same wrote the same chains, byte
//! for byte, and in campaigns every call with its arguments, every answer, every news of the world
//! came at the same instant: what a change for speed must keep. `diff` tells. The last column, how
//! many things happened, may differ: a wake may be spared.

use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;

use bowline_core::model::Now;
use bowline_core::policy::examples;
use bowline_sim::campaign::{Faults, Schedule, Story, Trial, UnknownStory, generate};
use bowline_sim::harness::{Event, Watch};
use bowline_sim::story::{SCENARIOS, Stage};
use bowline_sim::world::World;

/// Trials are shorter than scenarios: so many more seeds of each story.
const MORE: u64 = 4;

/// 64-bit FNV-1a.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(seed ^ 0xcbf2_9ce4_8422_2325, step)
}

/// A hash of every event, with all that it says and when.
struct Log {
    hash: Rc<Cell<u64>>,
    line: String,
}

impl Watch for Log {
    fn seen(&mut self, at: Now, _: &World, event: &Event<'_>) {
        self.line.clear();
        write!(self.line, "{at:?} {event:?}").expect("a String takes everything");
        self.hash.set(hash(self.hash.get(), self.line.as_bytes()));
    }
}

/// Plays a trial; a line about it.
fn trial(schedule: &Schedule) -> Result<String, UnknownStory> {
    let mut trial = Trial::new(schedule)?;
    let log = Rc::new(Cell::new(0));
    trial.watch(Box::new(Log { hash: Rc::clone(&log), line: String::new() }));
    let mut chains = 0;
    while let Some(entries) = trial.step() {
        for (group, entry) in entries {
            chains = hash(chains, format!("{group} {entry:?}").as_bytes());
        }
    }
    let outcome = trial.outcome();
    let broken = hash(0, format!("{:?}", outcome.broken).as_bytes());
    let (moves, events) = (outcome.moves, outcome.events);
    Ok(format!("{moves} moves {chains:016x} {:016x} {broken:016x} {events}", log.get()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).filter_map(|text| text.parse::<u64>().ok());
    let (from, to) = (args.next().unwrap_or(1), args.next().unwrap_or(3));
    let policy = examples::shop();
    for scenario in &SCENARIOS {
        for seed in from..=to {
            let mut stage = Stage::new(scenario, &policy, seed);
            stage.play();
            let mut chains = 0;
            let mut entries = 0;
            for policy in stage.policies() {
                let chain = stage.simulation.world.store.chain(&policy.group);
                entries += chain.len();
                chains = chain.iter().fold(chains, |all, entry| hash(all, entry.as_bytes()));
            }
            let document = hash(0, serde_json::to_string(&stage.document())?.as_bytes());
            let (name, steps) = (scenario.name, stage.simulation.steps());
            println!("{name} {seed}: {entries} entries {chains:016x} {document:016x} {steps}");
        }
    }
    for story in [Story::quick()?, Story::brisk()?, Story::swift()?] {
        for seed in from..=to + MORE {
            let line = trial(&generate(seed, &Faults::all(), &story))?;
            println!("campaign {} {seed}: {line}", story.source);
        }
    }
    Ok(())
}
