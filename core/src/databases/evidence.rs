//! Evidence of replication *as of the fault* (S10).
//!
//! CloudWatch stamps a point at its start and publishes it late, and after the source died a replica
//! reports nonsense: −1 (MySQL) or a lag that grows with the outage (PostgreSQL). So what counts is the
//! last sample before the active site's first bad health sample. Later samples may worsen the estimate,
//! never void the evidence.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

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

/// Replication samples of one replica, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Replication {
    samples: VecDeque<Lag>,
}

impl Replication {
    /// How many samples are kept: half an hour of one-minute points.
    pub const KEPT: usize = 30;

    /// Takes a sample; one that is older than the newest, or the same, is dropped.
    pub fn push(&mut self, sample: Lag) {
        if self.samples.back().is_some_and(|last| last.at >= sample.at) {
            return;
        }
        if self.samples.len() == Self::KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// The newest sample.
    #[must_use]
    pub fn latest(&self) -> Option<&Lag> {
        self.samples.back()
    }

    /// The last sample before the fault; without a fault, the newest.
    #[must_use]
    pub fn last_before(&self, fault_at: Option<Wall>) -> Option<&Lag> {
        let before = |sample: &&Lag| fault_at.is_none_or(|fault| sample.at < fault);
        self.samples.iter().rev().find(before)
    }

    /// Judges the samples as of the fault.
    #[must_use]
    pub fn as_of(&self, fault_at: Wall, max_lag: Span, fresh: Span) -> Evidence {
        let sample = self.last_before(Some(fault_at)).copied();
        let grade = match &sample {
            None => Grade::Missing,
            Some(sample) if !sample.streaming => Grade::NotStreaming,
            Some(sample) if fault_at.since(sample.at) > fresh => Grade::Stale,
            Some(Lag { behind_ms: None, .. }) => Grade::NotStreaming,
            Some(Lag { behind_ms: Some(lag), .. }) if *lag > max_lag.as_millis() => {
                Grade::TooFarBehind
            }
            Some(_) => Grade::Good,
        };
        let loss_ms = sample.and_then(|sample| self.worst_loss(&sample, fault_at));
        Evidence { grade, sample, fault_at, loss_ms }
    }

    /// From the replica's position at the sample to the fault; a sample taken after it that is further
    /// behind than the outage explains makes it worse.
    fn worst_loss(&self, sample: &Lag, fault_at: Wall) -> Option<u64> {
        let position = |s: &Lag| s.behind_ms.map(|lag| s.at - Span::millis(lag));
        let mut at = position(sample)?;
        let after = self.samples.iter().filter(|later| later.at >= fault_at && later.streaming);
        for later in after.filter_map(position) {
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
        samples.iter().for_each(|sample| replication.push(*sample));
        replication.as_of(Wall(fault_secs * 1_000), Span::secs(30), Span::mins(3))
    }

    #[test]
    fn s10_a_streaming_sample_before_the_fault_is_good() {
        let found = evidence(&[lag(0, Some(500), true), lag(60, Some(700), true)], 100);
        assert_eq!(found.grade, Grade::Good);
        assert_eq!(found.loss_ms, Some(40_700));
    }

    #[test]
    fn s10_a_sample_after_the_fault_never_makes_it_good() {
        assert_eq!(evidence(&[lag(101, Some(1), true)], 100).grade, Grade::Missing);
        assert_eq!(evidence(&[], 100).grade, Grade::Missing);
    }

    #[test]
    fn s10_nonsense_after_the_fault_does_not_void_the_evidence() {
        let samples = [lag(60, Some(500), true), lag(120, None, true), lag(180, Some(1), false)];
        assert_eq!(evidence(&samples, 100).grade, Grade::Good);
    }

    #[test]
    fn s10_a_later_sample_may_worsen_the_estimate() {
        let samples = [lag(60, Some(500), true), lag(120, Some(80_000), true)];
        let found = evidence(&samples, 100);
        assert_eq!((found.grade, found.loss_ms), (Grade::Good, Some(60_000)));
    }

    #[test]
    fn s10_stale_far_behind_or_not_streaming_is_not_evidence() {
        assert_eq!(evidence(&[lag(0, Some(1), true)], 181).grade, Grade::Stale);
        assert_eq!(evidence(&[lag(0, Some(1), true)], 180).grade, Grade::Good);
        assert_eq!(evidence(&[lag(60, Some(30_001), true)], 100).grade, Grade::TooFarBehind);
        assert_eq!(evidence(&[lag(60, Some(30_000), true)], 100).grade, Grade::Good);
        assert_eq!(evidence(&[lag(60, Some(1), false)], 100).grade, Grade::NotStreaming);
        assert_eq!(evidence(&[lag(60, None, true)], 100).grade, Grade::NotStreaming);
    }
}
