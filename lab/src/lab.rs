//! The lab as a whole: starts its clusters, and ends them.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::cloud::{Cloud, CloudSpec};
use crate::cluster::{Cluster, ClusterSpec, Shared};
use crate::components::Component;
use crate::double::{self, Double};
use crate::install::{Progress, Tool};
use crate::process::Record;
use crate::procfs;
use crate::reaper::Reaper;
use crate::stage::{self, Stage, StageOptions};
use crate::state::{CloudState, ClusterState, State};
use crate::tools::Tools;
use crate::users::User;
use crate::wait::{Look, until};

/// What a lab shall be.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// Its clusters.
    pub clusters: Vec<ClusterSpec>,
    /// Its AWS Regions.
    pub clouds: Vec<CloudSpec>,
    /// Where its files go; without one, a folder of its own among the temporary files.
    pub folder: Option<PathBuf>,
}

impl Default for LabOptions {
    /// The three clusters of the design, `management`, `home` with three nodes, `standby` with one,
    /// and three times AWS: `home`, `standby`, and `global` for Route 53.
    fn default() -> Self {
        let clusters = vec![
            ClusterSpec::control_plane("management"),
            ClusterSpec::with_workloads("home", 3),
            ClusterSpec::with_workloads("standby", 1),
        ];
        let clouds = vec![
            CloudSpec::new("home", "eu-west-1"),
            CloudSpec::new("standby", "eu-central-1"),
            CloudSpec::new("global", "us-east-1"),
        ];
        Self { clusters, clouds, folder: None }
    }
}

impl LabOptions {
    /// The same, with only the clusters and Regions of these names.
    pub fn only(mut self, names: &[&str]) -> Self {
        self.clusters.retain(|spec| names.contains(&spec.name.as_str()));
        self.clouds.retain(|spec| names.contains(&spec.name.as_str()));
        self
    }

    /// What it needs to be installed.
    pub fn tools(&self) -> Vec<Tool> {
        let workloads = self.clusters.iter().any(|spec| spec.workloads);
        let needed = |tool: &Tool| match tool {
            Tool::ControlPlane => true,
            Tool::Kwok | Tool::Karpenter => workloads,
            Tool::Fakecloud => !self.clouds.is_empty(),
            Tool::Moto => false,
        };
        Tool::ALL.iter().copied().filter(needed).collect()
    }

    /// The same, without clusters.
    pub fn clouds_only(mut self) -> Self {
        self.clusters.clear();
        self
    }

    /// The same, without AWS.
    pub fn clusters_only(mut self) -> Self {
        self.clouds.clear();
        self
    }
}

/// A running lab. Dropping it ends every process; its logs stay if the thread is panicking, and the
/// folder is named on standard error.
#[derive(Debug)]
pub struct Lab {
    // Before the reaper: dropped first, so that the reaper finds nothing left to do.
    stage: Option<Stage>,
    clusters: Vec<Cluster>,
    clouds: Vec<Cloud>,
    reaper: Reaper,
    folder: PathBuf,
    keeps_files: bool,
}

/// Longest time for an API server to store what a new resource definition defines.
const STORAGE_LIMIT: Duration = Duration::from_secs(30);

static STARTED: AtomicUsize = AtomicUsize::new(0);

impl Lab {
    /// Starts a lab and waits until all of it is ready. Fails if the tools are not installed
    /// (`cargo xtask tools`), or a component does not get ready; then nothing is left running, and
    /// the error names the folder with the logs.
    pub fn start(options: LabOptions) -> Result<Self> {
        let tools = Tools::installed(&options.tools())?;
        let folder = options.folder.unwrap_or_else(temporary_folder);
        // Its files hold tokens: they are nobody else's to read.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("folder {}", folder.display()))?;
        let reaper = Reaper::start(&tools.control_plane)?;
        let users = User::all()?;
        let shared = Shared { folder: &folder, tools: &tools, users: &users, reaper: &reaper };
        let kept = || format!("logs are kept in {}", folder.display());
        let clouds = start_clouds(&options.clouds, &shared).with_context(kept)?;
        let clusters = start_clusters(&options.clusters, &shared).with_context(kept)?;
        let lab = Self { stage: None, clusters, clouds, reaper, folder, keeps_files: false };
        lab.state().save(&lab.folder)?;
        Ok(lab)
    }

    /// Kills one component of a cluster and starts it anew on what it left behind; gives back when
    /// it is ready.
    pub fn restart(&mut self, cluster: &str, component: Component) -> Result<()> {
        let found = self.clusters.iter_mut().find(|known| known.name() == cluster);
        let found = found.with_context(|| format!("the lab has no cluster {cluster}"))?;
        found.restart(component, &self.reaper)
    }

    /// The cluster with that name. Fails if the lab has none.
    pub fn cluster(&self, name: &str) -> Result<&Cluster> {
        let found = self.clusters.iter().find(|c| c.name() == name);
        found.with_context(|| format!("the lab has no cluster `{name}`"))
    }

    /// The AWS of a site, or `global`. Fails if the lab has none.
    pub fn cloud(&self, name: &str) -> Result<&Cloud> {
        let found = self.clouds.iter().find(|c| c.name() == name);
        found.with_context(|| format!("the lab has no AWS `{name}`"))
    }

