//! The harness with scripted replicas: order, time, losses, crashes, pauses, sameness.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bowline_core::model::{Cluster, WorkloadKind, WorkloadRef};
use bowline_core::op::{Answer, CallId, KubeOp, StoreOp};

use bowline_core::model::Span;
use bowline_core::op::{Fault, Op};

use super::*;
use crate::faults::{Rates, Reach, Trouble};
use crate::kube::{ClusterSpec, KubeCluster, WorkloadSpec};
use crate::store::Condition;

/// What a scripted replica went through.
#[derive(Clone, Debug, PartialEq)]
enum Heard {
    Woken(Now),
    Reply(Now, u64, Result<Answer, Fault>),
    Policies(usize),
    Stopped,
}

type Diary = Rc<RefCell<Vec<(usize, u32, Heard)>>>;

/// Sends its calls at their times, and writes down what it hears.
struct Script {
    who: (usize, u32),
    calls: Vec<(Mono, Op)>,
    sent: u64,
    diary: Diary,
}

impl Replica for Script {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Call>) {
        let heard = match input {
            Input::Wake => Heard::Woken(now),
            Input::Reply { id, result } => Heard::Reply(now, id.0, result),
            Input::Policies(all) => Heard::Policies(all.len()),
            Input::Stop => Heard::Stopped,
        };
        self.diary.borrow_mut().push((self.who.0, self.who.1, heard));
        while let Some((_, op)) = self.calls.first().filter(|(at, _)| *at <= now.mono) {
            let (op, deadline) = (op.clone(), now.mono + Span::secs(10));
            out.push(Call { id: CallId(self.sent), deadline, op });
            self.sent += 1;
            self.calls.remove(0);
        }
    }

    fn wake_at(&self) -> Option<Mono> {
        self.calls.first().map(|(at, _)| *at)
    }
}

fn group() -> GroupName {
    "shop".into()
}

fn append(seq: u64) -> Op {
    Op::Store(StoreOp::Append { group: group(), seq, bytes: format!("{seq}").into() })
}

fn home() -> Cluster {
    Cluster::Context("home".into())
}

fn ready() -> Op {
    Op::Kube(home(), KubeOp::Ready)
}

fn secs(n: u64) -> Mono {
    Mono(n * 1_000)
}

fn world() -> World {
    let object = WorkloadRef {
        kind: WorkloadKind::Deployment,
        namespace: "shop".into(),
        name: "web".into(),
    };
    let web = WorkloadSpec { object, replicas: 3, cpu: 1_000, claims_volumes: false };
    let spec =
        ClusterSpec { floor: 2, floor_cpu: 4_000, workloads: vec![web], ..Default::default() };
    let mut world = World::default();
    let kube = KubeCluster::new(&spec, &mut fastrand::Rng::with_seed(0));
    world.add_cluster(home(), "eu-west-1".into(), kube);
    world
}

/// As many seats as scripts; who crashes starts with the same script, from then on.
fn simulation(seed: u64, scripts: Vec<Vec<(Mono, Op)>>) -> (Simulation<Script>, Diary) {
    let diary = Diary::default();
    let (seats, theirs) = (scripts.len(), Rc::clone(&diary));
    let recruit = Box::new(move |seat: usize, incarnation| Script {
        who: (seat, incarnation),
        calls: scripts[seat].clone(),
        sent: 0,
        diary: Rc::clone(&theirs),
    });
    (Simulation::new(world(), Vec::new(), seed, seats, recruit), diary)
}

fn replies(diary: &Diary) -> Vec<(u64, Result<Answer, Fault>)> {
    let diary = diary.borrow();
    let replies = diary.iter().filter_map(|(_, _, heard)| match heard {
        Heard::Reply(_, id, result) => Some((*id, result.clone())),
        _ => None,
    });
    replies.collect()
}

fn spell(from: Mono, until: Option<Mono>, trouble: Trouble) -> Spell {
    Spell { from, until, trouble }
}

fn all_lost_after() -> Trouble {
    Trouble::Calls(Rates { lost_after: 1_000, ..Rates::default() })
}

