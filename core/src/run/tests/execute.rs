//! Execution, step by step, with answers given by hand.

use super::super::{Doing, Ended, Execution, Phase, Record, Slot};
use super::Book;
use crate::databases::rds::{Member, Promote, ResourceRef};
use crate::model::{Mono, Now, Place, Scope, Site, Span, StepId, Wall};
use crate::op::{Answer, Fault, Instance, Op, RdsOp};
use crate::plan::{Class, Effect, Milestone, OnTimeout, Plan, PlanKind, Step};
use crate::testing::{claim, opened, settings};

pub(super) fn now(secs: u64) -> Now {
    Now { mono: Mono(secs * 1_000), wall: Wall(i64::try_from(secs).unwrap() * 1_000) }
}

pub(super) fn step(effect: Effect, needs: &[&str]) -> Step {
    Step {
        effect,
        needs: needs.iter().map(StepId::new).collect(),
        still: Vec::new(),
        touches: Place::Site(Site::Standby),
        class: Class::ReadOnly,
        timeout: None,
        on_timeout: OnTimeout::Fail,
        standing: false,
        marks: Vec::new(),
    }
}

pub(super) fn member() -> Member {
    Member {
        site: Site::Standby,
        scope: Scope { region: "eu-central-1".into(), role: None },
        instance: "db".into(),
        resource: ResourceRef::Known("db-1".into()),
        closed: "sg-closed".into(),
    }
}

pub(super) fn promote() -> Step {
    let effect = Effect::Promote(Promote { member: member() });
    Step { class: Class::Irreversible, on_timeout: OnTimeout::Ask, ..step(effect, &[]) }
}

pub(super) fn milestone(needs: &[&str]) -> Step {
    step(Effect::Milestone(Milestone { note: "there".into() }), needs)
}

pub(super) fn plan(steps: Vec<(&str, Step)>) -> Plan {
    let steps = steps.into_iter().map(|(id, step)| (StepId::new(id), step)).collect();
    Plan { kind: PlanKind::Failover, from: Site::Home, to: Site::Standby, steps }
}

pub(super) fn instance(source: Option<&str>, status: &str) -> Result<Answer, Fault> {
    Ok(Answer::Instance(Instance {
        id: "db".into(),
        arn: "arn:aws:rds:eu-west-1:111111111111:db:db".into(),
        resource: "db-1".into(),
        status: status.into(),
        source: source.map(Into::into),
        streaming: source.is_some(),
        replicas: Vec::new(),
        settings: Box::new(settings("sg-app")),
        managed_password: false,
        told_at: Wall::default(),
    }))
}

/// A run and one replica that works on it.
pub(super) struct Bench {
    pub(super) book: Book,
    pub(super) execution: Execution,
    /// The calls that were wanted since it began to work.
    asked: Vec<Slot>,
}

impl Bench {
    pub(super) fn new(steps: Vec<(&str, Step)>) -> Self {
        let (execution, asked) = Default::default();
        Self { book: Book::moving(plan(steps)), execution, asked }
    }

    pub(super) fn poll(&mut self, secs: u64) -> Vec<Doing> {
        let wanted = self.execution.poll(&"shop".into(), &self.book.ledger, now(secs));
        wanted.iter().for_each(|doing| self.told_apart(doing));
        wanted
    }

    /// No two calls bear one name: a late answer to one would be taken for that of the other.
    fn told_apart(&mut self, doing: &Doing) {
        if let Doing::Call { slot, .. } = doing {
            assert!(!self.asked.contains(slot), "{slot:?} is asked twice");
            self.asked.push(slot.clone());
        }
    }

