//! The `records` lever: roles and health checks of failover records exchanged by compare-and-swap.
//!
//! The active site's set is PRIMARY with its own check, the passive one's SECONDARY with the
//! always-closed check. Should the active site's check turn red, both are unhealthy, and Route 53
//! answers PRIMARY: it can neither fail over nor back by itself. DELETE must give the exact present
//! values, so the batch is refused when anything changed since it was read; the fence record
//! `_bowline.<group>` is part of the batch, and makes that true of a stale leader too.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bugs::{self, Bug};
use crate::model::{Claim, GroupName, HealthCheckId, Host, RoleArn, Site, Span, StepId, ZoneId};
use crate::op::{Failover, Fault, Op, RecordSet, RecordType, Route53Op};
use crate::step::{Context, Judgement, Procedure, Seen};

/// Seconds that the fence record may be cached; only Bowline reads it, and at the source.
const FENCE_TTL_SECS: u32 = 60;

/// A failover set as it was when the group was armed, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmedSet {
    /// Which site it leads to.
    pub site: Site,
    /// The set.
    pub set: RecordSet,
    /// The site's own health check; the closed one replaces it while the site is passive.
    pub own_check: Option<HealthCheckId>,
}

impl ArmedSet {
    /// How the set must look when `active` is the active site.
    #[must_use]
    pub fn when_active(&self, active: Site, closed: &HealthCheckId) -> RecordSet {
        let mut set = self.set.clone();
        if self.site == active {
            set.failover = Some(Failover::Primary);
            set.health_check.clone_from(&self.own_check);
        } else {
            set.failover = Some(Failover::Secondary);
            set.health_check = Some(closed.clone());
        }
        set
    }
}

/// The name of a group's fence record in a zone.
#[must_use]
pub fn fence_name(group: &GroupName, apex: &Host) -> Host {
    Host::new(format!("_bowline.{group}.{apex}"))
}

/// The claim that a fence record says, if the text is one.
#[must_use]
pub fn read_fence(set: &RecordSet) -> Option<Claim> {
    let text = set.values.first()?.trim_matches('"');
    text.starts_with("v=1 ").then(|| text.parse().ok()).flatten()
}

/// Whether a claim found at the lever makes ours stand down.
fn overruled(cx: &Context<'_>, found: &Claim) -> bool {
    cx.claim.yields_to(found) && !bugs::on(Bug::ZoneClaimOverruled)
}

/// Claims a zone for a run before anything is moved there: whoever acts under an older claim finds
/// its batch refused from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimZone {
    /// The zone.
    pub zone: ZoneId,
    /// The zone's apex.
    pub apex: Host,
    /// The DNS role.
    pub role: Option<RoleArn>,
    /// Where traffic is led meanwhile; the fence record says so.
    pub from: Site,
}

impl Procedure for ClaimZone {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let (zone, name) = (self.zone.clone(), fence_name(cx.group, &self.apex));
        vec![Op::Route53(self.role.clone(), Route53Op::Records { zone, name })]
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let fence = seen.records(0)?.iter().find(|set| set.kind == RecordType::Txt);
        let standing = fence.and_then(read_fence);
        match standing {
            Some(claim) if overruled(cx, &claim) => return Ok(Judgement::Fenced(claim)),
            Some(claim) if claim == *cx.claim => {
                return Ok(Judgement::done(format!("{} knows {}", self.zone, cx.claim)));
            }
            _ => {}
        }
        let create = vec![fence_set(cx.group, &self.apex, cx.claim, self.from)];
        let delete = fence.cloned().into_iter().collect();
        let change = Route53Op::Change { zone: self.zone.clone(), delete, create };
        let op = Op::Route53(self.role.clone(), change);
        Ok(Judgement::act(op, format!("claim in {}", self.zone)))
    }
}

/// Moves all of a zone's names to a site, in one batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// The zone.
    pub zone: ZoneId,
    /// The zone's apex.
    pub apex: Host,
    /// The DNS role.
    pub role: Option<RoleArn>,
    /// Every failover set of every name, as armed.
    pub sets: Vec<ArmedSet>,
    /// The always-closed check.
    pub closed: HealthCheckId,
    /// Where traffic shall go.
    pub to: Site,
}

