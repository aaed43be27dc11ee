//! How clusters are reached: one client per cluster, made when it is first needed and kept.
//!
//! Making a client may ask others (a Secret, `DescribeCluster`); that is no call of the node's and
//! happens at most once per cluster and [`KEPT`]. No lock is held meanwhile, so that a dead Region
//! keeps nobody else waiting.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use serde::Deserialize;
use serde_json::json;

use bowline_core::model::{Cluster, ObjectName, Scope};
use bowline_core::op::Fault;

use super::path;
use super::wire::Wire;

/// How long a connection may take to be made. Shorter than any call's deadline, so that a host that
/// is gone is told apart from a request whose outcome is unknown.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a client made from a Secret is used before the Secret is read again.
const KEPT: Duration = Duration::from_secs(600);

/// A future that an object-safe trait can give.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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

/// Why a cluster cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The kubeconfig cannot be read or has no such context.
    #[error("kubeconfig: {0}")]
    Kubeconfig(#[from] Box<KubeconfigError>),
    /// No configuration was found.
    #[error("no kubeconfig, and not in a cluster: {0}")]
    Nowhere(#[from] Box<kube::config::InferConfigError>),
    /// The client cannot be made.
    #[error("client: {0}")]
    Client(#[from] Box<kube::Error>),
}

impl From<AccessError> for Fault {
    fn from(error: AccessError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Where kubeconfigs are found.
#[derive(Clone, Debug, Default)]
pub struct KubeconfigSource {
    /// This file; else `$KUBECONFIG`, else `~/.kube/config`.
    pub file: Option<PathBuf>,
}

impl KubeconfigSource {
    /// A wire to a context's cluster.
    ///
    /// # Errors
    /// A kubeconfig that cannot be read, or a context that it has not.
    pub async fn context(&self, context: Option<&str>) -> Result<Wire, AccessError> {
        let read = match &self.file {
            Some(file) => Kubeconfig::read_from(file),
            None => Kubeconfig::read(),
        };
        from_kubeconfig(read.map_err(Box::new)?, context).await
    }

    /// A wire to the management cluster: by a file or context if one is given, else the one we run
    /// in or the kubeconfig's present context.
    ///
    /// # Errors
    /// No configuration, or one that cannot be used.
    pub async fn management(&self, context: Option<&str>) -> Result<Wire, AccessError> {
        if self.file.is_some() || context.is_some() {
            return self.context(context).await;
        }
        wire(Config::infer().await.map_err(Box::new)?)
    }
}

async fn from_kubeconfig(all: Kubeconfig, context: Option<&str>) -> Result<Wire, AccessError> {
    let context = context.map(str::to_owned);
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(all, &options).await.map_err(Box::new)?;
    wire(config)
}

/// A client that retries nothing by itself: the node decides what is sent again.
pub(super) fn wire(mut config: Config) -> Result<Wire, AccessError> {
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    Ok(Wire::new(kube::Client::try_from(config).map_err(Box::new)?))
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
    known: Mutex<BTreeMap<Cluster, Known>>,
}

#[derive(Clone)]
struct Known {
    wire: Wire,
    /// From when on it is made anew.
    stale_at: Option<Instant>,
    /// From when on it cannot be used.
    dead_at: Option<Instant>,
}

impl Clusters {
    /// Clusters of which none was reached yet, without access to EKS.
    #[must_use]
    pub fn new(kubeconfig: KubeconfigSource, management: Option<(Wire, ObjectName)>) -> Self {
        Self { kubeconfig, management, ..Self::default() }
    }

    /// The wire to a cluster.
    ///
    /// # Errors
    /// What keeps a client from being made; one that still works is used before that is told.
    pub(crate) async fn wire(&self, cluster: &Cluster) -> Result<Wire, Fault> {
        let now = Instant::now();
        let over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let old = self.lock().get(cluster).filter(|known| !over(known.dead_at)).cloned();
        if let Some(known) = old.as_ref().filter(|known| !over(known.stale_at)) {
            return Ok(known.wire.clone());
        }
        match (self.make(cluster, now).await, old) {
            (Ok(known), _) => {
                let wire = known.wire.clone();
                self.lock().insert(cluster.clone(), known);
                Ok(wire)
            }
            (Err(_), Some(old)) => Ok(old.wire),
            (Err(fault), None) => Err(fault),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Cluster, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make(&self, cluster: &Cluster, now: Instant) -> Result<Known, Fault> {
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

    async fn by_secret(&self, name: &ObjectName) -> Result<Wire, Fault> {
        let (wire, namespace) = self.management.as_ref().ok_or_else(|| {
            Fault::Invalid(format!("secret {name}: there is no management cluster to read it from"))
        })?;
        let text = secret_key(wire, namespace, name, "kubeconfig").await?;
        let all = Kubeconfig::from_yaml(&text).map_err(|e| AccessError::from(Box::new(e)))?;
        Ok(from_kubeconfig(all, None).await?)
    }
}

/// A key of a Secret, as text. Its faults never repeat the value.
pub(crate) async fn secret_key(
    wire: &Wire,
    namespace: &ObjectName,
    name: &ObjectName,
    key: &str,
) -> Result<String, Fault> {
    #[derive(Deserialize)]
    struct Secret {
        #[serde(default)]
        data: BTreeMap<String, k8s_openapi::ByteString>,
    }
    let path = path::namespaced("/api/v1", namespace.as_str(), "secrets", Some(name.as_str()));
    let mut secret: Secret = wire.get(&path).await?;
    let place = format!("key {key} of Secret {namespace}/{name}");
    let value = secret.data.remove(key).ok_or_else(|| Fault::NotFound(place.clone()))?;
    String::from_utf8(value.0).map_err(|_| Fault::Invalid(format!("{place} is not text")))
}

async fn from_login(login: EksLogin) -> Result<Wire, Fault> {
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
    Ok(from_kubeconfig(all, None).await?)
}
