//! When a step looks, waits, asks and gives up, and whose answers it hears.

use super::super::{Doing, Record};
use super::execute::{Bench, instance, member, milestone, promote, step};
use super::started;
use crate::capacity::ClaimCluster;
use crate::databases::rds::{CloseDoor, Fence, Promote};
use crate::levers::outside::{Leads, Serves};
use crate::model::{Cluster, Epoch, Mono, Place, Site, Span, StepId};
use crate::op::{Answer, Fault, HttpSeen, Instance, Op, ProbeOp, RdsOp};
use crate::plan::{Approval, Class, Effect, OnTimeout, Step};
use crate::step::{Question, QuestionKind};

fn secs(secs: u64) -> Option<Mono> {
    Some(Mono(secs * 1_000))
}

fn wakes(bench: &Bench) -> Option<Mono> {
    bench.execution.wake_at(&bench.book.ledger)
}

fn question() -> Question {
    Question {
        kind: QuestionKind::Approve,
        why: "the standby is behind".into(),
        loss_ms: None,
        otherwise: "nothing".into(),
    }
}

fn asking() -> Bench {
    Bench::new(vec![("approval", step(Effect::Approval(Approval { question: question() }), &[]))])
}

fn yes(step: &str) -> Record {
    Record::Answered { step: step.into(), by: "ada".into(), accept_loss_ms: None }
}

fn limited(mut step: Step, on_timeout: OnTimeout) -> Step {
    (step.timeout, step.on_timeout) = (Some(Span::secs(30)), on_timeout);
    step
}

/// The service at the standby, looked at for ten seconds; its two answers from DNS are given.
fn serving() -> Bench {
    let leads = Leads {
        name: "shop.example".into(),
        servers: vec!["ns1.example".into()],
        load_balancer: "standby.elb.example".into(),
    };
    let serves = Serves {
        site: Site::Standby,
        leads,
        tls: true,
        port: 443,
        path: "/".into(),
        write_path: None,
        site_header: None,
        hold: Span::secs(10),
    };
    Bench::new(vec![("verify", step(Effect::Serves(serves), &[]))])
}

/// One whole look at the service, answered with this status; what is wanted then.
fn look(bench: &mut Bench, at: u64, status: u16) -> Vec<Doing> {
    let asked = bench.poll(at);
    let address = [192, 0, 2, 1].into();
    for doing in &asked {
        let Doing::Call { slot, op: Op::Probe(probe), .. } = doing else { panic!("{asked:?}") };
        let answer = match probe {
            ProbeOp::Authoritative { .. } => Answer::Addresses(vec![address]),
            _ => Answer::Resolved("standby.elb.example".into(), vec![address]),
        };
        bench.reply(slot, at, Ok(answer));
        assert!(!bench.execution.awaits(slot), "it is there");
    }
    assert_eq!(asked.len(), 2);
    let (slot, op) = bench.call(at);
    assert!(matches!(op, Op::Probe(ProbeOp::Http(_))));
    for doing in &asked {
        let Doing::Call { slot: earlier, .. } = doing else { panic!() };
        assert_ne!(*earlier, slot, "each answer of a look has a place of its own");
    }
    bench.reply(&slot, at, Ok(Answer::Http(HttpSeen { status, site: None, address })));
    bench.poll(at)
}

#[test]
fn s11_what_users_see_must_hold_without_a_break() {
    let mut bench = serving();
    assert_eq!(look(&mut bench, 0, 200), []);
    assert_eq!(wakes(&bench), secs(3), "it is looked at every three seconds");
    assert_eq!(look(&mut bench, 6, 503), [], "a break");
    assert_eq!(look(&mut bench, 9, 200), []);
    assert_eq!(look(&mut bench, 12, 200), [], "not twelve seconds, but three");
    assert_eq!(look(&mut bench, 17, 200), []);
    assert_eq!(wakes(&bench), secs(19), "and at the end of its time, not a look later");
    let ended = look(&mut bench, 19, 200);
    assert!(matches!(ended.as_slice(), [Doing::Write(Record::Done { .. })]), "{ended:?}");
}

#[test]
fn s11_a_look_that_failed_is_a_break_too() {
    let mut bench = serving();
    look(&mut bench, 0, 200);
    let asked = bench.poll(5);
    for doing in &asked {
        let Doing::Call { slot, .. } = doing else { panic!("{asked:?}") };
        bench.reply(slot, 5, Err(Fault::Transient("no route".into())));
    }
    assert_eq!(bench.poll(5), []);
    assert_eq!(look(&mut bench, 11, 200), [], "it has served for an instant only");
}

