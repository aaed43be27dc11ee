//! Every scenario, with a few seeds: every promise held, and the application at home.

use std::collections::BTreeSet;

use bowline_core::model::{Now, Span};
use bowline_core::op::{Notice, Op};
use bowline_core::policy::{Mode, Policy, examples};
use bowline_core::run::{Ended as RunEnded, Intent, Record, Refusal};

use super::{Ended, SCENARIOS, Scenario, Script, Stage, find};
use crate::faults::Trouble;
use crate::harness::{Event, Watch};
use crate::world::World;

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
    let stale = |decision: &String| decision.contains("a run is under way");
    assert!(!document.decision.iter().any(stale), "{name} {seed}: {:?}", document.decision);
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
    s5_a_move_with_the_controller_dead_is_imported_and_comes_home: "break-glass",
    s7_two_groups_share_what_they_hold: "two-groups",
    s4_silent_apis_move_nothing: "apis-lost",
    s4_a_partition_moves_nothing: "partition",
    s4_one_red_kind_moves_nothing: "one-kind-red",
    s4_unknown_moves_nothing: "all-unknown",
    s4_bowline_cut_off_moves_nothing: "cut-off",
}

#[test]
fn s5_break_glass_with_facts_and_no_journal_is_imported_and_comes_home() {
    let bare = Scenario {
        name: "break-glass-bare",
        script: |policy| super::scenario::break_glass(policy, false),
        ..*find("break-glass").unwrap()
    };
    let mut stage = Stage::new(&bare, &examples::shop(), 1);
    stage.play();
    let document = stage.document();
    assert!(document.good(), "{:?} {:?}", document.ended, document.broken);
    assert_eq!(document.runs.len(), 2, "a failover by hand, and the way home");
    assert_eq!(document.leftovers.len(), 2);
}

#[test]
fn s5_beside_somebody_elses_claim_the_controller_holds_until_it_is_imported() {
    let mut stage = Stage::new(find("break-glass").unwrap(), &examples::shop(), 1);
    let mut told = Vec::new();
    let before_import = stage.began() + Span::mins(64);
    let home = Intent::Failback { reason: "nobody told me".into() };
    let (group, home) = (stage.policies()[0].group.clone(), serde_json::to_string(&home).unwrap());
    stage.simulation.plan_intent(stage.began() + Span::mins(62), group.clone(), "ada", home);
    while stage.simulation.now().mono < before_import {
        assert!(stage.step(&mut told));
    }
    let status = stage.status(&group).unwrap();
    assert!(status.decision.contains("somebody else's claim"), "{}", status.decision);
    let served = stage.simulation.world.apart.store.chain(&group).len();
    let known = stage.simulation.world.store.chain(&group).len();
    assert!(served > known, "{served} entries there, {known} here");
    let records = || told.iter().flat_map(|told| &told.entry.records);
    assert!(!records().any(|record| matches!(record, Record::Started { .. })));
    let refused = |record: &Record| match record {
        Record::IntentTaken { refused: Some(Refusal::ForeignClaim(claim)), .. } => {
            claim.run.as_str() == "shop-1-failover"
        }
        _ => false,
    };
    assert!(records().any(refused), "what somebody wants beside it is refused with its name");
    stage.play();
    assert!(stage.ledgers()[&group].imported.len() == 1 && stage.document().good());
}

#[test]
fn s4_a_cancelled_switchover_starts_no_failover_from_the_site_it_had_silenced() {
    let play = crate::mutants::find("changed-mind").unwrap();
    let mut stage = Stage::new(play, &examples::shop(), 1);
    stage.play();
    let document = stage.document();
    assert!(document.good(), "{:?} {:?}", document.ended, document.broken);
    assert_eq!(document.runs.len(), 1, "the switchover, and nothing after it");
}

