//! The leader lease as a machine over locally observed time. It decides what to read and write, and
//! until when this replica may believe that it leads; it sends nothing and knows no clock.
//!
//! The lease only keeps two leaders from wasting work: correctness must survive both acting.
//!
//! ```text
//! candidate: Read … until the record is free, or unchanged for `duration` since *we* first saw
//!            this version → Write over that version
//!            → leads until (time before sending) + `renew_deadline`
//! leader:    Write over the version we wrote, every `retry`
//! anybody:   a write whose outcome is unknown → Read, before anything else
//! ```
//!
//! **Safety.** If all replicas' monotonic clocks run at the same rate, and nobody but replicas
//! writes the record, the intervals in which [`Lease::leads`] is `Some` never overlap between
//! replicas. A's claim ends `renew_deadline` after an instant that lies before A's write took
//! effect; B takes the record over only `duration` after an instant that lies after it. The clocks
//! may even differ in rate by `duration / renew_deadline` (1.5 at the defaults). Wall clocks are
//! written for people and read by nobody.
//!
//! **Names.** A replica id is used by one process only. A process that finds its own name in the
//! record without having written it waits as it would for anybody else.

use crate::bugs::{self, Bug};
use crate::model::{Mono, Now, ReplicaId, Span, Version};
use crate::op::{Answer, Fault, LeaseOp, LeaseSpec, LeaseView};

/// The lease's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LeaseTimes {
    /// How long others wait after they saw the record change. Default 15 s.
    pub duration: Span,
    /// How long a claim lasts after the last good renewal was sent. Default 10 s; less than
    /// `duration`.
    pub renew_deadline: Span,
    /// How long between two attempts, good or not. Default 2 s.
    pub retry: Span,
}

impl Default for LeaseTimes {
    /// client-go's defaults: 15 s, 10 s, 2 s.
    fn default() -> Self {
        Self { duration: Span::secs(15), renew_deadline: Span::secs(10), retry: Span::secs(2) }
    }
}

impl LeaseTimes {
    /// How long one attempt may take: a third of the renew deadline, so that a leader has three.
    #[must_use]
    pub fn attempt(&self) -> Span {
        Span::millis(self.renew_deadline.as_millis() / 3)
    }
}

/// Until when this replica may act as the leader, by its own monotonic clock; not at that instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Until(pub Mono);

/// Names one call of one [`Lease`]; an answer to another than the last is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A call that the lease wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseCall {
    /// To be handed back with the reply.
    pub ticket: Ticket,
    /// After this its reply is no longer wanted.
    pub deadline: Mono,
    /// What to call.
    pub op: LeaseOp,
}

/// What is handed to a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseInput {
    /// The time asked for by [`Lease::wake_at`] has come, or any other time.
    Wake,
    /// What became of a call.
    Reply {
        /// Which call.
        ticket: Ticket,
        /// Its answer or fault.
        result: Result<Answer, Fault>,
    },
    /// Stop cleanly: believe nothing from now on, and release the record.
    Stop,
}

/// One replica's part in the lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    id: ReplicaId,
    times: LeaseTimes,
    state: State,
    /// Names the last call.
    ticket: Ticket,
    /// The record as last seen.
    seen: Option<Seen>,
    /// Until when we may believe that we lead.
    claim: Option<Until>,
    /// When the oldest write was sent of which we do not know whether it took, or will take,
    /// effect.
    unresolved: Option<Mono>,
    /// Nothing is written before the record was read.
    must_read: bool,
    /// No write is sent before this, so that a quick refusal does not become a storm.
    not_before: Mono,
    /// Set by a clean stop: when to give up releasing.
    give_up: Option<Mono>,
}

/// What the machine waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    /// For the time of the next attempt.
    Resting { until: Mono },
    /// For the answer to a read.
    Reading { deadline: Mono },
    /// For the answer to a write.
    Writing { deadline: Mono, sent: Mono, release: bool },
    /// For nothing: it was stopped, and the record is not ours any more.
    Stopped,
}

