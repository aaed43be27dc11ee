//! The simulated world.

pub mod part;

pub mod kube;
pub mod timers;
