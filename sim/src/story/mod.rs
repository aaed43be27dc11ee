//! Stories: a scenario played from beginning to end, told event by event, and judged.
//!
//! The demo shows one; `drill rehearse` plays one many times with a user's own policy; tests play them
//! all.

mod ending;
mod scenario;
mod stage;

pub use ending::{Document, Ended};
pub use scenario::{SCENARIOS, Scenario, find};
pub use stage::{Stage, Told};
