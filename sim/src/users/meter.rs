//! How much of an outage users saw.

use bowline_core::model::{Mono, Span};

/// An outage as users saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outage {
    /// Outage of all users together, weighted by their share: half of them for a minute is 30 s.
    pub weighted: Span,
    /// The longest time during which nobody was served.
    pub longest_total: Span,
}

/// Adds up an outage between changes of the share that fails.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    whole: u64,
    failing: u64,
    since: Mono,
    sum: u64,
    total_since: Option<Mono>,
    longest: Span,
}

impl Meter {
    /// Nobody fails yet; `whole` is the weight of all users.
    pub(super) fn new(whole: u64, now: Mono) -> Self {
        Self {
            whole: whole.max(1),
            failing: 0,
            since: now,
            sum: 0,
            total_since: None,
            longest: Span::ZERO,
        }
    }

    /// Users of this weight fail from now on.
    pub(super) fn set(&mut self, failing: u64, now: Mono) {
        if failing == self.failing {
            return;
        }
        self.sum += self.failing * now.since(self.since).as_millis();
        (self.failing, self.since) = (failing, now);
        if failing == self.whole {
            self.total_since = Some(now);
        } else if let Some(since) = self.total_since.take() {
            self.longest = self.longest.max(now.since(since));
        }
    }

    /// Begins anew; who fails goes on failing.
    pub(super) fn restart(&mut self, now: Mono) {
        (self.sum, self.longest, self.since) = (0, Span::ZERO, now);
        self.total_since = self.total_since.map(|_| now);
    }

    /// The outage up to now.
    pub(super) fn read(&self, now: Mono) -> Outage {
        let sum = self.sum + self.failing * now.since(self.since).as_millis();
        let running = self.total_since.map_or(Span::ZERO, |since| now.since(since));
        Outage { weighted: Span(sum / self.whole), longest_total: self.longest.max(running) }
    }

    /// The share that fails now, in thousandths.
    pub(super) fn failing_permille(&self) -> u32 {
        u32::try_from(self.failing * 1_000 / self.whole).unwrap_or(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Mono {
        Mono(n * 1_000)
    }

    #[test]
    fn half_of_the_users_for_a_minute_is_half_a_minute() {
        let mut meter = Meter::new(10, secs(0));
        meter.set(5, secs(100));
        meter.set(0, secs(160));
        let wanted = Outage { weighted: Span::secs(30), longest_total: Span::ZERO };
        assert_eq!(meter.read(secs(999)), wanted);
    }

    #[test]
    fn the_longest_total_outage_is_of_all_users_at_once() {
        let mut meter = Meter::new(10, secs(0));
        for (failing, at) in [(9, 0), (10, 10), (8, 40), (10, 50), (0, 60)] {
            meter.set(failing, secs(at));
        }
        assert_eq!(meter.read(secs(99)).longest_total, Span::secs(30));
    }

    #[test]
    fn an_outage_that_still_runs_counts_up_to_now() {
        let mut meter = Meter::new(4, secs(0));
        meter.set(4, secs(10));
        assert_eq!(meter.failing_permille(), 1_000);
        let outage = meter.read(secs(25));
        assert_eq!((outage.weighted, outage.longest_total), (Span::secs(15), Span::secs(15)));
    }

    #[test]
    fn a_restart_forgets_what_was_and_not_who_fails() {
        let mut meter = Meter::new(4, secs(0));
        meter.set(4, secs(10));
        meter.restart(secs(20));
        let outage = meter.read(secs(25));
        assert_eq!((outage.weighted, outage.longest_total), (Span::secs(5), Span::secs(5)));
    }
}
