//! CloudWatch: one point a minute, stamped at its start and published late.
//!
//! No minute is an event. Whoever owns a [`Series`] rolls it forward over the time that passed
//! under constant conditions, before conditions change and before anybody asks.

use std::collections::VecDeque;

use bowline_core::model::{Counted, Mono, Span, Wall};

use crate::part::wall;

/// Length of a point's period.
pub const PERIOD: Span = Span::mins(1);

/// How many points are kept.
pub const KEPT: usize = 30;

/// A point is published at most this long after its period ended, so 60–90 s after its stamp.
const LATE: Span = Span::secs(30);

/// How the values of one period become one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistic {
    /// The largest.
    Maximum,
    /// All together.
    Sum,
}

/// One metric of one thing.
#[derive(Clone, Debug)]
pub struct Series {
    statistic: Statistic,
    seed: u64,
    rolled: Mono,
    open: Option<i64>,
    points: VecDeque<(u64, i64)>,
}

impl Series {
    /// A metric without points; `seed` draws how late each is published.
    #[must_use]
    pub fn new(statistic: Statistic, seed: u64, since: Mono) -> Self {
        Self { statistic, seed, rolled: since, open: None, points: VecDeque::new() }
    }

    /// Takes in the time up to `to`. `value` gives, in thousandths, what a stretch of it within one
    /// minute measured; `None` for nothing, which makes no point.
    pub fn roll(&mut self, to: Mono, value: impl Fn(Mono, Mono) -> Option<i64>) {
        let kept = PERIOD.times(KEPT as u64 + 1).as_millis();
        if to.since(self.rolled).as_millis() > kept {
            self.close();
            self.rolled = Mono(to.0 - kept);
        }
        while self.rolled < to {
            let end = Mono((minute(self.rolled) + 1) * PERIOD.as_millis());
            let piece = end.min(to);
            if let Some(measured) = value(self.rolled, piece) {
                self.take(measured);
            }
            if piece == end {
                self.close();
            }
            self.rolled = piece;
        }
    }

    /// The points since an instant that are published by now, oldest first.
    #[must_use]
    pub fn points(&self, since: Wall, now: Mono) -> Vec<Counted> {
        let published = self.points.iter().filter(|(minute, _)| self.published(*minute) <= now);
        let counted = published.map(|(minute, value)| Counted {
            at: wall(Mono(minute * PERIOD.as_millis())),
            thousandths: *value,
        });
        counted.filter(|point| point.at >= since).collect()
    }

    fn take(&mut self, measured: i64) {
        self.open = Some(match (self.open, self.statistic) {
            (None, _) => measured,
            (Some(open), Statistic::Maximum) => open.max(measured),
            (Some(open), Statistic::Sum) => open + measured,
        });
    }

    /// Ends the minute that `rolled` lies in.
    fn close(&mut self) {
        if let Some(value) = self.open.take() {
            if self.points.len() == KEPT {
                self.points.pop_front();
            }
            self.points.push_back((minute(self.rolled), value));
        }
    }

    fn published(&self, minute: u64) -> Mono {
        let late = mix(self.seed, minute) % (LATE.as_millis() + 1);
        Mono((minute + 1) * PERIOD.as_millis() + late)
    }
}

fn minute(at: Mono) -> u64 {
    at.0 / PERIOD.as_millis()
}

/// A number that looks drawn, and is always the same for the same two.
#[must_use]
pub fn mix(seed: u64, n: u64) -> u64 {
    let mut x = seed ^ n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGIN: Wall = crate::part::EPOCH;

    fn series(statistic: Statistic) -> Series {
        Series::new(statistic, 5, Mono(0))
    }

    #[test]
    fn a_point_is_stamped_at_its_start_and_published_60_to_90_seconds_later() {
        let mut series = series(Statistic::Maximum);
        series.roll(Mono(180_000), |_, _| Some(7));
        for n in 0..3u64 {
            let start = n * 60_000;
            let seen = |late: u64| series.points(wall(Mono(start)), Mono(start + late)).len();
            assert_eq!(seen(59_999), 0, "{n}");
            assert!(seen(90_000) >= 1, "{n}");
        }
        let first = series.points(BEGIN, Mono(90_000))[0];
        assert_eq!((first.at, first.thousandths), (BEGIN, 7));
    }

    #[test]
    fn the_minute_that_runs_has_no_point_yet() {
        let mut series = series(Statistic::Maximum);
        series.roll(Mono(59_999), |_, _| Some(7));
        assert!(series.points(BEGIN, Mono(1_000_000)).is_empty());
    }

    #[test]
    fn silence_makes_no_point() {
        let mut series = series(Statistic::Maximum);
        series.roll(Mono(120_000), |_, _| None);
        series.roll(Mono(180_000), |_, _| Some(1));
        let stamps: Vec<_> =
            series.points(BEGIN, Mono(999_999)).iter().map(|p| p.at.since(BEGIN)).collect();
        assert_eq!(stamps, [Span::mins(2)]);
    }

    #[test]
    fn a_maximum_is_the_largest_and_a_sum_all_together() {
        for (statistic, wanted) in [(Statistic::Maximum, 5), (Statistic::Sum, 6)] {
            let mut series = series(statistic);
            series.roll(Mono(20_000), |_, _| Some(5));
            series.roll(Mono(60_000), |_, _| Some(1));
            assert_eq!(series.points(BEGIN, Mono(99_999))[0].thousandths, wanted);
        }
    }

    #[test]
    fn only_the_last_half_hour_is_kept() {
        let mut series = series(Statistic::Sum);
        series.roll(Mono(86_400_000), |_, _| Some(1));
        let points = series.points(BEGIN, Mono(86_500_000));
        assert_eq!(points.len(), KEPT);
        assert_eq!(points[KEPT - 1].at, wall(Mono(86_340_000)));
    }

    proptest! {
        #[test]
        fn rolling_in_pieces_equals_rolling_at_once(
            cuts in proptest::collection::vec(1u64..200_000, 1..8),
        ) {
            let rate = |from: Mono, to: Mono| Some((to.0 - from.0) as i64);
            let (mut pieces, mut whole) = (series(Statistic::Sum), series(Statistic::Sum));
            let mut to = 0;
            for cut in cuts {
                to += cut;
                pieces.roll(Mono(to), rate);
            }
            whole.roll(Mono(to), rate);
            let late = Mono(to + 200_000);
            prop_assert_eq!(pieces.points(BEGIN, late), whole.points(BEGIN, late));
        }
    }
}
