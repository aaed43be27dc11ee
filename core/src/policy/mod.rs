//! The policy of a group: what a user writes, checked and resolved.
//!
//! [`load`] reads YAML and reports every error at once, each with its place and remedy:
//!
//! ```text
//! text → tree (every node with its place) → check against schema → resolve → Policy
//! ```
//!
//! What `check` finds wrong is replaced by a stand-in, so that `resolve` still sees the rest and
//! both report in one go. In the [`Policy`] nothing is left to default.

mod check;
mod code;
pub mod examples;
mod forms;
mod load;
mod owned;
mod problem;
mod recovery;
mod report;
mod resolve;
pub mod schema;
mod suggest;
#[cfg(test)]
mod testing;
mod tree;
mod types;

pub use code::Code;
pub use load::{Loaded, load, load_all, load_object};
pub use owned::{Conflict, conflicts};
pub use problem::{Place, Problem, Problems, Severity};
pub use recovery::Believes;
pub use resolve::SHORTEST_LAG_FRESH;
pub use schema::{json_schema, structural_schema};
pub use types::{
    Action, Automation, BlockedWindow, Canary, Capacity, Database, GatesLever, HealthPolicy,
    HttpCheck, Job, KOfN, Lever, Mode, Notify, OnUnknown, Policy, Pool, Probe, Quorum, RecordName,
    RecordsLever, Replicas, Runs, SignalPolicy, SiteDatabase, SitePolicy, Starts, Verify, Workload,
    WriteProbe,
};
