//! Chains, ledgers and executions, each alone.

mod chain;
mod desk;
mod execute;
mod import;
mod ledger;
mod pace;
mod report;
mod stands;
mod still;

pub(super) use crate::testing::{Book, opened};
