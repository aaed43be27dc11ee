//! Chains, ledgers and executions, each alone.

mod chain;
mod desk;
mod execute;
mod import;
mod ledger;
mod pace;
mod report;

use std::sync::Arc;

use super::{Entry, Ledger, Record, Trigger};
use crate::model::{Author, Claim, Site, Wall};
use crate::plan::{Plan, PlanKind};
use crate::testing::claim;

/// Writes entries to a chain and keeps them.
#[derive(Default)]
pub(super) struct Book {
    pub(super) entries: Vec<Arc<str>>,
    pub(super) ledger: Ledger,
}

impl Book {
    /// Appends records under the standing claim (or the one that they claim).
    pub(super) fn write(&mut self, records: Vec<Record>) {
        let claimed = records.iter().find_map(|record| match record {
            Record::Claimed { claim, .. } => Some(claim.clone()),
            _ => None,
        });
        let claim = claimed.or_else(|| self.ledger.claim.clone());
        let bytes = self.entry(claim, records).bytes();
        self.ledger.apply(self.ledger.head + 1, &bytes).unwrap();
        self.entries.push(bytes);
    }

    /// The next entry, not yet written.
    pub(super) fn entry(&self, claim: Option<Claim>, records: Vec<Record>) -> Entry {
        let seq = self.ledger.head + 1;
        let at = Wall(i64::try_from(seq).unwrap() * 1_000);
        let by = Author::Controller("a".into());
        Entry { seq, prev: Arc::clone(&self.ledger.hash), at, by, claim, records }
    }

    /// A run that has begun to move with this plan.
    pub(super) fn moving(plan: Plan) -> Self {
        let mut book = Self::default();
        book.write(vec![
            Record::Claimed { claim: claim(1, "r1"), by: "a".into() },
            opened(plan.kind, plan.from),
            Record::Planned { plan: Box::new(plan), moves: true },
        ]);
        book
    }
}

pub(super) fn opened(kind: PlanKind, from: Site) -> Record {
    let trigger = Trigger::Automatic;
    Record::Opened { kind, from, trigger, fault_at: None, evidence: Vec::new() }
}