#[test]
fn a_leader_that_holds_beside_anothers_claim_does_not_spin() {
    let play = crate::mutants::find("beside").unwrap();
    let mut stage = Stage::new(play, &examples::shop(), 1);
    stage.play();
    let broken = stage.document().broken;
    assert!(broken.is_empty(), "{broken:?}");
    let steps = stage.simulation.steps();
    assert!(steps < 150_000, "{steps} events in 40 minutes: somebody wakes again and again");
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

/// A scenario with another script, one group and this mode for failovers.
fn variant(policy: fn(&mut Policy), script: fn(&Policy) -> Script) -> Stage {
    let of = Scenario { name: "variant", policy, script, ..*find("targets-lost").unwrap() };
    Stage::new(&of, &examples::shop(), 1)
}

fn approve(policy: &mut Policy) {
    (find("approve").unwrap().policy)(policy);
}

fn four_minutes_of_lost_targets(policy: &Policy) -> Script {
    let trouble = Trouble::TargetsDown(policy.home.scope.region.clone());
    Script { troubles: vec![(Span::mins(6), Some(Span::mins(10)), trouble)], ..Script::default() }
}

#[test]
fn an_outage_that_was_real_is_not_called_a_false_alarm() {
    let mut stage = variant(approve, four_minutes_of_lost_targets);
    stage.play();
    let runs = stage.reports();
    let why = |run: &bowline_core::run::Report| match &run.ended {
        Some(RunEnded::Unwound(why)) => why.clone(),
        other => panic!("{other:?}"),
    };
    let why: Vec<_> = runs.iter().map(why).collect();
    assert_eq!(why, ["the outage is over: the active site serves again"]);
}

/// Keeps what people are told.
#[derive(Clone, Default)]
struct Told(std::rc::Rc<std::cell::RefCell<Vec<Notice>>>);

impl Watch for Told {
    fn seen(&mut self, _: Now, _: &World, event: &Event<'_>) {
        if let Event::Performed { op: Op::Notify(notice), .. } = event {
            self.0.borrow_mut().push(notice.clone());
        }
    }
}

/// Somebody wants to leave standby when all at home was well for long, and home's database is still
/// the writer that was stopped.
fn home_too_soon(policy: &Policy) -> Script {
    let intent = Intent::Failover {
        accept_loss: Some(Span::secs(1)),
        reason: "let us go home".into(),
        break_glass: None,
    };
    let trouble = Trouble::TargetsDown(policy.home.scope.region.clone());
    Script {
        troubles: vec![(Span::mins(6), Some(Span::mins(20)), trouble)],
        intents: vec![(Span::mins(40), intent)],
        until: Some(Span::mins(60)),
        ..Script::default()
    }
}

#[test]
fn s10_a_stopped_writer_that_was_not_rebuilt_is_not_taken_for_a_promoted_one() {
    let alone = |policy: &mut Policy| {
        (find("targets-lost").unwrap().policy)(policy);
        policy.automation.failback = Mode::Manual;
    };
    let mut stage = variant(alone, home_too_soon);
    let mut told = Vec::new();
    while stage.step(&mut told) {}
    let records = || told.iter().flat_map(|told| &told.entry.records);
    let done = |record: &&Record| match record {
        Record::Done { step, .. } => step.as_str() == "promote",
        _ => false,
    };
    assert_eq!(records().filter(done).count(), 1, "standby was promoted, and nothing else");
    let refused = records().find_map(|record| match record {
        Record::IntentTaken { refused: Some(refused), .. } => Some(refused.to_string()),
        _ => None,
    });
    let refused = refused.unwrap();
    assert!(refused.contains("was left; `bowline failback`"), "{refused}");
}

#[test]
fn what_a_run_asks_is_asked_once_and_with_its_name() {
    let told = Told::default();
    let mut stage = variant(approve, four_minutes_of_lost_targets);
    stage.watch(Box::new(told.clone()));
    stage.play();
    let told = told.0.borrow();
    let asks: BTreeSet<_> =
        told.iter().filter(|n| &*n.kind == "ask").map(|n| (&n.run, &n.title)).collect();
    assert_eq!(asks.len(), 1, "{asks:?}");
    assert!(asks.iter().all(|(run, _)| run.is_some()), "{asks:?}");
}

#[test]
fn s4_what_is_unknown_for_long_is_held_for_one_reason() {
    let mut stage = Stage::new(find("all-unknown").unwrap(), &examples::shop(), 1);
    let group = stage.policies()[0].group.clone();
    let (began, mut told, mut decisions) = (stage.began(), Vec::new(), Vec::new());
    let time = |stage: &Stage| stage.simulation.now().mono;
    while time(&stage) < began + Span::mins(50) && stage.step(&mut told) {
        let decision = stage.status(&group).unwrap().decision;
        if time(&stage) > began + Span::mins(12) && decisions.last() != Some(&decision) {
            decisions.push(decision);
        }
    }
    assert_eq!(decisions.len(), 1, "{decisions:?}");
}
