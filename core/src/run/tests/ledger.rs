//! What records mean for a group.

use super::super::{Departure, Ended, Intent, Ledger, Phase, Record, Refusal, StepState, Trigger};
use super::{Book, opened, started};
use crate::capacity::Release;
use crate::model::{ObjectRef, RunId, Site, Wall, WorkloadRef};
use crate::plan::{Effect, Plan, PlanKind, Undo, failover, unwind};
use crate::step::{Held, Hold, HoldId, Mark, Outputs};
use crate::testing::{Ground, claim};

fn hold(wants: u32) -> Hold {
    let workload = WorkloadRef {
        kind: crate::model::WorkloadKind::Deployment,
        namespace: "shop".into(),
        name: "web".into(),
    };
    let ground = Ground::shop();
    Hold {
        id: HoldId::object(Site::Standby, &ObjectRef::Workload(workload.clone())),
        site: Site::Standby,
        held: Held::Workload {
            cluster: ground.policy.standby.cluster.clone(),
            workload,
            baseline: 0,
            wants,
        },
    }
}

fn done(step: &str) -> Record {
    let (outputs, note) = (Outputs::new(), String::new());
    Record::Done { step: step.into(), outputs, note, unknown: false }
}

fn shop_failover() -> Book {
    let ground = Ground::shop();
    Book::moving(failover(&ground.survey(Site::Home)).unwrap())
}

/// A failback that was opened while a hold of the failover before stands.
fn failback_behind_a_hold() -> Book {
    let mut book = shop_failover();
    book.write(vec![started("start.shop.web", Some(hold(12)))]);
    book.write(vec![Record::Closed { ended: Ended::Moved }]);
    book.write(vec![
        Record::Claimed { claim: claim(2, "r2"), by: "a".into() },
        opened(PlanKind::Failback, Site::Standby),
    ]);
    book
}

#[test]
fn s7_a_release_that_was_begun_and_cut_off_is_undone_as_one_that_was_done() {
    let mut book = shop_failover();
    book.write(vec![started("start.shop.web", Some(hold(12))), done("start.shop.web")]);
    book.write(vec![Record::Closed { ended: Ended::Moved }]);
    let release = Effect::Release(Release::of(hold(12)));
    let mut step = book.ledger.run.as_ref().unwrap().steps["start.shop.web"].step.clone();
    (step.effect, step.needs) = (release, Vec::new());
    step.marks = vec![Mark::Released(hold(12).id)];
    let steps = [("release".into(), step)].into_iter().collect();
    let plan = Plan { kind: PlanKind::Failback, from: Site::Standby, to: Site::Home, steps };
    book.write(vec![
        Record::Claimed { claim: claim(2, "r2"), by: "a".into() },
        opened(PlanKind::Failback, Site::Standby),
        Record::Planned { plan: Box::new(plan), moves: true },
    ]);
    assert_eq!(book.ledger.undo(), [], "nothing was called yet");
    book.write(vec![started("release", None)]);
    assert_eq!(book.ledger.undo(), [Undo::Restore(hold(12))], "it may be free by now");
    let mut touched = Book { entries: book.entries.clone(), ledger: book.ledger.clone() };
    touched.write(vec![started("quiesce.shop.web", Some(hold(12)))]);
    assert_eq!(touched.ledger.undo(), [Undo::Restore(hold(12))], "touched, and as it was");
    touched.write(vec![started("quiesce.shop.web", Some(hold(3)))]);
    assert_eq!(touched.ledger.undo(), [Undo::Restore(hold(12))], "once");
    book.write(vec![done("release")]);
    assert!(book.ledger.holds.is_empty());
    assert_eq!(book.ledger.undo(), [Undo::Restore(hold(12))]);
}

