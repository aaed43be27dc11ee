//! Replicas of Deployments and StatefulSets, through their scale subresource.
//!
//! The scale subresource passes only replicas and resourceVersion on, so the annotation goes first
//! and moves resourceVersion: a write based on an older read is refused from then on.

use serde::{Deserialize, Serialize};

use super::fence::{self, SOON, not_there};
use super::note::{self, Standing};
use crate::model::{Cluster, ObjectRef, Site, WorkloadRef};
use crate::op::{Fault, KubeOp, Op, WorkloadView};
use crate::step::{Context, Held, Hold, HoldId, Judgement, Procedure, Seen};

/// Sets a workload's replicas and holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetWorkload {
    /// At which site.
    pub site: Site,
    /// In which cluster.
    pub cluster: Cluster,
    /// Which workload.
    pub workload: WorkloadRef,
    /// How many replicas.
    pub replicas: u32,
    /// When the step is done.
    pub until: Until,
}

/// When setting a workload is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Until {
    /// When the API server accepted the number.
    Asked,
    /// When so many pods are ready.
    Ready(u32),
    /// When no pod is left.
    Gone,
}

impl Procedure for SetWorkload {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        vec![fence::read(&self.cluster, cx), read(&self.cluster, &self.workload)]
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        if let Some(first) = fence::check(&self.cluster, cx, seen, 0)? {
            return Ok(first);
        }
        if self.replicas == 0 && seen.missing(1) {
            return Ok(not_there(self.workload.to_string()));
        }
        let view = seen.workload(1)?;
        if view.claims_volumes && self.replicas > view.wanted {
            return Ok(Judgement::Disagrees(format!(
                "{} has volume claim templates: EBS volumes do not cross Regions",
                self.workload
            )));
        }
        let note = note::parse(view.note.as_ref())?;
        Ok(match note::stand(cx, note, &view.wanted, &self.replicas) {
            Standing::Fenced(claim) => Judgement::Fenced(claim),
            Standing::Write(note) => {
                let baseline = note.baseline;
                let op = annotate(&self.cluster, &self.workload, view, Some(note::render(&note)));
                let words = format!("take {} (now {})", self.workload, view.wanted);
                Judgement::act_holding(op, self.hold(baseline), words)
            }
            Standing::Ours(_) if view.wanted != self.replicas => Judgement::act(
                scale(&self.cluster, &self.workload, view, self.replicas),
                format!("scale {} {} → {}", self.workload, view.wanted, self.replicas),
            ),
            Standing::Ours(_) => self.progress(view),
        })
    }
}

impl SetWorkload {
    fn hold(&self, baseline: u32) -> Hold {
        Hold {
            id: HoldId::object(self.site, &ObjectRef::Workload(self.workload.clone())),
            site: self.site,
            held: Held::Workload {
                cluster: self.cluster.clone(),
                workload: self.workload.clone(),
                baseline,
                wants: self.replicas,
            },
        }
    }

    fn progress(&self, view: &WorkloadView) -> Judgement {
        let note = format!("{}: {} of {} ready", self.workload, view.ready, self.replicas);
        let reached = match self.until {
            Until::Asked => true,
            Until::Ready(needed) => view.ready >= needed,
            Until::Gone => view.pods == 0,
        };
        if reached {
            Judgement::done_with("ready", view.ready, note)
        } else {
            Judgement::wait(SOON, note)
        }
    }
}

/// The read of a workload.
pub(super) fn read(cluster: &Cluster, workload: &WorkloadRef) -> Op {
    Op::Kube(cluster.clone(), KubeOp::Workload(workload.clone()))
}

/// The write of a workload's annotation.
pub(super) fn annotate(
    cluster: &Cluster,
    workload: &WorkloadRef,
    view: &WorkloadView,
    note: Option<std::sync::Arc<str>>,
) -> Op {
    let object = ObjectRef::Workload(workload.clone());
    Op::Kube(cluster.clone(), KubeOp::Annotate { object, version: view.version.clone(), note })
}

/// The write of a workload's replicas.
pub(super) fn scale(
    cluster: &Cluster,
    workload: &WorkloadRef,
    view: &WorkloadView,
    replicas: u32,
) -> Op {
    let (workload, version) = (workload.clone(), view.version.clone());
    Op::Kube(cluster.clone(), KubeOp::Scale { workload, version, replicas })
}
