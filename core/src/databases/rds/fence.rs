//! Stopping the old writer: the door is closed, and a restart throws out who is already inside.
//!
//! A security group does not cut tracked connections, so closing alone confirms nothing. Confirmed
//! is: only the closed group, `available`, and a restart that ended after both were seen so. When
//! that was is told by AWS's clock, as RDS dates its events: a Region that comes back restarts its
//! instances a moment before their doors are closed.

use serde::{Deserialize, Serialize};

use super::member::{Member, last_was};
use super::{POLL, RENAME_SHOWS, SIGNED};
use crate::bugs::{self, Bug};
use crate::model::{Claim, Cluster, Span, StepId, Wall};
use crate::op::{Fault, Instance, InstanceEvent, KubeOp, Op, RdsOp};
use crate::step::{Context, Held, Hold, HoldId, Judgement, Outputs, Procedure, Seen};

/// How long a reboot may take to show before it is sent again.
const REBOOT_SHOWS: Span = Span::mins(3);

/// How long a change of security groups may take to show before it is sent again.
const CHANGE_SHOWS: Span = Span::secs(30);

/// Closes the writer's door and restarts it; done when both are seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The old writer.
    pub member: Member,
    /// A step that may have confirmed the same fence already.
    pub unless: Option<StepId>,
    /// Until when a call of an earlier run may come that opens the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_until: Option<Wall>,
}

impl Procedure for Fence {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() || self.confirmed(cx).is_some() {
            return Vec::new();
        }
        let restarts = rebooted(cx).map(|(_, shut_at)| self.member.events(shut_at));
        [self.member.describe()].into_iter().chain(restarts).collect()
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        if let Some(at) = self.confirmed(cx) {
            return Ok(Judgement::done_with("confirmed", at, "confirmed already"));
        }
        if seen.missing(0) {
            return Ok(self.nobody_reaches_it(cx, "is not there any more"));
        }
        let found = seen.instance(0)?;
        if let Some(stranger) = self.member.stranger(cx, found) {
            return Ok(match found.source {
                Some(_) => self.nobody_reaches_it(cx, "is another instance now, a replica"),
                None => stranger,
            });
        }
        if let Some(first) = close(cx, &self.member, found, self.opens_until) {
            return Ok(first);
        }
        if bugs::on(Bug::FenceWithoutRestart) {
            return Ok(Judgement::done_with("confirmed", cx.now.wall.0, "closed"));
        }
        let rebooted = rebooted(cx);
        if let Some((_, shut_at)) = rebooted
            && let Some(event) = restart_after(seen.events(1)?, shut_at)
        {
            let words = format!("{} closed and restarted at {event}", self.member.instance);
            return Ok(Judgement::done_with("confirmed", event.0, words));
        }
        if rebooted.is_some_and(|(at, _)| cx.now.wall.since(at) < REBOOT_SHOWS) {
            return Ok(Judgement::wait(POLL, format!("{} restarts", self.member.instance)));
        }
        let (instance, shut_at) = (self.member.instance.clone(), found.told_at);
        let reboot = RdsOp::Reboot { instance, shut_at };
        let words = format!("restart {}", self.member.instance);
        Ok(Judgement::act(Op::Rds(self.member.scope.clone(), reboot), words))
    }
}

impl Fence {
    /// Clients know the old writer by its identifier. Who has lost it, by a rename (RDS restarts it
    /// then) or by being deleted, has none any more. While RDS renames, names come and go.
    fn nobody_reaches_it(&self, cx: &Context<'_>, words: &str) -> Judgement {
        let outputs = Outputs::from([("confirmed".into(), cx.now.wall.0.to_string().into())]);
        let note = format!("{} {words}", self.member.instance);
        Judgement::Steady { hold: RENAME_SHOWS, outputs, note }
    }

    /// When the other step confirmed it.
    fn confirmed<'a>(&self, cx: &Context<'a>) -> Option<&'a str> {
        cx.output(self.unless.as_ref()?, "confirmed")
    }
}

/// Closes the writer's door and leaves those who are inside alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseDoor {
    /// The writer.
    pub member: Member,
    /// Until when a call of an earlier run may come that opens the door.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_until: Option<Wall>,
}

impl Procedure for CloseDoor {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if seen.is_empty() { vec![self.member.describe()] } else { Vec::new() }
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let found = seen.instance(0)?;
        let first = self.member.stranger(cx, found);
        let first = first.or_else(|| close(cx, &self.member, found, self.opens_until));
        if let Some(first) = first {
            return Ok(first);
        }
        let words = format!("{} admits replication only", self.member.instance);
        Ok(Judgement::done_with("closedAt", found.told_at.0, words))
    }
}

/// What is left to do until the door is closed; `None` when it is, the instance is `available`, and
/// no call may come that opens it.
fn close(
    cx: &Context<'_>,
    member: &Member,
    found: &Instance,
    opens_until: Option<Wall>,
) -> Option<Judgement> {
    let sent = last_was(cx, |op| matches!(op, RdsOp::SetSecurityGroups { .. }));
    let shows = sent.is_none_or(|at| cx.now.wall.since(at) >= CHANGE_SHOWS);
    if bugs::on(Bug::FenceWithoutClosing) {
        return None;
    }
    if !member.shut(found) && shows {
        let op = set_groups(member, vec![member.closed.clone()]);
        let words = format!("close {}", member.instance);
        return Some(Judgement::act_holding(op, hold(cx, member, found), words));
    }
    if !member.shut(found) || !found.available() {
        return Some(Judgement::wait(POLL, format!("{} is {}", member.instance, found.status)));
    }
    let until = opens_until.filter(|until| cx.now.wall < *until)?;
    let note = format!("it is shut; a call that opens it may yet come until {until}");
    Some(Judgement::wait(POLL, note))
}

