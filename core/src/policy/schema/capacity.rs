//! What must run, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::forms;
use crate::model::Span;

/// What must run at the site that serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CapacitySpec {
    /// The Deployments, StatefulSets and CronJobs of the application; the same names at both sites.
    /// Required, at least one.
    #[schemars(length(min = 1))]
    pub workloads: Vec<WorkloadSpec>,
    /// Karpenter NodePools of the standby cluster to open while it is needed. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub node_pools: Vec<NodePoolSpec>,
    /// What must run in a passive cluster before more can be added there, such as Karpenter: each
    /// must have a ready pod, or the site is not ready. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floor: Vec<FloorSpec>,
    /// How long capacity may take before a human is asked. Default: 15m.
    #[serde(default = "default_ready_timeout")]
    #[schemars(extend("pattern" = forms::POSITIVE))]
    pub ready_timeout: Span,
    /// The share of what was asked that must be ready before traffic opens. Default: 90.
    #[serde(default = "default_minimum_ready")]
    #[schemars(range(min = 1, max = 100))]
    pub minimum_ready_percent: u32,
}

/// A workload of the application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkloadSpec {
    /// `Deployment`, `StatefulSet` or `CronJob`. Required.
    pub kind: WorkloadKindSpec,
    /// Its namespace. Required.
    #[schemars(extend("pattern" = forms::OBJECT))]
    pub namespace: String,
    /// Its name. Required.
    #[schemars(extend("pattern" = forms::OBJECT))]
    pub name: String,
    /// How many at the standby site while it serves. Required, except for a CronJob, which has
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<ReplicasSpec>,
    /// When it may start at the gaining site: `early` if it is safe without the writer, or
    /// `afterWriter`. Not for a CronJob. Default: afterWriter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartSpec>,
    /// Where it may run: at `both` sites, or `activeOnly`. Default: both.
    #[serde(default)]
    pub run: RunSpec,
}

/// A workload that a cluster cannot grow without; the same names at both sites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FloorSpec {
    /// `Deployment` or `StatefulSet`. Required.
    pub kind: FloorKindSpec,
    /// Its namespace. Required.
    #[schemars(extend("pattern" = forms::OBJECT))]
    pub namespace: String,
    /// Its name. Required.
    #[schemars(extend("pattern" = forms::OBJECT))]
    pub name: String,
}

/// Kinds of workloads of the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FloorKindSpec {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
}

/// Kinds of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WorkloadKindSpec {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet; its volumes do not cross Regions.
    StatefulSet,
    /// `batch/v1` CronJob; it is suspended and resumed.
    CronJob,
}

/// How many replicas: `count`, or `percentOfHome` with its floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct ReplicasSpec {
    /// This many. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100_000))]
    pub count: Option<u32>,
    /// This share of home's count when it was last healthy, rounded up. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub percent_of_home: Option<u32>,
    /// With `percentOfHome`: at least this many. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 100_000))]
    pub at_least: Option<u32>,
}

/// When a workload may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StartSpec {
    /// At once.
    Early,
    /// When the site's member is the confirmed writer.
    AfterWriter,
}

/// Where a workload may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunSpec {
    /// At both sites.
    #[default]
    Both,
    /// Only where the application serves.
    ActiveOnly,
}

/// A Karpenter NodePool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodePoolSpec {
    /// Its name. Required.
    #[schemars(extend("pattern" = forms::OBJECT))]
    pub name: String,
    /// The limits it has while the standby site is needed: `{cpu: "200", memory: 800Gi}`, each a
    /// Kubernetes quantity in quotes. Required, at least one.
    #[schemars(extend(
        "minProperties" = 1,
        "additionalProperties" = {"type": "string", "pattern": forms::QUANTITY}
    ))]
    pub limits: BTreeMap<String, String>,
}

fn default_ready_timeout() -> Span {
    Span::mins(15)
}

fn default_minimum_ready() -> u32 {
    90
}
