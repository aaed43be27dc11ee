//! `bowline simulate`: campaigns of whole replicas in simulated worlds, with faults drawn from
//! seeds.

mod campaign;
mod summary;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bowline_sim::campaign::{Faults, Outcome, Schedule, Story, shrink, tell};
use bowline_sim::coverage::trial;
use clap::Args;

use super::demo::Output;
use super::exit::Exit;
use summary::{Failure, Summary};

/// Trials that making a failing schedule small may take.
const SHRINK: u32 = 400;

/// `bowline simulate`.
#[derive(Clone, Debug, Args)]
#[command(long_about = "\
Play whole replicas of Bowline in simulated worlds where everything goes wrong, and judge every \
promise.

Each seed is a trial of its own: home's Region is lost, and beside that go wrong the kinds of \
faults that --faults names. Then all is well again, and everything must come home. A seed gives \
the same trial everywhere. The first trial that breaks a promise is made small, written to a file \
that --replay plays again, and told. Nothing real is touched.")]
pub struct SimulateArgs {
    /// The seeds, the last one not included.
    #[arg(long, value_name = "A..B", value_parser = seeds, required_unless_present = "replay")]
    pub seeds: Option<Range<u64>>,
    /// What may go wrong: all, none, or names with commas between.
    #[arg(long, value_name = "LIST", default_value = "all")]
    pub faults: Faults,
    /// The policy's file; without it one whose times make a round trip short.
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub policy: Option<PathBuf>,
    /// Stop after so many minutes, wherever it is then.
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    pub minutes: Option<u64>,
    /// How many trials at once; without it as many as there are cores.
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=512))]
    pub jobs: Option<u16>,
    /// Go on after a broken promise, and count them.
    #[arg(long, conflicts_with = "replay")]
    pub keep_going: bool,
    /// List what could be reached and never was.
    #[arg(long, conflicts_with = "replay")]
    pub coverage: bool,
    /// The folder for the file of a trial that breaks a promise.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub failures: PathBuf,
    /// Play the trial of such a file, and tell it.
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    pub replay: Option<PathBuf>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// Runs `bowline simulate`; `out` is for data, `err` for everything else.
///
/// # Errors
/// A file that cannot be read or written, or a policy that is none.
pub fn run(args: &SimulateArgs, out: &mut impl Write, err: &mut impl Write) -> Result<Exit> {
    match (&args.replay, &args.seeds) {
        (Some(file), _) => replay(args, file, out),
        (None, Some(seeds)) => simulate(args, seeds.clone(), out, err),
        (None, None) => Err(anyhow!("say which seeds to play: --seeds A..B")),
    }
}

fn replay(args: &SimulateArgs, file: &Path, out: &mut impl Write) -> Result<Exit> {
    let place = || file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(place)?;
    let schedule = Schedule::from_json(&text).with_context(place)?;
    let (outcome, _) = trial(&schedule).with_context(place)?;
    match args.output {
        Output::Text => write!(out, "{}", tell(&schedule).with_context(place)?)?,
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &outcome)?;
            writeln!(out)?;
        }
    }
    Ok(if outcome.good() { Exit::Done } else { Exit::Failed })
}

fn simulate(
    args: &SimulateArgs,
    seeds: Range<u64>,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<Exit> {
    let source = match &args.policy {
        Some(file) => super::policy::read(file)?,
        None => "brisk".into(),
    };
    let story = Story::read(&source)?;
    let order = campaign::Order {
        seeds,
        faults: &args.faults,
        story: &story,
        jobs: jobs(args.jobs),
        keep_going: args.keep_going,
        at_most: args.minutes.map(|minutes| Duration::from_secs(minutes * 60)),
    };
    let played = campaign::play_all(&order, err);
    let failure = match &played.first {
        Some((schedule, outcome)) => Some(told(args, schedule, outcome, err)?),
        None => None,
    };
    let summary = Summary::of(&played, failure);
    match args.output {
        Output::Text => summary.write(out, args.coverage)?,
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &summary)?;
            writeln!(out)?;
        }
    }
    Ok(if played.broken == 0 { Exit::Done } else { Exit::Failed })
}

/// Makes a failing schedule small, writes it down, and tells it.
fn told(
    args: &SimulateArgs,
    schedule: &Schedule,
    outcome: &Outcome,
    err: &mut impl Write,
) -> Result<Failure> {
    let promise = outcome.first().unwrap_or_default().to_owned();
    writeln!(err, "seed {} breaks {promise}: making it small", schedule.seed)?;
    let still = |smaller: &Schedule| trial(smaller).is_ok_and(|(one, _)| one.broke(&promise));
    let shrunk = shrink(schedule, SHRINK, still);
    let file = args.failures.join(format!("{promise}-{}.json", schedule.seed));
    std::fs::create_dir_all(&args.failures)
        .and_then(|()| std::fs::write(&file, shrunk.schedule.to_json()))
        .with_context(|| file.display().to_string())?;
    Ok(Failure {
        seed: schedule.seed,
        why: outcome.broken.first().map(|(_, why)| why.clone()).unwrap_or_default(),
        promise,
        file: file.display().to_string(),
        events: shrunk.schedule.events.len(),
        trials: shrunk.trials,
        timeline: tell(&shrunk.schedule)?,
    })
}

fn jobs(wanted: Option<u16>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    wanted.map_or_else(cores, usize::from)
}

/// `A..B`, with at least one seed in it.
fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || format!("{text:?} is no range of seeds; write it like 0..1000");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse().map_err(|_| wrong());
    let range: Range<u64> = number(from)?..number(to)?;
    if range.is_empty() { Err(format!("there is no seed in {text}")) } else { Ok(range) }
}
