//! Peacetime facts from what is known, and what keeps a group from being armed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::levers::records::ArmedSet;
use crate::model::{HealthCheckId, Host, InstanceId, Site, Wall};
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
            facts.members.insert(site, member(policy, known, site)?);
        }
    }
    zones(policy, known, &mut facts)?;
    Ok(facts)
}

/// A site's database member, while home serves.
fn member(policy: &Policy, known: &Known, site: Site) -> Result<MemberFacts, Incomplete> {
    let found = known.instance(site);
    let found = found.ok_or_else(|| Incomplete(format!("{site}'s database instance")))?;
    let of = (site != Site::Home).then(|| writer(policy, Site::Home)).flatten();
    let trouble = member_troubles(found, of).first().map(|(why, _)| *why);
    // A look from while Bowline held it: a replica made from it would let nobody in.
    let shut = behind_closed_group(policy, site, found).then_some("its door is closed");
    if let Some(why) = trouble.or(shut) {
        return Err(Incomplete(format!("{site}'s instance {}: {why}", found.id)));
    }
    Ok(MemberFacts {
        instance: found.id.clone(),
        arn: found.arn.clone(),
        resource: found.resource.clone(),
        settings: (*found.settings).clone(),
    })
}

/// Whether the group that admits replication and nobody else is in force at a site's instance.
pub(super) fn behind_closed_group(policy: &Policy, site: Site, found: &Instance) -> bool {
    let database = policy.site(site).database.as_ref();
    database.is_some_and(|d| found.settings.security_groups.contains(&d.closed_security_group))
}

/// The instance of a site, as the policy names it.
pub(super) fn writer(policy: &Policy, site: Site) -> Option<&InstanceId> {
    policy.site(site).database.as_ref().map(|database| &database.instance)
}

