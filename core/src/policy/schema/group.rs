//! A `FailoverGroup` as it is written: the document and its sites.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::forms;
use super::automation::{AutomationSpec, NotifySpec, VerifySpec};
use super::capacity::CapacitySpec;
use super::databases::DatabaseSpec;
use super::health::HealthSpec;
use super::traffic::TrafficSpec;
use crate::model::Span;

/// One application that fails over as a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailoverGroup {
    /// `bowline.dev/v1alpha1`. Required.
    #[schemars(extend("enum" = [API_VERSION]))]
    pub api_version: String,
    /// `FailoverGroup`. Required.
    #[schemars(extend("enum" = [KIND]))]
    pub kind: String,
    /// Its name and namespace. Required.
    pub metadata: Metadata,
    /// What is wanted. Required.
    pub spec: GroupSpec,
}

/// The API version of a group.
pub const API_VERSION: &str = "bowline.dev/v1alpha1";
/// The kind of a group.
pub const KIND: &str = "FailoverGroup";

/// Name and namespace of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// The group's name, at most 40 characters: it becomes part of DNS names and of object names.
    /// Required.
    #[schemars(extend("pattern" = forms::GROUP))]
    pub name: String,
    /// The namespace of its objects in the management cluster. Default: default.
    #[serde(default = "default_namespace")]
    #[schemars(extend("pattern" = forms::LABEL))]
    pub namespace: String,
    /// Labels of the object. Bowline does not read them. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the object. Bowline does not read them. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What is wanted of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupSpec {
    /// The two Regions of the application. Required.
    pub sites: SitesSpec,
    /// What moves the traffic: exactly one lever. Required.
    pub traffic: TrafficSpec,
    /// The group's database: a list with at most one entry for now. Default: no database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1))]
    pub databases: Vec<DatabaseSpec>,
    /// What must run at the site that serves. Required.
    pub capacity: CapacitySpec,
    /// How health is judged. Required.
    pub health: HealthSpec,
    /// What may be done without a human. Required: it is your decision.
    pub automation: AutomationSpec,
    /// Who is told and asked. Required unless every action is manual or observe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<NotifySpec>,
    /// How success is seen from outside. Required.
    pub verify: VerifySpec,
    /// How long a run watches after traffic moved before the other side is rebuilt. Default: 15m.
    #[serde(default = "default_cool_down")]
    pub cool_down: Span,
}

/// The two sites of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SitesSpec {
    /// Where the application lives in peacetime. Required.
    pub home: SiteSpec,
    /// Where it goes when home fails. Required.
    pub standby: SiteSpec,
}

/// One site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteSpec {
    /// Its AWS Region. Required.
    #[schemars(extend("pattern" = forms::REGION))]
    pub region: String,
    /// The role to assume for its AWS APIs. Default: Bowline's own credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = forms::ROLE_ARN))]
    pub role_arn: Option<String>,
    /// Its load balancers (ALB or NLB) by names of the policy's own. Required, at least one.
    #[schemars(extend("minProperties" = 1))]
    pub load_balancers: BTreeMap<String, LoadBalancerSpec>,
    /// Its Kubernetes cluster. Required.
    pub cluster: ClusterSpec,
    /// Its member of the database. Required exactly when the group has a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<SiteDatabaseSpec>,
}

/// How a load balancer is found: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct LoadBalancerSpec {
    /// By its ARN. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = forms::LOAD_BALANCER_ARN))]
    pub arn: Option<String>,
    /// By tags that it must all have: controllers recreate load balancers, tags stay. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1))]
    pub tags: Option<BTreeMap<String, String>>,
}

/// How a cluster is reached: exactly one of the three.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct ClusterSpec {
    /// An EKS cluster of the site's Region, by name. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = forms::WORD))]
    pub eks: Option<String>,
    /// A Secret of the group's namespace with a kubeconfig. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = forms::OBJECT))]
    pub kubeconfig_secret: Option<String>,
    /// A context of the local kubeconfig. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = forms::WORD))]
    pub context: Option<String>,
}

/// A site's member of the database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteDatabaseSpec {
    /// The RDS instance's identifier. It stays the site's through rebuilds. Required.
    #[schemars(extend("pattern" = forms::INSTANCE))]
    pub rds_instance: String,
    /// The security group that admits replication and nobody else: the fence. Required.
    #[schemars(extend("pattern" = forms::SECURITY_GROUP))]
    pub closed_security_group: String,
}

fn default_namespace() -> String {
    "default".to_owned()
}

fn default_cool_down() -> Span {
    Span::mins(15)
}