#[test]
fn a_call_takes_time_there_has_its_effect_and_takes_time_back() {
    let (mut sim, diary) = simulation(1, vec![vec![(secs(1), append(1))]]);
    assert_eq!(diary.borrow()[0].2, Heard::Policies(0), "first of all it learns its policies");
    sim.run_until(secs(1));
    assert_eq!(sim.in_flight(), 1);
    assert!(sim.world.store.chain(&group()).is_empty(), "not there yet");
    sim.run_until(secs(2));
    assert_eq!(sim.world.store.chain(&group()), [Arc::from("1")]);
    let diary = diary.borrow();
    let Heard::Reply(at, 0, Ok(Answer::Ok)) = &diary[2].2 else { panic!("{diary:?}") };
    assert!(at.mono > secs(1) && at.mono <= Mono(1_012));
    assert_eq!((sim.in_flight(), sim.now().mono), (0, secs(2)));
}

#[test]
fn s5_of_two_replicas_one_gets_the_name() {
    for seed in 0..20 {
        let script = vec![(secs(1), append(1))];
        let (mut sim, diary) = simulation(seed, vec![script.clone(), script]);
        sim.run_until(secs(2));
        let won = replies(&diary).iter().filter(|(_, result)| result.is_ok()).count();
        assert_eq!((won, sim.world.store.chain(&group()).len()), (1, 1));
    }
}

#[test]
fn the_same_seed_gives_the_same_story_to_the_last_reply() {
    let story = |seed| {
        let script: Vec<_> = (1..50).map(|n| (secs(n), append(n))).collect();
        let (mut sim, diary) = simulation(seed, vec![script.clone(), script]);
        let rates = Rates {
            lost_before: 100,
            lost_after: 100,
            throttled: 50,
            transient: 50,
            twice: 100,
            delayed: 300,
            delay: Span::secs(2),
            ..Rates::default()
        };
        sim.plan(spell(secs(5), Some(secs(40)), Trouble::Calls(rates)));
        sim.plan(spell(secs(20), Some(secs(22)), Trouble::Crashed(1)));
        sim.run_until(secs(60));
        (sim.digest(), sim.steps(), diary.take())
    };
    let (one, same, other) = (story(11), story(11), story(12));
    assert_eq!(one, same);
    assert_ne!(one.0, other.0);
}

