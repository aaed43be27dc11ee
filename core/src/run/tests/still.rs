//! What must still be so in the instant in which a step acts.

use super::super::{Doing, Record, Slot};
use super::execute::{Bench, step};
use crate::capacity::CapacityReady;
use crate::levers::gates::Flip;
use crate::model::{Cluster, Site, Version, WorkloadKind, WorkloadRef};
use crate::op::{Answer, Fault, GateOp, GateView, KubeOp, Op, WorkloadView};
use crate::plan::{Class, Effect, OnTimeout, Step};
use crate::step::Outputs;

fn web() -> WorkloadRef {
    WorkloadRef { kind: WorkloadKind::Deployment, namespace: "shop".into(), name: "web".into() }
}

fn capacity() -> Step {
    step(
        Effect::CapacityReady(CapacityReady {
            cluster: Cluster::Context("standby".into()),
            workloads: vec![(web(), 10)],
            minimum_percent: 80,
        }),
        &[],
    )
}

fn flip() -> Step {
    let (role, object) = (None, "s3://gates/shop".into());
    let effect = Effect::Flip(Flip { role, object, to: Site::Standby });
    Step {
        still: vec!["capacity".into()],
        class: Class::Irreversible,
        on_timeout: OnTimeout::Ask,
        ..step(effect, &["capacity"])
    }
}

fn ready(pods: u32) -> Result<Answer, Fault> {
    Ok(Answer::Workload(WorkloadView {
        version: Version::new("1"),
        wanted: pods,
        ready: pods,
        pods,
        note: None,
        claims_volumes: false,
    }))
}

/// A run whose capacity was seen long ago, and whose gate was just seen closed: the look that it
/// takes next is one at the capacity.
fn about_to_flip(secs: u64) -> Bench {
    let mut bench = seen_long_ago();
    closed(&mut bench, secs);
    bench
}

/// A run whose capacity was seen, and whose gate is to be looked at.
fn seen_long_ago() -> Bench {
    let mut bench = Bench::new(vec![("capacity", capacity()), ("flip", flip())]);
    let (step, note) = ("capacity".into(), "10 of 10 pods ready".into());
    bench.accept(Record::Done { step, outputs: Outputs::new(), note, unknown: false });
    bench
}

/// Answers the look at the gate.
fn closed(bench: &mut Bench, secs: u64) -> Slot {
    let (slot, op) = bench.call(secs);
    assert!(matches!(op, Op::Gate(_, GateOp::Read { .. })), "{op:?}");
    bench.reply(&slot, secs, gate());
    slot
}

fn gate() -> Result<Answer, Fault> {
    let gate = GateView { version: Version::new("1"), open: Site::Home, claim: None };
    Ok(Answer::Gate(Some(gate)))
}

/// Answers the look at the capacity.
fn counts(bench: &mut Bench, secs: u64, pods: Result<Answer, Fault>) {
    let (slot, op) = bench.call(secs);
    assert!(matches!(op, Op::Kube(_, KubeOp::Workload(_))), "{op:?}");
    bench.reply(&slot, secs, pods);
}

#[test]
fn s2_traffic_moves_when_what_it_needs_is_seen_again() {
    let mut bench = about_to_flip(100);
    counts(&mut bench, 100, ready(8));
    let record = bench.record(100);
    assert!(matches!(&record, Record::Started { step, .. } if step.as_str() == "flip"));
    let sent = bench.accept_at(101, record);
    assert!(matches!(sent, Some(Doing::Call { op: Op::Gate(_, GateOp::Write { .. }), .. })));
}

#[test]
fn s2_traffic_waits_for_what_was_there_and_is_not_any_more() {
    let mut bench = about_to_flip(100);
    counts(&mut bench, 100, ready(7));
    assert_eq!(bench.poll(100), [], "nothing moves");
    let note = bench.execution.note(&"flip".into());
    assert!(note.is_some_and(|note| note.contains("web 7/10")), "{note:?}");
    closed(&mut bench, 110);
    counts(&mut bench, 110, Err(Fault::Transient("no route".into())));
    assert_eq!(bench.poll(110), [], "nor when nobody knows");
    closed(&mut bench, 120);
    counts(&mut bench, 120, ready(10));
    assert!(matches!(bench.record(120), Record::Started { .. }));
}

#[test]
fn s2_a_record_that_took_long_does_not_move_traffic_on_what_was_seen_before_it() {
    let mut bench = about_to_flip(100);
    counts(&mut bench, 100, ready(10));
    let record = bench.record(101);
    assert_eq!(bench.accept_at(121, record), None, "the look began 21 seconds ago");
    closed(&mut bench, 121);
    counts(&mut bench, 121, ready(10));
    let record = bench.record(121);
    assert!(matches!(&record, Record::Started { attempt: 2, .. }), "{record:?}");
    assert!(bench.accept_at(141, record).is_some(), "twenty seconds are not too long");
}

#[test]
fn s2_nothing_is_recorded_on_what_took_long_to_be_seen() {
    let mut bench = about_to_flip(100);
    let (slot, _) = bench.call(100);
    bench.reply(&slot, 121, ready(10));
    assert_eq!(bench.poll(121), []);
    closed(&mut bench, 125);
    counts(&mut bench, 125, ready(10));
    assert!(matches!(bench.record(125), Record::Started { attempt: 1, .. }));
    let mut bench = about_to_flip(100);
    let (slot, _) = bench.call(100);
    bench.reply(&slot, 120, ready(10));
    assert!(matches!(bench.record(120), Record::Started { .. }), "twenty seconds are not too long");
}

#[test]
fn s2_each_of_what_must_still_be_so_is_asked_under_a_name_of_its_own() {
    let both = Step { still: vec!["capacity".into(), "more".into()], ..flip() };
    let steps = vec![("capacity", capacity()), ("more", capacity()), ("flip", both)];
    let mut bench = Bench::new(steps);
    for step in ["capacity", "more"] {
        let (step, note) = (step.into(), String::new());
        bench.accept(Record::Done { step, outputs: Outputs::new(), note, unknown: false });
    }
    closed(&mut bench, 100);
    counts(&mut bench, 100, ready(10));
    counts(&mut bench, 100, ready(10));
    assert!(matches!(bench.record(100), Record::Started { .. }));
}

#[test]
fn s2_an_answer_to_the_look_before_says_nothing_of_what_must_still_be_so() {
    let mut bench = seen_long_ago();
    let first = closed(&mut bench, 100);
    let (second, _) = bench.call(100);
    bench.reply(&first, 100, gate());
    assert!(bench.execution.awaits(&second), "a doubled answer is not taken for the other");
    assert!(!bench.execution.awaits(&first));
}
