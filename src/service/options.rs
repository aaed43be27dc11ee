//! What `bowline run` is told, and why it may not start or not go on.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bowline_core::lease::LeaseTimes;
use bowline_core::model::ObjectName;
use bowline_core::op::Fault;

use super::log::LogFormat;
use crate::edges::aws::EndpointsError;
use crate::edges::kube::AccessError;

/// Where the store is.
#[derive(Clone, Debug)]
pub enum StoreOptions {
    /// Custom resources in the management cluster.
    Cluster {
        /// The context of the kubeconfig; absent: the cluster we run in, else the present context.
        context: Option<String>,
        /// The namespace of groups, records, intents and the lease.
        namespace: ObjectName,
    },
    /// A directory, with policies from files.
    Folder {
        /// The directory; made if it is absent.
        folder: PathBuf,
        /// Policies, read again when they change.
        policies: Vec<PathBuf>,
    },
}

/// What `bowline run` is told.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Where the store is.
    pub store: StoreOptions,
    /// The kubeconfig file; absent: `$KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// Secrets as files `FOLDER/SECRET/KEY`, instead of Secrets of the management cluster.
    pub secrets: Option<PathBuf>,
    /// Region × service → URL, and DNS servers; absent: AWS' own.
    pub endpoints: Option<PathBuf>,
    /// The replica's name; absent: the host's. It gets a suffix, since no two processes share one.
    pub name: Option<String>,
    /// The lease's times.
    pub lease: LeaseTimes,
    /// Where health and metrics are served.
    pub listen: SocketAddr,
    /// How log lines look.
    pub log: LogFormat,
    /// `/livez` fails when the loop has not turned for so long.
    pub stall: Duration,
    /// How long a clean stop may take.
    pub grace: Duration,
}

impl RunOptions {
    /// The defaults, over a store.
    #[must_use]
    pub fn new(store: StoreOptions) -> Self {
        Self {
            store,
            kubeconfig: None,
            secrets: None,
            endpoints: None,
            name: None,
            lease: LeaseTimes::default(),
            listen: SocketAddr::from(([0, 0, 0, 0], 8080)),
            log: LogFormat::Text,
            stall: Duration::from_secs(10),
            grace: Duration::from_secs(20),
        }
    }
}

/// Why the service did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The management cluster cannot be reached at all.
    #[error("management cluster")]
    Access(#[from] AccessError),
    /// The store cannot be opened.
    #[error("store: {0}")]
    Store(Fault),
    /// The endpoints file cannot be used.
    #[error("endpoints file")]
    Endpoints(#[from] EndpointsError),
    /// An address is taken, or signals cannot be listened to.
    #[error("{0}")]
    System(String, #[source] std::io::Error),
    /// Something that must run as long as the process ended.
    #[error("critical task {0} ended: {1}")]
    Ended(&'static str, String),
}
