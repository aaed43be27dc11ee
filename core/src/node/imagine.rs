//! The world as it would be after a call, for a look ahead: answers that were seen, changed as the
//! call would change them. Nothing here is ever taken for what *is*.

use crate::model::{Claim, InstanceId, ObjectRef, Scope, Version};
use crate::op::{
    Answer, Fault, FenceView, GateOp, GateView, Instance, KubeOp, Op, RdsOp, RecordSet, Route53Op,
};

/// Every look that was made, with what it answered or would answer by then.
#[derive(Debug, Default)]
pub(super) struct Imagined {
    looks: Vec<(Op, Result<Answer, Fault>)>,
}

impl Imagined {
    /// What a look answered.
    pub(super) fn learn(&mut self, look: Op, answer: Result<Answer, Fault>) {
        self.looks.push((look, answer));
    }

    /// What a look answers; `None`: nobody has looked.
    pub(super) fn get(&self, look: &Op) -> Option<&Result<Answer, Fault>> {
        self.looks.iter().find(|(asked, _)| asked == look).map(|(_, answer)| answer)
    }

    /// Changes the answers as a call would.
    pub(super) fn after(&mut self, call: &Op) {
        match call {
            Op::Kube(cluster, op) => {
                let (look, change) = kube(op);
                let Some(look) = look else { return };
                self.set(&Op::Kube(cluster.clone(), look), change);
            }
            Op::Rds(scope, op) => self.rds(scope, op),
            Op::Route53(_, Route53Op::Change { zone, delete, create }) => {
                for (look, answer) in &mut self.looks {
                    let Op::Route53(_, Route53Op::Records { zone: asked, name }) = look else {
                        continue;
                    };
                    if let (true, Ok(Answer::Records(sets))) = (asked == zone, answer) {
                        sets.retain(|set| !delete.contains(set));
                        let new = create.iter().filter(|set| set.name == *name);
                        sets.extend(new.cloned().collect::<Vec<RecordSet>>());
                    }
                }
            }
            Op::Gate(role, GateOp::Write { object, open, claim, .. }) => {
                let look = Op::Gate(role.clone(), GateOp::Read { object: object.clone() });
                let (open, claim) = (*open, Some(claim.clone()));
                let gate = GateView { version: written(), open, claim };
                self.put(look, Ok(Answer::Gate(Some(gate))));
            }
            _ => {}
        }
    }

    fn set(&mut self, look: &Op, change: impl Fn(&mut Answer)) {
        let found = self.looks.iter_mut().find(|(asked, _)| asked == look);
        if let Some((_, Ok(answer))) = found {
            change(answer);
        }
    }

    fn put(&mut self, look: Op, answer: Result<Answer, Fault>) {
        self.looks.retain(|(asked, _)| *asked != look);
        self.looks.push((look, answer));
    }

    fn rds(&mut self, scope: &Scope, call: &RdsOp) {
        let describe = |id: &InstanceId| Op::Rds(scope.clone(), RdsOp::Describe(id.clone()));
        match call {
            RdsOp::SetSecurityGroups { instance, groups } => {
                self.set(&describe(instance), |answer| {
                    if let Answer::Instance(found) = answer {
                        found.settings.security_groups.clone_from(groups);
                    }
                });
            }
            RdsOp::Promote(instance) => self.set(&describe(instance), |answer| {
                if let Answer::Instance(found) = answer {
                    (found.source, found.streaming) = (None, false);
                }
            }),
            RdsOp::Rename { instance, to } => {
                let renamed = self.get(&describe(instance)).cloned();
                let gone = Fault::NotFound(format!("{instance}, renamed to {to}"));
                self.put(describe(instance), Err(gone));
                if let Some(Ok(Answer::Instance(found))) = renamed {
                    let found = Instance { id: to.clone(), ..found };
                    self.put(describe(to), Ok(Answer::Instance(found)));
                }
            }
            _ => {}
        }
    }
}

