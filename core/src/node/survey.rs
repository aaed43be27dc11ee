//! The survey: read-only looks at everything a plan must know, again and again.
//!
//! It keeps *ready* honest, records peacetime facts, and finds foreign claims. Each look is one
//! call; none waits for another site's.

use std::collections::BTreeMap;

use crate::bugs::{self, Bug};
use crate::levers::records::fence_name;
use crate::model::{Host, LoadBalancerName, Mono, Now, Site, Span, ZoneId};
use crate::op::{CloudWatchOp, ElbOp, Fault, GateOp, KubeOp, Metric, Op, RdsOp, Route53Op};
use crate::policy::{Lever, Policy, RecordName};

use super::known::Known;

/// How often what changes in seconds is looked at.
const OFTEN: Span = Span::secs(15);

/// How often what changes with deployments is looked at.
const NOW_AND_THEN: Span = Span::secs(60);

/// How often what hardly ever changes is looked at, once it is known.
const SELDOM: Span = Span::mins(10);

/// How long a look that is over a quota waits for its turn before that counts as its answer.
const WAITS: Span = Span::secs(30);

/// How long one look may take.
const TIMEOUT: Span = Span::secs(8);

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A site's load balancer.
    FindLoadBalancer(Site, LoadBalancerName),
    /// The target groups behind it for the group's names.
    TargetGroups(Site, LoadBalancerName),
    /// A site's database instance.
    Instance(Site),
    /// Replication to a site's instance.
    Replication(Site),
    /// A workload, by its position in the policy.
    Workload(Site, usize),
    /// A workload of a cluster's floor, by its position in the policy.
    Floor(Site, usize),
    /// A NodePool of the standby, by its position in the policy.
    Pool(usize),
    /// The group's fence ConfigMap.
    ClusterClaim(Site),
    /// The record sets of a name.
    Records(ZoneId, Host),
    /// A zone.
    Zone(ZoneId),
    /// The group's fence record in a zone.
    ZoneClaim(ZoneId),
    /// The always-closed check.
    ClosedCheck,
    /// The gate object.
    Gate,
}

/// When what is looked at next.
#[derive(Debug)]
pub(super) struct Survey {
    looks: Vec<(Look, Mono)>,
    /// Since when looks have been waiting for their turn.
    waiting: BTreeMap<usize, Mono>,
    /// The earliest of them; `None`: there are none.
    next: Option<Mono>,
}

impl Survey {
    /// Everything that a policy makes worth a look.
    pub(super) fn new(policy: &Policy) -> Self {
        let mut looks = Vec::new();
        for site in Site::BOTH {
            let names = policy.site(site).load_balancers.keys();
            looks.extend(names.clone().map(|name| Look::FindLoadBalancer(site, name.clone())));
            looks.extend(names.map(|name| Look::TargetGroups(site, name.clone())));
            if policy.site(site).database.is_some() {
                looks.extend([Look::Instance(site), Look::Replication(site)]);
            }
            let count = policy.capacity.workloads.len();
            looks.extend((0..count).map(|index| Look::Workload(site, index)));
            looks.extend((0..policy.capacity.floor.len()).map(|index| Look::Floor(site, index)));
            looks.push(Look::ClusterClaim(site));
        }
        looks.extend((0..policy.capacity.pools.len()).map(Look::Pool));
        looks.extend(lever(policy));
        let looks = looks.into_iter().map(|look| (look, Mono(0))).collect();
        Self { looks, waiting: BTreeMap::new(), next: Some(Mono(0)) }
    }

    /// The looks that are due; each is due again later, whatever becomes of it.
    pub(super) fn due(&mut self, policy: &Policy, known: &Known, now: Now) -> Vec<(usize, Op)> {
        let mut ops = Vec::new();
        for (index, (look, due)) in self.looks.iter_mut().enumerate() {
            if *due > now.mono {
                continue;
            }
            let op = look.op(policy, known, now);
            *due = now.mono + look.every(known);
            ops.extend(op.map(|op| (index, op)));
        }
        self.next = self.looks.iter().map(|(_, due)| *due).min();
        ops
    }

