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

use super::Record;
use crate::op::{Op, StoreOp};
use crate::step::Hold;

/// A call of a step is recorded, as its first; which it is does not matter.
fn started(step: &str, hold: Option<Hold>) -> Record {
    let op = Box::new(Op::Store(StoreOp::Intents));
    Record::Started { step: step.into(), attempt: 1, op, hold: hold.map(Box::new) }
}
