//! Letting go: the last owner out restores what was before the first one came.

use serde::{Deserialize, Serialize};

use super::fence::{self, HOLD_SHOWS, not_there};
use super::{note, pools, workloads};
use crate::bugs::{self, Bug};
use crate::model::{Cluster, HoldNote, JobRef, ObjectName, Span, Version, WorkloadRef};
use crate::op::{Fault, KubeOp, Op, Quantities};
use crate::step::{Context, Held, Hold, Judgement, Outputs, Procedure, Seen};

/// How often an object is looked at again.
const POLL: Span = Span::secs(2);

/// Releases one hold on an object of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The hold, as it was recorded.
    pub hold: Hold,
    /// How many replicas a workload has at least when nobody holds it any more. An autoscaler may
    /// have shrunk it before it was held: what it then was is not what users need.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub at_least: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Release {
    /// Back to what it was when it was taken.
    #[must_use]
    pub fn of(hold: Hold) -> Self {
        Self { hold, at_least: 0 }
    }
}

impl Procedure for Release {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let (cluster, read) = match &self.hold.held {
            Held::Workload { cluster, workload, .. } => {
                (cluster, workloads::read(cluster, workload))
            }
            Held::Job { cluster, job, .. } => {
                (cluster, Op::Kube(cluster.clone(), KubeOp::Job(job.clone())))
            }
            Held::Pool { cluster, pool, .. } => (cluster, pools::read(cluster, pool)),
            Held::Writer { .. } => return Vec::new(),
        };
        vec![fence::read(cluster, cx), read]
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        match &self.hold.held {
            Held::Workload { cluster, workload, .. } => {
                release_workload(cx, seen, cluster, (workload, self.at_least))
            }
            Held::Job { cluster, job, .. } => release_job(cx, seen, cluster, job),
            Held::Pool { cluster, pool, .. } => release_pool(cx, seen, cluster, pool),
            Held::Writer { .. } => Err(Fault::Invalid("a writer is reopened, not released".into())),
        }
    }
}

/// The annotation under which we still hold an object; or what to say instead.
fn ours<V: serde::de::DeserializeOwned>(
    cx: &Context<'_>,
    (version, text): (&Version, Option<&std::sync::Arc<str>>),
    object: &str,
) -> Result<Result<HoldNote<V>, Judgement>, Fault> {
    let Some(note) = note::parse::<V>(text)? else {
        return Ok(Err(not_held(cx, version, format!("{object} is free"))));
    };
    Ok(match note.owners.get(cx.group) {
        None => Err(not_held(cx, version, format!("{object} is not held by us"))),
        Some(owner) if cx.claim.yields_to(&owner.claim) => {
            Err(Judgement::Fenced(owner.claim.clone()))
        }
        Some(_) => Ok(note),
    })
}

/// What was let go by this step stays so, unless a cache shows it as it was before. What was found
/// free may be held yet: by a call of who led before, or in what a cache does not show.
fn not_held(cx: &Context<'_>, seen: &Version, note: String) -> Judgement {
    let based_on = |op: &Op| match op {
        Op::Kube(_, op) => op.based_on().cloned(),
        _ => None,
    };
    match cx.acted.and_then(|acted| based_on(&acted.op)) {
        _ if bugs::on(Bug::StaleViewLetsGo) => Judgement::done(note),
        Some(known) if seen.is_before(&known) => {
            Judgement::wait(POLL, "what is seen of it is older than what was seen before")
        }
        Some(_) => Judgement::done(note),
        None => Judgement::Steady { hold: HOLD_SHOWS, outputs: Outputs::new(), note },
    }
}

/// What comes before an object is let go: the cluster's fence, and whether it is there at all.
fn first(
    cx: &Context<'_>,
    seen: Seen<'_>,
    cluster: &Cluster,
    object: &str,
) -> Result<Option<Judgement>, Fault> {
    let first = fence::check(cluster, cx, seen, 0)?;
    Ok(first.or_else(|| seen.missing(1).then(|| not_there(object.to_owned()))))
}

/// Scales first and removes the annotation last: cut off in between, it is still ours to finish.
fn release_workload(
    cx: &Context<'_>,
    seen: Seen<'_>,
    cluster: &Cluster,
    (workload, at_least): (&WorkloadRef, u32),
) -> Result<Judgement, Fault> {
    let object = workload.to_string();
    if let Some(first) = first(cx, seen, cluster, &object)? {
        return Ok(first);
    }
    let view = seen.workload(1)?;
    let mut note = match ours::<u32>(cx, (&view.version, view.note.as_ref()), &object)? {
        Ok(note) => note,
        Err(judgement) => return Ok(judgement),
    };
    if let Some(owner) = note.owners.get_mut(cx.group)
        && owner.claim != *cx.claim
    {
        owner.claim = cx.claim.clone();
        let op = workloads::annotate(cluster, workload, view, Some(note::render(&note)));
        return Ok(Judgement::act(op, format!("take {workload} over")));
    }
    let baseline = note.baseline;
    let left = note::leave(note, cx.group);
    let target = left.as_ref().and_then(|note| note.owners.values().map(|o| o.wants).max());
    let target = target.unwrap_or(baseline.max(at_least));
    if view.wanted != target {
        let words = format!("scale {workload} {} → {target}", view.wanted);
        return Ok(Judgement::act(workloads::scale(cluster, workload, view, target), words));
    }
    let op = workloads::annotate(cluster, workload, view, left.as_ref().map(note::render));
    Ok(Judgement::act(op, format!("let {workload} go")))
}

fn release_job(
    cx: &Context<'_>,
    seen: Seen<'_>,
    cluster: &Cluster,
    job: &JobRef,
) -> Result<Judgement, Fault> {
    let object = format!("CronJob {}/{}", job.namespace, job.name);
    if let Some(first) = first(cx, seen, cluster, &object)? {
        return Ok(first);
    }
    let view = seen.job(1)?;
    let note = match ours::<bool>(cx, (&view.version, view.note.as_ref()), &object)? {
        Ok(note) => note,
        Err(judgement) => return Ok(judgement),
    };
    let baseline = note.baseline;
    let left = note::leave(note, cx.group);
    let op = KubeOp::Suspend {
        job: job.clone(),
        version: view.version.clone(),
        suspend: left.as_ref().map_or(baseline, |note| note.owners.values().all(|o| o.wants)),
        note: left.as_ref().map(note::render),
    };
    Ok(Judgement::act(Op::Kube(cluster.clone(), op), format!("let {object} go")))
}

fn release_pool(
    cx: &Context<'_>,
    seen: Seen<'_>,
    cluster: &Cluster,
    pool: &ObjectName,
) -> Result<Judgement, Fault> {
    let object = format!("NodePool {pool}");
    if let Some(first) = first(cx, seen, cluster, &object)? {
        return Ok(first);
    }
    let view = seen.pool(1)?;
    let note = match ours::<Quantities>(cx, (&view.version, view.note.as_ref()), &object)? {
        Ok(note) => note,
        Err(judgement) => return Ok(judgement),
    };
    let mut restored = view.clone();
    restored.limits = note.baseline.clone();
    let left = note::leave(note, cx.group).filter(|_| !bugs::on(Bug::ReleaseForgetsOthers));
    let op = pools::limit(cluster, pool, &restored, left.as_ref());
    Ok(Judgement::act(op, format!("let {object} go")))
}
