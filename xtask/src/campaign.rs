//! `cargo xtask campaign`: the deep campaign, which goes on where it was stopped.
//!
//! What was played counts for the sources it was played with, so its file in the cache folder is
//! named for them: another commit of the pure crates begins anew.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bowline_lab::{cache, command};

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
    let name = hash(&played.collect::<Vec<_>>().join("\n"))?;
    let folder = cache::folder()?.join("campaign");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder.join(format!("{name}.jsonl")))
}

/// One name for a list of files with their contents' names, as git makes them.
fn hash(list: &str) -> Result<String> {
    let mut git = Command::new("git");
    git.args(["hash-object", "--stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = git.spawn().context("git hash-object")?;
    let mut stdin = child.stdin.take().context("git hash-object reads nothing")?;
    stdin.write_all(list.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "git hash-object: {}", output.status);
    let name = String::from_utf8(output.stdout)?;
    Ok(name.chars().take(16).collect())
}

fn git(arguments: &[&str]) -> Result<String> {
    let output = Command::new("git").args(arguments).output().context("git")?;
    ensure!(output.status.success(), "git {}: {}", arguments.join(" "), output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
