//! Names of things. Cheap to clone, ordered, and one type each so that they cannot be mixed up.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Declares a name type over a shared string.
macro_rules! name_type {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(#[schemars(with = "String")] Arc<str>);

        impl $name {
            /// The name made from its text, as it is: checks belong to the policy.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            /// The text of the name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

name_type! {
    /// A group: one application that fails over as a unit (`metadata.name` of its `FailoverGroup`).
    GroupName;
    /// A run: `<group>-<epoch>-<kind>` as the node that opens it names it; unique in the store.
    RunId;
    /// A step of a run's plan, unique in the run: `promote`, `workload.web`, …
    StepId;
    /// One replica of Bowline (a pod name) or one break-glass process.
    ReplicaId;
    /// An AWS Region, such as `eu-west-1`.
    Region;
    /// An IAM role to assume, as its ARN.
    RoleArn;
    /// An RDS instance identifier. It can be renamed and reused; see [`ResourceId`].
    InstanceId;
    /// An RDS instance's ARN: its Region, account and identifier, as other Regions name it.
    InstanceArn;
    /// RDS `DbiResourceId`: what stays the same through a rename.
    ResourceId;
    /// An EC2 security group id.
    SecurityGroupId;
    /// A Route 53 hosted zone id.
    ZoneId;
    /// A Route 53 health check id.
    HealthCheckId;
    /// A Route 53 change id, as `GetChange` wants it.
    ChangeId;
    /// A DNS name, without the trailing dot, in lower case.
    Host;
    /// The policy's own name of a load balancer, such as `web`.
    LoadBalancerName;
    /// A Kubernetes object's name or namespace.
    ObjectName;
    /// A Kubernetes resourceVersion, or what a file store uses for it.
    Version;
}

/// A group's counter. Claiming a larger one makes every older claimant harmless.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The next epoch.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The right to act for a group: an epoch, the run it was claimed for, and who claimed it.
///
/// Written alike in the store, the lever's fence record, the clusters' `ConfigMap` and annotations.
/// Claims are ordered as their fields are, so of two different ones exactly one yields to the other
/// ([`Claim::yields_to`]): two authorities that do not see each other (a controller, and a
/// break-glass process) may claim the same epoch for the same kind of move.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// The group's counter when it was claimed.
    pub epoch: Epoch,
    /// The run it was claimed for.
    pub run: RunId,
    /// The process that claimed it, whose name no other has; absent in what was written before
    /// claims said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<ReplicaId>,
}

impl Claim {
    /// A claim that does not say who made it.
    #[must_use]
    pub fn new(epoch: Epoch, run: RunId) -> Self {
        Self { epoch, run, by: None }
    }

    /// The same claim, made by this process. What could not stand in a fence record is left out of
    /// the name.
    #[must_use]
    pub fn made_by(self, by: &ReplicaId) -> Self {
        let plain = |c: &char| c.is_ascii_alphanumeric() || "-_.:".contains(*c);
        let by: String = by.as_str().chars().filter(plain).collect();
        Self { by: (!by.is_empty()).then(|| ReplicaId::new(by)), ..self }
    }

    /// Whether a holder of `self` must stand down because `other` was found in the world.
    #[must_use]
    pub fn yields_to(&self, other: &Self) -> bool {
        other > self
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch={} run={}", self.epoch, self.run)?;
        self.by.as_ref().map_or(Ok(()), |by| write!(f, " by={by}"))
    }
}

/// Why a text is not a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a claim; expected `epoch=NUMBER run=NAME [by=NAME]`")]
pub struct BadClaim(pub String);

impl FromStr for Claim {
    type Err = BadClaim;

    /// Reads what [`Claim`]'s `Display` writes; further `key=value` words are ignored.
    fn from_str(text: &str) -> Result<Self, BadClaim> {
        let word = |key: &str| {
            text.split_whitespace()
                .find_map(|w| w.strip_prefix(key).and_then(|w| w.strip_prefix('=')))
        };
        let bad = || BadClaim(text.to_owned());
        let epoch = word("epoch").and_then(|w| w.parse().ok()).ok_or_else(bad)?;
        let run = word("run").filter(|w| !w.is_empty()).ok_or_else(bad)?;
        let by = word("by").filter(|w| !w.is_empty()).map(ReplicaId::new);
        Ok(Self { epoch: Epoch(epoch), run: RunId::new(run), by })
    }
}

/// Who wrote a record or an intent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Author {
    /// A replica of the controller, on its own authority.
    Controller(ReplicaId),
    /// A named human.
    Human(String),
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller(id) => write!(f, "controller {id}"),
            Self::Human(name) => f.write_str(name),
        }
    }
}

/// Kinds of Kubernetes objects with a scale subresource that a policy may list.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
pub enum WorkloadKind {
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
        })
    }
}

impl Version {
    /// Whether it is the older of two of the same object. Kubernetes' are whole numbers that grow
    /// (KEP-5504); of anything else nobody knows.
    #[must_use]
    pub fn is_before(&self, other: &Self) -> bool {
        let number = |version: &Self| version.as_str().parse::<u128>().ok();
        number(self).zip(number(other)).is_some_and(|(one, other)| one < other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(epoch: u64, run: &str, by: &str) -> Claim {
        Claim::new(Epoch(epoch), run.into()).made_by(&by.into())
    }

    #[test]
    fn s5_of_two_claims_that_differ_exactly_one_yields() {
        let all = [
            Claim::new(Epoch(4), "shop-4-failover".into()),
            claim(4, "shop-4-failover", "bowline-0"),
            claim(4, "shop-4-failover", "laptop"),
            claim(4, "shop-4-switchover", "bowline-0"),
            claim(5, "shop-4-failover", "bowline-1"),
        ];
        for one in &all {
            for other in &all {
                let yields = [one.yields_to(other), other.yields_to(one)];
                let differ = one != other;
                assert_eq!(yields.iter().filter(|yes| **yes).count(), usize::from(differ));
            }
        }
        assert!(all.is_sorted(), "a higher epoch counts before anything else");
    }

    #[test]
    fn s7_of_two_versions_only_a_smaller_number_is_the_older() {
        let before = |one: &str, other: &str| Version::new(one).is_before(&other.into());
        assert!(before("9", "10"));
        for (one, other) in [("10", "9"), ("10", "10"), ("a", "b"), ("9", "b"), ("a", "9")] {
            assert!(!before(one, other), "{one} and {other}");
        }
    }

    #[test]
    fn a_claim_says_who_made_it_wherever_it_is_written() {
        let claim = claim(4, "shop-4-failover", "ada's laptop \"7\"");
        assert_eq!(claim.to_string(), "epoch=4 run=shop-4-failover by=adaslaptop7");
        assert_eq!(claim.to_string().parse(), Ok(claim));
        let nameless = Claim::new(Epoch(4), "r".into()).made_by(&" ".into());
        assert_eq!(nameless.to_string().parse(), Ok(nameless));
    }
}
