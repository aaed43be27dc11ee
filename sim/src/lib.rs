//! The simulated world.

pub mod app;
pub mod aws;
pub mod campaign;
pub mod coverage;
pub mod crash;
pub mod faults;
pub mod harness;
pub mod kube;
pub mod lease;
pub mod mutants;
pub mod oracle;
pub mod part;
pub mod store;
pub mod story;
pub mod timers;
pub mod users;
pub mod world;
