//! What a group needs before it can be armed and moved, each thing found by looking: as it should
//! be, or not, with what to do. It is what arming would refuse, all of it at once.

mod extra;

use serde::Serialize;

use super::Node;
use super::collect;
use super::group::Group;
use super::known::{Known, SeenAt};
use super::survey::{Look, names};
use crate::model::{GroupName, Host, Site, ZoneId};
use crate::op::{Fault, HealthCheck, Instance};
use crate::policy::{Lever, Policy};

pub use extra::{Extra, extra_findings, extras};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at.
    pub about: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and will surprise somebody.
    Warning,
    /// It did not answer: nobody knows.
    Unknown,
    /// A move would fail or be refused.
    Failed,
}

impl Finding {
    /// As it should be.
    #[must_use]
    pub fn ok(about: impl Into<String>, found: impl Into<String>) -> Self {
        let (about, found) = (about.into(), found.into());
        Self { about, verdict: Verdict::Ok, found, remedy: None }
    }

    /// Anything else, with what to do about it.
    #[must_use]
    pub fn bad(
        verdict: Verdict,
        about: impl Into<String>,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { about: about.into(), verdict, found: found.into(), remedy }
    }
}

impl Node {
    /// What the survey of a group lacks: each look that has not answered, with what it met. Empty:
    /// it is complete.
    #[must_use]
    pub fn missing(&self, group: &GroupName) -> Vec<String> {
        self.group(group).map(Group::missing).unwrap_or_default()
    }

    /// The zones that were found, with their names.
    #[must_use]
    pub fn apexes(&self, group: &GroupName) -> Vec<(ZoneId, Host)> {
        let zones = self.group(group).into_iter().flat_map(|group| &group.known.zones);
        zones.map(|(id, zone)| (id.clone(), zone.apex.clone())).collect()
    }

    /// Everything that the survey found of a group.
    #[must_use]
    pub fn check(&self, group: &GroupName) -> Vec<Finding> {
        self.group(group).map(Group::check).unwrap_or_default()
    }
}

impl Group {
    fn missing(&self) -> Vec<String> {
        let unanswered = |(index, look): (usize, &Look)| {
            let answered = match look {
                // Points are asked for once the instance is known to be a replica.
                Look::Replication(site) => {
                    let replica = self.known.instance(*site).filter(|own| own.source.is_some());
                    replica.is_none() || self.known.answered.contains(&index)
                }
                _ => look.answered(&self.known),
            };
            (!answered).then(|| {
                let met = self.known.troubles.get(&index);
                let met = met.map_or_else(|| "no answer yet".into(), ToString::to_string);
                format!("{}: {met}", look.about(&self.policy))
            })
        };
        self.survey.looks().filter_map(unanswered).collect()
    }

    fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for site in Site::BOTH {
            findings.push(self.cluster(site));
            findings.extend(self.load_balancers(site));
            findings.extend(self.workloads(site));
            findings.extend(self.member(site));
        }
        findings.extend((0..self.policy.capacity.pools.len()).map(|index| self.pool(index)));
        findings.extend(self.zones());
        findings.extend(self.closed_check());
        findings.extend(self.name_sets());
        findings.extend(self.whose());
        findings.push(self.recorded());
        findings
    }

    /// What a look met last instead of an answer.
    fn trouble(&self, wanted: &Look) -> Option<&Fault> {
        let (index, _) = self.survey.looks().find(|(_, look)| *look == wanted)?;
        self.known.troubles.get(&index)
    }

    /// Why a look has no answer.
    fn met(&self, wanted: &Look) -> String {
        self.trouble(wanted).map_or_else(|| "no answer in time".into(), ToString::to_string)
    }

    fn unanswered(&self, about: String, look: &Look, remedy: &str) -> Finding {
        Finding::bad(Verdict::Unknown, about, self.met(look), remedy)
    }

    fn cluster(&self, site: Site) -> Finding {
        let about = format!("{site}: cluster {}", self.policy.site(site).cluster);
        match self.known.cluster_claims.get(&site) {
            None => {
                let remedy = "it must answer, and Bowline must be bound to the roles that `bowline \
                              crd --site` prints";
                self.unanswered(about, &Look::ClusterClaim(site), remedy)
            }
            Some(SeenAt { value: None, .. }) => Finding::ok(about, "answers; nobody claims it"),
            Some(SeenAt { value: Some(claim), .. }) => {
                Finding::ok(about, format!("answers; its fence says {claim}"))
            }
        }
    }

    fn load_balancers(&self, site: Site) -> Vec<Finding> {
        let one = |name: &crate::model::LoadBalancerName| {
            let about = format!("{site}: load balancer {name}");
            let remedy = "correct its ARN or tags in spec.sites, or the role's rights to ELBv2";
            match self.known.load_balancers.get(&(site, name.clone())) {
                None => {
                    let look = Look::FindLoadBalancer(site, name.clone());
                    match self.trouble(&look) {
                        Some(_) => self.unanswered(about, &look, remedy),
                        None => Finding::bad(Verdict::Failed, about, "none was found", remedy),
                    }
                }
                Some(found) => Finding::ok(about, found.dns_name.to_string()),
            }
        };
        self.policy.site(site).load_balancers.keys().map(one).collect()
    }

    fn workloads(&self, site: Site) -> Vec<Finding> {
        let one = |(index, workload): (usize, &crate::policy::Workload)| {
            let about = format!("{site}: {}", workload.object);
            match self.known.workloads.get(&(site, index)) {
                None => {
                    let remedy = "the cluster must answer, and its roles let Bowline read it";
                    self.unanswered(about, &Look::Workload(site, index), remedy)
                }
                Some(SeenAt { value: None, .. }) => Finding::bad(
                    Verdict::Failed,
                    about,
                    "there is no such object",
                    "deploy it at both sites (with 0 replicas where it does not run), or take it \
                     out of spec.capacity",
                ),
                Some(SeenAt { value: Some(view), .. }) if view.claims_volumes => Finding::bad(
                    Verdict::Failed,
                    about,
                    "it has volume claim templates: EBS volumes do not cross Regions",
                    "take it out of spec.capacity, or keep its data elsewhere",
                ),
                Some(SeenAt { value: Some(view), .. }) => {
                    Finding::ok(about, format!("{} of {} ready", view.ready, view.wanted))
                }
            }
        };
        self.policy.capacity.workloads.iter().enumerate().map(one).collect()
    }

    fn pool(&self, index: usize) -> Finding {
        let pool = &self.policy.capacity.pools[index];
        let about = format!("standby: NodePool {}", pool.name);
        match self.known.pools.get(&index) {
            None => {
                let remedy = "the cluster must answer, and its roles let Bowline read NodePools";
                self.unanswered(about, &Look::Pool(index), remedy)
            }
            Some(SeenAt { value: None, .. }) => Finding::bad(
                Verdict::Failed,
                about,
                "there is no such NodePool",
                "create it (parked at cpu 0), or take it out of spec.capacity.nodePools",
            ),
            Some(SeenAt { value: Some(view), .. }) => {
                let limit = |(name, amount): (&std::sync::Arc<str>, &u64)| match &**name {
                    "cpu" => format!("cpu {}", amount / 1_000),
                    _ => format!("{name} {amount}"),
                };
                let limits: Vec<_> = view.limits.iter().map(limit).collect();
                let limits = if limits.is_empty() { "none".into() } else { limits.join(", ") };
                Finding::ok(about, format!("limits: {limits}"))
            }
        }
    }

    fn member(&self, site: Site) -> Vec<Finding> {
        let Some(database) = &self.policy.site(site).database else { return Vec::new() };
        let about = format!("{site}: RDS instance {}", database.instance);
        let found = match self.known.instances.get(&site) {
            None => {
                let remedy = "RDS must answer, and the site's role let Bowline describe instances";
                return vec![self.unanswered(about, &Look::Instance(site), remedy)];
            }
            Some(SeenAt { value: None, .. }) => {
                let (what, remedy) = ("RDS knows no such instance", "correct rdsInstance");
                return vec![Finding::bad(Verdict::Failed, about, what, remedy)];
            }
            Some(SeenAt { value: Some(found), .. }) => found,
        };
        let writes = site == self.active();
        let of = (!writes).then(|| collect::writer(&self.policy, self.active())).flatten();
        let troubles = collect::member_troubles(found, of);
        let mut findings: Vec<_> = troubles
            .into_iter()
            .map(|(what, remedy)| Finding::bad(Verdict::Failed, about.clone(), what, remedy))
            .collect();
        if findings.is_empty() {
            findings.push(Finding::ok(about.clone(), member(found)));
        }
        if !writes && found.source.is_some() && !found.streaming {
            let remedy = "look at the replica's replication state in RDS";
            findings.push(Finding::bad(Verdict::Failed, about, "it does not stream", remedy));
        }
        findings.push(self.closed_group(site, found));
        findings
    }

    /// The closed group must not be in force unless Bowline closed the door.
    fn closed_group(&self, site: Site, found: &Instance) -> Finding {
        let closed = self.policy.site(site).database.as_ref().map(|d| &d.closed_security_group);
        let name = closed.map(ToString::to_string).unwrap_or_default();
        let about = format!("{site}: closed security group {name}");
        let in_force = collect::behind_closed_group(&self.policy, site, found);
        let held = !self.ledger().holds.is_empty() || self.ledger().fenced.contains(&site);
        match in_force && !held {
            true => Finding::bad(
                Verdict::Warning,
                about,
                format!("{} is in it now, and Bowline did not put it there", found.id),
                "it must be a group of its own that admits replication and nobody else",
            ),
            false => Finding::ok(
                about,
                "not in force; that it admits replication and nobody else is not looked at",
            ),
        }
    }

    fn zones(&self) -> Vec<Finding> {
        let mut zones: Vec<_> = names(&self.policy).iter().map(|name| &name.zone).collect();
        zones.sort();
        zones.dedup();
        let one = |id: &ZoneId| {
            let about = format!("zone {id}");
            match self.known.zones.get(id) {
                None => {
                    let remedy = "correct hostedZoneId, or the DNS role's rights to Route 53";
                    self.unanswered(about, &Look::Zone(id.clone()), remedy)
                }
                Some(zone) if zone.private => Finding::bad(
                    Verdict::Failed,
                    about,
                    "it is private: private zones are refused",
                    "use a public zone",
                ),
                Some(zone) => {
                    let servers = zone.name_servers.len();
                    Finding::ok(about, format!("{}, {servers} name servers", zone.apex))
                }
            }
        };
        zones.into_iter().map(one).collect()
    }

    fn closed_check(&self) -> Option<Finding> {
        let Lever::Records(lever) = &self.policy.lever else { return None };
        let about = format!("always-closed health check {}", lever.closed_health_check);
        Some(match &self.known.closed_check {
            None => {
                let remedy = "correct closedHealthCheckId, or the DNS role's rights to Route 53";
                self.unanswered(about, &Look::ClosedCheck, remedy)
            }
            Some(check) if check.always_closed() => {
                Finding::ok(about, "calculated, threshold above its children, enabled")
            }
            Some(check) => Finding::bad(
                Verdict::Failed,
                about,
                format!("it is not always closed: {}", described(check)),
                "make it a CALCULATED check with a threshold above its children, enabled and not \
                 inverted",
            ),
        })
    }

    fn name_sets(&self) -> Vec<Finding> {
        let Lever::Records(lever) = &self.policy.lever else { return Vec::new() };
        let one = |name: &crate::policy::RecordName| {
            let about = format!("records of {}", name.name);
            let Some(present) = self.known.records.get(&name.name) else {
                let look = Look::Records(name.zone.clone(), name.name.clone());
                let remedy = "correct the name and hostedZoneId, or the DNS role's rights";
                return self.unanswered(about, &look, remedy);
            };
            let sets = (&name.name, present.value.as_slice());
            match collect::armed_sets(&self.policy, &self.known, sets, self.active()) {
                Ok(sets) => Finding::ok(about, format!("{} failover sets as armed", sets.len())),
                Err(wrong) => {
                    let remedy = remedy_of_sets(&wrong.0);
                    Finding::bad(Verdict::Failed, about, wrong.0, remedy)
                }
            }
        };
        lever.names.iter().map(one).collect()
    }

    fn whose(&self) -> Option<Finding> {
        let claim = self.foreign_claim()?;
        let place = self.known.placed_claims().find(|(_, found)| found == claim);
        let place = place.map_or_else(|| "a step".into(), |(place, _)| place);
        Some(Finding::bad(
            Verdict::Failed,
            format!("fence: {place}"),
            format!("somebody else's claim stands: {claim}"),
            format!("import their journal first: bowline journal import {}", self.policy.group),
        ))
    }

    fn recorded(&self) -> Finding {
        let about = "recorded facts";
        match self.facts() {
            Some(facts) => {
                let counted: u32 = facts.replicas.values().sum();
                Finding::ok(about, format!("home's {counted} replicas, as of {}", facts.at))
            }
            None => Finding::bad(
                Verdict::Warning,
                about,
                "home's replicas and settings were never recorded",
                format!(
                    "a running controller records them while home serves; then bowline arm {}",
                    self.policy.group
                ),
            ),
        }
    }
}