#[test]
fn an_instance_that_was_renamed_twice_is_one_leftover() {
    let mut book = shop_failover();
    book.write(vec![Record::Closed { ended: Ended::Moved }]);
    let step = book.ledger.run.as_ref().unwrap().steps["start.shop.web"].step.clone();
    let rename = |name: &str, resource: &str| {
        let (site, instance, resource) = (Site::Home, name.into(), resource.into());
        let marks = vec![Mark::Renamed { site, instance, resource }];
        (name.into(), crate::plan::Step { needs: Vec::new(), marks, ..step.clone() })
    };
    let steps = [rename("old-1", "db-home"), rename("old-2", "db-home"), rename("old-3", "db-b")];
    let steps = steps.into_iter().collect();
    let plan = Plan { kind: PlanKind::Failback, from: Site::Standby, to: Site::Home, steps };
    book.write(vec![
        Record::Claimed { claim: claim(2, "r2"), by: "a".into() },
        opened(PlanKind::Failback, Site::Standby),
        Record::Planned { plan: Box::new(plan), moves: true },
    ]);
    book.write(vec![done("old-1"), done("old-2"), done("old-3")]);
    let left: Vec<_> = book.ledger.leftovers.iter().map(|left| left.instance.as_str()).collect();
    assert_eq!(left, ["old-1", "old-3"]);
}

#[test]
fn replaying_the_bytes_gives_the_same_state() {
    let mut book = shop_failover();
    book.write(vec![started("start.shop.web", Some(hold(12)))]);
    book.write(vec![done("start.shop.web"), done("claim.gaining")]);
    let chain = (1..).zip(book.entries.iter().map(|bytes| &**bytes));
    assert_eq!(Ledger::replay(chain).unwrap(), book.ledger);
}

#[test]
fn s6_the_started_of_what_cannot_be_undone_is_the_point_of_no_return() {
    let mut book = shop_failover();
    book.write(vec![started("fence", None)]);
    assert!(!book.ledger.run.as_ref().unwrap().committed);
    book.write(vec![started("promote", None)]);
    assert!(book.ledger.run.as_ref().unwrap().committed);
}

#[test]
fn s6_what_cannot_be_undone_and_was_found_done_is_the_point_of_no_return_too() {
    let mut book = shop_failover();
    let (outputs, note) = (crate::step::Outputs::new(), "no answer".to_owned());
    book.write(vec![Record::Done { step: "promote".into(), outputs, note, unknown: true }]);
    assert!(!book.ledger.run.as_ref().unwrap().committed, "nobody knows");
    book.write(vec![done("promote")]);
    assert!(book.ledger.run.as_ref().unwrap().committed);
}

#[test]
fn s7_a_hold_stands_from_its_started_until_it_is_released() {
    let mut book = shop_failover();
    book.write(vec![started("start.shop.web", Some(hold(12)))]);
    assert_eq!(book.ledger.holds.len(), 1);
    assert_eq!(book.ledger.undo(), [Undo::Release(hold(12))]);
    let plan = unwind(PlanKind::Failover, Site::Home, &book.ledger.undo(), &[]);
    let undo = plan.steps.keys().next().unwrap().clone();
    let why = "cancelled".to_owned();
    book.write(vec![
        Record::Unwinding { why: why.clone() },
        Record::Planned { plan: Box::new(plan), moves: false },
    ]);
    let run = book.ledger.run.as_ref().unwrap();
    assert!(run.steps.values().all(|step| step.state != StepState::Pending || step.open()));
    assert_eq!(run.runnable().count(), 1, "only what undoes can run");
    book.write(vec![done(undo.as_str()), Record::Closed { ended: Ended::Unwound(why.clone()) }]);
    assert!(book.ledger.holds.is_empty());
    assert_eq!(book.ledger.run.as_ref().unwrap().phase, Phase::Closed(Ended::Unwound(why)));
    assert!(book.ledger.busy_run().is_none());
}

#[test]
fn s7_a_hold_that_was_there_before_the_run_is_restored_not_released() {
    let mut book = failback_behind_a_hold();
    book.write(vec![started("quiesce.shop.web", Some(hold(0)))]);
    assert_eq!(book.ledger.undo(), [Undo::Restore(hold(12))]);
}