    /// Sets the stage: two sites that an application can move between. Builds the program that
    /// plays them and tells `progress` so. Fails if one of its parts does not get ready.
    pub fn set_stage(&mut self, options: &StageOptions, progress: Progress<'_>) -> Result<&Stage> {
        let program = double::program(progress)?;
        progress("setting the stage");
        let kept = || format!("logs are kept in {}", self.folder.display());
        let stage = stage::set(self, &program, options).with_context(kept)?;
        self.stage = Some(stage);
        self.state().save(&self.folder)?;
        self.stage()
    }

    /// The stage. Fails if none was set.
    pub fn stage(&self) -> Result<&Stage> {
        self.stage.as_ref().context("the lab has no stage: call set_stage first")
    }

    /// Applies the stage's policy in the management cluster. An API server refuses a new kind until
    /// its storage is there, so it is tried for a while.
    pub fn put_policy_in_force(&self) -> Result<()> {
        let policy = fs::read_to_string(self.stage()?.policy_file())?;
        let management = self.cluster("management")?;
        until("the policy in force", STORAGE_LIMIT, || {
            Ok(match management.apply(&policy) {
                Ok(()) => Look::There(()),
                Err(error) => Look::NotYet(format!("{error:#}")),
            })
        })
    }

    /// A site dies as a whole: every process of it stops where it stands, and the databases learn
    /// that its Region is gone.
    pub fn freeze(&self, site: &str) -> Result<()> {
        self.state().freeze(site)
    }

    /// A site comes back: its API server first, then the rest of the cluster, its AWS, its
    /// databases, and its application last.
    pub fn thaw(&self, site: &str) -> Result<()> {
        self.of(site).map_or(Ok(()), Cluster::thaw)?;
        let cloud = self.cloud(site)?;
        cloud.thaw()?;
        if let Some(stage) = &self.stage {
            stage.tell_data(cloud.region(), true)?;
            stage.signal(site, Signal::CONT)?;
        }
        Ok(())
    }

    /// Cuts Bowline off from a site's AWS, load balancer and API server; users, checkers and DNS
    /// reach it as before. Fails without a stage.
    pub fn partition(&self, site: &str) -> Result<()> {
        self.state().cut(site, true)
    }

    /// Ends what [`Lab::partition`] began.
    pub fn heal(&self, site: &str) -> Result<()> {
        self.state().cut(site, false)
    }

    /// A site's cluster, if the lab has it.
    fn of(&self, site: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.name() == site)
    }

    /// From now on the process `pid`, which must lead a group of its own, ends with the lab's own
    /// processes should we be killed. Fails if it does not run.
    pub fn watch(&self, name: &str, pid: u32, log: &Path) -> Result<()> {
        let seen = procfs::look(pid).with_context(|| format!("{name} does not run"))?;
        let (name, log) = (name.to_owned(), log.to_owned());
        self.reaper.watch(&Record { name, pid, start: seen.start, log })
    }

    pub(crate) fn reaper(&self) -> &Reaper {
        &self.reaper
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
        let cloud = |c: &Cloud| CloudState {
            name: c.name().to_owned(),
            region: c.region().to_owned(),
            endpoint: c.endpoint(),
            process: c.record().clone(),
        };
        State {
            clusters: self.clusters.iter().map(cluster).collect(),
            clouds: self.clouds.iter().map(cloud).collect(),
            doubles: self.stage.as_ref().map(Stage::states).unwrap_or_default(),
            data: self.stage.as_ref().and_then(Stage::data),
        }
    }

    /// Leaves everything running; [`State::kill`] ends it.
    pub fn detach(mut self) -> Result<State> {
        self.reaper.keep()?;
        self.keeps_files = true;
        self.clusters.iter().for_each(Cluster::detach);
        self.clouds.iter().for_each(Cloud::detach);
        self.stage.iter().flat_map(|stage| &stage.doubles).for_each(Double::detach);
        Ok(self.state())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.keeps_files {
            return;
        }
        self.stage = None;
        self.clusters.clear();
        self.clouds.clear();
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

fn start_clouds(specs: &[CloudSpec], shared: &Shared<'_>) -> Result<Vec<Cloud>> {
    let start = |spec| Cloud::start(spec, &shared.tools.fakecloud, shared.folder, shared.reaper);
    specs.iter().map(start).collect()
}

fn temporary_folder() -> PathBuf {
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("bowline-lab-{}-{number}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_name_the_clusters_and_regions() {
        let names = |o: &LabOptions| o.clusters.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        let all = LabOptions::default();
        assert_eq!(names(&all), ["management", "home", "standby"]);
        assert!(!all.clusters[0].workloads && all.clusters[1].workloads);
        assert_eq!(all.clouds.len(), 3);
        let home = all.only(&["home"]);
        assert_eq!((names(&home), home.clouds.len()), (vec!["home".to_owned()], 1));
        assert_eq!(home.tools(), Tool::ALL[..4]);
        let alone = home.clusters_only();
        assert_eq!((alone.clouds.len(), alone.tools().len()), (0, 3));
        let management = LabOptions::default().only(&["management"]);
        assert_eq!(management.tools(), [Tool::ControlPlane]);
    }

    #[test]
    fn labs_do_not_share_a_folder() {
        assert_ne!(temporary_folder(), temporary_folder());
    }
}
