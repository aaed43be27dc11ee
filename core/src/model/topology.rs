//! Where things are: sites, Regions, clusters and the objects in them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{GroupName, ObjectName, Region, RoleArn, WorkloadKind};

/// What a site is by design. It never changes during an operation: which one *serves* is another
/// word.
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
#[serde(rename_all = "camelCase")]
pub enum Site {
    /// Where the application lives in peacetime.
    Home,
    /// Where it goes when home fails.
    Standby,
}

impl Site {
    /// Both, home first.
    pub const BOTH: [Self; 2] = [Self::Home, Self::Standby];

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Home => Self::Standby,
            Self::Standby => Self::Home,
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Home => "home",
            Self::Standby => "standby",
        })
    }
}

/// Whose API a call or a step depends on. S9 is checked with it: nothing on the failover path may
/// wait for [`Place::Site`] of the failed site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// A site's Region.
    Site(Site),
    /// The management Region: the store, the lease.
    Management,
    /// Route 53's control plane.
    Dns,
    /// Users' vantage: answers and HTTP through them.
    Outside,
    /// No remote call at all.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(site) => site.fmt(f),
            Self::Management => f.write_str("management"),
            Self::Dns => f.write_str("route53"),
            Self::Outside => f.write_str("outside"),
            Self::Nowhere => f.write_str("-"),
        }
    }
}

/// With which credentials a Region's AWS APIs are called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The Region whose endpoints are called.
    pub region: Region,
    /// The role to assume at that Region's STS; absent: the process's own credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleArn>,
}

/// How a site's cluster is reached. Two groups that name the same one share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cluster {
    /// An EKS cluster by name: `DescribeCluster` and an STS token.
    Eks {
        /// The cluster's Region and role.
        scope: Scope,
        /// The cluster's name.
        name: ObjectName,
    },
    /// A kubeconfig in a Secret of the group's namespace.
    KubeconfigSecret(ObjectName),
    /// A context of the local kubeconfig.
    Context(ObjectName),
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eks { scope, name } => write!(f, "eks:{}/{name}", scope.region),
            Self::KubeconfigSecret(name) => write!(f, "secret:{name}"),
            Self::Context(name) => write!(f, "context:{name}"),
        }
    }
}

/// A Deployment or StatefulSet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkloadRef {
    /// What it is.
    pub kind: WorkloadKind,
    /// Its namespace.
    pub namespace: ObjectName,
    /// Its name.
    pub name: ObjectName,
}

impl fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// A CronJob.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobRef {
    /// Its namespace.
    pub namespace: ObjectName,
    /// Its name.
    pub name: ObjectName,
}

/// An object in a cluster that a hold can be taken on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectRef {
    /// A Deployment or StatefulSet.
    Workload(WorkloadRef),
    /// A CronJob.
    Job(JobRef),
    /// A Karpenter NodePool.
    NodePool(ObjectName),
    /// The group's `bowline-fence` ConfigMap.
    Fence(GroupName),
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(workload) => workload.fmt(f),
            Self::Job(job) => write!(f, "CronJob {}/{}", job.namespace, job.name),
            Self::NodePool(name) => write!(f, "NodePool {name}"),
            Self::Fence(group) => write!(f, "ConfigMap bowline-fence ({group})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Answer3, Author};

    #[test]
    fn what_people_read_names_each_place_cluster_author_and_answer() {
        let places = [Place::Site(Site::Home), Place::Management, Place::Dns, Place::Outside];
        let told: Vec<_> = places.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["home", "management", "route53", "outside"]);
        let scope = Scope { region: "eu-west-1".into(), role: None };
        let name: ObjectName = "shop".into();
        let clusters = [
            Cluster::Eks { scope, name: name.clone() },
            Cluster::KubeconfigSecret(name.clone()),
            Cluster::Context(name),
        ];
        let told: Vec<_> = clusters.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["eks:eu-west-1/shop", "secret:shop", "context:shop"]);
        let authors = [Author::Controller("a".into()), Author::Human("ada".into())];
        assert_eq!(authors.map(|author| author.to_string()), ["controller a", "ada"]);
        let answers = [Answer3::Yes, Answer3::No, Answer3::Unknown];
        assert_eq!(answers.map(|answer| answer.to_string()), ["yes", "no", "unknown"]);
    }
}