    /// Whether a look was over a quota and is made when its turn comes, so that nothing is known
    /// yet. One that has waited for long is made then too, but that it found nothing is known.
    pub(super) fn waits(&mut self, index: usize, now: Mono, fault: Option<&Fault>) -> bool {
        let turn = fault.and_then(Fault::turn).filter(|_| !bugs::on(Bug::QuotaIsSilence));
        let Some(after) = turn else {
            self.waiting.remove(&index);
            return false;
        };
        if let Some((_, due)) = self.looks.get_mut(index) {
            *due = now + after;
        }
        self.next = self.looks.iter().map(|(_, due)| *due).min();
        now.since(*self.waiting.entry(index).or_insert(now)) < WAITS
    }

    /// Which look it was.
    pub(super) fn look(&self, index: usize) -> Option<&Look> {
        self.looks.get(index).map(|(look, _)| look)
    }

    /// Whether everything was looked at that says whose claim stands at the lever and at `target`,
    /// without which no claim can be said to be above all others.
    ///
    /// # Errors
    /// The look that got no answer, and why.
    pub(super) fn claims_seen(&self, known: &Known, target: Site) -> Result<bool, String> {
        let mut all = true;
        for (index, (look, _)) in self.looks.iter().enumerate() {
            let place = match look {
                Look::ClusterClaim(site) if *site == target => format!("{site}'s cluster"),
                Look::ZoneClaim(zone) => format!("zone {zone}"),
                Look::Gate => "the gate".into(),
                _ => continue,
            };
            if known.answered.contains(&index) {
                continue;
            }
            if let Some(fault) = known.troubles.get(&index) {
                return Err(format!("whose claim stands in {place} is not known: {fault}"));
            }
            all = false;
        }
        Ok(all)
    }

    /// Every look, by its position.
    pub(super) fn looks(&self) -> impl Iterator<Item = (usize, &Look)> {
        self.looks.iter().enumerate().map(|(index, (look, _))| (index, look))
    }

    /// How long one look may take.
    pub(super) fn timeout(&self) -> Span {
        TIMEOUT
    }

    /// When the next look is due.
    pub(super) fn wake_at(&self) -> Option<Mono> {
        self.next
    }
}

/// What a lever makes worth a look.
fn lever(policy: &Policy) -> Vec<Look> {
    let mut looks = Vec::new();
    let names = match &policy.lever {
        Lever::Records(lever) => {
            looks.push(Look::ClosedCheck);
            &lever.names
        }
        Lever::Gates(lever) => {
            looks.push(Look::Gate);
            &lever.names
        }
    };
    let mut zones: Vec<_> = names.iter().map(|name| name.zone.clone()).collect();
    zones.sort();
    zones.dedup();
    looks.extend(names.iter().map(|name| Look::Records(name.zone.clone(), name.name.clone())));
    if let Lever::Records(_) = &policy.lever {
        looks.extend(zones.iter().cloned().map(Look::ZoneClaim));
    }
    looks.extend(zones.into_iter().map(Look::Zone));
    looks
}

/// The names that a policy moves.
pub(super) fn names(policy: &Policy) -> &[RecordName] {
    match &policy.lever {
        Lever::Records(lever) => &lever.names,
        Lever::Gates(lever) => &lever.names,
    }
}

impl Look {
    fn every(&self, known: &Known) -> Span {
        match self {
            Self::Replication(_) | Self::Instance(_) | Self::ClusterClaim(_) => OFTEN,
            Self::FindLoadBalancer(site, name) => {
                let found = known.load_balancers.contains_key(&(*site, name.clone()));
                if found { SELDOM } else { OFTEN }
            }
            Self::TargetGroups(site, name) => {
                let found = known.target_groups.contains_key(&(*site, name.clone()));
                if found { SELDOM } else { Span::secs(1) }
            }
            Self::Zone(id) if known.zones.contains_key(id) => SELDOM,
            Self::ClosedCheck if known.closed_check.is_some() => SELDOM,
            Self::ZoneClaim(id) if !known.zones.contains_key(id) => Span::secs(1),
            Self::Zone(_) | Self::ClosedCheck => OFTEN,
            Self::Workload(..) | Self::Floor(..) | Self::Pool(_) => NOW_AND_THEN,
            Self::Records(..) => NOW_AND_THEN,
            Self::Gate | Self::ZoneClaim(_) => NOW_AND_THEN,
        }
    }

