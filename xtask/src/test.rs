//! `cargo xtask test`: everything CI checks, in the order in which a failure is cheapest.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
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
/// Longest time that the whole story may take.
const STORY_LIMIT: Duration = Duration::from_secs(45 * 60);
/// Longest time that stories may take when somebody plays many seeds.
const DEEP_LIMIT: Duration = Duration::from_secs(8 * 60 * 60);
/// How many stories are played at a time beside the other checks.
const STORIES_BESIDE: &str = "3";
/// Longest time for what builds nothing.
const SHORT_LIMIT: Duration = Duration::from_secs(2 * 60);

/// Runs the checks; fails at the first that fails.
pub(crate) fn run(extent: Extent) -> Result<()> {
    let stories = RefCell::new(None);
    let mut phases = vec![
        Phase::new("format", || cargo(&["fmt", "--all", "--check"], SHORT_LIMIT)),
        Phase::new("clippy", clippy),
    ];
    let checks = [
        Phase::new("tests", || cargo(&["test", "--workspace"], BUILD_LIMIT)),
        Phase::new("deliberate bugs", || mutants(&[])),
        Phase::new("documentation", documentation),
    ];
    if extent == Extent::Quick {
        phases.extend(checks);
        return run_all(phases);
    }
    phases.push(Phase::new("lab tools", crate::lab::tools));
    phases.push(Phase::new("compilation of tests", || {
        cargo(&["test", "--workspace", "--no-run"], BUILD_LIMIT)
    }));
    // They wait for most of their time: for CloudWatch's minutes, pods and nodes.
    phases.push(Phase::new("stories begin", || {
        let started = Beside::start("stories", &mut story_command(STORIES_BESIDE), STORY_LIMIT)?;
        stories.replace(Some(started));
        Ok(())
    }));
    phases.extend(checks);
    phases.push(Phase::new("lab tests", lab_tests));
    phases.push(Phase::new("stories end", || stories.take().map_or(Ok(()), Beside::join)));
    run_all(phases)
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
