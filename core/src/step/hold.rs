//! Holds: changes Bowline made that must be undone.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    Cluster, InstanceId, JobRef, ObjectName, ObjectRef, ResourceId, Scope, SecurityGroupId, Site,
    WorkloadRef,
};
use crate::op::Quantities;

/// Names a hold in its group: site and object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(Arc<str>);

impl HoldId {
    /// The hold on an object of a site's cluster.
    #[must_use]
    pub fn object(site: Site, object: &ObjectRef) -> Self {
        Self(format!("{site}/{object}").into())
    }

    /// The hold on a database instance, which keeps its name through a rename.
    #[must_use]
    pub fn instance(site: Site, resource: &ResourceId) -> Self {
        Self(format!("{site}/rds {resource}").into())
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A change Bowline made, with what it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its name.
    pub id: HoldId,
    /// At which site.
    pub site: Site,
    /// What is held, how it was and how it is wanted.
    pub held: Held,
}

/// What is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Held {
    /// The replicas of a workload.
    Workload {
        /// In which cluster.
        cluster: Cluster,
        /// Which workload.
        workload: WorkloadRef,
        /// How many there were before the first owner came.
        baseline: u32,
        /// How many are wanted.
        wants: u32,
    },
    /// Whether a CronJob is suspended.
    Job {
        /// In which cluster.
        cluster: Cluster,
        /// Which job.
        job: JobRef,
        /// Whether it was suspended before the first owner came.
        baseline: bool,
        /// Whether it shall be.
        wants: bool,
    },
    /// The limits of a NodePool.
    Pool {
        /// In which cluster.
        cluster: Cluster,
        /// Which NodePool.
        pool: ObjectName,
        /// Its limits before the first owner came.
        baseline: Quantities,
        /// The limits wanted.
        wants: Quantities,
    },
    /// A writer's door: its security groups.
    Writer {
        /// In which Region.
        scope: Scope,
        /// The instance's identifier.
        instance: InstanceId,
        /// Its `DbiResourceId`, since identifiers are reused.
        resource: ResourceId,
        /// Its security groups before.
        baseline: Vec<SecurityGroupId>,
        /// The group that admits replication only.
        closed: SecurityGroupId,
    },
}
