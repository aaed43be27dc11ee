//! The losing site: claimed, quiesced, fenced, kept in quarantine; and the promotion that depends
//! on it.

use super::build::{FAILED_SITE, Survey};
use super::facts::Incomplete;
use super::parts::{Draft, short};
use super::step::{Class, Effect, OnTimeout, Step};
use crate::bugs::{self, Bug};
use crate::capacity::{ClaimCluster, SetJob, SetWorkload, Until};
use crate::databases::rds::{
    CaughtUp, CloseDoor, ConnectionsGone, Fence, Member, Position, Promote, ResourceRef, SIGNED,
};
use crate::model::{Place, Site, Span, StepId, Wall};
use crate::policy::{Database, OnUnknown};
use crate::step::Mark;

/// How long a site that must answer may take to fall silent, and a replica to catch up behind it,
/// before everything is opened again.
const QUIESCE: Span = Span::mins(15);

/// The losing site's claim.
pub(super) fn claim(draft: &Draft<'_>, on_timeout: OnTimeout, timeout: Span) -> Step {
    let cluster = draft.losing().cluster.clone();
    let step = Step::holds(Effect::ClaimCluster(ClaimCluster { cluster }), draft.from, timeout);
    Step { on_timeout, ..step }
}

/// A site's database member, by its recorded resource id or by the step that creates it.
pub(super) fn member(
    survey: &Survey<'_>,
    site: Site,
    created_by: Option<&StepId>,
) -> Result<Option<(Member, Database)>, Incomplete> {
    let policy = survey.policy;
    let (Some(database), Some(own)) = (&policy.database, &policy.site(site).database) else {
        return Ok(None);
    };
    let resource = match created_by {
        Some(step) => ResourceRef::CreatedBy(step.clone()),
        None => ResourceRef::Known(survey.facts.member(site)?.resource.clone()),
    };
    let member = Member {
        site,
        scope: policy.site(site).scope.clone(),
        instance: own.instance.clone(),
        resource,
        closed: own.closed_security_group.clone(),
    };
    Ok(Some((member, database.clone())))
}

/// Failover: the losing site's workloads to 0 and its jobs suspended, whenever it is first reached.
pub(super) fn standing_quarantine(draft: &mut Draft<'_>, after: &StepId) -> Vec<StepId> {
    let mut ids = Vec::new();
    for (id, effect) in silence(draft, "losing") {
        let step = Step::holds(effect, draft.from, FAILED_SITE);
        let step = Step { timeout: None, standing: true, ..step };
        ids.push(draft.add(id, std::slice::from_ref(after), step));
    }
    ids
}

/// Every listed workload to 0 and every job suspended at the losing site.
fn silence(draft: &Draft<'_>, prefix: &str) -> Vec<(String, Effect)> {
    let (site, cluster) = (draft.from, &draft.losing().cluster);
    let capacity = &draft.survey.policy.capacity;
    let workloads = capacity.workloads.iter().map(|workload| {
        let effect = Effect::SetWorkload(SetWorkload {
            site,
            cluster: cluster.clone(),
            workload: workload.object.clone(),
            replicas: 0,
            until: Until::Gone,
        });
        (format!("{prefix}.{}", short(workload)), effect)
    });
    let jobs = capacity.jobs.iter().map(|job| {
        let effect = Effect::SetJob(SetJob {
            site,
            cluster: cluster.clone(),
            job: job.object.clone(),
            suspend: true,
        });
        (format!("{prefix}.{}.{}", job.object.namespace, job.object.name), effect)
    });
    workloads.chain(jobs).collect()
}

/// Until when a call of an earlier run may come that opens the door which this one closes.
fn opens_until(draft: &Draft<'_>) -> Option<Wall> {
    draft.survey.reopened.get(&draft.from).map(|at| *at + SIGNED)
}

