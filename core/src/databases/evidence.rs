//! Evidence of replication *as of the fault* (S10).
//!
//! CloudWatch stamps a point at its start and publishes it late, and after the source died a
//! replica reports nonsense: −1 (MySQL) or a lag that grows with the outage (PostgreSQL). So what
//! counts is the last point whose whole period lies before the active site's first bad health
//! sample. Later points may worsen the estimate, never void the evidence.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::bugs::{self, Bug};
use crate::model::{Lag, Span, Wall};

/// What is known of how much a promotion would lose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Whether it suffices, and why not.
    pub grade: Grade,
    /// The sample it rests on.
    pub sample: Option<Lag>,
    /// When the active site's health was first bad.
    pub fault_at: Wall,
    /// The most that may be lost: from the sample's position to the fault, in milliseconds.
    pub loss_ms: Option<u64>,
}

/// How good the evidence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grade {
    /// Fresh, streaming and within the limit.
    Good,
    /// No sample from before the fault.
    Missing,
    /// The last sample before the fault is older than the policy's `lagFresh`.
    Stale,
    /// The replica was not streaming.
    NotStreaming,
    /// It was further behind than the policy's `maxLag`.
    TooFarBehind,
}

/// How long a period of CloudWatch's `ReplicaLag` is.
const PERIOD: Span = Span::mins(1);

/// Replication samples of one replica, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Replication {
    samples: VecDeque<Lag>,
    /// Since when RDS said that it streams, or does not: changes only.
    streams: Vec<(Wall, bool)>,
}

impl Replication {
    /// How many samples are kept: a day of one-minute points, for a human who answers late.
    pub const KEPT: usize = 24 * 60;

    /// Takes what RDS says of streaming at an instant; whether it had said something else.
    pub fn described(&mut self, at: Wall, streaming: bool) -> bool {
        let news = self.streams.last().is_none_or(|(_, last)| *last != streaming);
        if news {
            self.streams.push((at, streaming));
        }
        news
    }

    /// What RDS said of streaming by an instant; without one, what it said last. `None` while
    /// nobody had asked.
    #[must_use]
    pub fn said_by(&self, at: Option<Wall>) -> Option<bool> {
        let said = self.streams.iter().rev().find(|(since, _)| at.is_none_or(|at| *since <= at));
        said.map(|(_, streaming)| *streaming)
    }

    /// Whether RDS said at any time of the minute before the fault that it streams. RDS notices
    /// that a source died sooner than health samples do: its word from between voids nothing.
    #[must_use]
    pub fn streamed_before(&self, fault_at: Wall) -> Option<bool> {
        let begin = fault_at - PERIOD;
        let within = |at: Wall| begin < at && at <= fault_at;
        let later = self.streams.iter().filter(|(at, _)| within(*at)).map(|(_, said)| *said);
        self.said_by(Some(begin)).into_iter().chain(later).reduce(|any, said| any || said)
    }

    /// Takes a metric point. Whether the replica was streaming is what RDS last said by the end of
    /// the point's period; a process that had not asked by then has no evidence from it. Whether it
    /// is a new one.
    pub fn point(&mut self, at: Wall, behind_ms: Option<u64>) -> bool {
        let streaming = self.said_by(Some(at + PERIOD));
        streaming.is_some_and(|streaming| self.push(Lag { at, behind_ms, streaming }))
    }

    /// Takes a sample; one that is older than the newest, or the same, is dropped.
    fn push(&mut self, sample: Lag) -> bool {
        if self.samples.back().is_some_and(|last| last.at >= sample.at) {
            return false;
        }
        if self.samples.len() == Self::KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
        true
    }

    /// The newest sample.
    #[must_use]
    pub fn latest(&self) -> Option<&Lag> {
        self.samples.back()
    }

    /// The last sample whose period was over before the fault.
    fn last_before(&self, fault_at: Wall) -> Option<&Lag> {
        let before =
            |sample: &&Lag| sample.at + PERIOD <= fault_at || bugs::on(Bug::LaterSampleIsEvidence);
        self.samples.iter().rev().find(before)
    }

    /// Judges the samples as of the fault.
    #[must_use]
    pub fn as_of(&self, fault_at: Wall, max_lag: Span, fresh: Span) -> Evidence {
        let sample = self.last_before(fault_at).copied();
        let grade = match &sample {
            None => Grade::Missing,
            Some(sample) if !sample.streaming && !bugs::on(Bug::RunningIsStreaming) => {
                Grade::NotStreaming
            }
            Some(sample) if fault_at.since(sample.at) > fresh => Grade::Stale,
            Some(Lag { behind_ms: None, .. }) if !bugs::on(Bug::RunningIsStreaming) => {
                Grade::NotStreaming
            }
            Some(Lag { behind_ms: Some(lag), .. })
                if *lag > max_lag.as_millis() && !bugs::on(Bug::LagUnlimited) =>
            {
                Grade::TooFarBehind
            }
            Some(_) => Grade::Good,
        };
        let loss_ms = sample.and_then(|sample| self.worst_loss(&sample, fault_at));
        Evidence { grade, sample, fault_at, loss_ms }
    }

