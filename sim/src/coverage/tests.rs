//! What is counted, what is known to be possible, and that the impossible is loud.

use bowline_core::plan::EffectKind;
use bowline_core::policy::examples;

use super::*;
use crate::campaign::{Faults, PANIC, Schedule, Story, generate};
use crate::crash::CASES;
use crate::mutants::PLAYS;
use crate::story::{SCENARIOS, Stage, find};

fn played(name: &str) -> Coverage {
    let mut stage = Stage::new(find(name).unwrap(), &examples::shop(), 1);
    let (counter, mut told) = (Counter::default(), Vec::new());
    let groups: Vec<_> = stage.policies().iter().map(|policy| policy.group.clone()).collect();
    stage.watch(counter.watch());
    while stage.step(&mut told) {
        counter.look(&stage.simulation, &groups);
    }
    counter.coverage()
}

#[test]
fn a_story_hits_what_it_tells() {
    let coverage = played("leader-lost");
    for cell in [
        Cell::Step(Purpose::Failover, EffectKind::Promote, End::Done),
        Cell::Step(Purpose::Failover, EffectKind::Fence, End::Unknown),
        Cell::Step(Purpose::Failback, EffectKind::CreateReplica, End::Done),
        Cell::Call(EffectKind::Shift, Came::Answer),
        Cell::Stored(RecordKind::Opened),
        Cell::Append(Came::Answer),
        Cell::Turned(None, PhaseKind::Prewarm),
        Cell::Turned(Some(PhaseKind::Prewarm), PhaseKind::Moving),
        Cell::Turned(Some(PhaseKind::Moved), PhaseKind::Moving),
        Cell::Followed(IntentKind::Arm),
        Cell::Decided(Decided::FailOver),
        Cell::Decided(Decided::Hold(HoldKind::NotStableYet)),
    ] {
        assert!(coverage.times(cell) > 0, "{cell:?}\n{coverage}");
    }
    let died = At::ALL.map(|at| coverage.times(Cell::Died(EffectKind::Promote, at)));
    assert!(died.iter().sum::<u64>() > 0, "the leader died in the promotion");
    assert_eq!(coverage.times(Cell::Stored(RecordKind::Imported)), 0);
    assert!(coverage.missed().any(|cell| cell == Cell::Stored(RecordKind::Imported)));
}

#[test]
fn what_several_stories_hit_is_added_and_survives_a_file() {
    let (one, two) = (played("switchover"), played("approve"));
    let mut both = one.clone();
    both.merge(&two);
    assert!(both.hits() > one.hits() && both.hits() < Coverage::possible());
    let cell = Cell::Stored(RecordKind::Armed);
    assert_eq!(both.times(cell), one.times(cell) + two.times(cell));
    let text = serde_json::to_string(&both).unwrap();
    assert_eq!(serde_json::from_str::<Coverage>(&text).unwrap(), both);
    assert_eq!(both.missed().count(), Coverage::possible() - both.hits());
}

#[test]
fn every_death_of_a_case_is_counted() {
    let case = CASES.iter().find(|case| case.name == "stand down").unwrap();
    let (table, coverage) = crashes(case, &examples::shop());
    let sides = Side::BOTH.map(|side| {
        let fault = Came::Fault(FaultKind::Denied);
        coverage.times(Cell::DiedOf(EffectKind::SetPool, fault, side))
    });
    assert!(sides.iter().all(|times| *times > 0), "{sides:?}");
    let begun = coverage.times(Cell::Turned(None, PhaseKind::Prewarm));
    assert!(begun as usize > table.rows.len() / 2, "{begun} of {}", table.rows.len());
}

#[test]
#[should_panic(expected = "cannot be: it makes no call that changes anything")]
fn an_impossible_cell_panics_with_its_reason() {
    Coverage::default().hit(Cell::Call(EffectKind::Answers, Came::Answer));
}

#[test]
#[should_panic(expected = "in no plan that the builders make")]
fn a_step_that_no_plan_has_panics() {
    Coverage::default().hit(Cell::Step(Purpose::Prewarm, EffectKind::Promote, End::Done));
}

#[test]
fn every_kind_of_effect_is_in_some_plan() {
    let steps = steps().unwrap();
    for kind in EffectKind::ALL {
        assert!(steps.keys().any(|(_, known)| known == kind), "{kind:?} is in no plan");
    }
    for purpose in [
        Purpose::Prewarm,
        Purpose::Failover,
        Purpose::Switchover,
        Purpose::Failback,
        Purpose::Unwinding,
    ] {
        assert!(steps.keys().any(|(known, _)| *known == purpose), "no plan for {purpose:?}");
    }
    let promote = steps[&(Purpose::Failover, EffectKind::Promote)];
    assert!(promote.acts && promote.asks && !promote.sends_back && !promote.abandoned);
}

/// Trials that hit what chance hardly does: each has the name of its cell.
fn kept() -> Coverage {
    let (mut coverage, mut missed) = (Coverage::default(), Vec::new());
    for (name, text) in crate::campaign::tests::files("coverage/kept") {
        let cell = universe().keys().find(|cell| cell.file_name() == name);
        let cell = *cell.unwrap_or_else(|| panic!("{name} is no cell"));
        let (outcome, hits) = trial(&Schedule::from_json(&text).unwrap()).unwrap();
        assert!(outcome.good(), "{name}: {:?}", outcome.broken);
        if hits.times(cell) == 0 {
            missed.push(name);
        }
        coverage.merge(&hits);
    }
    assert!(missed.is_empty(), "these do not hit their cells any more; aim others: {missed:?}");
    coverage
}

/// What cannot be hit panics: here in every play and scenario, and in some trials with all that
/// goes wrong in campaigns. That everything else is hit takes crash points and more trials: a check
/// of `cargo xtask test`.
#[test]
fn nothing_is_hit_that_cannot_be_and_what_is_kept_hits_its_cell() {
    let (shop, quick) = (examples::shop(), Story::quick().unwrap());
    let mut coverage = kept();
    for play in SCENARIOS.iter().chain(&PLAYS) {
        coverage.merge(&scenario(play, &shop, 1));
    }
    for seed in 0..20 {
        let (outcome, hits) = trial(&generate(seed, &Faults::all(), &quick)).unwrap();
        assert!(!outcome.broke(PANIC), "seed {seed}: {:?}", outcome.broken);
        coverage.merge(&hits);
    }
    assert!(coverage.hits() > Coverage::possible() / 3, "{coverage}");
}
