//! A replica that lives inside a process: the driver around its node, and the policies' reader.
//! `bowline run` adds health checks and signals; a command over a directory hosts one for as long
//! as it needs it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bowline_core::model::ReplicaId;
use bowline_core::node::{GroupStatus, Node, NodeConfig};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinHandle};

use super::clock::Clock;
use super::driver::{Driver, Event};
use super::first_look::FirstLook;
use super::journal::Journal;
use super::options::{RunOptions, ServiceError};
use super::policies::{self, Source};
use super::shared::Shared;
use crate::edges::Remote;

/// How often somebody who waits for the replica looks.
const LOOK: Duration = Duration::from_millis(200);

/// What can be seen of a hosted replica.
#[derive(Clone)]
pub struct HostedView(Arc<Shared>);

impl HostedView {
    /// Whether it leads.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.0.snapshot().leads
    }

    /// Every group as it sees it.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupStatus> {
        self.0.snapshot().groups.clone()
    }

    /// Waits until it has read every journal and looked at the world once: until then it knows
    /// nothing that a human's wish could be judged by.
    pub async fn looked_around(&self) {
        while !self.0.snapshot().looked || self.0.unready().is_some() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// A replica and its tasks. Dropping it ends them, and releases no lease.
pub struct Hosted {
    id: ReplicaId,
    shared: Arc<Shared>,
    events: UnboundedSender<Event>,
    driver: JoinHandle<bool>,
    policies: JoinHandle<()>,
}

impl Hosted {
    /// Starts a replica.
    pub(crate) fn start(
        options: &RunOptions,
        remote: Arc<dyn Remote>,
        source: Source,
        clock: Clock,
    ) -> Self {
        let id = replica(options.name.as_deref());
        let shared = Arc::new(Shared::new(options.stall));
        let (events, incoming) = unbounded_channel();
        let reader = policies::follow(source, Arc::clone(&shared), events.clone());
        let policies = tokio::spawn(reader);
        let driver = Driver {
            node: Node::new(NodeConfig { id: id.clone(), lease: options.lease }),
            clock,
            remote,
            events: events.clone(),
            journal: Journal::new(id.clone()),
            first_look: FirstLook::default(),
            shared: Arc::clone(&shared),
            groups: Vec::new(),
            read: BTreeSet::new(),
            led: false,
        };
        let driver = tokio::spawn(driver.run(incoming, options.grace));
        Self { id, shared, events, driver, policies }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ReplicaId {
        &self.id
    }

    /// What can be seen of it from elsewhere.
    #[must_use]
    pub fn view(&self) -> HostedView {
        HostedView(self.shared())
    }

    /// Waits until one of its tasks ends, which none should: the process must end then.
    pub async fn ended(&mut self) -> ServiceError {
        let (task, ended) = tokio::select! {
            ended = &mut self.driver => ("driver", why(ended)),
            ended = &mut self.policies => ("policies", why(ended)),
        };
        ServiceError::Ended(task, ended)
    }

    /// Asks for a clean stop: the lease is released. Does not wait for it.
    pub(super) fn ask_to_stop(&self) {
        let _ = self.events.send(Event::Stop);
    }

    /// Waits until a stop that was asked for is over.
    pub(super) async fn stopped(&mut self) -> Result<(), ServiceError> {
        let ended = tokio::select! {
            ended = &mut self.driver => ended,
            ended = &mut self.policies => {
                return Err(ServiceError::Ended("policies", why(ended)));
            }
        };
        match ended {
            Ok(true) => Ok(()),
            Ok(false) => Err(ServiceError::Ended("driver", NOT_RELEASED.into())),
            Err(e) => Err(ServiceError::Ended("driver", e.to_string())),
        }
    }

    /// Stops cleanly: what is on its way is left to whoever leads next, and the lease is released.
    ///
    /// # Errors
    /// The lease was not released in time; it expires.
    pub async fn stop(mut self) -> Result<(), ServiceError> {
        self.ask_to_stop();
        self.stopped().await
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.driver.abort();
        self.policies.abort();
    }
}

const NOT_RELEASED: &str = "the lease was not released in time";

fn why<T>(ended: Result<T, JoinError>) -> String {
    ended.map_or_else(|e| e.to_string(), |_| "it returned".into())
}

/// A name that no other process has, and no later one will: the lease relies on it.
fn replica(name: Option<&str>) -> ReplicaId {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let base = name.unwrap_or(&host);
    ReplicaId::new(format!("{base}-{:x}-{:x}", since.as_millis(), std::process::id()))
}
