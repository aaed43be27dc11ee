//! Peacetime facts from what is known, and what keeps a group from being armed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::levers::records::ArmedSet;
use crate::model::{HealthCheckId, Host, Site, Wall};
use crate::op::{Failover, RecordSet};
use crate::plan::{Facts, Incomplete, MemberFacts, ZoneFacts};
use crate::policy::{Lever, Policy, Probe, RecordsLever};

use super::known::Known;
use super::survey::names;

/// The facts of a group whose home serves.
///
/// # Errors
/// The first fact that is not known, or not as a failover needs it.
pub(super) fn facts(policy: &Policy, known: &Known, now: Wall) -> Result<Facts, Incomplete> {
    let mut facts = Facts { at: now, ..Facts::default() };
    for (index, workload) in policy.capacity.workloads.iter().enumerate() {
        let name: Arc<str> = workload.object.to_string().into();
        let seen = known.workloads.get(&(Site::Home, index)).and_then(|seen| seen.value.as_ref());
        let view = seen.ok_or_else(|| Incomplete(format!("home's {name}")))?;
        facts.replicas.insert(name, view.wanted);
    }
    for site in Site::BOTH {
        for name in policy.site(site).load_balancers.keys() {
            let found = known.load_balancers.get(&(site, name.clone()));
            let found =
                found.ok_or_else(|| Incomplete(format!("{site}'s load balancer {name}")))?;
            facts.load_balancers.entry(site).or_default().insert(name.clone(), found.clone());
        }
        if policy.site(site).database.is_some() {
            facts.members.insert(site, member(known, site)?);
        }
    }
    zones(policy, known, &mut facts)?;
    Ok(facts)
}

fn member(known: &Known, site: Site) -> Result<MemberFacts, Incomplete> {
    let found = known.instance(site);
    let found = found.ok_or_else(|| Incomplete(format!("{site}'s database instance")))?;
    let wrong = |why: &str| Err(Incomplete(format!("{site}'s instance {}: {why}", found.id)));
    if found.managed_password {
        return wrong("RDS manages its master password, which rules replicas out");
    }
    match site {
        Site::Home if found.source.is_some() => return wrong("it is a replica, not the writer"),
        Site::Home if found.settings.backup_retention_days == 0 => {
            return wrong("a source of replicas needs backups on");
        }
        Site::Standby if found.source.is_none() => return wrong("it is no replica"),
        _ => {}
    }
    Ok(MemberFacts {
        instance: found.id.clone(),
        arn: found.arn.clone(),
        resource: found.resource.clone(),
        settings: found.settings.clone(),
    })
}

fn zones(policy: &Policy, known: &Known, facts: &mut Facts) -> Result<(), Incomplete> {
    for name in names(policy) {
        let zone = known.zones.get(&name.zone);
        let zone = zone.ok_or_else(|| Incomplete(format!("zone {}", name.zone)))?;
        if zone.private {
            return Err(Incomplete(format!("zone {}: private zones are refused", name.zone)));
        }
        let entry = facts.zones.entry(name.zone.clone()).or_insert_with(|| ZoneFacts {
            apex: zone.apex.clone(),
            name_servers: zone.name_servers.clone(),
            sets: Vec::new(),
        });
        let Lever::Records(lever) = &policy.lever else { continue };
        let present = known.records.get(&name.name);
        let present = present.ok_or_else(|| Incomplete(format!("records of {}", name.name)))?;
        entry.sets.extend(armed_sets(policy, lever, known, &name.name, &present.value)?);
    }
    if let Lever::Records(lever) = &policy.lever {
        let id = &lever.closed_health_check;
        let check = known.closed_check.as_ref();
        let check = check.ok_or_else(|| Incomplete(format!("health check {id}")))?;
        if !check.always_closed() {
            return Err(Incomplete(format!("{id} is not always closed: {check:?}")));
        }
    }
    Ok(())
}

/// The failover sets of a name, as home's being active makes them.
fn armed_sets(
    policy: &Policy,
    lever: &RecordsLever,
    known: &Known,
    name: &Host,
    present: &[RecordSet],
) -> Result<Vec<ArmedSet>, Incomplete> {
    let foreign = |set: &&RecordSet| set.values.iter().any(|value| value.contains("heritage="));
    if present.iter().any(|set| foreign(&set)) {
        return Err(Incomplete(format!("{name} is owned by external-dns (heritage= TXT)")));
    }
    let mut sets = Vec::new();
    for set in present.iter().filter(|set| set.failover.is_some()) {
        let site = site_of(known, set);
        let site = site.ok_or_else(|| Incomplete(format!("which site {name} {set:?} leads to")))?;
        let own_check = own_check(policy, site).or_else(|| set.health_check.clone());
        let own_check = own_check.filter(|check| *check != lever.closed_health_check);
        let armed = ArmedSet { site, set: set.clone(), own_check };
        if armed.when_active(Site::Home, &lever.closed_health_check) != *set {
            let role = set.failover.unwrap_or(Failover::Primary);
            let check = set.health_check.as_ref().map_or("none", HealthCheckId::as_str);
            return Err(Incomplete(format!(
                "{name}: {site}'s set is {role:?} with check {check}; home's must be PRIMARY with \
                 its own check, standby's SECONDARY with the closed one"
            )));
        }
        sets.push(armed);
    }
    let count = |site| sets.iter().filter(|armed| armed.site == site).count();
    if count(Site::Home) == 0 || count(Site::Home) != count(Site::Standby) {
        return Err(Incomplete(format!("a failover set of {name} for each site")));
    }
    Ok(sets)
}

/// A site's own check: what the policy's `route53Check` looks at.
fn own_check(policy: &Policy, site: Site) -> Option<HealthCheckId> {
    policy.health.signals.iter().find_map(|signal| match (&signal.probe, site) {
        (Probe::Route53Check { home, .. }, Site::Home) => Some(home.clone()),
        (Probe::Route53Check { standby, .. }, Site::Standby) => Some(standby.clone()),
        _ => None,
    })
}

/// The site whose load balancer an alias leads to; Route 53's console puts `dualstack.` before it.
fn site_of(known: &Known, set: &RecordSet) -> Option<Site> {
    let target = set.alias.as_ref()?.dns_name.as_str().trim_end_matches('.');
    let target = target.strip_prefix("dualstack.").unwrap_or(target);
    let leads: BTreeMap<_, _> = known
        .load_balancers
        .iter()
        .map(|((site, _), found)| (found.dns_name.as_str(), *site))
        .collect();
    leads.get(target).copied()
}
