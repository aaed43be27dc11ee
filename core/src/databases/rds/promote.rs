//! Promotion: the step that cannot be undone.

use serde::{Deserialize, Serialize};

use super::member::{Member, last_was};
use super::{POLL, SIGNED};
use crate::bugs::{self, Bug};
use crate::model::Span;
use crate::op::{Fault, Metric, Op, RdsOp};
use crate::step::{Context, Judgement, Procedure, Seen};

/// Makes a replica a writer. Done when it names no source any more and is `available`.
///
/// After a promotion was sent the status stays `available`, and the source named, for a while. It
/// is sent again only when the first request can no longer take effect. RDS refuses a second one,
/// so this is patience, not what keeps it safe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promote {
    /// The replica.
    pub member: Member,
}

impl Procedure for Promote {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if seen.is_empty() { vec![self.member.describe()] } else { Vec::new() }
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let found = seen.instance(0)?;
        if let Some(stranger) = self.member.stranger(cx, found) {
            return Ok(stranger);
        }
        let name = &self.member.instance;
        if !found.available() {
            return Ok(Judgement::wait(POLL, format!("{name} is {}", found.status)));
        }
        let sent = last_was(cx, |op| matches!(op, RdsOp::Promote(_)));
        if found.source.is_none() || (bugs::on(Bug::FirstAvailableIsDone) && sent.is_some()) {
            return Ok(Judgement::done(format!("{name} is the writer")));
        }
        if sent.is_some_and(|at| cx.now.wall.since(at) < SIGNED) {
            return Ok(Judgement::wait(POLL, format!("{name} still names its source")));
        }
        let op = Op::Rds(self.member.scope.clone(), RdsOp::Promote(name.clone()));
        Ok(Judgement::act(op, format!("promote {name}")))
    }
}

/// The replica's last position before it is promoted: what the report says may be lost. It may
/// worsen the estimate, never void it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The replica.
    pub member: Member,
    /// What the evidence said may be lost, in milliseconds.
    pub estimate_ms: Option<u64>,
}

impl Procedure for Position {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        vec![self.member.points(Metric::ReplicaLag, cx.now.wall - Span::mins(5))]
    }

    fn judge(&self, _: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let last = seen.points(0)?.last();
        let lag = last.map_or("nothing".into(), |point| format!("{} ms", point.thousandths));
        let estimate = self.estimate_ms.map_or("unknown".into(), |ms| ms.to_string());
        let words = format!("at most {estimate} ms of writes lost; the replica reports {lag}");
        Ok(Judgement::done_with("lossMs", estimate, words))
    }
}
