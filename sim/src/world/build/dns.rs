//! Zones with armed record sets, and the health checks they carry.

use std::collections::BTreeMap;

use bowline_core::model::{HealthCheckId, Host, Site, Span, ZoneId};
use bowline_core::op::{AliasTarget, Failover, RecordSet, RecordType, ZoneInfo};
use bowline_core::policy::{Lever, Policy, Probe, RecordName};

use super::super::World;
use super::super::groups::GroupParts;
use crate::aws::route53::{CheckSpec, SERVERS, Watches};

/// How often the checkers probe, and how many probes turn one: the fast setting's interval with the
/// default threshold.
const ENDPOINT: Watches = Watches::Endpoint { interval: Span::secs(10), threshold: 3 };

/// The names that a policy moves.
pub(super) fn records(policy: &Policy) -> &[RecordName] {
    match &policy.lever {
        Lever::Records(lever) => &lever.names,
        Lever::Gates(lever) => &lever.names,
    }
}

/// The same, as names with their zones.
pub(super) fn names(policy: &Policy) -> Vec<(Host, ZoneId)> {
    records(policy).iter().map(|record| (record.name.clone(), record.zone.clone())).collect()
}

/// The check that probes a site's application: what the policy's `route53Check` looks at.
pub(super) fn own_check(policy: &Policy, site: Site) -> Option<HealthCheckId> {
    policy.health.signals.iter().find_map(|signal| match (&signal.probe, site) {
        (Probe::Route53Check { home, .. }, Site::Home) => Some(home.clone()),
        (Probe::Route53Check { standby, .. }, Site::Standby) => Some(standby.clone()),
        _ => None,
    })
}

/// Adds the health checks of all policies, each once.
pub(super) fn add_checks(world: &mut World, policies: &[Policy], rng: &mut fastrand::Rng) {
    let mut checks: BTreeMap<HealthCheckId, (Watches, bool)> = BTreeMap::new();
    for policy in policies {
        for check in Site::BOTH.into_iter().filter_map(|site| own_check(policy, site)) {
            checks.insert(check, (ENDPOINT, false));
        }
        match &policy.lever {
            Lever::Records(lever) => {
                let closed = Watches::Calculated { threshold: 1, children: Vec::new() };
                checks.insert(lever.closed_health_check.clone(), (closed, false));
            }
            Lever::Gates(lever) => {
                checks.insert(lever.home_check.clone(), (ENDPOINT, false));
                checks.insert(lever.standby_check.clone(), (ENDPOINT, true));
                let follow = vec![lever.home_check.clone(), lever.standby_check.clone()];
                world.gates.add(lever.object.clone(), follow);
            }
        }
    }
    for (id, (watches, inverted)) in checks {
        world.route53.add_check(CheckSpec { id, watches, disabled: false, inverted }, rng);
    }
}

/// Adds the zones of all policies, each with the record sets of every group in it, armed.
pub(super) fn add_zones(world: &mut World, policies: &[Policy]) {
    let mut zones: BTreeMap<ZoneId, Vec<RecordSet>> = BTreeMap::new();
    for (policy, group) in policies.iter().zip(&world.groups) {
        for record in records(policy) {
            let sets = zones.entry(record.zone.clone()).or_default();
            for (site, kind) in [
                (Site::Home, RecordType::A),
                (Site::Standby, RecordType::A),
                (Site::Home, RecordType::Aaaa),
                (Site::Standby, RecordType::Aaaa),
            ] {
                sets.extend(armed_set(world, policy, group, (record, site, kind)));
            }
        }
    }
    for (zone, sets) in zones {
        let info = info(&zone, &sets);
        // Policies are checked: their names are in their zones, and each set is there once.
        let added = world.route53.add_zone(zone, info, &sets);
        debug_assert_eq!(added, Ok(()));
    }
}

fn armed_set(
    world: &World,
    policy: &Policy,
    group: &GroupParts,
    (record, site, kind): (&RecordName, Site, RecordType),
) -> Option<RecordSet> {
    let place = policy.site(site).load_balancers.keys().position(|k| *k == record.load_balancer)?;
    let (number, _) = group.site(site).load_balancers.get(place)?;
    let found = world.elb.describe(*number)?;
    let (health_check, evaluate_target_health) = armed_check(policy, site);
    Some(RecordSet {
        name: record.name.clone(),
        kind,
        set_identifier: Some(site.to_string().as_str().into()),
        failover: Some(if site == Site::Home { Failover::Primary } else { Failover::Secondary }),
        health_check,
        ttl_secs: None,
        values: Vec::new(),
        alias: Some(AliasTarget {
            zone: found.zone.clone(),
            dns_name: found.dns_name.clone(),
            evaluate_target_health,
        }),
    })
}

/// The check that a site's set carries in peace, and whether its alias looks at targets: gates want
/// that off.
fn armed_check(policy: &Policy, site: Site) -> (Option<HealthCheckId>, bool) {
    match (&policy.lever, site) {
        (Lever::Records(_), Site::Home) => (own_check(policy, site), true),
        (Lever::Records(lever), Site::Standby) => (Some(lever.closed_health_check.clone()), true),
        (Lever::Gates(lever), Site::Home) => (Some(lever.home_check.clone()), false),
        (Lever::Gates(lever), Site::Standby) => (Some(lever.standby_check.clone()), false),
    }
}

/// The apex is the parent of the zone's shortest name.
fn info(zone: &ZoneId, sets: &[RecordSet]) -> ZoneInfo {
    let shortest = sets.iter().map(|set| set.name.as_str()).min_by_key(|name| name.len());
    let apex = shortest.and_then(|name| name.split_once('.')).map_or("example.com", |(_, up)| up);
    let server = |n| format!("ns-{n}.{}.awsdns.net", zone.as_str().to_lowercase());
    ZoneInfo {
        apex: apex.into(),
        private: false,
        name_servers: (0..SERVERS).map(|n| server(n).as_str().into()).collect(),
    }
}
