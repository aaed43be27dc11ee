//! Peacetime facts: what a plan must know of the world, recorded while home was healthy.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::levers::records::ArmedSet;
use crate::model::{
    Host, InstanceArn, InstanceId, LoadBalancerName, ResourceId, Site, Wall, ZoneId,
};
use crate::op::{InstanceSettings, LoadBalancer};

/// What was recorded of a group in peacetime.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// When home was last seen healthy with these facts.
    pub at: Wall,
    /// Home's replicas by workload (`Deployment shop/web`).
    pub replicas: BTreeMap<Arc<str>, u32>,
    /// The zones and their failover sets, as armed.
    pub zones: BTreeMap<ZoneId, ZoneFacts>,
    /// The sites' load balancers.
    pub load_balancers: BTreeMap<Site, BTreeMap<LoadBalancerName, LoadBalancer>>,
    /// The sites' database instances.
    pub members: BTreeMap<Site, MemberFacts>,
}

/// A hosted zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneFacts {
    /// Its apex.
    pub apex: Host,
    /// Its authoritative servers.
    pub name_servers: Vec<Host>,
    /// The failover sets of the group's names.
    pub sets: Vec<ArmedSet>,
}

/// A database instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberFacts {
    /// Its identifier.
    pub instance: InstanceId,
    /// How a replica in another Region names it as its source.
    pub arn: InstanceArn,
    /// Its `DbiResourceId`.
    pub resource: ResourceId,
    /// What a replica in its place must be told.
    pub settings: InstanceSettings,
}

/// A fact that a plan needs and nobody recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not known: {0}; run `bowline arm` while home is healthy")]
pub struct Incomplete(pub String);

impl Facts {
    /// A site's load balancer.
    ///
    /// # Errors
    /// [`Incomplete`] when it was never found.
    pub fn load_balancer(
        &self,
        site: Site,
        name: &LoadBalancerName,
    ) -> Result<&LoadBalancer, Incomplete> {
        let found = self.load_balancers.get(&site).and_then(|all| all.get(name));
        found.ok_or_else(|| Incomplete(format!("{site}'s load balancer {name}")))
    }

    /// A site's database instance.
    ///
    /// # Errors
    /// [`Incomplete`] when it was never described.
    pub fn member(&self, site: Site) -> Result<&MemberFacts, Incomplete> {
        self.members.get(&site).ok_or_else(|| Incomplete(format!("{site}'s database instance")))
    }

    /// A zone.
    ///
    /// # Errors
    /// [`Incomplete`] when it was never listed.
    pub fn zone(&self, zone: &ZoneId) -> Result<&ZoneFacts, Incomplete> {
        self.zones.get(zone).ok_or_else(|| Incomplete(format!("zone {zone}")))
    }
}