/// What to do about record sets that are not as a failover needs them.
fn remedy_of_sets(wrong: &str) -> &'static str {
    if wrong.contains("heritage=") {
        return "exclude the name from external-dns and delete its heritage= TXT, or take the name \
                out of the policy: two owners of a record undo each other";
    }
    "make a PRIMARY alias to home's load balancer with its own check, and a SECONDARY alias to \
     standby's with the closed check, for A and for AAAA alike"
}

fn described(check: &HealthCheck) -> String {
    let off = if check.disabled { ", disabled" } else { "" };
    let inverted = if check.inverted { ", inverted" } else { "" };
    format!("{:?}{off}{inverted}", check.kind)
}

fn member(found: &Instance) -> String {
    let role = match &found.source {
        Some(source) => format!("replica of {source}"),
        None => "the writer".into(),
    };
    let days = found.settings.backup_retention_days;
    format!("{role}, {}, {}, backups kept {days} days", found.status, found.settings.class)
}

impl Look {
    /// Whether it has ever been answered.
    fn answered(&self, known: &Known) -> bool {
        match self {
            Self::FindLoadBalancer(site, name) => {
                known.load_balancers.contains_key(&(*site, name.clone()))
            }
            Self::TargetGroups(site, name) => {
                known.target_groups.contains_key(&(*site, name.clone()))
            }
            Self::Instance(site) => known.instances.contains_key(site),
            Self::Replication(site) => known.replication.contains_key(site),
            Self::Gate => true,
            Self::Workload(site, index) => known.workloads.contains_key(&(*site, *index)),
            Self::Floor(site, index) => known.floor.contains_key(&(*site, *index)),
            Self::Pool(index) => known.pools.contains_key(index),
            Self::ClusterClaim(site) => known.cluster_claims.contains_key(site),
            Self::Records(_, name) => known.records.contains_key(name),
            Self::Zone(id) => known.zones.contains_key(id),
            Self::ZoneClaim(id) => known.zone_claims.contains_key(id),
            Self::ClosedCheck => known.closed_check.is_some(),
        }
    }

