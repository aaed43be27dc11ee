//! Calls of somebody who only looks: whatever may change something is refused here, whoever asks,
//! and never reaches an edge.

use std::sync::Arc;

use bowline_core::op::{Answer, Fault, Op, ProbeOp};
use bowline_core::policy::Policy;
use tokio::time::Instant;

use super::Remote;
use super::kube::Boxed;

/// Calls that change nothing, through somebody who could.
pub struct ReadOnly(Arc<dyn Remote>);

impl ReadOnly {
    /// Looks through these edges.
    #[must_use]
    pub fn new(remote: Arc<dyn Remote>) -> Self {
        Self(remote)
    }
}

impl Remote for ReadOnly {
    fn perform<'a>(&'a self, op: &'a Op, deadline: Instant) -> Boxed<'a, Result<Answer, Fault>> {
        if changes(op) {
            let refused = Fault::Denied("only looking: nothing is changed".into());
            return Box::pin(std::future::ready(Err(refused)));
        }
        self.0.perform(op, deadline)
    }

    fn adopt(&self, policies: &[Policy]) {
        self.0.adopt(policies);
    }
}

/// Whether a call may leave anything behind. A write probe is a look for a running replica, since
/// the policy says so; for somebody who only looks it is not.
fn changes(op: &Op) -> bool {
    op.mutates() || matches!(op, Op::Probe(ProbeOp::Http(probe)) if probe.writes)
}

#[cfg(test)]
#[path = "read_only_tests.rs"]
mod tests;
