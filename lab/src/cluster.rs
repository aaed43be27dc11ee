//! One Kubernetes cluster of the lab.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::command;
use crate::components::{Component, Layout, Ports};
use crate::http;
use crate::process::{Process, Record};
use crate::reaper::Reaper;
use crate::tools::Tools;
use crate::users::{ADMIN, User, kubeconfig, token_file};

/// What a cluster shall be.
#[derive(Debug, Clone)]
pub struct ClusterSpec {
    /// Its name: `management`, `home`, `standby`.
    pub name: String,
    /// Whether it runs workloads: controllers, scheduler, KWOK, Karpenter.
    pub workloads: bool,
    /// How many nodes it always has, of 4 CPU each: the floor that Karpenter adds to.
    pub floor: usize,
}

impl ClusterSpec {
    /// A control plane only: etcd and an API server.
    pub fn control_plane(name: &str) -> Self {
        Self { name: name.to_owned(), workloads: false, floor: 0 }
    }

    /// A cluster that runs pods, on `floor` nodes and on what Karpenter adds.
    pub fn with_workloads(name: &str, floor: usize) -> Self {
        Self { name: name.to_owned(), workloads: true, floor }
    }
}

/// Longest time for one component to get ready, on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(120);
/// Longest time for one call of kubectl.
const CALL_LIMIT: Duration = Duration::from_secs(60);

/// How many manifests this process has applied; each goes into a file of its own.
static APPLIED: AtomicUsize = AtomicUsize::new(0);

/// A running cluster; its processes end when it is dropped.
#[derive(Debug)]
pub struct Cluster {
    layout: Layout,
    processes: Vec<(Component, Process)>,
}

/// What all clusters of a lab share while they start.
pub(crate) struct Shared<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) tools: &'a Tools,
    pub(crate) users: &'a [User],
    pub(crate) reaper: &'a Reaper,
}

// === Starting ===

impl Cluster {
    /// Starts the cluster and waits until everything in it is ready.
    pub(crate) fn start(spec: &ClusterSpec, shared: &Shared<'_>) -> Result<Self> {
        let folder = shared.folder.join(&spec.name);
        let (name, tools) = (spec.name.clone(), shared.tools.clone());
        let layout = Layout { name, folder, ports: Ports::free()?, tools };
        let mut cluster = Self { layout, processes: Vec::new() };
        cluster.fill(spec, shared).with_context(|| format!("cluster {}", spec.name))?;
        Ok(cluster)
    }

    fn fill(&mut self, spec: &ClusterSpec, shared: &Shared<'_>) -> Result<()> {
        self.write_files(shared)?;
        for component in Component::CONTROL_PLANE {
            self.spawn(*component, shared.reaper)?;
            self.wait_ready(*component)?;
        }
        if !spec.workloads {
            return Ok(());
        }
        self.apply_file(&self.layout.tools.karpenter_crds)?;
        for component in Component::WORKLOADS {
            self.spawn(*component, shared.reaper)?;
        }
        for component in Component::WORKLOADS {
            self.wait_ready(*component)?;
        }
        self.make_floor(spec.floor)
    }

    fn write_files(&self, shared: &Shared<'_>) -> Result<()> {
        let layout = &self.layout;
        fs::create_dir_all(&layout.folder)?;
        let mut keys = Command::new(&layout.tools.control_plane);
        command::stdout(keys.arg("keys").arg(&layout.folder), CALL_LIMIT)?;
        fs::write(layout.file("tokens.csv"), token_file(shared.users))?;
        for user in shared.users {
            let ca = layout.file("ca.crt");
            let text = kubeconfig(&layout.name, layout.ports.api, &ca, user)?;
            fs::write(layout.kubeconfig(&user.name), text)?;
        }
        Ok(())
    }

    fn spawn(&mut self, component: Component, reaper: &Reaper) -> Result<()> {
        let mut command = self.layout.command(component);
        let process = Process::spawn(component.name(), &mut command, &self.layout.log(component))?;
        let watched = reaper.watch(process.record());
        self.processes.push((component, process));
        watched
    }

    fn make_floor(&self, nodes: usize) -> Result<()> {
        let list = serde_json::json!({
            "apiVersion": "v1",
            "kind": "List",
            "items": (0..nodes).map(|n| floor_node(&format!("floor-{n}"))).collect::<Vec<_>>(),
        });
        if nodes == 0 {
            return Ok(());
        }
        self.apply(&list.to_string())?;
        let wait = ["wait", "--for=condition=Ready", "node", "--all", "--timeout=50s"];
        self.kubectl(&wait).map(drop)
    }
}

/// A node such as a managed node group of small machines has.
fn floor_node(name: &str) -> serde_json::Value {
    let size = serde_json::json!({ "cpu": "4", "memory": "16Gi", "pods": "110" });
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": { "kubernetes.io/hostname": name, "bowline.dev/node-group": "floor" },
        },
        "status": { "allocatable": size, "capacity": size },
    })
}

// === Readiness ===

impl Cluster {
    fn wait_ready(&self, component: Component) -> Result<()> {
        self.process(component)?.wait_ready(READY_LIMIT, || self.ready(component))
    }

    /// Asks `component` whether it is ready; says why not.
    pub fn ready(&self, component: Component) -> Result<()> {
        let ports = &self.layout.ports;
        match component {
            Component::Etcd => ok(http::status(ports.etcd, "/readyz")?),
            Component::ApiServer => self.kubectl(&["get", "--raw=/readyz"]).map(drop),
            // It serves nothing itself; its controllers make this object in a new cluster.
            Component::ControllerManager => {
                self.kubectl(&["get", "serviceaccount", "default", "--namespace=default"]).map(drop)
            }
            Component::Scheduler => {
                let server = format!("--server=https://127.0.0.1:{}", ports.scheduler);
                self.kubectl(&[&server, "get", "--raw=/readyz"]).map(drop)
            }
            Component::Kwok => ok(http::status(ports.kwok, "/healthz")?),
            Component::Karpenter => ok(http::status(ports.karpenter, "/readyz")?),
        }
    }
}