#[test]
fn s6_a_late_answer_to_a_look_is_not_taken_for_the_outcome_of_the_call() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let (old, _) = bench.call(1);
    bench.reply(&old, 1, instance(Some("home"), "available"));
    let record = bench.record(1);
    assert!(!bench.execution.acting(), "its record is not in the store yet");
    let Some(Doing::Call { slot, .. }) = bench.accept(record) else { panic!() };
    assert!(bench.execution.acting());
    assert!(bench.execution.awaits(&slot) && !bench.execution.awaits(&old));
    bench.reply(&old, 2, instance(Some("home"), "available"));
    assert!(bench.execution.acting(), "nobody knows yet what became of the promotion");
    assert_eq!(bench.poll(2), []);
}

#[test]
fn s6_a_doubled_outcome_of_a_call_is_not_taken_for_the_look_after_it() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let call = bench.until_sent(1);
    bench.reply(&call, 2, Ok(Answer::Ok));
    let (look, op) = bench.call(2);
    assert!(matches!(op, Op::Rds(_, RdsOp::Describe(_))));
    assert!(!bench.execution.awaits(&call) && bench.execution.awaits(&look));
    bench.reply(&call, 3, instance(None, "available"));
    assert_eq!(bench.poll(3), [], "the look itself is not answered yet");
    bench.reply(&look, 4, instance(None, "available"));
    assert!(matches!(bench.record(4), Record::Done { .. }));
}

#[test]
fn a_call_that_came_too_late_for_its_object_is_followed_by_a_look_at_once() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let slot = bench.until_sent(1);
    bench.reply(&slot, 2, Err(Fault::Conflict("it is being changed".into())));
    assert_eq!(bench.execution.note(&"promote".into()), Some("it is being changed"));
    let (_, op) = bench.call(2);
    assert!(matches!(op, Op::Rds(_, RdsOp::Describe(_))));
}

#[test]
fn looks_that_fail_are_made_ever_less_often_and_never_before_a_throttle_is_over() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let mut at = 0;
    for pause in [1, 2, 4, 5, 5] {
        let (slot, _) = bench.call(at);
        bench.reply(&slot, at, Err(Fault::Transient("503".into())));
        assert_eq!((bench.poll(at), bench.poll(at)), (Vec::new(), Vec::new()));
        assert_eq!(wakes(&bench), secs(at + pause));
        at += pause;
    }
    let (slot, _) = bench.call(at);
    let throttled = Fault::Throttled { after: Some(Span::secs(20)) };
    bench.reply(&slot, at, Err(throttled));
    bench.poll(at);
    assert_eq!(wakes(&bench), secs(at + 20));
    let (slot, _) = bench.call(at + 20);
    bench.reply(&slot, at + 20, instance(Some("home"), "backing-up"));
    bench.poll(at + 20);
    let later = wakes(&bench).unwrap().0 / 1_000;
    let (slot, _) = bench.call(later);
    bench.reply(&slot, later, Err(Fault::Transient("503".into())));
    bench.poll(later);
    assert_eq!(wakes(&bench), secs(later + 1), "one good look, and it counts anew");
}

#[test]
fn a_question_is_asked_once_and_its_yes_ends_the_step_at_once() {
    let mut bench = asking();
    let record = bench.record(0);
    assert_eq!(record, Record::Asked { step: "approval".into(), question: question() });
    assert_eq!(wakes(&bench), None, "the record comes first");
    assert_eq!(bench.accept(record), None);
    assert_eq!(bench.poll(1), [], "it was asked");
    assert_eq!(wakes(&bench), secs(11));
    let note = |bench: &Bench| bench.execution.note(&"approval".into()).map(str::to_owned);
    assert_eq!(note(&bench).as_deref(), Some("the standby is behind"));
    assert_eq!(bench.poll(5), []);
    assert_eq!(bench.book.ledger.run.as_ref().unwrap().asks().count(), 1);
    bench.book.write(vec![yes("approval")]);
    assert_eq!(bench.book.ledger.run.as_ref().unwrap().asks().count(), 0);
    let Record::Done { note: said, unknown: false, .. } = bench.record(5) else { panic!() };
    assert_eq!(said, "ada said yes");
    assert_eq!(note(&bench).as_deref(), Some("ada said yes"));
}

