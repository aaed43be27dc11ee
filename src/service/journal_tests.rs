//! Calls and entries as they come by, and what is remembered of them.

use bowline_core::model::{Epoch, Mono, Scope, Wall};
use bowline_core::op::{RdsOp, Stored};

use super::*;

fn shop() -> GroupName {
    "shop".into()
}

fn promote() -> Op {
    Op::Rds(Scope { region: "eu-west-1".into(), role: None }, RdsOp::Promote("shop".into()))
}

fn started(by: &str) -> std::sync::Arc<str> {
    let entry = Entry {
        seq: 1,
        prev: "".into(),
        at: Wall(1),
        by: Author::Controller(by.into()),
        claim: Some(Claim::new(Epoch(3), "shop-3-failover".into())),
        records: vec![Record::Started {
            step: "promote".into(),
            attempt: 2,
            op: Box::new(promote()),
            hold: None,
        }],
    };
    entry.bytes()
}

fn call(id: u64, op: Op) -> Call {
    Call { id: CallId(id), deadline: Mono(10), op }
}

fn reply(
    journal: &mut Journal,
    metrics: &Metrics,
    id: u64,
    result: Result<Answer, Fault>,
) -> Option<GroupName> {
    journal.replied(CallId(id), &result, Duration::from_millis(3), metrics)
}

fn text(metrics: &Metrics) -> String {
    metrics.render(&super::super::shared::Snapshot::default()).unwrap()
}

#[test]
fn a_call_is_known_by_the_step_that_recorded_it() {
    let (mut journal, metrics) = (Journal::new("me".into()), Metrics::default());
    let append = StoreOp::Append { group: shop(), seq: 1, bytes: started("me") };
    journal.sends(&call(1, Op::Store(append)));
    assert!(journal.recorded.is_empty(), "not before the store accepted it");
    reply(&mut journal, &metrics, 1, Ok(Answer::Ok));
    journal.sends(&call(2, promote()));
    let What::Step(step) = &journal.sent[&CallId(2)].what else { panic!() };
    assert_eq!((step.step.as_str(), step.attempt), ("promote", 2));
    assert_eq!(step.parts(), (Some("shop-3-failover"), Some(3)));
    reply(&mut journal, &metrics, 2, Err(Fault::Unknown("x".into())));
    let text = text(&metrics);
    let line = "step_failures_total{group=\"shop\",step=\"promote\",fault=\"unknown\"} 1";
    assert!(text.contains(line), "{text}");
    assert!(journal.sent.is_empty() && journal.recorded.is_empty());
}

#[test]
fn what_another_replica_recorded_is_not_ours_to_attribute() {
    let (mut journal, metrics) = (Journal::new("me".into()), Metrics::default());
    let read = StoreOp::Read { group: shop(), after: 0 };
    journal.sends(&call(1, Op::Store(read.clone())));
    let entries = vec![Stored { seq: 1, bytes: started("other") }];
    assert_eq!(reply(&mut journal, &metrics, 1, Ok(Answer::Entries(entries))), None);
    assert!(journal.recorded.is_empty());
    journal.sends(&call(2, Op::Store(read)));
    let end = reply(&mut journal, &metrics, 2, Ok(Answer::Entries(Vec::new())));
    assert_eq!(end, Some(shop()), "an answer without news is the end of the chain");
    assert!(!text(&metrics).contains("step_attempts_total"));
}
