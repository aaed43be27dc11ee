//! The policy of a group: what a user writes, checked and resolved.
//!
//! `load` reads YAML and reports every error at once, each with its place and remedy; `resolve` turns
//! what was written (`schema`) into the [`Policy`] below, in which nothing is left to default.

pub mod examples;
mod types;

pub use types::{
    Action, Automation, BlockedWindow, Capacity, Database, GatesLever, HealthPolicy, HttpCheck,
    Job, KOfN, Lever, Mode, Notify, OnUnknown, Policy, Pool, Probe, Quorum, RecordName,
    RecordsLever, Replicas, Runs, SignalPolicy, SiteDatabase, SitePolicy, Starts, Verify, Workload,
    WriteProbe,
};
