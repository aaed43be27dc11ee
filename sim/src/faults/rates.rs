//! Calls that go wrong now and then: lost, late, twice, refused.

use bowline_core::model::Span;
use bowline_core::op::Fault;
use serde::{Deserialize, Serialize};

use super::Fate;

/// How often calls go wrong, in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rates {
    /// Only calls that may change something.
    pub only_changes: bool,
    /// Lost on the way there: nothing happened.
    pub lost_before: u16,
    /// Lost on the way back: it happened.
    pub lost_after: u16,
    /// Refused for its rate.
    pub throttled: u16,
    /// Refused with an error that passes.
    pub transient: u16,
    /// Refused as what it is not: with a conflict, as not found, denied or invalid.
    pub refused: u16,
    /// Answered twice.
    pub twice: u16,
    /// Sent twice on its way there, by a proxy that tries again.
    pub copied: u16,
    /// Held up, on either way, which also reorders.
    pub delayed: u16,
    /// Held up for so long at most.
    pub delay: Span,
}

impl Rates {
    /// How many of a thousand calls tell their sender nothing, or what is not so.
    pub(crate) fn failing(&self) -> u32 {
        let all = [self.lost_before, self.lost_after, self.throttled, self.transient, self.refused];
        all.into_iter().map(u32::from).sum()
    }

    pub(super) fn outward(&self, rng: &mut fastrand::Rng) -> Fate {
        if hits(self.lost_before, rng) {
            return lost(rng);
        }
        if hits(self.throttled, rng) {
            let after = rng.bool().then_some(Span::secs(1));
            return Fate::Refused(Fault::Throttled { after });
        }
        if hits(self.transient, rng) {
            return Fate::Refused(Fault::Transient("503: try again".into()));
        }
        if hits(self.refused, rng) {
            return Fate::Refused(odd(rng));
        }
        if hits(self.copied, rng) {
            return Fate::Twice(self.later(rng));
        }
        Fate::Arrives(self.hold_up(rng))
    }

    pub(super) fn homeward(&self, rng: &mut fastrand::Rng) -> Fate {
        if hits(self.lost_after, rng) {
            return lost(rng);
        }
        if hits(self.twice, rng) {
            return Fate::Twice(self.later(rng));
        }
        Fate::Arrives(self.hold_up(rng))
    }

    fn later(&self, rng: &mut fastrand::Rng) -> Span {
        Span(rng.u64(1..=self.delay.as_millis().max(50)))
    }

    fn hold_up(&self, rng: &mut fastrand::Rng) -> Span {
        match hits(self.delayed, rng) {
            true => Span(rng.u64(0..=self.delay.as_millis())),
            false => Span::ZERO,
        }
    }
}

fn hits(thousandths: u16, rng: &mut fastrand::Rng) -> bool {
    thousandths > 0 && rng.u16(0..1_000) < thousandths
}

/// A lost message is either noticed at once or not at all.
fn lost(rng: &mut fastrand::Rng) -> Fate {
    match rng.bool() {
        true => Fate::Vanishes,
        false => Fate::Refused(Fault::Unknown("connection reset".into())),
    }
}

/// A refusal of a kind that passes although it says that it does not: a gateway's mistake, expired
/// credentials, a replica of a service that has not heard of the object.
fn odd(rng: &mut fastrand::Rng) -> Fault {
    match rng.u8(0..4) {
        0 => Fault::Conflict("409: try again".into()),
        1 => Fault::NotFound("404: not here".into()),
        2 => Fault::Denied("403: the token has expired".into()),
        _ => Fault::Invalid("400: not now".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(rates: Rates, way: fn(&Rates, &mut fastrand::Rng) -> Fate) -> Vec<Fate> {
        let mut rng = fastrand::Rng::with_seed(3);
        (0..400).map(|_| way(&rates, &mut rng)).collect()
    }

    #[test]
    fn every_class_of_fault_comes_up_before_the_effect() {
        let all = Rates { refused: 300, transient: 200, throttled: 200, ..Rates::default() };
        let met = fates(all, Rates::outward);
        let class = |found: fn(&Fault) -> bool| {
            assert!(met.iter().any(|fate| matches!(fate, Fate::Refused(fault) if found(fault))));
        };
        class(|fault| matches!(fault, Fault::Conflict(_)));
        class(|fault| matches!(fault, Fault::NotFound(_)));
        class(|fault| matches!(fault, Fault::Denied(_)));
        class(|fault| matches!(fault, Fault::Invalid(_)));
        class(|fault| matches!(fault, Fault::Transient(_)));
        class(|fault| matches!(fault, Fault::Throttled { .. }));
    }

    #[test]
    fn a_call_may_be_sent_twice_and_an_answer_come_twice() {
        let rates = Rates { copied: 500, delay: Span::secs(2), ..Rates::default() };
        assert!(fates(rates, Rates::outward).iter().any(|f| matches!(f, Fate::Twice(_))));
        assert!(!fates(rates, Rates::homeward).iter().any(|f| matches!(f, Fate::Twice(_))));
        let rates = Rates { twice: 500, ..Rates::default() };
        assert!(fates(rates, Rates::homeward).iter().any(|f| matches!(f, Fate::Twice(_))));
    }

    #[test]
    fn what_is_held_up_by_chance_overtakes() {
        let rates = Rates { delayed: 500, delay: Span::secs(9), ..Rates::default() };
        let late = fates(rates, Rates::outward);
        let late = late.windows(2).filter(
            |two| matches!(two, [Fate::Arrives(first), Fate::Arrives(next)] if first > next),
        );
        assert!(late.count() > 50, "the later of two calls often comes first");
    }

    #[test]
    fn rates_are_read_with_what_is_not_said_left_out() {
        let read: Rates = serde_json::from_str(r#"{"lostAfter": 20, "delay": "3s"}"#).unwrap();
        let wanted = Rates { lost_after: 20, delay: Span::secs(3), ..Rates::default() };
        assert_eq!(read, wanted);
    }
}
