//! Model checking of what ships: the leader lease, the chain, and a run under several leaders.
//!
//! Nothing of Bowline is written again here. A model is a few values of `bowline-core` (a
//! [`Lease`](bowline_core::lease::Lease), a [`Chain`](bowline_core::run::Chain), a
//! [`Desk`](bowline_core::run::Desk)), the smallest world that can answer them, and the list of
//! what may happen next. The checker visits every state that can be reached within the bounds. What
//! is left out of each model stands at its head, and in `docs/proof.md`.

pub mod chain;
pub mod check;
pub mod ending;
mod graph;
pub mod lease;
pub mod run;
pub mod suite;
pub mod table;
