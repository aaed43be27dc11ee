//! Every remote call there is, as data: [`Op`], its [`Answer`] or its [`Fault`].
//!
//! **One `Op` is one remote call.** An edge performs it and classifies what came back; it does not
//! loop, wait or decide. A call travels as [`Call`]: the node times it out by itself at `deadline`,
//! and drops what comes later.

mod aws;
mod fault;
mod kube;
mod probe;
mod store;

use serde::{Deserialize, Serialize};

pub use aws::{
    AliasTarget, CloudWatchOp, ElbOp, Failover, GateOp, GateView, HealthCheck, HealthCheckKind,
    Instance, InstanceEvent, InstanceSettings, LoadBalancer, LoadBalancerSelector, Metric, RdsOp,
    RecordSet, RecordType, Route53Op, TargetHealth, ZoneInfo,
};
pub use fault::Fault;
pub use kube::{FenceView, JobView, KubeOp, NodesView, PoolView, Quantities, WorkloadView};
pub use probe::{HttpProbe, HttpSeen, ProbeOp};
pub use store::{FactsView, IntentObject, LeaseOp, LeaseSpec, LeaseView, Notice, StoreOp, Stored};

use crate::model::{
    ChangeId, Cluster, Counted, Host, Mono, RoleArn, Scope, TargetGroupArn, Version,
};

/// Names one call of one node. Never reused by that node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A call that the node wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Names the reply.
    pub id: CallId,
    /// After this the node no longer wants the reply. Edges should give up then.
    pub deadline: Mono,
    /// What to call.
    pub op: Op,
}

/// One remote call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    /// The durable store of records, intents and peacetime facts.
    Store(StoreOp),
    /// The leader lease.
    Lease(LeaseOp),
    /// A site's cluster.
    Kube(Cluster, KubeOp),
    /// Route 53, with the DNS role (never a site's).
    Route53(Option<RoleArn>, Route53Op),
    /// Elastic Load Balancing v2 of a Region.
    Elb(Scope, ElbOp),
    /// RDS of a Region.
    Rds(Scope, RdsOp),
    /// CloudWatch of a Region.
    CloudWatch(Scope, CloudWatchOp),
    /// The gate object of the `gates` lever.
    Gate(Option<RoleArn>, GateOp),
    /// A look from outside: HTTP or DNS. A write probe is a look too.
    Probe(ProbeOp),
    /// Tell people.
    Notify(Notice),
}

impl Op {
    /// Whether the call may change something; its unknown outcome is then a state of its own.
    #[must_use]
    pub fn mutates(&self) -> bool {
        match self {
            Self::Store(op) => op.mutates(),
            Self::Lease(op) => matches!(op, LeaseOp::Write { .. }),
            Self::Kube(_, op) => op.mutates(),
            Self::Route53(_, op) => matches!(op, Route53Op::Change { .. }),
            Self::Rds(_, op) => op.mutates(),
            Self::Gate(_, op) => matches!(op, GateOp::Write { .. }),
            Self::Elb(..) | Self::CloudWatch(..) | Self::Probe(_) => false,
            Self::Notify(_) => true,
        }
    }
}

/// What a call answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// It was done, and there is nothing more to say.
    Ok,
    /// It was done, and the object is now at this version.
    Written(Version),
    /// The entries of a group's chain after the one asked for, in order (possibly not all of them).
    Entries(Vec<Stored>),
    /// The intents that exist.
    Intents(Vec<IntentObject>),
    /// Peacetime facts of a group, if any were written.
    Facts(Option<FactsView>),
    /// The lease, if it exists.
    Lease(Option<LeaseView>),
    /// A Deployment or StatefulSet.
    Workload(WorkloadView),
    /// A CronJob.
    Job(JobView),
    /// A NodePool.
    Pool(PoolView),
    /// The nodes of a NodePool.
    Nodes(NodesView),
    /// The claim in a cluster's fence ConfigMap; `None` when there is no such ConfigMap.
    Fence(Option<FenceView>),
    /// All record sets of one name in a zone.
    Records(Vec<RecordSet>),
    /// A change was accepted.
    Change(ChangeId),
    /// Whether a change is in sync on all of Route 53's servers.
    Insync(bool),
    /// A health check's configuration.
    HealthCheck(HealthCheck),
    /// How many checkers say healthy, of how many that answered.
    CheckStatus {
        /// Checkers that say healthy.
        healthy: u32,
        /// Checkers that reported.
        of: u32,
    },
    /// A hosted zone.
    Zone(ZoneInfo),
    /// A load balancer; `None` when none matches the selector.
    LoadBalancer(Option<LoadBalancer>),
    /// The target groups behind a load balancer's rules for some hosts.
    TargetGroups(Vec<TargetGroupArn>),
    /// How a target group's targets are.
    Targets(TargetHealth),
    /// An RDS instance.
    Instance(Instance),
    /// RDS events of an instance, oldest first.
    Events(Vec<InstanceEvent>),
    /// Points of a metric, oldest first.
    Points(Vec<Counted>),
    /// The gate object; `None` when it does not exist.
    Gate(Option<GateView>),
    /// An HTTP answer of any status.
    Http(HttpSeen),
    /// Addresses that an authoritative server answered.
    Addresses(Vec<std::net::IpAddr>),
    /// Names and their present addresses (see [`ProbeOp::Resolve`]).
    Resolved(Host, Vec<std::net::IpAddr>),
}
