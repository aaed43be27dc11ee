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
    /// A Kubernetes resourceVersion, or what a file store uses for it: opaque, compared for
    /// equality.
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

/// The right to act for a group: an epoch and the run it was claimed for.
///
/// Written alike in the store, the lever's fence record, the clusters' `ConfigMap` and annotations.
/// A higher epoch, or an equal one with another run, is somebody else's: [`Claim::yields_to`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// The group's counter when it was claimed.
    pub epoch: Epoch,
    /// The run it was claimed for.
    pub run: RunId,
}

impl Claim {
    /// Whether a holder of `self` must stand down because `other` was found in the world.
    #[must_use]
    pub fn yields_to(&self, other: &Self) -> bool {
        other.epoch > self.epoch || (other.epoch == self.epoch && other.run != self.run)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch={} run={}", self.epoch, self.run)
    }
}

/// Why a text is not a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a claim; expected `epoch=NUMBER run=NAME`")]
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
        Ok(Self { epoch: Epoch(epoch), run: RunId::new(run) })
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
