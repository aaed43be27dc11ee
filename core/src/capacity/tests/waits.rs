//! What is waited for: pods that are ready or gone, jobs that end, capacity as a share.

use super::*;
use crate::capacity::{CapacityReady, SetJob, SetWorkload, Until};
use crate::step::Procedure;

fn cluster() -> Cluster {
    crate::policy::examples::shop().site(Site::Standby).cluster.clone()
}

fn web(name: &str) -> WorkloadRef {
    WorkloadRef { kind: WorkloadKind::Deployment, namespace: "shop".into(), name: name.into() }
}

/// What capacity says of two workloads of which so many pods are ready of so many in the spec.
fn ready(counts: [(u32, u32); 2]) -> Judgement {
    let asked = vec![(web("web"), 10), (web("api"), 4)];
    let capacity = CapacityReady { cluster: cluster(), workloads: asked, minimum_percent: 75 };
    let judged = Drive::under(claim(1, "r")).run(&capacity, &mut |op| {
        let Op::Kube(_, KubeOp::Workload(of)) = op else { panic!("{op:?}") };
        let (ready, wanted) = counts[usize::from(*of != web("web"))];
        let (version, note) = (version(1), None);
        let pods = ready;
        let claims_volumes = false;
        Ok(Answer::Workload(WorkloadView { version, wanted, ready, pods, note, claims_volumes }))
    });
    judged.unwrap()
}

#[test]
fn s2_every_workload_must_have_its_share_and_the_sum_is_told() {
    let Judgement::Done { outputs, note } = ready([(8, 10), (3, 4)]) else { panic!() };
    assert_eq!(
        (outputs.get("got").map(|got| &**got), &*note),
        (Some("11/14"), "11 of 14 pods ready")
    );
    let Judgement::Done { outputs, .. } = ready([(30, 30), (4, 4)]) else { panic!() };
    assert_eq!(outputs.get("got").map(|got| &**got), Some("14/14"), "more than asked is no more");
    let Judgement::Wait { note, .. } = ready([(7, 10), (4, 4)]) else { panic!() };
    assert_eq!(note, "11 of 14 pods ready; short: Deployment shop/web 7/10");
    let Judgement::Wait { note, .. } = ready([(10, 10), (2, 2)]) else { panic!() };
    assert!(note.contains("2/4 (its spec says 2: who else sets it?)"), "{note}");
}

/// A cluster's workload or job, held by us as wanted, in this state.
fn held(note: String, answer: Answer) -> impl FnMut(&Op) -> Result<Answer, Fault> {
    let note: Arc<str> = note.into();
    move |op| match op {
        Op::Kube(_, KubeOp::Fence(_)) => {
            Ok(Answer::Fence(Some(FenceView { version: version(1), claim: claim(1, "r") })))
        }
        _ => Ok(match answer.clone() {
            Answer::Workload(view) => {
                Answer::Workload(WorkloadView { note: Some(note.clone()), ..view })
            }
            Answer::Job(view) => Answer::Job(JobView { note: Some(note.clone()), ..view }),
            other => other,
        }),
    }
}

fn noted<V: serde::Serialize>(baseline: V, wants: V) -> String {
    let owner = crate::model::NoteOwner { claim: claim(1, "r"), wants };
    let owners = [("shop".into(), owner)].into();
    note::render(&crate::model::HoldNote { baseline, owners }).to_string()
}

fn scaled(replicas: u32, until: Until, (wanted, ready, pods): (u32, u32, u32)) -> Judgement {
    let set = SetWorkload {
        site: Site::Standby,
        cluster: cluster(),
        workload: web("web"),
        replicas,
        until,
    };
    let (version, note) = (version(1), None);
    let view = WorkloadView { version, wanted, ready, pods, note, claims_volumes: false };
    let mut world = held(noted(3, replicas), Answer::Workload(view));
    Drive::under(claim(1, "r")).run(&set, &mut world).unwrap()
}

fn is_done(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Done { .. })
}

