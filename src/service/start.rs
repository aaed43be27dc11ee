//! Putting the service together, and what its process ends with.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bowline_core::model::{ObjectName, ReplicaId};
use bowline_core::node::{Node, NodeConfig};
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;

use super::clock::Clock;
use super::driver::{Driver, Event};
use super::journal::Journal;
use super::options::{RunOptions, ServiceError, StoreOptions};
use super::policies::{self, Source};
use super::shared::Shared;
use super::signals::Signals;
use super::{http, log};
use crate::edges::aws::{AwsEdge, Endpoints};
use crate::edges::files::FileStore;
use crate::edges::kube::{ClusterStore, Clusters, EksLogins, KubeconfigSource, Wire};
use crate::edges::net::Dns;
use crate::edges::registry::{Registry, Secrets};
use crate::edges::{Edges, Store};

/// Runs the service until it is told to stop.
///
/// # Errors
/// What kept it from starting, or which critical task ended.
pub async fn run(options: RunOptions) -> Result<ExitCode, ServiceError> {
    let edges = edges(&options).await?;
    serve(options, edges).await
}

/// Opens the store alone, as commands do that leave something for the controller.
///
/// # Errors
/// A cluster or directory that cannot be used.
pub async fn store(options: &RunOptions) -> Result<Store, ServiceError> {
    opened(options).await.map(|(store, _)| store)
}

async fn opened(options: &RunOptions) -> Result<(Store, Option<(Wire, ObjectName)>), ServiceError> {
    match &options.store {
        StoreOptions::Cluster { context, namespace } => {
            let source = KubeconfigSource { file: options.kubeconfig.clone() };
            let wire = source.management(context.as_deref()).await?;
            let store = ClusterStore::new(wire.clone(), namespace.clone());
            Ok((Store::Cluster(store), Some((wire, namespace.clone()))))
        }
        StoreOptions::Folder { folder, .. } => {
            let store = FileStore::open_or_create(folder).map_err(ServiceError::Store)?;
            Ok((Store::Files(store), None))
        }
    }
}

/// The edges that the options ask for. AWS is asked nothing yet, not even for credentials.
///
/// # Errors
/// A cluster, directory or endpoints file that cannot be used.
pub async fn edges(options: &RunOptions) -> Result<Edges, ServiceError> {
    let endpoints = options.endpoints.as_deref().map(Endpoints::read).transpose()?;
    let endpoints = endpoints.unwrap_or_default();
    let (store, management) = opened(options).await?;
    let secrets = match (&options.secrets, &management) {
        (Some(folder), _) => Secrets::Folder(folder.clone()),
        (None, Some((wire, _))) => Secrets::Cluster(wire.clone()),
        (None, None) => Secrets::None,
    };
    let kubeconfig = KubeconfigSource { file: options.kubeconfig.clone() };
    let dns = Dns { only: endpoints.dns.clone(), ..Dns::default() };
    let aws = Arc::new(AwsEdge::new(endpoints));
    let mut clusters = Clusters::new(kubeconfig, management);
    clusters.eks = Some(Arc::clone(&aws) as Arc<dyn EksLogins>);
    Ok(Edges { store, clusters, dns, registry: Registry::new(secrets), aws: Some(aws) })
}

/// Runs the service over given edges.
///
/// # Errors
/// What kept it from starting, or which critical task ended.
pub async fn serve(options: RunOptions, edges: Edges) -> Result<ExitCode, ServiceError> {
    log::init(options.log);
    let system = |what: &str| {
        let what = what.to_owned();
        move |e| ServiceError::System(what, e)
    };
    let listen = options.listen.to_string();
    let listener = TcpListener::bind(options.listen).await.map_err(system(&listen))?;
    let mut signals = Signals::new().map_err(system("signals"))?;
    let id = replica(options.name.as_deref());
    let listen = listener.local_addr().map_err(system(&listen))?;
    tracing::info!(replica = %id, "bowline {} at {listen}", env!("CARGO_PKG_VERSION"));

    let shared = Arc::new(Shared::new(options.stall));
    let (events, incoming) = unbounded_channel();
    let source = source(&options.store, &edges.store);
    let policies = tokio::spawn(policies::follow(source, Arc::clone(&shared), events.clone()));
    let health = tokio::spawn(http::serve(listener, Arc::clone(&shared)));
    let driver = Driver {
        node: Node::new(NodeConfig { id: id.clone(), lease: options.lease }),
        clock: Clock::new(),
        edges: Arc::new(edges),
        events: events.clone(),
        journal: Journal::new(id),
        shared,
        groups: Vec::new(),
        read: BTreeSet::new(),
        led: false,
    };
    let driver = tokio::spawn(driver.run(incoming, options.grace));
    let stop = async {
        signals.next().await;
        let _ = events.send(Event::Stop);
        signals.next().await;
    };
    tokio::select! {
        () = stop => {
            tracing::warn!("aborted by a second signal");
            Ok(ExitCode::from(130))
        }
        ended = driver => match ended {
            Ok(true) => {
                tracing::info!("stopped");
                Ok(ExitCode::SUCCESS)
            }
            Ok(false) => Err(ended_early("driver", "the lease was not released in time")),
            Err(e) => Err(ended_early("driver", &e.to_string())),
        },
        ended = health => Err(ended_early("http", &format!("{ended:?}"))),
        ended = policies => Err(ended_early("policies", &format!("{ended:?}"))),
    }
}

fn ended_early(task: &'static str, why: &str) -> ServiceError {
    tracing::error!("critical task {task} ended: {why}");
    ServiceError::Ended(task, why.to_owned())
}

fn source(options: &StoreOptions, store: &Store) -> Source {
    match (options, store) {
        (StoreOptions::Folder { policies, .. }, _) => Source::Files(policies.clone()),
        (StoreOptions::Cluster { .. }, Store::Cluster(store)) => Source::Cluster(store.clone()),
        (StoreOptions::Cluster { .. }, Store::Files(_)) => Source::Files(Vec::new()),
    }
}

/// A name that no other process has, and no later one will: the lease relies on it.
fn replica(name: Option<&str>) -> ReplicaId {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let base = name.unwrap_or(&host);
    ReplicaId::new(format!("{base}-{:x}-{:x}", since.as_millis(), std::process::id()))
}
