//! Bowline's outside: the edges that make remote calls, and the service around the node.
//!
//! Everything that decides is in `bowline_core`; what is here performs calls, one at a time, and
//! classifies what came back.

/// What ships has no deliberate bugs (`cargo xtask mutants`), and does not compile with them.
const _: () = assert!(!bowline_core::bugs::COMPILED, "build without the feature `bugs`");

pub mod cli;
pub mod edges;
pub mod service;
