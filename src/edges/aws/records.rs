//! Record sets between Route 53's words and ours.
//!
//! Route 53 writes names with a dot at the end and escapes such as `\052`; a [`Host`] has neither.
//! Every field that a DELETE compares is kept exactly; a set with a field that we have no word for
//! (a weight, a Region …) is read without it, and Route 53 refuses a DELETE of it.

use std::fmt::Write;
use std::sync::Arc;

use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::types::{
    AliasTarget as SdkAlias, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover, RrType,
};

use bowline_core::model::{HealthCheckId, Host, ZoneId};
use bowline_core::op::{AliasTarget, Failover, RecordSet, RecordType};

/// A name as Route 53 writes it, as we do.
pub(super) fn host(name: &str) -> Host {
    let bytes = name.strip_suffix('.').unwrap_or(name).as_bytes();
    let mut plain = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes.get(at..at + 4).and_then(octal);
        plain.push(escaped.unwrap_or(bytes[at]).to_ascii_lowercase().into());
        at += if escaped.is_some() { 4 } else { 1 };
    }
    Host::new(plain)
}

/// The byte that `\ooo` stands for; a dot stays escaped, since it separates no labels.
fn octal(escape: &[u8]) -> Option<u8> {
    let [b'\\', digits @ ..] = escape else { return None };
    let digits = std::str::from_utf8(digits).ok()?;
    let byte = u8::from_str_radix(digits, 8).ok()?;
    (byte.is_ascii_graphic() && byte != b'.').then_some(byte)
}

/// A name of ours, as Route 53 takes it.
pub(super) fn name(host: &Host) -> String {
    let mut text = String::new();
    for byte in host.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'\\' => {
                text.push(byte.into());
            }
            // Writing to a String cannot fail.
            other => drop(write!(text, "\\{other:03o}")),
        }
    }
    text
}

/// An id without the path before it, such as `/hostedzone/`.
pub(super) fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// A set as read; `None` for types that Bowline neither reads nor writes.
pub(super) fn read(set: &ResourceRecordSet) -> Option<RecordSet> {
    let values = set.resource_records().iter().map(|record| Arc::from(record.value()));
    Some(RecordSet {
        name: host(set.name()),
        kind: kind(set.r#type())?,
        set_identifier: set.set_identifier().map(Arc::from),
        failover: set.failover().and_then(role),
        health_check: set.health_check_id().map(HealthCheckId::new),
        ttl_secs: set.ttl().and_then(|ttl| u32::try_from(ttl).ok()),
        values: values.collect(),
        alias: set.alias_target().map(|alias| AliasTarget {
            zone: ZoneId::new(bare(alias.hosted_zone_id())),
            dns_name: host(alias.dns_name()),
            evaluate_target_health: alias.evaluate_target_health(),
        }),
    })
}

/// A set as Route 53 takes it.
pub(super) fn write(set: &RecordSet) -> Result<ResourceRecordSet, BuildError> {
    let value = |value: &Arc<str>| ResourceRecord::builder().value(&**value).build();
    let values = set.values.iter().map(value).collect::<Result<Vec<_>, _>>()?;
    let alias = set.alias.as_ref().map(|alias| {
        SdkAlias::builder()
            .hosted_zone_id(alias.zone.as_str())
            .dns_name(name(&alias.dns_name))
            .evaluate_target_health(alias.evaluate_target_health)
            .build()
    });
    ResourceRecordSet::builder()
        .name(name(&set.name))
        .r#type(match set.kind {
            RecordType::A => RrType::A,
            RecordType::Aaaa => RrType::Aaaa,
            RecordType::Https => RrType::Https,
            RecordType::Txt => RrType::Txt,
            RecordType::Cname => RrType::Cname,
        })
        .set_set_identifier(set.set_identifier.as_deref().map(str::to_owned))
        .set_failover(set.failover.map(|role| match role {
            Failover::Primary => ResourceRecordSetFailover::Primary,
            Failover::Secondary => ResourceRecordSetFailover::Secondary,
        }))
        .set_health_check_id(set.health_check.as_ref().map(ToString::to_string))
        .set_ttl(set.ttl_secs.map(i64::from))
        .set_resource_records((!values.is_empty()).then_some(values))
        .set_alias_target(alias.transpose()?)
        .build()
}

fn kind(kind: &RrType) -> Option<RecordType> {
    Some(match kind {
        RrType::A => RecordType::A,
        RrType::Aaaa => RecordType::Aaaa,
        RrType::Https => RecordType::Https,
        RrType::Txt => RecordType::Txt,
        RrType::Cname => RecordType::Cname,
        _ => return None,
    })
}

fn role(role: &ResourceRecordSetFailover) -> Option<Failover> {
    match role {
        ResourceRecordSetFailover::Primary => Some(Failover::Primary),
        ResourceRecordSetFailover::Secondary => Some(Failover::Secondary),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lose_their_dot_and_escapes_and_their_case() {
        for (theirs, ours) in [
            ("\\052.Shop.Example.com.", "*.shop.example.com"),
            ("_bowline.shop.example.com.", "_bowline.shop.example.com"),
            ("a\\057b.example.com", "a/b.example.com"),
            ("a\\056b.example.com.", "a\\056b.example.com"),
            ("broken\\05", "broken\\05"),
            ("broken\\999.", "broken\\999"),
            (".", ""),
        ] {
            assert_eq!(host(theirs).as_str(), ours, "{theirs}");
        }
        assert_eq!(name(&"*.a/b.example.com".into()), "*.a\\057b.example.com");
        assert_eq!(bare("/hostedzone/Z1"), "Z1");
    }

    fn sets() -> impl Strategy<Value = RecordSet> {
        let kinds = [RecordType::A, RecordType::Aaaa, RecordType::Txt, RecordType::Cname];
        let alias = ("[a-z0-9-]{1,9}", any::<bool>()).prop_map(|(label, evaluate)| AliasTarget {
            zone: "ZALIAS".into(),
            dns_name: Host::new(format!("{label}.elb.amazonaws.com")),
            evaluate_target_health: evaluate,
        });
        (
            "([*]|[a-z0-9_-]{1,9})[.][a-z]{1,5}[.]com",
            prop::sample::select(kinds.to_vec()),
            prop::option::of("[a-z]{1,9}"),
            prop::option::of(prop::sample::select(vec![Failover::Primary, Failover::Secondary])),
            prop::option::of(any::<u32>()),
            prop::collection::vec("[ -~]{1,20}", 0..3),
            prop::option::of(alias),
        )
            .prop_map(|(name, kind, id, failover, ttl_secs, values, alias)| RecordSet {
                name: Host::new(name),
                kind,
                set_identifier: id.as_deref().map(Arc::from),
                failover,
                health_check: id.as_deref().map(HealthCheckId::new),
                ttl_secs,
                values: values.iter().map(|value| Arc::from(value.as_str())).collect(),
                alias,
            })
    }

    proptest! {
        /// What was read is deleted exactly: nothing is lost on the way there and back.
        #[test]
        fn s3_a_set_is_written_as_it_was_read(set in sets()) {
            prop_assert_eq!(read(&write(&set).unwrap()), Some(set));
        }

        #[test]
        fn names_survive_the_way_there_and_back(plain in "[!-~&&[^A-Z\\\\]]{1,30}") {
            let ours = Host::new(plain.trim_end_matches('.'));
            prop_assert_eq!(host(&format!("{}.", name(&ours))), ours);
        }
    }
}
