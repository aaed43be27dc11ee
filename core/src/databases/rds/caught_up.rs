//! Whether a replica has what it needs: now, or everything up to an instant.

use serde::{Deserialize, Serialize};

use super::POLL;
use super::member::Member;
use crate::bugs::{self, Bug};
use crate::model::{Counted, Span, StepId, Wall};
use crate::op::{Fault, Metric, Op};
use crate::step::{Context, Judgement, Procedure, Seen};

/// Waits until a streaming replica is near enough, or past an earlier step's instant `q`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaughtUp {
    /// The replica.
    pub member: Member,
    /// The step whose output `q` it must be past; else it must be within `max_lag`.
    pub past: Option<StepId>,
    /// How far behind it may be.
    pub max_lag: Span,
}

impl Procedure for CaughtUp {
    fn observe(&self, cx: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        let since = cx.now.wall - Span::mins(10);
        vec![self.member.describe(), self.member.points(Metric::ReplicaLag, since)]
    }

    fn judge(&self, cx: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let found = seen.instance(0)?;
        let name = &self.member.instance;
        if bugs::on(Bug::NearIsCaughtUp) && self.past.is_some() {
            return Ok(Judgement::done(format!("{name} was near before")));
        }
        if !found.streaming || found.source.is_none() {
            return Ok(Judgement::wait(POLL, format!("{name} does not stream")));
        }
        let Some(last) = seen.points(1)?.last() else {
            return Ok(Judgement::wait(POLL, format!("{name}: no lag reported yet")));
        };
        let (reached, words) = match &self.past {
            None => {
                (within(last, self.max_lag), format!("{name} is {} ms behind", last.thousandths))
            }
            Some(step) => {
                let q = cx.output(step, "q").and_then(|text| text.parse().ok()).map(Wall);
                let q = q.ok_or_else(|| Fault::Invalid(format!("{step} gave no q")))?;
                (past(last, q), format!("{name} has everything up to {}", reaches(last)))
            }
        };
        Ok(if reached { Judgement::done(words) } else { Judgement::wait(POLL, words) })
    }
}

fn within(point: &Counted, max_lag: Span) -> bool {
    u64::try_from(point.thousandths).is_ok_and(|ms| ms <= max_lag.as_millis())
}

/// Up to when the replica has everything: sample time − lag. A negative lag says nothing.
fn reaches(point: &Counted) -> Wall {
    u64::try_from(point.thousandths).map_or(Wall(i64::MIN), |ms| point.at - Span::millis(ms))
}

fn past(point: &Counted, q: Wall) -> bool {
    reaches(point) >= q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_caught_up_means_sample_time_minus_lag_at_least_q() {
        let point = |at, thousandths| Counted { at: Wall(at), thousandths };
        assert!(past(&point(10_000, 0), Wall(10_000)));
        assert!(!past(&point(10_000, 1), Wall(10_000)));
        assert!(!past(&point(10_000, -1_000), Wall(0)));
        assert!(!within(&point(10_000, -1_000), Span::secs(30)));
    }
}