#[test]
fn s2_a_workload_is_up_when_so_many_are_ready_and_gone_when_no_pod_is_left() {
    assert!(is_done(&scaled(12, Until::Asked, (12, 0, 0))));
    assert!(!is_done(&scaled(12, Until::Ready(6), (12, 5, 12))));
    assert!(is_done(&scaled(12, Until::Ready(6), (12, 6, 12))));
    assert!(!is_done(&scaled(0, Until::Gone, (0, 0, 1))), "a pod that ends still writes");
    assert!(is_done(&scaled(0, Until::Gone, (0, 0, 0))));
}

#[test]
fn a_workload_with_volumes_is_never_scaled_up_and_may_be_scaled_down() {
    for (replicas, refused) in [(4, true), (3, false), (0, false)] {
        let set = SetWorkload {
            site: Site::Standby,
            cluster: cluster(),
            workload: web("web"),
            replicas,
            until: Until::Asked,
        };
        let mut kube = Kube { fence: Some((1, claim(1, "r"))), ..Kube::default() };
        let judged = Drive::under(claim(1, "r")).run(&set, &mut |op| {
            Ok(match kube.perform(op)? {
                Answer::Workload(view) => {
                    Answer::Workload(WorkloadView { claims_volumes: true, ..view })
                }
                other => other,
            })
        });
        let judged = judged.unwrap();
        assert_eq!(matches!(judged, Judgement::Disagrees(_)), refused, "{replicas}: {judged:?}");
    }
}

/// What is said of a CronJob, and how often it was changed.
fn suspended(suspend: bool, is: bool, active: u32) -> (Judgement, usize) {
    let job = JobRef { namespace: "shop".into(), name: "invoices".into() };
    let set = SetJob { site: Site::Standby, cluster: cluster(), job, suspend };
    let mut drive = Drive::under(claim(1, "r"));
    let mut now = is;
    let judged = drive.run(&set, &mut |op| {
        if let Op::Kube(_, KubeOp::Suspend { suspend, .. }) = op {
            now = *suspend;
            return Ok(Answer::Ok);
        }
        let view = JobView { version: version(1), suspended: now, active, note: None };
        held(noted(false, suspend), Answer::Job(view))(op)
    });
    (judged.unwrap(), drive.sent.len())
}

#[test]
fn s4_a_suspended_job_is_quiet_only_when_none_of_its_pods_runs() {
    let (judged, sent) = suspended(true, true, 2);
    assert!(matches!(judged, Judgement::Wait { .. }) && sent == 0, "{judged:?}");
    assert!(is_done(&suspended(true, true, 0).0));
    assert!(is_done(&suspended(false, false, 2).0), "one that is resumed may run");
    let (judged, sent) = suspended(true, false, 0);
    assert!(is_done(&judged) && sent == 1, "somebody resumed it: it is suspended again");
}

#[test]
fn l1_what_is_not_there_any_more_is_silent_and_free() {
    let (cluster, workload) = (cluster(), web("web"));
    let job = JobRef { namespace: "shop".into(), name: "invoices".into() };
    let set = |replicas| SetWorkload {
        site: Site::Home,
        cluster: cluster.clone(),
        workload: workload.clone(),
        replicas,
        until: Until::Gone,
    };
    let suspend =
        |suspend| SetJob { site: Site::Home, cluster: cluster.clone(), job: job.clone(), suspend };
    let judged = |procedure: &dyn Procedure| {
        let mut world = |op: &Op| match op {
            Op::Kube(_, KubeOp::Fence(_)) => held(String::new(), Answer::Ok)(op),
            _ => Err(Fault::NotFound("deleted".into())),
        };
        Drive::under(claim(1, "r")).run(procedure, &mut world)
    };
    for procedure in [&set(0) as &dyn Procedure, &suspend(true)] {
        let judged = judged(procedure);
        let steady = matches!(&judged, Ok(Judgement::Steady { hold, .. }) if *hold > Span::mins(1));
        assert!(steady, "no single look is trusted: {judged:?}");
    }
    for procedure in [&set(2) as &dyn Procedure, &suspend(false)] {
        assert!(matches!(judged(procedure), Err(Fault::NotFound(_))), "it cannot be started");
    }
}
