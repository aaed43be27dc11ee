//! A directory beside the durable store: what `--store dir:PATH` gives a break-glass process.

use bowline_core::model::Now;
use bowline_core::op::{Op, StoreOp};

use super::{News, Outcome, World};
use crate::lease::Lease;
use crate::store::Store;

/// A store and a lease of their own.
#[derive(Clone, Debug, Default)]
pub struct Apart {
    /// The store.
    pub store: Store,
    /// The lease.
    pub lease: Lease,
}

impl World {
    /// Performs a call of a process whose store is the directory.
    pub fn perform_apart(&mut self, op: &Op, now: Now, rng: &mut fastrand::Rng) -> Outcome {
        match op {
            Op::Store(op) => {
                let result = self.apart.store.perform(op);
                if let (StoreOp::Append { group, seq, .. }, Ok(_)) = (op, &result) {
                    self.news.push(News::StoredApart(group.clone(), *seq));
                }
                Outcome::Answered(result)
            }
            Op::Lease(op) => Outcome::Answered(self.apart.lease.perform(op)),
            other => self.perform(other, now, rng),
        }
    }
}