    /// From the replica's position at the sample to the fault; a sample taken after it that is
    /// further behind than the outage explains makes it worse.
    fn worst_loss(&self, sample: &Lag, fault_at: Wall) -> Option<u64> {
        let position = |s: &Lag| s.behind_ms.map(|lag| s.at - Span::millis(lag));
        let mut at = position(sample)?;
        let after = self.samples.iter().rev().take_while(|later| later.at >= fault_at);
        for later in after.filter(|later| later.streaming).filter_map(position) {
            at = at.min(later);
        }
        Some(fault_at.since(at).as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(at_secs: i64, behind_ms: Option<u64>, streaming: bool) -> Lag {
        Lag { at: Wall(at_secs * 1_000), behind_ms, streaming }
    }

    fn evidence(samples: &[Lag], fault_secs: i64) -> Evidence {
        let mut replication = Replication::default();
        assert!(samples.iter().all(|sample| replication.push(*sample)));
        replication.as_of(Wall(fault_secs * 1_000), Span::secs(30), Span::mins(3))
    }

    #[test]
    fn s10_a_streaming_sample_before_the_fault_is_good() {
        let found = evidence(&[lag(0, Some(500), true), lag(60, Some(700), true)], 160);
        assert_eq!(found.grade, Grade::Good);
        assert_eq!(found.loss_ms, Some(100_700));
    }

    #[test]
    fn s10_a_sample_of_a_minute_that_saw_the_fault_never_makes_it_good() {
        assert_eq!(evidence(&[lag(61, Some(1), true)], 120).grade, Grade::Missing);
        assert_eq!(evidence(&[lag(60, Some(1), true)], 120).grade, Grade::Good);
        assert_eq!(evidence(&[], 100).grade, Grade::Missing);
    }

    #[test]
    fn a_day_of_points_is_kept() {
        let mut replication = Replication::default();
        let points = (0..1_445).map(|minute| lag(minute * 60, Some(1), true));
        assert!(points.into_iter().all(|point| replication.push(point)));
        assert_eq!(replication.samples.len(), 1_440);
        assert_eq!(replication.latest().unwrap().at, Wall(1_444 * 60_000));
    }

    #[test]
    fn s10_nonsense_after_the_fault_does_not_void_the_evidence() {
        let samples = [lag(60, Some(500), true), lag(120, None, true), lag(180, Some(1), false)];
        assert_eq!(evidence(&samples, 130).grade, Grade::Good);
    }

    #[test]
    fn s10_a_later_sample_may_worsen_the_estimate() {
        let samples = [lag(60, Some(500), true), lag(180, Some(200_000), true)];
        let found = evidence(&samples, 130);
        assert_eq!((found.grade, found.loss_ms), (Grade::Good, Some(150_000)));
    }

    #[test]
    fn s10_stale_far_behind_or_not_streaming_is_not_evidence() {
        assert_eq!(evidence(&[lag(0, Some(1), true)], 181).grade, Grade::Stale);
        assert_eq!(evidence(&[lag(0, Some(1), true)], 180).grade, Grade::Good);
        assert_eq!(evidence(&[lag(60, Some(30_001), true)], 130).grade, Grade::TooFarBehind);
        assert_eq!(evidence(&[lag(60, Some(30_000), true)], 130).grade, Grade::Good);
        assert_eq!(evidence(&[lag(60, Some(1), false)], 130).grade, Grade::NotStreaming);
        assert_eq!(evidence(&[lag(60, None, true)], 130).grade, Grade::NotStreaming);
    }

    #[test]
    fn s10_a_point_streams_as_rds_said_by_the_end_of_its_period() {
        let mut replication = Replication::default();
        replication.described(Wall(50_000), true);
        replication.described(Wall(130_000), false);
        for at in [-60_000, 0, 60_000, 120_000] {
            replication.point(Wall(at), Some(1));
        }
        let streamed: Vec<_> = replication.samples.iter().map(|sample| sample.streaming).collect();
        assert_eq!(streamed, [true, true, false], "nobody had asked by the first one's end");
        let unasked = replication.as_of(Wall(40_000), Span::secs(30), Span::mins(3));
        assert_eq!(unasked.grade, Grade::Missing, "nobody knows that it did not stream");
        let said = [Some(49), Some(50), Some(130), None].map(|at| at.map(|at| Wall(at * 1_000)));
        let said = said.map(|at| replication.said_by(at));
        assert_eq!(said, [None, Some(true), Some(false), Some(false)]);
        let before = |secs: i64| replication.streamed_before(Wall(secs * 1_000));
        // It stopped at 130 s: a fault that is noticed within a minute of that is why.
        assert_eq!([49, 50, 131, 189].map(before), [None, Some(true), Some(true), Some(true)]);
        assert_eq!(before(190), Some(false));
    }
}
