//! moto, which speaks RDS, CloudWatch, STS and EKS as AWS does: for the shape of requests and
//! answers, not for behaviour over time. One process plays every Region.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::http;
use crate::install::Tool;
use crate::ports;
use crate::process::Process;
use crate::reaper::Reaper;
use crate::tools::Tools;

/// Longest time to get ready, on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(120);

/// The account that everything is in.
const ACCOUNT: &str = "111111111111";

static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A running moto; it ends when this is dropped.
#[derive(Debug)]
pub struct Moto {
    // Before the reaper: dropped first, so that the reaper finds nothing left to do.
    _process: Process,
    _reaper: Reaper,
    port: u16,
    folder: PathBuf,
}

impl Moto {
    /// Starts it and waits until it is ready. Fails if it is not installed (`cargo xtask tools`),
    /// or does not get ready.
    pub fn start() -> Result<Self> {
        let tools = Tools::installed(&[Tool::ControlPlane, Tool::Moto])?;
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("bowline-moto-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).with_context(|| format!("folder {}", folder.display()))?;
        let reaper = Reaper::start(&tools.control_plane)?;
        let port = ports::free()?;
        let mut command = Command::new(&tools.moto_python);
        command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        command.current_dir(&folder).env("HOME", &folder).env("MOTO_ACCOUNT_ID", ACCOUNT);
        let process = Process::spawn("moto", &mut command, &folder.join("moto.log"))?;
        reaper.watch(process.record())?;
        process.wait_ready(READY_LIMIT, || match http::status(port, "/moto-api/")? {
            200 => Ok(()),
            status => bail!("answers {status}"),
        })?;
        Ok(Self { _process: process, _reaper: reaper, port, folder })
    }

    /// Where every service of every Region answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("lab: moto's log is kept in {}", self.folder.display());
        } else if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("lab: {}: {error}", self.folder.display());
        }
    }
}
