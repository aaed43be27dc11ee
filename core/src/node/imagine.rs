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
    use crate::model::{Cluster, Wall};
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

    /// What looks answer after a call, in a world where these were answered before.
    fn after(looks: &[(Op, Answer)], call: &Op) -> Vec<Option<Result<Answer, Fault>>> {
        let mut imagined = Imagined::default();
        let learn = |(look, answer): (Op, Answer)| imagined.learn(look, Ok(answer));
        looks.iter().cloned().for_each(learn);
        imagined.after(call);
        looks.iter().map(|(look, _)| imagined.get(look).cloned()).collect()
    }

    #[test]
    fn a_held_object_is_as_its_call_leaves_it_with_its_note() {
        let policy = crate::policy::examples::shop();
        let kube = |op| Op::Kube(Cluster::Context("one".into()), op);
        let (workload, job, pool) = (
            policy.capacity.workloads[0].object.clone(),
            policy.capacity.jobs[0].object.clone(),
            policy.capacity.pools[0].name.clone(),
        );
        let (version, held) = (Version::new("1"), Some("held".into()));
        let view = |note: &Option<_>| {
            let (wanted, ready, pods) = (3, 3, 3);
            let (version, note, claims_volumes) = (version.clone(), note.clone(), false);
            Answer::Workload(WorkloadView { version, wanted, ready, pods, note, claims_volumes })
        };
        let job_view = |suspended, note: &Option<_>| {
            let (version, note, active) = (version.clone(), note.clone(), 0);
            Answer::Job(crate::op::JobView { version, suspended, active, note })
        };
        let pool_view = |cpu: u64, note: &Option<_>| {
            let (version, note) = (version.clone(), note.clone());
            let limits = [("cpu".into(), cpu)].into();
            Answer::Pool(crate::op::PoolView { version, limits, note })
        };
        let annotate = |object| {
            let (version, note) = (version.clone(), held.clone());
            kube(KubeOp::Annotate { object, version, note })
        };
        let suspends = KubeOp::Suspend {
            job: job.clone(),
            version: version.clone(),
            suspend: true,
            note: held.clone(),
        };
        let limits = [("cpu".into(), 200_000)].into();
        let opens = KubeOp::Limit {
            pool: pool.clone(),
            version: version.clone(),
            limits,
            note: held.clone(),
        };
        let [of_workload, of_job, of_pool] = [
            KubeOp::Workload(workload.clone()),
            KubeOp::Job(job.clone()),
            KubeOp::Pool(pool.clone()),
        ]
        .map(kube);
        for (look, before, call, later) in [
            (&of_workload, view(&None), annotate(ObjectRef::Workload(workload)), view(&held)),
            (
                &of_job,
                job_view(false, &None),
                annotate(ObjectRef::Job(job)),
                job_view(false, &held),
            ),
            (&of_job, job_view(false, &None), kube(suspends), job_view(true, &held)),
            (
                &of_pool,
                pool_view(0, &None),
                annotate(ObjectRef::NodePool(pool)),
                pool_view(0, &held),
            ),
            (&of_pool, pool_view(0, &None), kube(opens), pool_view(200_000, &held)),
        ] {
            assert_eq!(after(&[(look.clone(), before)], &call), [Some(Ok(later))], "{call:?}");
        }
    }

    #[test]
    fn an_instance_is_as_its_call_leaves_it_and_another_one_as_it_was() {
        let scope = crate::policy::examples::shop().home.scope;
        let look = |id: &str| Op::Rds(scope.clone(), RdsOp::Describe(id.into()));
        let found = |id: &str, source: Option<&str>, group: &str| Instance {
            id: id.into(),
            arn: "arn:aws:rds:eu-west-1:111111111111:db:a".into(),
            resource: "db-a".into(),
            status: "available".into(),
            source: source.map(Into::into),
            streaming: source.is_some(),
            replicas: Vec::new(),
            settings: Box::new(crate::testing::settings(group)),
            managed_password: false,
            told_at: Wall::default(),
        };
        let instance = |id, source, group| Answer::Instance(found(id, source, group));
        let looks = ["a", "b"].map(|id| (look(id), instance(id, Some("c"), "open")));
        let same = Some(Ok(looks[1].1.clone()));
        let groups = vec!["closed".into()];
        for (op, later) in [
            (
                RdsOp::SetSecurityGroups { instance: "a".into(), groups },
                instance("a", Some("c"), "closed"),
            ),
            (RdsOp::Promote("a".into()), instance("a", None, "open")),
        ] {
            let call = Op::Rds(scope.clone(), op);
            assert_eq!(after(&looks, &call), [Some(Ok(later)), same.clone()], "{call:?}");
        }
        let mut imagined = Imagined::default();
        looks.iter().for_each(|(look, answer)| imagined.learn(look.clone(), Ok(answer.clone())));
        let to_new = RdsOp::Rename { instance: "a".into(), to: "old-a".into() };
        imagined.after(&Op::Rds(scope.clone(), to_new));
        assert!(matches!(imagined.get(&look("a")), Some(Err(Fault::NotFound(_)))));
        assert_eq!(imagined.get(&look("old-a")), Some(&Ok(instance("old-a", Some("c"), "open"))));
        assert_eq!(imagined.get(&look("b")), same.as_ref());
    }

    #[test]
    fn a_change_of_records_is_seen_under_their_names_in_their_zone_alone() {
        let set = |name: &str, value: &str| RecordSet {
            name: name.into(),
            kind: crate::op::RecordType::Txt,
            set_identifier: None,
            failover: None,
            health_check: None,
            ttl_secs: None,
            values: vec![value.into()],
            alias: None,
        };
        let look = |zone: &str, name: &str| {
            Op::Route53(None, Route53Op::Records { zone: zone.into(), name: name.into() })
        };
        let (a, b) = (set("a.example", "old"), set("b.example", "old"));
        let records =
            |sets: &[&RecordSet]| Answer::Records(sets.iter().copied().cloned().collect());
        let looks = [
            (look("Z1", "a.example"), records(&[&a])),
            (look("Z1", "b.example"), records(&[&b])),
            (look("Z2", "a.example"), records(&[&a])),
        ];
        let new = set("a.example", "new");
        let (delete, create) = (vec![a.clone()], vec![new.clone()]);
        let call = Op::Route53(None, Route53Op::Change { zone: "Z1".into(), delete, create });
        let wanted = [records(&[&new]), records(&[&b]), records(&[&a])];
        assert_eq!(after(&looks, &call), wanted.map(|answer| Some(Ok(answer))));
    }

    #[test]
    fn a_gate_that_is_written_is_open_at_its_site_under_its_claim() {
        let look = |object: &str| Op::Gate(None, GateOp::Read { object: object.into() });
        let (mine, other) = (look("s3://gates/shop"), look("s3://gates/other"));
        let looks = [mine, other].map(|look| (look, Answer::Gate(None)));
        let claim = claim(7, "shop-7-failover");
        let (open, object) = (crate::model::Site::Standby, "s3://gates/shop".into());
        let call =
            Op::Gate(None, GateOp::Write { object, version: None, open, claim: claim.clone() });
        let answers = after(&looks, &call);
        let Some(Ok(Answer::Gate(Some(gate)))) = &answers[0] else { panic!("{answers:?}") };
        assert_eq!((gate.open, &gate.claim), (open, &Some(claim)));
        assert_eq!(answers[1], Some(Ok(Answer::Gate(None))));
    }
}
