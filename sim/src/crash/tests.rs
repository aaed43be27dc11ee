//! Every crash point of every case ends as if nobody had died.

use std::collections::BTreeSet;

use bowline_core::plan::EffectKind;
use bowline_core::policy::examples;

use crate::coverage::{Purpose, steps};

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
    s6_a_failback_by_a_gate_ends_the_same_whoever_dies: "failback by a gate",
    l2_a_failover_home_ends_the_same_whoever_dies: "failover home",
    s7_an_unwound_stateless_failback_ends_the_same_whoever_dies: "unwound stateless failback",
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
fn s6_every_kind_of_step_that_acts_has_a_crash_point_in_every_kind_of_plan() {
    let steps = steps().unwrap();
    let acts: BTreeSet<_> = steps.iter().filter(|(_, t)| t.acts).map(|(step, _)| *step).collect();
    let (mut struck, mut calls, shop) = (BTreeSet::new(), BTreeSet::new(), examples::shop());
    let mut spoilt = BTreeSet::new();
    for case in &CASES {
        let plot = Plot { case, shop: &shop, crew: Crew::Alone, counter: None };
        let points = points(case, &case.policy(&shop), &plot.play(None, None).arrivals);
        for point in &points {
            let of = purposes(point.phase).iter();
            struck.extend(of.filter_map(|purpose| Some((*purpose, point.effect?))));
        }
        let moving = points.iter().filter(|point| point.phase != Phase::Peace);
        calls.extend(moving.map(|point| point.op));
        if FAULT_CASES.iter().any(|(name, _)| *name == case.name) {
            spoilt.extend(points.iter().map(|point| point.op));
        }
    }
    let spared: Vec<_> = acts.difference(&struck).copied().collect();
    assert_eq!(spared, SPARED, "nobody dies there");
    let spared: Vec<_> = calls.difference(&spoilt).collect();
    assert!(spared.is_empty(), "nothing goes wrong with {spared:?}");
}

/// A NodePool is closed by undoing a way home only if that is cancelled in the fifth of a second
/// between its release and the run's end: aimed trials play it.
const SPARED: [(Purpose, EffectKind); 1] = [(Purpose::Unwinding, EffectKind::SetPool)];

/// The plans whose steps belong to a phase.
fn purposes(phase: Phase) -> &'static [Purpose] {
    match phase {
        Phase::Peace => &[],
        Phase::Prewarm => &[Purpose::Prewarm],
        Phase::Failover => &[Purpose::Failover],
        Phase::Switchover => &[Purpose::Switchover],
        Phase::Failback => &[Purpose::Failback],
        Phase::Unwinding => &[Purpose::Unwinding],
        // Standing steps of whichever move is over.
        Phase::Obligations => &[Purpose::Failover, Purpose::Switchover],
    }
}
