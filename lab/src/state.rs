//! What a lab that was left running is known by: a file with its clusters and processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::command;
use crate::double::DoubleState;
use crate::process::Record;
use crate::tools::Tools;

/// A lab as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its clusters, in the order in which they were asked for.
    pub clusters: Vec<ClusterState>,
    /// Its AWS Regions.
    pub clouds: Vec<CloudState>,
    /// The processes of its stage, if one was set.
    #[serde(default)]
    pub doubles: Vec<DoubleState>,
}

/// A Region's AWS as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudState {
    /// The site it belongs to, or `global`.
    pub name: String,
    /// The Region it says it is.
    pub region: String,
    /// Where every service of the Region answers.
    pub endpoint: String,
    /// Its process.
    pub process: Record,
}

/// A cluster as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterState {
    /// Its name.
    pub name: String,
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    /// Its processes, in the order in which they were started.
    pub processes: Vec<Record>,
}

const FILE: &str = "state.json";
/// Longest time to wait for an API server's word on its readiness.
const READY_LIMIT: Duration = Duration::from_secs(10);

impl State {
    /// Reads the state of the lab in `folder`; `None` if there is none.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path)?;
        let state = serde_json::from_str(&text);
        Ok(Some(state.with_context(|| format!("{} is not a lab's state", path.display()))?))
    }

    /// Writes it: first beside, then renamed, so that no reader sees half of it.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let beside = folder.join("state.json.new");
        fs::write(&beside, serde_json::to_string_pretty(self)?)?;
        fs::rename(beside, folder.join(FILE))?;
        Ok(())
    }

    /// All processes.
    pub fn processes(&self) -> impl Iterator<Item = &Record> {
        let clouds = self.clouds.iter().map(|c| &c.process);
        let doubles = self.doubles.iter().map(|d| &d.process);
        self.clusters.iter().flat_map(|c| &c.processes).chain(clouds).chain(doubles)
    }

    /// Kills those that still are the recorded ones; gives how many.
    pub fn kill(&self) -> Result<usize> {
        let mut killed = 0;
        for process in self.processes().filter(|p| p.runs()) {
            process.signal(Signal::KILL)?;
            killed += 1;
        }
        Ok(killed)
    }
}

impl ClusterState {
    /// Asks its API server whether it is ready; says why not.
    pub fn ready(&self, tools: &Tools) -> Result<()> {
        let mut kubectl = Command::new(&tools.control_plane);
        kubectl.arg("kubectl").arg("--kubeconfig").arg(&self.kubeconfig);
        kubectl.args(["get", "--raw=/readyz", "--request-timeout=3s"]);
        command::stdout(&mut kubectl, READY_LIMIT).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(pid: u32, start: u64) -> State {
        let record = Record { name: "etcd".into(), pid, start, log: "x.log".into() };
        let kubeconfig = "admin.kubeconfig".into();
        let cluster = ClusterState { name: "home".into(), kubeconfig, processes: vec![record] };
        State { clusters: vec![cluster], clouds: vec![], doubles: vec![] }
    }

    #[test]
    fn a_state_is_read_as_it_was_written() {
        let folder = std::env::temp_dir().join(format!("bowline-state-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert_eq!(State::load(&folder).unwrap(), None);
        state(1, 2).save(&folder).unwrap();
        assert_eq!(State::load(&folder).unwrap(), Some(state(1, 2)));
        fs::write(folder.join(FILE), "{").unwrap();
        assert!(State::load(&folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_process_that_took_over_a_recorded_id_is_left_alone() {
        let own = std::process::id();
        assert_eq!(state(own, 1).kill().unwrap(), 0);
    }
}
