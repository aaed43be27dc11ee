//! Holds against a cluster with resourceVersions: taken, shared, handed over, released.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::model::{
    Claim, Cluster, JobRef, ObjectName, ObjectRef, Site, Span, Version, WorkloadKind, WorkloadRef,
};
use crate::op::{
    Answer, Fault, FenceView, JobView, KubeOp, NodesView, Op, PoolView, Quantities, WorkloadView,
};
use crate::step::{Acted, Held, Hold, HoldId, Judgement};
use crate::testing::{Drive, claim};

mod waits;

/// A cluster with one of each.
struct Kube {
    version: u64,
    fence: Option<(u64, Claim)>,
    replicas: (u64, u32),
    suspended: (u64, bool),
    limits: (u64, Quantities),
    notes: BTreeMap<&'static str, Arc<str>>,
    nodes: u32,
    launched: u32,
}

impl Default for Kube {
    fn default() -> Self {
        Self {
            version: 1,
            fence: None,
            replicas: (1, 3),
            suspended: (1, false),
            limits: (1, limits(0)),
            notes: BTreeMap::new(),
            nodes: 0,
            launched: 0,
        }
    }
}

fn limits(cpu: u64) -> Quantities {
    [("cpu".into(), cpu)].into()
}

fn version(n: u64) -> Version {
    Version::new(n.to_string())
}

impl Kube {
    fn perform(&mut self, op: &Op) -> Result<Answer, Fault> {
        let Op::Kube(_, op) = op else { panic!("{op:?}") };
        let note = |name| self.notes.get(name).cloned();
        Ok(match op {
            KubeOp::Fence(_) => Answer::Fence(
                self.fence.clone().map(|(at, claim)| FenceView { version: version(at), claim }),
            ),
            KubeOp::Workload(_) => Answer::Workload(WorkloadView {
                version: version(self.replicas.0),
                wanted: self.replicas.1,
                ready: self.replicas.1,
                pods: self.replicas.1,
                note: note("workload"),
                claims_volumes: false,
            }),
            KubeOp::Job(_) => Answer::Job(JobView {
                version: version(self.suspended.0),
                suspended: self.suspended.1,
                active: 0,
                note: note("job"),
            }),
            KubeOp::Pool(_) => Answer::Pool(PoolView {
                version: version(self.limits.0),
                limits: self.limits.1.clone(),
                note: note("pool"),
            }),
            KubeOp::NodeClaims { .. } => {
                let total = self.nodes.max(self.launched);
                Answer::Nodes(NodesView { total, ready: self.nodes })
            }
            KubeOp::Nodes { .. } => {
                Answer::Nodes(NodesView { total: self.nodes, ready: self.nodes })
            }
            write => return self.write(write),
        })
    }

    fn write(&mut self, op: &KubeOp) -> Result<Answer, Fault> {
        self.version += 1;
        let now = self.version;
        let checked = |at: u64, given: &Version| {
            if version(at) == *given { Ok(()) } else { Err(Fault::Conflict("version".into())) }
        };
        let set_note = |notes: &mut BTreeMap<_, _>, name, note: &Option<Arc<str>>| match note {
            Some(note) => drop(notes.insert(name, note.clone())),
            None => drop(notes.remove(name)),
        };
        match op {
            KubeOp::Claim { version: given, claim, .. } => {
                let present = self.fence.as_ref().map(|(at, _)| version(*at));
                if present != *given {
                    return Err(Fault::Conflict("fence".into()));
                }
                self.fence = Some((now, claim.clone()));
            }
            KubeOp::Annotate { version: given, note, .. } => {
                checked(self.replicas.0, given)?;
                self.replicas.0 = now;
                set_note(&mut self.notes, "workload", note);
            }
            KubeOp::Scale { version: given, replicas, .. } => {
                checked(self.replicas.0, given)?;
                self.replicas = (now, *replicas);
            }
            KubeOp::Suspend { version: given, suspend, note, .. } => {
                checked(self.suspended.0, given)?;
                self.suspended = (now, *suspend);
                set_note(&mut self.notes, "job", note);
            }
            KubeOp::Limit { version: given, limits, note, .. } => {
                checked(self.limits.0, given)?;
                self.limits = (now, limits.clone());
                set_note(&mut self.notes, "pool", note);
            }
            other => panic!("{other:?}"),
        }
        Ok(Answer::Written(version(now)))
    }
}

fn cluster() -> Cluster {
    Cluster::Context("standby".into())
}

fn workload() -> WorkloadRef {
    let (namespace, name) = ("shop".into(), "web".into());
    WorkloadRef { kind: WorkloadKind::Deployment, namespace, name }
}

fn set(replicas: u32) -> SetWorkload {
    let (site, cluster, workload) = (Site::Standby, cluster(), workload());
    SetWorkload { site, cluster, workload, replicas, until: Until::Asked }
}

fn open(cpu: u64) -> SetPool {
    SetPool { site: Site::Standby, cluster: cluster(), pool: "dr".into(), limits: limits(cpu) }
}

fn release(object: ObjectRef, held: Held) -> Release {
    let id = HoldId::object(Site::Standby, &object);
    Release::of(Hold { id, site: Site::Standby, held })
}

