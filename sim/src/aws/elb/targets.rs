//! One target group: its targets, and when the load balancer believes what they are.
//!
//! Each target is probed every `interval` at its own phase. No probe is an event: a target turns
//! when it has looked otherwise for `threshold` probes in a row.

use bowline_core::model::{Host, Mono, Now, Span, TargetGroupArn};
use bowline_core::op::TargetHealth;

use crate::part::{between, earliest};

/// A target group to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroupSpec {
    /// Its ARN.
    pub arn: TargetGroupArn,
    /// Hosts of the rule that leads to it; none: the default rule.
    pub hosts: Vec<Host>,
    /// `HealthCheckIntervalSeconds`.
    pub interval: Span,
    /// `HealthyThresholdCount`.
    pub healthy: u32,
    /// `UnhealthyThresholdCount`.
    pub unhealthy: u32,
}

#[derive(Clone, Debug)]
pub(super) struct TargetGroup {
    pub(super) spec: TargetGroupSpec,
    targets: Vec<Target>,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    answers: bool,
    healthy: bool,
    phase: Span,
    turn: Option<Mono>,
}

impl Target {
    fn healthy(&self, now: Mono) -> bool {
        if self.turn.is_some_and(|turn| turn <= now) { self.answers } else { self.healthy }
    }
}

impl TargetGroup {
    pub(super) fn new(spec: TargetGroupSpec) -> Self {
        Self { spec, targets: Vec::new() }
    }

    /// There are `total` targets from now on, of which `answering` pass the health check. Those
    /// that leave are the ones that do not answer, first.
    pub(super) fn set(&mut self, total: u32, answering: u32, now: Now, rng: &mut fastrand::Rng) {
        let (total, answering) = (total as usize, answering.min(total) as usize);
        self.targets.sort_by_key(|target| !target.answers);
        self.targets.truncate(total);
        for index in 0..self.targets.len() {
            self.look(index, index < answering, now.mono);
        }
        for index in self.targets.len()..total {
            let phase = between(rng, Span::ZERO, Span(self.interval() - 1));
            let target = Target { answers: false, healthy: false, phase, turn: None };
            self.targets.push(target);
            if index < answering {
                // A new target is healthy after its first passed probe (ELB user guide).
                self.targets[index].answers = true;
                self.targets[index].turn = Some(self.probed_at(index, now.mono, 1));
            }
        }
    }

    pub(super) fn health(&self, now: Mono) -> TargetHealth {
        let healthy = self.targets.iter().filter(|target| target.healthy(now)).count();
        TargetHealth { total: self.targets.len() as u32, healthy: healthy as u32 }
    }

    pub(super) fn next(&self) -> Option<Mono> {
        earliest(self.targets.iter().map(|target| target.turn))
    }

    /// Turns the targets that are due; whether any was.
    pub(super) fn advance(&mut self, now: Mono) -> bool {
        let mut turned = false;
        for target in &mut self.targets {
            if target.turn.take_if(|turn| *turn <= now).is_some() {
                target.healthy = target.answers;
                turned = true;
            }
        }
        turned
    }

    fn look(&mut self, index: usize, answers: bool, now: Mono) {
        let target = &mut self.targets[index];
        if target.answers == answers {
            return;
        }
        target.healthy = target.healthy(now);
        target.answers = answers;
        let threshold = if answers { self.spec.healthy } else { self.spec.unhealthy };
        let differs = target.healthy != answers;
        self.targets[index].turn = differs.then(|| self.probed_at(index, now, threshold));
    }

    /// When a target has been probed `times` from now on.
    fn probed_at(&self, index: usize, now: Mono, times: u32) -> Mono {
        let (interval, phase) = (self.interval(), self.targets[index].phase.as_millis());
        let first = now.0 + (interval + phase - now.0 % interval) % interval;
        Mono(first + u64::from(times.max(1) - 1) * interval)
    }

    fn interval(&self) -> u64 {
        self.spec.interval.as_millis().max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::at;
    use proptest::prelude::*;

    fn group() -> TargetGroup {
        TargetGroup::new(TargetGroupSpec {
            arn: "tg".into(),
            hosts: vec![],
            interval: Span::secs(10),
            healthy: 3,
            unhealthy: 2,
        })
    }

    fn set(group: &mut TargetGroup, total: u32, answering: u32, now: u64) {
        group.set(total, answering, at(Mono(now)), &mut fastrand::Rng::with_seed(now));
    }

    fn of(group: &TargetGroup, now: u64) -> (u32, u32) {
        let health = group.health(Mono(now));
        (health.total, health.healthy)
    }

    #[test]
    fn a_new_target_is_healthy_after_its_first_passed_probe() {
        let mut group = group();
        set(&mut group, 3, 3, 0);
        assert_eq!(of(&group, 0).0, 3);
        assert_eq!(of(&group, 10_000), (3, 3));
    }

    #[test]
    fn a_failing_target_is_unhealthy_after_threshold_probes_and_comes_back_after_its_own() {
        let mut group = group();
        set(&mut group, 1, 1, 0);
        group.advance(Mono(10_000));
        set(&mut group, 1, 0, 100_000);
        assert_eq!(of(&group, 110_000), (1, 1), "one failed probe is not enough");
        assert_eq!(of(&group, 120_000), (1, 0));
        assert!(group.advance(Mono(120_000)));
        set(&mut group, 1, 1, 200_000);
        assert_eq!(of(&group, 220_000 - 1).1, 0);
        assert_eq!(of(&group, 230_000), (1, 1));
    }

    #[test]
    fn a_blip_turns_nothing() {
        let mut group = group();
        set(&mut group, 2, 2, 0);
        group.advance(Mono(10_000));
        set(&mut group, 2, 0, 100_000);
        set(&mut group, 2, 2, 105_000);
        assert_eq!(group.next(), None);
        assert_eq!(of(&group, 200_000), (2, 2));
    }

    #[test]
    fn those_that_do_not_answer_leave_first() {
        let mut group = group();
        set(&mut group, 4, 4, 0);
        group.advance(Mono(10_000));
        set(&mut group, 4, 2, 20_000);
        group.advance(Mono(60_000));
        assert_eq!(of(&group, 60_000), (4, 2));
        set(&mut group, 2, 2, 60_000);
        assert_eq!(of(&group, 60_000), (2, 2));
        set(&mut group, 0, 0, 70_000);
        assert_eq!(of(&group, 70_000), (0, 0));
    }

    proptest! {
        #[test]
        fn a_steady_group_is_believed_in_the_end(
            acts in proptest::collection::vec((0u32..8, 0u32..8, 1u64..60_000), 1..12),
        ) {
            let (mut group, mut now, mut last) = (group(), 0, (0, 0));
            for (total, answering, gap) in acts {
                set(&mut group, total, answering, now);
                last = (total, answering.min(total));
                now += gap;
                group.advance(Mono(now));
                prop_assert!(group.next().is_none_or(|next| next.0 > now));
            }
            prop_assert_eq!(of(&group, now + 60_000), last);
        }
    }
}