/// Failover: fence with a short deadline, last position, promotion. Without a database, `after`
/// itself.
pub(super) fn promote_after_fence(
    draft: &mut Draft<'_>,
    after: &StepId,
) -> Result<StepId, Incomplete> {
    let (Some((old, database)), Some((new, _))) =
        (member(draft.survey, draft.from, None)?, member(draft.survey, draft.to, None)?)
    else {
        return Ok(after.clone());
    };
    let on_timeout = match database.on_unknown {
        OnUnknown::Proceed => OnTimeout::Proceed,
        OnUnknown::Ask => OnTimeout::Ask,
    };
    let opens_until = opens_until(draft);
    let effect = Effect::Fence(Fence { member: old.clone(), unless: None, opens_until });
    let patience = if bugs::on(Bug::WaitsForTheDead) { Span::mins(10) } else { FAILED_SITE };
    let step = Step::holds(effect, draft.from, patience);
    let step = Step { on_timeout, marks: vec![Mark::Fenced(draft.from)], ..step };
    let fence = draft.add("fence", std::slice::from_ref(after), step);

    let effect = Effect::Fence(Fence { member: old, unless: Some(fence.clone()), opens_until });
    let step = Step::holds(effect, draft.from, FAILED_SITE);
    let marks = vec![Mark::Fenced(draft.from)];
    let step = Step { timeout: None, standing: true, marks, ..step };
    draft.add("fence.standing", std::slice::from_ref(&fence), step);

    let estimate_ms = draft.survey.evidence.as_ref().and_then(|evidence| evidence.loss_ms);
    let effect = Effect::Position(Position { member: new.clone(), estimate_ms });
    let mut step = Step::looks(effect, Place::Site(draft.to));
    (step.timeout, step.on_timeout) = (Some(Span::secs(15)), OnTimeout::Proceed);
    let position = draft.add("position", &[fence], step);
    Ok(promote(draft, new, &database, &position))
}

fn promote(draft: &mut Draft<'_>, member: Member, db: &Database, after: &StepId) -> StepId {
    let step = Step {
        class: Class::Irreversible,
        timeout: Some(db.promote_timeout),
        on_timeout: OnTimeout::Ask,
        marks: vec![Mark::Writer(draft.to)],
        ..Step::looks(Effect::Promote(Promote { member }), Place::Site(draft.to))
    };
    draft.add("promote", std::slice::from_ref(after), step)
}

/// Planned move: the losing site falls silent; done at the instant q.
pub(super) fn quiesce(draft: &mut Draft<'_>, after: &StepId) -> Result<StepId, Incomplete> {
    let mut silent = Vec::new();
    if unfenced(draft) {
        return Ok(after.clone());
    }
    for (id, effect) in silence(draft, "quiesce") {
        let step = Step::holds(effect, draft.from, QUIESCE);
        silent.push(draft.add(id, std::slice::from_ref(after), step));
    }
    let Some((old, _)) = member(draft.survey, draft.from, None)? else {
        return Ok(draft.milestone("quiet", "the losing site is silent", &silent));
    };
    silent.push(after.clone());
    let opens_until = opens_until(draft);
    let effect = Effect::CloseDoor(CloseDoor { member: old.clone(), opens_until });
    let close = draft.add("close", &silent, Step::holds(effect, draft.from, QUIESCE));
    let effect = Effect::ConnectionsGone(ConnectionsGone { member: old, closed_by: close.clone() });
    let mut step = Step::looks(effect, Place::Site(draft.from));
    step.timeout = Some(QUIESCE);
    Ok(draft.add("quiet", &[close], step))
}

fn unfenced(draft: &Draft<'_>) -> bool {
    bugs::on(Bug::NoFenceOnTheWayHome) && draft.to == Site::Home
}

/// Planned move: caught up past q, the fence confirmed by a restart, then the promotion.
pub(super) fn promote_caught_up(
    draft: &mut Draft<'_>,
    quiet: &StepId,
) -> Result<StepId, Incomplete> {
    let rebuild = StepId::new(format!("rebuild.{}", draft.to));
    let created_by = draft.has(&rebuild).then_some(&rebuild);
    let (Some((old, database)), Some((new, _))) =
        (member(draft.survey, draft.from, None)?, member(draft.survey, draft.to, created_by)?)
    else {
        return Ok(quiet.clone());
    };
    if unfenced(draft) {
        return Ok(promote(draft, new, &database, quiet));
    }
    let effect = Effect::CaughtUp(CaughtUp {
        member: new.clone(),
        past: Some(quiet.clone()),
        max_lag: database.max_lag,
    });
    let mut step = Step::looks(effect, Place::Site(draft.to));
    step.timeout = Some(QUIESCE);
    let caught_up = draft.add("caughtUp", std::slice::from_ref(quiet), step);
    let opens_until = opens_until(draft);
    let effect = Effect::Fence(Fence { member: old, unless: None, opens_until });
    let step = Step::holds(effect, draft.from, QUIESCE);
    let step = Step { marks: vec![Mark::Fenced(draft.from)], ..step };
    let fence = draft.add("fence", &[caught_up], step);
    Ok(promote(draft, new, &database, &fence))
}
