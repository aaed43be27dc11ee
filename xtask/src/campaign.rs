//! `cargo xtask campaign`: the deep campaign, which goes on where it was stopped.
//!
//! What was played counts for the sources it was played with, so its file in the cache folder is
//! named for them: another commit of the pure crates begins anew.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bowline_lab::{cache, command};
use sha2::{Digest, Sha256};

/// How many round trips are made unless it is said.
const TRIPS: &str = "1000000";

/// What a trial depends on.
const SOURCES: &[&str] = &["core", "sim", "Cargo.lock"];

/// What is in there and no part of a trial: tests, other commands, schedules that are kept.
const BESIDE: &[&str] = &["/tests/", "tests.rs", "testing.rs", ".md", "/examples/", ".json"];

/// Longest time that it may take.
const LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Plays until `--trips` round trips were made with these sources, on `--jobs` cores.
pub(crate) fn run(mut cargo: Command, arguments: &[&str]) -> Result<()> {
    let (mut trips, mut jobs) = (TRIPS, "2");
    let mut rest = arguments;
    while let [name, value, more @ ..] = rest {
        match *name {
            "--trips" => trips = value,
            "--jobs" => jobs = value,
            other => bail!("`{other}` is neither --trips nor --jobs"),
        }
        rest = more;
    }
    ensure!(rest.is_empty(), "what does `{}` mean? It has no value", rest.join(" "));
    let file = file()?;
    println!("what was played stands in {}", file.display());
    let deep = ["run", "--profile", "campaign", "--package", "bowline-sim", "--example", "deep"];
    cargo.args(deep).arg("--").arg(file).args([trips, jobs]);
    command::run(&mut cargo, LIMIT)
}

/// The file of these sources.
fn file() -> Result<PathBuf> {
    let changed = git(&[&["status", "--porcelain", "--"], SOURCES].concat())?;
    ensure!(changed.is_empty(), "commit first, so that it is known what was played:\n{changed}");
    let all = git(&[&["ls-tree", "-r", "HEAD", "--"], SOURCES].concat())?;
    let played = all.lines().filter(|line| !BESIDE.iter().any(|beside| line.contains(beside)));
    let name = hex::encode(&Sha256::digest(played.collect::<Vec<_>>().join("\n"))[..8]);
    let folder = cache::folder()?.join("campaign");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder.join(format!("{name}.jsonl")))
}

fn git(arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).output().context("git")?;
    ensure!(output.status.success(), "git {}: {}", arguments.join(" "), output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
