//! Reading a group's chain as it grows, into a ledger of our own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bowline_core::model::GroupName;
use bowline_core::op::{Answer, Fault, StoreOp};
use bowline_core::run::{Entry, Ledger};
use tokio::time::timeout;

use crate::edges::Store;

/// How long one read may take.
const READ: Duration = Duration::from_secs(5);

/// A chain that is followed.
pub(in crate::cli) struct Follower {
    store: Store,
    group: GroupName,
    entries: Vec<Arc<str>>,
    /// What the chain says so far.
    pub(in crate::cli) ledger: Ledger,
}

impl Follower {
    /// Follows a group's chain from its beginning.
    pub(in crate::cli) fn new(store: Store, group: GroupName) -> Self {
        Self { store, group, entries: Vec::new(), ledger: Ledger::default() }
    }

    /// The exact bytes of every entry so far, oldest first.
    pub(in crate::cli) fn entries(&self) -> &[Arc<str>] {
        &self.entries
    }

    /// How many entries another chain has in common with this one, from the first on.
    pub(in crate::cli) fn common(&self, other: &[Arc<str>]) -> usize {
        self.entries.iter().zip(other).take_while(|(ours, theirs)| ours == theirs).count()
    }

    /// What is new in the chain, oldest first; nothing at its present end.
    ///
    /// # Errors
    /// A store that does not answer, or a chain that somebody changed.
    pub(in crate::cli) async fn news(&mut self) -> Result<Vec<Arc<Entry>>> {
        let op = StoreOp::Read { group: self.group.clone(), after: self.ledger.head };
        let answer = match timeout(READ, self.store.perform(&op)).await {
            Ok(answer) => answer,
            Err(_) => Err(Fault::Transient("no answer in time".into())),
        };
        let found = match answer {
            Ok(Answer::Entries(found)) => found,
            Ok(_) => return Err(anyhow!("the store gave something that is no journal")),
            Err(e) => return Err(anyhow!("the journal of {} cannot be read: {e}", self.group)),
        };
        let mut news = Vec::with_capacity(found.len());
        for stored in found {
            let entry = self.ledger.apply(stored.seq, &stored.bytes);
            let damaged = |bad| anyhow!("the journal of {} is damaged: {bad}", self.group);
            news.push(entry.map_err(damaged)?);
            self.entries.push(stored.bytes);
        }
        Ok(news)
    }

    /// Reads to the chain's present end.
    ///
    /// # Errors
    /// As [`Follower::news`].
    pub(in crate::cli) async fn catch_up(&mut self) -> Result<()> {
        while !self.news().await?.is_empty() {}
        Ok(())
    }
}