/// The record as this replica knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seen {
    /// `None`: there is no record.
    record: Option<Record>,
    /// From when on it may be written by whoever did not write it.
    free_at: Mono,
}

/// What of a record decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Record {
    version: Version,
    holder: Option<ReplicaId>,
    transitions: u64,
    /// It bears our name, and this process wrote it.
    ours: bool,
}

impl Lease {
    /// A replica that has seen nothing yet and wants to lead.
    #[must_use]
    pub fn new(id: ReplicaId, times: LeaseTimes) -> Self {
        Self {
            id,
            times,
            state: State::Resting { until: Mono(0) },
            ticket: Ticket(0),
            seen: None,
            claim: None,
            unresolved: None,
            must_read: false,
            not_before: Mono(0),
            give_up: None,
        }
    }

    /// Until when this replica may act as the leader; `None`: it may not.
    #[must_use]
    pub fn leads(&self, now: Mono) -> Option<Until> {
        self.claim.filter(|until| now < until.0 || bugs::on(Bug::NeverStopsLeading))
    }

    /// Takes one input and hands out the call that follows from it, if one does.
    pub fn handle(&mut self, now: Now, input: LeaseInput) -> Option<LeaseCall> {
        match input {
            LeaseInput::Wake => self.wake(now),
            LeaseInput::Reply { ticket, result } if ticket == self.ticket => {
                self.reply(now, result)
            }
            LeaseInput::Reply { .. } => None,
            LeaseInput::Stop => self.stop(now),
        }
    }

    /// When it wants [`LeaseInput::Wake`] next, at the latest; `None` once it has stopped.
    #[must_use]
    pub fn wake_at(&self) -> Option<Mono> {
        match self.state {
            State::Resting { until } => Some(until),
            State::Reading { deadline } | State::Writing { deadline, .. } => Some(deadline),
            State::Stopped => None,
        }
    }

    /// Who holds the lease, as far as this replica has seen; for people.
    #[must_use]
    pub fn holder(&self) -> Option<&ReplicaId> {
        self.record().and_then(|record| record.holder.as_ref())
    }

    /// Whether a clean stop is over: the record is released, or somebody else's, or out of reach.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.state == State::Stopped
    }

    /// This lease as it would be if `now` were `then` and its last call had not been numbered:
    /// instants that are over are told as just over. From `now` on both behave alike, for whoever
    /// compares states.
    #[must_use]
    pub fn moved(&self, now: Mono, then: Mono) -> Self {
        let at = |at: Mono| then + at.since(now);
        let sent = |sent: Mono| {
            let left = (sent + self.times.renew_deadline).since(now);
            Mono((then + left).0.saturating_sub(self.times.renew_deadline.0))
        };
        let state = match self.state {
            State::Resting { until } => State::Resting { until: at(until) },
            State::Reading { deadline } => State::Reading { deadline: at(deadline) },
            State::Writing { deadline, sent: when, release } => {
                State::Writing { deadline: at(deadline), sent: sent(when), release }
            }
            State::Stopped => State::Stopped,
        };
        let mut moved = Self { state, ticket: Ticket(0), ..self.clone() };
        moved.claim = self.leads(now).map(|until| Until(at(until.0)));
        moved.unresolved = self.unresolved.map(sent);
        moved.not_before = at(self.not_before);
        moved.give_up = self.give_up.map(at);
        if let Some(seen) = &mut moved.seen {
            seen.free_at = at(seen.free_at);
        }
        moved
    }

    /// This lease with other names for replicas and versions, and without what only people read of
    /// the record. As long as different names stay different it behaves alike, for whoever compares
    /// states.
    #[must_use]
    pub fn renamed(
        &self,
        mut replica: impl FnMut(&ReplicaId) -> ReplicaId,
        mut version: impl FnMut(&Version) -> Version,
    ) -> Self {
        let mut renamed = Self { id: replica(&self.id), ..self.clone() };
        if let Some(record) = renamed.seen.as_mut().and_then(|seen| seen.record.as_mut()) {
            record.version = version(&record.version);
            record.holder = record.holder.as_ref().map(&mut replica);
            record.transitions = 0;
        }
        renamed
    }

    fn record(&self) -> Option<&Record> {
        self.seen.as_ref().and_then(|seen| seen.record.as_ref())
    }

    fn ours(&self) -> bool {
        self.record().is_some_and(|record| record.ours)
    }
}

