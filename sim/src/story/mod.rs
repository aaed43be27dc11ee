//! Stories: a scenario played from beginning to end, told event by event, and judged.
//!
//! The demo shows one; `drill rehearse` plays one many times with a user's own policy; tests play
//! them all.

mod ending;
mod glass;
mod scenario;
mod stage;

pub use ending::{Document, Ended, UsersSaw};
pub use scenario::{BreakGlass, Cue, SCENARIOS, Scenario, Script, Then, find};
pub(crate) use scenario::{automatic, home};
pub(crate) use stage::sibling;
pub use stage::{REPLICAS, Stage, Told};

#[cfg(test)]
mod tests;
