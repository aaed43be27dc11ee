//! A campaign of trials: `campaign FROM TO [all|none|KINDS] [JOBS] [STORY] [TRIPS]`. Prints which
//! seeds broke a promise, what a trial is made of and costs, and how many round trips a minute a
//! core plays; fails if any was broken, or if there were fewer round trips.
//!
//! `bowline simulate` is the command for users; this needs nothing but the simulator, so it is what
//! CI plays and a profiler is put on. The long one, which goes on where it was stopped, is `deep`.
#[path = "shared/computed.rs"]
mod computed;
#[path = "shared/sum.rs"]
mod sum;

use std::error::Error;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bowline_sim::campaign::{Faults, Story, UnknownStory, generate};
use computed::computed;
use sum::Sum;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| match args.get(index) {
        Some(text) => text.parse::<u64>(),
        None => Ok(default),
    };
    let (from, to, jobs, trips) = (number(0, 0)?, number(1, 100)?, number(3, 1)?, number(5, 0)?);
    let faults = Faults::from_str(args.get(2).map_or("all", String::as_str))?;
    let story = Story::read(args.get(4).map_or("swift", String::as_str))?;
    let (next, sum) = (AtomicU64::new(from), Mutex::new(Sum::default()));
    let work = || -> Result<(), UnknownStory> {
        let mut own = Sum::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= to {
                break;
            }
            let outcome = own.play(&generate(seed, &faults, &story))?;
            if let Some((promise, why)) = outcome.broken.first() {
                println!("{seed}: {promise}: {why}");
            }
        }
        own.computed = computed();
        sum.lock().expect("nobody panics with it").merge(own);
        Ok(())
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        all.into_iter().try_for_each(|one| one.join().expect("play catches panics"))
    })?;
    let sum = sum.into_inner()?;
    sum.tell();
    Ok(sum.verdict(trips)?)
}
