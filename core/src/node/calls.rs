//! Calls in flight: who waits for each, and until when.
//!
//! The node times calls out by itself, so that an edge that never answers is no different from a
//! Region that never answers. What comes later is dropped.

use std::collections::{BTreeMap, BTreeSet};

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
    open: BTreeMap<CallId, (Mono, Owner)>,
    due: BTreeSet<(Mono, CallId)>,
}

impl Calls {
    /// Hands out a call.
    pub(super) fn send(&mut self, deadline: Mono, owner: Owner, op: Op, out: &mut Vec<Call>) {
        self.last += 1;
        let id = CallId(self.last);
        self.open.insert(id, (deadline, owner));
        self.due.insert((deadline, id));
        out.push(Call { id, deadline, op });
    }

    /// Who waits for this reply; nobody, if it comes too late.
    pub(super) fn take(&mut self, id: CallId) -> Option<Owner> {
        let (deadline, owner) = self.open.remove(&id)?;
        self.due.remove(&(deadline, id));
        Some(owner)
    }

    /// One call whose time is over.
    pub(super) fn expired(&mut self, now: Mono) -> Option<Owner> {
        let (deadline, id) = *self.due.first()?;
        if deadline > now {
            return None;
        }
        self.take(id)
    }

    /// When the next call's time is over.
    pub(super) fn wake_at(&self) -> Option<Mono> {
        self.due.first().map(|(deadline, _)| *deadline)
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
}