// === what came in ===

impl Lease {
    /// A time has come: the next attempt's, or a call's deadline.
    fn wake(&mut self, now: Now) -> Option<LeaseCall> {
        match self.state {
            State::Resting { until } if now.mono >= until => self.attempt(now),
            State::Reading { deadline } if now.mono >= deadline => self.attempt(now),
            State::Writing { deadline, sent, .. } if now.mono >= deadline => {
                self.doubt(sent);
                self.attempt(now)
            }
            _ => None,
        }
    }

    /// The last call was answered.
    fn reply(&mut self, now: Now, result: Result<Answer, Fault>) -> Option<LeaseCall> {
        match (self.state, result) {
            (State::Reading { .. }, Ok(Answer::Lease(view))) => {
                let over = view.as_ref().is_some_and(|view| over(&view.lease, now));
                self.saw(now.mono, view);
                if let (true, Some(seen)) = (over, &mut self.seen) {
                    seen.free_at = now.mono;
                }
                self.follow(now)
            }
            (State::Reading { .. }, _) => self.rest(now.mono + self.times.retry),
            (State::Writing { sent, release, .. }, result) => {
                self.written(now.mono, (sent, release), result);
                self.follow(now)
            }
            (State::Resting { .. } | State::Stopped, _) => None,
        }
    }

    /// A write was answered.
    fn written(&mut self, now: Mono, write: (Mono, bool), result: Result<Answer, Fault>) {
        let sent = write.0;
        match result {
            Ok(Answer::Written(version)) => self.wrote(now, write, version),
            Err(Fault::Conflict(_) | Fault::NotFound(_)) => {
                if self.unresolved.is_none() {
                    self.claim = None;
                }
                self.must_read = true;
            }
            Err(Fault::Unknown(_)) | Ok(_) => self.doubt(sent),
            Err(_) => {}
        }
    }

    /// A write took effect, so no earlier one can any more: it would have moved the version.
    fn wrote(&mut self, now: Mono, (sent, release): (Mono, bool), version: Version) {
        let transitions = self.next_transitions();
        let holder = if release { None } else { Some(self.id.clone()) };
        let record = Record { version, holder, transitions, ours: !release };
        self.seen = Some(Seen { record: Some(record), free_at: now + self.times.duration });
        self.unresolved = None;
        if self.give_up.is_none() {
            self.claim = Some(Until(sent + self.times.renew_deadline));
        }
    }

    /// It is not known whether the write sent at `sent` took effect.
    fn doubt(&mut self, sent: Mono) {
        self.unresolved.get_or_insert(sent);
        self.must_read = true;
    }

    /// The record was read. A version that we know already tells nothing new: a write of ours that
    /// is still under way may yet take effect.
    fn saw(&mut self, now: Mono, view: Option<LeaseView>) {
        self.must_read = false;
        let known = self.seen.as_ref().map(|seen| seen.record.as_ref().map(|r| &r.version));
        if known == Some(view.as_ref().map(|view| &view.version)) {
            return;
        }
        let vanished = view.is_none() && known.is_some();
        let record = view.map(|view| self.adopt(view));
        let held = record.as_ref().is_some_and(|record| record.holder.is_some());
        let free_at = if held || vanished { now + self.times.duration } else { now };
        self.seen = Some(Seen { record, free_at });
        let sent = self.unresolved.take().filter(|_| self.ours() && self.give_up.is_none());
        self.claim = sent.map(|sent| Until(sent + self.times.renew_deadline));
    }

    /// A record whose version is new to us. It is ours if it bears our name while a write of ours
    /// was of unknown outcome: that one took effect after all.
    fn adopt(&self, view: LeaseView) -> Record {
        let named = view.lease.holder.as_ref() == Some(&self.id);
        Record {
            version: view.version,
            ours: named && self.unresolved.is_some(),
            holder: view.lease.holder,
            transitions: view.lease.transitions,
        }
    }

