//! Kinds of signals, and what each may speak about. What they look at is the policy's.

use serde::{Deserialize, Serialize};

use crate::policy::Probe;

/// A kind of signal; see [`super::outcome`] for which of its outcomes are which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// ELBv2 target health.
    AlbTargets,
    /// HTTP through the load balancer's own addresses.
    Http,
    /// What Route 53's checkers see.
    Route53Check,
    /// The cluster's API server.
    ClusterApi,
    /// Several AWS APIs of the Region.
    RegionApi,
    /// A write through the load balancer.
    WriteProbe,
    /// Requests still served.
    Progress,
}

impl Kind {
    /// The kind of a policy's probe.
    #[must_use]
    pub fn of(probe: &Probe) -> Self {
        match probe {
            Probe::AlbTargets { .. } => Self::AlbTargets,
            Probe::Http(_) => Self::Http,
            Probe::Route53Check { .. } => Self::Route53Check,
            Probe::ClusterApi => Self::ClusterApi,
            Probe::RegionApi => Self::RegionApi,
            Probe::WriteProbe(_) => Self::WriteProbe,
            Probe::Progress { .. } => Self::Progress,
        }
    }

    /// Whether it tells of what users get. Without one of these nobody can say that a site serves,
    /// nor that it does not: an API that is down is no outage.
    #[must_use]
    pub fn user_facing(self) -> bool {
        matches!(self, Self::AlbTargets | Self::Http | Self::Route53Check | Self::WriteProbe)
    }

    /// Whether it looks from outside Bowline's network.
    #[must_use]
    pub fn outside(self) -> bool {
        self == Self::Route53Check
    }

    /// Whether its Up vetoes everybody else's Down.
    #[must_use]
    pub fn vetoes(self) -> bool {
        matches!(self, Self::Route53Check | Self::Progress)
    }

    /// Its name in a policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AlbTargets => "albTargets",
            Self::Http => "http",
            Self::Route53Check => "route53Check",
            Self::ClusterApi => "clusterApi",
            Self::RegionApi => "regionApi",
            Self::WriteProbe => "writeProbe",
            Self::Progress => "progress",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_called_what_a_policy_calls_them() {
        let kinds = [Kind::AlbTargets, Kind::Http, Kind::Route53Check, Kind::ClusterApi];
        let names = ["albTargets", "http", "route53Check", "clusterApi"];
        assert_eq!(kinds.map(Kind::name), names);
        let kinds = [Kind::RegionApi, Kind::WriteProbe, Kind::Progress];
        assert_eq!(kinds.map(Kind::name), ["regionApi", "writeProbe", "progress"]);
    }
}
