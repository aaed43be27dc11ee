//! One replica at its desk, and the calls it sent.

use std::fmt;
use std::sync::Arc;

use bowline_core::model::{Mono, Now, ReplicaId, Wall};
use bowline_core::op::{Answer, Fault, Op, StoreOp};
use bowline_core::run::{Allowed, Desk, Heard, Seat, Slot, StepCall};

use super::ground;
use crate::ending::print;

/// A replica.
#[derive(Clone)]
pub(super) struct Replica {
    /// Its place among the replicas.
    index: usize,
    /// Its name in this life.
    pub(super) id: ReplicaId,
    /// Which life it is.
    pub(super) life: u8,
    /// Whether it believes that it leads.
    pub(super) leads: bool,
    pub(super) desk: Desk,
    /// The calls of its steps whose answers would be heard, by their prints.
    awaited: Vec<(u64, Slot)>,
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
    /// The print of the call alone.
    call: u64,
    /// The reply, once there is one.
    pub(super) reply: Option<Result<Answer, Fault>>,
    pub(super) print: u64,
}

/// Whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Chain,
    Step,
}

/// What happens to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    /// It begins to lead.
    Lead,
    /// It ceases to lead.
    Follow,
    /// It takes a turn: whatever waits looks again.
    Turn,
    /// A turn at which its chain is to be read.
    Read,
    /// A turn at which the time of every step is over.
    Overdue,
    /// A turn at which it begins the run.
    Begin,
    /// A turn at which it is to cancel the run.
    Cancel,
}

/// What came of a turn.
#[derive(Debug, Default)]
struct Sent {
    store: Vec<StoreOp>,
    steps: Vec<StepCall>,
}

impl Replica {
    pub(super) fn new(index: usize, life: u8) -> Self {
        let id = ReplicaId::new(format!("r{index}.{life}"));
        let (desk, awaited) = (Desk::new(ground::GROUP.into()), Vec::new());
        let (mono, reads, print) = (0, 0, 0);
        Self { index, id, life, leads: false, desk, awaited, mono, reads, print }.printed()
    }

    /// The same after something happened to it. `decide` pushes what is decided at the turn.
    pub(super) fn met(
        &self,
        event: Event,
        wall: Wall,
        decide: impl FnOnce(&mut Self),
    ) -> (Self, Vec<Message>) {
        let mut next = self.clone();
        match event {
            Event::Lead => {
                next.leads = true;
                next.desk.begin_to_lead();
            }
            Event::Follow => next.leads = false,
            _ => {}
        }
        let sent = next.turn(wall, event, decide);
        let sent = next.posted(sent);
        if event == Event::Follow {
            // It forgets its steps before it leads again: as well now.
            next.desk.begin_to_lead();
        }
        (next.printed(), sent)
    }

    /// The same after it heard the reply to one of its calls, as a node takes it: whoever waits for
    /// it first, then a turn.
    pub(super) fn heard(
        &self,
        message: &Message,
        wall: Wall,
        result: Result<Answer, Fault>,
    ) -> (Self, Vec<Message>) {
        let mut next = self.clone();
        let sent = next.hear(wall, message, result);
        let mut sent = next.posted(sent);
        let turned = next.turn(wall, Event::Turn, |_| {});
        sent.extend(next.posted(turned));
        (next.printed(), sent)
    }

    /// One turn, in the order in which a node takes it.
    fn turn(&mut self, wall: Wall, event: Event, decide: impl FnOnce(&mut Self)) -> Sent {
        let pause = if event == Event::Overdue { ground::NEVER } else { ground::PAUSE };
        self.mono += pause.as_millis();
        self.reads += if event == Event::Read { ground::PAUSE.as_millis() } else { 0 };
        let mut sent = Sent::default();
        sent.store.extend(self.desk.read(Mono(self.reads)));
        let id = self.id.clone();
        let seat = self.seat(&id, wall);
        self.desk.take_back(&seat);
        if self.leads && self.desk.current() {
            let alone = self.desk.fence().is_none();
            self.desk.take_over(&seat, alone, |ledger| ledger.epoch().next());
            if self.desk.settled() {
                decide(self);
            }
            let allowed = if alone { Allowed::Everything } else { Allowed::Nothing };
            sent.steps.extend(self.desk.execute(&seat, allowed));
        }
        sent.store.extend(self.desk.write(&seat));
        self.desk.rest();
        sent
    }

    fn hear(&mut self, wall: Wall, message: &Message, result: Result<Answer, Fault>) -> Sent {
        let id = self.id.clone();
        let seat = self.seat(&id, wall);
        if message.owner == Owner::Chain {
            let Heard { next, calls, .. } = self.desk.heard(&seat, result, false);
            return Sent { store: next.into_iter().collect(), steps: calls };
        }
        let place = self.awaited.iter().position(|(call, _)| *call == message.call);
        if let Some(place) = place {
            let (_, slot) = self.awaited.remove(place);
            self.desk.answered(&slot, seat.now, result);
        }
        Sent::default()
    }

    /// What was sent, as messages. Answers to its steps' calls are to be heard from now on.
    fn posted(&mut self, sent: Sent) -> Vec<Message> {
        let store = sent.store.into_iter().map(Op::Store);
        let mut all: Vec<_> = store.map(|op| Message::new(self.index, Owner::Chain, op)).collect();
        for call in sent.steps {
            let message = Message::new(self.index, Owner::Step, call.op);
            self.awaited.push((message.call, call.slot));
            all.push(message);
        }
        all
    }

    fn seat<'a>(&self, id: &'a ReplicaId, wall: Wall) -> Seat<'a> {
        Seat { id, now: Now { mono: Mono(self.mono), wall }, leads: self.leads }
    }

    /// Whether it has done nothing yet in this life, or nothing that matters.
    pub(super) fn fresh(&self) -> bool {
        self.mono == 0
    }

    /// Whether it would hear the answer to this message of its.
    pub(super) fn awaits(&self, message: &Message) -> bool {
        self.awaited.iter().any(|(call, _)| *call == message.call)
    }

    /// The same with its print. Calls of looks that are over are waited for no more; nor are those
    /// of who does not lead, since whoever begins to lead forgets them.
    fn printed(mut self) -> Self {
        let Self { awaited, desk, leads, .. } = &mut self;
        awaited.retain(|(_, slot)| *leads && desk.awaits(slot));
        awaited.sort_by_key(|(call, _)| *call);
        let awaited: Vec<_> = self.awaited.iter().map(|(call, _)| *call).collect();
        self.print = print(&(&self.id, self.leads, self.gist(), awaited));
        self
    }

    fn gist(&self) -> String {
        self.desk.gist(Mono(self.mono) + ground::PAUSE, Mono(self.reads))
    }
}

impl Message {
    pub(super) fn new(from: usize, owner: Owner, op: Op) -> Self {
        let call = print(&format!("{op:?}"));
        Self { from, waited: true, owner, op: Arc::new(op), call, reply: None, print: 0 }.printed()
    }

    /// The same with its print. Who sent what nobody waits for any more makes no difference.
    pub(super) fn printed(mut self) -> Self {
        let reply = self.reply.as_ref().map(|reply| format!("{reply:?}"));
        let waited = self.waited.then_some((self.from, self.owner, reply));
        self.print = print(&(waited, self.call));
        self
    }

    /// The same with this reply.
    pub(super) fn replied(&self, reply: Result<Answer, Fault>) -> Self {
        Self { reply: Some(reply), ..self.clone() }.printed()
    }

    /// The same, waited for no more.
    pub(super) fn left(&self) -> Self {
        Self { waited: false, ..self.clone() }.printed()
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
