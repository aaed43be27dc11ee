//! From verdicts to a decision: what, if anything, is to be started now, and why. Pure and total:
//! every [`Situation`] has exactly one [`Decision`]. Nothing here acts, remembers, or asks for
//! more.
//!
//! [`decide`] looks at one group; [`fleet`] looks at all of them and holds what looks like a Region
//! event; [`words`] turns the reasons into sentences.

mod fleet;
mod group;
mod reason;
mod situation;
mod windows;
pub mod words;

pub use fleet::{Fleet, FleetRules, FleetState, Member, RegionEvent, fleet};
pub use group::decide;
pub use reason::{Ask, AskWhy, Decision, HoldWhy, Would};
pub use situation::{EvidenceGrade, Modes, OpenRun, Situation};
pub use windows::blocked_until;

#[cfg(test)]
mod tests;
