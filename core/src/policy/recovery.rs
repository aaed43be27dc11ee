//! How long signals go on saying *down* when the site serves again. Longer than `confirm`, and a
//! site that has served for `confirm` is left on nothing but old news (S4).

use std::mem::{Discriminant, discriminant};

use super::types::{HealthPolicy, Probe, SignalPolicy};
use crate::model::Span;

/// How long AWS takes to believe in a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Believes {
    /// Route 53's checkers.
    pub route53: Span,
    /// The health checks of target groups.
    pub targets: Span,
}

impl Believes {
    /// As fast as either can be set: one good probe of a Route 53 check, two of a target group, ten
    /// and five seconds apart.
    pub const FASTEST: Self = Self { route53: Span::secs(10), targets: Span::secs(10) };

    /// With Route 53 checks of this kind, and target groups as ELB makes them unless it is told:
    /// five good probes, thirty seconds apart.
    #[must_use]
    pub fn with_checks(interval: Span, threshold: u32) -> Self {
        Self { route53: interval.times(u64::from(threshold)), targets: Span::secs(150) }
    }
}

/// Longer than any confirm time.
const FOR_EVER: Span = Span(u64::MAX);

impl SignalPolicy {
    /// How long its last samples outweigh good ones.
    fn remembers(&self) -> Span {
        self.every.times(u64::from(self.down.of.saturating_sub(self.down.need) + 1))
    }

    /// How long it may say *down* when the site serves again. An API may be gone for as long as it
    /// likes while users are served; `progress` never says *down*.
    fn lasts(&self, aws: Believes) -> Span {
        let noticed = match self.probe {
            Probe::Route53Check { .. } => aws.route53,
            Probe::AlbTargets { .. } => aws.targets,
            Probe::Http(_) | Probe::WriteProbe(_) => Span::ZERO,
            Probe::ClusterApi | Probe::RegionApi => return FOR_EVER,
            Probe::Progress { .. } => return Span::ZERO,
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

    /// How long an automatic failover may rest on old news, if that is longer than `confirm`: a
    /// site that serves again is left then.
    #[must_use]
    pub fn old_news(&self, aws: Believes) -> Option<Span> {
        Some(self.outlasts_recovery(aws)).filter(|lasts| *lasts > self.confirm)
    }

    /// How long all that an automatic failover rests on may go on saying *down* after the site
    /// serves again: a `route53Check`, and as many other kinds as the quorum asks for.
    fn outlasts_recovery(&self, aws: Believes) -> Span {
        let (mut outside, mut others) = (Span::ZERO, Vec::<(Discriminant<Probe>, Span)>::new());
        for signal in &self.signals {
            let (kind, lasts) = (discriminant(&signal.probe), signal.lasts(aws));
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
