//! Two replicas at their desks, one store, answers given by hand.

use std::sync::Arc;

use super::super::{Allowed, Desk, Entry, Ledger, Record, Seat, StepCall, StepState};
use super::execute::{instance, member, plan, promote, step};
use super::import::done;
use super::opened;
use crate::capacity::ClaimCluster;
use crate::databases::rds::CloseDoor;
use crate::model::{Mono, Now, Place, ReplicaId, Site, Wall};
use crate::op::{Answer, Fault, FenceView, Op, RdsOp, StoreOp, Stored};
use crate::plan::{Class, Effect, PlanKind, Step, Undo};
use crate::policy::examples;
use crate::testing::claim;

/// A store of create-only names.
#[derive(Default)]
struct Store(Vec<Arc<str>>);

impl Store {
    fn perform(&mut self, op: &StoreOp) -> Result<Answer, Fault> {
        match op {
            StoreOp::Append { seq, bytes, .. } if *seq == self.0.len() as u64 + 1 => {
                self.0.push(Arc::clone(bytes));
                Ok(Answer::Ok)
            }
            StoreOp::Append { seq, .. } => Err(Fault::Conflict(seq.to_string())),
            StoreOp::Read { after, .. } => {
                let later = (1..).zip(&self.0).filter(|(seq, _)| seq > after);
                let stored = later.map(|(seq, bytes)| Stored { seq, bytes: Arc::clone(bytes) });
                Ok(Answer::Entries(stored.collect()))
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A replica.
struct Replica {
    id: ReplicaId,
    desk: Desk,
    leads: bool,
}

impl Replica {
    fn leading(id: &str) -> Self {
        let mut desk = Desk::new("shop".into());
        desk.begin_to_lead();
        Self { id: id.into(), desk, leads: true }
    }

    fn turn(&mut self, secs: u64) -> (Vec<StoreOp>, Vec<StepCall>) {
        self.turn_if(secs, Allowed::Everything)
    }

    fn turn_if(&mut self, secs: u64, allowed: Allowed) -> (Vec<StoreOp>, Vec<StepCall>) {
        let mut store = Vec::from_iter(self.desk.read(Mono(secs * 1_000)));
        let seat = Seat { id: &self.id, now: now(secs), leads: self.leads };
        let mut calls = Vec::new();
        self.desk.take_back(&seat);
        if seat.leads && self.desk.current() {
            let epoch = self.desk.ledger().epoch().next();
            self.desk.take_over(&seat, true, |_| epoch);
            calls = self.desk.execute(&seat, allowed);
        }
        store.extend(self.desk.write(&seat));
        self.desk.rest();
        (store, calls)
    }

    fn hear(&mut self, secs: u64, result: Result<Answer, Fault>) -> (Vec<StoreOp>, Vec<StepCall>) {
        let seat = Seat { id: &self.id, now: now(secs), leads: self.leads };
        let heard = self.desk.heard(&seat, result, false);
        (heard.next.into_iter().collect(), heard.calls)
    }

    /// Turns, and calls of the store that are answered at once, until a step wants something.
    fn until_it_calls(&mut self, store: &mut Store, secs: u64) -> Vec<StepCall> {
        for _ in 0..20 {
            let (mut ops, mut calls) = self.turn(secs);
            while let Some(op) = ops.pop() {
                let (next, more) = self.hear(secs, store.perform(&op));
                ops.extend(next);
                calls.extend(more);
            }
            if !calls.is_empty() {
                return calls;
            }
        }
        panic!("{} wants nothing: {}", self.id, self.desk.gist(Mono(0), Mono(0)));
    }

    fn leads_again(&mut self) {
        self.leads = true;
        self.desk.begin_to_lead();
    }

    /// Whether its run is past the point of no return.
    fn committed(&self) -> bool {
        self.desk.ledger().run.as_ref().unwrap().committed
    }

    fn begin(&mut self) {
        self.begin_with("promote", promote());
    }

    fn begin_with(&mut self, id: &str, step: Step) {
        let plan = Box::new(plan(vec![(id, step)]));
        let claimed = Record::Claimed { claim: claim(1, "shop-1-failover"), by: self.id.clone() };
        self.desk.push(claimed);
        self.desk.push(opened(PlanKind::Failover, crate::model::Site::Home));
        self.desk.push(Record::Planned { plan, moves: true });
    }
}

fn now(secs: u64) -> Now {
    Now { mono: Mono(secs * 1_000), wall: Wall(i64::try_from(secs).unwrap() * 1_000) }
}

/// One that has begun a run, and its first look.
fn begun(store: &mut Store) -> (Replica, StepCall) {
    let mut one = Replica::leading("one");
    one.begin();
    let look = one.until_it_calls(store, 1).remove(0);
    assert!(matches!(look.op, Op::Rds(_, RdsOp::Describe(_))));
    (one, look)
}

#[test]
fn s5_who_was_taken_over_sends_nothing_though_it_still_believes_that_it_leads() {
    let mut store = Store::default();
    let (mut one, look) = begun(&mut store);
    let mut two = Replica::leading("two");
    let look_of_two = two.until_it_calls(&mut store, 2).remove(0);
    let taken = claim(2, "shop-1-failover").made_by(&"two".into());
    assert_eq!(two.desk.ledger().claim, Some(taken));

    one.desk.answered(&look.slot, now(3), instance(Some("home"), "available"));
    let (ops, calls) = one.turn(3);
    assert_eq!(calls, []);
    let [started] = ops.as_slice() else { panic!("{ops:?}") };
    let refused = store.perform(started);
    assert!(matches!(refused, Err(Fault::Conflict(_))));
    let (read, calls) = one.hear(3, refused);
    assert_eq!(calls, []);
    assert_eq!(one.hear(3, store.perform(&read[0])).1, []);
    assert!(!one.desk.awaits(&look.slot), "its look was for another claim");
    assert!(two.desk.awaits(&look_of_two.slot));
}

#[test]
fn s6_a_call_whose_record_was_accepted_after_the_lead_was_lost_is_not_sent() {
    let mut store = Store::default();
    let mut one = recorded_and_not_sent(&mut store);
    assert!(one.committed());
    one.leads_again();
    let again = one.until_it_calls(&mut store, 20);
    assert!(matches!(again[0].op, Op::Rds(_, RdsOp::Describe(_))), "it looks first");
    let run = one.desk.ledger().run.as_ref().unwrap();
    assert!(!run.committed, "and says that it had sent nothing: the run can go back");
    let step = &run.steps["promote"];
    assert_eq!((step.state, &step.acted, step.attempts), (StepState::Pending, &None, 0));
    one.desk.unwind("home serves".into());
    let entry = written(&mut one, &mut store, 21);
    assert!(entry.contains("home serves"), "{entry}");
    let chain = (1..).zip(store.0.iter().map(|bytes| &**bytes));
    assert_eq!(Ledger::replay(chain).unwrap(), *one.desk.ledger());
}

/// A promotion whose record was accepted when its writer did not lead.
fn recorded_and_not_sent(store: &mut Store) -> Replica {
    let (mut one, look) = begun(store);
    one.desk.answered(&look.slot, now(2), instance(Some("home"), "available"));
    let (ops, _) = one.turn(2);
    let accepted = store.perform(&ops[0]);
    one.leads = false;
    assert_eq!(one.hear(2, accepted).1, [], "nobody may act for it now");
    one
}

#[test]
fn s6_nobody_takes_back_what_somebody_else_may_have_sent() {
    // Who takes it over does not know whether it was sent.
    let mut store = Store::default();
    let mut one = recorded_and_not_sent(&mut store);
    let mut two = Replica::leading("two");
    two.until_it_calls(&mut store, 20);
    assert!(two.committed());
    // Nor does its writer, once somebody else had claimed.
    one.leads_again();
    one.until_it_calls(&mut store, 40);
    assert_eq!(one.desk.ledger().claimant.as_ref(), Some(&one.id));
    assert!(one.committed());

    // Nor does who has died in between.
    let mut store = Store::default();
    let mut one = recorded_and_not_sent(&mut store);
    one.desk = Desk::new("shop".into());
    one.leads_again();
    one.until_it_calls(&mut store, 20);
    assert!(one.committed());
}

#[test]
fn s6_nothing_is_taken_back_once_a_journal_was_imported() {
    let mut store = Store::default();
    let mut one = recorded_and_not_sent(&mut store);
    one.leads_again();
    let read = one.turn(3).0;
    one.hear(3, store.perform(&read[0]));
    // It goes on with the same run under the same claim, and its author may have sent it.
    let (hash, entries, facts) = ("x".into(), Vec::new(), None);
    one.desk.push(Record::Imported {
        after: 0,
        continues: None,
        hash,
        entries,
        facts,
        stands: None,
    });
    written(&mut one, &mut store, 4);
    one.until_it_calls(&mut store, 20);
    assert!(one.committed());
}

#[test]
fn s6_what_is_taken_back_is_so_before_anything_else_is_written() {
    let mut store = Store::default();
    let mut one = recorded_and_not_sent(&mut store);
    one.leads_again();
    for secs in [3, 4] {
        let (ops, _) = one.turn(secs);
        for op in ops {
            one.hear(secs, store.perform(&op));
        }
    }
    let id = one.id.clone();
    let seat = Seat { id: &id, now: now(5), leads: true };
    assert!(!one.committed(), "nobody is answered before");
    let written = store.0.len();
    one.desk.take_back(&seat);
    assert!(one.desk.settled(), "it was taken back once");
    assert_eq!(store.0.len(), written);
}

#[test]
fn s6_what_was_taken_back_is_recorded_anew_before_it_is_sent() {
    let mut store = Store::default();
    let mut one = recorded_and_not_sent(&mut store);
    one.leads_again();
    let look = one.until_it_calls(&mut store, 20).remove(0);
    one.desk.answered(&look.slot, now(21), instance(Some("home"), "available"));
    let (ops, calls) = one.turn(21);
    assert_eq!(calls, []);
    let (_, calls) = one.hear(21, store.perform(&ops[0]));
    assert!(matches!(calls[0].op, Op::Rds(_, RdsOp::Promote(_))), "{calls:?}");
    let run = one.desk.ledger().run.as_ref().unwrap();
    assert!(run.committed && run.steps["promote"].attempts == 1);
    one.leads_again();
    one.until_it_calls(&mut store, 40);
    assert!(one.committed(), "it was sent");
}

#[test]
fn s5_nobody_acts_on_a_chain_read_before_it_led() {
    let mut store = Store::default();
    let (mut one, _) = begun(&mut store);
    one.desk.begin_to_lead();
    assert!(!one.desk.current());
    let (ops, calls) = one.turn(30);
    assert!(matches!(ops.as_slice(), [StoreOp::Read { .. }]));
    assert_eq!(calls, []);
    one.hear(30, store.perform(&ops[0]));
    assert!(one.desk.current());
}

#[test]
fn desks_that_go_on_alike_have_the_same_gist_however_they_came_there() {
    let mut store = Store::default();
    let (mut one, look) = begun(&mut store);
    let gist = |desk: &Desk| desk.gist(Mono(90_000), Mono(90_000));
    let before = gist(&one.desk);
    one.desk.answered(&look.slot, now(2), instance(Some("home"), "backing-up"));
    one.turn(2);
    assert_ne!(before, gist(&one.desk), "it waits now");
    let again = one.until_it_calls(&mut store, 60).remove(0);
    assert_eq!(before, gist(&one.desk), "it looks, as it did");
    assert!(again.slot != look.slot && !one.desk.awaits(&look.slot));
}

/// What a replica's next entry holds, once it is written.
fn written(one: &mut Replica, store: &mut Store, secs: u64) -> String {
    let (ops, _) = one.turn(secs);
    let [op] = ops.as_slice() else { panic!("{ops:?}") };
    let StoreOp::Append { bytes, .. } = op else { panic!("{op:?}") };
    let answer = store.perform(op);
    one.hear(secs, answer);
    bytes.to_string()
}

#[test]
fn a_run_is_sent_back_once_and_never_behind_its_point_of_no_return() {
    let mut store = Store::default();
    let (mut one, _) = begun(&mut store);
    assert!(one.desk.settled());
    one.desk.unwind("cancelled by ada".into());
    assert!(!one.desk.settled(), "it waits to be written");
    let entry = written(&mut one, &mut store, 2);
    assert!(entry.contains("cancelled by ada") && entry.contains("lanned"), "{entry}");
    one.desk.unwind("cancelled again".into());
    assert!(one.desk.settled(), "it goes back already");

    let mut store = Store::default();
    let (mut one, look) = begun(&mut store);
    one.desk.answered(&look.slot, now(2), instance(Some("home"), "available"));
    let (ops, _) = one.turn(2);
    one.hear(2, store.perform(&ops[0]));
    assert!(one.desk.acting());
    one.desk.unwind("too late".into());
    assert!(one.desk.settled(), "the promotion is on its way");
}

#[test]
fn s7_a_run_is_not_sent_back_while_it_is_open_what_a_call_does() {
    let mut store = Store::default();
    let mut one = Replica::leading("one");
    one.begin_with("reversible", Step { class: Class::Reversible, ..promote() });
    let look = one.until_it_calls(&mut store, 1).remove(0);
    one.desk.answered(&look.slot, now(2), instance(Some("home"), "available"));
    let (ops, _) = one.turn(2);
    let (_, calls) = one.hear(2, store.perform(&ops[0]));
    one.desk.unwind("cancelled".into());
    assert!(one.desk.acting() && one.desk.settled());
    one.desk.answered(&calls[0].slot, now(3), Ok(Answer::Ok));
    assert!(!one.desk.acting());
    one.desk.unwind("cancelled".into());
    assert!(!one.desk.settled());
}

#[test]
fn s4_what_another_had_recorded_began_nothing_that_is_known_of_until_it_is_sent_or_done() {
    let mut store = Store::default();
    let mut one = Replica::leading("one");
    one.begin_with("close", close());
    let acts = |one: &mut Replica, store: &mut Store, secs: u64| {
        let look = one.until_it_calls(store, secs).remove(0);
        one.desk.answered(&look.slot, now(secs + 1), instance(None, "available"));
        let (ops, _) = one.turn(secs + 1);
        store.perform(&ops[0])
    };
    let accepted = acts(&mut one, &mut store, 1);
    let seat = Seat { id: &"one".into(), now: now(30), leads: true };
    assert!(one.desk.only_prepared());
    assert_eq!(one.desk.heard(&seat, accepted, true).calls, [], "it was held up");
    assert!(one.desk.only_prepared(), "who wrote it knows that it was not sent");

    let mut two = Replica::leading("two");
    let accepted = acts(&mut two, &mut store, 60);
    assert!(two.desk.only_prepared(), "it may not have been sent");
    let call = two.hear(61, accepted).1.remove(0);
    assert!(!two.desk.only_prepared(), "this one was");
    two.desk.answered(&call.slot, now(62), Ok(Answer::Ok));
    assert!(!two.desk.only_prepared());

    let mut three = Replica::leading("three");
    three.until_it_calls(&mut store, 80);
    assert!(three.desk.only_prepared(), "who takes it over knows of no call");
    three.desk.push(done("close"));
    written(&mut three, &mut store, 81);
    assert!(!three.desk.only_prepared(), "it is done: somebody sent it");
}

/// What closes home's door.
fn close() -> Step {
    let close = Effect::CloseDoor(CloseDoor { member: member(), opens_until: None });
    Step { class: Class::Reversible, touches: Place::Site(Site::Home), ..step(close, &[]) }
}

/// How the open run would be undone, once what became of its closing of the door was heard.
fn closing(heard: Result<Answer, Fault>, then: impl FnOnce(&mut Replica)) -> Vec<Undo> {
    let mut store = Store::default();
    let mut one = Replica::leading("one");
    one.begin_with("close", close());
    let look = one.until_it_calls(&mut store, 1).remove(0);
    one.desk.answered(&look.slot, now(2), instance(None, "available"));
    let (ops, _) = one.turn(2);
    let (_, calls) = one.hear(2, store.perform(&ops[0]));
    one.desk.answered(&calls[0].slot, now(3), heard);
    then(&mut one);
    one.desk.undo()
}

#[test]
fn s7_a_door_is_let_go_only_when_it_is_known_what_became_of_the_calls_that_close_it() {
    let unknown = || Err(Fault::Unknown("no answer in time".into()));
    let nothing = |_: &mut Replica| {};
    let late = |undo: &[Undo]| match undo {
        [Undo::Outlast(_)] => true,
        [Undo::Release(_)] => false,
        other => panic!("{other:?}"),
    };
    assert!(!late(&closing(Ok(Answer::Ok), nothing)));
    assert!(!late(&closing(Err(Fault::Denied("no".into())), nothing)), "it did nothing");
    assert!(late(&closing(unknown(), nothing)));
    // Whoever takes over has heard nothing.
    let taken_over = |one: &mut Replica| one.desk.begin_to_lead();
    assert!(late(&closing(Ok(Answer::Ok), taken_over)));
}

#[test]
fn s6_a_write_of_unknown_outcome_is_read_back_after_a_pause_and_once() {
    let mut store = Store::default();
    let (mut one, look) = begun(&mut store);
    one.desk.answered(&look.slot, now(2), instance(Some("home"), "available"));
    let (ops, _) = one.turn(2);
    assert!(!one.desk.in_doubt());
    one.hear(2, Err(Fault::Unknown("no answer".into())));
    assert!(one.desk.in_doubt() && !one.desk.settled());
    assert_eq!(one.desk.read(Mono(3_000)), None);
    let due: Vec<_> = one.desk.wake_at(true).collect();
    assert!(due.contains(&Mono(3_500)), "{due:?}");
    assert_eq!(one.desk.read(Mono(3_499)), None, "the pause is not over");
    let read = one.desk.read(Mono(3_500));
    assert!(matches!(read, Some(StoreOp::Read { .. })));
    assert_eq!(one.desk.read(Mono(60_000)), None, "it is on its way");
    // It had taken effect all the time.
    let _ = store.perform(&ops[0]);
    let (_, calls) = one.hear(4, store.perform(&read.unwrap()));
    assert!(matches!(calls[0].op, Op::Rds(_, RdsOp::Promote(_))));
}

#[test]
fn s5_who_meets_a_newer_claim_stands_still_until_the_chain_knows_it() {
    let cluster = examples::shop().home.cluster.clone();
    let mut store = Store::default();
    let mut one = Replica::leading("one");
    one.begin_with("claim", step(Effect::ClaimCluster(ClaimCluster { cluster }), &[]));
    let look = one.until_it_calls(&mut store, 1).remove(0);
    let met = claim(9, "break-glass");
    let fence = FenceView { version: "1".into(), claim: met.clone() };
    one.desk.answered(&look.slot, now(2), Ok(Answer::Fence(Some(fence))));
    let (ops, calls) = one.turn(2);
    assert!(ops.is_empty() && calls.is_empty(), "{ops:?} {calls:?}");
    assert_eq!(one.desk.fence(), Some(&met));
    assert!(!one.desk.knows(&met) && one.desk.knows(&claim(1, "shop-1-failover")));
    let id = one.id.clone();
    let seat = Seat { id: &id, now: now(3), leads: true };
    assert!(!one.desk.may_act(&seat));
    one.desk.push(Record::Claimed { claim: claim(10, "shop-10-failover"), by: id.clone() });
    written(&mut one, &mut store, 4);
    assert!(one.desk.knows(&met) && one.desk.fence().is_none());
    assert!(one.desk.may_act(&seat));
}

#[test]
fn s5_what_was_decided_by_who_does_not_lead_any_more_is_never_written() {
    let mut store = Store::default();
    let (mut one, _) = begun(&mut store);
    let entries = store.0.len();
    one.desk.push(Record::Unwinding { why: "decided before".into() });
    one.leads = false;
    assert_eq!(one.turn(2).0, []);
    assert!(one.desk.settled());
    one.leads = true;
    assert_eq!(one.turn(3).0, [], "it is gone");
    assert_eq!(store.0.len(), entries);
}

#[test]
fn a_chain_that_cannot_be_read_is_told() {
    let mut one = Replica::leading("a");
    assert!(!one.turn(1).0.is_empty() && one.desk.broken().is_none());
    let stored = crate::op::Stored { seq: 1, bytes: "{}".into() };
    one.hear(1, Ok(Answer::Entries(vec![stored])));
    assert!(one.desk.broken().is_some());
}

#[test]
fn who_waits_is_gone_over_at_its_time_and_told_so() {
    let mut store = Store::default();
    let (mut one, look) = begun(&mut store);
    one.desk.answered(&look.slot, now(2), instance(Some("home"), "backing-up"));
    one.turn(2);
    let due: Vec<_> = one.desk.wake_at(true).collect();
    assert!(due.contains(&Mono(7_000)), "it looks again after five seconds: {due:?}");
    assert!(!one.desk.wake_at(false).any(|at| at == Mono(7_000)), "that is the leader's");
    assert_eq!(one.desk.note(&"promote".into()), Some("db is backing-up"));
    assert_eq!(one.turn(6).1, [], "its time has not come");
    let gist = |due: u64| one.desk.gist(Mono(due), Mono(60_000));
    assert_eq!(gist(7_000), gist(9_000), "it is due");
    assert_ne!(gist(6_999), gist(7_000));
    assert_ne!(gist(5_000), gist(6_000), "it waits so much longer");
}

#[test]
fn s4_a_move_that_is_held_looks_at_nothing_and_wakes_nobody() {
    let mut store = Store::default();
    let (mut one, look) = begun(&mut store);
    one.desk.answered(&look.slot, now(2), instance(Some("home"), "available"));
    let held = one.turn_if(2, Allowed::Claims);
    assert_eq!(held, (vec![], vec![]), "it would promote");
    assert!(one.desk.ledger().run.as_ref().unwrap().steps.contains_key("promote"));
    assert_eq!(one.desk.wake_at(true).filter(|at| *at <= Mono(2_000)).min(), None);
    let (records, _) = one.turn_if(3, Allowed::Everything);
    assert_eq!(records.len(), 1, "it starts");
}

#[test]
fn s4_a_site_that_answers_again_is_spared_for_a_while() {
    let would_act = |site, times: &[u64]| {
        let mut store = Store::default();
        let mut one = Replica::leading("one");
        one.begin_with("promote", Step { touches: Place::Site(site), timeout: None, ..promote() });
        let mut looks = one.until_it_calls(&mut store, 1);
        let mut spared = |one: &mut Replica, secs| {
            let (mut acts, mut calls) = (false, Vec::new());
            for _ in 0..3 {
                let (ops, more) = one.turn_if(secs, Allowed::Spares);
                calls.extend(more);
                for op in ops {
                    acts |= matches!(op, StoreOp::Append { .. });
                    calls.extend(one.hear(secs, store.perform(&op)).1);
                }
            }
            (acts, calls)
        };
        let mut acts = false;
        for secs in times {
            let look = looks.pop().unwrap();
            one.desk.answered(&look.slot, now(*secs), instance(Some("home"), "available"));
            acts = spared(&mut one, *secs).0;
            looks = spared(&mut one, secs + 3).1;
        }
        acts
    };
    assert!(would_act(Site::Standby, &[2]), "it is the other one");
    assert!(!would_act(Site::Home, &[2]));
    assert!(!would_act(Site::Home, &[2, 31]));
    assert!(would_act(Site::Home, &[2, 31, 34]), "it only answers now and then");
}

#[test]
fn s5_a_run_is_taken_over_only_by_a_leader_who_knows_of_nobody_elses_claim() {
    let mut store = Store::default();
    let (_, _) = begun(&mut store);
    let mut two = Replica::leading("two");
    for _ in 0..3 {
        let read = two.desk.read(Mono(20_000)).into_iter().collect::<Vec<_>>();
        read.iter().for_each(|op| drop(two.hear(20, store.perform(op))));
    }
    assert!(two.desk.current());
    let id = two.id.clone();
    for (leads, alone, claims) in [(true, false, false), (false, true, false), (true, true, true)] {
        let seat = Seat { id: &id, now: now(20), leads };
        two.desk.take_over(&seat, alone, |ledger| ledger.epoch().next());
        assert_eq!(two.desk.settled(), !claims, "leads {leads}, alone {alone}");
    }
}

#[test]
fn s5_who_reads_something_new_is_not_current_before_there_is_nothing_more() {
    let mut store = Store::default();
    let (_, _) = begun(&mut store);
    let mut two = Replica::leading("two");
    let mut read = |secs: u64| {
        let op = two.desk.read(Mono(secs * 1_000)).unwrap();
        two.hear(secs, store.perform(&op));
        two.desk.current()
    };
    assert!(!read(1), "there may be more than an answer holds");
    assert!(read(1), "so it is read again at once");
}

#[test]
fn what_a_replica_saw_is_forgotten_when_somebody_else_wrote_first() {
    let mut store = Store::default();
    let (mut one, look) = begun(&mut store);
    one.desk.push(Record::Armed);
    let (ops, _) = one.turn(2);
    // A human's command wrote an entry under the same claim.
    let last = Entry::parse(1, store.0.last().unwrap()).unwrap();
    let prev = Entry::hash(store.0.last().unwrap());
    let record = Record::Paused { reason: "drill".into() };
    let seq = last.seq + 1;
    store.0.push(Entry { seq, prev, records: vec![record], ..last }.bytes());
    let (read, _) = one.hear(2, store.perform(&ops[0]));
    one.hear(2, store.perform(&read[0]));
    assert!(one.desk.ledger().paused.is_some() && !one.desk.awaits(&look.slot));
}

#[test]
fn an_entry_that_claims_stands_under_the_claim_that_it_makes() {
    let mut store = Store::default();
    begun(&mut store);
    let first = Entry::parse(1, &store.0[0]).unwrap();
    assert_eq!(first.claim, Some(claim(1, "shop-1-failover")));
}
