//! What may happen next to replicas that share a lease.

use bowline_core::lease::{Lease, LeaseCall, LeaseInput, Ticket};
use bowline_core::model::{Mono, Now, Wall};

use super::{LeaseModel, Mistake, NAMES, NOW, Replica, Reply, State, Travel, Write};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Time passes, for everybody by their own clock.
    Tick,
    /// A replica is woken.
    Wake(usize),
    /// A replica's request reaches the store.
    Arrive(usize),
    /// A replica hears the reply.
    Hear(usize),
    /// A replica's request or the reply to it is lost.
    Lose(usize),
    /// The store refuses a replica's request and does nothing.
    Refuse(usize),
    /// A replica's write is doubled on its way.
    Double(usize),
    /// A write that nobody waits for reaches the store after all.
    Drift(usize, usize),
    /// A write that nobody waits for is lost.
    Sink(usize, usize),
    /// A replica crashes and comes back under another name.
    Restart(usize),
    /// A replica is told to stop.
    Stop(usize),
}

impl LeaseModel {
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        actions.push(Action::Tick);
        for (index, replica) in state.replicas.iter().enumerate() {
            actions.push(Action::Wake(index));
            actions.push(Action::Restart(index));
            match &replica.call {
                Some(Travel::Sent(write)) => {
                    actions.extend([Action::Arrive(index), Action::Lose(index)]);
                    if self.bounds.rare {
                        actions.push(Action::Refuse(index));
                        actions.extend(write.as_ref().map(|_| Action::Double(index)));
                    }
                }
                Some(Travel::Answered(_)) => {
                    actions.extend([Action::Hear(index), Action::Lose(index)]);
                }
                None => {}
            }
            for which in 0..replica.adrift.len() {
                actions.extend([Action::Drift(index, which), Action::Sink(index, which)]);
            }
            if self.bounds.rare {
                actions.push(Action::Stop(index));
            }
        }
    }

    pub(super) fn happen(&self, state: &mut State, action: Action) {
        match action {
            Action::Tick => {
                for (replica, rate) in state.replicas.iter_mut().zip(&self.bounds.rates) {
                    replica.lease = replica.lease.moved(Mono(NOW.0 + rate), NOW);
                }
            }
            Action::Wake(index) => state.replicas[index].input(LeaseInput::Wake),
            Action::Stop(index) => state.replicas[index].input(LeaseInput::Stop),
            Action::Arrive(index) => self.arrive(state, index),
            Action::Hear(index) => self.hear(state, index),
            Action::Lose(index) => state.replicas[index].call = None,
            Action::Refuse(index) => {
                state.replicas[index].call = Some(Travel::Answered(Reply::Refused));
            }
            Action::Double(index) => {
                if let Some(Travel::Sent(Some(write))) = state.replicas[index].call.clone() {
                    state.replicas[index].cast_off(write);
                }
            }
            Action::Drift(index, which) => {
                let write = state.replicas[index].adrift.remove(which);
                self.write(state, write);
            }
            Action::Sink(index, which) => {
                state.replicas[index].adrift.remove(which);
            }
            Action::Restart(index) => self.restart(state, index),
        }
    }

    fn arrive(&self, state: &mut State, index: usize) {
        let reply = match state.replicas[index].call.take() {
            Some(Travel::Sent(Some(write))) => self.write(state, write),
            Some(Travel::Sent(None)) => Reply::Read(state.record.clone()),
            other => return state.replicas[index].call = other,
        };
        state.replicas[index].call = Some(Travel::Answered(reply));
    }

    fn hear(&self, state: &mut State, index: usize) {
        if let Some(Travel::Answered(reply)) = state.replicas[index].call.take() {
            let result = reply.result(self.bounds.times.duration);
            let ticket = Ticket(0);
            state.replicas[index].input(LeaseInput::Reply { ticket, result });
        }
    }

    /// Reads are answered at once, where that is a bound.
    pub(super) fn hurry(&self, state: &mut State) {
        let reads = |replica: &Replica| replica.call == Some(Travel::Sent(None));
        for index in 0..state.replicas.len() {
            while self.bounds.prompt && reads(&state.replicas[index]) {
                self.arrive(state, index);
                self.hear(state, index);
            }
        }
    }

    /// The store: a compare-and-swap on the version.
    fn write(&self, state: &mut State, write: Write) -> Reply {
        let present = state.record.as_ref().map(|(version, _)| version);
        if present != write.version.as_ref() && self.mistake != Mistake::BlindStore {
            return Reply::Conflict;
        }
        let version = NAMES.written.clone();
        state.record = Some((version.clone(), write.holder));
        Reply::Written(version)
    }

    fn restart(&self, state: &mut State, index: usize) {
        let (replica, id) = (&mut state.replicas[index], NAMES.new.clone());
        replica.give_up();
        replica.lease = Lease::new(id.clone(), self.bounds.times).moved(Mono(0), NOW);
        replica.id = id;
    }
}

impl Replica {
    fn input(&mut self, input: LeaseInput) {
        let call = self.lease.handle(Now { mono: NOW, wall: Wall(0) }, input);
        if call.is_some() || self.lease.stopped() {
            self.give_up();
        }
        if let Some(LeaseCall { op, .. }) = call {
            self.call = Some(Travel::Sent(Write::of(&op)));
        }
        self.lease = self.lease.moved(NOW, NOW);
    }

    /// It waits for its call no more; a write may still be on its way.
    fn give_up(&mut self) {
        if let Some(Travel::Sent(Some(write))) = self.call.take() {
            self.cast_off(write);
        }
    }

    fn cast_off(&mut self, write: Write) {
        self.adrift.push(write);
        self.adrift.sort();
    }
}
