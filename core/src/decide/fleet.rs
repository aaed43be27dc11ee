//! The decisions of all groups together: a Region event is asked about once, and automatic
//! failovers are not all started at the same instant. It only ever takes decisions back, but for
//! the one answer of a human that stands for all groups of a Region.
//!
//! **Region event**: at least [`FleetRules::region_event_at`] groups that are active in one Region
//! are in trouble together: suspect or down now or in the last [`FleetRules::window`], or failed
//! over from there in that time, by themselves or, since they had failed, by a human's word. The
//! suspect count, so that the first to be confirmed does not run away; those that are well again,
//! so that the last to recover does not, since a Region comes back for one group a while before it
//! does for another; and those that a human moved, so that the others do not go unasked behind
//! them. The default is 3, with no rule about shares: two groups of a small fleet are still moved
//! by themselves when their Region dies, which is what they were armed for.
//!
//! Groups that share a NodePool or a zone do not stand in each other's way here: holds have owners,
//! and batches of one zone are put in order by whoever sends them.

use std::collections::{BTreeMap, BTreeSet};

use super::reason::{Ask, AskWhy, Decision, HoldWhy};
use crate::bugs::{self, Bug};
use crate::model::{GroupName, Region, Span, Wall};
use crate::policy::Action;

/// The fleet's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetRules {
    /// How many groups in trouble make a Region event. Default 3.
    pub region_event_at: usize,
    /// How long a failover counts towards a Region event, and how long trouble does that is over.
    /// Default 10 min.
    pub window: Span,
    /// How many automatic failovers may be under way together. Default 5: each needs capacity, and
    /// changes of records share one rate budget.
    pub at_once: usize,
}

impl Default for FleetRules {
    fn default() -> Self {
        Self { region_event_at: 3, window: Span::mins(10), at_once: 5 }
    }
}

/// One group as the fleet sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub group: GroupName,
    /// The Region of its active site.
    pub region: Region,
    /// What was decided about it alone.
    pub decision: Decision,
    /// Since when its active site is suspect or down; `None` when it is neither.
    pub trouble: Option<Wall>,
    /// How long ago its active site was last suspect or down; `None`: never yet.
    pub recovered: Option<Span>,
}

/// What the fleet has done lately, and been told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetState {
    /// Automatic failovers under way.
    pub under_way: usize,
    /// Failovers lately begun: which group, from which Region, when.
    pub begun: Vec<(GroupName, Region, Wall)>,
    /// Regions that a human said to leave, for all groups.
    pub evacuate: BTreeSet<Region>,
}

/// A Region event that a human must decide about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionEvent {
    /// Which Region.
    pub region: Region,
    /// The groups in trouble, those included that have left already.
    pub groups: BTreeSet<GroupName>,
}

/// The fleet's decisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Every group's decision, in the order in which the members were given.
    pub decisions: Vec<(GroupName, Decision)>,
    /// What a human is asked, once for each Region.
    pub events: Vec<RegionEvent>,
}

/// Looks at all groups together.
#[must_use]
pub fn fleet(now: Wall, members: Vec<Member>, state: &FleetState, rules: &FleetRules) -> Fleet {
    let troubled = troubled(now, &members, state, rules);
    let event = |region: &Region| {
        let many = |groups: &BTreeSet<_>| groups.len() >= rules.region_event_at;
        troubled.get(region).is_some_and(many) && !bugs::on(Bug::EachGroupAlone)
    };
    let within = within_budget(&members, state, rules, &event);
    let events = troubled.iter().filter(|(region, _)| event(region));
    let events = events.filter(|(region, _)| !state.evacuate.contains(*region));
    let events = events
        .map(|(region, groups)| RegionEvent { region: region.clone(), groups: groups.clone() });
    let events = events.collect();
    let judge = |member: Member| {
        let decision = match wants_out(&member.decision) {
            false => member.decision,
            true if event(&member.region) && !state.evacuate.contains(&member.region) => {
                Decision::Hold(HoldWhy::RegionEvent(member.region))
            }
            true => {
                budgeted(answered(member.decision, event(&member.region)), &member.group, &within)
            }
        };
        (member.group, decision)
    };
    Fleet { decisions: members.into_iter().map(judge).collect(), events }
}

/// The groups that are in trouble or lately were, of each Region in which one is.
fn troubled(
    now: Wall,
    members: &[Member],
    state: &FleetState,
    rules: &FleetRules,
) -> BTreeMap<Region, BTreeSet<GroupName>> {
    let mut found: BTreeMap<Region, BTreeSet<GroupName>> = BTreeMap::new();
    let lately = state.begun.iter().filter(|(_, _, at)| now.since(*at) < rules.window);
    let lately = lately.map(|(group, region, _)| (region, group));
    let fresh = |member: &&Member| {
        member.trouble.is_some() || member.recovered.is_some_and(|ago| ago < rules.window)
    };
    let present = members.iter().filter(fresh);
    let present = present.map(|member| (&member.region, &member.group));
    for (region, group) in present.chain(lately) {
        found.entry(region.clone()).or_default().insert(group.clone());
    }
    // Where all are well again there is nothing to ask.
    let still = |region: &Region| {
        members.iter().any(|member| member.trouble.is_some() && member.region == *region)
    };
    found.retain(|region, _| still(region));
    found
}

/// Whether a decision is to leave a site, or to ask for that.
fn wants_out(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::FailOver | Decision::AskHuman(Ask { action: Action::Failover, .. })
    )
}

/// A human who said to leave the Region has approved of each group that needed no more than that.
fn answered(decision: Decision, event: bool) -> Decision {
    match decision {
        Decision::AskHuman(Ask { action: Action::Failover, why: AskWhy::Approval }) if event => {
            Decision::FailOver
        }
        other => other,
    }
}

/// The groups that may start now: those longest in trouble first, then by name.
fn within_budget(
    members: &[Member],
    state: &FleetState,
    rules: &FleetRules,
    event: &dyn Fn(&Region) -> bool,
) -> BTreeSet<GroupName> {
    let starts = |member: &&Member| {
        let event = event(&member.region);
        let held = event && !state.evacuate.contains(&member.region);
        !held && answered(member.decision.clone(), event) == Decision::FailOver
    };
    let mut waiting: Vec<_> = members.iter().filter(starts).collect();
    waiting.sort_by_key(|member| (member.trouble, &member.group));
    let free = rules.at_once.saturating_sub(state.under_way);
    waiting.into_iter().take(free).map(|member| member.group.clone()).collect()
}

fn budgeted(decision: Decision, group: &GroupName, within: &BTreeSet<GroupName>) -> Decision {
    match decision {
        Decision::FailOver if !within.contains(group) => Decision::Hold(HoldWhy::OverBudget),
        other => other,
    }
}

#[cfg(test)]
mod tests;
