//! What people read: decisions with the command that goes on from them, and runs as they begin and
//! end.

use super::*;
use crate::decide::AskWhy;
use crate::model::{Site, Wall};
use crate::node::testing::{Bench, fit};
use crate::plan::PlanKind;
use crate::step::QuestionKind;
use crate::testing::opened;

#[test]
fn every_decision_that_waits_for_a_human_names_the_command_that_ends_it() {
    let command = |decision: Option<Decision>| {
        let mut bench = Bench::fit();
        bench.group.decision = decision;
        next(&bench.group)
    };
    let hold = |why| Some(Decision::Hold(why));
    let ask = Ask { action: Action::Failback, why: AskWhy::Approval };
    for (decision, wanted) in [
        (Some(Decision::AskHuman(ask)), Some("bowline failback shop")),
        (hold(HoldWhy::Manual(Action::Failover)), Some("bowline failover shop")),
        (hold(HoldWhy::SwitchedOver), Some("bowline failback shop")),
        (hold(HoldWhy::Paused), Some("bowline resume shop")),
        (hold(HoldWhy::ForeignClaim), Some("bowline journal import shop")),
        (hold(HoldWhy::Unarmed), Some("bowline arm shop")),
        (hold(HoldWhy::Serving), None),
        (Some(Decision::FailOver), None),
        (None, None),
    ] {
        assert_eq!(command(decision.clone()).as_deref(), wanted, "{decision:?}");
    }
    let mut asks = Bench::fit().asking(QuestionKind::Approve, None);
    asks.group.decision = hold(HoldWhy::Paused);
    assert_eq!(
        next(&asks.group),
        Some("bowline approve shop --run r1".into()),
        "the run that asks comes first"
    );
}

#[test]
fn a_decision_is_told_with_what_keeps_it_from_being_followed() {
    let mut bench = Bench::fit();
    assert_eq!(decision(&bench.group), "nothing is decided: this replica does not lead");
    bench.group.decision = Some(Decision::Hold(HoldWhy::Serving));
    assert_eq!(decision(&bench.group), "the active site serves");
    bench.group.obstacle = Some(crate::plan::Incomplete("peacetime facts".into()));
    let told = decision(&bench.group);
    assert!(told.starts_with("the active site serves; but not known: peacetime facts"), "{told}");
}

#[test]
fn a_run_is_announced_as_it_begins_and_ends() {
    let lines = vec!["front: down".to_owned(), "alb: down".to_owned()];
    let begins = |trigger| Record::Opened {
        kind: PlanKind::Failover,
        from: Site::Home,
        trigger,
        fault_at: None,
        evidence: lines.clone(),
    };
    let by_ann = Trigger::Human { by: "ann".into(), reason: "flood".into() };
    let told = |bench: &Bench, record: &Record| {
        let message = announcement(bench.group.ledger(), record)?;
        assert_eq!(message.run, Some("r1".into()));
        Some(format!("{}: {} | {}", message.kind, message.title, message.body))
    };
    let moving = Bench::fit().failing_over();
    let text = "front: down\nalb: down";
    let ended = |why: &str| Record::Closed { ended: Ended::Unwound(why.into()) };
    for (record, wanted) in [
        (
            begins(Trigger::Automatic),
            Some(format!("runStarted: r1: failover from home begins, by policy | {text}")),
        ),
        (
            begins(by_ann),
            Some(format!("runStarted: r1: failover from home begins, by ann: flood | {text}")),
        ),
        (ended("cancelled"), Some("runEnded: r1: undone: cancelled | ".into())),
        (Record::Resumed, None),
    ] {
        assert_eq!(told(&moving, &record), wanted);
    }
    let moved = Bench::fit().failed_over();
    let over = told(&moved, &Record::Closed { ended: Ended::Moved });
    assert_eq!(over, Some("runEnded: r1: the standby site serves | ".into()));
    let back = Bench::fit().failing_over().told(vec![Record::Unwinding { why: "why".into() }]);
    let released = told(&back, &begins(Trigger::Automatic));
    assert_eq!(released, Some(format!("runStarted: r1: what is still held is released | {text}")));
    assert_eq!(announcement(&Ledger::default(), &opened(PlanKind::Failover, Site::Home)), None);
}

#[test]
fn s10_what_may_be_lost_is_told_to_the_millisecond_or_as_not_known() {
    let evidence = |grade, loss_ms| {
        let (sample, fault_at) = (None, Wall(0));
        Evidence { grade, sample, fault_at, loss_ms }
    };
    let group = Bench::fit().group;
    assert_eq!(failover_reason(&group, None), "the home site does not serve");
    let known = failover_reason(&group, Some(&evidence(Grade::Good, Some(61_007))));
    let near = "the home site does not serve; replication was fresh and near: ";
    assert_eq!(known, format!("{near}up to 61.007 s of writes may be lost"));
    let unknown = failover_reason(&group, Some(&evidence(Grade::Missing, None)));
    assert!(unknown.ends_with("how many writes would be lost is not known"), "{unknown}");
    assert_eq!(failback_ready(&group), "the home site has been fit for 10m");
}

#[test]
fn the_signals_of_the_active_site_are_told_one_by_one() {
    let bench = Bench::fit().sampled(fit);
    let lines = evidence(&bench.group, bench.now);
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], "alb: up (5 good, 0 bad of 5)");
}
