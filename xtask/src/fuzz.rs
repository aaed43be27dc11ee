//! `cargo xtask fuzz`: every fuzz target for some seconds, on the stable toolchain.
//!
//! The targets are built as `cargo fuzz` builds them (LLVM's coverage counters, libFuzzer linked
//! in), without a sanitizer: the code under test forbids `unsafe`. What is found on the way is kept
//! in the target folder, and a failing input in `fuzz/artifacts`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bowline_lab::command;

/// How long each target runs unless it is said.
const SECONDS: u64 = 60;

/// Longest time that building the targets may take.
const BUILD_LIMIT: Duration = Duration::from_secs(40 * 60);

/// What `cargo fuzz` tells the compiler, sanitizers aside.
const COVERAGE: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// What is to be run.
#[derive(Debug, PartialEq)]
struct Wanted<'a> {
    seconds: u64,
    /// None: all of them.
    target: Option<&'a str>,
}

/// Builds the targets and runs them one after the other; fails at the first that fails.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let wanted = wanted(arguments)?;
    let folder = Path::new("fuzz");
    let targets = targets(folder)?;
    let unknown = wanted.target.filter(|name| !targets.iter().any(|target| target == name));
    if let Some(name) = unknown {
        bail!("no fuzz target `{name}`; there are {}", targets.join(", "));
    }
    let programs = build()?;
    let kept = programs.join("corpus");
    let chosen = targets.iter().filter(|name| wanted.target.is_none_or(|one| one == name.as_str()));
    for name in chosen {
        let started = Instant::now();
        let executions = one(folder, &programs, (&kept, name), wanted.seconds)?;
        let seconds = started.elapsed().as_secs_f64();
        println!("fuzz {name:<8} {executions:>10} executions in {seconds:.0} s, nothing found");
    }
    Ok(())
}

fn wanted<'a>(arguments: &[&'a str]) -> Result<Wanted<'a>> {
    let mut wanted = Wanted { seconds: SECONDS, target: None };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--seconds" => {
                let value = rest.next().context("--seconds wants a number")?;
                wanted.seconds = value.parse().with_context(|| format!("--seconds {value}"))?;
                ensure!(wanted.seconds > 0, "--seconds 0 would run until it is stopped");
            }
            other if other.starts_with('-') || wanted.target.is_some() => {
                bail!("fuzz does not know `{other}`: cargo xtask fuzz [TARGET] [--seconds N]")
            }
            name => wanted.target = Some(name),
        }
    }
    Ok(wanted)
}

/// The targets' names, from their files.
fn targets(folder: &Path) -> Result<Vec<String>> {
    let files = std::fs::read_dir(folder.join("fuzz_targets")).context("fuzz/fuzz_targets")?;
    let mut names = Vec::new();
    for file in files {
        let path = file?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; gives the folder with the programs.
fn build() -> Result<PathBuf> {
    let to = crate::test::target_folder().join("fuzz");
    // Named, so that build scripts and macros are compiled without the counters.
    let host = host()?;
    let manifest = ["--manifest-path", "fuzz/Cargo.toml", "--target", &host];
    let build = [&["build", "--release", "--bins"], &manifest[..]].concat();
    let mut cargo = crate::test::cargo_command(&build);
    cargo.env("CARGO_TARGET_DIR", &to).env("RUSTFLAGS", COVERAGE.join(" "));
    command::run(&mut cargo, BUILD_LIMIT)?;
    Ok(to.join(host).join("release"))
}

fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("starting rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

/// Runs one target; how often it was executed.
fn one(folder: &Path, programs: &Path, (kept, name): (&Path, &str), seconds: u64) -> Result<u64> {
    let (kept, artifacts) = (kept.join(name), folder.join("artifacts").join(name));
    for path in [&kept, &artifacts] {
        std::fs::create_dir_all(path).with_context(|| path.display().to_string())?;
    }
    let mut program = Command::new(programs.join(name));
    program.arg(&kept).arg(folder.join("seeds").join(name));
    program.arg(format!("-max_total_time={seconds}"));
    program.arg(format!("-artifact_prefix={}/", artifacts.display()));
    program.args(["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"]);
    let output = program.output().with_context(|| format!("starting fuzz target {name}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    let failing = artifacts.display();
    ensure!(output.status.success(), "fuzz {name} failed; the input is in {failing}\n{told}");
    executions(&told).with_context(|| format!("fuzz {name} does not say what it did\n{told}"))
}

/// How often libFuzzer says that it ran its target; it must have run at all.
fn executions(told: &str) -> Result<u64> {
    let line = told.lines().find_map(|l| l.strip_prefix("stat::number_of_executed_units:"));
    let count: u64 = line.context("no number of executed units")?.trim().parse()?;
    ensure!(count > 0, "it was never executed");
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_a_target_are_understood_and_everything_else_is_refused() {
        assert_eq!(wanted(&[]).unwrap(), Wanted { seconds: SECONDS, target: None });
        let both = wanted(&["chain", "--seconds", "5"]).unwrap();
        assert_eq!(both, Wanted { seconds: 5, target: Some("chain") });
        for wrong in [&["--seconds"][..], &["--seconds", "x"], &["--seconds", "0"], &["a", "b"]] {
            assert!(wanted(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_target_that_was_never_executed_is_no_success() {
        assert_eq!(executions("x\nstat::number_of_executed_units: 12\ny").unwrap(), 12);
        assert!(executions("stat::number_of_executed_units: 0").is_err());
        assert!(executions("").is_err());
    }
}
