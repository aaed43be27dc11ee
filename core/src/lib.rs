//! The pure core of Bowline: everything that decides, nothing that acts.
//!
//! A replica of Bowline is a value, [`node::Node`]: it is handed replies, commands and the time,
//! and hands back calls ([`op::Op`]) for somebody else to make. Nothing here knows tokio,
//! Kubernetes clients, AWS SDKs, the clock or randomness, so the very code that ships runs in the
//! simulator, in a model checker and under a fuzzer.
//!
//! ```text
//! model ← op ← policy ← health ← capacity, levers, databases ← plan ← run ← decide ← node
//! ```

pub mod bugs;
pub mod capacity;
pub mod databases;
pub mod decide;
pub mod health;
pub mod lease;
pub mod levers;
pub mod model;
pub mod node;
pub mod op;
pub mod plan;
pub mod policy;
pub mod run;
pub mod step;

#[cfg(test)]
mod testing;
