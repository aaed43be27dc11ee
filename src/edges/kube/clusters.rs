//! How clusters are reached: one client per cluster, made when it is first needed and kept.
//!
//! Making a client may ask others (a Secret, `DescribeCluster`, a kubeconfig's plugin); that is no
//! call of the node's. It is a task of its own, one at a time per cluster, which goes on when the
//! call that began it is given up: whoever comes next finds what it made. A dead Region keeps
//! nobody else waiting.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kube::config::{Kubeconfig, KubeconfigError};
use serde_json::json;
use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use bowline_core::model::{Cluster, ObjectName, Scope};
use bowline_core::op::Fault;

use super::access::{AccessError, Boxed, KubeconfigSource, present, secret_key};
use super::discreet;
use super::wire::Wire;

/// How long a client made from a Secret is used before the Secret is read again.
const KEPT: Duration = Duration::from_secs(600);

/// How long reading a Secret may take.
const READ: Duration = Duration::from_secs(8);

/// How long no client is tried to be made where a kubeconfig or its plugin gave none.
const REST: Duration = Duration::from_secs(30);

/// What is needed to speak to an EKS cluster. Its token is a secret: it has no `Debug`.
pub struct EksLogin {
    /// `https://…`, as `DescribeCluster` says.
    pub endpoint: String,
    /// `certificateAuthority.data`, base64 as `DescribeCluster` gives it.
    pub authority: String,
    /// The bearer token.
    pub token: String,
    /// How long the token may be used.
    pub valid_for: Duration,
}

/// Who can log in to EKS clusters: the AWS edge.
pub trait EksLogins: Send + Sync {
    /// A fresh login.
    fn login<'a>(
        &'a self,
        scope: &'a Scope,
        name: &'a ObjectName,
    ) -> Boxed<'a, Result<EksLogin, Fault>>;
}

/// The clusters of all groups' sites.
#[derive(Default)]
pub struct Clusters {
    /// Where contexts are looked up.
    pub kubeconfig: KubeconfigSource,
    /// Where Secrets with kubeconfigs are: the management cluster and the groups' namespace.
    pub management: Option<(Wire, ObjectName)>,
    /// Who logs in to EKS clusters.
    pub eks: Option<Arc<dyn EksLogins>>,
    known: Arc<Mutex<BTreeMap<Cluster, Known>>>,
    turns: Mutex<BTreeMap<Cluster, Turn>>,
}

/// Whose turn it is to make a cluster's client, and why nobody need try yet.
type Turn = Arc<tokio::sync::Mutex<Option<NoWire>>>;

#[derive(Clone)]
struct Known {
    wire: Wire,
    /// From when on it is made anew.
    stale_at: Option<Instant>,
    /// From when on it cannot be used.
    dead_at: Option<Instant>,
}

/// Why there is no client.
#[derive(Clone)]
struct NoWire {
    fault: Fault,
    /// Until when that is said without another attempt.
    until: Option<Instant>,
}

impl From<Fault> for NoWire {
    fn from(fault: Fault) -> Self {
        Self { fault, until: None }
    }
}

impl From<AccessError> for NoWire {
    fn from(error: AccessError) -> Self {
        Self::for_a_while(error.into())
    }
}

impl NoWire {
    fn for_a_while(fault: Fault) -> Self {
        Self { fault, until: Some(Instant::now() + REST) }
    }
}

impl Clusters {
    /// Clusters of which none was reached yet, without access to EKS.
    #[must_use]
    pub fn new(kubeconfig: KubeconfigSource, management: Option<(Wire, ObjectName)>) -> Self {
        Self { kubeconfig, management, ..Self::default() }
    }

    /// The same, with a wire to a cluster that need not be made.
    #[must_use]
    pub fn with_wire(self, cluster: Cluster, wire: Wire) -> Self {
        lock(&self.known).insert(cluster, Known { wire, stale_at: None, dead_at: None });
        self
    }

    /// The wire to a cluster. While one that still works is made anew, it is used.
    ///
    /// # Errors
    /// What keeps a client from being made.
    pub(crate) async fn wire(&self, cluster: &Cluster) -> Result<Wire, Fault> {
        if let Some(known) = self.usable(cluster) {
            if over(known.stale_at)
                && let Ok(turn) = self.turn(cluster).try_lock_owned()
            {
                self.attempt(cluster, turn);
            }
            return Ok(known.wire);
        }
        let turn = self.turn(cluster).lock_owned().await;
        // Whoever had the turn before may have made it.
        if let Some(known) = self.usable(cluster) {
            return Ok(known.wire);
        }
        let broken = |e: tokio::task::JoinError| Err(Fault::Transient(e.to_string()));
        self.attempt(cluster, turn).await.unwrap_or_else(broken)
    }

