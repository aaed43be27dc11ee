//! Counts what happens in scenarios, plays, crash points and trials of campaigns:
//!
//! ```text
//! coverage [--stories N] [--crashes] [--aimed N] [--seeds A..B]… [--policy NAME|FILE]
//!          [--faults LIST] [--jobs N] [--kept DIR]… [--file FILE] [--reasons] [--keep DIR]
//!          [--find CELL] [--tell SEED|FILE|N@CELL]
//! ```
//! Prints what was hit of what can be, and what never was; with `--reasons` also what cannot be
//! hit, and why. `--file` adds to what an earlier call counted; `--keep` writes down each aimed
//! trial that hit its cell, `--kept` plays what was written down; `--find` says which seeds hit a
//! cell; `--tell` only tells one trial.
//! Exit code 1: a promise was broken, or a cell hit that cannot be; 2: one was never hit that can.
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bowline_core::policy::examples;
use bowline_sim::campaign::{Faults, Outcome, Schedule, Story, aimed, generate, tell};
use bowline_sim::coverage::{Cell, Coverage, crashes, scenario, trial, universe};
use bowline_sim::crash::CASES;
use bowline_sim::mutants::PLAYS;
use bowline_sim::story::SCENARIOS;

type Bad = Box<dyn std::error::Error>;

/// A seed, the promise that its trial broke, and how.
type Broken = (u64, String, String);

/// What is to be counted, where, and what came of it.
struct Order {
    stories: u64,
    crashes: bool,
    seeds: Vec<Range<u64>>,
    story: Story,
    faults: Faults,
    jobs: usize,
    file: Option<String>,
    reasons: bool,
    aimed: u64,
    keep: Option<String>,
    kept: Vec<String>,
    find: Option<String>,
    tell: Option<String>,
}

