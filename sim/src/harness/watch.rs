//! Those who look on: the oracle, the demo's timeline, a test.

use bowline_core::model::Now;
use bowline_core::op::{Answer, Call, Fault, Op};

use crate::faults::Trouble;
use crate::world::{News, World};

/// Somebody who looks on and changes nothing.
pub trait Watch {
    /// Something happened, and the world is now as it is.
    fn seen(&mut self, at: Now, world: &World, event: &Event<'_>);
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A replica sent a call.
    Sent {
        /// From which seat.
        seat: usize,
        /// What.
        call: &'a Call,
    },
    /// A call was performed in the world, whatever its sender will hear of it.
    Performed {
        /// From which seat.
        seat: usize,
        /// What.
        op: &'a Op,
        /// What it gave.
        result: &'a Result<Answer, Fault>,
    },
    /// The sender of a call that changes something heard what became of it.
    Heard {
        /// In which seat.
        seat: usize,
        /// What it had sent.
        op: &'a Op,
        /// What it heard.
        result: &'a Result<Answer, Fault>,
    },
    /// A call was doubled on its way there: it will be performed twice, by no replica's doing.
    Copied(&'a Op),
    /// Something changed in the world.
    News(&'a News),
    /// A trouble began.
    Began(&'a Trouble),
    /// A trouble ended.
    Ended(&'a Trouble),
}
