//! Peacetime facts from what is known, and what keeps a group from being armed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::levers::records::ArmedSet;
use crate::model::{HealthCheckId, Host, Site, Wall};
use crate::op::{Failover, Instance, RecordSet};
use crate::plan::{Facts, Incomplete, MemberFacts, ZoneFacts};
use crate::policy::{Lever, Policy, Probe};

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
        if view.note.is_some() {
            // What it wants now is what its holder set, perhaps a process with another store.
            return Err(Incomplete(format!("home's {name} is held (bowline.dev/holds)")));
        }
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
            facts.members.insert(site, member(known, site, Site::Home)?);
        }
    }
    zones(policy, known, &mut facts)?;
    Ok(facts)
}

/// A site's database member, while `active` serves.
pub(super) fn member(known: &Known, site: Site, active: Site) -> Result<MemberFacts, Incomplete> {
    let found = known.instance(site);
    let found = found.ok_or_else(|| Incomplete(format!("{site}'s database instance")))?;
    if let Some((why, _)) = member_troubles(found, site == active).first() {
        return Err(Incomplete(format!("{site}'s instance {}: {why}", found.id)));
    }
    Ok(MemberFacts {
        instance: found.id.clone(),
        arn: found.arn.clone(),
        resource: found.resource.clone(),
        settings: (*found.settings).clone(),
    })
}

/// What makes an instance unfit, each with what to do about it.
pub(super) fn member_troubles(found: &Instance, writes: bool) -> Vec<(&'static str, &'static str)> {
    let mut troubles = Vec::new();
    if found.managed_password {
        let what = "RDS manages its master password, which rules replicas out";
        let remedy = "set a password of your own (ModifyDBInstance, no ManageMasterUserPassword)";
        troubles.push((what, remedy));
    }
    match (writes, &found.source) {
        (true, Some(_)) => troubles.push((
            "it is a replica, not the writer",
            "correct spec.sites in the policy, or promote it if it should be the writer",
        )),
        (true, None) if found.settings.backup_retention_days == 0 => troubles.push((
            "a source of replicas needs backups on",
            "set BackupRetentionPeriod to at least 1 day",
        )),
        (false, None) => troubles.push((
            "it is no replica",
            "create it as a cross-Region read replica of the other site's instance",
        )),
        _ => {}
    }
    troubles
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
        let Lever::Records(_) = &policy.lever else { continue };
        let present = known.records.get(&name.name);
        let present = present.ok_or_else(|| Incomplete(format!("records of {}", name.name)))?;
        let sets = armed_sets(policy, known, (&name.name, &present.value), Site::Home)?;
        entry.sets.extend(sets);
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

/// The failover sets of a name, as it is while `active` serves.
pub(super) fn armed_sets(
    policy: &Policy,
    known: &Known,
    (name, present): (&Host, &[RecordSet]),
    active: Site,
) -> Result<Vec<ArmedSet>, Incomplete> {
    let Lever::Records(lever) = &policy.lever else { return Ok(Vec::new()) };
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
        if armed.when_active(active, &lever.closed_health_check) != *set {
            let role = set.failover.unwrap_or(Failover::Primary);
            let check = set.health_check.as_ref().map_or("none", HealthCheckId::as_str);
            return Err(Incomplete(format!(
                "{name}: {site}'s set is {role:?} with check {check}; {active}'s must be PRIMARY \
                 with its own check, {}'s SECONDARY with the closed one",
                active.other()
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
pub(super) fn own_check(policy: &Policy, site: Site) -> Option<HealthCheckId> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mono;
    use crate::node::known::SeenAt;
    use crate::op::WorkloadView;
    use crate::policy::examples;

    #[test]
    fn s2_what_a_held_workload_wants_is_no_fact() {
        let (policy, mut known) = (examples::shop(), Known::default());
        let mut why = |note: Option<&str>| {
            for index in 0..policy.capacity.workloads.len() {
                let view = WorkloadView {
                    version: "1".into(),
                    wanted: 0,
                    ready: 0,
                    pods: 0,
                    note: note.map(Into::into),
                    claims_volumes: false,
                };
                let seen = SeenAt { at: Mono(1), value: Some(view) };
                known.workloads.insert((Site::Home, index), seen);
            }
            facts(&policy, &known, Wall(1)).unwrap_err().0
        };
        assert_eq!(why(Some("{}")), "home's Deployment shop/web is held (bowline.dev/holds)");
        assert_eq!(why(None), "home's load balancer web", "the next fact");
    }
}
