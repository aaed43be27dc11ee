//! The stored chain: names are created once, and read in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use bowline_core::op::{Op, Stored as Read};
use bowline_core::run::{Entry, Ledger, Record};

use super::promises::{self, Faults, Promise};
use crate::ending::print;

/// The stored chain, and what it says.
#[derive(Clone, Debug, Default)]
pub(super) struct Stored {
    entries: Vec<Kept>,
    pub(super) ledger: Ledger,
    /// Whether a step that was recorded and not sent was taken back.
    pub(super) took_back: bool,
    /// The promises that were broken by the last entry.
    pub(super) faults: Faults,
    pub(super) print: u64,
}

/// One stored entry.
#[derive(Clone, Debug)]
struct Kept {
    bytes: Arc<str>,
    hash: Arc<str>,
}

impl Stored {
    /// Everything behind an entry.
    pub(super) fn behind(&self, after: u64) -> Vec<Read> {
        let stored = (1u64..).zip(&self.entries).filter(|(seq, _)| *seq > after);
        stored.map(|(seq, kept)| Read { seq, bytes: Arc::clone(&kept.bytes) }).collect()
    }

    /// The hash of an entry, by its number from 1.
    pub(super) fn hash(&self, seq: u64) -> Option<&Arc<str>> {
        let place = usize::try_from(seq).ok()?.checked_sub(1)?;
        self.entries.get(place).map(|kept| &kept.hash)
    }

    /// The chain with one entry more.
    pub(super) fn with(&self, bytes: &Arc<str>) -> Self {
        let mut next = Self { faults: Faults::default(), ..self.clone() };
        match next.ledger.apply(self.ledger.head + 1, bytes) {
            Ok(entry) => {
                let (bytes, hash) = (Arc::clone(bytes), Arc::clone(&next.ledger.hash));
                let withheld = |record: &Record| matches!(record, Record::Withheld { .. });
                next.took_back |= entry.records.iter().any(withheld);
                next.entries.push(Kept { bytes, hash });
                if !promises::rightful(&self.ledger, &entry) {
                    next.faults.found(Promise::Stale);
                }
            }
            Err(_) => next.faults.found(Promise::Chain),
        }
        next.print = print(&next.ledger.hash);
        next
    }

    /// A mistake: what stood at this number is gone, and everything behind it.
    pub(super) fn overwritten(&self, seq: u64, bytes: &Arc<str>) -> Self {
        let before = usize::try_from(seq - 1).unwrap_or_default();
        let entries = self.entries[..before].to_vec();
        let chain = (1u64..).zip(entries.iter().map(|kept| &*kept.bytes));
        let ledger = Ledger::replay(chain).unwrap_or_default();
        let mut next = Self { entries, ledger, ..Self::default() }.with(bytes);
        next.faults.found(Promise::Chain);
        next
    }

    /// A mistake: the same records behind the last entry, under whatever claim stands there.
    pub(super) fn rebased(&self, bytes: &str) -> Self {
        let (seq, prev) = (self.ledger.head + 1, Arc::clone(&self.ledger.hash));
        let claim = self.ledger.claim.clone();
        let entry = Entry::parse(seq, bytes).map(|entry| Entry { seq, prev, claim, ..entry });
        entry.map_or_else(|_| self.clone(), |entry| self.with(&entry.bytes()))
    }

    /// Whether the record of this call is here, and was not taken back.
    pub(super) fn recorded(&self, call: &Op) -> bool {
        let mut steps = self.ledger.run.iter().flat_map(|run| run.steps.values());
        if steps.any(|step| step.acted.as_ref().is_some_and(|acted| acted.op == *call)) {
            return true;
        }
        let entries = (1u64..).zip(&self.entries);
        let entries = entries.filter_map(|(seq, kept)| Entry::parse(seq, &kept.bytes).ok());
        let mut begun = BTreeSet::new();
        for record in entries.flat_map(|entry| entry.records) {
            match record {
                Record::Started { step, op, .. } if *op == *call => drop(begun.insert(step)),
                Record::Withheld { step } => drop(begun.remove(&step)),
                _ => {}
            }
        }
        !begun.is_empty()
    }
}