fn ok(status: u16) -> Result<()> {
    if status != 200 {
        bail!("answers {status}");
    }
    Ok(())
}

// === Use ===

impl Cluster {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.layout.name
    }

    /// Where its API server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.layout.ports.api).into()
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig(ADMIN)
    }

    /// The kubeconfig of one of the lab's users. Fails if there is no such user.
    pub fn kubeconfig_of(&self, user: &str) -> Result<PathBuf> {
        let path = self.layout.kubeconfig(user);
        if !path.exists() {
            bail!("the lab has no user `{user}`");
        }
        Ok(path)
    }

    /// Runs kubectl as the administrator and gives its output; its own word is the error.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_as(ADMIN, arguments)
    }

    /// Karpenter's nodes, by name.
    pub fn karpenter_nodes(&self) -> Result<Vec<String>> {
        let selected = ["get", "nodes", "-l", "karpenter.sh/nodepool", "-o", "name"];
        Ok(self.kubectl(&selected)?.lines().map(str::to_owned).collect())
    }

    /// Runs kubectl as one of the lab's users.
    pub fn kubectl_as(&self, user: &str, arguments: &[&str]) -> Result<String> {
        let mut kubectl = self.layout.kubectl(&self.kubeconfig_of(user)?);
        command::stdout(kubectl.args(arguments), CALL_LIMIT)
    }

    /// A command that lets everybody on this machine call the API server of a context at a port,
    /// without TLS.
    pub fn proxy(&self, kubeconfig: &Path, context: &str, port: u16) -> Command {
        let mut proxy = self.layout.kubectl(kubeconfig);
        proxy.args(["--context", context, "proxy", "--port", &port.to_string()]);
        proxy
    }

    /// Applies a manifest, YAML or JSON, as the administrator.
    pub fn apply(&self, manifest: &str) -> Result<()> {
        let number = APPLIED.fetch_add(1, Ordering::Relaxed);
        let path = self.layout.file(&format!("applied-{number}.yaml"));
        fs::write(&path, manifest)?;
        self.apply_file(&path)
    }

    fn apply_file(&self, path: &Path) -> Result<()> {
        let Some(path) = path.to_str() else { bail!("the path {} is not UTF-8", path.display()) };
        self.kubectl(&["apply", "--server-side", "-f", path]).map(drop)
    }

    /// What its processes are known by.
    pub fn records(&self) -> Vec<Record> {
        self.processes.iter().map(|(_, process)| process.record().clone()).collect()
    }
}

// === Faults ===

impl Cluster {
    /// Stops every process of the cluster where it stands, as if the Region were gone: connections
    /// stay open, nobody answers. Already frozen ones stay so.
    pub fn freeze(&self) -> Result<()> {
        self.processes.iter().rev().try_for_each(|(_, p)| p.record().signal(Signal::STOP))
    }

    /// Lets a frozen cluster go on: store and API server first, the others once it is ready.
    pub fn thaw(&self) -> Result<()> {
        for (component, process) in &self.processes {
            process.record().signal(Signal::CONT)?;
            if Component::CONTROL_PLANE.contains(component) {
                self.wait_ready(*component)?;
            }
        }
        Ok(())
    }

    /// Stops one component where it stands.
    pub fn freeze_one(&self, component: Component) -> Result<()> {
        self.process(component)?.record().signal(Signal::STOP)
    }

    /// Lets one component go on and waits until it is ready.
    pub fn thaw_one(&self, component: Component) -> Result<()> {
        self.process(component)?.record().signal(Signal::CONT)?;
        self.wait_ready(component)
    }

    /// Makes etcd refuse every write, as one does that has no room left; or makes it take them
    /// again.
    pub fn fill_store(&self, full: bool) -> Result<()> {
        let action = if full { "ACTIVATE" } else { "DEACTIVATE" };
        let body = format!(r#"{{"action": "{action}", "memberID": "1", "alarm": "NOSPACE"}}"#);
        let etcd = (Ipv4Addr::LOCALHOST, self.layout.ports.etcd).into();
        http::post(etcd, "/v3/maintenance/alarm", &body)
    }

    /// Kills one component with SIGKILL.
    pub fn kill9(&self, component: Component) -> Result<()> {
        self.process(component)?.kill()
    }

    /// Kills one component with SIGKILL, and starts it anew on what it left behind.
    pub(crate) fn restart(&mut self, component: Component, reaper: &Reaper) -> Result<()> {
        self.kill9(component)?;
        let at = self.processes.iter().position(|(known, _)| *known == component);
        self.spawn(component, reaper)?;
        // It keeps its place: they are thawed in order.
        if let (Some(at), Some(new)) = (at, self.processes.pop()) {
            self.processes[at] = new;
        }
        self.wait_ready(component)
    }

    /// Lets everything live on when this is dropped.
    pub(crate) fn detach(&self) {
        self.processes.iter().for_each(|(_, process)| process.detach());
    }

    fn process(&self, component: Component) -> Result<&Process> {
        let found = self.processes.iter().find(|(c, _)| *c == component);
        found
            .map(|(_, p)| p)
            .with_context(|| format!("cluster {} runs no {}", self.layout.name, component.name()))
    }
}
