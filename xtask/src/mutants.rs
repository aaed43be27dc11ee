//! `cargo xtask mutants`: the simulator with deliberate bugs in it. They are a cargo feature that
//! no package of the workspace turns on, so nothing else that is built has them.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use bowline_lab::command;

/// Longest time for the build and all bugs.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// Builds and plays; `arguments` are the program's own: seeds, and the names of bugs.
pub(crate) fn run(mut cargo: Command, arguments: &[&str]) -> Result<()> {
    command::run(cargo.args(BUILD).args(arguments), LIMIT)
}

/// A build beside the others: its results have names of their own.
const BUILD: &[&str] = &[
    "run",
    "--quiet",
    "--package",
    "bowline-sim",
    "--features",
    "bugs",
    "--example",
    "mutants",
    "--",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The lines of a manifest in which `bugs` stands.
    fn bugs(manifest: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = std::fs::read_to_string(root.join(manifest)).unwrap();
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        lines.filter(|line| line.contains("bugs")).map(str::to_owned).collect()
    }

    #[test]
    fn no_package_turns_the_bugs_on() {
        for manifest in ["Cargo.toml", "lab/Cargo.toml", "lab/doubles/Cargo.toml"] {
            assert_eq!(bugs(manifest), [""; 0], "{manifest}");
        }
        assert_eq!(bugs("core/Cargo.toml"), ["bugs = []"]);
        let passed_on = "bugs = [\"bowline-core/bugs\"]";
        assert_eq!(bugs("sim/Cargo.toml"), [passed_on, "required-features = [\"bugs\"]"]);
    }

    #[test]
    fn a_program_that_fails_fails_the_command() {
        assert!(run(Command::new("false"), &[]).is_err());
        assert!(run(Command::new("true"), &["--seeds", "1"]).is_ok());
    }
}
