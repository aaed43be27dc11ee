//! The checkers that probe one endpoint, each at its own phase.
//!
//! No probe is an event: when the endpoint's state changes, the instant at which each checker will
//! have seen it often enough is computed, and with it the instant at which the verdict turns.

use bowline_core::model::{Mono, Span};

/// Checkers that probe an endpoint: about as many as Route 53 uses with its recommended Regions.
pub const CHECKERS: usize = 16;

/// A check is healthy while more than this share of its checkers say so (developer guide).
const HEALTHY_PERCENT: usize = 18;

const NEVER: Mono = Mono(u64::MAX);

/// What 16 checkers say of an endpoint.
#[derive(Clone, Debug)]
pub(super) struct Checkers {
    interval: Span,
    threshold: u32,
    answers: bool,
    phases: [u64; CHECKERS],
    said: [bool; CHECKERS],
    flips: [Mono; CHECKERS],
    turn: Option<Mono>,
}

impl Checkers {
    /// Checkers that probe every `interval` and change their word after `threshold` probes. They
    /// all begin by saying healthy, and the endpoint begins by answering.
    #[must_use]
    pub(super) fn new(interval: Span, threshold: u32, rng: &mut fastrand::Rng) -> Self {
        let phases = std::array::from_fn(|_| rng.u64(0..interval.as_millis().max(1)));
        Self {
            interval,
            threshold: threshold.max(1),
            answers: true,
            phases,
            said: [true; CHECKERS],
            flips: [NEVER; CHECKERS],
            turn: None,
        }
    }

    /// The endpoint answers from now on, or does not.
    pub(super) fn set(&mut self, answers: bool, now: Mono) {
        if self.answers == answers {
            return;
        }
        self.answers = answers;
        let was = self.healthy(now);
        for checker in 0..CHECKERS {
            self.said[checker] = self.says(checker, now);
            let differs = self.said[checker] != answers;
            self.flips[checker] = if differs { self.convinced_at(checker, now) } else { NEVER };
        }
        self.turn = self.turning_point(was);
    }

    /// How many say healthy.
    #[must_use]
    pub(super) fn count(&self, now: Mono) -> u32 {
        (0..CHECKERS).map(|checker| u32::from(self.says(checker, now))).sum()
    }

    /// Their common verdict.
    #[must_use]
    pub(super) fn healthy(&self, now: Mono) -> bool {
        enough((0..CHECKERS).filter(|&checker| self.says(checker, now)).count())
    }

    /// When the verdict turns next, if the endpoint stays as it is.
    #[must_use]
    pub(super) fn turn(&self) -> Option<Mono> {
        self.turn
    }

    /// Whether the verdict has turned by now; told once.
    pub(super) fn turned(&mut self, now: Mono) -> bool {
        self.turn.take_if(|turn| *turn <= now).is_some()
    }

    fn says(&self, checker: usize, now: Mono) -> bool {
        self.said[checker] != (self.flips[checker] <= now)
    }

    /// When a checker has seen the state that begins now `threshold` times in a row. A probe in
    /// this very instant saw the state before: that is what [`Self::set`] lets it say.
    fn convinced_at(&self, checker: usize, now: Mono) -> Mono {
        let interval = self.interval.as_millis().max(1);
        let into = (now.0 + interval - self.phases[checker] % interval) % interval;
        Mono(now.0 + u64::from(self.threshold) * interval - into)
    }

    fn turning_point(&self, was: bool) -> Option<Mono> {
        if was == self.answers {
            return None;
        }
        let mut healthy = self.said.iter().filter(|said| **said).count();
        let mut flips = self.flips;
        flips.sort_unstable();
        for flip in flips.into_iter().filter(|flip| *flip < NEVER) {
            healthy = if self.answers { healthy + 1 } else { healthy - 1 };
            if enough(healthy) != was {
                return Some(flip);
            }
        }
        None
    }
}

