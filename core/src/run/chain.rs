//! Appending to a group's chain: one entry in flight, compare-and-swap by name, unknown outcomes
//! read back.
//!
//! Creating the next name *is* the compare-and-swap. An append whose outcome is unknown is repeated
//! with the same bytes and read back; whoever finds another's entry at that name drops what it
//! wanted to write, rereads, and decides anew from what is there.

use std::collections::VecDeque;
use std::sync::Arc;

use super::ledger::Ledger;
use super::reader::Reader;
use super::record::{BadEntry, Entry, Record};
use crate::model::{Author, GroupName, Wall};
use crate::op::{Answer, Fault, StoreOp, Stored};

/// A group's chain as one replica sees it.
#[derive(Clone, Debug)]
pub struct Chain {
    group: GroupName,
    ledger: Ledger,
    /// Records that wait for the entry in flight.
    queue: VecDeque<Record>,
    state: State,
}

/// What the chain waits for.
#[derive(Clone, Debug)]
enum State {
    /// Nothing.
    Idle,
    /// Whether these bytes were accepted.
    Appending(Pending),
    /// What the store has; with bytes of ours that may or may not be among them.
    Reading(Option<Pending>),
    /// Nothing yet: whether these bytes are in the store is not known, and is to be read.
    Doubt(Pending),
    /// Nothing: the store's bytes are no chain. Only people can mend that.
    Broken(BadEntry),
}

#[derive(Clone, Debug)]
struct Pending {
    bytes: Arc<str>,
    records: Vec<Record>,
    /// Whether the store may take it yet: not all that it said was that it did nothing.
    may_come: bool,
}

/// What a reply to the chain's call meant.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Entries that were applied, oldest first.
    pub entries: Vec<Arc<Entry>>,
    /// Which of our records are among them.
    pub accepted: Vec<Record>,
    /// Whether records that we wanted to write were dropped, since somebody else wrote first.
    pub lost: bool,
}

impl Chain {
    /// A chain of which nothing was read yet.
    #[must_use]
    pub fn new(group: GroupName) -> Self {
        let state = State::Idle;
        Self { group, ledger: Ledger::default(), queue: VecDeque::new(), state }
    }

    /// The same chain, whose entries are read with others.
    #[must_use]
    pub fn read_with(self, reader: &Reader) -> Self {
        Self { ledger: self.ledger.read_with(reader), ..self }
    }

    /// The state that the chain tells.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether nothing is in flight or waiting to be written.
    #[must_use]
    pub fn settled(&self) -> bool {
        matches!(self.state, State::Idle) && self.queue.is_empty()
    }

    /// Why the chain cannot be used, if it cannot.
    #[must_use]
    pub fn broken(&self) -> Option<&BadEntry> {
        match &self.state {
            State::Broken(bad) => Some(bad),
            _ => None,
        }
    }

    /// What two chains have in common that behave alike, for whoever compares states: the entries
    /// read, by their last hash, and what waits or is on its way.
    #[must_use]
    pub fn gist(&self) -> String {
        let Ledger { head, hash, .. } = &self.ledger;
        let waits = match &self.state {
            State::Idle => String::new(),
            State::Appending(ours) => format!("appending {}", ours.bytes),
            State::Reading(ours) => {
                format!("reading {:?}", ours.as_ref().map(|ours| &ours.bytes))
            }
            State::Doubt(ours) => format!("doubt {}", ours.bytes),
            State::Broken(bad) => format!("broken {bad}"),
        };
        format!("{head} {hash} {:?} {waits}", self.queue)
    }

    /// Wants a record written, behind those that wait already.
    pub fn push(&mut self, record: Record) {
        self.queue.push_back(record);
    }

    /// Drops records that wait, when the replica may not act any more.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// Whether an append's outcome is unknown and must be read back, after a pause.
    #[must_use]
    pub fn in_doubt(&self) -> bool {
        matches!(self.state, State::Doubt(_))
    }

