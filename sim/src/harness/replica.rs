//! What sits in a seat: one replica of Bowline, or what a test puts in its place.

use bowline_core::model::{Mono, Now};
use bowline_core::node::{Input, Node};
use bowline_core::op::Call;

/// A replica as a machine: [`Node`], or a script.
pub trait Replica {
    /// Takes one input and hands out the calls that follow from it.
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Call>);

    /// When it wants [`Input::Wake`] next, at the latest.
    fn wake_at(&self) -> Option<Mono>;
}

impl Replica for Node {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Call>) {
        Self::handle(self, now, input, out);
    }

    fn wake_at(&self) -> Option<Mono> {
        Self::wake_at(self)
    }
}
