//! Route 53: record sets, change batches, health checks and zones.

use aws_sdk_route53::Client;
use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ChangeStatus, HealthCheckConfig, HealthCheckType,
    ResourceRecordSet,
};

use bowline_core::model::{ChangeId, HealthCheckId, Host, Span, ZoneId};
use bowline_core::op::{
    Answer, Fault, HealthCheck, HealthCheckKind, RecordSet, Route53Op, ZoneInfo,
};

use super::budget::Pace;
use super::fault::fault;
use super::records::{bare, host, name, read, write};

/// How many sets of one name are read at most: a page is 300, and one name and type may have 100.
const PAGES: usize = 4;

/// What one batch may hold, by Route 53's quotas: `ResourceRecord` elements, and characters of
/// values.
const BATCH: (usize, usize) = (1_000, 32_000);

/// Makes one call.
pub(super) async fn perform(
    client: &Client,
    op: &Route53Op,
    pace: &Pace<'_>,
) -> Result<Answer, Fault> {
    match op {
        Route53Op::Records { zone, name } => {
            records(client, (zone, name), pace).await.map(Answer::Records)
        }
        Route53Op::Change { zone, delete, create } => {
            let batch = batch(delete, create)?;
            pace.take(true)?;
            change(client, zone, batch).await.map(Answer::Change)
        }
        look => {
            pace.look()?;
            self::look(client, look).await
        }
    }
}

async fn look(client: &Client, op: &Route53Op) -> Result<Answer, Fault> {
    match op {
        Route53Op::ChangeStatus(id) => {
            let told = client.get_change().id(id.as_str()).send().await;
            let told = told.map_err(|e| fault(e, false))?.change_info;
            let status = told.map(|info| info.status);
            Ok(Answer::Insync(status == Some(ChangeStatus::Insync)))
        }
        Route53Op::HealthCheck(id) => health_check(client, id).await.map(Answer::HealthCheck),
        Route53Op::CheckStatus(id) => check_status(client, id).await,
        Route53Op::Zone(id) => zone(client, id).await.map(Answer::Zone),
        Route53Op::Records { .. } | Route53Op::Change { .. } => {
            Err(Fault::Invalid(format!("no single look: {op:?}")))
        }
    }
}

// === Records ===

/// The sets of one name. They come in the order of names, so another name is the end.
async fn records(
    client: &Client,
    (zone, wanted): (&ZoneId, &Host),
    pace: &Pace<'_>,
) -> Result<Vec<RecordSet>, Fault> {
    let mut found = Vec::new();
    let first = client.list_resource_record_sets().hosted_zone_id(zone.as_str());
    let mut request = first.clone().start_record_name(name(wanted));
    for _ in 0..PAGES {
        pace.look()?;
        let page = request.send().await.map_err(|e| fault(e, false))?;
        let here = page.resource_record_sets.iter();
        found.extend(here.filter(|set| host(&set.name) == *wanted).filter_map(read));
        match page.next_record_name {
            Some(next) if page.is_truncated && host(&next) == *wanted => {
                request = first
                    .clone()
                    .start_record_name(next)
                    .set_start_record_type(page.next_record_type)
                    .set_start_record_identifier(page.next_record_identifier);
            }
            _ => return Ok(found),
        }
    }
    Err(Fault::Invalid(format!("{wanted} in {zone}: more than {PAGES} pages of record sets")))
}

/// The DELETEs and CREATEs of one batch, in that order.
fn batch(delete: &[RecordSet], create: &[RecordSet]) -> Result<ChangeBatch, Fault> {
    let both = || delete.iter().chain(create);
    let elements: usize = both().map(|set| set.values.len().max(1)).sum();
    let characters: usize = both().flat_map(|set| &set.values).map(|v| v.chars().count()).sum();
    if elements > BATCH.0 || characters > BATCH.1 {
        return Err(Fault::Invalid(format!(
            "one batch of {elements} records and {characters} characters; Route 53 takes {} and {}",
            BATCH.0, BATCH.1
        )));
    }
    let change = |action: ChangeAction, set: &RecordSet| {
        let set: ResourceRecordSet = write(set)?;
        Change::builder().action(action).resource_record_set(set).build()
    };
    let deletes = delete.iter().map(|set| change(ChangeAction::Delete, set));
    let creates = create.iter().map(|set| change(ChangeAction::Create, set));
    let changes = deletes.chain(creates).collect::<Result<Vec<_>, BuildError>>();
    changes
        .and_then(|all| ChangeBatch::builder().set_changes(Some(all)).comment("bowline").build())
        .map_err(|e| Fault::Invalid(format!("change batch: {e}")))
}

