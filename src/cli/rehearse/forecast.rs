//! What many stories amount to: percentiles, the phase that dominates, and what went wrong.

use std::collections::BTreeMap;

use bowline_core::plan::PlanKind;
use bowline_core::run::{PhaseTimes, Report};
use bowline_sim::story::{Document, Ended};
use serde::Serialize;

/// A forecast. Times are in milliseconds.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Forecast {
    /// The group.
    pub(super) group: String,
    /// The scenario.
    pub(super) scenario: String,
    /// How many stories were played.
    pub(super) runs: usize,
    /// The first seed.
    pub(super) first_seed: Option<u64>,
    /// In how many of them traffic moved.
    pub(super) moved: usize,
    /// From the first bad sample (or the opening) until the move was seen from outside.
    pub(super) rto_ms: Option<Percentiles>,
    /// Replication time that may have been lost; absent where nothing could be.
    pub(super) loss_ms: Option<Percentiles>,
    /// What users saw of the whole story, the way home included.
    pub(super) outage_ms: Outages,
    /// The median of each phase of the RTO.
    pub(super) phases_ms: BTreeMap<&'static str, u64>,
    /// The longest of them.
    pub(super) dominates: Option<&'static str>,
    /// Promises that were broken, with the seeds that broke them.
    pub(super) broken: BTreeMap<&'static str, Vec<u64>>,
    /// Seeds whose story did not end at home.
    pub(super) not_home: Vec<u64>,
}

/// The outage that users saw.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outages {
    /// Of readers, weighted by their share.
    pub(super) reads: Option<Percentiles>,
    /// Of writers.
    pub(super) writes: Option<Percentiles>,
    /// The longest time in which nobody was served.
    pub(super) longest_total: Option<Percentiles>,
}

/// Percentiles of a measured value, by nearest rank: each was measured in some story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Percentiles {
    /// Half of the stories had no more.
    pub(super) p50: u64,
    /// Nine of ten.
    pub(super) p90: u64,
    /// 99 of a hundred.
    pub(super) p99: u64,
    /// The worst.
    pub(super) max: u64,
}

impl Percentiles {
    /// Of these values; `None` when there are none.
    pub(super) fn of(mut values: Vec<u64>) -> Option<Self> {
        values.sort_unstable();
        let rank = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100).max(1);
            values.get(rank - 1).copied()
        };
        Some(Self { p50: rank(50)?, p90: rank(90)?, p99: rank(99)?, max: rank(100)? })
    }
}

impl Forecast {
    /// What these stories of a group amount to.
    pub(super) fn of(group: &str, scenario: &str, played: &[Document]) -> Self {
        let moves: Vec<&Report> = played.iter().flat_map(moves).collect();
        let phases_ms = phases(&moves);
        let longest = phases_ms.iter().max_by_key(|(_, ms)| **ms);
        let measured = |value: fn(&Report) -> Option<u64>| {
            Percentiles::of(moves.iter().filter_map(|report| value(report)).collect())
        };
        Self {
            group: group.into(),
            scenario: scenario.into(),
            runs: played.len(),
            first_seed: played.first().map(|one| one.seed),
            moved: played.iter().filter(|one| moves_of(one) > 0).count(),
            rto_ms: measured(|report| report.phases.rto),
            loss_ms: measured(|report| report.loss_ms),
            outage_ms: Outages::of(played),
            dominates: longest.map(|(name, _)| *name),
            phases_ms,
            broken: broken(played),
            not_home: played.iter().filter(|d| d.ended != Ended::Home).map(|d| d.seed).collect(),
        }
    }

    /// Whether every promise held and every story ended at home.
    pub(super) fn good(&self) -> bool {
        self.broken.is_empty() && self.not_home.is_empty()
    }
}

impl Outages {
    fn of(played: &[Document]) -> Self {
        let seen = |value: fn(&bowline_sim::story::UsersSaw) -> u64| {
            Percentiles::of(played.iter().flat_map(|one| &one.users).map(value).collect())
        };
        Self {
            reads: seen(|saw| saw.reads_failed_ms),
            writes: seen(|saw| saw.writes_failed_ms),
            longest_total: seen(|saw| saw.longest_total_ms),
        }
    }
}

/// The runs of a story that moved traffic away from home.
fn moves(document: &Document) -> impl Iterator<Item = &Report> {
    document
        .runs
        .iter()
        .filter(|report| report.kind != PlanKind::Failback && report.phases.rto.is_some())
}

fn moves_of(document: &Document) -> usize {
    moves(document).count()
}

fn phases(moves: &[&Report]) -> BTreeMap<&'static str, u64> {
    let named: [(&'static str, fn(&PhaseTimes) -> Option<u64>); 4] = [
        ("detect", |phases| phases.detect),
        ("decide", |phases| phases.decide),
        ("execute", |phases| phases.execute),
        ("validate", |phases| phases.validate),
    ];
    let median = |(name, value): (&'static str, fn(&PhaseTimes) -> Option<u64>)| {
        let values = moves.iter().filter_map(|report| value(&report.phases)).collect();
        Some((name, Percentiles::of(values)?.p50))
    };
    named.into_iter().filter_map(median).collect()
}

fn broken(played: &[Document]) -> BTreeMap<&'static str, Vec<u64>> {
    let mut broken: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
    for document in played {
        let those = document.promises.iter().filter(|(_, verdict)| **verdict != "held");
        for (promise, _) in those {
            broken.entry(promise).or_default().push(document.seed);
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let of = |n: u64| Percentiles::of((1..=n).rev().collect());
        assert_eq!(of(0), None);
        assert_eq!(of(1), Some(Percentiles { p50: 1, p90: 1, p99: 1, max: 1 }));
        assert_eq!(of(10), Some(Percentiles { p50: 5, p90: 9, p99: 10, max: 10 }));
        assert_eq!(of(200), Some(Percentiles { p50: 100, p90: 180, p99: 198, max: 200 }));
    }
}
