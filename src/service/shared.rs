//! What the driver tells health checks and metrics. They read it; nobody acts on it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bowline_core::model::GroupName;
use bowline_core::node::GroupStatus;

use super::metrics::Metrics;

/// What the driver last knew.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// Every group's status.
    pub(super) groups: Vec<GroupStatus>,
    /// Whether this replica leads.
    pub(super) leads: bool,
    /// Whether policies were read at all.
    pub(super) has_policies: bool,
    /// Whether the first look at the world is over.
    pub(super) looked: bool,
    /// Groups in force whose chain was not read to its end yet.
    pub(super) unread: BTreeSet<GroupName>,
    /// Groups whose policy is refused.
    pub(super) refused: BTreeSet<String>,
    /// How many groups are left out since they list what another group has.
    pub(super) conflicts: usize,
}

/// Shared by the driver, the policies' reader and the HTTP server.
#[derive(Debug)]
pub(super) struct Shared {
    /// Counters and histograms.
    pub(super) metrics: Metrics,
    snapshot: Mutex<Snapshot>,
    turned: Mutex<Instant>,
    stall: Duration,
}

impl Shared {
    /// Nothing is known yet; the driver must turn at least once every `stall`.
    pub(super) fn new(stall: Duration) -> Self {
        let turned = Mutex::new(Instant::now());
        Self { metrics: Metrics::default(), snapshot: Mutex::default(), turned, stall }
    }

    /// The snapshot, to read or to change; not to be kept.
    pub(super) fn snapshot(&self) -> MutexGuard<'_, Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The driver turned.
    pub(super) fn turn(&self) {
        *self.turned.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Why the process is not alive, if it is not.
    pub(super) fn stalled(&self) -> Option<String> {
        let since = self.turned.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        (since > self.stall).then(|| format!("the loop has not turned for {} s", since.as_secs()))
    }

    /// Why the process is not ready, if it is not.
    pub(super) fn unready(&self) -> Option<String> {
        let snapshot = self.snapshot();
        if !snapshot.has_policies {
            return Some("policies are not read yet".into());
        }
        let names: Vec<_> = snapshot.unread.iter().map(ToString::to_string).collect();
        (!names.is_empty()).then(|| format!("journals not read yet: {}", names.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_who_has_read_policies_and_every_journal() {
        let shared = Shared::new(Duration::from_secs(5));
        assert!(shared.unready().is_some());
        shared.snapshot().has_policies = true;
        shared.snapshot().unread.insert("shop".into());
        assert_eq!(shared.unready().unwrap(), "journals not read yet: shop");
        shared.snapshot().unread.clear();
        assert_eq!(shared.unready(), None);
    }

    #[test]
    fn alive_is_whose_loop_turns() {
        let shared = Shared::new(Duration::from_millis(20));
        assert_eq!(shared.stalled(), None);
        std::thread::sleep(Duration::from_millis(40));
        assert!(shared.stalled().unwrap().contains("has not turned"));
        shared.turn();
        assert_eq!(shared.stalled(), None);
    }
}