/// What the instance let in before Bowline closed it, which a look from in between does not tell.
fn hold(cx: &Context<'_>, member: &Member, found: &Instance) -> Hold {
    let id = HoldId::instance(member.site, &found.resource);
    let baseline = match cx.holds.get(&id).map(|hold| &hold.held) {
        Some(Held::Writer { baseline, .. }) => baseline,
        _ => &found.settings.security_groups,
    };
    Hold {
        id,
        site: member.site,
        held: Held::Writer {
            scope: member.scope.clone(),
            instance: member.instance.clone(),
            resource: found.resource.clone(),
            baseline: baseline.clone(),
            closed: member.closed.clone(),
        },
    }
}

fn set_groups(member: &Member, groups: Vec<crate::model::SecurityGroupId>) -> Op {
    let op = RdsOp::SetSecurityGroups { instance: member.instance.clone(), groups };
    Op::Rds(member.scope.clone(), op)
}

/// When the restart was asked for, if that was the last call, and when the door had been seen shut.
fn rebooted(cx: &Context<'_>) -> Option<(Wall, Wall)> {
    let acted = cx.acted?;
    match &acted.op {
        Op::Rds(_, RdsOp::Reboot { .. }) if bugs::on(Bug::EarlierRestartFences) => {
            Some((acted.at, acted.at))
        }
        Op::Rds(_, RdsOp::Reboot { shut_at, .. }) => Some((acted.at, *shut_at)),
        _ => None,
    }
}

/// The first restart that ended after the door had been seen shut.
fn restart_after(events: &[InstanceEvent], shut_at: Wall) -> Option<Wall> {
    events.iter().filter(|event| event.restarted && event.at > shut_at).map(|event| event.at).next()
}

/// Opens a door that a run closed, when it unwinds. A door that is found open must stay so for as
/// long as a closing takes to show: the run may have asked for it a moment before it was sent back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopen {
    /// The writer.
    pub member: Member,
    /// The security groups it had.
    pub groups: Vec<crate::model::SecurityGroupId>,
    /// Whether a call may be on its way that closes it: the door is watched, and opened again,
    /// until that one can take effect no more. It was sent before this step was planned; how long
    /// after its own record, nobody knows, for a store may be slow to say that it took one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outlasts: bool,
    /// Where whoever acts claims first: while a claim above ours is there, it stays closed. RDS
    /// knows of no claims.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Cluster>,
}

impl Reopen {
    /// A claim above ours in the clusters that answer. One has to: the other may be dead.
    fn above(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Option<Claim>, Fault> {
        let fences: Vec<_> = (1..=self.claims.len()).map(|index| seen.fence(index)).collect();
        let found = fences.iter().flatten().filter_map(|fence| fence.as_ref());
        let above = found.map(|fence| &fence.claim).filter(|claim| cx.claim.yields_to(claim)).max();
        match (above, fences.iter().find_map(|fence| fence.as_ref().err())) {
            (Some(claim), _) => Ok(Some(claim.clone())),
            (None, Some(fault)) if fences.iter().all(Result::is_err) => Err(fault.clone()),
            (None, _) => Ok(None),
        }
    }
}

impl Procedure for Reopen {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let read = |cluster: &Cluster| Op::Kube(cluster.clone(), KubeOp::Fence(cx.group.clone()));
        std::iter::once(self.member.describe()).chain(self.claims.iter().map(read)).collect()
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let found = seen.instance(0)?;
        if let Some(stranger) = self.member.stranger(cx, found) {
            return Ok(stranger);
        }
        let name = &self.member.instance;
        if &*found.status == "modifying" {
            return Ok(Judgement::wait(POLL, format!("{name} is {}", found.status)));
        }
        let sent = last_was(cx, |op| matches!(op, RdsOp::SetSecurityGroups { .. }));
        let open = found.settings.security_groups == self.groups;
        if !open && sent.is_some_and(|at| cx.now.wall.since(at) < CHANGE_SHOWS) {
            return Ok(Judgement::wait(POLL, format!("{name} is not open yet")));
        }
        if !open {
            if let Some(claim) = self.above(cx, seen)?.filter(|_| !bugs::on(Bug::DoorsKnowNoClaims))
            {
                return Ok(Judgement::Fenced(claim));
            }
            let op = set_groups(&self.member, self.groups.clone());
            return Ok(Judgement::act(op, format!("reopen {name}")));
        }
        if self.outlasts && cx.now.wall.since(cx.planned_at) < SIGNED {
            let until = cx.planned_at + SIGNED;
            let note = format!("{name} is open; a call that closes it may yet come until {until}");
            return Ok(Judgement::wait(POLL, note));
        }
        let note = format!("{name} admits its clients again");
        // It was seen closed before it was opened: nothing is to come any more. Otherwise the
        // closing may have been asked for a moment ago, and does not show yet.
        Ok(match (sent, self.outlasts) {
            (Some(_), false) => Judgement::done(note),
            _ => Judgement::Steady { hold: CHANGE_SHOWS, outputs: Outputs::new(), note },
        })
    }
}
