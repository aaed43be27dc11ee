//! Breaks Bowline on purpose, and looks whether the oracle notices: `mutants [--seeds N] [BUG…]`.
//! Prints for each bug which promise caught it, with the seeds and seconds needed. Fails when one
//! was not caught by the promise that it is listed under, or when a play breaks a promise without
//! any bug. `mutants --tell PLAY SEED [BUG]` tells a play, entry by entry.
//!
//! `cargo xtask mutants` builds it with the cargo feature `bugs`, and runs it.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;

use bowline_core::bugs::{self, Bug};
use bowline_core::policy::examples;
use bowline_sim::campaign;
use bowline_sim::mutants::{self, Play};
use bowline_sim::story::{Scenario, Stage};

/// Seeds that are tried until a bug is caught, if nothing else is said.
const SEEDS: u64 = 5;

/// What became of a bug.
struct Caught {
    /// How many seeds it took; `None`: none of them showed it.
    seeds: Option<u64>,
    /// Why the promise was broken.
    why: String,
    /// Other promises that were broken meanwhile.
    others: BTreeSet<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Some(("--tell", rest)) = arguments.split_first().map(|(one, rest)| (one.as_str(), rest))
    {
        return tell(rest).map_or(ExitCode::from(2), |()| ExitCode::SUCCESS);
    }
    let (seeds, wanted) = match wanted(&arguments) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("mutants: {why}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let (mut missed, mut played) = (Vec::new(), BTreeSet::new());
    println!("{:<24} {:<5} {:>5} {:>7}  {:<17} others", "bug", "by", "seeds", "seconds", "play");
    for bug in wanted {
        let play = Play::find(mutants::shows(bug)).expect("every bug has a play");
        let start = Instant::now();
        let caught = hunt(bug, &play, seeds);
        let took = start.elapsed().as_secs_f64();
        let others: Vec<_> = caught.others.iter().map(String::as_str).collect();
        let (by, count) = match caught.seeds {
            Some(count) => (bug.promise(), count),
            None => ("-", play.seeds(seeds)),
        };
        let (name, others) = (format!("{bug:?}"), others.join(" "));
        println!("{name:<24} {by:<5} {count:>5} {took:>7.1}  {:<17} {others}", play.name());
        println!("    {}\n    {}", bug.about().trim(), caught.why);
        if caught.seeds.is_none() {
            missed.push(format!("{bug:?} ({})", bug.promise()));
        }
        played.extend((1..=count).map(|seed| (play.name(), seed)));
    }
    let bad = without_any(&played);
    println!(
        "{} plays without a bug: {} broke a promise; {} bugs not caught; {:.0} s",
        played.len(),
        bad.len(),
        missed.len(),
        began.elapsed().as_secs_f64()
    );
    bad.iter().for_each(|why| println!("NO BUG, AND {why}"));
    missed.iter().for_each(|bug| println!("NOT CAUGHT {bug}"));
    if bad.is_empty() && missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many seeds to try, and which bugs.
fn wanted(arguments: &[String]) -> Result<(u64, Vec<Bug>), String> {
    let (mut seeds, mut wanted) = (SEEDS, Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seeds" {
            let number = arguments.next().and_then(|number| number.parse().ok());
            seeds = number.filter(|n| *n > 0).ok_or("--seeds wants a number from 1 on")?;
            continue;
        }
        wanted.push(named(argument)?);
    }
    if wanted.is_empty() {
        wanted = Bug::ALL.to_vec();
    }
    Ok((seeds, wanted))
}

fn named(name: &str) -> Result<Bug, String> {
    let found = Bug::ALL.iter().find(|bug| format!("{bug:?}") == name);
    found.copied().ok_or_else(|| format!("no bug `{name}`: see core/src/bugs.rs"))
}

/// Tells a play; `None` when it is not known.
fn tell(arguments: &[String]) -> Option<()> {
    let play = Play::find(arguments.first()?)?;
    let seed = arguments.get(1)?.parse().ok()?;
    bugs::choose(arguments.get(2).and_then(|name| named(name).ok()));
    match play {
        Play::Scenario(scenario) => tell_scenario(scenario, seed),
        Play::Kept(_, schedule) => println!("{}", campaign::tell(&schedule).ok()?),
    }
    Some(())
}

fn tell_scenario(scenario: &Scenario, seed: u64) {
    let mut stage = Stage::new(scenario, &examples::shop(), seed);
    let mut told = Vec::new();
    while stage.step(&mut told) {
        for told in told.drain(..) {
            let after = stage.simulation.now().mono.since(stage.began());
            for record in &told.entry.records {
                let words = format!("{record:?}");
                let words: String = words.chars().take(230).collect();
                println!("{after} {} {} {words}", told.group, told.entry.by);
            }
        }
    }
    println!("{:#?} after {} events", stage.verdicts(), stage.simulation.steps());
}

/// Plays with a bug until its promise is broken, or the seeds are used up.
fn hunt(bug: Bug, play: &Play, seeds: u64) -> Caught {
    let (promise, mut others) = (bug.promise(), BTreeSet::new());
    for seed in 1..=play.seeds(seeds) {
        bugs::choose(Some(bug));
        let broken = play.broken(seed, Some(promise));
        bugs::choose(None);
        let (named, rest): (Vec<_>, Vec<_>) =
            broken.into_iter().partition(|(name, _)| name == promise);
        others.extend(rest.into_iter().map(|(name, _)| name));
        if let Some((_, why)) = named.into_iter().next() {
            return Caught { seeds: Some(seed), why, others };
        }
    }
    let why = format!("{promise} was held");
    Caught { seeds: None, why, others }
}

/// What goes wrong in the same plays when there is no bug.
fn without_any(played: &BTreeSet<(&'static str, u64)>) -> Vec<String> {
    let mut bad = Vec::new();
    for (name, seed) in played {
        let broken = Play::find(name).expect("it was played").broken(*seed, None).into_iter();
        bad.extend(broken.map(|(promise, why)| format!("{name} {seed} broke {promise}: {why}")));
    }
    bad
}
