//! The simulated world.

pub mod aws;
pub mod part;
