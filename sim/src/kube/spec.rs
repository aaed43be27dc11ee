//! What a simulated cluster is made of, and how long things take in it.

use bowline_core::model::{JobRef, ObjectName, Span, WorkloadRef};
use bowline_core::op::Quantities;

use crate::part;

/// A length of time that is drawn anew each time, evenly between two bounds (both included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between(pub Span, pub Span);

impl Between {
    /// Draws one.
    pub fn draw(self, rng: &mut fastrand::Rng) -> Span {
        part::between(rng, self.0, self.1)
    }
}

/// A cluster at the beginning.
#[derive(Clone, Debug, Default)]
pub struct ClusterSpec {
    /// Nodes of the managed node group: always there, always ready.
    pub floor: u32,
    /// CPU that a floor node has for pods, in milli-units.
    pub floor_cpu: u64,
    /// Karpenter NodePools; earlier ones are preferred.
    pub pools: Vec<PoolSpec>,
    /// Deployments and StatefulSets, with their pods running and ready where there is room.
    pub workloads: Vec<WorkloadSpec>,
    /// CronJobs.
    pub jobs: Vec<JobSpec>,
    /// How long things take.
    pub timings: Timings,
}

/// A Karpenter NodePool with one instance type.
#[derive(Clone, Debug)]
pub struct PoolSpec {
    /// Its name.
    pub name: ObjectName,
    /// Its limits: `cpu` in milli-units, `memory` in bytes, `nodes` as a count.
    pub limits: Quantities,
    /// CPU of one node, in milli-units.
    pub node_cpu: u64,
    /// Memory of one node, in bytes. Only the limits look at it.
    pub node_memory: u64,
}

/// A Deployment or StatefulSet.
#[derive(Clone, Debug)]
pub struct WorkloadSpec {
    /// Which.
    pub object: WorkloadRef,
    /// `spec.replicas`.
    pub replicas: u32,
    /// CPU that each pod requests, in milli-units.
    pub cpu: u64,
    /// Whether it has volume claim templates.
    pub claims_volumes: bool,
}

/// A CronJob.
#[derive(Clone, Debug)]
pub struct JobSpec {
    /// Which.
    pub object: JobRef,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Time from one start to the next.
    pub every: Span,
    /// How long one job runs.
    pub lasts: Between,
}

/// How long things take in a cluster.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// From a change of `spec` until its controller has seen it. Assumed: informers on a calm
    /// cluster.
    pub observe: Between,
    /// From a pod's scheduling to its readiness: image pull, start, first probes. Assumed.
    pub start: Between,
    /// From a pod's deletion until it is gone (`terminationGracePeriodSeconds` is 30 s at most).
    pub grace: Between,
    /// Until Karpenter knows a changed limit: limits are eventually consistent (facts: Karpenter).
    pub limits: Between,
    /// Karpenter's batch window closes after so long without a new pod (facts: 1 s).
    pub batch_idle: Span,
    /// … and at the latest so long after it opened (facts: 10 s).
    pub batch_max: Span,
    /// From a launch to the node's readiness (facts: 45–90 s typical, minutes seen).
    pub node_ready: Between,
    /// For how long Karpenter remembers that a pool had no capacity (facts: 3 min).
    pub capacity_cache: Span,
    /// `consolidateAfter`: how long a node must be empty before it goes.
    pub consolidate_after: Between,
    /// From the decision to remove a node until it is gone.
    pub node_gone: Between,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            observe: Between(Span::millis(50), Span::millis(400)),
            start: Between(Span::secs(3), Span::secs(9)),
            grace: Between(Span::secs(2), Span::secs(30)),
            limits: Between(Span::millis(100), Span::secs(1)),
            batch_idle: Span::secs(1),
            batch_max: Span::secs(10),
            node_ready: Between(Span::secs(45), Span::secs(150)),
            capacity_cache: Span::mins(3),
            consolidate_after: Between(Span::secs(30), Span::secs(60)),
            node_gone: Between(Span::secs(10), Span::secs(40)),
        }
    }
}
