//! What a lab that was left running is known by: a file with its clusters and processes.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::command;
use crate::double::DoubleState;
use crate::process::Record;
use crate::stage;
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
    /// Where the stage's databases are told which Regions are up.
    #[serde(default)]
    pub data: Option<SocketAddr>,
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

    /// Stops all that belongs to a site where it stands: its Region dies as a whole.
    pub fn freeze(&self, site: &str) -> Result<()> {
        let region = self.region(site)?;
        self.doubles_at(site).try_for_each(|double| double.process.signal(Signal::STOP))?;
        self.tell_data(region, false)?;
        self.site(site).try_for_each(|process| process.signal(Signal::STOP))
    }

    /// Lets a site go on: its cluster first, its application last.
    pub fn thaw(&self, site: &str) -> Result<()> {
        let region = self.region(site)?;
        self.site(site).try_for_each(|process| process.signal(Signal::CONT))?;
        self.tell_data(region, true)?;
        self.doubles_at(site).try_for_each(|double| double.process.signal(Signal::CONT))
    }

    /// Cuts Bowline off from a site (or ends that); users and checkers have ways of their own.
    pub fn cut(&self, site: &str, off: bool) -> Result<()> {
        let place = stage::link_to(site);
        let mut links = self.doubles_at(&place).peekable();
        links.peek().with_context(|| format!("the lab has no stage, or no site `{site}`"))?;
        let signal = if off { Signal::STOP } else { Signal::CONT };
        links.try_for_each(|double| double.process.signal(signal))
    }

    fn region(&self, site: &str) -> Result<&str> {
        let found = self.clouds.iter().find(|cloud| cloud.name == site);
        Ok(&found.with_context(|| format!("the lab has no site `{site}`"))?.region)
    }

    /// A site's cluster and AWS.
    fn site<'a>(&'a self, site: &'a str) -> impl Iterator<Item = &'a Record> {
        let clusters = self.clusters.iter().filter(move |cluster| cluster.name == site);
        let clouds = self.clouds.iter().filter(move |cloud| cloud.name == site);
        clusters.flat_map(|c| &c.processes).chain(clouds.map(|c| &c.process))
    }

    fn doubles_at<'a>(&'a self, place: &'a str) -> impl Iterator<Item = &'a DoubleState> {
        self.doubles.iter().filter(move |double| double.place == place)
    }

    fn tell_data(&self, region: &str, up: bool) -> Result<()> {
        self.data.map_or(Ok(()), |data| stage::tell_data(data, region, up))
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
        State { clusters: vec![cluster], clouds: vec![], doubles: vec![], data: None }
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
    fn a_site_that_the_lab_has_not_is_refused() {
        let mut state = state(std::process::id(), 1);
        for refused in [state.freeze("moon"), state.thaw("moon"), state.cut("home", true)] {
            assert!(refused.is_err());
        }
        let process = Record { name: "fakecloud".into(), pid: 1, start: 2, log: "x.log".into() };
        let [name, region] = ["home".to_owned(), "eu-west-1".to_owned()];
        state.clouds = vec![CloudState { name, region, endpoint: String::new(), process }];
        let gone = state.freeze("home").unwrap_err().to_string();
        assert!(gone.contains("is not running"), "{gone}");
    }

    #[test]
    fn a_process_that_took_over_a_recorded_id_is_left_alone() {
        let own = std::process::id();
        assert_eq!(state(own, 1).kill().unwrap(), 0);
    }
}
