//! Plans: immutable, fully resolved DAGs of steps. Nothing is left to choose while one runs.
//!
//! `build` makes one from a [`Survey`]; [`lint`] refuses dangerous ones whoever made them.

mod build;
mod coming_home;
mod facts;
mod lint;
mod losing;
mod parts;
mod step;

pub use build::{Survey, failover, planned_move, prewarm};
pub use coming_home::{Undo, unwind};
pub use facts::{Facts, Incomplete, MemberFacts, ZoneFacts};
pub use lint::{Danger, lint};
pub use step::{Approval, Class, Effect, EffectKind, Milestone, OnTimeout, Plan, PlanKind, Step};

#[cfg(test)]
mod tests;