#[test]
fn marks_move_the_group_and_a_standing_step_outlives_its_run() {
    let mut book = shop_failover();
    assert_eq!(book.ledger.active, Site::Home);
    book.write(vec![done("promote"), done("shifted"), Record::Closed { ended: Ended::Moved }]);
    let ledger = &book.ledger;
    assert_eq!((ledger.active, ledger.writer), (Site::Standby, Some(Site::Standby)));
    assert!(ledger.quarantined.contains(&Site::Home), "its fence is not confirmed");
    assert!(ledger.busy_run().is_some() && ledger.open_run().is_none());
    book.write(vec![done("fence.standing")]);
    assert!(book.ledger.fenced.contains(&Site::Home));
    assert!(book.ledger.quarantined.is_empty());
}

#[test]
fn an_unknown_end_marks_nothing() {
    let mut book = shop_failover();
    let (outputs, note) = (Outputs::new(), "no answer".to_owned());
    book.write(vec![Record::Done { step: "fence".into(), outputs, note, unknown: true }]);
    assert!(book.ledger.fenced.is_empty());
    let run = book.ledger.run.as_ref().unwrap();
    assert_eq!(run.steps.get("fence").unwrap().state, StepState::Unknown);
    assert!(run.steps.get("fence").unwrap().ended(), "others may build on it");
}

#[test]
fn an_entry_out_of_order_leaves_the_ledger_as_it_was() {
    let mut book = shop_failover();
    let before = book.ledger.clone();
    let bytes = book.entries[0].clone();
    let expected = book.ledger.head + 1;
    for seq in [0, 1, 3] {
        let refused = book.ledger.apply(seq, &bytes).unwrap_err();
        let found = seq.max(1);
        assert_eq!(refused, super::super::BadEntry::OutOfOrder { expected, found });
        assert_eq!(book.ledger, before);
    }
    assert!(book.ledger.apply(2, "{}").is_err());
    assert_eq!(book.ledger, before);
}

#[test]
fn s8_an_automatic_failover_is_remembered_with_the_site_it_left_while_the_way_home_runs() {
    let mut book = Book::default();
    let ground = Ground::shop();
    let moves = |plan| Record::Planned { plan: Box::new(plan), moves: true };
    let failover = failover(&ground.survey(Site::Home)).unwrap();
    book.write(vec![
        Record::Claimed { claim: claim(1, "shop-1-failover"), by: "a".into() },
        opened(PlanKind::Failover, Site::Home),
        moves(failover),
        Record::Closed { ended: Ended::Moved },
    ]);
    let left =
        Some(Departure { at: book.ledger.run.as_ref().unwrap().opened_at, from: Site::Home });
    assert_eq!(book.ledger.last_automatic_failover, left);
    book.write(vec![
        Record::Claimed { claim: claim(2, "shop-2-failback"), by: "a".into() },
        opened(PlanKind::Failback, Site::Standby),
    ]);
    assert_eq!(book.ledger.run.as_ref().unwrap().kind, PlanKind::Failback);
    assert_eq!(book.ledger.last_automatic_failover, left);
}

#[test]
fn l1_a_failover_that_only_claimed_and_went_back_by_itself_does_not_ask_a_human_about_the_next() {
    let starts = |step| started(step, None);
    let cancel = Record::IntentTaken {
        uid: "1".into(),
        by: "anna".into(),
        intent: Some(Intent::Cancel { run: RunId::new("shop-2-failover") }),
        refused: None,
    };
    for (between, counts) in [
        (vec![], false),
        (vec![starts("claim.gaining")], false),
        (vec![starts("claim.gaining"), starts("fence")], true),
        (vec![cancel], true),
    ] {
        let mut book = Book::default();
        for (epoch, run) in [(1, "shop-1-failover"), (2, "shop-2-failover")] {
            let plan = Box::new(failover(&Ground::shop().survey(Site::Home)).unwrap());
            book.write(vec![
                Record::Claimed { claim: claim(epoch, run), by: "a".into() },
                opened(PlanKind::Failover, Site::Home),
                Record::Planned { plan, moves: true },
            ]);
        }
        let began = |book: &Book| book.ledger.run.as_ref().unwrap().opened_at;
        let first = book.ledger.run.as_ref().unwrap().failover_before.unwrap();
        assert!(first.at < began(&book));
        book.write(between);
        book.write(vec![Record::Unwinding { why: "outdated".into() }]);
        let last = if counts { began(&book) } else { first.at };
        assert_eq!(book.ledger.last_automatic_failover.map(|left| left.at), Some(last));
    }
}