fn main() -> Result<ExitCode, Bad> {
    let order = order()?;
    if let Some(which) = &order.tell {
        let schedule = told(&order, which)?;
        println!("{}{}", schedule.to_json(), tell(&schedule)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut coverage = match &order.file {
        Some(file) if std::fs::exists(file)? => {
            serde_json::from_str(&std::fs::read_to_string(file)?)?
        }
        _ => Coverage::default(),
    };
    stories(&order, &mut coverage);
    let mut broken = kept(&order, &mut coverage)?;
    broken.extend(aim(&order, &mut coverage)?);
    let all = Mutex::new(coverage);
    for seeds in &order.seeds {
        broken.extend(trials(&order, seeds.clone(), &all)?);
    }
    let coverage = all.into_inner()?;
    if let Some(file) = &order.file {
        std::fs::write(file, serde_json::to_string(&coverage)?)?;
    }
    broken.sort();
    for (seed, promise, why) in &broken {
        println!("seed {seed} broke {promise}: {why}");
    }
    if order.reasons {
        for (why, cells) in Coverage::impossible() {
            println!("{} cannot be hit: {why}", cells.len());
            cells.iter().for_each(|cell| println!("    {cell:?}"));
        }
    }
    print!("{coverage}");
    Ok(match coverage.missed().next() {
        _ if !broken.is_empty() => ExitCode::from(1),
        Some(_) => ExitCode::from(2),
        None => ExitCode::SUCCESS,
    })
}

fn order() -> Result<Order, Bad> {
    let mut order = Order {
        stories: 0,
        crashes: false,
        seeds: Vec::new(),
        story: Story::quick()?,
        faults: Faults::all(),
        jobs: 1,
        file: None,
        reasons: false,
        aimed: 0,
        keep: None,
        kept: Vec::new(),
        find: None,
        tell: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--stories" => order.stories = value()?.parse()?,
            "--crashes" => order.crashes = true,
            "--seeds" => {
                let text = value()?;
                let (from, to) = text.split_once("..").ok_or("--seeds A..B")?;
                order.seeds.push(from.parse()?..to.parse()?);
            }
            "--policy" => {
                let name = value()?;
                let text =
                    if std::fs::exists(&name)? { std::fs::read_to_string(name)? } else { name };
                order.story = Story::read(&text)?;
            }
            "--faults" => order.faults = value()?.parse()?,
            "--jobs" => order.jobs = value()?.parse()?,
            "--file" => order.file = Some(value()?),
            "--reasons" => order.reasons = true,
            "--aimed" => order.aimed = value()?.parse()?,
            "--kept" => order.kept.push(value()?),
            "--keep" => order.keep = Some(value()?),
            "--find" => order.find = Some(value()?),
            "--tell" => order.tell = Some(value()?),
            other => return Err(format!("{other} is no option; see the head of this file").into()),
        }
    }
    Ok(order)
}

fn stories(order: &Order, coverage: &mut Coverage) {
    let shop = examples::shop();
    for play in SCENARIOS.iter().chain(&PLAYS) {
        (1..=order.stories).for_each(|seed| coverage.merge(&scenario(play, &shop, seed)));
    }
    if order.stories > 0 {
        eprintln!("stories: {} of {}", coverage.hits(), Coverage::possible());
    }
    for case in CASES.iter().filter(|_| order.crashes) {
        let (table, hits) = crashes(case, &shop);
        coverage.merge(&hits);
        let (deaths, hits) = (table.rows.len(), coverage.hits());
        eprintln!("{}, {deaths} deaths: {hits} of {}", case.name, Coverage::possible());
    }
}

/// Plays the trials that were written down; gives those that broke a promise.
fn kept(order: &Order, coverage: &mut Coverage) -> Result<Vec<Broken>, Bad> {
    let mut broken = Vec::new();
    for folder in &order.kept {
        for file in std::fs::read_dir(folder)? {
            let path = file?.path();
            if path.extension().is_none_or(|end| end != "json") {
                continue;
            }
            let schedule = Schedule::from_json(&std::fs::read_to_string(path)?)?;
            broken.extend(add(order, schedule.seed, trial(&schedule)?, coverage));
        }
        eprintln!("{folder}: {} of {}", coverage.hits(), Coverage::possible());
    }
    Ok(broken)
}

/// Plays trials that are aimed at what was not hit yet; gives those that broke a promise.
fn aim(order: &Order, coverage: &mut Coverage) -> Result<Vec<Broken>, Bad> {
    let mut broken = Vec::new();
    for n in 0..order.aimed {
        for cell in coverage.missed().collect::<Vec<_>>() {
            if coverage.times(cell) > 0 {
                continue;
            }
            let Some(schedule) = aimed(cell, n, &order.story) else { continue };
            let (outcome, hits) = trial(&schedule)?;
            coverage.merge(&hits);
            let good = outcome.broken.is_empty() && hits.times(cell) > 0;
            if let Some(dir) = order.keep.as_ref().filter(|_| good) {
                std::fs::write(format!("{dir}/{}.json", cell.file_name()), schedule.to_json())?;
            }
            let first = outcome.broken.into_iter().next();
            broken.extend(first.map(|(promise, why)| (n, promise, format!("{cell:?}: {why}"))));
        }
        eprintln!("aimed, {n}: {} of {}", coverage.hits(), Coverage::possible());
    }
    Ok(broken)
}

/// The trial of a seed, of a file, or the n-th that is aimed at a cell: `N@CELL`.
fn told(order: &Order, which: &str) -> Result<Schedule, Bad> {
    if let Ok(seed) = which.parse() {
        return Ok(generate(seed, &order.faults, &order.story));
    }
    let Some((n, cell)) = which.split_once('@') else {
        return Ok(Schedule::from_json(&std::fs::read_to_string(which)?)?);
    };
    let cell = universe().keys().find(|known| format!("{known:?}") == cell);
    let schedule = aimed(*cell.ok_or("no such cell")?, n.parse()?, &order.story);
    Ok(schedule.ok_or("nothing is aimed at it")?)
}

/// Counts a trial that was played; gives the promise that it broke first.
fn add(
    order: &Order,
    seed: u64,
    (outcome, hits): (Outcome, Coverage),
    coverage: &mut Coverage,
) -> Option<Broken> {
    found(order, seed, &hits);
    coverage.merge(&hits);
    outcome.broken.into_iter().next().map(|(promise, why)| (seed, promise, why))
}

/// Says where a cell that is looked for was hit.
fn found(order: &Order, seed: u64, hits: &Coverage) {
    let cells: Vec<(Cell, u64)> = hits.clone().into();
    for (cell, times) in cells {
        if order.find.as_ref().is_some_and(|find| format!("{cell:?}").contains(find)) {
            println!("seed {seed} hit {cell:?} {times} times");
        }
    }
}

/// Plays the trials of some seeds; gives those that broke a promise.
fn trials(order: &Order, seeds: Range<u64>, all: &Mutex<Coverage>) -> Result<Vec<Broken>, Bad> {
    let (next, broken) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let work = || {
        let seed = || next.fetch_add(1, Ordering::Relaxed);
        while let Some(seed) = Some(seed()).filter(|seed| *seed < seeds.end) {
            // The policy was read before.
            let played = trial(&generate(seed, &order.faults, &order.story));
            let (Ok(played), Ok(mut all), Ok(mut broken)) = (played, all.lock(), broken.lock())
            else {
                return;
            };
            broken.extend(add(order, seed, played, &mut all));
            if (seed + 1 - seeds.start).is_multiple_of(250) {
                eprintln!("seed {seed}: {} of {}", all.hits(), Coverage::possible());
            }
        }
    };
    std::thread::scope(|scope| {
        (0..order.jobs).for_each(|_| drop(scope.spawn(work)));
    });
    Ok(broken.into_inner()?)
}
