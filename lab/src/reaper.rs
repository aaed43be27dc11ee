//! Ends the lab's processes when their owner is gone without having done so.
//!
//! The owner holds the writing end of a pipe. When the owner dies, however it dies, the kernel
//! closes the pipe, and the other side, a small process of its own group, kills what it was told.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::process::Record;

/// The watching process.
#[derive(Debug)]
pub(crate) struct Reaper {
    child: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Reaper {
    /// Starts it; `program` is the control plane's binary, which has the command `reap`.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("reap").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.process_group(0).spawn().context("cannot start the reaper")?;
        let pipe = Mutex::new(child.stdin.take());
        Ok(Self { child, pipe })
    }

    /// From now on the process ends when we do.
    pub(crate) fn watch(&self, process: &Record) -> Result<()> {
        self.tell(&format!("{} {}\n", process.pid, process.start))
    }

    /// Everything lives on when we end.
    pub(crate) fn keep(&self) -> Result<()> {
        self.tell("keep\n")
    }

    fn tell(&self, line: &str) -> Result<()> {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        let pipe = pipe.as_mut().context("the reaper has no pipe")?;
        pipe.write_all(line.as_bytes()).context("the reaper is gone")
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.pipe.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Err(error) = self.child.wait() {
            eprintln!("lab: the reaper: {error}");
        }
    }
}
