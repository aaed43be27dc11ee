//! `cargo xtask test`: everything CI checks, in the order in which a failure is cheapest.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use bowline_lab::{cache, command};

use crate::beside::Beside;
use crate::phases::{Phase, run_all};

/// How much is checked.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Extent {
    /// All but what needs the lab.
    Quick,
    /// All.
    Everything,
}

/// Longest time that a build or a test run of the workspace may take.
const BUILD_LIMIT: Duration = Duration::from_secs(40 * 60);
/// Longest time that what runs beside the other checks may take.
const BESIDE_LIMIT: Duration = Duration::from_secs(60 * 60);
/// Longest time that stories may take when somebody plays many seeds.
const DEEP_LIMIT: Duration = Duration::from_secs(8 * 60 * 60);
/// How many stories are played at a time beside the other checks.
const STORIES_BESIDE: &str = "3";
/// The seeds that are played, under which faults, on how many cores, and which story.
const CAMPAIGN: &[&str] = &["0", "33000", "all", "2", "swift", "20000"];
/// What everything that can happen is counted in.
const COVERAGE: &[&str] = &[
    "--stories",
    "2",
    "--crashes",
    "--kept",
    "sim/coverage/kept",
    "--kept",
    "sim/campaigns",
    "--aimed",
    "14",
    "--seeds",
    "0..1000",
    "--policy",
    "brisk",
];
/// How long each fuzz target runs.
const FUZZ_SECONDS: &str = "10";
/// Longest time for what builds nothing.
const SHORT_LIMIT: Duration = Duration::from_secs(2 * 60);

/// Runs the checks; fails at the first that fails.
pub(crate) fn run(extent: Extent) -> Result<()> {
    let beside = RefCell::new(Vec::new());
    let begin = |name: &'static str, (what, mut command, limit): (&'static str, Command, _)| {
        let beside = &beside;
        Phase::new(name, move || {
            beside.borrow_mut().push(Beside::start(what, &mut command, limit)?);
            Ok(())
        })
    };
    let mut phases = vec![
        Phase::new("format", || cargo(&["fmt", "--all", "--check"], SHORT_LIMIT)),
        Phase::new("clippy", clippy),
    ];
    if extent == Extent::Everything {
        phases.push(Phase::new("lab tools", crate::lab::tools));
    }
    phases.push(Phase::new("compilation of tests", || {
        cargo(&["test", "--workspace", "--no-run"], BUILD_LIMIT)
    }));
    if extent == Extent::Everything {
        // They wait for most of their time: for CloudWatch's minutes, pods and nodes.
        let stories = ("stories", story_command(STORIES_BESIDE), BESIDE_LIMIT);
        phases.push(begin("stories begin", stories));
    }
    phases.push(begin("campaign begins", ("campaign", campaign_command(), BESIDE_LIMIT)));
    phases.push(begin("coverage begins", ("coverage", coverage_command(), BESIDE_LIMIT)));
    phases.push(begin("fuzzing begins", ("fuzzing", fuzz_command()?, BESIDE_LIMIT)));
    phases.push(Phase::new("tests", || cargo(&["test", "--workspace"], BUILD_LIMIT)));
    phases.push(Phase::new("deliberate bugs", || mutants(&[])));
    phases.push(Phase::new("one log, however it is compiled", one_log));
    phases.push(Phase::new("documentation", documentation));
    if extent == Extent::Everything {
        phases.push(Phase::new("lab tests", lab_tests));
    }
    phases.push(Phase::new("what runs beside ends", || {
        beside.take().into_iter().try_for_each(Beside::join)
    }));
    run_all(phases)
}

/// Trials under all faults: it fails with fewer than 20,000 round trips.
fn campaign_command() -> Command {
    in_idle_time(&example("campaign", &["--release"], CAMPAIGN))
}

/// Everything that can happen did, counted anew.
fn coverage_command() -> Command {
    in_idle_time(&example("coverage", &["--release"], COVERAGE))
}

