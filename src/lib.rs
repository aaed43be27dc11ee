//! Bowline's outside: the edges that make remote calls, and the service around the node.
//!
//! Everything that decides is in `bowline_core`; what is here performs calls, one at a time, and
//! classifies what came back.

pub mod cli;
pub mod edges;
pub mod service;