#[test]
fn l1_who_waits_wakes_when_its_time_is_over_unless_a_human_is_asked() {
    let mut bench = Bench::new(vec![("promote", limited(promote(), OnTimeout::Ask))]);
    let (slot, _) = bench.call(1);
    assert_eq!(wakes(&bench), secs(31), "the look may never be answered");
    bench.reply(&slot, 1, instance(Some("home"), "backing-up"));
    bench.poll(1);
    assert!(wakes(&bench) < secs(31), "it looks again before");
    let asked = bench.record(31);
    assert_eq!(wakes(&bench), None, "its question is not in the store yet");
    assert!(!bench.execution.awaits(&slot));
    bench.accept(asked);
    let (again, _) = bench.call(32);
    assert_eq!(wakes(&bench), None, "it was asked: nothing more happens by time alone");
    assert!(bench.execution.awaits(&again) && !bench.execution.awaits(&slot));
    bench.reply(&again, 33, instance(Some("home"), "backing-up"));
    assert_eq!((bench.poll(33), bench.poll(34)), (Vec::new(), Vec::new()), "nobody has answered");
}

#[test]
fn s1_behind_the_point_of_no_return_no_step_sends_the_run_back() {
    let slow = limited(step(Effect::Promote(Promote { member: member() }), &[]), OnTimeout::Fail);
    let mut bench = Bench::new(vec![("promote", promote()), ("slow", slow)]);
    let asked = bench.poll(0);
    let Doing::Call { slot, .. } = &asked[0] else { panic!("{asked:?}") };
    bench.reply(slot, 0, instance(Some("home"), "available"));
    let record = bench.record(0);
    bench.accept(record);
    assert!(bench.book.ledger.run.as_ref().unwrap().committed);
    assert!(matches!(bench.record(30), Record::Asked { .. }));
}

#[test]
fn a_run_that_goes_back_is_not_sent_back_again_by_what_takes_too_long() {
    let slow = limited(promote(), OnTimeout::Fail);
    let mut bench = Bench::new(vec![("slow", Step { class: Class::Reversible, ..slow.clone() })]);
    bench.book.write(vec![
        Record::Unwinding { why: "cancelled".into() },
        Record::Planned {
            plan: Box::new(super::execute::plan(vec![("undo", slow)])),
            moves: false,
        },
    ]);
    bench.call(0);
    assert!(matches!(bench.record(30), Record::Asked { .. }));
}

#[test]
fn s6_an_answer_to_a_look_from_before_the_question_is_not_heard_after_it() {
    let mut bench = Bench::new(vec![("promote", limited(promote(), OnTimeout::Ask))]);
    let (old, _) = bench.call(0);
    let asked = bench.record(30);
    bench.accept(asked);
    let (new, _) = bench.call(31);
    bench.reply(&old, 32, instance(None, "available"));
    assert_eq!(bench.poll(32), []);
    bench.reply(&new, 33, instance(None, "available"));
    assert!(matches!(bench.record(33), Record::Done { .. }));
}

#[test]
fn s6_nothing_is_asked_while_it_is_open_what_a_call_does() {
    let mut bench = Bench::new(vec![("promote", limited(promote(), OnTimeout::Ask))]);
    let slot = bench.until_sent(1);
    assert_eq!(bench.poll(40), []);
    bench.reply(&slot, 40, Err(Fault::Unknown("no answer".into())));
    assert!(matches!(bench.record(41), Record::Asked { .. }));
}

#[test]
fn s1_a_yes_to_an_unconfirmed_fence_ends_it_as_unknown() {
    let mut bench = Bench::new(vec![("fence", fence())]);
    assert_eq!(bench.poll(0).len(), 1);
    let asked = bench.record(30);
    let Record::Asked { question, .. } = &asked else { panic!("{asked:?}") };
    assert_eq!(question.kind, QuestionKind::UnconfirmedFence);
    assert_eq!(question.why, "fence is not done after 30s: no answer");
    bench.accept(asked);
    bench.poll(31);
    bench.book.write(vec![yes("fence")]);
    assert!(matches!(bench.record(32), Record::Done { unknown: true, .. }));
}

fn fence() -> Step {
    let fence = Effect::Fence(Fence { member: member(), unless: None, opens_until: None });
    limited(Step { class: Class::Reversible, ..step(fence, &[]) }, OnTimeout::Ask)
}