/// An example of the simulator.
fn example(name: &str, profile: &[&str], arguments: &[&str]) -> Command {
    let run = ["run", "--quiet", "--package", "bowline-sim", "--example", name];
    cargo_command(&[&run[..], profile, &["--"], arguments].concat())
}

/// The same seeds give the same chains, byte for byte, with and without optimisation.
fn one_log() -> Result<()> {
    let told = |profile: &[&str]| {
        command::stdout(&mut example("fingerprint", profile, &["1", "2"]), BUILD_LIMIT)
    };
    let (debug, release) = (told(&[])?, told(&["--release"])?);
    let differ = debug.lines().zip(release.lines()).find(|(debug, release)| debug != release);
    ensure!(debug == release, "debug and release differ: {differ:?}");
    ensure!(debug.contains("campaign swift 2: "), "nothing was played:\n{debug}");
    println!("{} logs are the same in debug and release", debug.lines().count());
    Ok(())
}

/// Every fuzz target for a moment.
fn fuzz_command() -> Result<Command> {
    let mut xtask = Command::new(std::env::current_exe()?);
    Ok(in_idle_time(xtask.args(["fuzz", "--seconds", FUZZ_SECONDS])))
}

/// The same command, which takes only what time the other checks leave.
fn in_idle_time(command: &Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"]).arg(command.get_program()).args(command.get_args());
    nice.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    nice
}

/// Prints the numbers behind `tests/tidy.rs`.
pub(crate) fn tidy() -> Result<()> {
    let arguments = ["test", "--quiet", "--test", "tidy", "--", "--nocapture", "--test-threads=1"];
    cargo(&arguments, BUILD_LIMIT)
}

/// Breaks Bowline on purpose, and insists that the oracle notices.
pub(crate) fn mutants(arguments: &[&str]) -> Result<()> {
    crate::mutants::run(cargo_command(&[]), arguments)
}

fn clippy() -> Result<()> {
    let arguments = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    cargo(&arguments, BUILD_LIMIT)
}

fn documentation() -> Result<()> {
    let mut doc = cargo_command(&["doc", "--workspace", "--no-deps"]);
    command::run(doc.env("RUSTDOCFLAGS", "-D warnings"), BUILD_LIMIT)
}

/// Tests that need the lab are ignored by a plain `cargo test`; here they run one at a time. The
/// stories run beside them.
fn lab_tests() -> Result<()> {
    let targets = ["--lib", "--bins", "--test", "wire", "--test", "lab", "--test", "stage"];
    let end = ["--", "--ignored", "--test-threads=1"];
    cargo(&[&["test", "--workspace"], &targets[..], &end[..]].concat(), BUILD_LIMIT)
}

/// Plays the stories whose names contain `which` on real parts, one after the other, and tells how
/// long each thing took.
pub(crate) fn story(which: &str) -> Result<()> {
    crate::lab::tools()?;
    command::run(story_command("1").arg(which), DEEP_LIMIT)
}

/// Plays so many stories at a time, each in a lab of its own.
fn story_command(at_a_time: &str) -> Command {
    let threads = format!("--test-threads={at_a_time}");
    let ignored = ["--", "--ignored", "--nocapture", &threads];
    cargo_command(&[&["test", "--workspace", "--test", "story"], &ignored[..]].concat())
}

fn cargo(arguments: &[&str], limit: Duration) -> Result<()> {
    command::run(&mut cargo_command(arguments), limit)
}

/// The cargo that runs us; in CI its results go to the cache folder, where the next clone finds
/// them again.
pub(crate) fn cargo_command(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).env("CARGO_TARGET_DIR", target_folder());
    cargo
}

/// Where cargo's results go: as it was told, in CI to the cache folder, else to `target`.
pub(crate) fn target_folder() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    match (set("CARGO_TARGET_DIR"), set("CI"), cache::folder()) {
        (Some(told), ..) => PathBuf::from(told),
        (None, Some(_), Ok(cache)) => cache.join("target"),
        _ => PathBuf::from("target"),
    }
}
