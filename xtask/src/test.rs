//! `cargo xtask test`: everything CI checks, in the order in which a failure is cheapest.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use bowline_lab::{cache, command};

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
/// What the tests are called that play all of it.
const WHOLE_STORY: &str = "whole_story";
/// Longest time for what builds nothing.
const SHORT_LIMIT: Duration = Duration::from_secs(2 * 60);

/// Runs the checks; fails at the first that fails.
pub(crate) fn run(extent: Extent) -> Result<()> {
    let mut phases = vec![
        Phase::new("format", || cargo(&["fmt", "--all", "--check"], SHORT_LIMIT)),
        Phase::new("clippy", clippy),
        Phase::new("tests", || cargo(&["test", "--workspace"], BUILD_LIMIT)),
        Phase::new("documentation", documentation),
    ];
    if extent == Extent::Everything {
        phases.push(Phase::new("lab tools", crate::lab::tools));
        phases.push(Phase::new("lab tests", lab_tests));
    }
    run_all(phases)
}

/// Prints the numbers behind `tests/tidy.rs`.
pub(crate) fn tidy() -> Result<()> {
    let arguments = ["test", "--quiet", "--test", "tidy", "--", "--nocapture", "--test-threads=1"];
    cargo(&arguments, BUILD_LIMIT)
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
/// way home waits for CloudWatch's minutes for most of half an hour: that is [`story`]'s.
fn lab_tests() -> Result<()> {
    let arguments = ["test", "--workspace", "--tests", "--", "--ignored", "--test-threads=1"];
    cargo(&[&arguments[..], &["--skip", WHOLE_STORY]].concat(), BUILD_LIMIT)
}

/// Plays the whole story on real parts, and tells how long each thing took.
pub(crate) fn story() -> Result<()> {
    crate::lab::tools()?;
    let arguments = ["test", "--workspace", "--test", "story", "--", "--ignored", "--nocapture"];
    let one_by_one = ["--test-threads=1", WHOLE_STORY];
    cargo(&[&arguments[..], &one_by_one].concat(), BUILD_LIMIT + STORY_LIMIT)
}

fn cargo(arguments: &[&str], limit: Duration) -> Result<()> {
    command::run(&mut cargo_command(arguments), limit)
}

/// The cargo that runs us; in CI its results go to the cache folder, where the next clone finds
/// them again.
fn cargo_command(arguments: &[&str]) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if let (true, false, Ok(cache)) = (set("CI"), set("CARGO_TARGET_DIR"), cache::folder()) {
        cargo.env("CARGO_TARGET_DIR", cache.join("target"));
    }
    cargo
}