    /// The call; none while something it needs is not known.
    fn op(&self, policy: &Policy, known: &Known, now: Now) -> Option<Op> {
        let dns = |op| Op::Route53(policy.lever.role().cloned(), op);
        Some(match self {
            Self::FindLoadBalancer(site, name) => {
                let selector = policy.site(*site).load_balancers.get(name)?.clone();
                Op::Elb(policy.site(*site).scope.clone(), ElbOp::Find(selector))
            }
            Self::TargetGroups(site, name) => {
                let found = known.load_balancers.get(&(*site, name.clone()))?;
                let hosts = names(policy).iter().filter(|n| n.load_balancer == *name);
                let load_balancer = found.arn.clone();
                let hosts = hosts.map(|n| n.name.clone()).collect();
                let op = ElbOp::TargetGroups { load_balancer, hosts };
                Op::Elb(policy.site(*site).scope.clone(), op)
            }
            Self::Records(zone, name) => {
                dns(Route53Op::Records { zone: zone.clone(), name: name.clone() })
            }
            Self::ZoneClaim(zone) => {
                let name = fence_name(&policy.group, &known.zones.get(zone)?.apex);
                dns(Route53Op::Records { zone: zone.clone(), name })
            }
            Self::Zone(id) => dns(Route53Op::Zone(id.clone())),
            Self::ClosedCheck | Self::Gate => self.lever_op(policy)?,
            _ => self.site_op(policy, known, now)?,
        })
    }

    fn lever_op(&self, policy: &Policy) -> Option<Op> {
        Some(match (&policy.lever, self) {
            (Lever::Records(lever), Self::ClosedCheck) => {
                let check = Route53Op::HealthCheck(lever.closed_health_check.clone());
                Op::Route53(lever.role.clone(), check)
            }
            (Lever::Gates(lever), Self::Gate) => {
                Op::Gate(lever.role.clone(), GateOp::Read { object: lever.object.clone() })
            }
            _ => return None,
        })
    }

    fn site_op(&self, policy: &Policy, known: &Known, now: Now) -> Option<Op> {
        let site = match self {
            Self::Instance(site)
            | Self::Replication(site)
            | Self::Workload(site, _)
            | Self::Floor(site, _)
            | Self::ClusterClaim(site) => *site,
            _ => Site::Standby,
        };
        let own = policy.site(site);
        let kube = |op| Op::Kube(own.cluster.clone(), op);
        Some(match self {
            Self::Instance(_) => {
                let instance = own.database.as_ref()?.instance.clone();
                Op::Rds(own.scope.clone(), RdsOp::Describe(instance))
            }
            Self::Replication(_) => {
                known.instance(site)?.source.as_ref()?;
                let metric = Metric::ReplicaLag(own.database.as_ref()?.instance.clone());
                let since = known.replication_since(site, now.wall);
                Op::CloudWatch(own.scope.clone(), CloudWatchOp::Points { metric, since })
            }
            Self::Workload(_, index) => {
                kube(KubeOp::Workload(policy.capacity.workloads.get(*index)?.object.clone()))
            }
            Self::Floor(_, index) => {
                kube(KubeOp::Workload(policy.capacity.floor.get(*index)?.clone()))
            }
            Self::Pool(index) => {
                kube(KubeOp::Pool(policy.capacity.pools.get(*index)?.name.clone()))
            }
            Self::ClusterClaim(_) => kube(KubeOp::Fence(policy.group.clone())),
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
