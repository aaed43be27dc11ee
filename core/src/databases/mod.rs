//! Database drivers: how a group's data is judged, fenced, promoted and rebuilt.
//!
//! A driver gives procedures for the plan: evidence, fence, promote, caught up, rename, rebuild.
//! The only one so far is [`rds`]: one RDS instance with a cross-Region read replica.

pub mod evidence;
pub mod rds;
