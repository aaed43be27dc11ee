//! The command lines of a cluster's components.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::ports;
use crate::tools::Tools;
use crate::users::ADMIN;

/// What a cluster is made of, in the order in which it is started and thawed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The cluster's store.
    Etcd,
    /// What everybody speaks to.
    ApiServer,
    /// Deployments, jobs, garbage collection …
    ControllerManager,
    /// Puts pods on nodes.
    Scheduler,
    /// Plays the kubelets: nodes and pods get ready.
    Kwok,
    /// Makes nodes for pods that found none.
    Karpenter,
}

impl Component {
    /// A control plane alone.
    pub const CONTROL_PLANE: &[Self] = &[Self::Etcd, Self::ApiServer];
    /// What a cluster with workloads runs beside it.
    pub const WORKLOADS: &[Self] =
        &[Self::ControllerManager, Self::Scheduler, Self::Kwok, Self::Karpenter];

    /// The name of the program, as in logs and states.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kwok => "kwok",
            Self::Karpenter => "karpenter",
        }
    }
}

/// A cluster's ports on loopback.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) etcd: u16,
    pub(crate) etcd_peer: u16,
    pub(crate) api: u16,
    pub(crate) scheduler: u16,
    pub(crate) kwok: u16,
    pub(crate) karpenter: u16,
    pub(crate) karpenter_metrics: u16,
}

impl Ports {
    pub(crate) fn free() -> Result<Self> {
        Ok(Self {
            etcd: ports::free()?,
            etcd_peer: ports::free()?,
            api: ports::free()?,
            scheduler: ports::free()?,
            kwok: ports::free()?,
            karpenter: ports::free()?,
            karpenter_metrics: ports::free()?,
        })
    }
}

/// Where a cluster's things are.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) ports: Ports,
    pub(crate) tools: Tools,
}

impl Layout {
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn log(&self, component: Component) -> PathBuf {
        self.file(&format!("{}.log", component.name()))
    }

    pub(crate) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.file(&format!("{user}.kubeconfig"))
    }

    /// The command that runs `component` in the foreground.
    pub(crate) fn command(&self, component: Component) -> Command {
        let mut command = match component {
            Component::Etcd => self.etcd(),
            Component::ApiServer => self.api_server(),
            Component::ControllerManager => self.controller_manager(),
            Component::Scheduler => self.scheduler(),
            Component::Kwok => self.kwok(),
            Component::Karpenter => self.karpenter(),
        };
        // No component reads or writes the user's own configuration.
        command.env_remove("KUBERNETES_SERVICE_HOST").env("HOME", &self.folder);
        command
    }

    /// kubectl as the user with that kubeconfig.
    pub(crate) fn kubectl(&self, kubeconfig: &Path) -> Command {
        let mut command = Command::new(&self.tools.control_plane);
        command.arg("kubectl").arg("--kubeconfig").arg(kubeconfig);
        command.env("HOME", &self.folder).env("KUBECACHEDIR", self.file("kubectl-cache"));
        command
    }

    fn part(&self, component: Component) -> Command {
        let mut command = Command::new(&self.tools.control_plane);
        command.arg(component.name());
        command
    }

    fn etcd(&self) -> Command {
        let client = format!("http://127.0.0.1:{}", self.ports.etcd);
        let peer = format!("http://127.0.0.1:{}", self.ports.etcd_peer);
        let mut command = self.part(Component::Etcd);
        command.arg("--data-dir").arg(self.file("etcd"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}"), "--unsafe-no-fsync"]);
        command
    }

    fn api_server(&self) -> Command {
        let mut command = self.part(Component::ApiServer);
        command.arg(format!("--etcd-servers=http://127.0.0.1:{}", self.ports.etcd));
        command.arg(format!("--secure-port={}", self.ports.api));
        command.args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"]);
        command.args(["--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/24"]);
        command.args(["--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"]);
        command.arg("--service-account-issuer=https://kubernetes.default.svc");
        let files = [
            ("--tls-cert-file", "server.crt"),
            ("--tls-private-key-file", "server.key"),
            ("--service-account-key-file", "sa.pub"),
            ("--service-account-signing-key-file", "sa.key"),
            ("--token-auth-file", "tokens.csv"),
        ];
        for (flag, file) in files {
            command.arg(flag).arg(self.file(file));
        }
        command
    }

    /// A component that speaks to the API server as the administrator.
    fn client(&self, component: Component) -> Command {
        let mut command = self.part(component);
        for flag in ["--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig"] {
            command.arg(flag).arg(self.kubeconfig(ADMIN));
        }
        command.arg("--leader-elect=false");
        command
    }

    fn controller_manager(&self) -> Command {
        let mut command = self.client(Component::ControllerManager);
        command.arg("--service-account-private-key-file").arg(self.file("sa.key"));
        command.arg("--secure-port=0");
        command
    }

    fn scheduler(&self) -> Command {
        let mut command = self.client(Component::Scheduler);
        // Without the first flag it schedules nothing: the lookup needs what only kubeadm makes.
        command.args(["--authentication-tolerate-lookup-failure", "--bind-address=127.0.0.1"]);
        command.arg(format!("--secure-port={}", self.ports.scheduler));
        command.arg("--tls-cert-file").arg(self.file("server.crt"));
        command.arg("--tls-private-key-file").arg(self.file("server.key"));
        command
    }

    fn kwok(&self) -> Command {
        let mut command = Command::new(&self.tools.kwok);
        command.arg("--kubeconfig").arg(self.kubeconfig(ADMIN));
        command.arg("--config").arg(&self.tools.kwok_stages);
        command.args(["--manage-all-nodes=true", "--cidr=10.244.0.1/16", "--node-ip=127.0.0.1"]);
        command.arg("--node-lease-duration-seconds=40");
        command.arg(format!("--server-address=127.0.0.1:{}", self.ports.kwok));
        command
    }

    /// Its health and metrics are the one thing that cannot be kept to loopback: Karpenter takes
    /// ports only, no addresses.
    fn karpenter(&self) -> Command {
        let mut command = Command::new(&self.tools.karpenter);
        command.env("KUBECONFIG", self.kubeconfig(ADMIN));
        command.env("DISABLE_LEADER_ELECTION", "true").env("SYSTEM_NAMESPACE", "kube-system");
        command.env("FEATURE_GATES", "StaticCapacity=true");
        command.env("HEALTH_PROBE_PORT", self.ports.karpenter.to_string());
        command.env("METRICS_PORT", self.ports.karpenter_metrics.to_string());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout {
            name: "home".into(),
            folder: "/lab/home".into(),
            ports: Ports::free().unwrap(),
            tools: Tools::below(Path::new("/tools")),
        }
    }

    #[test]
    fn every_component_serves_on_loopback_only_or_not_at_all() {
        let layout = layout();
        let all = [Component::CONTROL_PLANE, Component::WORKLOADS].concat();
        for component in all.into_iter().filter(|c| *c != Component::Karpenter) {
            let line = format!("{:?}", layout.command(component));
            let nowhere = line.contains("--secure-port=0");
            assert!(nowhere || line.contains("127.0.0.1"), "{line}");
            assert!(!line.contains("=0.0.0.0"), "{line}");
        }
    }

    #[test]
    fn no_two_components_share_a_log() {
        let layout = layout();
        let all = [Component::CONTROL_PLANE, Component::WORKLOADS].concat();
        let mut logs: Vec<_> = all.iter().map(|c| layout.log(*c)).collect();
        logs.sort();
        logs.dedup();
        assert_eq!(logs.len(), all.len());
    }
}