#[test]
fn s8_a_failover_ordered_while_one_is_prepared_is_the_human_s() {
    let order = |refused| Record::IntentTaken {
        uid: "1".into(),
        by: "anna".into(),
        intent: Some(Intent::Failover {
            accept_loss: None,
            reason: "now".into(),
            break_glass: None,
        }),
        refused,
    };
    let plan = failover(&Ground::shop().survey(Site::Home)).unwrap();
    let anna = Trigger::Human { by: "anna".into(), reason: "now".into() };
    for (refused, trigger) in
        [(None, anna), (Some(Refusal::NotReady("no".into())), Trigger::Automatic)]
    {
        let mut book = Book::default();
        book.write(vec![
            Record::Claimed { claim: claim(1, "shop-1-failover"), by: "a".into() },
            opened(PlanKind::Failover, Site::Home),
        ]);
        let plan = Box::new(plan.clone());
        book.write(vec![order(refused), Record::Planned { plan, moves: true }]);
        assert_eq!(book.ledger.run.as_ref().unwrap().trigger, trigger);
        let automatic = trigger == Trigger::Automatic;
        assert_eq!(book.ledger.last_automatic_failover.is_some(), automatic);
    }
}

#[test]
fn s8_a_failover_that_was_ordered_counts_whatever_runs_after_it_unless_it_was_undone() {
    let human = || Trigger::Human { by: "anna".into(), reason: "now".into() };
    let ordered = |fault_at, then: Vec<Record>| {
        let mut book = Book::default();
        let plan = Box::new(failover(&Ground::shop().survey(Site::Home)).unwrap());
        let kind = PlanKind::Failover;
        book.write(vec![
            Record::Claimed { claim: claim(1, "shop-1-failover"), by: "a".into() },
            Record::Opened {
                kind,
                from: Site::Home,
                trigger: human(),
                fault_at,
                evidence: Vec::new(),
            },
            Record::Planned { plan, moves: true },
        ]);
        book.write(then);
        book.ledger.last_failover().map(|left| left.from)
    };
    let fault = Some(Wall(-1));
    let over = || vec![Record::Closed { ended: Ended::Moved }];
    let mut home = over();
    home.extend([
        Record::Claimed { claim: claim(2, "shop-2-failback"), by: "a".into() },
        opened(PlanKind::Failback, Site::Standby),
    ]);
    assert_eq!(ordered(fault, over()), Some(Site::Home));
    assert_eq!(ordered(fault, home), Some(Site::Home), "on its way home");
    assert_eq!(ordered(fault, vec![Record::Unwinding { why: "no".into() }]), None);
    assert_eq!(ordered(None, over()), None, "the site had not failed");
}

