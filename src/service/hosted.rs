//! A replica that lives inside a process: the driver around its node, and the policies' reader.
//! `bowline run` adds health checks and signals; a command over a directory hosts one for as long
//! as it needs it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bowline_core::model::{GroupName, ReplicaId};
use bowline_core::node::{GroupStatus, Node, NodeConfig};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinHandle};

use super::clock::Clock;
use super::driver::{Driver, Event};
use super::first_look::FirstLook;
use super::journal::Journal;
use super::options::{RunOptions, ServiceError};
use super::policies::{self, Source};
use super::publish;
use super::shared::Shared;
use crate::edges::{Remote, Store};

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
    /// Not critical: nothing is decided by what it writes.
    publisher: Option<JoinHandle<()>>,
}

impl Hosted {
    /// Starts a replica.
    pub(crate) fn start(
        options: &RunOptions,
        remote: Arc<dyn Remote>,
        source: Source,
        clock: Clock,
    ) -> Self {
        Self::begin(options, remote, source, clock, |node| node)
    }

    /// Starts a replica that begins nothing by itself: it lives for one thing that it was told
    /// about one group.
    pub(super) fn obeying(
        group: &GroupName,
        options: &RunOptions,
        remote: Arc<dyn Remote>,
        source: Source,
        clock: Clock,
    ) -> Self {
        Self::begin(options, remote, source, clock, |node| node.only_told(group.clone()))
    }

    fn begin(
        options: &RunOptions,
        remote: Arc<dyn Remote>,
        source: Source,
        clock: Clock,
        bound: impl FnOnce(Node) -> Node,
    ) -> Self {
        let id = replica(options.name.as_deref());
        let shared = Arc::new(Shared::new(options.stall));
        let (events, incoming) = unbounded_channel();
        let reader = policies::follow(source, Arc::clone(&shared), events.clone());
        let policies = tokio::spawn(reader);
        let driver = Driver {
            node: bound(Node::new(NodeConfig { id: id.clone(), lease: options.lease })),
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
        Self { id, shared, events, driver, policies, publisher: None }
    }

    /// While it leads, says in this store how its groups are.
    pub(super) fn publish_to(&mut self, store: Store) {
        let told = publish::follow(store, Arc::clone(&self.shared));
        self.publisher = Some(tokio::spawn(told));
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

    /// Every group as it sees it.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupStatus> {
        self.view().groups()
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
        self.publisher.iter().for_each(JoinHandle::abort);
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

#[cfg(test)]
mod tests {
    use bowline_core::op::{Answer, Fault, LeaseOp, Op};
    use bowline_core::policy::Policy;
    use tokio::time::Instant;

    use super::*;
    use crate::edges::Store;
    use crate::edges::files::FileStore;
    use crate::edges::kube::Boxed;
    use crate::service::StoreOptions;

    /// A directory, and nothing beside it.
    struct Alone {
        store: Store,
        panics: bool,
    }

    impl Remote for Alone {
        fn perform<'a>(&'a self, op: &'a Op, _: Instant) -> Boxed<'a, Result<Answer, Fault>> {
            Box::pin(async move {
                match op {
                    Op::Store(op) => self.store.perform(op).await,
                    Op::Lease(op) => self.store.lease(op).await,
                    _ => Err(Fault::Transient("nobody is there".into())),
                }
            })
        }

        fn adopt(&self, _: &[Policy]) {
            assert!(!self.panics, "a bug in what the driver calls");
        }
    }

    fn hosted(folder: &std::path::Path, panics: bool) -> (Hosted, Store) {
        let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/minimal.yaml");
        let policies = vec![policy.into()];
        let store = Store::Files(FileStore::open_or_create(folder).unwrap());
        let options = StoreOptions::Folder { folder: folder.into(), policies: policies.clone() };
        let (options, source) = (RunOptions::new(options), Source::Files(policies));
        let remote = Arc::new(Alone { store: store.clone(), panics });
        (Hosted::start(&options, remote, source, Clock::new()), store)
    }

    #[tokio::test(start_paused = true)]
    async fn a_critical_task_that_panics_is_told_so_that_the_process_can_end() {
        let folder = tempfile::tempdir().unwrap();
        let (mut hosted, _) = hosted(folder.path(), true);
        let ended = hosted.ended().await.to_string();
        assert!(ended.starts_with("critical task driver ended: "), "{ended}");
        assert!(ended.contains("panic"), "{ended}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_replica_looks_around_before_anything_is_asked_of_it_and_releases_its_lease() {
        let folder = tempfile::tempdir().unwrap();
        let (hosted, store) = hosted(folder.path(), false);
        hosted.view().looked_around().await;
        assert!(hosted.view().leads() && hosted.groups().len() == 1);
        hosted.stop().await.unwrap();
        let Ok(Answer::Lease(Some(view))) = store.lease(&LeaseOp::Read).await else {
            panic!("a lease")
        };
        assert_eq!(view.lease.holder, None);
    }
}