impl Procedure for Shift {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let names = self.names().into_iter().chain([fence_name(cx.group, &self.apex)]);
        names.map(|name| self.call(Route53Op::Records { zone: self.zone.clone(), name })).collect()
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let names = self.names();
        let mut present = Vec::new();
        for index in 0..names.len() {
            present.extend(seen.records(index)?.iter().filter(|set| set.failover.is_some()));
        }
        let fence = seen.records(names.len())?.iter().find(|set| set.kind == RecordType::Txt);
        let standing = fence.and_then(read_fence);
        if let Some(claim) = standing.filter(|claim| overruled(cx, claim)) {
            return Ok(Judgement::Fenced(claim));
        }
        if let Some(odd) = self.disagreement(&present) {
            return Ok(Judgement::Disagrees(odd));
        }
        let (delete, create) = self.batch(cx, &present, fence);
        let words = format!("{} sets in {} lead to {}", self.sets.len(), self.zone, self.to);
        if bugs::on(Bug::SentIsMoved) && cx.acted.is_some() {
            return Ok(Judgement::done(words));
        }
        if create.is_empty() && delete.is_empty() {
            return Ok(Judgement::done(words));
        }
        let change = Route53Op::Change { zone: self.zone.clone(), delete, create };
        Ok(Judgement::act(self.call(change), format!("one batch: {words}")))
    }
}

impl Shift {
    fn call(&self, op: Route53Op) -> Op {
        Op::Route53(self.role.clone(), op)
    }

    fn names(&self) -> Vec<Host> {
        let mut names: Vec<_> = self.sets.iter().map(|armed| armed.set.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What differs from the armed sets in more than role and check.
    fn disagreement(&self, present: &[&RecordSet]) -> Option<String> {
        let key = |set: &RecordSet| (set.name.clone(), set.kind, set.set_identifier.clone());
        let bare =
            |set: &RecordSet| RecordSet { failover: None, health_check: None, ..set.clone() };
        let mut found: BTreeMap<_, _> = present.iter().map(|set| (key(set), *set)).collect();
        for armed in &self.sets {
            match found.remove(&key(&armed.set)) {
                None => {
                    return Some(format!("{} is gone from {}", describe(&armed.set), self.zone));
                }
                Some(set) if bare(set) != bare(&armed.set) => {
                    return Some(format!("{} is not as it was armed", describe(set)));
                }
                Some(_) => {}
            }
        }
        found.values().next().map(|set| format!("{} was not there when armed", describe(set)))
    }

    /// How an armed set must look once traffic leads to the gaining site.
    fn wanted(&self, armed: &ArmedSet) -> RecordSet {
        let mut set = armed.when_active(self.to, &self.closed);
        if bugs::on(Bug::NoLatch) {
            set.health_check.clone_from(&armed.own_check);
        }
        if bugs::on(Bug::RolesStay) {
            set.failover = armed.set.failover;
        }
        set
    }

    /// Exact DELETEs and CREATEs; both empty when nothing is to be changed.
    fn batch(
        &self,
        cx: &Context<'_>,
        present: &[&RecordSet],
        fence: Option<&RecordSet>,
    ) -> (Vec<RecordSet>, Vec<RecordSet>) {
        let wanted: Vec<_> = self.sets.iter().map(|armed| self.wanted(armed)).collect();
        let mut delete: Vec<RecordSet> =
            present.iter().filter(|set| !wanted.contains(set)).map(|set| (*set).clone()).collect();
        let mut create: Vec<RecordSet> =
            wanted.into_iter().filter(|set| !present.contains(&set)).collect();
        let ours = fence_set(cx.group, &self.apex, cx.claim, self.to);
        if fence != Some(&ours) {
            delete.extend(fence.cloned());
            create.push(ours);
        }
        if bugs::on(Bug::TwoBatches) && !delete.is_empty() {
            create.clear();
        }
        (delete, create)
    }
}

/// The fence record of a claim.
#[must_use]
pub fn fence_set(group: &GroupName, apex: &Host, claim: &Claim, to: Site) -> RecordSet {
    RecordSet {
        name: fence_name(group, apex),
        kind: RecordType::Txt,
        set_identifier: None,
        failover: None,
        health_check: None,
        ttl_secs: Some(FENCE_TTL_SECS),
        values: vec![Arc::from(format!("\"v=1 {claim} site={to}\""))],
        alias: None,
    }
}

fn describe(set: &RecordSet) -> String {
    let identifier = set.set_identifier.as_deref().unwrap_or("-");
    format!("{} {:?} ({identifier})", set.name, set.kind)
}

/// Waits until a zone's last change is on all of Route 53's servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insync {
    /// The DNS role.
    pub role: Option<RoleArn>,
    /// The step whose output `change` is the change's id; without one there is nothing to wait for.
    pub shifted_by: StepId,
}

impl Procedure for Insync {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        match cx.output(&self.shifted_by, "change") {
            Some(id) if seen.is_empty() => {
                vec![Op::Route53(self.role.clone(), Route53Op::ChangeStatus(id.into()))]
            }
            _ => Vec::new(),
        }
    }

    fn judge(&self, _: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        if seen.is_empty() {
            return Ok(Judgement::done("no change id known; the answers decide"));
        }
        Ok(match seen.get(0)? {
            crate::op::Answer::Insync(true) => Judgement::done("INSYNC"),
            _ => Judgement::wait(Span::secs(2), "PENDING"),
        })
    }
}
