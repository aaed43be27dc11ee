//! One Region's AWS, played by fakecloud: load balancers that really probe their targets, Route 53
//! with atomic batches, EKS, STS … One process holds one Region, so a Region can be frozen.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::http;
use crate::ports;
use crate::process::{Process, Record};
use crate::reaper::Reaper;

/// What a Region's AWS shall be.
#[derive(Debug, Clone)]
pub struct CloudSpec {
    /// The site it belongs to, or `global` for what has no Region (Route 53).
    pub name: String,
    /// The Region it says it is.
    pub region: String,
}

impl CloudSpec {
    /// The AWS of `region`, for the site `name`.
    pub fn new(name: &str, region: &str) -> Self {
        Self { name: name.to_owned(), region: region.to_owned() }
    }
}

/// Longest time to get ready, on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A running emulator; it ends when this is dropped.
#[derive(Debug)]
pub struct Cloud {
    spec: CloudSpec,
    port: u16,
    process: Process,
}

impl Cloud {
    /// Starts the emulator and waits until it is ready.
    pub(crate) fn start(
        spec: &CloudSpec,
        program: &Path,
        folder: &Path,
        reaper: &Reaper,
    ) -> Result<Self> {
        let folder: PathBuf = folder.join(format!("aws-{}", spec.name));
        fs::create_dir_all(&folder)?;
        let port = ports::free()?;
        let mut command = Command::new(program);
        command.args(["--addr", &format!("127.0.0.1:{port}"), "--region", &spec.region]);
        command.current_dir(&folder).env("HOME", &folder);
        let process = Process::spawn("fakecloud", &mut command, &folder.join("fakecloud.log"))?;
        reaper.watch(process.record())?;
        let cloud = Self { spec: spec.clone(), port, process };
        cloud.wait_ready().with_context(|| format!("AWS of {}", spec.name))?;
        Ok(cloud)
    }

    fn wait_ready(&self) -> Result<()> {
        self.process.wait_ready(READY_LIMIT, || self.ready())
    }

    /// Asks it whether it is ready; says why not.
    pub fn ready(&self) -> Result<()> {
        match http::status(self.port, "/_fakecloud/health")? {
            200 => Ok(()),
            status => bail!("answers {status}"),
        }
    }

    /// The site it belongs to, or `global`.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The Region it says it is.
    pub fn region(&self) -> &str {
        &self.spec.region
    }

    /// Where every service of the Region answers.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// What its process is known by.
    pub fn record(&self) -> &Record {
        self.process.record()
    }

    /// Stops it where it stands: connections stay open, nobody answers.
    pub fn freeze(&self) -> Result<()> {
        self.record().signal(Signal::STOP)
    }

    /// Lets it go on and waits until it is ready.
    pub fn thaw(&self) -> Result<()> {
        self.record().signal(Signal::CONT)?;
        self.wait_ready()
    }

    /// Lets it live on when this is dropped.
    pub(crate) fn detach(&self) {
        self.process.detach();
    }
}