    /// What is looked at, in words.
    fn about(&self, policy: &Policy) -> String {
        match self {
            Self::FindLoadBalancer(site, name) => format!("{site}'s load balancer {name}"),
            Self::TargetGroups(site, name) => format!("target groups of {site}'s {name}"),
            Self::Instance(site) => format!("{site}'s database instance"),
            Self::Replication(site) => format!("replication to {site}"),
            Self::Workload(site, index) => {
                let found = policy.capacity.workloads.get(*index);
                let name = found.map(|workload| workload.object.to_string()).unwrap_or_default();
                format!("{site}'s {name}")
            }
            Self::Floor(site, index) => {
                let found = policy.capacity.floor.get(*index);
                let name = found.map(ToString::to_string).unwrap_or_default();
                format!("{site}'s {name} (floor)")
            }
            Self::Pool(index) => {
                let found = policy.capacity.pools.get(*index);
                let name = found.map(|pool| pool.name.to_string()).unwrap_or_default();
                format!("standby's NodePool {name}")
            }
            Self::ClusterClaim(site) => format!("{site}'s cluster"),
            Self::Records(_, name) => format!("records of {name}"),
            Self::Zone(id) => format!("zone {id}"),
            Self::ZoneClaim(id) => format!("the fence record in zone {id}"),
            Self::ClosedCheck => "the always-closed health check".into(),
            Self::Gate => "the gate object".into(),
        }
    }
}

#[cfg(test)]
#[path = "check/tests.rs"]
mod tests;
