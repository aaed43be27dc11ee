//! From a kubeconfig to a client.
//!
//! Making a client may run a plugin that the kubeconfig names, and waits for it: that is done on a
//! thread where waiting harms nobody.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use kube::Config;
use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::time::timeout;

use bowline_core::model::ObjectName;
use bowline_core::op::Fault;

use super::discreet;
use super::path;
use super::wire::Wire;

/// How long a connection may take to be made. Shorter than any call's deadline, so that a host that
/// is gone is told apart from a request whose outcome is unknown.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a command or a replica that starts waits for its way to the management cluster: a
/// plugin may ask a human to log in.
const LOGIN: Duration = Duration::from_secs(60);

/// A future that an object-safe trait can give.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a cluster cannot be reached. Its words are discreet, and no cause stands behind them.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The kubeconfig cannot be read or has no such context.
    #[error("kubeconfig: {0}")]
    Kubeconfig(String),
    /// No configuration was found.
    #[error("no kubeconfig, and not in a cluster: {0}")]
    Nowhere(String),
    /// The client cannot be made.
    #[error("client: {0}")]
    Client(String),
    /// The client is not made in time.
    #[error("client: not made within {} s, a plugin of the kubeconfig does not end", .0.as_secs())]
    Late(Duration),
    /// Making the client was broken off.
    #[error("client: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

impl From<KubeconfigError> for AccessError {
    fn from(error: KubeconfigError) -> Self {
        Self::Kubeconfig(discreet::kubeconfig(&error))
    }
}

impl From<InferConfigError> for AccessError {
    fn from(error: InferConfigError) -> Self {
        Self::Nowhere(discreet::nowhere(&error))
    }
}

impl From<kube::Error> for AccessError {
    fn from(error: kube::Error) -> Self {
        Self::Client(discreet::client(&error))
    }
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
    /// A wire to a context's cluster. It may take as long as a plugin does.
    ///
    /// # Errors
    /// A kubeconfig that cannot be read, or a context that it has not.
    pub async fn context(&self, context: Option<&str>) -> Result<Wire, AccessError> {
        let (file, context) = (self.file.clone(), context.map(str::to_owned));
        blocking(async move {
            let read = match file {
                Some(file) => Kubeconfig::read_from(file),
                None => Kubeconfig::read(),
            };
            config(read?, context).await
        })
        .await
    }

    /// A wire to the management cluster: by a file or context if one is given, else the one we run
    /// in or the kubeconfig's present context.
    ///
    /// # Errors
    /// No configuration, or one that cannot be used, or not in time.
    pub async fn management(&self, context: Option<&str>) -> Result<Wire, AccessError> {
        let made = async {
            if self.file.is_some() || context.is_some() {
                return self.context(context).await;
            }
            blocking(async { Ok(Config::infer().await?) }).await
        };
        timeout(LOGIN, made).await.map_err(|_| AccessError::Late(LOGIN))?
    }
}

/// A wire by a kubeconfig's present context.
pub(super) async fn present(all: Kubeconfig) -> Result<Wire, AccessError> {
    blocking(config(all, None)).await
}

async fn config(all: Kubeconfig, context: Option<String>) -> Result<Config, AccessError> {
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    Ok(Config::from_custom_kubeconfig(all, &options).await?)
}

/// Makes a client where it may block. One that is given up goes on there until its plugin ends.
async fn blocking(
    config: impl Future<Output = Result<Config, AccessError>> + Send + 'static,
) -> Result<Wire, AccessError> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || wire(runtime.block_on(config)?)).await?
}

/// A client that retries nothing by itself: the node decides what is sent again.
pub(super) fn wire(mut config: Config) -> Result<Wire, AccessError> {
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    Ok(Wire::new(kube::Client::try_from(config)?))
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
