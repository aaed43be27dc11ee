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
        let points = seen.points(1)?;
        let Some(last) = points.last() else {
            return Ok(Judgement::wait(POLL, format!("{name}: no lag reported yet")));
        };
        let (reached, words) = match &self.past {
            None if idle(&found.settings.engine, points) => {
                (true, format!("nobody writes to the source of {name}, which has the rest"))
            }
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

/// Whether PostgreSQL's lag is that of a source to which nobody writes. It is counted from the last
/// commit that was replayed, which stands still until the source switches its log (after five
/// minutes at most, on RDS), and jumps then. A replica that is behind what is written moves all the
/// time; one that is stuck does not jump. So the position must have stood still, jumped, and stood
/// still again in the ten minutes that were asked about. It is for [`CaughtUp`] without an instant
/// alone: that nothing is lost is judged with one, once nobody can write any more (S10).
fn idle(engine: &str, points: &[Counted]) -> bool {
    let steps = points.windows(2).map(|pair| reaches(&pair[1]).since(reaches(&pair[0])));
    let still: Vec<_> = steps.map(|step| step <= STILL).collect();
    let jumped = still.iter().skip_while(|still| !**still).any(|still| !still);
    let told = points.iter().all(|point| (0..=LONGEST).contains(&point.thousandths));
    let known = engine.starts_with("postgres") && !bugs::on(Bug::IdleIsBehind);
    known && told && jumped && still.last() == Some(&true)
}

/// By how much a position that stands still may seem to move.
const STILL: Span = Span::secs(1);

/// The longest lag, in milliseconds, that an idle source explains: five minutes until it switches
/// its log, and the minute that a point is the maximum of.
const LONGEST: i64 = 6 * 60_000;

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

    /// One point a minute with these lags, in seconds.
    fn minutes(lags: &[i64]) -> Vec<Counted> {
        let point =
            |(n, lag): (i64, &i64)| Counted { at: Wall(n * 60_000), thousandths: lag * 1_000 };
        (0..).zip(lags).map(point).collect()
    }

    #[test]
    fn l1_the_lag_of_an_idle_postgresql_source_is_known_by_its_jumps() {
        let idle = |lags: &[i64]| idle("postgres", &minutes(lags));
        assert!(idle(&[240, 300, 60, 120, 180]));
        assert!(idle(&[60, 120, 180, 240, 300, 60, 120]));
        assert!(idle(&[180, 240, 270, 85, 145]), "the switch lies within a minute");
        assert!(!idle(&[60, 120, 180, 240, 300]), "it may be stuck");
        assert!(!idle(&[60, 120, 180, 240, 300, 60]), "it may have been stuck until now");
        assert!(!idle(&[240, 300, 200, 100, 60, 50]), "it is behind, and catches up");
        assert!(!idle(&[300, 60, 120, 180]), "it may have caught up, and be stuck now");
        assert!(!idle(&[300, 310, 305, 320, 300]), "it stays behind what is written");
        assert!(!idle(&[600, 660, 60, 120]), "no idle source explains that");
        assert!(!idle(&[-1, -1, 60, 120]) && !idle(&[60]) && !idle(&[]));
    }

    #[test]
    fn s10_other_engines_tell_their_true_lag() {
        assert!(!idle("mysql", &minutes(&[240, 300, 60, 120, 180])));
    }
}