fn release_workload() -> Release {
    let held = Held::Workload { cluster: cluster(), workload: workload(), baseline: 0, wants: 0 };
    release(ObjectRef::Workload(workload()), held)
}

fn release_pool() -> Release {
    let pool = ObjectName::new("dr");
    let (baseline, wants) = (limits(0), limits(0));
    let held = Held::Pool { cluster: cluster(), pool: pool.clone(), baseline, wants };
    release(ObjectRef::NodePool(pool), held)
}

/// Drives a procedure of a group under a claim; what it said last and what it sent.
fn drive(
    kube: &mut Kube,
    under: Claim,
    procedure: &dyn crate::step::Procedure,
) -> (Judgement, Drive) {
    let mut drive = Drive::under(under);
    let judgement = drive.run(procedure, &mut |op| kube.perform(op)).unwrap();
    (judgement, drive)
}

fn done(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Done { .. })
}

#[test]
fn s7_a_hold_is_taken_with_its_baseline_before_the_workload_is_scaled() {
    let mut kube = Kube::default();
    let (judgement, drive) = drive(&mut kube, claim(1, "r"), &set(12));
    assert!(done(&judgement));
    assert_eq!(kube.replicas.1, 12);
    let kinds: Vec<_> = drive.sent.iter().map(|op| format!("{op:?}")).collect();
    assert!(kinds[0].contains("Claim") && kinds[1].contains("Annotate"), "{kinds:?}");
    assert!(kinds[2].contains("Scale"), "{kinds:?}");
    assert!(matches!(drive.holds[0].held, Held::Workload { baseline: 3, wants: 12, .. }));
}

#[test]
fn running_a_step_twice_changes_nothing_the_second_time() {
    let mut kube = Kube::default();
    drive(&mut kube, claim(1, "r"), &set(12));
    drive(&mut kube, claim(1, "r"), &open(200));
    for procedure in [&set(12) as &dyn crate::step::Procedure, &open(200)] {
        let (judgement, again) = drive(&mut kube, claim(1, "r"), procedure);
        assert!(done(&judgement) && again.sent.is_empty(), "{:?}", again.sent);
    }
}

#[test]
fn s7_releasing_restores_the_baseline_and_leaves_no_trace() {
    let mut kube = Kube::default();
    drive(&mut kube, claim(1, "r"), &set(12));
    drive(&mut kube, claim(1, "r"), &open(200));
    drive(&mut kube, claim(2, "back"), &set(0));
    for procedure in [&release_workload(), &release_pool()] {
        let (judgement, _) = drive(&mut kube, claim(2, "back"), procedure);
        assert!(done(&judgement));
        let (judgement, again) = drive(&mut kube, claim(2, "back"), procedure);
        let free = matches!(judgement, Judgement::Steady { hold, .. } if hold > Span::mins(1));
        assert!(free && again.sent.is_empty(), "it may run twice, and trusts no single look");
    }
    assert_eq!((kube.replicas.1, kube.limits.1.clone()), (3, limits(0)));
    assert!(kube.notes.is_empty());
}

#[test]
fn s7_what_is_seen_as_it_was_before_it_was_let_go_says_nothing() {
    let mut kube = Kube::default();
    let seen = |kube: &mut Kube, based_on: u64| {
        let (object, note) = (ObjectRef::Workload(workload()), None);
        let op = KubeOp::Annotate { object, version: version(based_on), note };
        let mut drive = Drive::under(claim(1, "r"));
        drive.acted = Some(Acted { at: drive.now.wall, op: Op::Kube(cluster(), op) });
        drive.run(&release_workload(), &mut |op| kube.perform(op)).unwrap()
    };
    (kube.replicas.0, kube.fence) = (7, Some((1, claim(1, "r"))));
    let found = seen(&mut kube, 7);
    assert!(done(&found), "nobody holds it: {found:?}");
    assert!(matches!(seen(&mut kube, 8), Judgement::Wait { .. }), "a cache is behind");
}

#[test]
fn s2_what_an_autoscaler_had_shrunk_before_it_was_held_gets_peacetimes_count() {
    for (at_least, then) in [(0, 3), (2, 3), (12, 12)] {
        let mut kube = Kube::default();
        drive(&mut kube, claim(1, "r"), &set(0));
        let release = Release { at_least, ..release_workload() };
        let (judgement, _) = drive(&mut kube, claim(2, "back"), &release);
        assert!(done(&judgement) && kube.notes.is_empty());
        assert_eq!(kube.replicas.1, then, "at least {at_least}");
    }
}

#[test]
fn l2_nodes_are_not_gone_while_an_instance_still_boots() {
    let gone = NodesGone { cluster: cluster(), pool: "dr".into() };
    for (launched, expected) in [(1, false), (0, true)] {
        let mut kube = Kube { launched, ..Kube::default() };
        let (judgement, _) = drive(&mut kube, claim(1, "r"), &gone);
        assert_eq!(done(&judgement), expected, "{launched} launched: {judgement:?}");
    }
}

