//! Requests that a Region's load balancer answered well, as CloudWatch counts them.

use bowline_core::model::{Counted, Mono, Wall};
use bowline_sim::aws::cloudwatch::{Series, Statistic};

/// One load balancer's count: the lab has one a Region.
#[derive(Debug)]
pub(super) struct Served {
    series: Series,
    rolled: Mono,
    /// Counted since, in thousandths.
    waiting: i64,
}

impl Served {
    /// A load balancer that has served nobody.
    pub(super) fn new(now: Mono) -> Self {
        Self { series: Series::new(Statistic::Sum, now.0, now), rolled: now, waiting: 0 }
    }

    /// So many more were served.
    pub(super) fn count(&mut self, served: u32, now: Mono) {
        self.waiting += i64::from(served) * 1_000;
        self.roll(now);
    }

    /// The points that are published; a minute without a request has none.
    pub(super) fn points(&mut self, since: Wall, now: Mono) -> Vec<Counted> {
        self.roll(now);
        self.series.points(since, now)
    }

    /// What waits was served just now.
    fn roll(&mut self, now: Mono) {
        if now <= self.rolled {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.series.roll(now, |_, to| (to == now && waiting > 0).then_some(waiting));
        self.rolled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_is_in_the_minute_it_was_counted_in_and_silence_has_no_point() {
        let mut served = Served::new(Mono(0));
        for (at, n) in [(0, 1), (1_000, 2), (59_000, 3), (60_500, 4), (190_000, 5)] {
            served.count(n, Mono(at));
        }
        let points = served.points(Wall(0), Mono(400_000));
        let values: Vec<_> = points.iter().map(|point| point.thousandths).collect();
        assert_eq!(values, [6_000, 4_000, 5_000], "none for the third minute");
    }
}