    /// The one call that is wanted.
    pub(super) fn call(&mut self, secs: u64) -> (Slot, Op) {
        match self.poll(secs).as_slice() {
            [Doing::Call { slot, op, .. }] => (slot.clone(), op.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// The one record that is wanted.
    pub(super) fn record(&mut self, secs: u64) -> Record {
        match self.poll(secs).as_slice() {
            [Doing::Write(record)] => record.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Stores a record, and tells the execution so.
    pub(super) fn accept(&mut self, record: Record) -> Option<Doing> {
        self.accept_at(0, record)
    }

    /// The same, and when it was in the store.
    pub(super) fn accept_at(&mut self, secs: u64, record: Record) -> Option<Doing> {
        self.book.write(vec![record.clone()]);
        let then = self.execution.recorded(
            &record,
            (self.book.ledger.epoch(), now(secs).mono),
            true,
            false,
        );
        then.iter().for_each(|doing| self.told_apart(doing));
        then
    }

    /// Another replica works on it, that knows nothing.
    pub(super) fn crash(&mut self) {
        (self.execution, self.asked) = Default::default();
    }

    pub(super) fn reply(&mut self, slot: &Slot, secs: u64, result: Result<Answer, Fault>) {
        self.execution.reply(slot, now(secs), result);
    }

    /// Looks, sees a replica, and records that it will be promoted; the call is not sent yet.
    pub(super) fn until_started(&mut self, secs: u64) -> Record {
        let (slot, op) = self.call(secs);
        assert!(matches!(op, Op::Rds(_, RdsOp::Describe(_))));
        self.reply(&slot, secs, instance(Some("home"), "available"));
        self.record(secs)
    }

    /// Sends that call too; where its outcome will be heard.
    pub(super) fn until_sent(&mut self, secs: u64) -> Slot {
        let record = self.until_started(secs);
        let Some(Doing::Call { slot, .. }) = self.accept(record) else { panic!("it is not sent") };
        slot
    }
}

#[test]
fn s6_no_call_leaves_before_its_record_is_accepted() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let record = bench.until_started(1);
    assert!(matches!(&record, Record::Started { attempt: 1, .. }));
    assert_eq!(bench.poll(1), [], "nothing is sent while the record is on its way");
    let doing = bench.accept(record);
    assert!(matches!(doing, Some(Doing::Call { op: Op::Rds(_, RdsOp::Promote(_)), .. })));
}

#[test]
fn s6_a_call_of_unknown_outcome_is_observed_before_anything_is_sent_again() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let slot = bench.until_sent(1);
    bench.reply(&slot, 2, Err(Fault::Unknown("timed out".into())));
    let (slot, op) = bench.call(10);
    assert!(matches!(op, Op::Rds(_, RdsOp::Describe(_))));
    // It still names its source: the promotion may just not show yet.
    bench.reply(&slot, 10, instance(Some("home"), "available"));
    assert_eq!(bench.poll(10), []);
    let (slot, _) = bench.call(20);
    bench.reply(&slot, 20, instance(None, "available"));
    assert!(matches!(bench.record(20), Record::Done { unknown: false, .. }));
}

#[test]
fn s9_a_call_that_was_refused_for_sure_is_sent_again_at_once() {
    let refused = [Fault::Throttled { after: None }, Fault::Denied("no".into())];
    for fault in refused.into_iter().chain([Fault::Transient("no connection".into())]) {
        let mut bench = Bench::new(vec![("promote", promote())]);
        let slot = bench.until_sent(1);
        bench.reply(&slot, 2, Err(fault));
        let again = bench.until_started(10);
        assert!(matches!(&again, Record::Started { attempt: 2, .. }), "{again:?}");
        let Some(Doing::Call { slot, .. }) = bench.accept(again) else { panic!() };
        // Nobody knows of this one, so it is waited for.
        bench.reply(&slot, 11, Err(Fault::Unknown("timed out".into())));
        let (slot, _) = bench.call(20);
        bench.reply(&slot, 20, instance(Some("home"), "available"));
        assert_eq!(bench.poll(20), []);
    }
}

#[test]
fn s6_promotion_is_not_repeated_after_a_crash() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let record = bench.until_started(1);
    bench.accept(record);
    bench.crash();
    let (slot, op) = bench.call(2);
    assert!(matches!(op, Op::Rds(_, RdsOp::Describe(_))), "it looks first");
    bench.reply(&slot, 2, instance(None, "available"));
    assert!(matches!(bench.record(2), Record::Done { .. }));
}

#[test]
fn a_late_answer_to_an_older_look_is_ignored() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let (old, _) = bench.call(1);
    bench.reply(&old, 1, Err(Fault::Transient("503".into())));
    let (new, _) = {
        bench.poll(1);
        bench.call(9)
    };
    bench.reply(&old, 9, instance(None, "available"));
    assert_eq!(bench.poll(9), [], "the answer belongs to a look that is over");
    bench.reply(&new, 9, instance(None, "available"));
    assert!(matches!(bench.record(9), Record::Done { .. }));
}

#[test]
fn s6_a_late_answer_to_a_look_from_before_the_lead_was_lost_is_ignored() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let (old, _) = bench.call(1);
    bench.execution.forget();
    let (new, _) = bench.call(2);
    assert!(!bench.execution.awaits(&old) && bench.execution.awaits(&new));
    bench.reply(&old, 3, instance(None, "available"));
    assert_eq!(bench.poll(3), [], "what was seen before says nothing of what is");
    bench.reply(&new, 4, instance(Some("home"), "available"));
    assert!(matches!(bench.record(4), Record::Started { .. }));
}

#[test]
fn a_step_waits_for_what_it_needs_and_a_finished_run_is_closed() {
    let mut bench = Bench::new(vec![("a", milestone(&[])), ("b", milestone(&["a"]))]);
    let record = bench.record(1);
    assert!(matches!(&record, Record::Done { step, .. } if step.as_str() == "a"));
    bench.accept(record);
    let record = bench.record(1);
    assert!(matches!(&record, Record::Done { step, .. } if step.as_str() == "b"));
    bench.accept(record);
    let record = bench.record(1);
    assert_eq!(record, Record::Closed { ended: Ended::Moved });
    bench.accept(record);
    assert_eq!(bench.poll(1), []);
}

