//! A token bucket, as AWS throttles its APIs.

use bowline_core::model::Mono;
use bowline_core::op::Fault;

/// Thousandths of a token, so that refilling by the millisecond is exact.
const TOKEN: u64 = 1_000;

/// A bucket of tokens; each call takes one.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    capacity: u64,
    per_sec: u64,
    left: u64,
    at: Mono,
}

impl Bucket {
    /// A full bucket of `capacity` tokens that regains `per_sec` of them a second.
    #[must_use]
    pub(super) fn new(capacity: u64, per_sec: u64) -> Self {
        Self { capacity: capacity * TOKEN, per_sec, left: capacity * TOKEN, at: Mono(0) }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// [`Fault::Throttled`] when there is none; AWS does not say when there will be.
    pub(super) fn take(&mut self, now: Mono) -> Result<(), Fault> {
        let gained = now.since(self.at).as_millis() * self.per_sec;
        self.left = self.capacity.min(self.left + gained);
        self.at = now;
        if self.left < TOKEN {
            return Err(Fault::Throttled { after: None });
        }
        self.left -= TOKEN;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_gives_its_capacity_and_then_throttles() {
        let mut bucket = Bucket::new(4, 1);
        for _ in 0..4 {
            assert_eq!(bucket.take(Mono(0)), Ok(()));
        }
        assert_eq!(bucket.take(Mono(0)), Err(Fault::Throttled { after: None }));
    }

    #[test]
    fn it_refills_by_the_millisecond_and_a_refusal_takes_nothing() {
        let mut bucket = Bucket::new(2, 10);
        assert!(bucket.take(Mono(0)).is_ok() && bucket.take(Mono(0)).is_ok());
        assert!(bucket.take(Mono(30)).is_err() && bucket.take(Mono(99)).is_err());
        assert!(bucket.take(Mono(100)).is_ok());
    }

    #[test]
    fn a_long_rest_fills_it_to_the_brim_and_no_further() {
        let mut bucket = Bucket::new(2, 10);
        let late = Mono(1_000_000);
        assert!(bucket.take(late).is_ok() && bucket.take(late).is_ok());
        assert!(bucket.take(late).is_err());
    }
}
