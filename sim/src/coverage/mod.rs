//! Coverage: what happened in a set of stories, of everything that can.
//!
//! Counted is how each kind of step ended in each kind of plan, what each call came to and on which
//! side of that the leader died, where an append was when it did, every question, every turn of a
//! run, every intent and refusal, every decision with its reason. What can be counted comes from
//! the types and the plan builders of the core ([`universe`]), so what was never hit is known; what
//! cannot happen says why, and panics when it does.
//!
//! ```text
//! let counter = Counter::default();
//! simulation.watch(counter.watch());          // chains, calls, deaths
//! counter.look(&simulation, &groups);         // decisions, after each event
//! coverage.merge(&counter.coverage());
//! ```

mod cell;
mod counter;
mod kinds;
mod plans;
mod sources;
mod universe;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use cell::{At, Came, Cell, Decided, End, Purpose, Side};
pub use counter::Counter;
pub use kinds::{
    Action, AskKind, FaultKind, HoldKind, IntentKind, PhaseKind, QuestionKind, RecordKind,
    RefusalKind,
};
pub use plans::{Steps, Traits, steps};
pub use sources::{crashes, scenario, trial};
pub use universe::universe;

/// How often each cell was hit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<(Cell, u64)>", from = "Vec<(Cell, u64)>")]
pub struct Coverage(BTreeMap<Cell, u64>);

impl From<Vec<(Cell, u64)>> for Coverage {
    fn from(hits: Vec<(Cell, u64)>) -> Self {
        Self(hits.into_iter().collect())
    }
}

impl From<Coverage> for Vec<(Cell, u64)> {
    fn from(coverage: Coverage) -> Self {
        coverage.0.into_iter().collect()
    }
}

impl Coverage {
    /// Counts one hit.
    ///
    /// # Panics
    /// When the cell cannot be hit, with the reason, or when nobody knows of it: then the reason,
    /// or the enumeration, is wrong.
    pub fn hit(&mut self, cell: Cell) {
        match universe().get(&cell) {
            Some(None) => *self.0.entry(cell).or_default() += 1,
            Some(Some(why)) => panic!("{cell:?} was hit, and cannot be: {why}"),
            None => panic!("{cell:?} was hit, and is in no plan that the builders make"),
        }
    }

    /// Adds what another counted.
    pub fn merge(&mut self, other: &Self) {
        for (cell, times) in &other.0 {
            *self.0.entry(*cell).or_default() += times;
        }
    }

    /// How often a cell was hit.
    #[must_use]
    pub fn times(&self, cell: Cell) -> u64 {
        self.0.get(&cell).copied().unwrap_or_default()
    }

    /// How many cells were hit.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.0.len()
    }

    /// How many cells can be hit.
    #[must_use]
    pub fn possible() -> usize {
        universe().values().filter(|impossible| impossible.is_none()).count()
    }

    /// What cannot be hit: each reason with its cells.
    #[must_use]
    pub fn impossible() -> BTreeMap<&'static str, Vec<Cell>> {
        let mut reasons: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let known = universe().iter().filter_map(|(cell, why)| why.map(|why| (why, *cell)));
        known.for_each(|(why, cell)| reasons.entry(why).or_default().push(cell));
        reasons
    }

    /// Cells that can be hit and never were.
    pub fn missed(&self) -> impl Iterator<Item = Cell> {
        let possible = universe().iter().filter(|(_, impossible)| impossible.is_none());
        possible.map(|(cell, _)| *cell).filter(|cell| !self.0.contains_key(cell))
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hit, possible) = (self.hits(), Self::possible());
        let impossible = universe().len() - possible;
        writeln!(f, "coverage: {hit} of {possible} cells; {impossible} cannot be hit")?;
        self.missed().try_for_each(|cell| writeln!(f, "never: {cell:?}"))
    }
}

#[cfg(test)]
mod tests;
