//! Every remote call there is, as data: [`Op`], its [`Answer`] or its [`Fault`].
//!
//! **One `Op` is one remote call.** An edge performs it and classifies what came back; it does not
//! loop, wait or decide. A call travels as [`Call`]: the node times it out by itself at `deadline`,
//! and drops what comes later.

mod aws;
mod budget;
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
pub use budget::{Budgets, Counter, Share};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::settings;

    #[test]
    fn only_what_may_be_another_way_later_passes() {
        let text = String::new;
        for fault in
            [Fault::Transient(text()), Fault::Throttled { after: None }, Fault::Unknown(text())]
        {
            assert!(fault.passes(), "{fault:?}");
        }
        for fault in [
            Fault::NotFound(text()),
            Fault::Conflict(text()),
            Fault::Denied(text()),
            Fault::Invalid(text()),
        ] {
            assert!(!fault.passes(), "{fault:?}");
        }
    }

    #[test]
    fn s6_a_call_to_the_store_that_writes_is_known_as_one() {
        let (group, bytes) = (crate::model::GroupName::new("shop"), "{}".into());
        let append = StoreOp::Append { group: group.clone(), seq: 1, bytes };
        assert!(Op::Store(append).mutates());
        let looks = [StoreOp::Read { group, after: 0 }, StoreOp::Intents];
        assert!(looks.into_iter().all(|look| !Op::Store(look).mutates()));
    }

    #[test]
    fn rds_takes_a_parameter_group_at_birth_for_some_engines_only() {
        let of = |engine: &str| InstanceSettings { engine: engine.into(), ..settings("sg") };
        for engine in ["mysql", "db2-se", "oracle-ee"] {
            assert!(of(engine).grouped_at_birth(), "{engine}");
        }
        for engine in ["postgres", "mariadb", "sqlserver-ee"] {
            assert!(!of(engine).grouped_at_birth(), "{engine}");
        }
    }

    #[test]
    fn a_replica_is_as_recorded_when_it_has_its_backups_and_its_parameter_group() {
        let wanted = settings("sg");
        let days = |days| InstanceSettings { backup_retention_days: days, ..wanted.clone() };
        let group = |group: Option<&str>| InstanceSettings {
            parameter_group: group.map(Into::into),
            ..wanted.clone()
        };
        assert!(wanted.told_later(&wanted));
        assert!(!wanted.told_later(&days(0)) && !wanted.told_later(&group(Some("default"))));
        assert!(group(None).told_later(&group(Some("default"))), "none was recorded");
        assert!(!group(None).told_later(&days(0)));
    }

    #[test]
    fn a_check_is_always_closed_when_more_is_asked_than_there_can_be() {
        let check = |threshold, children| HealthCheck {
            id: "check".into(),
            kind: HealthCheckKind::Calculated { threshold, children },
            disabled: false,
            inverted: false,
        };
        assert!(check(1, 0).always_closed() && !check(1, 1).always_closed());
        assert!(!HealthCheck { disabled: true, ..check(1, 0) }.always_closed());
        assert!(!HealthCheck { inverted: true, ..check(1, 0) }.always_closed());
    }
}
