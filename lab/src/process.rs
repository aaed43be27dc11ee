//! One process of the lab: the leader of its own process group, known by id and start time.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::command::describe;
use crate::procfs;
use crate::wait::{Look, until};

/// How long a stop may take.
const STANDS_STILL: Duration = Duration::from_secs(10);

/// How much of a log goes into an error.
const LOG_TAIL_LINES: usize = 12;

/// What a process is known by, for those who did not start it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it runs: `etcd`, `kube-apiserver` …
    pub name: String,
    /// The process id, which is its group's too.
    pub pid: u32,
    /// Its start time in clock ticks since boot.
    pub start: u64,
    /// Where its output goes.
    pub log: PathBuf,
}

impl Record {
    /// Whether it still runs; a stopped one does.
    pub fn runs(&self) -> bool {
        procfs::runs(self.pid, self.start)
    }

    /// How it does, in a word: `running`, `frozen` or `gone`.
    pub fn condition(&self) -> &'static str {
        match procfs::look(self.pid) {
            Some(seen) if seen.start != self.start || seen.state == 'Z' => "gone",
            Some(seen) if seen.state == 'T' => "frozen",
            Some(_) => "running",
            None => "gone",
        }
    }

    /// Sends `signal` to the whole group, if the process still is the recorded one. After a stop it
    /// stands still: on a busy machine that takes a moment.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        if !self.runs() {
            bail!("{} (process {}) is not running", self.name, self.pid);
        }
        let group = Pid::from_raw(self.pid as i32).context("a process id is never 0")?;
        let failed = || format!("cannot signal {}", self.name);
        kill_process_group(group, signal).with_context(failed)?;
        if signal != Signal::STOP {
            return Ok(());
        }
        until(&format!("{} is to stand still", self.name), STANDS_STILL, || {
            let seen = self.condition();
            Ok(if seen == "frozen" { Look::There(()) } else { Look::NotYet(seen.to_owned()) })
        })
    }

    /// The end of its log, for an error.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

/// A running process; it is killed with its group when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    record: Record,
    /// `None` once it was collected, or let go.
    child: Mutex<Option<Child>>,
}

impl Process {
    /// Starts `command` as the leader of a new group, its output added to the file `log`.
    pub(crate) fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log);
        let output = output.with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        let child =
            command.spawn().with_context(|| format!("cannot start {}", describe(command)))?;
        let pid = child.id();
        let start = procfs::look(pid).map_or(0, |seen| seen.start);
        let record = Record { name: name.to_owned(), pid, start, log: log.to_owned() };
        Ok(Self { record, child: Mutex::new(Some(child)) })
    }

    /// What it is known by.
    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Fails, with the end of its log, if it has ended.
    pub(crate) fn check(&self) -> Result<()> {
        if !self.record.runs() {
            let Record { name, log, .. } = &self.record;
            bail!("{name} ended; its log, {}:\n{}", log.display(), self.record.log_tail());
        }
        Ok(())
    }

    /// Waits until `ready` says so; fails at once if the process ends, and at the limit with what
    /// `ready` said last.
    pub(crate) fn wait_ready(&self, limit: Duration, ready: impl Fn() -> Result<()>) -> Result<()> {
        until(&self.record.name, limit, || {
            self.check()?;
            Ok(match ready() {
                Ok(()) => Look::There(()),
                Err(error) => Look::NotYet(format!("{error:#}")),
            })
        })
    }

    /// Kills it and its group with SIGKILL, and collects it. Doing so twice is no error.
    pub(crate) fn kill(&self) -> Result<()> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut running) = child.take() {
            // Not yet collected, so the id is still its own, ended or not.
            let group = Pid::from_child(&running);
            let killed = kill_process_group(group, Signal::KILL);
            running.wait()?;
            killed.with_context(|| format!("cannot kill {}", self.record.name))?;
        }
        Ok(())
    }

    /// Lets it live on when this is dropped.
    pub(crate) fn detach(&self) {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("lab: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(test: &str) -> Process {
        let log = std::env::temp_dir().join(format!("bowline-{test}-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        let process =
            Process::spawn("sleeper", command.args(["-c", "echo hello; exec sleep 99"]), &log);
        process.unwrap()
    }

    #[test]
    fn a_process_stops_and_goes_on() {
        let process = sleeper("stops");
        process.record().signal(Signal::STOP).unwrap();
        assert_eq!(process.record().condition(), "frozen");
        process.check().unwrap();
        process.record().signal(Signal::CONT).unwrap();
        std::fs::remove_file(&process.record().log).unwrap();
    }

    #[test]
    fn nothing_is_left_of_a_dropped_process() {
        let process = sleeper("drops");
        let record = process.record().clone();
        process.record().signal(Signal::STOP).unwrap();
        assert!(record.runs());
        drop(process);
        assert!(!record.runs());
        assert!(record.signal(Signal::KILL).is_err(), "its id may be another's by now");
        std::fs::remove_file(&record.log).unwrap();
    }

    #[test]
    fn an_ended_process_is_told_with_its_log() {
        let process = sleeper("ends");
        let written = || match process.record().log_tail() {
            text if text.is_empty() => bail!("no line yet"),
            _ => Ok(()),
        };
        process.wait_ready(Duration::from_secs(5), written).unwrap();
        process.kill().unwrap();
        process.kill().unwrap();
        let error = process.check().unwrap_err().to_string();
        assert!(error.contains("sleeper ended") && error.ends_with("hello"), "{error}");
        let never = || bail!("not ready");
        assert!(process.wait_ready(Duration::from_secs(99), never).is_err(), "it told at once");
        std::fs::remove_file(&process.record().log).unwrap();
    }
}