#[test]
fn a_reversible_step_that_takes_too_long_sends_the_run_back_before_the_point_of_no_return() {
    let mut slow = promote();
    (slow.class, slow.on_timeout) = (Class::Reversible, OnTimeout::Fail);
    slow.timeout = Some(Span::secs(30));
    let mut bench = Bench::new(vec![("slow", slow)]);
    bench.call(0);
    assert!(matches!(bench.poll(30).as_slice(), [Doing::Unwind(_)]));
}

#[test]
fn behind_the_point_of_no_return_a_step_that_takes_too_long_asks_and_goes_on_trying() {
    let mut overdue = promote();
    overdue.timeout = Some(Span::secs(30));
    let mut bench = Bench::new(vec![("promote", overdue)]);
    let (slot, _) = bench.call(0);
    bench.reply(&slot, 0, instance(Some("home"), "backing-up"));
    bench.poll(0);
    let record = bench.record(31);
    assert!(matches!(record, Record::Asked { .. }));
    bench.accept(record);
    let (slot, _) = bench.call(32);
    bench.reply(&slot, 32, instance(Some("home"), "available"));
    assert!(matches!(bench.record(32), Record::Started { .. }));
}

#[test]
fn l1_a_step_that_is_overdue_again_after_a_yes_asks_again() {
    let mut overdue = promote();
    overdue.timeout = Some(Span::secs(30));
    let mut bench = Bench::new(vec![("promote", overdue)]);
    let (slot, _) = bench.call(0);
    bench.reply(&slot, 0, instance(Some("home"), "backing-up"));
    bench.poll(0);
    let record = bench.record(31);
    bench.accept(record);
    let answered =
        Record::Answered { step: "promote".into(), by: "ada".into(), accept_loss_ms: None };
    bench.book.write(vec![answered]);
    let asks = |bench: &mut Bench, from: u64, to: u64| {
        let polls = (from..to).flat_map(|second| bench.poll(second));
        polls.filter(|doing| matches!(doing, Doing::Write(Record::Asked { .. }))).count()
    };
    assert_eq!(asks(&mut bench, 40, 70), 0, "a yes gives it its time once more");
    assert_eq!(asks(&mut bench, 70, 80), 1, "and no run waits in silence after that");
}

#[test]
fn s9_a_fence_that_is_not_confirmed_in_time_ends_unknown_where_policy_says_proceed() {
    let mut silent = promote();
    (silent.class, silent.on_timeout) = (Class::Reversible, OnTimeout::Proceed);
    silent.timeout = Some(Span::secs(45));
    let mut bench = Bench::new(vec![("fence", silent), ("next", milestone(&["fence"]))]);
    bench.call(0);
    let record = bench.record(45);
    assert!(matches!(record, Record::Done { unknown: true, .. }));
    bench.accept(record);
    assert!(matches!(bench.record(45), Record::Done { unknown: false, .. }));
}

#[test]
fn a_stranger_under_a_known_name_is_asked_about_and_left_alone() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let (slot, _) = bench.call(0);
    let Ok(Answer::Instance(mut other)) = instance(Some("home"), "available") else { panic!() };
    other.resource = "db-2".into();
    bench.reply(&slot, 0, Ok(Answer::Instance(other)));
    let record = bench.record(0);
    assert!(matches!(&record, Record::Asked { question, .. } if question.why.contains("db-2")));
}

#[test]
fn an_unwinding_run_ends_unwound() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let undo = plan(vec![("undo", milestone(&[]))]);
    bench.book.write(vec![
        Record::Unwinding { why: "false alarm".into() },
        Record::Planned { plan: Box::new(undo), moves: false },
    ]);
    let record = bench.record(1);
    bench.accept(record);
    let record = bench.record(1);
    bench.accept(record);
    let ended = Ended::Unwound("false alarm".into());
    assert_eq!(bench.book.ledger.run.as_ref().unwrap().phase, Phase::Closed(ended));
}

#[test]
fn l1_a_run_in_the_place_of_another_works_on_steps_of_the_same_names_anew() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    bench.until_started(1);
    let again = plan(vec![("promote", promote())]);
    bench.book.write(vec![
        Record::Closed { ended: Ended::Unwound("a failover was ordered in its place".into()) },
        Record::Claimed { claim: claim(2, "r2"), by: "a".into() },
        opened(PlanKind::Failover, Site::Home),
        Record::Planned { plan: Box::new(again), moves: true },
    ]);
    // The record of the run before is refused, and its step would wait for it for ever.
    let (slot, op) = bench.call(2);
    assert!(matches!(op, Op::Rds(_, RdsOp::Describe(_))));
    bench.reply(&slot, 2, instance(Some("home"), "available"));
    assert!(matches!(bench.record(2), Record::Started { attempt: 1, .. }));
}
