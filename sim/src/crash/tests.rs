//! Every crash point of every case ends as if nobody had died.

use std::collections::BTreeSet;

use bowline_core::plan::EffectKind;
use bowline_core::policy::examples;

use crate::coverage::steps;

use super::*;

/// Plays all deaths of a case and insists on the same end of each.
fn same_end(name: &str) -> Table {
    let case = CASES.iter().find(|case| case.name == name).unwrap();
    let table = Table::of(case, &examples::shop(), None);
    let wrong: Vec<_> = table.wrong().map(|row| format!("{row:?}")).collect();
    assert!(wrong.is_empty() && table.unharmed.is_empty(), "{:?}\n{wrong:#?}", table.unharmed);
    for phase in case.phases.iter().filter(|phase| **phase != Phase::Obligations) {
        let here = table.rows.iter().filter(|row| row.point.phase == *phase);
        assert!(here.count() > 0, "{name}: nobody dies in {}", phase.word());
    }
    // Who takes over has watched all along, and needs nobody's word that was not needed before.
    let asked = table.rows.iter().find(|row| row.crew == Crew::Pair && !row.end.said.is_empty());
    assert!(asked.is_none(), "{asked:?}");
    println!("{name}: {} deaths", table.rows.len());
    table
}

macro_rules! cases {
    ($($test:ident: $name:literal,)*) => {$(
        #[test]
        fn $test() {
            same_end($name);
        }
    )*};
}

cases! {
    s6_a_failover_ends_the_same_whoever_dies: "failover",
    s6_a_failover_with_a_fence_ends_the_same_whoever_dies: "failover, home answers",
    s6_a_failback_after_failover_ends_the_same_whoever_dies: "failback after failover",
    s6_a_switchover_ends_the_same_whoever_dies: "switchover",
    s6_a_failback_after_switchover_ends_the_same_whoever_dies: "failback after switchover",
    s7_an_unwound_failover_ends_the_same_whoever_dies: "unwound failover",
    s7_an_unwound_switchover_ends_the_same_whoever_dies: "unwound switchover",
    s7_a_false_alarm_ends_the_same_whoever_dies: "stand down",
    s6_a_failover_by_a_gate_ends_the_same_whoever_dies: "failover by a gate",
    s6_a_switchover_by_a_gate_ends_the_same_whoever_dies: "switchover by a gate",
    s7_an_unwound_failback_ends_the_same_whoever_dies: "unwound failback",
}

/// Plays every fault of a case's calls and insists on the same end of each.
fn same_end_with_faults(name: &str) -> FaultTable {
    let case = CASES.iter().find(|case| case.name == name).unwrap();
    let (_, run) = FAULT_CASES.iter().find(|(known, _)| *known == name).unwrap();
    let table = FaultTable::of(case, *run, &examples::shop());
    let wrong: Vec<_> = table.wrong().map(|row| format!("{row:?}")).collect();
    assert!(wrong.is_empty() && table.unharmed.is_empty(), "{:?}\n{wrong:#?}", table.unharmed);
    table
}

#[test]
fn s6_a_failover_ends_the_same_whatever_its_calls_come_to() {
    same_end_with_faults("failover, home answers");
}

#[test]
fn s6_a_failback_ends_the_same_whatever_its_calls_come_to() {
    same_end_with_faults("failback after failover");
}

#[test]
fn s6_a_failover_by_a_gate_ends_the_same_whatever_its_calls_come_to() {
    same_end_with_faults("failover by a gate");
}

#[test]
fn every_case_is_played_above() {
    let source = include_str!("tests.rs");
    for case in &CASES {
        assert!(source.contains(&format!(": \"{}\",", case.name)), "{}", case.name);
    }
}

#[test]
fn s6_every_kind_of_step_that_acts_has_a_crash_point() {
    let acts: BTreeSet<EffectKind> =
        steps().unwrap().iter().filter(|(_, t)| t.acts).map(|((_, kind), _)| *kind).collect();
    let (mut struck, mut calls, shop) = (BTreeSet::new(), BTreeSet::new(), examples::shop());
    let mut spoilt = BTreeSet::new();
    for case in &CASES {
        let plot = Plot { case, shop: &shop, crew: Crew::Alone, counter: None };
        let points = points(case, &case.policy(&shop), &plot.play(None, None).arrivals);
        struck.extend(points.iter().filter_map(|point| point.effect));
        let moving = points.iter().filter(|point| point.phase != Phase::Peace);
        calls.extend(moving.map(|point| point.op));
        if FAULT_CASES.iter().any(|(name, _)| *name == case.name) {
            spoilt.extend(points.iter().map(|point| point.op));
        }
    }
    let spared: Vec<_> = acts.difference(&struck).collect();
    assert!(spared.is_empty(), "nobody dies in {spared:?}");
    let spared: Vec<_> = calls.difference(&spoilt).collect();
    assert!(spared.is_empty(), "nothing goes wrong with {spared:?}");
}
