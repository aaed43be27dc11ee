//! A command that runs beside others: what mostly waits need not be waited for.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bowline_lab::command;

/// A command that was started; it ends, with its descendants, when this is dropped.
pub(crate) struct Beside {
    name: String,
    child: Child,
    ends: Instant,
    log: PathBuf,
}

impl Beside {
    /// Starts `command`; what it writes goes to a file among the temporary ones.
    pub(crate) fn start(what: &str, command: &mut Command, limit: Duration) -> Result<Self> {
        let name = command::describe(command);
        let file = format!("bowline-{what}-{}.log", std::process::id());
        let log = std::env::temp_dir().join(file);
        let output = File::create(&log).with_context(|| format!("log {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        eprintln!("{name}: runs beside what follows; tail -f {}", log.display());
        Ok(Self { name, child, ends: Instant::now() + limit, log })
    }

    /// Waits until it has ended. A failure shows what it wrote, and keeps the file.
    pub(crate) fn join(mut self) -> Result<()> {
        let left = self.ends.saturating_duration_since(Instant::now());
        let ended = command::wait_or_kill(&mut self.child, left);
        let written = fs::read(&self.log)?;
        if !matches!(&ended, Ok(status) if status.success()) {
            eprintln!("{}", String::from_utf8_lossy(&written));
        }
        let status = ended.with_context(|| self.name.clone())?;
        if !status.success() {
            bail!("{}: {status}; its log is kept: {}", self.name, self.log.display());
        }
        Ok(fs::remove_file(&self.log)?)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // One that has ended is what is wanted.
        let _ended = command::wait_or_kill(&mut self.child, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn shell(name: &str, script: &str) -> Beside {
        Beside::start(name, Command::new("sh").args(["-c", script]), LIMIT).unwrap()
    }

    #[test]
    fn a_failure_is_told_and_its_log_kept() {
        let (good, bad) = (shell("good", "echo fine"), shell("bad", "echo why; exit 3"));
        let log = bad.log.clone();
        let error = bad.join().unwrap_err().to_string();
        assert!(error.contains("exit status: 3"), "{error}");
        assert_eq!(fs::read_to_string(&log).unwrap(), "why\n");
        fs::remove_file(log).unwrap();
        let log = good.log.clone();
        good.join().unwrap();
        assert!(!log.exists());
    }

    #[test]
    fn it_ends_when_nobody_waits_for_it() {
        let began = Instant::now();
        let sleeper = shell("sleeper", "sleep 600");
        let pid = sleeper.child.id();
        drop(sleeper);
        assert!(!PathBuf::from(format!("/proc/{pid}")).exists());
        assert!(began.elapsed() < LIMIT);
    }
}
