//! What may happen next to replicas, their calls, the store and the world.

use std::sync::Arc;

use bowline_core::op::{Answer, Fault, Op, StoreOp};
use bowline_core::plan::{Class, unwind};
use bowline_core::run::{Entry, Record, Run, StepRun, StepState};
use bowline_core::step::Acted;

use super::memory::Moved;
use super::promises::Faults;
use super::replica::{Event, Message, Owner, Replica};
use super::stored::Stored;
use super::world::World;
use super::{Mistake, Promise, RunModel, State, ground};
use crate::ending::print;

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
        let spare = (0..state.replicas.len()).any(|index| self.can_lead(state, index));
        let mut fresh = false;
        for (index, replica) in state.replicas.iter().enumerate() {
            // Who has done nothing yet is like any other such but for the name: the first one acts.
            if !(replica.fresh() && fresh && self.alike()) {
                let others = state.replicas.iter().enumerate();
                let led = spare || others.into_iter().any(|(i, other)| i != index && other.leads);
                self.of_replica(state, (index, replica), led, actions);
            }
            fresh |= replica.fresh() && self.can_lead(state, index);
        }
        for (index, message) in state.messages.iter().enumerate() {
            actions.push(match message.reply {
                Some(_) => Action::Hear(index),
                None => Action::Arrive(index),
            });
            // A look that is lost is a look that comes later.
            let waited = message.waited && !state.replicas[message.from].fresh();
            let changes = waited && message.op.mutates();
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
        let may = state.spent.pauses < self.bounds.pauses && !state.messages.iter().any(waits);
        if may && state.rest_matters() {
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
        if self.can_lead(state, index) {
            actions.push(Action::Lead(index));
        }
        if replica.leads && led {
            actions.push(Action::Follow(index));
        }
        if led && !replica.fresh() && state.spent.crashes < self.bounds.crashes {
            actions.push(Action::Crash(index));
        }
        if !replica.leads {
            return;
        }
        actions.push(Action::Turn(index));
        // A read that brings nothing new, or settles nothing, changes nothing.
        if replica.desk.in_doubt() || replica.desk.ledger().head < state.stored.ledger.head {
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
        match action {
            Action::Lead(index) => {
                state.spent.leads += 1;
                state.spent.led |= if self.bounds.once { 1 << index } else { 0 };
                self.meet(state, index, Event::Lead);
            }
            Action::Follow(index) => self.meet(state, index, Event::Follow),
            Action::Turn(index) => self.meet(state, index, Event::Turn),
            Action::Read(index) => self.meet(state, index, Event::Read),
            Action::Overdue(index) => self.meet(state, index, Event::Overdue),
            Action::Begin(index) => self.meet(state, index, Event::Begin),
            Action::Cancel(index) => {
                state.spent.cancels += 1;
                self.meet(state, index, Event::Cancel);
            }
            Action::Crash(index) => self.crash(state, index),
            Action::Arrive(index) => self.arrive(state, index),
            Action::Hear(index) => self.hear(state, index),
            Action::GiveUp(index) => {
                state.spent.losses += 1;
                let message = state.messages.remove(index);
                state.adrift(&message);
                let result = || Err(Fault::Unknown("no answer in time".into()));
                self.heard(state, &message, 0, result);
            }
            Action::Double(index) => {
                state.spent.doubles += 1;
                let message = Arc::clone(&state.messages[index]);
                state.adrift(&message);
            }
            Action::Show => state.world = Arc::new(state.world.showing()),
            Action::Pause => pause(state),
        }
    }

    /// Something happens to a replica.
    fn meet(&self, state: &mut State, index: usize, event: Event) {
        let (wall, before) = (self.wall(state, index), Arc::clone(&state.replicas[index]));
        let moved = self.memory.moves.recall(print(&(before.print, event, wall.0)), || {
            self.known(before.met(event, wall, |replica| match event {
                Event::Begin => {
                    let epoch = replica.desk.ledger().epoch().next();
                    let records = ground::begin(self.bounds.route, epoch, &replica.id);
                    records.into_iter().for_each(|record| replica.desk.push(record));
                }
                Event::Cancel => self.cancel(replica),
                _ => {}
            }))
        });
        self.place(state, index, moved);
    }

    /// A replica hears what became of its call. The result depends on the call and on `place`, the
    /// print of where it was answered, alone.
    fn heard(
        &self,
        state: &mut State,
        message: &Message,
        place: u64,
        result: impl FnOnce() -> Result<Answer, Fault>,
    ) {
        let index = message.from;
        let (wall, before) = (self.wall(state, index), Arc::clone(&state.replicas[index]));
        let moved = print(&(before.print, message.print, place, wall.0));
        let moved =
            self.memory.moves.recall(moved, || self.known(before.heard(message, wall, result())));
        self.place(state, index, moved);
    }

    /// A replica as it is known already, if it is, and its messages.
    fn known(&self, (replica, sent): (Replica, Vec<Message>)) -> Moved {
        let replica = self.memory.replicas.recall(replica.print, || Arc::new(replica));
        (replica, sent.into_iter().map(Arc::new).collect())
    }

    /// Puts a replica in its place, and what it sent on its way.
    fn place(&self, state: &mut State, index: usize, (replica, sent): Moved) {
        state.replicas[index] = replica;
        for message in &*sent {
            if let (Op::Store(op), Mistake::ActsBeforeItsRecord) = (&*message.op, self.mistake) {
                rashly(state, index, op);
            }
            let acts = message.owner == Owner::Step && message.op.mutates();
            if acts && !state.stored.recorded(&message.op) {
                state.faults.found(Promise::Recorded);
            }
            state.messages.push(Arc::clone(message));
        }
        state.forget(index);
    }

    fn cancel(&self, replica: &mut Replica) {
        let why = "cancelled".to_owned();
        let ledger = replica.desk.ledger();
        let Some(run) = ledger.open_run() else { return };
        let mut takes_back = None;
        match self.mistake {
            Mistake::UnwindsWhatIsCommitted => {}
            Mistake::TakesBackWhatWasSent => takes_back = begun_for_good(run),
            // As long as nothing is begun that cannot be undone, what it undoes is right but for
            // how: no call is outlasted.
            Mistake::TrustsAnOpenDoor if !run.committed && !replica.desk.acting() => {}
            _ => return replica.desk.unwind(why),
        }
        let plan = Box::new(unwind(run.kind, run.from, &ledger.undo(), &[]));
        takes_back.into_iter().for_each(|record| replica.desk.push(record));
        replica.desk.push(Record::Unwinding { why });
        replica.desk.push(Record::Planned { plan, moves: false });
    }

    /// Reads of the chain arrive at once, where that is a bound.
    pub(super) fn hurry(&self, state: &mut State) {
        let read = |message: &Arc<Message>| message.stores() && !message.op.mutates();
        while let Some(read) = state.messages.iter().position(read).filter(|_| self.bounds.prompt) {
            self.arrive(state, read);
        }
    }

    /// Who does not lead, and will not again within the bounds, changes nothing any more but by
    /// what it has sent: what it knows and waits for makes no difference.
    pub(super) fn retire(&self, state: &mut State) {
        for index in 0..state.replicas.len() {
            let replica = &state.replicas[index];
            if replica.leads || self.can_lead(state, index) {
                continue;
            }
            if !replica.fresh() {
                state.replicas[index] = self.replica(index, replica.life);
            }
            state.messages.retain(|message| message.from != index || message.acts());
        }
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
        state.replicas[index] = self.replica(index, life);
    }

    /// A call reaches the store or the world.
    fn arrive(&self, state: &mut State, index: usize) {
        let message = state.messages.remove(index);
        if !message.op.mutates() {
            let (stored, world) = (Arc::clone(&state.stored), Arc::clone(&state.world));
            let place = if message.stores() { stored.print } else { world.print };
            let now = state.wall();
            return self.heard(state, &message, place, || match &*message.op {
                Op::Store(StoreOp::Read { after, .. }) => {
                    Ok(Answer::Entries(stored.behind(*after)))
                }
                op => World::clone(&world).perform(self, op, now, &mut Faults::default()),
            });
        }
        let result = match &*message.op {
            Op::Store(op) => self.store(state, op),
            op => {
                let (mut world, now) = (World::clone(&state.world), state.wall());
                let result = world.perform(self, op, now, &mut state.faults);
                state.world = Arc::new(world.printed());
                result
            }
        };
        let retired = state.replicas[message.from].fresh();
        if message.waited && !retired {
            state.messages.push(Arc::new(message.replied(result)));
        }
    }

    fn hear(&self, state: &mut State, index: usize) {
        let message = state.messages.remove(index);
        if let Some(result) = &message.reply {
            self.heard(state, &message, 0, || result.clone());
        }
    }

    /// The store creates a name, once.
    fn store(&self, state: &mut State, op: &StoreOp) -> Result<Answer, Fault> {
        let StoreOp::Append { seq, bytes, .. } = op else {
            return Err(Fault::Invalid(format!("{op:?}")));
        };
        let stored = Arc::clone(&state.stored);
        let head = stored.ledger.head;
        let make: &dyn Fn() -> Stored = match self.mistake {
            _ if *seq == head + 1 => &|| stored.with(bytes),
            Mistake::StoreOverwrites if *seq <= head => &|| stored.overwritten(*seq, bytes),
            Mistake::StoreRebases => &|| stored.rebased(bytes),
            _ => return Err(Fault::Conflict(seq.to_string())),
        };
        let made = print(&(stored.print, seq, bytes));
        state.stored = self.memory.chains.recall(made, || Arc::new(make()));
        state.faults.extend(state.stored.faults);
        Ok(Answer::Ok)
    }
}

/// A mistake: what an entry says is about to be called is called at once.
fn rashly(state: &mut State, from: usize, op: &StoreOp) {
    let StoreOp::Append { seq, bytes, .. } = op else { return };
    let records = Entry::parse(*seq, bytes).map(|entry| entry.records).unwrap_or_default();
    for record in records {
        let Record::Started { op, .. } = record else { continue };
        if !state.stored.recorded(&op) {
            state.faults.found(Promise::Recorded);
        }
        state.messages.push(Arc::new(Message::new(from, Owner::Chain, *op).left()));
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
        let expired = Err(Fault::Transient("RequestExpired".into()));
        state.messages.push(Arc::new(message.replied(expired)));
    }
}

impl State {
    /// Whether it makes a difference that time passes: a call is on its way that may become too
    /// old, or a record that will tell its time; or a step was begun a moment ago, or outlasts a
    /// call. Otherwise all is behind a pause as it was before, only later.
    fn rest_matters(&self) -> bool {
        let mut steps = self.stored.ledger.run.iter().flat_map(|run| run.steps.values());
        let recent = |acted: &Acted| self.wall().since(acted.at) < ground::PAUSE;
        let begun = |step: &StepRun| step.open() && step.acted.as_ref().is_some_and(recent);
        let acts = |message: &Arc<Message>| message.acts();
        self.messages.iter().any(acts) || steps.any(begun) || self.outlasts()
    }

    /// Nobody waits for this any more; if it may change something, it may still do so.
    fn adrift(&mut self, message: &Message) {
        if message.acts() {
            self.messages.push(Arc::new(message.left()));
        }
    }

    /// What a replica would not hear the answer to is waited for no more.
    fn forget(&mut self, index: usize) {
        let replica = Arc::clone(&self.replicas[index]);
        let over = |message: &Arc<Message>| {
            let of_step = message.waited && message.owner == Owner::Step;
            of_step && message.from == index && !replica.awaits(message)
        };
        let (over, kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.messages).into_iter().partition(over);
        self.messages = kept;
        over.iter().for_each(|message| self.adrift(message));
    }
}

/// What takes back the step that a run has begun and cannot undo.
fn begun_for_good(run: &Run) -> Option<Record> {
    let for_good =
        |step: &StepRun| step.state == StepState::Started && step.step.class == Class::Irreversible;
    let (step, _) = run.steps.iter().find(|(_, step)| for_good(step))?;
    Some(Record::Withheld { step: step.clone() })
}