/// Another instance than was recorded stands in the fenced one's place.
fn stranger() -> Result<Answer, Fault> {
    instance(None, "available").map(|answer| match answer {
        Answer::Instance(found) => Answer::Instance(Instance { resource: "db-2".into(), ..found }),
        other => other,
    })
}

#[test]
fn s1_a_yes_to_anything_else_that_a_fence_asks_is_none_to_an_unconfirmed_fence() {
    let kind = |asked: &Record| match asked {
        Record::Asked { question, .. } => question.kind,
        other => panic!("{other:?}"),
    };
    for answered in [true, false] {
        let mut bench = Bench::new(vec![("fence", fence())]);
        let (slot, _) = bench.call(0);
        bench.reply(&slot, 0, stranger());
        let asked = bench.record(0);
        assert_eq!(kind(&asked), QuestionKind::Overdue, "it is another instance than was recorded");
        bench.accept(asked);
        if answered {
            bench.book.write(vec![yes("fence")]);
        }
        let asked = bench.record(60);
        assert_eq!(kind(&asked), QuestionKind::UnconfirmedFence, "nobody said that it may run");
        bench.accept(asked);
        let (slot, _) = bench.call(61);
        bench.reply(&slot, 61, stranger());
        assert_eq!(bench.poll(61), [], "what is asked stays asked");
        bench.book.write(vec![yes("fence")]);
        assert!(matches!(bench.record(62), Record::Done { unknown: true, .. }));
    }
}

#[test]
fn l1_only_an_obligation_that_found_something_else_is_at_odds() {
    let at_odds = |step: Step, seen: Result<Answer, Fault>| {
        let mut bench = Bench::new(vec![("fence", step)]);
        let (slot, _) = bench.call(0);
        bench.reply(&slot, 0, seen);
        bench.poll(0);
        bench.execution.at_odds().count()
    };
    let owed = || Step { standing: true, ..fence() };
    assert_eq!(at_odds(owed(), stranger()), 1);
    assert_eq!(at_odds(owed(), instance(None, "rebooting")), 0, "it waits");
    assert_eq!(at_odds(fence(), stranger()), 0, "it asks");
}

#[test]
fn s7_the_record_of_a_call_bears_the_hold_that_it_takes() {
    let close = Effect::CloseDoor(CloseDoor { member: member(), opens_until: None });
    let close = Step { class: Class::Reversible, ..step(close, &[]) };
    let mut bench = Bench::new(vec![("close", close)]);
    let record = bench.until_started(1);
    let Record::Started { hold: Some(hold), attempt: 1, .. } = &record else {
        panic!("{record:?}")
    };
    assert_eq!(hold.site, Site::Standby);
    let Some(Doing::Call { slot, .. }) = bench.accept(record) else { panic!() };
    assert_eq!(bench.book.ledger.holds.len(), 1);
    bench.reply(&slot, 1, Ok(Answer::Ok));
    // Half an hour later it is still open: closed again, as its second attempt.
    let (slot, _) = bench.call(1_800);
    bench.reply(&slot, 1_800, instance(Some("home"), "available"));
    assert!(matches!(bench.record(1_800), Record::Started { attempt: 2, .. }));
}

#[test]
fn s9_a_call_to_the_site_that_may_be_dead_is_given_up_sooner() {
    let dns = Step { touches: Place::Dns, ..limited(promote(), OnTimeout::Proceed) };
    let steps = [
        (limited(promote(), OnTimeout::Proceed), 5),
        (limited(promote(), OnTimeout::Ask), 10),
        (dns, 10),
    ];
    for (step, limit) in steps {
        let mut bench = Bench::new(vec![("promote", step)]);
        let polled = bench.poll(0);
        let [Doing::Call { timeout, .. }] = polled.as_slice() else { panic!("{polled:?}") };
        assert_eq!(*timeout, Span::secs(limit));
    }
}

