//! How fast a story is played for somebody who watches.

use std::str::FromStr;
use std::time::{Duration, Instant};

use bowline_core::model::Mono;

/// How many times faster than in life.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as possible.
    Max,
    /// So many times.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.trim_end_matches('x').parse::<f64>() {
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err("write a number greater than 0, such as 120, or max".into()),
        }
    }
}

/// Keeps virtual time at a pace with the clock on the wall.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Speed,
    began: (Instant, Mono),
}

impl Pace {
    /// The story begins now, at virtual time `began`.
    pub(super) fn new(speed: Speed, began: Mono) -> Self {
        Self { speed, began: (Instant::now(), began) }
    }

    /// Waits until it is virtual time `now`.
    pub(super) fn wait(&mut self, now: Mono) {
        let due = self.due(now);
        let left = due.saturating_sub(self.began.0.elapsed());
        if !left.is_zero() {
            std::thread::sleep(left);
        }
    }

    /// How long after the beginning that is on the wall.
    fn due(&self, now: Mono) -> Duration {
        let virtual_time = Duration::from_millis(now.since(self.began.1).as_millis());
        match self.speed {
            Speed::Max => Duration::ZERO,
            Speed::Times(times) => Duration::try_from_secs_f64(virtual_time.as_secs_f64() / times)
                .unwrap_or(Duration::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_positive_number_or_max() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("120".parse(), Ok(Speed::Times(120.0)));
        assert_eq!("1.5x".parse(), Ok(Speed::Times(1.5)));
        for text in ["0", "-3", "fast", "", "inf", "NaN"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn two_virtual_minutes_take_a_second_at_120_times() {
        let pace = Pace::new(Speed::Times(120.0), Mono(5_000));
        assert_eq!(pace.due(Mono(125_000)), Duration::from_secs(1));
        let pace = Pace::new(Speed::Max, Mono(5_000));
        assert_eq!(pace.due(Mono(125_000)), Duration::ZERO);
    }
}