#[test]
fn s7_of_two_groups_that_share_a_nodepool_the_last_one_out_restores() {
    let mut kube = Kube::default();
    drive(&mut kube, claim(1, "r"), &open(200));
    // Another group's owner in the annotation, as its own run would write it.
    let note = kube.notes["pool"].replace("\"owners\":{", &format!("\"owners\":{{{OTHER},"));
    kube.notes.insert("pool", note.into());
    drive(&mut kube, claim(1, "r"), &open(200));
    assert_eq!(kube.limits.1, limits(300), "the larger ask counts");
    let (judgement, _) = drive(&mut kube, claim(1, "r"), &release_pool());
    assert!(done(&judgement));
    assert_eq!(kube.limits.1, limits(300), "pay still holds it");
    kube.nodes = 4;
    let gone = NodesGone { cluster: cluster(), pool: "dr".into() };
    let (judgement, _) = drive(&mut kube, claim(1, "r"), &gone);
    assert!(done(&judgement), "its nodes are another group's business now: {judgement:?}");
}

const OTHER: &str = "\"pay\":{\"claim\":{\"epoch\":9,\"run\":\"pay-9\"},\"wants\":{\"cpu\":300}}";

#[test]
fn s5_a_newer_claim_or_the_winner_of_two_equal_ones_stops_every_write() {
    for foreign in [claim(2, "r"), claim(1, "s"), claim(1, "r").made_by(&"b".into())] {
        let mut kube = Kube { fence: Some((1, foreign.clone())), ..Kube::default() };
        for procedure in [&set(12) as &dyn crate::step::Procedure, &open(200), &release_pool()] {
            let (judgement, drive) = drive(&mut kube, claim(1, "r"), procedure);
            assert_eq!(judgement, Judgement::Fenced(foreign.clone()));
            assert!(drive.sent.is_empty());
        }
    }
}

#[test]
fn s5_a_newer_claim_in_the_annotation_stops_a_write_too() {
    let mut kube = Kube::default();
    drive(&mut kube, claim(5, "new"), &set(12));
    kube.fence = None;
    for procedure in [&set(0) as &dyn crate::step::Procedure, &release_workload()] {
        let (judgement, _) = drive(&mut kube, claim(4, "old"), procedure);
        assert_eq!(judgement, Judgement::Fenced(claim(5, "new")));
        assert_eq!(kube.replicas.1, 12);
    }
}

#[test]
fn s2_the_count_that_is_left_behind_is_in_the_record() {
    let held = |at_least| Release { at_least, ..release_workload() };
    for release in [held(0), held(12)] {
        let text = serde_json::to_string(&release).unwrap();
        assert_eq!(text.contains("at_least"), release.at_least > 0, "{text}");
        assert_eq!(serde_json::from_str::<Release>(&text).unwrap(), release);
    }
}

#[test]
fn a_new_leader_takes_the_hold_over_under_its_own_epoch() {
    let mut kube = Kube::default();
    drive(&mut kube, claim(1, "r"), &set(12));
    let (judgement, drive) = drive(&mut kube, claim(2, "r"), &set(12));
    assert!(done(&judgement));
    assert_eq!(drive.sent.len(), 2, "the ConfigMap and the annotation: {:?}", drive.sent);
    assert!(kube.notes["workload"].contains("\"epoch\":2"));
}

#[test]
fn a_cronjob_is_suspended_and_let_go() {
    let mut kube = Kube::default();
    let job = JobRef { namespace: "shop".into(), name: "invoices".into() };
    let (site, cluster) = (Site::Standby, cluster());
    let suspend = SetJob { site, cluster: cluster.clone(), job: job.clone(), suspend: true };
    assert!(done(&drive(&mut kube, claim(1, "r"), &suspend).0));
    assert!(kube.suspended.1);
    let held = Held::Job { cluster, job: job.clone(), baseline: false, wants: true };
    let release = release(ObjectRef::Job(job), held);
    assert!(done(&drive(&mut kube, claim(1, "r"), &release).0));
    assert!(!kube.suspended.1);
}

#[test]
fn s2_capacity_is_ready_when_every_workload_has_its_share() {
    let mut kube = Kube::default();
    let ready = |wanted, minimum_percent| CapacityReady {
        cluster: cluster(),
        workloads: vec![(workload(), wanted)],
        minimum_percent,
    };
    assert!(done(&drive(&mut kube, claim(1, "r"), &ready(3, 100)).0));
    assert!(done(&drive(&mut kube, claim(1, "r"), &ready(4, 75)).0));
    assert!(!done(&drive(&mut kube, claim(1, "r"), &ready(4, 76)).0), "rounded up");
    assert_eq!(super::ready::needed(10, 85), 9);
}

#[test]
fn somebody_elses_annotation_is_refused_with_what_to_do() {
    let mut kube = Kube::default();
    kube.notes.insert("workload", "not ours".into());
    kube.fence = Some((1, claim(1, "r")));
    let mut drive = Drive::under(claim(1, "r"));
    let fault = drive.run(&set(12), &mut |op| kube.perform(op)).unwrap_err();
    assert!(fault.to_string().contains("remove it by hand"), "{fault}");
    assert_eq!(kube.replicas.1, 3);
}