#[test]
fn s4_a_call_whose_record_the_store_held_up_is_not_sent_and_began_nothing() {
    let undoable = || Step { class: Class::Reversible, ..promote() };
    for (held_up, sent) in [(false, true), (true, false)] {
        let mut bench = Bench::new(vec![("promote", undoable())]);
        let record = bench.until_started(0);
        bench.book.write(vec![record.clone()]);
        let epoch = bench.book.ledger.epoch();
        let call = bench.execution.recorded(&record, (epoch, Mono(60_000)), true, held_up);
        assert_eq!(call.is_some(), sent);
        let began = |bench: &Bench| {
            let unsent = |id: &StepId| bench.execution.calls.is_unsent(epoch, id);
            !bench.book.ledger.run.as_ref().unwrap().only_planned_but(unsent)
        };
        assert_eq!(began(&bench), sent);
        // It looks again, and what is recorded in time is sent.
        if !sent {
            let record = bench.until_started(60);
            assert!(matches!(&record, Record::Started { attempt: 2, .. }), "{record:?}");
            assert!(bench.accept_at(61, record).is_some());
            assert!(began(&bench));
        }
    }
}

#[test]
fn s4_a_call_whose_record_came_to_who_does_not_lead_began_nothing() {
    let undoable = || Step { class: Class::Reversible, ..promote() };
    for forgets_first in [false, true] {
        let mut bench = Bench::new(vec![("promote", undoable())]);
        let record = bench.until_started(0);
        bench.book.write(vec![record.clone()]);
        if forgets_first {
            bench.execution.forget();
        }
        let (epoch, id) = (bench.book.ledger.epoch(), StepId::new("promote"));
        assert_eq!(bench.execution.recorded(&record, (epoch, Mono(0)), false, false), None);
        bench.execution.forget();
        bench.poll(1);
        assert!(bench.execution.calls.is_unsent(epoch, &id), "who leads again sent nothing");
        assert!(!bench.execution.calls.is_unsent(Epoch(epoch.0 + 1), &id), "another one may have");
        // Who has only just read of the run keeps it, and nothing of an older one.
        let at = |epoch| (epoch, Mono(0));
        bench.crash();
        bench.execution.recorded(&record, at(epoch), false, false);
        bench.execution.recorded(&record, at(Epoch(0)), false, false);
        bench.poll(2);
        let unsent = [epoch, Epoch(0)].map(|epoch| bench.execution.calls.is_unsent(epoch, &id));
        assert_eq!(unsent, [true, false]);
    }
}

#[test]
fn s6_a_call_that_was_held_up_is_no_reason_to_forget_the_one_before_it() {
    let mut bench = Bench::new(vec![("promote", promote())]);
    let call = bench.until_sent(0);
    bench.reply(&call, 1, Err(Fault::Unknown("no answer".into())));
    // A book dates its entries a second apart: the call of the first attempt counts from there.
    let look = |bench: &mut Bench| {
        let (slot, _) = bench.call(362);
        bench.reply(&slot, 362, instance(Some("home"), "available"));
    };
    look(&mut bench);
    let again = bench.record(362);
    assert!(matches!(&again, Record::Started { attempt: 2, .. }), "its time to show is over");
    bench.book.write(vec![again.clone()]);
    assert_eq!(
        bench.execution.recorded(&again, (Epoch(1), Mono(0)), true, true),
        None,
        "it was held up"
    );
    look(&mut bench);
    assert_eq!(bench.poll(362), [], "perhaps the first one shows now");
}

#[test]
fn s6_a_look_that_a_lost_record_left_behind_is_not_taken_for_the_next() {
    let mut bench = Bench::new(vec![("fence", limited(fence(), OnTimeout::Proceed))]);
    let (old, _) = bench.call(0);
    assert!(matches!(bench.record(30), Record::Done { unknown: true, .. }));
    bench.execution.forget();
    bench.poll(31);
    assert!(!bench.execution.awaits(&old), "its answer may still come");
}

#[test]
fn a_run_whose_move_was_only_planned_is_told_from_one_that_began() {
    let cluster = Cluster::Context("standby".into());
    let claim = step(Effect::ClaimCluster(ClaimCluster { cluster }), &[]);
    let steps = vec![("a", milestone(&[])), ("claim", claim), ("promote", promote())];
    let mut bench = Bench::new(steps);
    let run = |bench: &Bench| bench.book.ledger.run.clone().unwrap();
    assert!(run(&bench).only_planned());
    let done = Record::Done {
        step: StepId::new("a"),
        outputs: Default::default(),
        note: String::new(),
        unknown: false,
    };
    bench.book.write(vec![done]);
    assert!(run(&bench).only_planned(), "that changed nothing");
    bench.book.write(vec![started("claim", None)]);
    assert!(run(&bench).only_planned(), "users notice nothing of a claim");
    bench.book.write(vec![started("promote", None)]);
    assert!(!run(&bench).only_planned());
}
