//! A seat: who sits in it, whether they are alive, and what waits for them.

use bowline_core::model::{Mono, Now, Span};
use bowline_core::node::Input;
use bowline_core::op::{Answer, Budgets, Call, CallId, Fault, Op, Share};

use super::clock::Clock;
use super::replica::Replica;

/// The shortest time between two wakes of one replica. A replica that asks to be woken in the past
/// is woken again, but time goes on.
const WAKE_AGAIN: Span = Span::millis(1);

/// A seat.
#[derive(Debug)]
pub(super) struct Seat<R> {
    /// Who sits there; `None` while crashed.
    pub(super) replica: Option<R>,
    /// How many sat there before.
    pub(super) incarnation: u32,
    /// Its machine's clocks.
    pub(super) clock: Clock,
    /// When it is to be woken.
    wake: Option<Mono>,
    /// How many troubles keep it dead.
    crashes: u32,
    /// How many troubles keep it paused.
    pauses: u32,
    /// Replies that came while it was paused, as a socket keeps them.
    waiting: Vec<(CallId, Result<Answer, Fault>)>,
    /// What its process may still send to AWS.
    budgets: Budgets,
}

impl<R: Replica> Seat<R> {
    pub(super) fn empty() -> Self {
        Self {
            replica: None,
            incarnation: 0,
            clock: Clock::default(),
            wake: None,
            crashes: 0,
            pauses: 0,
            waiting: Vec::new(),
            budgets: Budgets::default(),
        }
    }

    /// When it must be woken; never while it cannot be.
    pub(super) fn wake(&self) -> Option<Mono> {
        if self.pauses > 0 { None } else { self.wake }
    }

    /// Somebody new sits down.
    pub(super) fn seat(&mut self, replica: R) {
        self.replica = Some(replica);
    }

    /// The replica is gone, with everything it knew.
    pub(super) fn crash(&mut self) {
        self.crashes += 1;
        self.pauses = 0;
        if self.replica.take().is_some() {
            self.incarnation += 1;
        }
        self.wake = None;
        self.waiting.clear();
        self.budgets = Budgets::default();
    }

    /// Whether the process's edges send a call, or say at once that it is over budget.
    pub(super) fn pace(&mut self, op: &Op, now: Mono) -> Result<(), Fault> {
        let share = Share::of(op);
        share.map_or(Ok(()), |share| self.budgets.take(&share, now, op.mutates()))
    }

    /// One trouble that keeps it dead is over; whether it was the last.
    pub(super) fn recovers(&mut self) -> bool {
        self.crashes = self.crashes.saturating_sub(1);
        self.crashes == 0
    }

    pub(super) fn pause(&mut self) {
        self.pauses += 1;
    }

    /// It goes on: first it finds what came meanwhile, then its timers.
    pub(super) fn resume(&mut self, now: Now, out: &mut Vec<Call>) {
        self.pauses = self.pauses.saturating_sub(1);
        if self.pauses > 0 {
            return;
        }
        for (id, result) in std::mem::take(&mut self.waiting) {
            self.hand(now, Input::Reply { id, result }, out);
        }
    }

    /// Hands a reply over, or keeps it for later.
    pub(super) fn reply(
        &mut self,
        now: Now,
        id: CallId,
        result: Result<Answer, Fault>,
        out: &mut Vec<Call>,
    ) {
        if self.pauses > 0 {
            self.waiting.push((id, result));
        } else {
            self.hand(now, Input::Reply { id, result }, out);
        }
    }

    /// Hands an input over now, whether it is paused or not.
    pub(super) fn hand(&mut self, now: Now, input: Input, out: &mut Vec<Call>) {
        let woken = matches!(input, Input::Wake);
        let Some(replica) = &mut self.replica else { return };
        replica.handle(self.clock.read(now), input, out);
        let earliest = if woken { now.mono + WAKE_AGAIN } else { now.mono };
        self.wake = replica.wake_at().map(|wake| self.clock.when(wake).max(earliest));
    }

    /// From now on its monotonic clock runs by so many millionths faster than it did.
    pub(super) fn drift(&mut self, by_ppm: i64, now: Mono) {
        self.clock.drift(by_ppm, now);
        let wakes = self.replica.as_ref().and_then(Replica::wake_at);
        self.wake = wakes.map(|wake| self.clock.when(wake).max(now));
    }
}
