//! How a trial's policy differs from the story's, so that every way of using Bowline is played.

use bowline_core::model::{Cluster, Region, Span};
use bowline_core::policy::{
    Action, BlockedWindow, GatesLever, KOfN, Lever, Mode, OnUnknown, Policy, Probe, SignalPolicy,
    examples,
};
use serde::{Deserialize, Serialize};

/// One difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Twist {
    /// Traffic is moved by a gate.
    Gates,
    /// There is no database.
    Stateless,
    /// There is no NodePool: standby has room already.
    Roomy,
    /// A human is asked when the old writer cannot be stopped.
    AskFence,
    /// Hardly any loss is accepted by policy.
    NoLag,
    /// A sample of replication counts for long.
    OldSamples,
    /// There is no vantage outside Bowline's network.
    NoOutside,
    /// Requests that are served count against an outage.
    Progress,
    /// Failovers are for people to start.
    FailoverManual,
    /// Failovers are only reported.
    FailoverObserve,
    /// Failbacks wait for a yes.
    FailbackApprove,
    /// Failbacks are for people to start.
    FailbackManual,
    /// Failbacks are only reported.
    FailbackObserve,
    /// Nodes are not started before the verdict.
    PrewarmManual,
    /// … and what would have been started is reported.
    PrewarmObserve,
    /// Half of the time failovers are held.
    FailoverBlocked,
    /// Half of the time failbacks are held.
    FailbackBlocked,
    /// Half of the time prewarming is held.
    PrewarmBlocked,
    /// Promotions, capacity and failovers one after the other get little time.
    Hasty,
}

impl Twist {
    /// Every one.
    pub const ALL: [Self; 19] = [
        Self::Gates,
        Self::Stateless,
        Self::Roomy,
        Self::AskFence,
        Self::NoLag,
        Self::OldSamples,
        Self::NoOutside,
        Self::Progress,
        Self::FailoverManual,
        Self::FailoverObserve,
        Self::FailbackApprove,
        Self::FailbackManual,
        Self::FailbackObserve,
        Self::PrewarmManual,
        Self::PrewarmObserve,
        Self::FailoverBlocked,
        Self::FailbackBlocked,
        Self::PrewarmBlocked,
        Self::Hasty,
    ];

    /// Changes a policy.
    pub fn apply(self, policy: &mut Policy) {
        let automation = &mut policy.automation;
        match self {
            Self::Gates => gates(policy),
            Self::Stateless => {
                policy.database = None;
                (policy.home.database, policy.standby.database) = (None, None);
            }
            Self::Roomy => policy.capacity.pools.clear(),
            Self::AskFence | Self::NoLag | Self::OldSamples => self.database(policy),
            Self::NoOutside => {
                let outside =
                    |signal: &SignalPolicy| matches!(signal.probe, Probe::Route53Check { .. });
                policy.health.signals.retain(|signal| !outside(signal));
            }
            Self::Progress => progress(policy),
            Self::FailoverManual => automation.failover = Mode::Manual,
            Self::FailoverObserve => automation.failover = Mode::Observe,
            Self::FailbackApprove => automation.failback = Mode::Approve,
            Self::FailbackManual => automation.failback = Mode::Manual,
            Self::FailbackObserve => automation.failback = Mode::Observe,
            Self::PrewarmManual => automation.prewarm = Mode::Manual,
            Self::PrewarmObserve => automation.prewarm = Mode::Observe,
            Self::FailoverBlocked => block(policy, Action::Failover),
            Self::FailbackBlocked => block(policy, Action::Failback),
            Self::PrewarmBlocked => block(policy, Action::Prewarm),
            Self::Hasty => {
                policy.capacity.ready_timeout = Span::secs(40);
                policy.automation.block_after_failover = Span::mins(90);
                if let Some(database) = &mut policy.database {
                    database.promote_timeout = Span::secs(20);
                }
            }
        }
    }

    fn database(self, policy: &mut Policy) {
        let Some(database) = &mut policy.database else { return };
        match self {
            Self::AskFence => database.on_unknown = OnUnknown::Ask,
            Self::NoLag => database.max_lag = Span::secs(2),
            _ => database.lag_fresh = Span::mins(10),
        }
    }
}

/// The same names, moved by an object that two checks follow.
fn gates(policy: &mut Policy) {
    if let Lever::Records(lever) = &policy.lever {
        policy.lever = Lever::Gates(GatesLever {
            role: None,
            object: format!("s3://bowline-gates/{}", policy.group).into(),
            home_check: format!("gate-home-{}", policy.group).as_str().into(),
            standby_check: format!("gate-standby-{}", policy.group).as_str().into(),
            names: lever.names.clone(),
        });
    }
}

fn progress(policy: &mut Policy) {
    let Some(load_balancer) = policy.home.load_balancers.keys().next().cloned() else { return };
    let two = KOfN { of: 3, need: 2 };
    policy.health.signals.push(SignalPolicy {
        name: "served".into(),
        probe: Probe::Progress { load_balancer },
        every: Span::secs(15),
        down: two,
        up: two,
    });
}

/// Blocked for the first quarter of every half hour.
fn block(policy: &mut Policy, action: Action) {
    let windows = examples::shop().automation.blocked_windows.into_iter();
    let windows = windows.filter_map(|window| {
        let cron = "*/30 * * * *".parse().ok()?;
        Some(BlockedWindow { cron, length: Span::mins(15), actions: vec![action], ..window })
    });
    policy.automation.blocked_windows.extend(windows);
}

/// Puts a group into another pair of Regions.
pub(super) fn elsewhere(policy: &mut Policy, pair: usize) {
    if pair == 0 {
        return;
    }
    for site in [&mut policy.home, &mut policy.standby] {
        site.scope.region = region(&site.scope.region, pair);
        let there = site.scope.clone();
        if let Cluster::Eks { scope, .. } = &mut site.cluster {
            *scope = there;
        }
    }
}

/// The Region of another pair.
pub(super) fn region(region: &Region, pair: usize) -> Region {
    if pair == 0 { region.clone() } else { Region::new(format!("{region}-{pair}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Story;

    #[test]
    fn every_twist_changes_the_policy() {
        let policy = Story::quick().unwrap().policy;
        for twist in Twist::ALL {
            let mut twisted = policy.clone();
            twist.apply(&mut twisted);
            assert_ne!(twisted, policy, "{twist:?}");
        }
    }
}
