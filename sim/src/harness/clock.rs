//! The clocks of a seat's machine: a wall clock that is off, a monotonic one that runs too fast or
//! too slow.

use bowline_core::model::{Mono, Now, Wall};

/// As many as one is.
const MILLION: i64 = 1_000_000;

/// How far the clocks are off.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// How far the wall clock is off, in milliseconds.
    pub(super) skew_ms: i64,
    /// How much faster the monotonic one runs, in millionths.
    ppm: i64,
    /// Since when, as the world counts.
    since: Mono,
    /// What it showed then.
    showed: Mono,
}

impl Clock {
    /// From now on the monotonic clock runs by so many millionths faster than it did.
    pub(super) fn drift(&mut self, by_ppm: i64, now: Mono) {
        (self.showed, self.since) = (self.shows(now), now);
        self.ppm += by_ppm;
    }

    /// What the clocks show.
    pub(super) fn read(&self, now: Now) -> Now {
        Now { mono: self.shows(now.mono), wall: Wall(now.wall.0.saturating_add(self.skew_ms)) }
    }

    /// When the monotonic clock will first show this.
    pub(super) fn when(&self, shown: Mono) -> Mono {
        let ahead = shown.0.saturating_sub(self.showed.0);
        Mono(self.since.0 + scaled(ahead, (MILLION, self.rate()), u128::div_ceil))
    }

    fn shows(&self, now: Mono) -> Mono {
        let gone = now.0.saturating_sub(self.since.0);
        Mono(self.showed.0 + scaled(gone, (self.rate(), MILLION), |a, b| a / b))
    }

    fn rate(&self) -> i64 {
        // A clock that stands still would never show anything.
        (MILLION + self.ppm).max(1)
    }
}

fn scaled(millis: u64, (by, of): (i64, i64), divide: fn(u128, u128) -> u128) -> u64 {
    let wide = |number: i64| u128::from(number.unsigned_abs());
    u64::try_from(divide(u128::from(millis) * wide(by), wide(of))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_wrong_shows_what_the_world_does() {
        let clock = Clock::default();
        for now in [0, 1, 1_790_000_000_123] {
            assert_eq!((clock.shows(Mono(now)), clock.when(Mono(now))), (Mono(now), Mono(now)));
        }
    }

    #[test]
    fn a_clock_never_runs_backwards_and_shows_a_time_when_it_says_it_will() {
        let mut rng = fastrand::Rng::with_seed(3);
        let (mut clock, mut now, mut last) = (Clock::default(), Mono(5_000), Mono(0));
        for _ in 0..5_000 {
            now = Mono(now.0 + rng.u64(0..2_000));
            if rng.u8(0..50) == 0 {
                clock.drift(rng.i64(-20_000..20_000) - clock.ppm, now);
            }
            let shown = clock.shows(now);
            assert!(shown >= last, "{shown:?} after {last:?}");
            last = shown;
            let next = Mono(shown.0 + rng.u64(1..5_000));
            let when = clock.when(next);
            assert!(when > now && clock.shows(when) >= next, "{clock:?}");
            assert!(clock.shows(Mono(when.0 - 1)) < next, "{clock:?}");
        }
    }

    #[test]
    fn a_fast_clock_gains_what_it_says() {
        let mut clock = Clock::default();
        clock.drift(500, Mono(1_000));
        assert_eq!(clock.shows(Mono(1_001_000)), Mono(1_001_500));
        clock.drift(-500, Mono(1_001_000));
        assert_eq!(clock.shows(Mono(2_001_000)), Mono(2_001_500), "what it gained it keeps");
    }
}