#[test]
fn s6_a_lost_reply_means_that_it_may_have_happened() {
    let mut silent = 0;
    for seed in 0..20 {
        let (mut sim, diary) = simulation(seed, vec![vec![(secs(1), append(1))]]);
        sim.plan(spell(Mono(0), None, all_lost_after()));
        sim.run_until(secs(30));
        assert_eq!(sim.world.store.chain(&group()).len(), 1, "it did happen");
        match &replies(&diary)[..] {
            [] => silent += 1,
            [(0, Err(Fault::Unknown(_)))] => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(sim.in_flight(), 0);
    }
    assert!(0 < silent && silent < 20, "some are noticed, some are not: {silent}");
}

#[test]
fn a_call_lost_on_the_way_there_has_no_effect() {
    let (mut sim, _) = simulation(1, vec![vec![(secs(1), append(1))]]);
    let rates = Rates { lost_before: 1_000, ..Rates::default() };
    sim.plan(spell(Mono(0), None, Trouble::Calls(rates)));
    sim.run_until(secs(5));
    assert!(sim.world.store.chain(&group()).is_empty());
}

#[test]
fn a_reply_may_come_twice_and_calls_may_overtake_each_other() {
    let script: Vec<_> = (0..20).map(|n| (Mono(1_000 + n), ready())).collect();
    let (mut sim, diary) = simulation(5, vec![script]);
    let rates = Rates { twice: 300, delayed: 500, delay: Span::secs(1), ..Rates::default() };
    sim.plan(spell(Mono(0), None, Trouble::Calls(rates)));
    sim.run_until(secs(10));
    let ids: Vec<u64> = replies(&diary).into_iter().map(|(id, _)| id).collect();
    assert!(ids.len() > 20, "{ids:?}");
    assert!(!ids.is_sorted(), "{ids:?}");
    assert_eq!(sim.in_flight(), 0);
}

#[test]
fn a_crashed_replica_forgets_and_hears_nothing_of_what_it_asked() {
    let (mut sim, diary) = simulation(1, vec![vec![(secs(1), append(1))]]);
    sim.plan(spell(Mono(1_001), Some(secs(5)), Trouble::Crashed(0)));
    sim.run_until(secs(4));
    assert!(sim.replica(0).is_none());
    assert!(replies(&diary).is_empty());
    assert_eq!(sim.world.store.chain(&group()).len(), 1, "its call went on without it");
    sim.run_until(secs(6));
    let told = (0, 1, Heard::Policies(0));
    assert!(diary.borrow().contains(&told), "a new one sits in its seat");
    assert!(matches!(replies(&diary)[..], [(0, Err(Fault::Conflict(_)))]));
}

#[test]
fn a_paused_replica_goes_on_with_what_it_believed() {
    let script = vec![(secs(1), append(1)), (secs(3), append(2))];
    let (mut sim, diary) = simulation(1, vec![script]);
    sim.plan(spell(Mono(1_001), Some(secs(60)), Trouble::Paused(0)));
    sim.run_until(secs(59));
    assert!(replies(&diary).is_empty());
    assert_eq!(sim.world.store.chain(&group()).len(), 1);
    sim.run_until(secs(61));
    let diary = diary.borrow();
    let last: Vec<_> = diary.iter().skip(2).map(|(_, _, heard)| heard).collect();
    let Heard::Reply(at, 0, _) = last[0] else { panic!("{last:?}") };
    assert_eq!(at.mono, secs(60), "the old reply first");
    assert_eq!(sim.world.store.chain(&group()).len(), 2);
}

#[test]
fn a_skewed_clock_shows_in_wall_time_only() {
    let (mut sim, diary) = simulation(1, vec![vec![(secs(2), ready())]]);
    sim.plan(spell(secs(1), None, Trouble::Skewed(0, -90_000)));
    sim.run_until(secs(2));
    let woken = diary.borrow().iter().find_map(|(_, _, heard)| match heard {
        Heard::Woken(now) => Some(*now),
        _ => None,
    });
    let now = woken.unwrap();
    assert_eq!(now.mono, secs(2));
    assert_eq!(now.wall, part::wall(secs(2)) - Span::secs(90));
}

#[test]
fn a_clock_that_drifts_wakes_its_replica_by_its_own_time() {
    let (mut sim, diary) = simulation(1, vec![vec![(secs(101), ready())]]);
    sim.plan(spell(secs(1), None, Trouble::Drifts(0, 1_000)));
    sim.run_until(secs(102));
    let woken = diary.borrow().iter().find_map(|(_, _, heard)| match heard {
        Heard::Woken(now) => Some(*now),
        _ => None,
    });
    let early = part::wall(Mono(100_901));
    assert_eq!(woken.unwrap(), Now { mono: secs(101), wall: early }, "the wall clock is right");
}

#[test]
fn who_looks_on_is_told_of_a_deadline_as_the_world_counts() {
    #[derive(Default)]
    struct Waits(Rc<RefCell<Vec<Span>>>);
    impl Watch for Waits {
        fn seen(&mut self, at: Now, _: &World, event: &Event<'_>) {
            if let Event::Sent { call, .. } = event {
                self.0.borrow_mut().push(call.deadline.since(at.mono));
            }
        }
    }
    let (mut sim, _) = simulation(1, vec![vec![(secs(2_000), ready())]]);
    let waits = Waits::default();
    let told = Rc::clone(&waits.0);
    sim.watch(Box::new(waits));
    // By then its clock is half a minute ahead, and runs as it should.
    sim.plan(spell(Mono(0), Some(secs(1_500)), Trouble::Drifts(0, 20_000)));
    sim.run_until(secs(2_001));
    assert_eq!(*told.borrow(), [Span::secs(10)]);
}

#[test]
fn a_dead_region_answers_nothing_and_goes_on_afterwards() {
    let script = vec![(secs(1), ready()), (secs(5), ready()), (secs(40), ready())];
    let (mut sim, diary) = simulation(1, vec![script]);
    let dead = Trouble::RegionDead("eu-west-1".into());
    sim.plan(spell(secs(3), Some(secs(30)), dead));
    sim.run_until(secs(60));
    let ids: Vec<u64> = replies(&diary).into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [0, 2]);
}

#[test]
fn a_call_that_was_on_its_way_when_the_cut_came_gets_no_answer() {
    let (mut sim, diary) = simulation(1, vec![vec![(secs(1), append(1))]]);
    let cut = Trouble::Cut { seat: Some(0), from: Reach::Management };
    sim.plan(spell(Mono(1_001), None, cut));
    sim.run_until(secs(30));
    assert_eq!(sim.world.store.chain(&group()).len(), 1);
    assert!(replies(&diary).is_empty());
}

