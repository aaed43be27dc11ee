//! Edges: `Op` in, `Answer` or `Fault` out.
//!
//! **One `Op` is one remote call.** An edge performs it and says what became of it; it does not
//! loop, wait or decide, and retries nothing. Every call ends at the deadline it was given:
//!
//! | what happened | a call that changes something | a look |
//! | --- | --- | --- |
//! | no connection | `Transient`: certainly nothing | `Transient` |
//! | the deadline passed, or the connection was lost after the request | `Unknown` | `Transient` |
//! | the service said no | what it said | what it said |
//!
//! ```text
//! Store, Lease → kube/store or files/      Kube → kube/site       Probe, Notify → net/
//! Route53, Elb, Rds, CloudWatch → aws/
//! ```

pub mod aws;
pub mod files;
pub mod kube;
pub mod net;
pub mod read_only;
pub mod registry;
#[cfg(test)]
pub(crate) mod testing;
mod words;

use std::sync::Arc;

use bowline_core::model::{Cluster, GroupName};
use bowline_core::node::GroupStatus;
use bowline_core::op::{Answer, Fault, LeaseOp, Op, StoreOp};
use bowline_core::policy::Policy;
use bowline_core::run::Intent;
use tokio::time::{Instant, timeout_at};

use files::FileStore;
use kube::{Boxed, ClusterStore, Clusters};
use net::Dns;
use registry::Registry;

/// Who makes AWS' calls.
pub trait Aws: Send + Sync {
    /// Makes one call of Route 53, ELBv2, RDS, CloudWatch or the gate.
    fn perform<'a>(&'a self, op: &'a Op) -> Boxed<'a, Result<Answer, Fault>>;
}

/// Who makes calls: the edges, or a simulated world in a test.
pub trait Remote: Send + Sync {
    /// Makes one call, and gives up at `deadline`.
    fn perform<'a>(&'a self, op: &'a Op, deadline: Instant) -> Boxed<'a, Result<Answer, Fault>>;

    /// Takes the policies in force, all of them.
    fn adopt(&self, policies: &[Policy]);
}

impl Remote for Edges {
    fn perform<'a>(&'a self, op: &'a Op, deadline: Instant) -> Boxed<'a, Result<Answer, Fault>> {
        Box::pin(self.perform(op, deadline))
    }

    fn adopt(&self, policies: &[Policy]) {
        self.registry.adopt(policies);
    }
}

/// Where records, facts, intents and the lease are kept.
#[derive(Clone)]
pub enum Store {
    /// Custom resources in the management cluster.
    Cluster(ClusterStore),
    /// A directory.
    Files(FileStore),
}

/// Everything that makes remote calls.
pub struct Edges {
    /// Where records are kept.
    pub store: Store,
    /// The sites' clusters.
    pub clusters: Clusters,
    /// How names are resolved.
    pub dns: Dns,
    /// Whom notices are for.
    pub registry: Registry,
    /// AWS; `None` in a process that has nothing to do with it.
    pub aws: Option<Arc<dyn Aws>>,
}

impl Edges {
    /// Makes one call, and gives up at `deadline`.
    ///
    /// # Errors
    /// See the module's table.
    pub async fn perform(&self, op: &Op, deadline: Instant) -> Result<Answer, Fault> {
        match timeout_at(deadline, self.call(op, deadline)).await {
            Ok(result) => result,
            Err(_) if op.mutates() => Err(Fault::Unknown("no answer in time".into())),
            Err(_) => Err(Fault::Transient("no answer in time".into())),
        }
    }

    /// Whether a group's fence could be written in a cluster; nothing is written.
    ///
    /// # Errors
    /// What the API server or the way to it said.
    pub async fn could_claim(&self, cluster: &Cluster, group: &GroupName) -> Result<(), Fault> {
        let wire = self.clusters.wire(cluster).await?;
        kube::site::could_claim(&wire, group).await
    }

