//! The simulated world.

pub mod aws;
pub mod part;

pub mod faults;
pub mod harness;
pub mod kube;
pub mod lease;
pub mod store;
pub mod timers;
pub mod world;
