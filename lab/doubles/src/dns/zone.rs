//! A zone as it is read from Route 53: the sets that its rules judge, and those that are only told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Result;
use aws_sdk_route53::Client;
use aws_sdk_route53::types::{ResourceRecordSet, ResourceRecordSetFailover, RrType};
use bowline_core::model::Host;
use bowline_core::op::{AliasTarget, Failover, RecordSet, RecordType};

use super::host;
use crate::aws::told;

/// A zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Its apex.
    pub(crate) apex: Host,
    /// The sets of the types that failover rules are for.
    pub(crate) judged: BTreeMap<Host, Vec<RecordSet>>,
    /// Values of all other types, told as they are: SOA, NS, MX … by name and type.
    pub(crate) plain: BTreeMap<(Host, String), Plain>,
}

/// A set that is told as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plain {
    /// Seconds to cache.
    pub(crate) ttl_secs: u32,
    /// The values, as a zone file has them.
    pub(crate) values: Vec<String>,
}

impl Zone {
    /// A zone of these sets.
    pub(crate) fn new(apex: &str, sets: &[ResourceRecordSet]) -> Self {
        let mut zone = Self { apex: host(apex), judged: BTreeMap::new(), plain: BTreeMap::new() };
        for set in sets {
            let name = host(&set.name);
            match kind(&set.r#type) {
                Some(kind) => zone.judged.entry(name.clone()).or_default().push(judged(set, kind)),
                None => {
                    zone.plain.insert((name, set.r#type.as_str().to_owned()), plain(set));
                }
            }
        }
        zone
    }

    /// Whether `name` lies in it.
    pub(crate) fn holds(&self, name: &Host) -> bool {
        below(name, &self.apex)
    }

    /// Whether there is anything at `name` or below it: then a question for another type has no
    /// data, else there is no such domain.
    pub(crate) fn knows(&self, name: &Host) -> bool {
        let names: BTreeSet<&Host> =
            self.judged.keys().chain(self.plain.keys().map(|(name, _)| name)).collect();
        names.into_iter().any(|known| below(known, name))
    }
}

fn below(name: &Host, apex: &Host) -> bool {
    let rest = name.as_str().strip_suffix(apex.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn kind(kind: &RrType) -> Option<RecordType> {
    Some(match kind {
        RrType::A => RecordType::A,
        RrType::Aaaa => RecordType::Aaaa,
        RrType::Cname => RecordType::Cname,
        RrType::Txt => RecordType::Txt,
        other if other.as_str() == "HTTPS" => RecordType::Https,
        _ => return None,
    })
}

fn judged(set: &ResourceRecordSet, kind: RecordType) -> RecordSet {
    let failover = set.failover.as_ref().map(|role| match role {
        ResourceRecordSetFailover::Secondary => Failover::Secondary,
        _ => Failover::Primary,
    });
    let alias = set.alias_target.as_ref().map(|alias| AliasTarget {
        zone: alias.hosted_zone_id.as_str().into(),
        dns_name: host(&alias.dns_name),
        evaluate_target_health: alias.evaluate_target_health,
    });
    RecordSet {
        name: host(&set.name),
        kind,
        set_identifier: set.set_identifier.as_deref().map(Arc::from),
        failover,
        health_check: set.health_check_id.as_deref().map(Into::into),
        ttl_secs: set.ttl.and_then(|ttl| ttl.try_into().ok()),
        values: set.resource_records().iter().map(|record| Arc::from(&*record.value)).collect(),
        alias,
    }
}

fn plain(set: &ResourceRecordSet) -> Plain {
    Plain {
        ttl_secs: set.ttl.and_then(|ttl| ttl.try_into().ok()).unwrap_or(0),
        values: set.resource_records().iter().map(|record| record.value.clone()).collect(),
    }
}

/// Reads all public zones.
pub(crate) async fn read(client: &Client) -> Result<Vec<Zone>> {
    let listed = client.list_hosted_zones().send().await.map_err(told)?;
    let mut zones = Vec::new();
    for zone in listed.hosted_zones {
        if zone.config.as_ref().is_some_and(|config| config.private_zone) {
            continue;
        }
        zones.push(Zone::new(&zone.name, &sets(client, &zone.id).await?));
    }
    Ok(zones)
}

/// All of a zone's sets, page by page.
async fn sets(client: &Client, zone: &str) -> Result<Vec<ResourceRecordSet>> {
    let id = zone.trim_start_matches("/hostedzone/");
    let mut all = Vec::new();
    let mut next = client.list_resource_record_sets().hosted_zone_id(id);
    loop {
        let page = next.send().await.map_err(told)?;
        all.extend(page.resource_record_sets);
        if !page.is_truncated {
            return Ok(all);
        }
        next = client
            .list_resource_record_sets()
            .hosted_zone_id(id)
            .set_start_record_name(page.next_record_name)
            .set_start_record_type(page.next_record_type)
            .set_start_record_identifier(page.next_record_identifier);
    }
}
