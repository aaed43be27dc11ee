//! The two clocks of a process, as the node wants them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bowline_core::model::{Mono, Now, Span, Wall};
use tokio::time::Instant;

/// Monotonic time since the process began, and wall time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    /// The wall time at the start, where it is not the system's.
    began: Option<Wall>,
}

impl Clock {
    /// A clock that begins now.
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), began: None }
    }

    /// A clock that begins now, at this wall time: a simulated world has its own.
    #[cfg(test)]
    pub(crate) fn at(began: Wall) -> Self {
        Self { start: Instant::now(), began: Some(began) }
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Now {
        let mono = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let wall = match self.began {
            Some(began) => began + Span::millis(mono),
            None => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
        };
        Now { mono: Mono(mono), wall }
    }

    /// When that is for the runtime.
    pub(crate) fn instant(&self, mono: Mono) -> Instant {
        // Far enough away to mean never, near enough to be added to any instant.
        let year = 365 * 24 * 3_600_000;
        self.start + Duration::from_millis(mono.0.min(year))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_instant_is_reached_when_the_clock_says_so() {
        let clock = Clock::new();
        tokio::time::sleep_until(clock.instant(Mono(1_500))).await;
        assert_eq!(clock.now().mono, Mono(1_500));
        let _ = clock.instant(Mono(u64::MAX));
    }
}
