//! Faults that a test injects into single calls.

use bowline_core::op::RdsOp;
use serde::{Deserialize, Serialize};

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Manner {
    /// It is performed, and nobody answers.
    TimeOutAfterEffect,
    /// It is performed, and the connection closes.
    CloseAfterEffect,
    /// It is not performed, and nobody answers.
    TimeOutBeforeEffect,
    /// Refused for its rate.
    Throttle,
    /// Refused with a 500.
    Fail,
}

impl Manner {
    /// Whether the call is performed all the same.
    pub(super) fn has_effect(self) -> bool {
        matches!(self, Self::TimeOutAfterEffect | Self::CloseAfterEffect)
    }
}

/// The next `times` calls of one operation go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Injected {
    /// RDS' name of the operation, such as `PromoteReadReplica`.
    op: String,
    manner: Manner,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

/// Operations by RDS' own names.
pub(super) const OPERATIONS: [&str; 6] = [
    "DescribeDBInstances",
    "DescribeEvents",
    "ModifyDBInstance",
    "RebootDBInstance",
    "PromoteReadReplica",
    "CreateDBInstanceReadReplica",
];

/// RDS' own name of an operation.
pub(super) fn name(op: &RdsOp) -> &'static str {
    match op {
        RdsOp::Describe(_) => OPERATIONS[0],
        RdsOp::Events { .. } => OPERATIONS[1],
        RdsOp::SetSecurityGroups { .. } | RdsOp::Rename { .. } | RdsOp::Configure { .. } => {
            OPERATIONS[2]
        }
        RdsOp::Reboot { .. } => OPERATIONS[3],
        RdsOp::Promote(_) => OPERATIONS[4],
        RdsOp::CreateReplica { .. } => OPERATIONS[5],
    }
}

impl Injected {
    /// What is wrong with it, if anything is.
    pub(super) fn wrong(&self) -> Option<String> {
        let known = OPERATIONS.contains(&self.op.as_str());
        (!known).then(|| format!("`{}`: one of {}", self.op, OPERATIONS.join(", ")))
    }
}

/// How this call goes wrong, if a test wanted that; then it is one less to go wrong.
pub(super) fn take(injected: &mut Vec<Injected>, op: &RdsOp) -> Option<Manner> {
    let name = name(op);
    let found = injected.iter_mut().find(|fault| fault.op == name && fault.times > 0)?;
    found.times -= 1;
    let manner = found.manner;
    injected.retain(|fault| fault.times > 0);
    Some(manner)
}
