//! What a run may do, and what its executor wants done.

use super::record::Record;
use crate::model::{Claim, Span, StepId};
use crate::op::Op;

/// What a run may do at this turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Allowed {
    /// Nothing: it is beside somebody else's claim.
    Nothing,
    /// What it prepares, and of a move its claims: what it was decided on is not so at the moment.
    Claims,
    /// Everything but what changes the site that a move leaves: that answers for the first time in
    /// a while, and is looked at first.
    Spares,
    /// Whatever it wants.
    #[default]
    Everything,
}

/// Names a call of a step, so that late answers to an older look are ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub(super) step: StepId,
    pub(super) generation: u64,
    pub(super) index: usize,
}

/// What the executor wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Make this call, and say what became of it.
    Call {
        /// Names the reply.
        slot: Slot,
        /// How long to wait.
        timeout: Span,
        /// The call.
        op: Op,
    },
    /// Write this record.
    Write(Record),
    /// The run must go back.
    Unwind(String),
    /// A newer or foreign claim was found in the world: stand still.
    Fenced(Claim),
}