fn enough(healthy: usize) -> bool {
    healthy * 100 > HEALTHY_PERCENT * CHECKERS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn checkers(seed: u64, threshold: u32) -> Checkers {
        Checkers::new(Span::secs(10), threshold, &mut fastrand::Rng::with_seed(seed))
    }

    #[test]
    fn a_check_is_healthy_while_more_than_18_percent_of_checkers_say_so() {
        assert!(enough(3), "3 of 16 are 18.75 %");
        assert!(!enough(2), "2 of 16 are 12.5 %");
    }

    #[test]
    fn a_dead_endpoint_turns_the_check_after_threshold_probes() {
        let mut checkers = checkers(1, 3);
        checkers.set(false, Mono(100_000));
        let turn = checkers.turn().unwrap();
        assert!((Mono(120_000)..=Mono(130_000)).contains(&turn), "{turn:?}");
        assert!(checkers.healthy(Mono(turn.0 - 1)));
        assert!(!checkers.healthy(turn));
        assert_eq!(checkers.count(Mono(100_000)), 16);
        assert_eq!(checkers.count(Mono(130_000)), 0);
    }

    #[test]
    fn a_blip_shorter_than_the_threshold_turns_nothing() {
        let mut checkers = checkers(2, 3);
        checkers.set(false, Mono(100_000));
        checkers.set(true, Mono(115_000));
        assert_eq!(checkers.turn(), None);
        assert_eq!(checkers.count(Mono(200_000)), 16);
    }

    #[test]
    fn a_recovery_turns_as_soon_as_three_checkers_saw_it() {
        let mut checkers = checkers(3, 3);
        checkers.set(false, Mono(0));
        checkers.set(true, Mono(100_000));
        let turn = checkers.turn().unwrap();
        assert_eq!(checkers.count(turn), 3);
        assert_eq!(checkers.count(Mono(turn.0 - 1)), 2);
    }

    #[test]
    fn a_turn_is_told_once() {
        let mut checkers = checkers(4, 1);
        checkers.set(false, Mono(0));
        let turn = checkers.turn().unwrap();
        assert!(!checkers.turned(Mono(turn.0 - 1)));
        assert!(checkers.turned(turn));
        assert!(!checkers.turned(turn));
    }

    /// What the same checkers say when every single probe is made, of the state before its
    /// instant.
    fn probed(checkers: &Checkers, changes: &[(u64, bool)], until: u64) -> u32 {
        let word = |phase: u64| {
            let (mut said, mut run) = (true, 0);
            for at in (phase..=until).step_by(10_000) {
                let seen = changes.iter().rev().find(|c| c.0 < at).is_none_or(|c| c.1);
                run = if seen == said { 0 } else { run + 1 };
                if run >= checkers.threshold {
                    (said, run) = (seen, 0);
                }
            }
            u32::from(said)
        };
        checkers.phases.iter().map(|phase| word(*phase)).sum()
    }

    #[test]
    fn a_probe_in_the_instant_of_a_change_sees_what_was_before() {
        let mut checkers = checkers(5, 1);
        let probe = Mono(checkers.phases[0] + 50_000);
        checkers.set(false, probe);
        assert!(checkers.says(0, Mono(probe.0 + 9_999)), "its next probe is not yet");
        let next = Mono(probe.0 + 10_000);
        checkers.set(true, next);
        assert!(!checkers.says(0, next), "the only probe while it was down");
        assert!(checkers.says(0, Mono(next.0 + 10_000)));
    }

    proptest! {
        #[test]
        fn computing_the_instants_equals_making_every_probe(
            seed: u64, threshold in 1u32..5,
            gaps in proptest::collection::vec(10_000u64..90_000, 1..6), rest in 0u64..60_000,
        ) {
            let mut checkers = checkers(seed, threshold);
            let (mut at, mut up, mut changes) = (0, true, Vec::new());
            for gap in gaps {
                at += gap;
                up = !up;
                checkers.set(up, Mono(at));
                changes.push((at, up));
            }
            let until = at + rest;
            prop_assert_eq!(checkers.count(Mono(until)), probed(&checkers, &changes, until));
        }

        #[test]
        fn the_verdict_is_constant_between_the_turns_it_announces(
            seed: u64, gap in 1u64..60_000,
        ) {
            let mut checkers = checkers(seed, 2);
            checkers.set(false, Mono(5_000));
            checkers.set(true, Mono(5_000 + gap));
            let before = checkers.healthy(Mono(5_000 + gap));
            let turn = checkers.turn();
            for at in (5_000 + gap..100_000).step_by(137) {
                let turned = turn.is_some_and(|turn| turn.0 <= at);
                prop_assert_eq!(checkers.healthy(Mono(at)) != before, turned);
            }
        }
    }
}
