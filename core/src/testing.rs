//! What tests of several modules need: the example shop's facts, and entries to put into chains.

use std::collections::{BTreeMap, BTreeSet};

use crate::levers::records::ArmedSet;
use crate::model::{Claim, Epoch, HealthCheckId, Host, RunId, Site, StepId, Wall, ZoneId};
use crate::op::{AliasTarget, Failover, InstanceSettings, LoadBalancer, RecordSet, RecordType};
use crate::plan::{Facts, MemberFacts, Survey, ZoneFacts};
use crate::policy::{Lever, Policy, examples};
use crate::step::{Hold, HoldId};

/// A claim.
pub(crate) fn claim(epoch: u64, run: &str) -> Claim {
    Claim { epoch: Epoch(epoch), run: RunId::new(run) }
}

/// A site's alias set, as armed.
pub(crate) fn set(name: &Host, site: Site, closed: &HealthCheckId) -> ArmedSet {
    let own_check = Some(HealthCheckId::new(format!("check-{site}")));
    let home = site == Site::Home;
    let set = RecordSet {
        name: name.clone(),
        kind: RecordType::A,
        set_identifier: Some(site.to_string().into()),
        failover: Some(if home { Failover::Primary } else { Failover::Secondary }),
        health_check: if home { own_check.clone() } else { Some(closed.clone()) },
        ttl_secs: None,
        values: Vec::new(),
        alias: Some(AliasTarget {
            zone: ZoneId::new("ZELB"),
            dns_name: Host::new(format!("{site}.elb.example")),
            evaluate_target_health: true,
        }),
    };
    ArmedSet { site, set, own_check }
}

/// Settings of a database instance with these security groups.
pub(crate) fn settings(group: &str) -> InstanceSettings {
    InstanceSettings {
        class: "db.r6g.large".into(),
        subnet_group: Some("private".into()),
        parameter_group: Some("shop".into()),
        security_groups: vec![group.into()],
        kms_key: None,
        backup_retention_days: 7,
        multi_az: true,
    }
}

/// The shop in peacetime.
pub(crate) fn facts(policy: &Policy) -> Facts {
    let mut facts = Facts { at: Wall(1), ..Facts::default() };
    for workload in &policy.capacity.workloads {
        facts.replicas.insert(workload.object.to_string().into(), 12);
    }
    for site in Site::BOTH {
        for name in policy.site(site).load_balancers.keys() {
            let found = LoadBalancer {
                arn: format!("arn:{site}").into(),
                dns_name: Host::new(format!("{site}.elb.example")),
                zone: ZoneId::new("ZELB"),
            };
            facts.load_balancers.entry(site).or_default().insert(name.clone(), found);
        }
        if let Some(database) = &policy.site(site).database {
            let member = MemberFacts {
                instance: database.instance.clone(),
                resource: format!("db-{site}").as_str().into(),
                settings: settings("sg-app"),
            };
            facts.members.insert(site, member);
        }
    }
    let Lever::Records(lever) = &policy.lever else { return facts };
    for name in &lever.names {
        let zone = facts.zones.entry(name.zone.clone()).or_insert_with(|| ZoneFacts {
            apex: "example.com".into(),
            name_servers: vec!["ns1.example".into(), "ns2.example".into()],
            sets: Vec::new(),
        });
        let sets = Site::BOTH.map(|site| set(&name.name, site, &lever.closed_health_check));
        zone.sets.extend(sets);
    }
    facts
}

/// The shop's survey, and what it borrows.
pub(crate) struct Ground {
    pub(crate) policy: Policy,
    pub(crate) facts: Facts,
    pub(crate) existing: BTreeSet<StepId>,
    pub(crate) holds: BTreeMap<HoldId, Hold>,
}

impl Ground {
    pub(crate) fn shop() -> Self {
        let policy = examples::shop();
        let facts = facts(&policy);
        Self { policy, facts, existing: BTreeSet::new(), holds: BTreeMap::new() }
    }

    pub(crate) fn survey(&self, active: Site) -> Survey<'_> {
        Survey {
            policy: &self.policy,
            facts: &self.facts,
            epoch: Epoch(7),
            active,
            existing: &self.existing,
            holds: &self.holds,
            evidence: None,
            replica_streams: false,
            question: None,
        }
    }
}
