//! A run's report, from its records.

use super::super::{Ended, Record, Report, StepState};
use super::{Book, opened};
use crate::model::{Site, Wall};
use crate::plan::{PlanKind, failover};
use crate::step::Outputs;
use crate::testing::{Ground, claim};

fn done(step: &str, outputs: &[(&str, &str)], unknown: bool) -> Record {
    let outputs = outputs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let (step, outputs) = (step.into(), outputs.collect::<Outputs>());
    Record::Done { step, outputs, note: "seen".into(), unknown }
}

/// A failover, opened at 2 s on a fault at 500 ms and planned at 3 s. Each later entry is a second
/// later.
fn failing_over() -> Book {
    let ground = Ground::shop();
    let mut book = Book::default();
    book.write(vec![Record::Claimed { claim: claim(1, "r1"), by: "a".into() }]);
    let Record::Opened { kind, from, trigger, .. } = opened(PlanKind::Failover, Site::Home) else {
        panic!()
    };
    let evidence = vec!["home is down".to_owned()];
    book.write(vec![Record::Opened { kind, from, trigger, fault_at: Some(Wall(500)), evidence }]);
    let plan = Box::new(failover(&ground.survey(Site::Home)).unwrap());
    book.write(vec![Record::Planned { plan, moves: true }]);
    book
}

fn report(book: &Book) -> Report {
    Report::of(&book.ledger).unwrap()
}

#[test]
fn nothing_is_reported_of_a_group_that_never_moved() {
    assert_eq!(Report::of(&Book::default().ledger), None);
}

#[test]
fn a_report_says_how_long_each_phase_took() {
    let mut book = failing_over();
    let begun = report(&book);
    assert_eq!((begun.phases.detect, begun.phases.decide), (Some(1_500), Some(1_000)));
    assert_eq!((begun.phases.execute, begun.phases.rto, begun.ended), (None, None, None));
    book.write(vec![done("shifted", &[], false)]);
    book.write(vec![done("verify", &[], false)]);
    book.write(vec![Record::Closed { ended: Ended::Moved }]);
    let ended = report(&book);
    assert_eq!((ended.phases.execute, ended.phases.validate), (Some(1_000), Some(1_000)));
    assert_eq!(ended.phases.rto, Some(4_500), "from the first bad sample until it was seen");
    assert_eq!((ended.ended, ended.closed_at), (Some(Ended::Moved), Some(Wall(6_000))));
    assert_eq!(ended.evidence, ["home is down"]);
}

#[test]
fn s10_a_report_tells_what_may_have_been_lost_or_that_nobody_knows() {
    let mut book = failing_over();
    let before = report(&book);
    assert_eq!((before.loss_ms, before.loss_known), (None, false));
    book.write(vec![done("position", &[("lossMs", "1234")], false)]);
    let after = report(&book);
    assert_eq!((after.loss_ms, after.loss_known), (Some(1_234), true));
}

#[test]
fn s1_a_report_tells_how_the_fence_ended() {
    let mut book = failing_over();
    assert_eq!(report(&book).fence.as_deref(), Some("open"));
    book.write(vec![done("fence", &[], true)]);
    assert_eq!(report(&book).fence.as_deref(), Some("unknown"));
    let mut book = failing_over();
    book.write(vec![done("fence", &[], false)]);
    assert_eq!(report(&book).fence.as_deref(), Some("confirmed"));
}

#[test]
fn s10_a_report_names_who_accepted_which_loss() {
    let mut book = failing_over();
    assert_eq!(report(&book).approvals, [""; 0]);
    let yes =
        |loss| Record::Answered { step: "fence".into(), by: "ada".into(), accept_loss_ms: loss };
    book.write(vec![yes(Some(90_000))]);
    let told = report(&book).approvals;
    assert_eq!(told, [format!("fence: ada at {}, accepting a loss of 90000 ms", Wall(4_000))]);
    let mut book = failing_over();
    book.write(vec![yes(None)]);
    assert_eq!(report(&book).approvals, [format!("fence: ada at {}", Wall(4_000))]);
}

#[test]
fn a_step_is_ready_when_the_last_of_what_it_needs_is_done() {
    let mut book = failing_over();
    let run = book.ledger.run.clone().unwrap();
    let needy = run.steps.iter().find(|(_, step)| step.step.needs.len() > 1).unwrap();
    let (name, needs) = (needy.0.clone(), needy.1.step.needs.clone());
    let line = |book: &Book| {
        let steps = report(book).steps;
        steps.into_iter().find(|step| step.step == name).unwrap()
    };
    for need in &needs {
        assert_eq!((line(&book).ready_at, line(&book).state), (None, StepState::Pending));
        book.write(vec![done(need.as_str(), &[], false)]);
    }
    let last = 3_000 + 1_000 * i64::try_from(needs.len()).unwrap();
    assert_eq!(line(&book).ready_at, Some(Wall(last)));
    let free = report(&book).steps.into_iter().find(|step| {
        run.steps.get(&step.step).is_some_and(|planned| planned.step.needs.is_empty())
    });
    assert_eq!(free.unwrap().ready_at, Some(Wall(3_000)), "it waited for its plan alone");
}
