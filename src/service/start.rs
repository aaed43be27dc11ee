//! Putting the service together, and what its process ends with.

use std::process::ExitCode;
use std::sync::Arc;

use bowline_core::model::{GroupName, ObjectName};
use tokio::net::TcpListener;

use super::clock::Clock;
use super::hosted::Hosted;
use super::options::{RunOptions, ServiceError, StoreOptions};
use super::policies::Source;
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
    let listen = listener.local_addr().map_err(system(&listen))?;
    let (source, store) = (source(&options.store, &edges.store), edges.store.clone());
    let mut hosted = Hosted::start(&options, Arc::new(edges), source, Clock::new());
    hosted.publish_to(store);
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(replica = %hosted.id(), "bowline {version} at {listen}");
    let health = tokio::spawn(http::serve(listener, hosted.shared()));
    tokio::select! {
        () = signals.next() => {}
        ended = hosted.ended() => return Err(told(ended)),
        ended = health => return Err(told(ServiceError::Ended("http", format!("{ended:?}")))),
    }
    hosted.ask_to_stop();
    tokio::select! {
        () = signals.next() => {
            tracing::warn!("aborted by a second signal");
            Ok(ExitCode::from(130))
        }
        ended = hosted.stopped() => {
            ended.map_err(told)?;
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Starts a replica inside this process, for as long as a command needs it: over a directory, with
/// nothing that listens. It does what it is told for one group, and begins nothing by itself.
///
/// # Errors
/// A cluster or directory that cannot be used.
pub async fn host(
    options: &RunOptions,
    group: &GroupName,
) -> Result<(Hosted, Store), ServiceError> {
    let edges = edges(options).await?;
    let store = edges.store.clone();
    let source = source(&options.store, &store);
    let mut hosted = Hosted::obeying(group, options, Arc::new(edges), source, Clock::new());
    hosted.publish_to(store.clone());
    Ok((hosted, store))
}

fn told(error: ServiceError) -> ServiceError {
    tracing::error!("{error}");
    error
}

fn source(options: &StoreOptions, store: &Store) -> Source {
    match (options, store) {
        (StoreOptions::Folder { policies, .. }, _) => Source::Files(policies.clone()),
        (StoreOptions::Cluster { .. }, Store::Cluster(store)) => Source::Cluster(store.clone()),
        (StoreOptions::Cluster { .. }, Store::Files(_)) => Source::Files(Vec::new()),
    }
}
