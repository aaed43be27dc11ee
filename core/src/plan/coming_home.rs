//! What makes a site a standby again: its member rebuilt, its holds released, its nodes gone; and
//! how a run that must not go on is undone.

use super::facts::Incomplete;
use super::losing::member;
use super::parts::{Draft, short};
use super::step::{Effect, Milestone, OnTimeout, Plan, PlanKind, Step};
use crate::bugs::{self, Bug};
use crate::capacity::{NodesGone, Release, SetJob, SetPool, SetWorkload, Until};
use crate::databases::rds::{self, CaughtUp, CreateReplica, Member, Rename, Reopen, ResourceRef};
use crate::model::{Cluster, InstanceId, ObjectRef, Ordered, Place, Site, Span, StepId};
use crate::policy::Runs;
use crate::step::{Held, Hold, HoldId, Mark};

/// RDS takes about ten minutes for a rename.
const RENAME: Span = Span::mins(40);

/// A new cross-Region replica may take hours.
const REBUILD: Span = Span::mins(360);

/// How long nodes may take to go.
const NODES_GONE: Span = Span::mins(30);

/// How long letting go may take before a human is asked.
const RELEASE: Span = Span::mins(10);

/// Makes a site's member a replica that has nearly caught up, unless it streams already.
pub(super) fn rebuilt(
    draft: &mut Draft<'_>,
    site: Site,
    after: &StepId,
) -> Result<StepId, Incomplete> {
    let Some((old, database)) = member(draft.survey, site, None)? else {
        return Ok(after.clone());
    };
    let streams = site != draft.from && draft.survey.replica_streams;
    let (mut last, mut now) = (after.clone(), old.clone());
    if !streams {
        last = rename(draft, &old, after);
        last = create(draft, old, site, &last)?;
        now.resource = ResourceRef::CreatedBy(last.clone());
    }
    let effect = Effect::CaughtUp(CaughtUp { member: now, past: None, max_lag: database.max_lag });
    let mut step = Step::looks(effect, Place::Site(site));
    (step.timeout, step.on_timeout) = (Some(REBUILD), OnTimeout::Ask);
    Ok(draft.add(format!("near.{site}"), &[last], step))
}

fn rename(draft: &mut Draft<'_>, old: &Member, after: &StepId) -> StepId {
    let to = InstanceId::new(format!("{}-old-{}", old.instance, draft.survey.epoch));
    let mut step = Step::holds(
        Effect::Rename(Rename { member: old.clone(), to: to.clone() }),
        old.site,
        RENAME,
    );
    step.on_timeout = OnTimeout::Ask;
    if let ResourceRef::Known(resource) = &old.resource {
        let (site, resource) = (old.site, resource.clone());
        step.marks = vec![Mark::Renamed { site, instance: to, resource }];
    }
    draft.add(format!("rename.{}", old.site), std::slice::from_ref(after), step)
}

fn create(
    draft: &mut Draft<'_>,
    old: Member,
    site: Site,
    after: &StepId,
) -> Result<StepId, Incomplete> {
    let effect = Effect::CreateReplica(CreateReplica {
        member: old,
        source: draft.survey.facts.member(site.other())?.arn.clone(),
        settings: draft.survey.facts.member(site)?.settings.clone(),
    });
    let step = Step {
        on_timeout: OnTimeout::Ask,
        marks: vec![Mark::Rebuilt(site)],
        ..Step::holds(effect, site, REBUILD)
    };
    Ok(draft.add(format!("rebuild.{site}"), std::slice::from_ref(after), step))
}

/// A failover that led home: the site that it left is a standby again. It waits for what is owed to
/// that site, which may be dead for long; home serves meanwhile.
pub(super) fn standby_again(
    draft: &mut Draft<'_>,
    verified: &StepId,
    quarantine: Vec<StepId>,
) -> Result<(), Incomplete> {
    let fence = StepId::new("fence.standing");
    let fence = draft.has(&fence).then_some(fence);
    let owed: Vec<_> = quarantine.into_iter().chain(fence).chain([verified.clone()]).collect();
    let stopped = draft.milestone("stopped", "nothing runs at the site that was left", &owed);
    let rebuilt = rebuilt(draft, draft.from, &stopped)?;
    release_standby(draft, &rebuilt);
    Ok(())
}

