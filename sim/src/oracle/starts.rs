//! What begins by itself: S4, S8.

use bowline_core::model::{Site, Span};
use bowline_core::plan::Plan;

use super::case::{Case, position};
use super::court::{Court, Scene};
use crate::faults::{Evidence, Trouble};

/// So many groups of one Region in trouble are a Region event, which a human is asked about: the
/// third may not be moved by itself (`decide::FleetRules`).
const REGION_EVENT: usize = 3;

/// … when they failed over within this time.
const TOGETHER: Span = Span::mins(10);

impl Case {
    /// An automatic failover was planned.
    pub(super) fn judge_start(&self, scene: Scene<'_>, plan: &Plan, court: &mut Court) {
        self.judge_cause(scene, plan.from, court);
        // A plan that asks first prepares capacity, and moves nothing without a human.
        if !plan.steps.contains_key("approval") {
            self.judge_flapping(scene, plan.from, court);
        }
    }

    /// S4: the site that is left did not serve its users at some time while it was confirmed.
    fn judge_cause(&self, scene: Scene<'_>, from: Site, court: &mut Court) {
        let Some(since) = self.serving_since[position(from)] else { return };
        if deceived(&court.troubles) {
            return;
        }
        let served = scene.now.mono.since(since);
        if served >= self.policy.health.confirm {
            let words = format!("an automatic move away from {from}, which served for {served}");
            court.breaks("S4", scene.now, words);
        }
    }

    /// S8: not within the block window, and not as one of many.
    fn judge_flapping(&self, scene: Scene<'_>, from: Site, court: &mut Court) {
        let (now, region) = (scene.now.mono, &self.policy.site(from).scope.region);
        let block = self.policy.automation.block_after_failover;
        let mut own = court.automatic.iter().filter(|(_, group, _)| *group == self.group);
        let again = own.any(|(at, ..)| now.since(*at) < block);
        let together = court.automatic.iter();
        let together = together.filter(|(at, _, r)| r == region && now.since(*at) <= TOGETHER);
        let many = together.count() + 1 >= REGION_EVENT;
        court.automatic.push((now, self.group, region.clone()));
        if again {
            let words = format!("another automatic failover within {block}");
            court.breaks("S8", scene.now, words);
        }
        if many {
            let words = format!("{REGION_EVENT} groups left {region} within {TOGETHER}, unasked");
            court.breaks("S8", scene.now, words);
        }
    }
}

/// Whether the vantage outside Bowline's network lies, while Bowline's own looks are cut off or lie
/// too. All that can be known says down then: no controller could tell, so none is blamed.
fn deceived(troubles: &[Trouble]) -> bool {
    let outside = |t: &Trouble| matches!(t, Trouble::FalseAlarm(Evidence::Route53Check(_)));
    let own = |t: &Trouble| {
        matches!(t, Trouble::Cut { .. } | Trouble::ApisDown(_) | Trouble::Blind)
            || matches!(t, Trouble::FalseAlarm(lie) if !matches!(lie, Evidence::Route53Check(_)))
    };
    troubles.iter().any(outside) && troubles.iter().any(own)
}
