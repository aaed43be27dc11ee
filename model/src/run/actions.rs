//! What may happen next to replicas, their calls, the store and the world.

use std::sync::Arc;

use bowline_core::op::{Answer, Fault, Op, StoreOp, Stored};
use bowline_core::plan::unwind;
use bowline_core::run::{Entry, Record};

use super::replica::{Message, Owner, Replica, Sent, Turn};
use super::{Kept, Mistake, Promise, RunModel, State, ground};

/// One thing that happens. Messages are counted in the order in which the state has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A replica begins to believe that it leads, or does so anew.
    Lead(usize),
    /// A replica ceases to believe it.
    Follow(usize),
    /// A replica takes a turn: whatever waits looks again.
    Turn(usize),
    /// A replica takes a turn at which it reads its chain, though nothing tells it to.
    Read(usize),
    /// A replica takes a turn at which the time of every step is over.
    Overdue(usize),
    /// A replica that leads begins the run.
    Begin(usize),
    /// A replica that leads follows a wish to cancel the run.
    Cancel(usize),
    /// A replica crashes, and is there again with nothing but a new name.
    Crash(usize),
    /// A call arrives. What only looks is answered at once: it may arrive late, and so may whatever
    /// follows from it.
    Arrive(usize),
    /// A reply is heard.
    Hear(usize),
    /// Who sent a call waits for it no more; it may still arrive.
    GiveUp(usize),
    /// A call is doubled on its way.
    Double(usize),
    /// The promotion shows.
    Show,
    /// Everything rests, for longer than a signed request is valid.
    Pause,
}

// === what may ===

impl RunModel {
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        let spare = state.spent.leads < self.bounds.leads;
        for (index, replica) in state.replicas.iter().enumerate() {
            let others = state.replicas.iter().enumerate();
            let led = spare || others.into_iter().any(|(i, other)| i != index && other.leads);
            self.of_replica(state, (index, replica), led, actions);
        }
        for (index, message) in state.messages.iter().enumerate() {
            actions.push(match message.reply {
                Some(_) => Action::Hear(index),
                None => Action::Arrive(index),
            });
            // A look that is lost is a look that comes later.
            let changes = message.waited && message.op.mutates();
            if changes && state.spent.losses < self.bounds.losses {
                actions.push(Action::GiveUp(index));
            }
            if changes && message.acts() && state.spent.doubles < self.bounds.doubles {
                actions.push(Action::Double(index));
            }
        }
        if state.world.promoted > 0 && !state.world.shows {
            actions.push(Action::Show);
        }
        // A process whose call is open for so long does not lead when it goes on.
        let waits = |message: &Arc<Message>| message.waited && state.replicas[message.from].leads;
        if state.spent.pauses < self.bounds.pauses && !state.messages.iter().any(waits) {
            actions.push(Action::Pause);
        }
    }

    fn of_replica(
        &self,
        state: &State,
        (index, replica): (usize, &Arc<Replica>),
        led: bool,
        actions: &mut Vec<Action>,
    ) {
        if state.spent.leads < self.bounds.leads {
            actions.push(Action::Lead(index));
        }
        if replica.leads && led {
            actions.push(Action::Follow(index));
        }
        if led && state.spent.crashes < self.bounds.crashes {
            actions.push(Action::Crash(index));
        }
        if !replica.leads {
            return;
        }
        actions.push(Action::Turn(index));
        // A read that brings nothing new, or settles nothing, changes nothing.
        if replica.desk.in_doubt() || replica.desk.ledger().head < state.ledger.head {
            actions.push(Action::Read(index));
        }
        let timed = |activity: &bowline_core::run::StepRun| {
            activity.open() && activity.step.timeout.is_some()
        };
        let run = replica.desk.ledger().run.as_ref();
        if run.is_some_and(|run| run.steps.values().any(timed)) {
            actions.push(Action::Overdue(index));
        }
        if replica.desk.current() && replica.desk.settled() {
            actions.extend(run.is_none().then_some(Action::Begin(index)));
            let open = replica.desk.ledger().open_run().is_some();
            if open && state.spent.cancels < self.bounds.cancels {
                actions.push(Action::Cancel(index));
            }
        }
    }
}

// === what does ===

