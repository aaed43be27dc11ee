//! A part of the simulated world: it has a life of its own, and no clock.
//!
//! Virtual time is a [`Mono`] in milliseconds since the world began; wall time is [`EPOCH`] later.
//! A part is advanced to an instant no later than its own next one, so that nothing is skipped.

use bowline_core::model::{Mono, Now, Span, Wall};

/// Wall time at the world's beginning: 2026-11-02T00:00:00Z, a Monday.
pub const EPOCH: Wall = Wall(1_793_577_600_000);

/// A part of the world with a life of its own.
pub trait Part {
    /// When something happens in it next by itself; `None` when nothing ever will.
    fn next(&self) -> Option<Mono>;

    /// Lets everything happen that is due at `now`.
    fn advance(&mut self, now: Now, rng: &mut fastrand::Rng);
}

/// The wall time of an instant of virtual time.
#[must_use]
pub fn wall(mono: Mono) -> Wall {
    EPOCH + Span(mono.0)
}

/// An instant of virtual time on both clocks.
#[must_use]
pub fn at(mono: Mono) -> Now {
    Now { mono, wall: wall(mono) }
}

/// The instant of virtual time of a wall time; the world's beginning for anything earlier.
#[must_use]
pub fn mono(wall: Wall) -> Mono {
    Mono(wall.since(EPOCH).as_millis())
}

/// The earlier of two instants, where `None` is never.
#[must_use]
pub fn earlier(a: Option<Mono>, b: Option<Mono>) -> Option<Mono> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// The earliest of some instants, where `None` is never.
#[must_use]
pub fn earliest(instants: impl IntoIterator<Item = Option<Mono>>) -> Option<Mono> {
    instants.into_iter().flatten().min()
}

/// A length of time drawn evenly from `from` to `to`, both included.
#[must_use]
pub fn between(rng: &mut fastrand::Rng, from: Span, to: Span) -> Span {
    Span(rng.u64(from.as_millis()..=to.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_begins_on_a_monday_at_midnight() {
        assert_eq!(EPOCH.to_string(), "2026-11-02T00:00:00.000Z");
        assert_eq!(at(Mono(1_500)).wall.since(EPOCH), Span::millis(1_500));
    }

    #[test]
    fn wall_and_virtual_time_are_each_others_inverse() {
        assert_eq!(mono(wall(Mono(42))), Mono(42));
        assert_eq!(mono(Wall(0)), Mono(0), "before the beginning");
    }

    #[test]
    fn never_is_later_than_anything() {
        assert_eq!(earlier(None, Some(Mono(3))), Some(Mono(3)));
        assert_eq!(earlier(Some(Mono(4)), Some(Mono(3))), Some(Mono(3)));
        assert_eq!(earliest([None, Some(Mono(9)), Some(Mono(2))]), Some(Mono(2)));
        assert_eq!(earliest([None, None]), None);
    }

    #[test]
    fn a_drawn_length_stays_within_its_bounds() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..100 {
            let span = between(&mut rng, Span::secs(20), Span::secs(60));
            assert!((Span::secs(20)..=Span::secs(60)).contains(&span));
        }
    }
}
