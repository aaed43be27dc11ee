//! What a campaign's trials cost: `campaign FROM TO [all|none|KINDS]`, on one core. Prints round
//! trips a minute, what a trial is made of, and which seeds broke a promise.
//!
//! `bowline simulate` is the command; this is what a profiler is put on.
#[path = "shared/computed.rs"]
mod computed;

use std::error::Error;
use std::str::FromStr;

use bowline_sim::campaign::{Faults, Story, generate, play};
use computed::computed;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| match args.get(index) {
        Some(text) => text.parse::<u64>(),
        None => Ok(default),
    };
    let (from, to) = (number(0, 0)?, number(1, 100)?);
    let faults = Faults::from_str(args.get(2).map_or("all", String::as_str))?;
    let story = Story::brisk()?;
    let (mut trips, mut moves, mut events, mut minutes, mut bad) = (0, 0, 0, 0, 0);
    for seed in from..to {
        let outcome = play(&generate(seed, &faults, &story))?;
        trips += u64::from(outcome.round_trips);
        moves += u64::from(outcome.moves);
        events += outcome.events;
        minutes += outcome.lasted.as_secs() / 60;
        if let Some((promise, why)) = outcome.broken.first() {
            bad += 1;
            println!("{seed}: {promise}: {why}");
        }
    }
    let (trials, took) = ((to - from).max(1), computed().as_secs_f64());
    println!(
        "{trials} trials, {moves} moves, {trips} round trips, {bad} bad; {took:.1} s on a core: \
         {:.0} trials and {:.0} round trips a minute",
        trials as f64 / took * 60.0,
        trips as f64 / took * 60.0
    );
    println!(
        "a trial: {} virtual minutes, {} events of {:.0} ns",
        minutes / trials,
        events / trials,
        took * 1e9 / events as f64
    );
    Ok(())
}
