//! How long messages take, one way. Assumed figures, of the size that people measure from a third
//! Region; a call costs twice these.

use bowline_core::model::Span;
use bowline_core::op::{Op, ProbeOp};

/// To the management cluster next door, in milliseconds.
const NEAR_MS: (u64, u64) = (1, 6);

/// To another Region's API servers and load balancers, or to a name server.
const FAR_MS: (u64, u64) = (10, 30);

/// To an AWS API, what it takes to answer included.
const AWS_MS: (u64, u64) = (15, 90);

/// Draws how long a message for this call takes, one way.
pub(super) fn draw(op: &Op, rng: &mut fastrand::Rng) -> Span {
    let (from, to) = match op {
        Op::Store(_) | Op::Lease(_) => NEAR_MS,
        Op::Kube(..) | Op::Probe(_) => FAR_MS,
        _ => AWS_MS,
    };
    Span(rng.u64(from..=to))
}

/// After how long the edge itself gives up and says so, whatever the deadline is.
pub(super) fn patience(op: &Op) -> Option<Span> {
    match op {
        Op::Probe(ProbeOp::Http(probe)) => Some(probe.timeout),
        _ => None,
    }
}
