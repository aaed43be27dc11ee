//! One number for everything that happened: equal exactly when two runs were the same.

use bowline_core::op::{Answer, Fault, Op};

/// An incremental hash (64-bit FNV-1a over words, with a rotation to spread them).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(u64);

/// FNV's offset basis and prime, from its reference page.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Digest {
    pub(super) fn new() -> Self {
        Self(BASIS)
    }

    pub(super) fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(PRIME).rotate_left(23);
    }

    pub(super) fn value(self) -> u64 {
        self.0
    }
}

/// A number for the kind of a call.
pub(super) fn op_class(op: &Op) -> u64 {
    match op {
        Op::Store(_) => 1,
        Op::Lease(_) => 2,
        Op::Kube(..) => 3,
        Op::Route53(..) => 4,
        Op::Elb(..) => 5,
        Op::Rds(..) => 6,
        Op::CloudWatch(..) => 7,
        Op::Gate(..) => 8,
        Op::Probe(_) => 9,
        Op::Notify(_) => 10,
    }
}

/// A number for what a call gave.
pub(super) fn result_class(result: &Result<Answer, Fault>) -> u64 {
    match result {
        Ok(Answer::Entries(entries)) => 100 + entries.len() as u64,
        Ok(Answer::Workload(view)) => 1_000 + u64::from(view.ready),
        Ok(_) => 1,
        Err(Fault::Transient(_)) => 2,
        Err(Fault::Throttled { .. }) => 3,
        Err(Fault::Conflict(_)) => 4,
        Err(Fault::Fenced(_)) => 5,
        Err(Fault::NotFound(_)) => 6,
        Err(Fault::Denied(_)) => 7,
        Err(Fault::Invalid(_)) => 8,
        Err(Fault::Unknown(_)) => 9,
    }
}
