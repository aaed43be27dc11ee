//! The simulated world.

pub mod aws;
pub mod part;

pub mod kube;
pub mod lease;
pub mod store;
pub mod timers;