/// Failback: every hold at the standby released, its nodes gone, the group armed.
pub(super) fn release_standby(draft: &mut Draft<'_>, after: &StepId) {
    let mut released = release_all(draft, after, |_| true);
    let cluster = draft.losing().cluster.clone();
    let pools = &draft.survey.policy.capacity.pools;
    for pool in pools.iter().filter(|_| !bugs::on(Bug::NeverScalesDown)) {
        let hold = Hold {
            id: HoldId::object(draft.from, &ObjectRef::NodePool(pool.name.clone())),
            site: draft.from,
            held: Held::Pool {
                cluster: cluster.clone(),
                pool: pool.name.clone(),
                baseline: pool.limits.clone(),
                wants: pool.limits.clone(),
            },
        };
        let release = released.clone();
        let id = release_hold(draft, format!("release.pool.{}", pool.name), hold, &release);
        let gone = NodesGone { cluster: cluster.clone(), pool: pool.name.clone() };
        let mut step = Step::looks(Effect::NodesGone(gone), Place::Site(draft.from));
        (step.timeout, step.on_timeout) = (Some(NODES_GONE), OnTimeout::Ask);
        released.push(draft.add(format!("nodesGone.{}", pool.name), &[id], step));
    }
    let note = "home serves, the standby is a standby, every hold is released".into();
    let mut step = Step::looks(Effect::Milestone(Milestone { note }), Place::Nowhere);
    if !bugs::on(Bug::NotRearmed) {
        step.marks = vec![Mark::Armed];
    }
    released.push(after.clone());
    draft.add("armed", &released, step);
}

/// Switchover: what may run at both sites runs at home again; the rest stays at 0.
pub(super) fn release_both(draft: &mut Draft<'_>, after: &StepId) {
    release_all(draft, after, |runs| runs == Runs::Both);
}

fn release_all(draft: &mut Draft<'_>, after: &StepId, which: impl Fn(Runs) -> bool) -> Vec<StepId> {
    let (site, cluster) = (draft.from, draft.losing().cluster.clone());
    let capacity = &draft.survey.policy.capacity;
    let mut released = Vec::new();
    for workload in capacity.workloads.iter().filter(|workload| which(workload.runs)) {
        let held = Held::Workload {
            cluster: cluster.clone(),
            workload: workload.object.clone(),
            baseline: 0,
            wants: 0,
        };
        let id = HoldId::object(site, &ObjectRef::Workload(workload.object.clone()));
        let name = format!("release.{}", short(workload));
        let hold = Hold { id, site, held };
        released.push(release_hold(draft, name, hold, std::slice::from_ref(after)));
    }
    for job in capacity.jobs.iter().filter(|job| which(job.runs)) {
        let held = Held::Job {
            cluster: cluster.clone(),
            job: job.object.clone(),
            baseline: true,
            wants: true,
        };
        let id = HoldId::object(site, &ObjectRef::Job(job.object.clone()));
        let name = format!("release.{}.{}", job.object.namespace, job.object.name);
        let hold = Hold { id, site, held };
        released.push(release_hold(draft, name, hold, std::slice::from_ref(after)));
    }
    released
}

fn release_hold(draft: &mut Draft<'_>, id: String, hold: Hold, needs: &[StepId]) -> StepId {
    let (site, marks) = (hold.site, vec![Mark::Released(hold.id.clone())]);
    let step = Step::holds(Effect::Release(Release::of(hold)), site, RELEASE);
    draft.add(id, needs, Step { on_timeout: OnTimeout::Ask, marks, ..step })
}

/// One change of a run that must be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// A hold that the run took: let it go.
    Release(Hold),
    /// A door that the run closed, by a call that may still be on its way: open it, and watch it
    /// until that one can take effect no more.
    Outlast(Hold),
    /// A hold that the run changed or released: make it again what it was.
    Restore(Hold),
}

