//! The instant q of a planned move: nobody can write any more, and nobody is connected.

use serde::{Deserialize, Serialize};

use super::member::Member;
use crate::model::{Span, StepId, Wall};
use crate::op::{Fault, Metric, Op};
use crate::step::{Context, Judgement, Procedure, Seen};

/// One metric period: a point stamped `t` tells of the minute after `t`.
const PERIOD: Span = Span::mins(1);

/// Waits until the writer, its door closed, has no connections left. Its output `q` is that
/// instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionsGone {
    /// The writer.
    pub member: Member,
    /// The step whose output `closedAt` says since when the door is closed.
    pub closed_by: StepId,
}

impl Procedure for ConnectionsGone {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let since = closed_at(cx, &self.closed_by).unwrap_or(cx.now.wall);
        vec![self.member.points(Metric::Connections, since)]
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let Some(closed_at) = closed_at(cx, &self.closed_by) else {
            return Err(Fault::Invalid(format!("{} gave no closedAt", self.closed_by)));
        };
        let name = &self.member.instance;
        let after = seen.points(0)?.iter().filter(|point| point.at >= closed_at);
        Ok(match after.min_by_key(|point| (point.thousandths, point.at)) {
            Some(point) if point.thousandths == 0 => {
                let q = point.at + PERIOD;
                Judgement::done_with("q", q.0, format!("{name} has no connections since {q}"))
            }
            Some(point) => Judgement::wait(
                super::POLL,
                format!("{name} still has {} connections", point.thousandths / 1_000),
            ),
            None => Judgement::wait(super::POLL, format!("{name}: no count of connections yet")),
        })
    }
}

fn closed_at(cx: &Context<'_>, step: &StepId) -> Option<Wall> {
    cx.output(step, "closedAt").and_then(|text| text.parse().ok()).map(Wall)
}
