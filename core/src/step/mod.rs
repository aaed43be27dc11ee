//! What a step of a plan is made of: a [`Procedure`] that looks, and judges what it saw.
//!
//! A procedure is level-triggered: `observe` says which read-only calls to make, `judge` says from
//! their answers whether the world is as wanted, which *one* call would bring it nearer, or what to
//! wait for. Nothing is remembered between two looks but what the journal says, so a step that was
//! cut off by a crash or a lost answer goes on exactly as one that was not: by looking (S6).

mod context;
mod hold;
mod judgement;
mod seen;

pub use context::{Acted, Context, Outputs};
pub use hold::{Held, Hold, HoldId};
pub use judgement::{Judgement, Mark, Question, QuestionKind};
pub use seen::Seen;

use crate::op::{Fault, Op};

/// The algorithm of one step.
pub trait Procedure {
    /// The read-only calls to make next, given what they answered so far in this look; none when
    /// there is enough to judge.
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op>;

    /// What follows from one complete look.
    ///
    /// # Errors
    /// The fault that kept it from judging; the step looks again later.
    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault>;
}
