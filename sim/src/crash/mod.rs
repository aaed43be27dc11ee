//! Crash points: whoever leads dies just before and just after every call that changes something,
//! in every kind of run, and the group comes to the same end.
//!
//! ```text
//! case ── played once, nobody dies ──▶ its calls (points) and its end (picture)
//!   └──── played again for each point × side × crew, with a death ──▶ the same picture?
//! ```
//!
//! The points come from the calls of the recorded run, so they are those of the plans themselves.
//! The same end is the same [`Picture`] of the world; beside it every promise of the oracle is
//! kept, and nothing that cannot be undone was done more often than without a death.
//!
//! The same cases are played with every kind of call coming to every fault ([`FaultTable`]).

mod case;
mod faults;
mod picture;
mod play;
mod points;
mod table;

pub use case::{CASES, Case, Phase};
pub use faults::{FAULT_CASES, FaultRow, FaultTable};
pub use picture::{Picture, Scene};
pub use play::{Crew, Played, Plot};
pub use points::{Point, kind, name, points};
pub use table::{Row, Table};

#[cfg(test)]
mod tests;
