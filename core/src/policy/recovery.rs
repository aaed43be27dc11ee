//! How long signals go on saying *down* when the site serves again. Longer than `confirm`, and a
//! site that has served for `confirm` is left on nothing but old news (S4).

use std::mem::{Discriminant, discriminant};

use super::types::{HealthPolicy, Probe, SignalPolicy};
use crate::model::Span;

/// How long Route 53's checkers take to believe in a recovery at best, as far as a policy can tell:
/// three good probes, ten seconds apart.
pub const FAST_ROUTE53: Span = Span::secs(30);

/// The same of a target group as the AWS Load Balancer Controller makes one: two good probes,
/// fifteen seconds apart.
const TARGETS: Span = Span::secs(30);

impl SignalPolicy {
    /// How long its last samples outweigh good ones.
    fn remembers(&self) -> Span {
        self.every.times(u64::from(self.down.of.saturating_sub(self.down.need) + 1))
    }

    /// How long it may say *down* when the site serves again.
    fn lasts(&self, route53: Span) -> Span {
        let noticed = match self.probe {
            Probe::Route53Check { .. } => route53,
            Probe::AlbTargets { .. } => TARGETS,
            _ => Span::ZERO,
        };
        noticed + self.remembers()
    }

    fn outside(&self) -> bool {
        matches!(self.probe, Probe::Route53Check { .. })
    }
}

impl HealthPolicy {
    /// The signal from outside that remembers a *down* for longest, by position.
    pub(super) fn slowest_outside(&self) -> Option<usize> {
        let outside = self.signals.iter().enumerate().filter(|(_, signal)| signal.outside());
        outside.max_by_key(|(_, signal)| signal.remembers()).map(|(index, _)| index)
    }

    /// How long all that an automatic failover rests on may go on saying *down* after the site
    /// serves again: a `route53Check`, whose checkers take `route53` to notice, and as many other
    /// kinds as the quorum asks for.
    #[must_use]
    pub fn outlasts_recovery(&self, route53: Span) -> Span {
        let (mut outside, mut others) = (Span::ZERO, Vec::<(Discriminant<Probe>, Span)>::new());
        for signal in &self.signals {
            let (kind, lasts) = (discriminant(&signal.probe), signal.lasts(route53));
            if signal.outside() {
                outside = outside.max(lasts);
                continue;
            }
            match others.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, longest)) => *longest = lasts.max(*longest),
                None => others.push((kind, lasts)),
            }
        }
        others.sort_by_key(|(_, lasts)| std::cmp::Reverse(*lasts));
        // With so many kinds beside it the quorum is there for as long as the last of them.
        match self.quorum.saturating_sub(1) as usize {
            0 => outside,
            beside => others.get(beside - 1).map_or(Span::ZERO, |(_, last)| outside.min(*last)),
        }
    }
}