    /// The call that reads what is new, unless one is in flight.
    pub fn read(&mut self) -> Option<StoreOp> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => self.state = State::Reading(None),
            State::Doubt(pending) => self.state = State::Reading(Some(pending)),
            other => {
                self.state = other;
                return None;
            }
        }
        Some(self.read_op())
    }

    /// The call that writes what waits, unless one is in flight.
    pub fn write(&mut self, by: &Author, at: Wall) -> Option<StoreOp> {
        if !matches!(self.state, State::Idle) || self.queue.is_empty() {
            return None;
        }
        let records: Vec<_> = self.queue.drain(..).collect();
        let claimed = records.iter().find_map(|record| match record {
            Record::Claimed { claim, .. } => Some(claim.clone()),
            _ => None,
        });
        let entry = Entry {
            seq: self.ledger.head + 1,
            prev: Arc::clone(&self.ledger.hash),
            at,
            by: by.clone(),
            claim: claimed.or_else(|| self.ledger.claim.clone()),
            records: records.clone(),
        };
        let pending = Pending { bytes: entry.bytes(), records, may_come: false };
        let op = self.append_op(&pending);
        self.state = State::Appending(pending);
        Some(op)
    }

    fn read_op(&self) -> StoreOp {
        StoreOp::Read { group: self.group.clone(), after: self.ledger.head }
    }

    fn append_op(&self, pending: &Pending) -> StoreOp {
        let seq = self.ledger.head + 1;
        StoreOp::Append { group: self.group.clone(), seq, bytes: Arc::clone(&pending.bytes) }
    }

    /// Drops what is to be appended once more, if the store has refused it each time and so will
    /// never have it: what was wanted a while ago is to be decided anew. Says whether it did.
    pub fn forgo(&mut self) -> bool {
        let refused = matches!(&self.state, State::Appending(ours) if !ours.may_come);
        if refused {
            self.state = State::Idle;
            self.queue.clear();
        }
        refused
    }

    /// Takes the reply to the call in flight, and gives the call that must follow at once.
    pub fn reply(&mut self, result: Result<Answer, Fault>) -> (Outcome, Option<StoreOp>) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Appending(pending) => self.appended(pending, result),
            State::Reading(pending) => self.have_read(pending, result),
            other => {
                self.state = other;
                (Outcome::default(), None)
            }
        }
    }

    fn appended(
        &mut self,
        mut pending: Pending,
        result: Result<Answer, Fault>,
    ) -> (Outcome, Option<StoreOp>) {
        pending.may_come |= !result.as_ref().is_err_and(Fault::did_nothing);
        match result {
            Ok(_) => (self.accept(pending), None),
            // The name is taken, by us or by somebody else: what the store has decides.
            Err(Fault::Conflict(_)) => {
                self.state = State::Reading(Some(pending));
                (Outcome::default(), Some(self.read_op()))
            }
            Err(_) => {
                self.state = State::Doubt(pending);
                (Outcome::default(), None)
            }
        }
    }

    fn accept(&mut self, pending: Pending) -> Outcome {
        match self.ledger.apply(self.ledger.head + 1, &pending.bytes) {
            Ok(entry) => Outcome { entries: vec![entry], accepted: pending.records, lost: false },
            Err(bad) => {
                self.state = State::Broken(bad);
                Outcome::default()
            }
        }
    }

    fn have_read(
        &mut self,
        mut pending: Option<Pending>,
        result: Result<Answer, Fault>,
    ) -> (Outcome, Option<StoreOp>) {
        let Ok(Answer::Entries(found)) = result else {
            self.state = pending.map_or(State::Idle, State::Doubt);
            return (Outcome::default(), None);
        };
        let mut outcome = Outcome::default();
        for stored in found {
            if let Err(bad) = self.apply(&stored, &mut pending, &mut outcome) {
                self.state = State::Broken(bad);
                return (outcome, None);
            }
        }
        let Some(ours) = pending else { return (outcome, None) };
        if outcome.entries.is_empty() {
            // It is not there yet, though it may still be on its way: the same bytes once more.
            let op = self.append_op(&ours);
            self.state = State::Appending(ours);
            return (outcome, Some(op));
        }
        outcome.lost = true;
        self.queue.clear();
        (outcome, None)
    }

    fn apply(
        &mut self,
        stored: &Stored,
        pending: &mut Option<Pending>,
        outcome: &mut Outcome,
    ) -> Result<(), BadEntry> {
        let entry = self.ledger.apply(stored.seq, &stored.bytes)?;
        outcome.entries.push(entry);
        if let Some(ours) = pending.take_if(|ours| ours.bytes == stored.bytes) {
            outcome.accepted = ours.records;
        }
        Ok(())
    }
}