#[test]
fn a_full_store_takes_nothing_until_it_has_room_again() {
    let (mut sim, diary) = simulation(1, vec![vec![(secs(1), append(1)), (secs(9), append(1))]]);
    sim.plan(spell(Mono(0), Some(secs(5)), Trouble::Store(Condition::Full)));
    sim.run_until(secs(10));
    let all = replies(&diary);
    assert!(matches!(all[..], [(0, Err(Fault::Transient(_))), (1, Ok(Answer::Ok))]));
}

#[test]
fn humans_create_intents_when_they_planned_to() {
    let (mut sim, _) = simulation(1, vec![vec![]]);
    sim.plan_intent(secs(7), group(), "ada", "{}");
    sim.run_until(secs(6));
    assert!(sim.world.store.intents().is_empty());
    sim.run_until(secs(7));
    assert_eq!(sim.world.store.intents()[0].by, "ada");
}

#[test]
fn a_replica_that_wants_to_be_woken_in_the_past_does_not_stop_time() {
    struct Eager(u64);
    impl Replica for Eager {
        fn handle(&mut self, _: Now, _: Input, _: &mut Vec<Call>) {
            self.0 += 1;
        }
        fn wake_at(&self) -> Option<Mono> {
            Some(Mono(0))
        }
    }
    let recruit = Box::new(|_, _| Eager(0));
    let mut sim = Simulation::new(World::default(), Vec::new(), 1, 1, recruit);
    sim.run_until(secs(1));
    assert_eq!(sim.now().mono, secs(1));
    assert!(sim.replica(0).is_some_and(|eager| (900..1_100).contains(&eager.0)));
}

#[test]
fn running_while_something_holds_stops_as_soon_as_it_does_not() {
    let (mut sim, _) = simulation(1, vec![vec![(secs(1), append(1)), (secs(5), append(2))]]);
    let stored = |sim: &Simulation<Script>| sim.world.store.chain(&group()).len();
    assert!(sim.run_while(secs(60), |sim| stored(sim) < 1));
    assert!(sim.now().mono < secs(2));
    assert!(!sim.run_while(secs(60), |sim| stored(sim) < 3));
    assert_eq!(sim.now().mono, secs(60));
    assert_eq!(sim.step(), None, "nothing is left to happen");
}

#[test]
fn a_clean_stop_is_handed_over() {
    let (mut sim, diary) = simulation(1, vec![vec![]]);
    sim.hand(0, Input::Stop);
    assert_eq!(diary.borrow().last().map(|(_, _, heard)| heard.clone()), Some(Heard::Stopped));
}

/// Writes down what it sees.
#[derive(Default)]
struct Lookout(Rc<RefCell<Vec<String>>>);

impl Watch for Lookout {
    fn seen(&mut self, _: Now, world: &World, event: &Event<'_>) {
        let line = match event {
            Event::Sent { seat, .. } => format!("sent by {seat}"),
            Event::Performed { op, result, .. } => {
                format!("performed {} {}", digest::op_class(op), result.is_ok())
            }
            Event::News(News::Stored(group, seq)) => {
                format!("stored {group} {seq} of {}", world.store.chain(group).len())
            }
            Event::Copied(op) => format!("copied {}", digest::op_class(op)),
            Event::News(news) => format!("{news:?}"),
            Event::Began(trouble) => format!("began {trouble:?}"),
            Event::Heard { .. } => "heard".into(),
            Event::Ended(_) => "ended".into(),
        };
        self.0.borrow_mut().push(line);
    }
}

#[test]
fn a_call_that_is_sent_twice_is_performed_twice_and_said_to_be() {
    let (mut sim, _) = simulation(1, vec![vec![(secs(1), append(1))]]);
    let lines = Rc::new(RefCell::new(Vec::new()));
    sim.watch(Box::new(Lookout(Rc::clone(&lines))));
    let copied = Rates { copied: 1_000, ..Rates::default() };
    sim.plan(spell(secs(0), None, Trouble::Calls(copied)));
    sim.run_until(secs(9));
    let lines = lines.borrow();
    let count = |line: &str| lines.iter().filter(|seen| *seen == line).count();
    let seen = [count("copied 1"), count("performed 1 true"), count("performed 1 false")];
    assert_eq!(seen, [1, 1, 1], "the second finds the name taken: {lines:?}");
}

