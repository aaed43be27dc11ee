//! Since when a verdict has been what it is. The verdict itself is made elsewhere.

use crate::model::{Answer3, Now, Span};

/// A verdict and the instant it last changed. Monotonic time only: it starts anew with the process,
/// so a restart makes a site wait for its `stableFor` again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steady {
    held: Option<(Answer3, Now)>,
}

impl Steady {
    /// Takes the verdict as it is now.
    pub fn observe(&mut self, now: Now, verdict: Answer3) {
        if self.held.is_none_or(|(held, _)| held != verdict) {
            self.held = Some((verdict, now));
        }
    }

    /// The verdict and since when it has been so.
    #[must_use]
    pub fn since(&self) -> Option<(Answer3, Now)> {
        self.held
    }

    /// For how long it has been `verdict` without a break; zero when it is not.
    #[must_use]
    pub fn held_for(&self, now: Now, verdict: Answer3) -> Span {
        match self.held {
            Some((held, since)) if held == verdict => now.mono.since(since.mono),
            _ => Span::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Mono, Wall};

    fn at(secs: u64) -> Now {
        Now { mono: Mono(secs * 1_000), wall: Wall(0) }
    }

    #[test]
    fn a_verdict_is_counted_from_its_last_change() {
        let mut steady = Steady::default();
        assert_eq!(steady.since(), None);
        assert_eq!(steady.held_for(at(0), Answer3::Yes), Span::ZERO);
        steady.observe(at(1), Answer3::Yes);
        steady.observe(at(5), Answer3::Yes);
        assert_eq!(steady.since(), Some((Answer3::Yes, at(1))));
        assert_eq!(steady.held_for(at(11), Answer3::Yes), Span::secs(10));
        assert_eq!(steady.held_for(at(11), Answer3::No), Span::ZERO);
        steady.observe(at(12), Answer3::Unknown);
        steady.observe(at(13), Answer3::Yes);
        assert_eq!(steady.held_for(at(14), Answer3::Yes), Span::secs(1));
    }
}
