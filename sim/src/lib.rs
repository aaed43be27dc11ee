//! The simulated world.

pub mod app;
pub mod aws;
pub mod part;
pub mod users;