async fn change(client: &Client, zone: &ZoneId, batch: ChangeBatch) -> Result<ChangeId, Fault> {
    let request = client.change_resource_record_sets().hosted_zone_id(zone.as_str());
    let told = request.change_batch(batch).send().await.map_err(|e| fault(e, true))?;
    let id = told.change_info.map(|info| ChangeId::new(bare(&info.id)));
    id.ok_or_else(|| Fault::Unknown("an accepted change without an id".into()))
}

// === Health checks and zones ===

async fn health_check(client: &Client, id: &HealthCheckId) -> Result<HealthCheck, Fault> {
    let told = client.get_health_check().health_check_id(id.as_str()).send().await;
    let told = told.map_err(|e| fault(e, false))?.health_check;
    let config = told.and_then(|check| check.health_check_config);
    let config = config.ok_or_else(|| Fault::Invalid(format!("health check {id}: no settings")))?;
    Ok(HealthCheck {
        id: id.clone(),
        kind: kind(&config),
        disabled: config.disabled.unwrap_or_default(),
        inverted: config.inverted.unwrap_or_default(),
    })
}

fn kind(config: &HealthCheckConfig) -> HealthCheckKind {
    match config.r#type {
        HealthCheckType::Calculated => HealthCheckKind::Calculated {
            threshold: number(config.health_threshold).unwrap_or(0),
            children: u32::try_from(config.child_health_checks().len()).unwrap_or(u32::MAX),
        },
        HealthCheckType::CloudwatchMetric => HealthCheckKind::CloudWatch,
        HealthCheckType::RecoveryControl => HealthCheckKind::RoutingControl,
        _ => HealthCheckKind::Endpoint {
            interval: Span::secs(number(config.request_interval).unwrap_or(30).into()),
            threshold: number(config.failure_threshold).unwrap_or(3),
        },
    }
}

/// A number that is not negative; what is not told has Route 53's own default.
fn number(told: Option<i32>) -> Option<u32> {
    told.and_then(|number| u32::try_from(number).ok())
}

async fn check_status(client: &Client, id: &HealthCheckId) -> Result<Answer, Fault> {
    let told = client.get_health_check_status().health_check_id(id.as_str()).send().await;
    let told = told.map_err(|e| fault(e, false))?;
    let reports = told
        .health_check_observations()
        .iter()
        .filter_map(|seen| verdict(seen.status_report.as_ref()?.status.as_deref()?));
    let (mut healthy, mut of) = (0, 0);
    for well in reports {
        of += 1;
        healthy += u32::from(well);
    }
    Ok(Answer::CheckStatus { healthy, of })
}

/// What one checker says; `None` when it has no verdict, as for missing data.
fn verdict(status: &str) -> Option<bool> {
    let word = status.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    match word {
        _ if word.eq_ignore_ascii_case("success") => Some(true),
        _ if word.eq_ignore_ascii_case("failure") => Some(false),
        _ => None,
    }
}

async fn zone(client: &Client, id: &ZoneId) -> Result<ZoneInfo, Fault> {
    let told = client.get_hosted_zone().id(id.as_str()).send().await;
    let told = told.map_err(|e| fault(e, false))?;
    let servers = told.delegation_set.map(|set| set.name_servers).unwrap_or_default();
    let zone = told.hosted_zone;
    let zone = zone.ok_or_else(|| Fault::Invalid(format!("hosted zone {id}: no settings")))?;
    Ok(ZoneInfo {
        apex: host(&zone.name),
        private: zone.config.is_some_and(|config| config.private_zone),
        name_servers: servers.iter().map(|server| host(server)).collect(),
    })
}

#[cfg(test)]
#[path = "route53_tests.rs"]
mod tests;
