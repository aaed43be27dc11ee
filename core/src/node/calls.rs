//! Calls in flight: who waits for each, and until when.
//!
//! The node times calls out by itself, so that an edge that never answers is no different from a
//! Region that never answers. What comes later is dropped.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::bugs::{self, Bug};
use crate::lease::Ticket;
use crate::model::{Mono, Span};
use crate::op::{Call, CallId, Op};
use crate::run::Slot;

/// Who waits for a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The lease.
    Lease(Ticket),
    /// The reader of intents.
    Intents,
    /// A group, by its position.
    Group(usize, GroupOwner),
}

/// What of a group waits for a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GroupOwner {
    /// Its chain.
    Chain,
    /// The reader of its facts.
    Facts,
    /// The writer of its facts.
    PutFacts,
    /// A look of the survey, by its position.
    Survey(usize),
    /// A call of a signal's round.
    Sample(SampleSlot),
    /// A canary, by its position.
    Canary(usize),
    /// A call of a run's step.
    Step(Slot),
    /// A notice, by its number.
    Notice(u64),
}

/// A call of a signal's round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SampleSlot {
    /// Which signal at which site, by position.
    pub(super) slot: usize,
    /// Which round of it.
    pub(super) round: u64,
    /// Which call of the round.
    pub(super) index: usize,
}

/// The calls in flight.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    /// Who waits, by the calls' numbers, the last at the back; `None`: it was answered. The front
    /// is open.
    open: VecDeque<Option<Owner>>,
    /// What is due first is open; others may be answered.
    due: BinaryHeap<Reverse<(Mono, CallId)>>,
}

impl Calls {
    /// Hands out a call.
    pub(super) fn send(&mut self, deadline: Mono, owner: Owner, op: Op, out: &mut Vec<Call>) {
        self.last += 1;
        let id = CallId(self.last);
        self.open.push_back(Some(owner));
        self.due.push(Reverse((deadline, id)));
        out.push(Call { id, deadline, op });
    }

    /// Who waits for this reply; nobody, if it comes too late.
    pub(super) fn take(&mut self, id: CallId) -> Option<Owner> {
        let owner = self.place(id).and_then(|place| self.open[place].take())?;
        while self.open.front().is_some_and(Option::is_none) {
            self.open.pop_front();
        }
        while self.due.peek().is_some_and(|Reverse((_, first))| !self.is_open(*first)) {
            self.due.pop();
        }
        Some(owner)
    }

    fn is_open(&self, id: CallId) -> bool {
        self.place(id).is_some_and(|place| self.open[place].is_some())
    }

    /// Where a call that may be open stands.
    fn place(&self, id: CallId) -> Option<usize> {
        let back = usize::try_from(self.last.checked_sub(id.0)?).ok()?;
        self.open.len().checked_sub(back + 1)
    }

    /// One call whose time is over.
    pub(super) fn expired(&mut self, now: Mono) -> Option<Owner> {
        let Reverse((deadline, id)) = *self.due.peek()?;
        if deadline > now {
            return None;
        }
        if bugs::on(Bug::LateAnswers) {
            self.due.pop();
            return self.place(id).and_then(|place| self.open[place].clone());
        }
        self.take(id)
    }

    /// When the next call's time is over.
    pub(super) fn wake_at(&self) -> Option<Mono> {
        self.due.peek().map(|Reverse((deadline, _))| *deadline)
    }
}

/// How long calls to the store may take.
pub(super) const STORE: Span = Span::secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::StoreOp;

    fn send(calls: &mut Calls, deadline: u64, out: &mut Vec<Call>) {
        calls.send(Mono(deadline), Owner::Intents, Op::Store(StoreOp::Intents), out);
    }

    #[test]
    fn a_reply_after_its_deadline_has_no_owner() {
        let (mut calls, mut out) = (Calls::default(), Vec::new());
        send(&mut calls, 10, &mut out);
        send(&mut calls, 5, &mut out);
        assert_eq!(calls.wake_at(), Some(Mono(5)));
        assert_eq!(calls.expired(Mono(4)), None);
        assert_eq!(calls.expired(Mono(5)), Some(Owner::Intents));
        assert_eq!(calls.take(out[1].id), None);
        assert_eq!(calls.take(out[0].id), Some(Owner::Intents));
        assert_eq!(calls.wake_at(), None);
    }

    proptest::proptest! {
        #[test]
        fn replies_find_their_owner_once_in_any_order_and_the_first_open_deadline_is_next(
            acts in proptest::collection::vec((0u64..50, 0usize..8, proptest::bool::ANY), 1..80),
        ) {
            let (mut calls, mut out, mut open) = (Calls::default(), Vec::new(), Vec::new());
            for (deadline, pick, sends) in acts {
                if sends || open.is_empty() {
                    send(&mut calls, deadline, &mut out);
                    open.push((Mono(deadline), CallId(out.len() as u64)));
                } else {
                    let (_, id) = open.swap_remove(pick % open.len());
                    proptest::prop_assert_eq!(calls.take(id), Some(Owner::Intents));
                    proptest::prop_assert_eq!(calls.take(id), None);
                }
                let first = open.iter().map(|(deadline, _)| *deadline).min();
                proptest::prop_assert_eq!(calls.wake_at(), first);
            }
            proptest::prop_assert_eq!(calls.take(CallId(out.len() as u64 + 1)), None);
        }
    }
}