    async fn call(&self, op: &Op, deadline: Instant) -> Result<Answer, Fault> {
        match op {
            Op::Store(op) => self.store.perform(op).await,
            Op::Lease(op) => self.store.lease(op).await,
            Op::Kube(cluster, op) => {
                // Without a way there nothing was sent, whatever was to be.
                let late = |_| Fault::Transient(format!("{cluster}: no client in time"));
                let made = timeout_at(deadline, self.clusters.wire(cluster)).await;
                let wire = made.map_err(late)??;
                kube::site::perform(&wire, op).await
            }
            Op::Probe(op) => net::look(&self.dns, op).await,
            Op::Notify(notice) => {
                let url = self.registry.url(notice).await?;
                net::tell(&self.dns, &url, notice, deadline).await
            }
            Op::Route53(..) | Op::Elb(..) | Op::Rds(..) | Op::CloudWatch(..) | Op::Gate(..) => {
                match &self.aws {
                    Some(aws) => aws.perform(op).await,
                    None => Err(Fault::Invalid("this process makes no calls to AWS".into())),
                }
            }
        }
    }
}

impl Store {
    pub(crate) async fn perform(&self, op: &StoreOp) -> Result<Answer, Fault> {
        match self {
            Self::Cluster(store) => store.perform(op).await,
            Self::Files(store) => {
                let (store, op, mutates) = (store.clone(), op.clone(), op.mutates());
                blocking(move || store.perform(&op), mutates).await
            }
        }
    }

    pub(crate) async fn lease(&self, op: &LeaseOp) -> Result<Answer, Fault> {
        match self {
            Self::Cluster(store) => store.lease(op).await,
            Self::Files(store) => {
                let mutates = matches!(op, LeaseOp::Write { .. });
                let (store, op) = (store.clone(), op.clone());
                blocking(move || store.lease(&op), mutates).await
            }
        }
    }

    /// Says what a human wants; gives the intent's uid. In a cluster the requesting user is who
    /// wants it, whatever `by` says.
    ///
    /// # Errors
    /// What the store said: no right to is [`Fault::Denied`].
    pub async fn intend(
        &self,
        group: &GroupName,
        by: &str,
        intent: &Intent,
    ) -> Result<String, Fault> {
        match self {
            Self::Cluster(store) => store.intend(group, intent).await,
            Self::Files(store) => {
                let (store, group) = (store.clone(), group.clone());
                let (by, intent) = (by.to_owned(), intent.clone());
                blocking(move || store.intend(&group, &by, &intent), true).await
            }
        }
    }
}

// === What people read ===

impl Store {
    /// Says how a group is, for people: the newest replaces the one before.
    ///
    /// # Errors
    /// What the store said.
    pub async fn publish(&self, status: &GroupStatus) -> Result<(), Fault> {
        match self {
            Self::Cluster(store) => store.publish(status).await,
            Self::Files(store) => {
                let (store, group) = (store.clone(), status.group.clone());
                let bytes =
                    serde_json::to_vec(status).map_err(|e| Fault::Invalid(e.to_string()))?;
                blocking(move || store.publish(&group, &bytes), true).await
            }
        }
    }

    /// What a leader last said of a group; `None`: nobody ever did.
    ///
    /// # Errors
    /// What the store said, or a status that cannot be read.
    pub async fn published(&self, group: &GroupName) -> Result<Option<GroupStatus>, Fault> {
        let text = match self {
            Self::Cluster(store) => store.published(group).await?,
            Self::Files(store) => {
                let (store, group) = (store.clone(), group.clone());
                blocking(move || store.published(&group), false).await?
            }
        };
        let parse = |text: String| {
            serde_json::from_str(&text)
                .map_err(|e| Fault::Invalid(format!("the published status of {group}: {e}")))
        };
        text.map(parse).transpose()
    }

    /// The groups that the store knows: those of a cluster, or those with a journal in a directory.
    ///
    /// # Errors
    /// What the store said.
    pub async fn group_names(&self) -> Result<Vec<GroupName>, Fault> {
        match self {
            Self::Cluster(store) => {
                let groups = store.groups().await?;
                let names = groups.iter().filter_map(|group| group["metadata"]["name"].as_str());
                Ok(names.map(GroupName::new).collect())
            }
            Self::Files(store) => {
                let store = store.clone();
                blocking(move || store.groups(), false).await
            }
        }
    }
}

/// Runs what blocks where it may. A call that is given up goes on there until the disk answers.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
    mutates: bool,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) if mutates => Err(Fault::Unknown(e.to_string())),
        Err(e) => Err(Fault::Transient(e.to_string())),
    }
}

#[cfg(test)]
mod tests;