#[test]
fn those_who_look_on_see_what_happens_in_the_world_in_its_order() {
    let (mut sim, _) = simulation(1, vec![vec![(secs(1), append(1)), (secs(2), append(9))]]);
    let lines = Rc::new(RefCell::new(Vec::new()));
    sim.watch(Box::new(Lookout(Rc::clone(&lines))));
    sim.plan(spell(secs(4), Some(secs(5)), Trouble::Blind));
    sim.run_until(secs(6));
    let seen = lines.borrow();
    let expected = [
        "sent by 0",
        "performed 1 true",
        "stored shop 1 of 1",
        "heard",
        "sent by 0",
        "performed 1 false",
        "heard",
        "began Blind",
        "ended",
    ];
    assert_eq!(*seen, expected);
    drop(seen);
    assert_eq!(sim.unwatch().len(), 1);
}

#[test]
fn looking_on_changes_nothing() {
    let story = |watched: bool| {
        let (mut sim, _) = simulation(3, vec![vec![(secs(1), append(1))]]);
        if watched {
            sim.watch(Box::new(Lookout::default()));
        }
        sim.run_until(secs(3));
        sim.digest()
    };
    assert_eq!(story(true), story(false));
}

/// Kills the sender of the first of two appends on this side of it.
fn struck(side: Side) -> (Simulation<Script>, Diary) {
    let script = vec![(secs(1), append(1)), (secs(30), append(2))];
    let (mut sim, diary) = simulation(1, vec![script]);
    sim.log_arrivals();
    sim.plan_strike(Strike { nth: 1, side, comes_to: None, away: Span::mins(1) });
    (sim, diary)
}

#[test]
fn who_dies_before_a_call_leaves_the_world_as_it_was() {
    let (mut sim, diary) = struck(Side::Before);
    sim.run_until(secs(10));
    assert!(sim.struck() && sim.replica(0).is_none());
    assert!(sim.world.store.chain(&group()).is_empty() && sim.arrivals().is_empty());
    sim.run_until(secs(70));
    assert!(sim.replica(0).is_some_and(|replica| replica.who == (0, 1)), "somebody new sits there");
    assert!(replies(&diary).len() <= 2, "the first one heard nothing");
}

#[test]
fn who_dies_after_a_call_has_changed_the_world_and_does_not_hear_of_it() {
    let (mut sim, diary) = struck(Side::After);
    sim.run_until(secs(10));
    assert!(sim.struck() && sim.replica(0).is_none());
    assert_eq!(sim.world.store.chain(&group()).len(), 1);
    assert!(replies(&diary).is_empty());
    let [arrival] = sim.arrivals() else { panic!("{:?}", sim.arrivals()) };
    assert_eq!((arrival.nth, arrival.seat, &arrival.result), (1, 0, &Some(Ok(()))));
}

#[test]
fn a_call_of_the_dead_that_was_held_up_changes_the_world_later() {
    let (mut sim, _) = struck(Side::Late(Span::secs(20)));
    sim.run_until(secs(20));
    assert!(sim.struck() && sim.replica(0).is_none());
    assert!(sim.world.store.chain(&group()).is_empty(), "it is still on its way");
    sim.run_until(secs(22));
    assert_eq!(sim.world.store.chain(&group()).len(), 1);
}

#[test]
fn a_call_comes_to_what_is_planned_and_its_sender_dies_of_it() {
    let faults = [(SpoilTrouble::Conflict, 0), (SpoilTrouble::LostAfter, 1)];
    let faults = faults.map(|(fault, had)| (Some(fault), had));
    for (comes_to, had) in faults.into_iter().chain([(None, 1)]) {
        for (side, heard) in [(Side::After, 0), (Side::Heard, 1)] {
            let (mut sim, diary) = struck(side);
            sim.plan_strike(Strike { nth: 1, side, comes_to, away: Span::mins(1) });
            sim.run_until(secs(10));
            assert!(sim.struck() && sim.replica(0).is_none(), "{comes_to:?} {side:?}");
            assert_eq!(sim.world.store.chain(&group()).len(), had, "{comes_to:?} {side:?}");
            assert_eq!(replies(&diary).len(), heard, "{comes_to:?} {side:?}");
        }
    }
}

#[test]
fn a_strike_that_never_comes_due_is_known() {
    let (mut sim, _) = simulation(1, vec![vec![(secs(1), append(1))]]);
    sim.plan_strike(Strike { nth: 2, side: Side::Before, comes_to: None, away: Span::secs(1) });
    sim.run_until(secs(9));
    assert!(!sim.struck() && sim.replica(0).is_some());
}