    /// Stop cleanly. The claim ends before the release is sent.
    fn stop(&mut self, now: Now) -> Option<LeaseCall> {
        if self.give_up.is_some() {
            return None;
        }
        self.claim = None;
        self.give_up = Some(now.mono + self.times.duration);
        self.not_before = now.mono;
        match self.state {
            State::Resting { .. } => self.attempt(now),
            State::Reading { .. } | State::Writing { .. } | State::Stopped => None,
        }
    }
}

// === what follows ===

impl Lease {
    /// It is time to do something: read what may have changed, or write what is ours to write.
    fn attempt(&mut self, now: Now) -> Option<LeaseCall> {
        if self.halts(now.mono) {
            self.state = State::Stopped;
            None
        } else if self.must_read || !self.writable(now.mono) {
            self.read(now.mono)
        } else {
            self.write(now)
        }
    }

    /// Something was learnt: go on at once where that helps, else rest.
    fn follow(&mut self, now: Now) -> Option<LeaseCall> {
        if self.must_read || self.halts(now.mono) {
            return self.attempt(now);
        }
        let due = match &self.seen {
            Some(seen) if !self.ours() => seen.free_at.min(now.mono + self.times.retry),
            _ => now.mono,
        };
        let due = due.max(self.not_before);
        if due <= now.mono { self.attempt(now) } else { self.rest(due) }
    }

    /// Whether a clean stop has nothing left to do.
    fn halts(&self, now: Mono) -> bool {
        if bugs::on(Bug::LeaseTaskDies) && !matches!(self.state, State::Resting { .. }) {
            return self.wake_at().is_some_and(|deadline| deadline <= now);
        }
        let in_doubt = self.must_read && self.unresolved.is_some();
        self.give_up.is_some_and(|at| now >= at || !(self.ours() || in_doubt))
    }

    /// Whether the record may be written now: it is ours, or it is free.
    fn writable(&self, now: Mono) -> bool {
        self.ours() || self.seen.as_ref().is_some_and(|seen| now >= seen.free_at)
    }

    fn rest(&mut self, until: Mono) -> Option<LeaseCall> {
        self.state = State::Resting { until };
        None
    }

    fn read(&mut self, now: Mono) -> Option<LeaseCall> {
        let deadline = now + self.times.attempt();
        self.state = State::Reading { deadline };
        Some(self.call(deadline, LeaseOp::Read))
    }

    /// Writes over the version last seen: a renewal, a takeover, or a release.
    fn write(&mut self, now: Now) -> Option<LeaseCall> {
        let release = self.give_up.is_some();
        let deadline = now.mono + self.times.attempt();
        self.state = State::Writing { deadline, sent: now.mono, release };
        self.not_before = now.mono + self.times.retry;
        let lease = LeaseSpec {
            holder: if release { None } else { Some(self.id.clone()) },
            duration: self.times.duration,
            transitions: self.next_transitions(),
            renewed: now.wall,
        };
        let version = self.record().map(|record| record.version.clone());
        Some(self.call(deadline, LeaseOp::Write { version, lease }))
    }

    fn call(&mut self, deadline: Mono, op: LeaseOp) -> LeaseCall {
        self.ticket = Ticket(self.ticket.0 + 1);
        LeaseCall { ticket: self.ticket, deadline, op }
    }

    /// How often the record will have changed hands once we have written it.
    fn next_transitions(&self) -> u64 {
        match self.record() {
            None => 0,
            Some(record) if record.holder.as_ref() == Some(&self.id) => record.transitions,
            Some(record) => record.transitions + 1,
        }
    }
}

/// Whether what the record says of itself makes it free: never.
fn over(lease: &LeaseSpec, now: Now) -> bool {
    bugs::on(Bug::LeaseByWallClock) && lease.renewed + lease.duration <= now.wall
}

#[cfg(test)]
mod tests;