#[test]
fn s8_a_way_home_that_was_felt_or_cancelled_and_undone_is_remembered_until_traffic_moves() {
    let undone = |before: Vec<Record>, ended| {
        let mut book = failback_behind_a_hold();
        book.write(before);
        book.write(vec![Record::Closed { ended }]);
        book.ledger.failback_undone
    };
    let back = || Ended::Unwound("home is not fit".into());
    let cancelled = |run: &str| {
        let intent = Some(Intent::Cancel { run: run.into() });
        Record::IntentTaken { uid: "1".into(), by: "ann".into(), intent, refused: None }
    };
    let at_home = Hold { site: Site::Home, ..hold(12) };
    assert!(!undone(vec![], back()), "nobody noticed it");
    assert!(!undone(vec![started("start", Some(at_home))], back()), "home serves nobody");
    assert!(undone(vec![started("quiesce", Some(hold(0)))], back()), "users are at standby");
    assert!(!undone(vec![started("quiesce", Some(hold(0)))], Ended::Moved));
    assert!(undone(vec![cancelled("r2")], back()));
    assert!(!undone(vec![cancelled("r1")], back()), "that was another run");
    let mut book = failback_behind_a_hold();
    book.write(vec![cancelled("r2"), Record::Closed { ended: back() }]);
    let mut plan = failover(&Ground::shop().survey(Site::Standby)).unwrap();
    plan.steps.values_mut().for_each(|step| step.marks = vec![Mark::Active(Site::Home)]);
    let step = plan.steps.keys().next().unwrap().clone();
    book.write(vec![
        Record::Claimed { claim: claim(3, "r3"), by: "a".into() },
        opened(PlanKind::Failover, Site::Standby),
        Record::Planned { plan: Box::new(plan), moves: true },
    ]);
    assert!(book.ledger.failback_undone);
    book.write(vec![done(step.as_str())]);
    assert!(!book.ledger.failback_undone, "the traffic moved");
}

#[test]
fn s7_every_call_that_takes_a_hold_is_counted_until_it_is_let_go() {
    let mut book = shop_failover();
    let taken = |book: &mut Book| {
        book.write(vec![started("start.shop.web", Some(hold(12)))]);
        book.ledger.takings.get(&hold(12).id).copied()
    };
    assert_eq!([(); 3].map(|()| taken(&mut book)), [Some(1), Some(2), Some(3)]);
    book.ledger.holds.clear();
    assert_eq!(taken(&mut book), Some(1), "it was let go in between");
}

#[test]
fn a_workload_is_held_where_it_is_held() {
    let mut book = shop_failover();
    book.write(vec![started("start.shop.web", Some(hold(12)))]);
    let Hold { site, held: Held::Workload { workload, .. }, .. } = hold(12) else { panic!() };
    let other = WorkloadRef { name: "other".into(), ..workload.clone() };
    assert!(book.ledger.holds_workload(site, &workload));
    assert!(!book.ledger.holds_workload(site.other(), &workload));
    assert!(!book.ledger.holds_workload(site, &other));
}

#[test]
fn l2_a_hold_that_a_run_touched_and_left_as_it_was_is_not_undone() {
    let mut book = failback_behind_a_hold();
    book.write(vec![started("quiesce.shop.web", Some(hold(12)))]);
    assert_eq!(book.ledger.undo(), []);
}

#[test]
fn earlier_runs_are_remembered_by_how_they_ended() {
    let mut book = shop_failover();
    book.write(vec![Record::Closed { ended: Ended::Moved }]);
    assert_eq!(book.ledger.history, [], "the last one is still there itself");
    book.write(vec![
        Record::Claimed { claim: claim(2, "r2"), by: "a".into() },
        opened(PlanKind::Failback, Site::Standby),
    ]);
    assert_eq!(book.ledger.history, [("r1".into(), PlanKind::Failover, Ended::Moved)]);
}

#[test]
fn an_entry_counts_only_as_the_one_that_it_says_it_is() {
    let mut book = shop_failover();
    let next = book.entry(book.ledger.claim.clone(), vec![Record::Armed]);
    let wrong = super::super::Entry { seq: next.seq + 1, ..next.clone() };
    let before = book.ledger.clone();
    assert!(book.ledger.apply(next.seq, &wrong.bytes()).is_err(), "stored under another name");
    assert!(book.ledger.apply(next.seq + 1, &next.bytes()).is_err());
    assert_eq!(book.ledger, before);
    assert!(book.ledger.apply(next.seq, &next.bytes()).is_ok());
}
