//! `cargo xtask mutants --core`: cargo-mutants' mutants of `core`, against the quick tests.
//!
//! The work is done by `xtask/mutation/mutation.py`; here is what it needs: cargo-mutants in its
//! pinned version, and a folder outside the checkout in which results gather from run to run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use bowline_lab::{cache, command};

/// The release that lists the mutants.
const VERSION: &str = "27.1.0";
/// Longest time for building it.
const INSTALL_LIMIT: Duration = Duration::from_secs(40 * 60);
/// Longest time for all mutants.
const LIMIT: Duration = Duration::from_secs(24 * 60 * 60);
/// What does the work.
const PROGRAM: &str = "xtask/mutation/mutation.py";

/// Runs the program; `arguments` are its own. Without any: everything, from the list to the table.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let cache = cache::folder()?;
    let programs = installed(&cache)?.join("bin");
    let mut python = Command::new("python3");
    python.arg(PROGRAM).args(if arguments.is_empty() { &["all"] } else { arguments });
    python.env("PATH", before(&programs, std::env::var_os("PATH"))?);
    if std::env::var_os("BOWLINE_MUTATION").is_none() {
        python.env("BOWLINE_MUTATION", cache.join("mutation"));
    }
    command::run(&mut python, LIMIT)
}

/// The folder of cargo-mutants; it is installed if it is not there.
fn installed(cache: &Path) -> Result<PathBuf> {
    let place = cache.join(format!("cargo-mutants-{VERSION}"));
    if !place.join("bin/cargo-mutants").exists() {
        println!("mutants: installing cargo-mutants {VERSION}, once");
        let mut cargo = crate::test::cargo_command(&["install", "--quiet", "--locked", "--root"]);
        cargo.arg(&place).args(["cargo-mutants", "--version", VERSION]);
        command::run(&mut cargo, INSTALL_LIMIT)?;
    }
    Ok(place)
}

/// `path` with a folder before all others.
fn before(folder: &Path, path: Option<OsString>) -> Result<OsString> {
    let rest = path.unwrap_or_default();
    let all = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).context("PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pinned_cargo_mutants_comes_before_any_other() {
        let path = before(Path::new("/cache/bin"), Some("/usr/bin:/bin".into())).unwrap();
        assert_eq!(path, OsString::from("/cache/bin:/usr/bin:/bin"));
        assert!(before(Path::new("/a:b"), None).is_err(), "a colon cannot be in PATH");
    }

    #[test]
    fn the_program_is_where_it_is_looked_for() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert!(root.join(PROGRAM).is_file());
    }
}