    fn usable(&self, cluster: &Cluster) -> Option<Known> {
        lock(&self.known).get(cluster).filter(|known| !over(known.dead_at)).cloned()
    }

    fn turn(&self, cluster: &Cluster) -> Turn {
        Arc::clone(lock(&self.turns).entry(cluster.clone()).or_default())
    }

    /// Tries to make a client, and has the turn until that ended.
    fn attempt(
        &self,
        cluster: &Cluster,
        mut turn: OwnedMutexGuard<Option<NoWire>>,
    ) -> JoinHandle<Result<Wire, Fault>> {
        let (kubeconfig, management) = (self.kubeconfig.clone(), self.management.clone());
        let ways = Ways { kubeconfig, management, eks: self.eks.clone() };
        let (known, cluster) = (Arc::clone(&self.known), cluster.clone());
        tokio::spawn(async move {
            if let Some(none) =
                turn.as_ref().filter(|none| none.until.is_some() && !over(none.until))
            {
                return Err(none.fault.clone());
            }
            match ways.make(&cluster).await {
                Ok(made) => {
                    let wire = made.wire.clone();
                    lock(&known).insert(cluster, made);
                    *turn = None;
                    Ok(wire)
                }
                Err(none) => Err(turn.insert(none).fault.clone()),
            }
        })
    }
}

fn over(at: Option<Instant>) -> bool {
    at.is_some_and(|at| at <= Instant::now())
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything that a client may be made from.
struct Ways {
    kubeconfig: KubeconfigSource,
    management: Option<(Wire, ObjectName)>,
    eks: Option<Arc<dyn EksLogins>>,
}

impl Ways {
    async fn make(&self, cluster: &Cluster) -> Result<Known, NoWire> {
        let now = Instant::now();
        match cluster {
            Cluster::Context(name) => {
                let wire = self.kubeconfig.context(Some(name.as_str())).await?;
                Ok(Known { wire, stale_at: None, dead_at: None })
            }
            Cluster::KubeconfigSecret(name) => {
                let wire = self.by_secret(name).await?;
                Ok(Known { wire, stale_at: Some(now + KEPT), dead_at: None })
            }
            Cluster::Eks { scope, name } => {
                let eks = self.eks.as_ref();
                let eks = eks.ok_or_else(|| {
                    Fault::Invalid(format!("{cluster}: this process makes no calls to AWS"))
                })?;
                let login = eks.login(scope, name).await?;
                let valid_for = login.valid_for;
                let wire = from_login(login).await?;
                let stale_at = Some(now + valid_for / 2);
                Ok(Known { wire, stale_at, dead_at: Some(now + valid_for) })
            }
        }
    }

    async fn by_secret(&self, name: &ObjectName) -> Result<Wire, NoWire> {
        let (wire, namespace) = self.management.as_ref().ok_or_else(|| {
            Fault::Invalid(format!("secret {name}: there is no management cluster to read it from"))
        })?;
        let late = |_| Fault::Transient(format!("secret {name}: no answer in time"));
        let read = timeout(READ, secret_key(wire, namespace, name, "kubeconfig"));
        let text = read.await.map_err(late)??;
        let wrong = |error: KubeconfigError| {
            let at = discreet::place(&error);
            let words = format!("key kubeconfig of Secret {namespace}/{name} is no kubeconfig{at}");
            NoWire::for_a_while(Fault::Invalid(words))
        };
        Ok(present(Kubeconfig::from_yaml(&text).map_err(wrong)?).await?)
    }
}

async fn from_login(login: EksLogin) -> Result<Wire, NoWire> {
    let text = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "eks",
        "clusters": [{
            "name": "eks",
            "cluster": {
                "server": login.endpoint,
                "certificate-authority-data": login.authority,
            },
        }],
        "users": [{"name": "eks", "user": {"token": login.token}}],
        "contexts": [{"name": "eks", "context": {"cluster": "eks", "user": "eks"}}],
    });
    let all: Kubeconfig = serde_json::from_value(text)
        .map_err(|_| Fault::Invalid("EKS: a login that is no kubeconfig".into()))?;
    Ok(present(all).await?)
}

#[cfg(test)]
#[path = "clusters_tests.rs"]
mod tests;
