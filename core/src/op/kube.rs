//! Calls to a site's cluster. Every write carries the resourceVersion of a read.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Claim, GroupName, JobRef, ObjectName, ObjectRef, Version, WorkloadRef};

/// Resource quantities of a NodePool's limits, in milli-units (`cpu: 200` is 200 000) for `cpu`,
/// and in bytes for everything else. An absent key is no limit.
pub type Quantities = BTreeMap<Arc<str>, u64>;

/// Calls to a cluster's API server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KubeOp {
    /// `GET /readyz`. → [`super::Answer::Ok`]
    Ready,
    /// → [`super::Answer::Workload`]
    Workload(WorkloadRef),
    /// → [`super::Answer::Job`]
    Job(JobRef),
    /// → [`super::Answer::Pool`]
    Pool(ObjectName),
    /// Nodes labelled as this NodePool's. → [`super::Answer::Nodes`]
    Nodes {
        /// The NodePool.
        pool: ObjectName,
    },
    /// Karpenter's NodeClaims of this NodePool: every instance that was launched for it, whether it
    /// has joined the cluster or still boots. → [`super::Answer::Nodes`]
    NodeClaims {
        /// The NodePool.
        pool: ObjectName,
    },
    /// Reads the group's fence ConfigMap. → [`super::Answer::Fence`]
    Fence(GroupName),
    /// Sets (or with `None` removes) the annotation `bowline.dev/holds`. →
    /// [`super::Answer::Written`]
    Annotate {
        /// On what.
        object: ObjectRef,
        /// The resourceVersion of the read it is based on.
        version: Version,
        /// The annotation's value: JSON of a [`crate::model::HoldNote`].
        note: Option<Arc<str>>,
    },
    /// Sets the replicas of a workload through its scale subresource. → [`super::Answer::Written`]
    Scale {
        /// Which workload.
        workload: WorkloadRef,
        /// The resourceVersion of the read it is based on.
        version: Version,
        /// How many are wanted.
        replicas: u32,
    },
    /// Suspends or resumes a CronJob, with its annotation. → [`super::Answer::Written`]
    Suspend {
        /// Which job.
        job: JobRef,
        /// The resourceVersion of the read it is based on.
        version: Version,
        /// Whether it shall not be started.
        suspend: bool,
        /// The annotation's new value; `None` removes it.
        note: Option<Arc<str>>,
    },
    /// Server-side apply of a NodePool's limits, with its annotation, as field manager `bowline`.
    /// → [`super::Answer::Written`]
    Limit {
        /// Which NodePool.
        pool: ObjectName,
        /// The resourceVersion of the read it is based on.
        version: Version,
        /// The limits it shall have.
        limits: Quantities,
        /// The annotation's new value; `None` removes it.
        note: Option<Arc<str>>,
    },
    /// Writes the group's fence ConfigMap. → [`super::Answer::Written`]
    Claim {
        /// Whose.
        group: GroupName,
        /// The version that was read; `None` to create it.
        version: Option<Version>,
        /// What it shall say.
        claim: Claim,
    },
}

impl KubeOp {
    /// The resourceVersion of a held object that a write of it is based on.
    #[must_use]
    pub fn based_on(&self) -> Option<&Version> {
        match self {
            Self::Annotate { version, .. }
            | Self::Scale { version, .. }
            | Self::Suspend { version, .. }
            | Self::Limit { version, .. } => Some(version),
            _ => None,
        }
    }

    /// Whether it may change the cluster.
    #[must_use]
    pub fn mutates(&self) -> bool {
        matches!(
            self,
            Self::Annotate { .. }
                | Self::Scale { .. }
                | Self::Suspend { .. }
                | Self::Limit { .. }
                | Self::Claim { .. }
        )
    }
}

/// A Deployment or StatefulSet as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadView {
    /// resourceVersion.
    pub version: Version,
    /// `spec.replicas`.
    pub wanted: u32,
    /// Pods that are ready (`status.readyReplicas`, once `observedGeneration` has caught up; else
    /// 0).
    pub ready: u32,
    /// Pods that exist at all, ready or not, terminating ones included.
    pub pods: u32,
    /// The annotation `bowline.dev/holds`.
    pub note: Option<Arc<str>>,
    /// Whether it has volume claim templates.
    pub claims_volumes: bool,
}

/// A CronJob as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// resourceVersion.
    pub version: Version,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Jobs of it that run now.
    pub active: u32,
    /// The annotation `bowline.dev/holds`.
    pub note: Option<Arc<str>>,
}

/// A NodePool as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolView {
    /// resourceVersion.
    pub version: Version,
    /// `spec.limits`.
    pub limits: Quantities,
    /// The annotation `bowline.dev/holds`.
    pub note: Option<Arc<str>>,
}

/// The nodes of a NodePool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesView {
    /// Nodes that exist.
    pub total: u32,
    /// Nodes that are ready.
    pub ready: u32,
}

/// A fence ConfigMap as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceView {
    /// resourceVersion.
    pub version: Version,
    /// The claim it says.
    pub claim: Claim,
}
