//! Whether a replica that has just started has looked around: what a human asks of it before that
//! would be judged without knowing the world.

use std::collections::BTreeSet;
use std::time::Duration;

use bowline_core::op::{Call, CallId};
use tokio::time::Instant;

/// Calls sent within this time belong to the first look. What is looked at behind an answer (target
/// groups behind their load balancer) is asked a second after it.
const FIRST: Duration = Duration::from_secs(4);

/// The first look at the world after policies came into force.
#[derive(Debug, Default)]
pub(super) struct FirstLook {
    until: Option<Instant>,
    open: BTreeSet<CallId>,
}

impl FirstLook {
    /// Policies came into force; only the first ones begin a look.
    pub(super) fn begin(&mut self, now: Instant) {
        self.until.get_or_insert(now + FIRST);
    }

    /// A call goes out.
    pub(super) fn sends(&mut self, call: &Call, now: Instant) {
        let first = self.until.is_some_and(|until| now < until);
        if first && !call.op.mutates() {
            self.open.insert(call.id);
        }
    }

    /// A call came back; each does, at its deadline at the latest.
    pub(super) fn replied(&mut self, id: CallId) {
        self.open.remove(&id);
    }

    /// Whether everything that was looked at first was answered, or given up.
    pub(super) fn over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now >= until) && self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use bowline_core::model::Mono;
    use bowline_core::op::{LeaseOp, Op, StoreOp};

    use super::*;

    fn call(id: u64, op: Op) -> Call {
        Call { id: CallId(id), deadline: Mono(0), op }
    }

    #[test]
    fn the_first_look_is_over_when_the_last_of_its_calls_came_back() {
        let (mut look, start) = (FirstLook::default(), Instant::now());
        assert!(!look.over(start + FIRST), "nothing was looked at before there are policies");
        look.begin(start);
        look.sends(&call(1, Op::Lease(LeaseOp::Read)), start);
        look.sends(&call(2, Op::Store(StoreOp::Intents)), start + FIRST);
        assert!(!look.over(start + FIRST), "call 1 is not back");
        look.replied(CallId(1));
        assert!(!look.over(start), "more may be asked");
        assert!(look.over(start + FIRST), "call 2 is of a later look");
        look.begin(start + FIRST);
        assert!(look.over(start + FIRST), "a policy that changes later begins no other");
    }
}
