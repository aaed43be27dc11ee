//! Every scenario, with a few seeds: every promise held, and the application at home.

use bowline_core::policy::examples;
use bowline_core::run::Ended as RunEnded;

use super::{Ended, SCENARIOS, Stage, find};

/// Plays a scenario to its end.
fn play(name: &str, seed: u64) -> Stage {
    let mut stage = Stage::new(find(name).unwrap(), &examples::shop(), seed);
    stage.play();
    stage
}

/// Plays a scenario and insists on a good end.
fn good(name: &str, seed: u64) {
    let document = play(name, seed).document();
    assert!(document.good(), "{name} {seed}: {:?} {:?}", document.ended, document.broken);
    let moved = document.runs.iter().filter(|run| run.ended == Some(RunEnded::Moved)).count();
    let moves = find(name).unwrap().moves;
    assert_eq!(moved > 0, moves, "{name} {seed}: {moved} runs moved the application");
    assert_eq!(document.leftovers.is_empty(), !moves);
    if !moves {
        assert!(document.users.iter().all(|users| users.reads_failed_ms == 0));
        assert!(!document.decision[0].is_empty(), "the reason is told");
    }
}

macro_rules! scenarios {
    ($($test:ident: $name:literal,)*) => {$(
        #[test]
        fn $test() {
            (1..=2).for_each(|seed| good($name, seed));
        }
    )*};
}

scenarios! {
    l2_a_lost_region_is_left_and_come_home_to: "region-lost",
    s6_a_leader_lost_in_the_promotion_changes_nothing: "leader-lost",
    l2_lost_targets_are_left_and_come_home_to: "targets-lost",
    l2_a_lost_database_is_left_and_come_home_to: "database-lost",
    s10_a_late_yes_is_waited_for: "approve",
    l2_a_switchover_loses_nothing_and_comes_home: "switchover",
    s7_two_groups_share_what_they_hold: "two-groups",
    s4_silent_apis_move_nothing: "apis-lost",
    s4_a_partition_moves_nothing: "partition",
    s4_one_red_kind_moves_nothing: "one-kind-red",
    s4_unknown_moves_nothing: "all-unknown",
    s4_bowline_cut_off_moves_nothing: "cut-off",
}

#[test]
fn every_scenario_is_played_above() {
    let source = include_str!("tests.rs");
    for scenario in &SCENARIOS {
        assert!(source.contains(&format!("\"{}\",", scenario.name)), "{}", scenario.name);
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let digests = [1, 1, 2].map(|seed| play("region-lost", seed).simulation.digest());
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
}

#[test]
fn a_story_that_is_not_over_does_not_end_at_home() {
    let mut stage = Stage::new(find("region-lost").unwrap(), &examples::shop(), 1);
    let mut told = Vec::new();
    while stage.ledgers().values().all(|l| l.active == bowline_core::model::Site::Home) {
        assert!(stage.step(&mut told), "it never moved");
    }
    assert_eq!(stage.ended(), Ended::Standby);
    assert!(!stage.document().good());
}
