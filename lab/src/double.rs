//! The lab's own processes: the program that they all are, and one of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::command;
use crate::install::Progress;
use crate::process::{Process, Record};
use crate::reaper::Reaper;

/// Longest time to build the program.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
/// Longest time for one to get ready.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Builds `name`, a program of this workspace, and gives its path. It is built together with the
/// integration test `test` of its package: `cargo test` has built it so already, while another
/// profile would compile the AWS SDK once more. Fails if cargo does.
pub fn build(name: &str, test: &str, progress: Progress<'_>) -> Result<PathBuf> {
    progress(&format!("building {name}, unless it is built"));
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--workspace", "--no-run", "--test", test]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    let told = command::stdout(&mut cargo, BUILD_LIMIT);
    let told = told.with_context(|| format!("cannot build {name}"))?;
    let found = told.lines().find_map(|line| executable(line, name));
    found.with_context(|| format!("cargo names no executable {name} beside the test {test}"))
}

/// The program that all doubles are.
pub(crate) fn program(progress: Progress<'_>) -> Result<PathBuf> {
    build("bowline-doubles", "doubles", progress)
}

/// The program's path, if the line is cargo's word on it.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let target = &message["target"];
    let ours = target["name"] == name && target["kind"][0] == "bin";
    let program = ours && message["profile"]["test"] == false;
    message["executable"].as_str().filter(|_| program).map(PathBuf::from)
}

/// A running double; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Double {
    place: String,
    process: Process,
}

/// A double as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubleState {
    /// The site it belongs to, `global`, or `bowline` for Bowline's own ways.
    pub place: String,
    /// Its process.
    pub process: Record,
}

/// What all doubles of a lab share.
#[derive(Clone, Copy)]
pub(crate) struct Troupe<'a> {
    pub(crate) program: &'a Path,
    pub(crate) folder: &'a Path,
    pub(crate) reaper: &'a Reaper,
}

impl Troupe<'_> {
    /// Starts the double `name` at `place` and waits until every address of `listens` is served.
    pub(crate) fn start(
        &self,
        (place, name): (&str, &str),
        arguments: &[String],
        listens: &[SocketAddr],
    ) -> Result<Double> {
        let log = self.folder.join(format!("{place}-{name}.log"));
        let mut command = Command::new(self.program);
        command.arg(name).args(arguments);
        let process = Process::spawn(name, &mut command, &log)?;
        self.reaper.watch(process.record())?;
        let serves = || {
            listens.iter().try_for_each(|address| {
                let limit = Duration::from_secs(1);
                std::net::TcpStream::connect_timeout(address, limit)
                    .map(drop)
                    .with_context(|| address.to_string())
            })
        };
        let ready = process.wait_ready(READY_LIMIT, serves);
        ready.with_context(|| format!("{name} of {place}"))?;
        Ok(Double { place: place.to_owned(), process })
    }

    /// The same, with its configuration in a file.
    pub(crate) fn start_with(
        &self,
        (place, name): (&str, &str),
        config: &serde_json::Value,
        listens: &[SocketAddr],
    ) -> Result<Double> {
        let path = self.folder.join(format!("{place}-{name}.json"));
        std::fs::write(&path, serde_json::to_string_pretty(config)?)?;
        let Some(path) = path.to_str() else { bail!("{} is not UTF-8", path.display()) };
        self.start((place, name), &["--config".to_owned(), path.to_owned()], listens)
    }

    /// Runs one that ends by itself; gives what it printed.
    pub(crate) fn run(&self, arguments: &[&str], limit: Duration) -> Result<String> {
        command::stdout(Command::new(self.program).args(arguments), limit)
    }
}

impl Double {
    /// Where it belongs.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// What it is known by.
    pub(crate) fn state(&self) -> DoubleState {
        DoubleState { place: self.place.clone(), process: self.process.record().clone() }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        self.process.record().signal(signal)
    }

    /// Lets it live on when this is dropped.
    pub(crate) fn detach(&self) {
        self.process.detach();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_in_what_cargo_says() {
        const NAME: &str = "bowline-doubles";
        let message = |kind: &str, test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact",
                "target": { "name": NAME, "kind": [kind] },
                "profile": { "test": test },
                "executable": "/t/debug/bowline-doubles",
            })
            .to_string()
        };
        assert_eq!(
            executable(&message("bin", false), NAME),
            Some("/t/debug/bowline-doubles".into())
        );
        assert_eq!(executable(&message("bin", true), NAME), None, "its unit tests");
        assert_eq!(executable(&message("test", true), NAME), None);
        assert_eq!(executable("warning: x", NAME), None);
        assert_eq!(executable(&message("bin", false), "bowline"), None, "another's");
    }
}
