//! What is counted over: scenarios and plays, crash points, and trials of campaigns.

use bowline_core::policy::Policy;

use super::{Counter, Coverage};
use crate::campaign::{Outcome, Schedule, Trial, UnknownStory, to_the_end};
use crate::crash::{Case, Table};
use crate::story::{Scenario, Stage};

/// Plays a scenario and counts it.
///
/// # Panics
/// When a cell is hit that cannot be.
#[must_use]
pub fn scenario(scenario: &Scenario, policy: &Policy, seed: u64) -> Coverage {
    let mut stage = Stage::new(scenario, policy, seed);
    let groups: Vec<_> = stage.policies().iter().map(|policy| policy.group.clone()).collect();
    let (counter, mut told) = (Counter::default(), Vec::new());
    stage.watch(counter.watch());
    while stage.step(&mut told) {
        told.clear();
        counter.look(&stage.simulation, &groups);
    }
    counter.coverage()
}

/// Plays every crash point of a case and counts them.
///
/// # Panics
/// When a cell is hit that cannot be.
#[must_use]
pub fn crashes(case: &Case, policy: &Policy) -> (Table, Coverage) {
    let counter = Counter::default();
    let table = Table::of(case, policy, Some(&counter));
    (table, counter.coverage())
}

/// Plays a trial of a campaign and counts it: [`crate::campaign::play`] with somebody who looks on.
/// A cell that is hit and cannot be is a panic, and so a broken promise; what was counted before it
/// is given all the same.
///
/// # Errors
/// When the schedule's policy is none.
pub fn trial(schedule: &Schedule) -> Result<(Outcome, Coverage), UnknownStory> {
    let mut trial = Trial::new(schedule)?;
    let counter = Counter::default();
    trial.watch(counter.watch());
    let groups: Vec<_> = trial.groups().cloned().collect();
    let outcome = to_the_end(trial, |trial| counter.look(&trial.simulation, &groups));
    Ok((outcome, counter.coverage()))
}
