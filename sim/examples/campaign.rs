//! A campaign of trials: `campaign FROM TO [all|none|KINDS] [JOBS]`. Prints which seeds broke a
//! promise, what a trial is made of and costs, and how many round trips a minute a core plays;
//! fails if any was broken.
//!
//! `bowline simulate` is the command for users; this needs nothing but the simulator, so it is what
//! CI plays and a profiler is put on.
#[path = "shared/computed.rs"]
mod computed;

use std::error::Error;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bowline_sim::campaign::{Faults, Outcome, Story, UnknownStory, generate, play};
use computed::computed;

/// What all trials together were.
#[derive(Default)]
struct Sum {
    trials: u64,
    trips: u64,
    moves: u64,
    events: u64,
    minutes: u64,
    bad: u64,
    computed: Duration,
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.trials += 1;
        self.trips += u64::from(outcome.round_trips);
        self.moves += u64::from(outcome.moves);
        self.events += outcome.events;
        self.minutes += outcome.lasted.as_secs() / 60;
        if let Some((promise, why)) = outcome.broken.first() {
            self.bad += 1;
            println!("{seed}: {promise}: {why}");
        }
    }

    fn tell(&self) {
        let Self { trials, trips, moves, bad, .. } = self;
        let (trials, took) = ((*trials).max(1), self.computed.as_secs_f64());
        println!(
            "{trials} trials, {moves} moves, {trips} round trips, {bad} bad; {took:.1} s on a \
             core: {:.0} trials and {:.0} round trips a minute",
            trials as f64 / took * 60.0,
            *trips as f64 / took * 60.0
        );
        println!(
            "a trial: {} virtual minutes, {} events of {:.0} ns",
            self.minutes / trials,
            self.events / trials,
            took * 1e9 / self.events as f64
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| match args.get(index) {
        Some(text) => text.parse::<u64>(),
        None => Ok(default),
    };
    let (from, to, jobs) = (number(0, 0)?, number(1, 100)?, number(3, 1)?);
    let faults = Faults::from_str(args.get(2).map_or("all", String::as_str))?;
    let (story, next, sum) = (Story::brisk()?, AtomicU64::new(from), Mutex::new(Sum::default()));
    let work = || -> Result<(), UnknownStory> {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= to {
                break;
            }
            let outcome = play(&generate(seed, &faults, &story))?;
            sum.lock().expect("nobody panics with it").add(seed, &outcome);
        }
        sum.lock().expect("nobody panics with it").computed += computed();
        Ok(())
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        all.into_iter().try_for_each(|one| one.join().expect("play catches panics"))
    })?;
    let sum = sum.into_inner()?;
    sum.tell();
    match sum.bad {
        0 => Ok(()),
        bad => Err(format!("{bad} of {} trials broke a promise", sum.trials).into()),
    }
}
