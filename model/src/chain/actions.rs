//! What may happen next to writers of one chain.

use std::sync::Arc;

use bowline_core::model::{Author, Wall};
use bowline_core::op::{Answer, Fault, StoreOp, Stored};
use bowline_core::run::{Chain, ChainOutcome, Entry, Record};

use super::{ChainModel, Kept, Mistake, State, Travel, Writer, wish};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A writer wants its next record written.
    Wish(usize),
    /// A writer reads: what is new, or what became of its append.
    Read(usize),
    /// A writer's call reaches the store.
    Arrive(usize),
    /// A writer hears the reply.
    Hear(usize),
    /// A writer gives its call up; an append may still arrive.
    GiveUp(usize),
    /// An append that nobody waits for reaches the store.
    Drift(usize, usize),
    /// An append is doubled on its way.
    Double(usize),
    /// A writer crashes and begins again with nothing.
    Crash(usize),
}

impl Action {
    /// To whom it happens.
    pub(super) fn writer(self) -> usize {
        match self {
            Self::Wish(writer)
            | Self::Read(writer)
            | Self::Arrive(writer)
            | Self::Hear(writer)
            | Self::GiveUp(writer)
            | Self::Drift(writer, _)
            | Self::Double(writer)
            | Self::Crash(writer) => writer,
        }
    }
}

impl ChainModel {
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        let fresh = |writer: &&Writer| writer.print == 0;
        let first = state.writers.iter().position(|writer| fresh(&writer));
        for (index, writer) in state.writers.iter().enumerate() {
            // Who has done nothing yet is like any other such but for the name: the first one acts.
            if fresh(&writer) && first != Some(index) {
                continue;
            }
            if writer.chain.settled() && writer.wished < self.bounds.wishes {
                actions.push(Action::Wish(index));
            }
            // A read that brings nothing new, or settles nothing, changes nothing.
            let behind = writer.chain.ledger().head < state.store.len() as u64;
            if writer.call.is_none() && (behind || writer.chain.in_doubt()) {
                actions.push(Action::Read(index));
            }
            match &writer.call {
                Some(Travel::Sent(op)) => {
                    actions.push(Action::Arrive(index));
                    if op.mutates() && state.doubles < self.bounds.doubles {
                        actions.push(Action::Double(index));
                    }
                }
                Some(Travel::Answered(_)) => actions.push(Action::Hear(index)),
                None => {}
            }
            if writer.call.is_some() && state.timeouts < self.bounds.timeouts {
                actions.push(Action::GiveUp(index));
            }
            actions.extend((0..writer.adrift.len()).map(|which| Action::Drift(index, which)));
            if state.crashes < self.bounds.crashes {
                actions.push(Action::Crash(index));
            }
        }
    }

    pub(super) fn happen(&self, state: &mut State, action: Action) {
        match action {
            Action::Wish(index) => {
                let writer = &mut state.writers[index];
                writer.chain.push(Record::Paused { reason: wish(index, writer.wished) });
                writer.wished += 1;
                writer.write(index);
            }
            Action::Read(index) => {
                let writer = &mut state.writers[index];
                writer.call = writer.chain.read().map(Travel::Sent);
            }
            Action::Arrive(index) => match state.writers[index].call.take() {
                Some(Travel::Sent(op)) => {
                    let result = self.perform(state, &op);
                    state.writers[index].call = Some(Travel::Answered(result));
                }
                other => state.writers[index].call = other,
            },
            Action::Hear(index) => {
                if let Some(Travel::Answered(result)) = state.writers[index].call.take() {
                    state.writers[index].hear(index, result);
                }
            }
            Action::GiveUp(index) => {
                state.timeouts += 1;
                state.writers[index].give_up();
                let result = Err(Fault::Unknown("no answer in time".into()));
                state.writers[index].hear(index, result);
            }
            Action::Drift(index, which) => {
                let (seq, bytes) = state.writers[index].adrift.remove(which);
                let _nobody_waits = self.append(state, seq, &bytes);
            }
            Action::Double(index) => {
                state.doubles += 1;
                if let Some(Travel::Sent(op)) = state.writers[index].call.clone() {
                    state.writers[index].cast_off(op);
                }
            }
            Action::Crash(index) => {
                state.crashes += 1;
                state.writers[index].give_up();
                state.writers[index].chain = Chain::new("g".into());
            }
        }
    }

    fn perform(&self, state: &mut State, op: &StoreOp) -> Result<Answer, Fault> {
        match op {
            StoreOp::Append { seq, bytes, .. } => self.append(state, *seq, bytes),
            StoreOp::Read { after, .. } => {
                let stored = (1u64..).zip(&state.store).filter(|(seq, _)| seq > after);
                let entry = |(seq, kept): (u64, &Kept)| Stored { seq, bytes: kept.bytes.clone() };
                Ok(Answer::Entries(stored.map(entry).collect()))
            }
            other => Err(Fault::Invalid(format!("{other:?}"))),
        }
    }

    /// Creates a name that does not exist, and nothing else.
    fn append(&self, state: &mut State, seq: u64, bytes: &Arc<str>) -> Result<Answer, Fault> {
        let taken = Err(Fault::Conflict(seq.to_string()));
        let length = state.store.len() as u64;
        if seq <= length && self.mistake == Mistake::Overwrites {
            let place = usize::try_from(seq - 1).unwrap_or_default();
            state.changed |= state.store[place].bytes != *bytes;
            state.store.truncate(place);
        } else if seq != length + 1 {
            if self.mistake == Mistake::Rebases {
                rebase(state, bytes);
            }
            return taken;
        } else if self.mistake == Mistake::Forgets && length == 1 {
            return Ok(Answer::Ok);
        }
        state.append(bytes);
        Ok(Answer::Ok)
    }
}

/// The same records once more, behind the last entry.
fn rebase(state: &mut State, bytes: &str) {
    let (seq, prev) = (state.store.len() as u64 + 1, state.store.last());
    let prev = prev.map(|kept| Arc::clone(&kept.hash)).unwrap_or_default();
    if let Ok(entry) = Entry::parse(seq, bytes) {
        state.append(&Entry { seq, prev, ..entry }.bytes());
    }
}

impl Writer {
    fn write(&mut self, index: usize) {
        let by = Author::Controller(format!("w{index}").as_str().into());
        self.call = self.chain.write(&by, Wall(0)).map(Travel::Sent);
    }

    fn hear(&mut self, index: usize, result: Result<Answer, Fault>) {
        let (ChainOutcome { accepted, lost, .. }, next) = self.chain.reply(result);
        self.call = next.map(Travel::Sent);
        let nth = |record: &Record| {
            let mine = |nth: &u8| *record == Record::Paused { reason: wish(index, *nth) };
            (0..self.wished).find(mine)
        };
        self.accepted.extend(accepted.iter().filter_map(nth));
        if lost {
            self.lost.extend(self.wished.checked_sub(1));
        }
    }

    /// It waits for its call no more; an append may still be on its way.
    fn give_up(&mut self) {
        if let Some(Travel::Sent(op)) = self.call.take() {
            self.cast_off(op);
        }
    }

    fn cast_off(&mut self, op: StoreOp) {
        if let StoreOp::Append { seq, bytes, .. } = op {
            self.adrift.push((seq, bytes));
            self.adrift.sort();
        }
    }
}
