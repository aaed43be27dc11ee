//! The parts of Kubernetes objects that Bowline reads. Everything else in them is passed over.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use bowline_core::model::Version;
use bowline_core::op::{Fault, JobView, NodesView, PoolView, Quantities, WorkloadView};

use super::quantity;

/// The annotation that says who holds an object.
pub const HOLDS: &str = "bowline.dev/holds";

/// `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) creation_timestamp: Option<String>,
    pub(crate) generation: i64,
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Metadata {
    pub(crate) fn version(&self) -> Version {
        Version::new(&self.resource_version)
    }

    fn note(&self) -> Option<Arc<str>> {
        self.annotations.get(HOLDS).map(|text| Arc::from(text.as_str()))
    }
}

/// A list of anything.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
}

/// A Deployment or StatefulSet.
#[derive(Debug, Deserialize)]
pub(crate) struct Workload {
    metadata: Metadata,
    spec: WorkloadSpec,
    #[serde(default)]
    status: WorkloadStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadSpec {
    replicas: Option<u32>,
    volume_claim_templates: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadStatus {
    observed_generation: i64,
    replicas: u32,
    ready_replicas: u32,
    /// Deployments only, from Kubernetes 1.35 on.
    terminating_replicas: u32,
}

impl From<Workload> for WorkloadView {
    /// One read says how many pods there are only as its controller last counted them:
    ///
    /// - A StatefulSet's `status.replicas` has its terminating pods in it.
    /// - A Deployment's has not; they are `status.terminatingReplicas`, which API servers before
    ///   1.35 do not fill: there a pod that is being stopped is not seen, and only the database's
    ///   own count of connections tells that it is gone.
    /// - Until the controller has seen the present `spec`, no pod counts as ready and at least one
    ///   as there, so that nobody takes an old count for the end of the pods.
    fn from(seen: Workload) -> Self {
        let counted = seen.status.observed_generation >= seen.metadata.generation;
        let pods = seen.status.replicas.saturating_add(seen.status.terminating_replicas);
        Self {
            version: seen.metadata.version(),
            // The API server's default.
            wanted: seen.spec.replicas.unwrap_or(1),
            ready: if counted { seen.status.ready_replicas } else { 0 },
            pods: if counted { pods } else { pods.max(1) },
            note: seen.metadata.note(),
            claims_volumes: !seen.spec.volume_claim_templates.is_empty(),
        }
    }
}

/// A CronJob.
#[derive(Debug, Deserialize)]
pub(crate) struct CronJob {
    metadata: Metadata,
    spec: CronJobSpec,
    #[serde(default)]
    status: CronJobStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CronJobSpec {
    suspend: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CronJobStatus {
    active: Vec<Value>,
}

impl From<CronJob> for JobView {
    fn from(seen: CronJob) -> Self {
        Self {
            version: seen.metadata.version(),
            suspended: seen.spec.suspend,
            active: u32::try_from(seen.status.active.len()).unwrap_or(u32::MAX),
            note: seen.metadata.note(),
        }
    }
}

/// A Karpenter NodePool.
#[derive(Debug, Deserialize)]
pub(crate) struct NodePool {
    metadata: Metadata,
    spec: NodePoolSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodePoolSpec {
    limits: BTreeMap<String, Value>,
}

impl TryFrom<NodePool> for PoolView {
    type Error = Fault;

    fn try_from(seen: NodePool) -> Result<Self, Fault> {
        let limits = seen.spec.limits.iter().map(|(name, value)| {
            // A quantity may be written as a number, too.
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let limit = quantity::read(name, &text);
            let bad = || Fault::Invalid(format!("limit {name}: {text} is no quantity"));
            Ok((Arc::from(name.as_str()), limit.ok_or_else(bad)?))
        });
        let limits: Quantities = limits.collect::<Result<_, Fault>>()?;
        Ok(Self { version: seen.metadata.version(), limits, note: seen.metadata.note() })
    }
}

/// A Node.
#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    conditions: Vec<Condition>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl Node {
    fn ready(&self) -> bool {
        self.status.conditions.iter().any(|c| c.kind == "Ready" && c.status == "True")
    }
}

impl From<List<Node>> for NodesView {
    fn from(seen: List<Node>) -> Self {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let ready = seen.items.iter().filter(|node| node.ready()).count();
        Self { total: count(seen.items.len()), ready: count(ready) }
    }
}

/// A ConfigMap.
#[derive(Debug, Deserialize)]
pub(crate) struct ConfigMap {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) data: BTreeMap<String, String>,
}

#[cfg(test)]
#[path = "objects_tests.rs"]
mod tests;