impl RunModel {
    pub(super) fn happen(&self, state: &mut State, action: Action) {
        let plain = Turn::default();
        match action {
            Action::Lead(index) => {
                state.spent.leads += 1;
                let replica = Arc::make_mut(&mut state.replicas[index]);
                replica.leads = true;
                replica.desk.begin_to_lead();
                self.turn(state, index, plain);
            }
            Action::Follow(index) => {
                Arc::make_mut(&mut state.replicas[index]).leads = false;
                self.turn(state, index, plain);
            }
            Action::Turn(index) => self.turn(state, index, plain),
            Action::Read(index) => self.turn(state, index, Turn { reads: true, ..plain }),
            Action::Overdue(index) => self.turn(state, index, Turn { overdue: true, ..plain }),
            Action::Begin(index) => self.deciding(state, index, plain, |replica| {
                let epoch = replica.desk.ledger().epoch().next();
                let records = ground::begin(self.bounds.route, epoch, &replica.id);
                records.into_iter().for_each(|record| replica.desk.push(record));
            }),
            Action::Cancel(index) => {
                state.spent.cancels += 1;
                self.deciding(state, index, plain, |replica| self.cancel(replica));
            }
            Action::Crash(index) => self.crash(state, index),
            Action::Arrive(index) => self.arrive(state, index),
            Action::Hear(index) => self.hear(state, index),
            Action::GiveUp(index) => {
                state.spent.losses += 1;
                let message = state.messages.remove(index);
                state.adrift(&message);
                let result = Err(Fault::Unknown("no answer in time".into()));
                self.heard(state, &message, result);
            }
            Action::Double(index) => {
                state.spent.doubles += 1;
                let message = Arc::clone(&state.messages[index]);
                state.adrift(&message);
            }
            Action::Show => state.world.shows = true,
            Action::Pause => pause(state),
        }
    }

    fn turn(&self, state: &mut State, index: usize, turn: Turn) {
        self.deciding(state, index, turn, |_| {});
    }

    /// A turn at which something is decided.
    fn deciding(
        &self,
        state: &mut State,
        index: usize,
        turn: Turn,
        decide: impl FnOnce(&mut Replica),
    ) {
        let wall = self.wall(state, index);
        let replica = Arc::make_mut(&mut state.replicas[index]);
        let sent = replica.turn(wall, turn, decide);
        replica.settle();
        self.send(state, index, sent);
        state.forget(index);
    }

    fn cancel(&self, replica: &mut Replica) {
        let why = "cancelled".to_owned();
        if self.mistake != Mistake::UnwindsWhatIsCommitted {
            return replica.desk.unwind(why);
        }
        let ledger = replica.desk.ledger();
        let Some(run) = ledger.open_run() else { return };
        let plan = Box::new(unwind(run.kind, run.from, &ledger.undo()));
        replica.desk.push(Record::Unwinding { why });
        replica.desk.push(Record::Planned { plan, moves: false });
    }

    fn crash(&self, state: &mut State, index: usize) {
        state.spent.crashes += 1;
        let (lost, kept) = std::mem::take(&mut state.messages)
            .into_iter()
            .partition(|message: &Arc<Message>| message.waited && message.from == index);
        state.messages = kept;
        let lost: Vec<Arc<Message>> = lost;
        lost.iter().for_each(|message| state.adrift(message));
        let life = state.replicas[index].life + 1;
        state.replicas[index] = Arc::new(Replica::new(index, life));
    }

    /// Puts calls on their way.
    fn send(&self, state: &mut State, from: usize, sent: Sent) {
        for op in sent.store {
            if self.mistake == Mistake::ActsBeforeItsRecord {
                rashly(state, from, &op);
            }
            state.messages.push(Arc::new(Message::new(from, Owner::Chain, Op::Store(op))));
        }
        for call in sent.steps {
            if call.op.mutates() && !state.recorded(&call.op) {
                state.faults.found(Promise::Recorded);
            }
            let message = Message::new(from, Owner::Step(call.slot), call.op);
            state.messages.push(Arc::new(message));
        }
    }

    /// A call reaches the store or the world.
    fn arrive(&self, state: &mut State, index: usize) {
        let message = state.messages.remove(index);
        let now = state.wall();
        let result = match &*message.op {
            Op::Store(op) => self.store(state, op),
            op => {
                let State { world, faults, .. } = state;
                world.perform(self, op, now, faults)
            }
        };
        if message.waited && !message.op.mutates() {
            self.heard(state, &message, result);
        } else if message.waited {
            let message = Message { reply: Some(result), ..Message::clone(&message) };
            state.messages.push(Arc::new(message.printed()));
        }
    }

    fn hear(&self, state: &mut State, index: usize) {
        let message = state.messages.remove(index);
        if let Some(result) = message.reply.clone() {
            self.heard(state, &message, result);
        }
    }

    /// As a node takes a reply: whoever waits for it first, then a turn.
    fn heard(&self, state: &mut State, message: &Message, result: Result<Answer, Fault>) {
        let index = message.from;
        let wall = self.wall(state, index);
        let replica = Arc::make_mut(&mut state.replicas[index]);
        let sent = replica.hear(wall, &message.owner, result);
        self.send(state, index, sent);
        self.turn(state, index, Turn::default());
    }

