//! One replica at its desk, and the calls it sent.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bowline_core::model::{Mono, Now, ReplicaId, Wall};
use bowline_core::op::{Answer, Fault, Op, StoreOp};
use bowline_core::run::{Desk, Heard, Seat, Slot, StepCall};

use super::ground;

/// A replica.
#[derive(Clone)]
pub(super) struct Replica {
    /// Its name in this life.
    pub(super) id: ReplicaId,
    /// Which life it is.
    pub(super) life: u8,
    /// Whether it believes that it leads.
    pub(super) leads: bool,
    pub(super) desk: Desk,
    /// Its clock. It goes on with every turn, by more than anything waits but a step's timeout.
    mono: u64,
    /// The clock by which it reads its chain, so that it may read late.
    reads: u64,
    /// Of all that decides how it goes on.
    pub(super) print: u64,
}

/// A call on its way.
#[derive(Clone)]
pub(super) struct Message {
    /// Who sent it.
    pub(super) from: usize,
    /// Whether somebody waits for the reply.
    pub(super) waited: bool,
    /// Whose call it is.
    pub(super) owner: Owner,
    pub(super) op: Arc<Op>,
    /// The reply, once there is one.
    pub(super) reply: Option<Result<Answer, Fault>>,
    pub(super) print: u64,
}

/// Whose call it is.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    Chain,
    Step(Slot),
}

/// What a replica does at a turn beside what is always done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// Its chain is to be read.
    pub(super) reads: bool,
    /// The time of every step is over.
    pub(super) overdue: bool,
}

/// What came of a turn.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) store: Vec<StoreOp>,
    pub(super) steps: Vec<StepCall>,
}

impl Replica {
    pub(super) fn new(index: usize, life: u8) -> Self {
        let id = ReplicaId::new(format!("r{index}.{life}"));
        let desk = Desk::new(ground::GROUP.into());
        let mut new = Self { id, life, leads: false, desk, mono: 0, reads: 0, print: 0 };
        new.settle();
        new
    }

    /// One turn, in the order in which a node takes it. `decide` pushes what was decided.
    pub(super) fn turn(&mut self, wall: Wall, turn: Turn, decide: impl FnOnce(&mut Self)) -> Sent {
        let pause = u64::try_from(ground::PAUSE_MS).unwrap_or_default();
        self.mono += if turn.overdue { ground::NEVER.as_millis() } else { pause };
        self.reads += if turn.reads { pause } else { 0 };
        let mut sent = Sent::default();
        sent.store.extend(self.desk.read(Mono(self.reads)));
        let id = self.id.clone();
        let seat = self.seat(&id, wall);
        if self.leads && self.desk.current() {
            let alone = self.desk.fence().is_none();
            self.desk.take_over(&seat, alone, |ledger| ledger.epoch().next());
            if self.desk.settled() {
                decide(self);
            }
            sent.steps.extend(self.desk.execute(&seat, alone));
        }
        sent.store.extend(self.desk.write(&seat));
        self.desk.rest();
        sent
    }

    /// Takes the reply to one of its calls.
    pub(super) fn hear(
        &mut self,
        wall: Wall,
        owner: &Owner,
        result: Result<Answer, Fault>,
    ) -> Sent {
        let id = self.id.clone();
        let seat = self.seat(&id, wall);
        match owner {
            Owner::Chain => {
                let Heard { next, calls, .. } = self.desk.heard(&seat, result);
                Sent { store: next.into_iter().collect(), steps: calls }
            }
            Owner::Step(slot) => {
                self.desk.answered(slot, seat.now, result);
                Sent::default()
            }
        }
    }

    fn seat<'a>(&self, id: &'a ReplicaId, wall: Wall) -> Seat<'a> {
        Seat { id, now: Now { mono: Mono(self.mono), wall }, leads: self.leads }
    }

    /// Looks up its print, once something happened to it.
    pub(super) fn settle(&mut self) {
        let mut hasher = DefaultHasher::new();
        (&self.id, self.leads, self.gist()).hash(&mut hasher);
        self.print = hasher.finish();
    }

    fn gist(&self) -> String {
        let pause = u64::try_from(ground::PAUSE_MS).unwrap_or_default();
        self.desk.gist(Mono(self.mono + pause), Mono(self.reads))
    }
}

impl Message {
    pub(super) fn new(from: usize, owner: Owner, op: Op) -> Self {
        let op = Arc::new(op);
        Self { from, waited: true, owner, op, reply: None, print: 0 }.printed()
    }

    /// The same with its print. Who sent what nobody waits for any more makes no difference.
    pub(super) fn printed(mut self) -> Self {
        let mut hasher = DefaultHasher::new();
        let (owner, reply) = match &self.owner {
            _ if !self.waited => (None, None),
            Owner::Chain => (Some((self.from, false)), Some(format!("{:?}", self.reply))),
            Owner::Step(_) => (Some((self.from, true)), Some(format!("{:?}", self.reply))),
        };
        (owner, reply, format!("{:?}", self.op)).hash(&mut hasher);
        self.print = hasher.finish();
        self
    }

    /// Whether it may still change something.
    pub(super) fn acts(&self) -> bool {
        self.reply.is_none() && self.op.mutates()
    }

    /// Whether it is a call to the store.
    pub(super) fn stores(&self) -> bool {
        matches!(*self.op, Op::Store(_))
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} leads: {}, {}", self.id, self.leads, self.gist())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, waited, op, reply, .. } = self;
        write!(f, "from {from}, waited for: {waited}, {op:?} -> {reply:?}")
    }
}
