//! A run and its journal.
//!
//! Everything a group did is one hash-chained sequence of [`Entry`]s; [`Ledger::apply`] is the only
//! way its state changes, and *is* replay. [`Execution`] is what a replica remembers between two
//! looks at the world and may lose at any instant: it turns the ledger, answers and the time into
//! calls and records, and sends no call whose record the store has not accepted (S6, S7). [`Desk`]
//! is both together: one replica at work on one group.

mod activity;
mod calls;
mod chain;
mod desk;
mod doing;
mod execute;
mod import;
mod intent;
mod ledger;
mod reader;
mod record;
mod report;
mod stands;
mod state;

pub use chain::{Chain, Outcome as ChainOutcome};
pub use desk::{Desk, Heard, Seat, StepCall};
pub use doing::{Allowed, Doing, Slot};
pub use execute::Execution;
pub use intent::{Intent, Refusal, Stands};
pub use ledger::{Departure, Ledger, Leftover};
pub use reader::Reader;
pub use record::{BadEntry, Entry, Record, Trigger};
pub use report::{PhaseTimes, Report, StepReport};
pub use state::{Ended, Phase, Reply, Run, StepRun, StepState};

#[cfg(test)]
mod tests;