    /// The store: names are created once, and read in order.
    fn store(&self, state: &mut State, op: &StoreOp) -> Result<Answer, Fault> {
        match op {
            StoreOp::Read { after, .. } => {
                let stored = (1u64..).zip(state.store.iter()).filter(|(seq, _)| seq > after);
                let entry = |(seq, kept): (u64, &Kept)| Stored { seq, bytes: kept.bytes.clone() };
                Ok(Answer::Entries(stored.map(entry).collect()))
            }
            StoreOp::Append { seq, bytes, .. } if *seq == state.ledger.head + 1 => {
                state.append(bytes);
                Ok(Answer::Ok)
            }
            StoreOp::Append { seq, bytes, .. } => match self.mistake {
                Mistake::StoreOverwrites if *seq <= state.ledger.head => {
                    state.overwrite(*seq, bytes);
                    Ok(Answer::Ok)
                }
                Mistake::StoreRebases => {
                    state.rebase(bytes);
                    Ok(Answer::Ok)
                }
                _ => Err(Fault::Conflict(seq.to_string())),
            },
            other => Err(Fault::Invalid(format!("{other:?}"))),
        }
    }
}

/// A mistake: what an entry says is about to be called is called at once.
fn rashly(state: &mut State, from: usize, op: &StoreOp) {
    let StoreOp::Append { seq, bytes, .. } = op else { return };
    let records = Entry::parse(*seq, bytes).map(|entry| entry.records).unwrap_or_default();
    for record in records {
        let Record::Started { op, .. } = record else { continue };
        if !state.recorded(&op) {
            state.faults.found(Promise::Recorded);
        }
        let message = Message::new(from, Owner::Chain, *op);
        state.messages.push(Arc::new(Message { waited: false, ..message }.printed()));
    }
}

/// What was signed before is valid no more behind a pause. Calls to the store are not signed.
fn pause(state: &mut State) {
    state.spent.pauses += 1;
    let expired = |message: &Arc<Message>| message.acts() && !message.stores();
    let (gone, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut state.messages).into_iter().partition(expired);
    state.messages = kept;
    for message in gone.iter().filter(|message| message.waited) {
        let reply = Some(Err(Fault::Transient("RequestExpired".into())));
        let message = Message { reply, ..Message::clone(message) };
        state.messages.push(Arc::new(message.printed()));
    }
}

impl State {
    /// Nobody waits for this any more; if it may change something, it may still do so.
    fn adrift(&mut self, message: &Message) {
        if message.acts() {
            let message = Message { waited: false, ..message.clone() };
            self.messages.push(Arc::new(message.printed()));
        }
    }

    /// Calls of looks that are over are waited for no more; nor are those of who does not lead,
    /// since whoever begins to lead forgets them.
    fn forget(&mut self, index: usize) {
        let replica = Arc::clone(&self.replicas[index]);
        let over = |message: &Arc<Message>| match &message.owner {
            Owner::Step(slot) => {
                let heard = replica.leads && replica.desk.awaits(slot);
                message.waited && message.from == index && !heard
            }
            Owner::Chain => false,
        };
        let (over, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.messages).into_iter().partition(over);
        self.messages = kept;
        over.iter().for_each(|message| self.adrift(message));
    }

    /// Whether the store has the record of this call.
    fn recorded(&self, call: &Op) -> bool {
        let mut steps = self.ledger.run.iter().flat_map(|run| run.steps.values());
        let last = steps.any(|step| step.acted.as_ref().is_some_and(|acted| acted.op == *call));
        last || (1u64..).zip(self.store.iter()).any(|(seq, kept)| {
            let entry = Entry::parse(seq, &kept.bytes);
            entry.is_ok_and(|entry| {
                entry.records.iter().any(|record| match record {
                    Record::Started { op, .. } => **op == *call,
                    _ => false,
                })
            })
        })
    }

    /// A mistake: what stood at this number is gone, and everything behind it.
    fn overwrite(&mut self, seq: u64, bytes: &Arc<str>) {
        self.faults.found(Promise::Chain);
        let before = usize::try_from(seq - 1).unwrap_or_default();
        let store: Vec<_> = self.store[..before].to_vec();
        let chain = (1u64..).zip(store.iter().map(|kept| &*kept.bytes));
        self.ledger = Arc::new(bowline_core::run::Ledger::replay(chain).unwrap_or_default());
        self.store = Arc::new(store);
        self.append(bytes);
    }

    /// A mistake: the same records behind the last entry, under whatever claim stands there.
    fn rebase(&mut self, bytes: &str) {
        let (seq, prev) = (self.ledger.head + 1, Arc::clone(&self.ledger.hash));
        let claim = self.ledger.claim.clone();
        if let Ok(entry) = Entry::parse(seq, bytes) {
            self.append(&Entry { seq, prev, claim, ..entry }.bytes());
        }
    }
}