/// Undoes what a run did before its point of no return: every hold back to how the run found it,
/// doors first, then what goes through them. That a door is watched for longer keeps nothing else
/// waiting. No door is opened while a claim above the run's is in one of the clusters.
#[must_use]
pub fn unwind(kind: PlanKind, from: Site, changes: &[Undo], claims: &[Cluster]) -> Plan {
    let is_door = |undo: &&Undo| match undo {
        Undo::Release(hold) | Undo::Restore(hold) | Undo::Outlast(hold) => {
            matches!(hold.held, Held::Writer { .. })
        }
    };
    let mut steps = Ordered::default();
    let undone = |change, needs| undo_one(change, needs, claims);
    steps.extend(changes.iter().filter(is_door).filter_map(|change| undone(change, &[])));
    let doors: Vec<_> = steps.keys().cloned().collect();
    steps.extend(changes.iter().filter_map(|change| outlast(change, claims)));
    let others = changes.iter().filter(|change| !is_door(change));
    steps.extend(others.filter_map(|change| undone(change, &doors)));
    Plan { kind, from, to: from.other(), steps }
}

fn undo_one(change: &Undo, needs: &[StepId], claims: &[Cluster]) -> Option<(StepId, Step)> {
    let (hold, effect, marks) = match change {
        Undo::Release(hold) => {
            let effect = match reopen(hold, claims, false) {
                Some(reopen) => Effect::Reopen(reopen),
                None => Effect::Release(Release::of(hold.clone())),
            };
            (hold, effect, vec![Mark::Released(hold.id.clone())])
        }
        Undo::Outlast(hold) => (hold, Effect::Reopen(reopen(hold, claims, false)?), Vec::new()),
        Undo::Restore(hold) => (hold, restore(hold)?, Vec::new()),
    };
    let step = Step::holds(effect, hold.site, RELEASE);
    let step = Step { on_timeout: OnTimeout::Ask, needs: needs.to_vec(), marks, ..step };
    Some((undoes(hold), step))
}

fn undoes(hold: &Hold) -> StepId {
    StepId::new(format!("undo.{}", hold.id))
}

/// Only here is such a hold let go.
fn outlast(change: &Undo, claims: &[Cluster]) -> Option<(StepId, Step)> {
    let Undo::Outlast(hold) = change else { return None };
    let effect = Effect::Reopen(reopen(hold, claims, true)?);
    let step = Step::holds(effect, hold.site, RELEASE + rds::SIGNED);
    let (needs, marks) = (vec![undoes(hold)], vec![Mark::Released(hold.id.clone())]);
    let step = Step { on_timeout: OnTimeout::Ask, needs, marks, ..step };
    Some((StepId::new(format!("{}.late", undoes(hold))), step))
}

fn reopen(hold: &Hold, claims: &[Cluster], outlasts: bool) -> Option<Reopen> {
    let Held::Writer { scope, instance, resource, baseline, closed } = &hold.held else {
        return None;
    };
    let member = Member {
        site: hold.site,
        scope: scope.clone(),
        instance: instance.clone(),
        resource: ResourceRef::Known(resource.clone()),
        closed: closed.clone(),
    };
    Some(Reopen { member, groups: baseline.clone(), outlasts, claims: claims.to_vec() })
}

/// The effect that makes a hold again what it was; a door that was closed before the run stays so.
fn restore(hold: &Hold) -> Option<Effect> {
    let site = hold.site;
    Some(match hold.held.clone() {
        Held::Workload { cluster, workload, wants, .. } => Effect::SetWorkload(SetWorkload {
            site,
            cluster,
            workload,
            replicas: wants,
            until: Until::Asked,
        }),
        Held::Job { cluster, job, wants, .. } => {
            Effect::SetJob(SetJob { site, cluster, job, suspend: wants })
        }
        Held::Pool { cluster, pool, wants, .. } => {
            Effect::SetPool(SetPool { site, cluster, pool, limits: wants })
        }
        Held::Writer { .. } => return None,
    })
}
