//! The lease's two properties, over whole histories of several replicas.
//!
//! Safety: the intervals of true time in which `leads()` is `Some` never overlap between replicas,
//! whatever is delayed, lost, doubled in doubt, paused or restarted; wall clocks jump; clocks start
//! anywhere and run at the same rate, or at rates that differ by less than `duration /
//! renew_deadline`. Liveness: once faults stop, somebody leads within 60 s, and nobody else for as
//! long as nothing happens.

use proptest::prelude::*;

use super::world::{End, Event, Fate, Script, What, World};

const FAULTS_MS: u64 = 180_000;
const SETTLED_MS: u64 = FAULTS_MS + 60_000;
const END_MS: u64 = SETTLED_MS + 120_000;

fn fate() -> impl Strategy<Value = Fate> {
    let delay = || prop_oneof![4 => 1u64..200, 2 => 200u64..4_000, 1 => 4_000u64..25_000];
    let end = prop_oneof![
        6 => Just(End::Answered),
        1 => Just(End::RequestLost),
        2 => Just(End::ReplyLost),
        2 => Just(End::Reset),
        1 => Just(End::Throttled),
    ];
    (delay(), delay(), end).prop_map(|(request_ms, reply_ms, end)| Fate {
        request_ms,
        reply_ms,
        end,
    })
}

fn event() -> impl Strategy<Value = Event> {
    let what = prop_oneof![
        4 => (100u64..40_000).prop_map(What::Pause),
        1 => Just(What::Restart),
        1 => Just(What::Stop),
        1 => (-1_000_000_000i64..1_000_000_000).prop_map(What::WallJump),
    ];
    (0..FAULTS_MS, 0usize..4, what).prop_map(|(at, replica, what)| Event { at, replica, what })
}

fn script(rates: std::ops::RangeInclusive<u64>) -> impl Strategy<Value = Script> {
    (
        prop::collection::vec((rates, 0u64..1_000_000), 2..5),
        prop::collection::vec(fate(), 1..60),
        prop::collection::vec(event(), 0..12),
    )
        .prop_map(|(clocks, fates, events)| Script {
            clocks,
            fates,
            events,
            faults_until: FAULTS_MS,
        })
}

/// Quick answers, nobody disturbed.
fn calm(replicas: usize) -> Script {
    Script {
        clocks: (0..replicas as u64).map(|n| (100, n * 77_777)).collect(),
        fates: Vec::new(),
        events: Vec::new(),
        faults_until: 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn never_two_believe_and_somebody_leads_once_faults_stop(script in script(100..=100)) {
        let mut world = World::new(script);
        world.run(SETTLED_MS).map_err(TestCaseError::fail)?;
        let leader = world.leader(SETTLED_MS);
        prop_assert!(leader.is_some(), "nobody leads: {:?}", world.believers);
        let changes = world.believers.len();
        world.run(END_MS).map_err(TestCaseError::fail)?;
        prop_assert_eq!(world.believers.len(), changes, "the lead changed hands in peace");
        prop_assert_eq!(world.leader(END_MS), leader);
    }

    #[test]
    fn never_two_believe_though_clocks_differ_by_up_to_two_fifths(script in script(100..=140)) {
        let mut world = World::new(script);
        world.run(SETTLED_MS).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn in_peace_one_leads_from_the_start() {
    let mut world = World::new(calm(3));
    world.run(600_000).unwrap();
    let names: Vec<_> = world.believers.iter().map(|(_, name)| name.as_deref()).collect();
    assert_eq!(names, [None, Some("r0.1")]);
}

#[test]
fn a_leader_paused_for_longer_than_the_lease_is_replaced_in_15_to_20_s() {
    let mut script = calm(2);
    script.faults_until = 200_000;
    script.events = vec![Event { at: 50_000, replica: 0, what: What::Pause(100_000) }];
    let mut world = World::new(script);
    world.run(300_000).unwrap();
    let taken = world.believers.iter().find(|(_, name)| name.as_deref() == Some("r1.1"));
    let taken = taken.expect("the other took over").0;
    assert!((63_000..70_000).contains(&taken), "{taken}");
    assert_eq!(world.leader(300_000).as_deref(), Some("r1.1"), "the old one follows");
}

#[test]
fn a_clean_stop_hands_over_within_one_retry() {
    let mut script = calm(2);
    script.faults_until = 100_000;
    script.events = vec![Event { at: 50_000, replica: 0, what: What::Stop }];
    let mut world = World::new(script);
    world.run(60_000).unwrap();
    let taken = world.believers.iter().find(|(_, name)| name.as_deref() == Some("r1.1"));
    assert!(taken.expect("handed over").0 <= 52_100, "{:?}", world.believers);
}

/// The checker must be able to fail: with a machine that trusted its claim for as long as others
/// wait, a pause is enough for two believers. Shown by giving the others a quicker clock than the
/// promise allows.
#[test]
fn the_checker_sees_two_believers_when_the_promise_is_broken() {
    let mut script = calm(2);
    script.clocks = vec![(100, 0), (200, 0)];
    script.faults_until = 200_000;
    script.events = vec![Event { at: 50_000, replica: 0, what: What::Pause(30_000) }];
    let broken = World::new(script).run(200_000).unwrap_err();
    assert!(broken.contains("both believe"), "{broken}");
}
