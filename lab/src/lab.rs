//! The lab as a whole: starts its clusters, and ends them.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};

use crate::cluster::{Cluster, ClusterSpec, Shared};
use crate::reaper::Reaper;
use crate::state::{ClusterState, State};
use crate::tools::Tools;
use crate::users::User;

/// What a lab shall be.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// Its clusters.
    pub clusters: Vec<ClusterSpec>,
    /// Where its files go; without one, a folder of its own among the temporary files.
    pub folder: Option<PathBuf>,
}

impl Default for LabOptions {
    /// The three clusters of the design: `management`, `home` with three nodes, `standby` with one.
    fn default() -> Self {
        let clusters = vec![
            ClusterSpec::control_plane("management"),
            ClusterSpec::with_workloads("home", 3),
            ClusterSpec::with_workloads("standby", 1),
        ];
        Self { clusters, folder: None }
    }
}

impl LabOptions {
    /// The same, with only the clusters of these names.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.clusters.retain(|spec| names.contains(&spec.name.as_str()));
        self
    }
}

/// A running lab. Dropping it ends every process; its logs stay if the thread is panicking, and the
/// folder is named on standard error.
#[derive(Debug)]
pub struct Lab {
    // Before the reaper: dropped first, so that the reaper finds nothing left to do.
    clusters: Vec<Cluster>,
    reaper: Reaper,
    folder: PathBuf,
    keeps_files: bool,
}

static STARTED: AtomicUsize = AtomicUsize::new(0);

impl Lab {
    /// Starts a lab and waits until all of it is ready. Fails if the tools are not installed
    /// (`cargo xtask tools`), or a component does not get ready; then nothing is left running, and
    /// the error names the folder with the logs.
    pub fn start(options: LabOptions) -> Result<Self> {
        let tools = Tools::installed()?;
        let folder = options.folder.unwrap_or_else(temporary_folder);
        // Its files hold tokens: they are nobody else's to read.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("folder {}", folder.display()))?;
        let reaper = Reaper::start(&tools.control_plane)?;
        let users = User::all()?;
        let shared = Shared { folder: &folder, tools: &tools, users: &users, reaper: &reaper };
        let clusters = start_clusters(&options.clusters, &shared)
            .with_context(|| format!("logs are kept in {}", folder.display()))?;
        let lab = Self { clusters, reaper, folder, keeps_files: false };
        lab.state().save(&lab.folder)?;
        Ok(lab)
    }

    /// The cluster with that name. Fails if the lab has none.
    pub fn cluster(&self, name: &str) -> Result<&Cluster> {
        let found = self.clusters.iter().find(|c| c.name() == name);
        found.with_context(|| format!("the lab has no cluster `{name}`"))
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it is known by.
    pub fn state(&self) -> State {
        let cluster = |c: &Cluster| ClusterState {
            name: c.name().to_owned(),
            kubeconfig: c.kubeconfig(),
            processes: c.records(),
        };
        State { clusters: self.clusters.iter().map(cluster).collect() }
    }

    /// Leaves everything running; [`State::kill`] ends it.
    pub fn detach(mut self) -> Result<State> {
        self.reaper.keep()?;
        self.keeps_files = true;
        self.clusters.iter().for_each(Cluster::detach);
        Ok(self.state())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.keeps_files {
            return;
        }
        self.clusters.clear();
        if thread::panicking() {
            eprintln!("lab: logs are kept in {}", self.folder.display());
        } else if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("lab: {}: {error}", self.folder.display());
        }
    }
}

/// Starts the clusters side by side. Where one fails, those that started are dropped.
fn start_clusters(specs: &[ClusterSpec], shared: &Shared<'_>) -> Result<Vec<Cluster>> {
    thread::scope(|scope| {
        let starting: Vec<_> =
            specs.iter().map(|spec| scope.spawn(|| Cluster::start(spec, shared))).collect();
        let ended: Vec<_> = starting.into_iter().map(thread::ScopedJoinHandle::join).collect();
        ended
            .into_iter()
            .map(|e| e.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn temporary_folder() -> PathBuf {
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("bowline-lab-{}-{number}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_name_the_three_clusters() {
        let names = |o: &LabOptions| o.clusters.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        let all = LabOptions::default();
        assert_eq!(names(&all), ["management", "home", "standby"]);
        assert!(!all.clusters[0].workloads && all.clusters[1].workloads);
        assert_eq!(names(&all.only(&["home"])), ["home"]);
    }

    #[test]
    fn labs_do_not_share_a_folder() {
        assert_ne!(temporary_folder(), temporary_folder());
    }
}