/// What makes an instance unfit to be a writer, or a replica `of` one; each with what to do about
/// it.
pub(super) fn member_troubles(
    found: &Instance,
    of: Option<&InstanceId>,
) -> Vec<(&'static str, &'static str)> {
    let mut troubles = Vec::new();
    if found.managed_password {
        let what = "RDS manages its master password, which rules replicas out";
        let remedy = "set a password of your own (ModifyDBInstance, no ManageMasterUserPassword)";
        troubles.push((what, remedy));
    }
    match (of, &found.source) {
        (None, Some(_)) => troubles.push((
            "it is a replica, not the writer",
            "correct spec.sites in the policy, or promote it if it should be the writer",
        )),
        (None, None) if found.settings.backup_retention_days == 0 => troubles.push((
            "a source of replicas needs backups on",
            "set BackupRetentionPeriod to at least 1 day",
        )),
        (Some(of), Some(source)) if of != source => troubles.push((
            "it is a replica of another instance than the other site's",
            "make it a replica of the other site's instance, or correct spec.sites in the policy",
        )),
        (Some(_), None) => troubles.push((
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
    use crate::node::testing::{fit, looked};
    use crate::op::{Answer, HealthCheck, Op, WorkloadView, ZoneInfo};
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

    /// What is lacking in a world that is fit but for some answers.
    fn lacks(odd: impl Fn(&Op, Answer) -> Answer) -> String {
        let group = looked(|op| Ok(odd(op, fit(op)?)));
        facts(&group.policy, &group.known, Wall(7)).unwrap_err().0
    }

    #[test]
    fn s2_facts_are_complete_in_a_fit_world_and_say_when_they_were_seen() {
        let group = looked(fit);
        let found = facts(&group.policy, &group.known, Wall(7)).unwrap();
        assert_eq!(found.at, Wall(7));
        assert_eq!(found.replicas.len(), 3);
        assert!(found.replicas.values().all(|wanted| *wanted == 3), "{:?}", found.replicas);
        let zone = found.zones.values().next().unwrap();
        assert_eq!((found.members.len(), zone.sets.len()), (2, 4), "two names, a set of each site");
        let checks = zone.sets.iter().map(|armed| armed.own_check.clone());
        let id = |text: &str| Some(HealthCheckId::new(text));
        let home = id("11111111-2222-3333-4444-555555555555");
        let standby = id("66666666-7777-8888-9999-000000000000");
        assert_eq!(checks.collect::<Vec<_>>(), [home.clone(), standby.clone(), home, standby]);
    }

    #[test]
    fn l2_a_door_that_bowline_had_closed_is_no_fact() {
        let shut = |at: Site| {
            let own = examples::shop().site(at).clone();
            let closed = own.database.unwrap().closed_security_group;
            lacks(move |op, answer| match (op, answer) {
                (Op::Rds(scope, _), Answer::Instance(mut found)) if *scope == own.scope => {
                    found.settings.security_groups = vec![closed.clone()];
                    Answer::Instance(found)
                }
                (_, other) => other,
            })
        };
        assert_eq!(shut(Site::Home), "home's instance shop-home: its door is closed");
        assert_eq!(shut(Site::Standby), "standby's instance shop-standby: its door is closed");
    }

    #[test]
    fn s2_a_lever_that_would_not_move_the_traffic_is_no_fact() {
        let private = lacks(|_, answer| match answer {
            Answer::Zone(zone) => Answer::Zone(ZoneInfo { private: true, ..zone }),
            other => other,
        });
        assert_eq!(private, "zone Z0123456789: private zones are refused");
        let open = lacks(|_, answer| match answer {
            Answer::HealthCheck(check) => {
                Answer::HealthCheck(HealthCheck { inverted: true, ..check })
            }
            other => other,
        });
        assert!(
            open.starts_with("0a1b2c3d-4e5f-6789-abcd-ef0123456789 is not always closed"),
            "{open}"
        );
        let sets = |keep: fn(&RecordSet) -> bool| {
            lacks(move |_, answer| match answer {
                Answer::Records(mut sets) => {
                    sets.retain(keep);
                    Answer::Records(sets)
                }
                other => other,
            })
        };
        let wanted = "a failover set of shop.example.com for each site";
        assert_eq!(sets(|_| false), wanted, "none at all");
        assert_eq!(sets(|set| set.failover == Some(Failover::Primary)), wanted);
        assert_eq!(sets(|set| set.failover == Some(Failover::Secondary)), wanted);
        let elsewhere = lacks(|_, answer| match answer {
            Answer::Records(mut sets) => {
                let aliases = sets.iter_mut().filter_map(|set| set.alias.as_mut());
                aliases.for_each(|alias| alias.dns_name = "cdn.example".into());
                Answer::Records(sets)
            }
            other => other,
        });
        assert!(elsewhere.starts_with("which site shop.example.com"), "{elsewhere}");
    }

    #[test]
    fn an_alias_as_the_console_writes_it_leads_to_the_same_site() {
        let group = looked(|op| match fit(op)? {
            Answer::Records(mut sets) => {
                for alias in sets.iter_mut().filter_map(|set| set.alias.as_mut()) {
                    alias.dns_name = Host::new(format!("dualstack.{}.", alias.dns_name));
                }
                Ok(Answer::Records(sets))
            }
            other => Ok(other),
        });
        assert!(facts(&group.policy, &group.known, Wall(7)).is_ok());
    }

    #[test]
    fn s2_a_site_that_carries_the_closed_check_has_no_check_of_its_own() {
        let mut group = looked(fit);
        let (name, present) = group.known.records.iter().next().unwrap();
        let (name, present) = (name.clone(), present.value.clone());
        // No signal says which check is a site's own: the sets themselves must.
        group.policy.health.signals.retain(|s| !matches!(s.probe, Probe::Route53Check { .. }));
        let sets = armed_sets(&group.policy, &group.known, (&name, &present), Site::Home).unwrap();
        let own = sets.iter().map(|armed| (armed.site, armed.own_check.is_some()));
        assert_eq!(own.collect::<Vec<_>>(), [(Site::Home, true), (Site::Standby, false)]);
    }
}