/// Which look of a cluster a call changes, and how.
fn kube(call: &KubeOp) -> (Option<KubeOp>, impl Fn(&mut Answer)) {
    let look = match call {
        KubeOp::Annotate { object: ObjectRef::Workload(workload), .. }
        | KubeOp::Scale { workload, .. } => Some(KubeOp::Workload(workload.clone())),
        KubeOp::Annotate { object: ObjectRef::Job(job), .. } | KubeOp::Suspend { job, .. } => {
            Some(KubeOp::Job(job.clone()))
        }
        KubeOp::Annotate { object: ObjectRef::NodePool(pool), .. } | KubeOp::Limit { pool, .. } => {
            Some(KubeOp::Pool(pool.clone()))
        }
        KubeOp::Claim { group, .. } => Some(KubeOp::Fence(group.clone())),
        _ => None,
    };
    let call = call.clone();
    (look, move |answer: &mut Answer| change(&call, answer))
}

fn change(call: &KubeOp, answer: &mut Answer) {
    match (answer, call) {
        (Answer::Workload(view), KubeOp::Annotate { note, .. }) => view.note.clone_from(note),
        (Answer::Workload(view), KubeOp::Scale { replicas, .. }) => view.wanted = *replicas,
        (Answer::Job(view), KubeOp::Annotate { note, .. }) => view.note.clone_from(note),
        (Answer::Job(view), KubeOp::Suspend { suspend, note, .. }) => {
            (view.suspended, view.note) = (*suspend, note.clone());
        }
        (Answer::Pool(view), KubeOp::Annotate { note, .. }) => view.note.clone_from(note),
        (Answer::Pool(view), KubeOp::Limit { limits, note, .. }) => {
            (view.limits, view.note) = (limits.clone(), note.clone());
        }
        (Answer::Fence(view), KubeOp::Claim { claim, .. }) => *view = Some(claimed(claim)),
        _ => {}
    }
}

fn claimed(claim: &Claim) -> FenceView {
    FenceView { version: written(), claim: claim.clone() }
}

/// Stands for a version that the service has not given yet.
fn written() -> Version {
    Version::new("(as written before)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cluster;
    use crate::op::WorkloadView;
    use crate::testing::claim;

    #[test]
    fn a_call_changes_what_its_own_look_answers_and_nothing_else() {
        let [one, other] = ["one", "other"].map(|name| Cluster::Context(name.into()));
        let fence = |cluster: &Cluster| Op::Kube(cluster.clone(), KubeOp::Fence("shop".into()));
        let mut imagined = Imagined::default();
        imagined.learn(fence(&one), Ok(Answer::Fence(None)));
        imagined.learn(fence(&other), Ok(Answer::Fence(None)));
        let claim = claim(7, "shop-7-failover");
        let op = KubeOp::Claim { group: "shop".into(), version: None, claim: claim.clone() };
        imagined.after(&Op::Kube(one.clone(), op));
        let Some(Ok(Answer::Fence(Some(view)))) = imagined.get(&fence(&one)) else {
            panic!("{imagined:?}")
        };
        assert_eq!(view.claim, claim);
        assert_eq!(imagined.get(&fence(&other)), Some(&Ok(Answer::Fence(None))));
    }

    #[test]
    fn an_unanswered_look_stays_unanswered() {
        let cluster = Cluster::Context("one".into());
        let workload = crate::policy::examples::shop().capacity.workloads[0].object.clone();
        let look = Op::Kube(cluster.clone(), KubeOp::Workload(workload.clone()));
        let mut imagined = Imagined::default();
        imagined.learn(look.clone(), Err(Fault::Transient("no answer".into())));
        let scale = KubeOp::Scale { workload, version: "1".into(), replicas: 3 };
        imagined.after(&Op::Kube(cluster, scale));
        assert!(imagined.get(&look).is_some_and(Result::is_err));
    }

    #[test]
    fn a_scaled_workload_wants_what_it_was_told() {
        let cluster = Cluster::Context("one".into());
        let workload = crate::policy::examples::shop().capacity.workloads[0].object.clone();
        let look = Op::Kube(cluster.clone(), KubeOp::Workload(workload.clone()));
        let view = WorkloadView {
            version: "1".into(),
            wanted: 12,
            ready: 12,
            pods: 12,
            note: None,
            claims_volumes: false,
        };
        let mut imagined = Imagined::default();
        imagined.learn(look.clone(), Ok(Answer::Workload(view)));
        let scale = KubeOp::Scale { workload, version: "1".into(), replicas: 3 };
        imagined.after(&Op::Kube(cluster, scale));
        let Some(Ok(Answer::Workload(view))) = imagined.get(&look) else { panic!() };
        assert_eq!((view.wanted, view.ready), (3, 12));
    }
}
