//! The zone, its failover records and their health checks.

use anyhow::{Context, Result};
use aws_sdk_route53::Client;
use aws_sdk_route53::types::{
    AliasTarget, Change, ChangeAction, ChangeBatch, HealthCheckConfig, HealthCheckType,
    ResourceRecordSet, ResourceRecordSetFailover, RrType,
};

use super::{Config, Site, balancer};
use crate::aws::told;

/// Seconds between a checker's probes: Route 53's faster setting.
const INTERVAL_SECS: i32 = 10;

/// The check of a site's application, through its load balancer's address.
pub(super) async fn endpoint_check(
    client: &Client,
    config: &Config,
    site: &Site,
) -> Result<String> {
    let settings = HealthCheckConfig::builder()
        .r#type(HealthCheckType::Http)
        .ip_address(site.address.to_string())
        .port(config.port.into())
        .fully_qualified_domain_name(&config.name)
        .resource_path("/healthz")
        .request_interval(INTERVAL_SECS)
        .failure_threshold(1);
    check(client, &format!("{}-endpoint", site.name), settings.build()?).await
}

/// The check that is always closed: it asks for more healthy children than there are.
pub(super) async fn closed_check(client: &Client, children: &[String]) -> Result<String> {
    let settings = HealthCheckConfig::builder()
        .r#type(HealthCheckType::Calculated)
        .set_child_health_checks(Some(children.to_vec()))
        .health_threshold(i32::try_from(children.len())? + 1);
    check(client, "closed", settings.build()?).await
}

async fn check(client: &Client, reference: &str, settings: HealthCheckConfig) -> Result<String> {
    let made = client.create_health_check().caller_reference(reference);
    let made = made.health_check_config(settings).send().await.map_err(told);
    let made = made.with_context(|| format!("health check {reference}"))?;
    Ok(made.health_check.context("no health check was made")?.id)
}

/// A site's set; home is the first and PRIMARY.
pub(super) fn failover_set(
    name: &str,
    (index, site): (usize, &Site),
    to: &balancer::Made,
    check: &str,
) -> Result<ResourceRecordSet> {
    let target = AliasTarget::builder()
        .hosted_zone_id(&to.hosted_zone)
        .dns_name(&to.dns_name)
        .evaluate_target_health(true);
    let role = if index == 0 {
        ResourceRecordSetFailover::Primary
    } else {
        ResourceRecordSetFailover::Secondary
    };
    let set = ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::A)
        .set_identifier(&site.name)
        .failover(role)
        .health_check_id(check)
        .alias_target(target.build()?);
    Ok(set.build()?)
}

/// The zone with the sets; gives its id and its servers.
pub(super) async fn make(
    client: &Client,
    apex: &str,
    sets: Vec<ResourceRecordSet>,
) -> Result<(String, Vec<String>)> {
    let made = client.create_hosted_zone().name(apex).caller_reference(apex);
    let made = made.send().await.map_err(told).context("the zone")?;
    let zone = made.hosted_zone.context("no zone was made")?.id;
    let zone = zone.trim_start_matches("/hostedzone/").to_owned();
    let changes = sets
        .into_iter()
        .map(|set| Change::builder().action(ChangeAction::Create).resource_record_set(set).build());
    let changes: Vec<Change> = changes.collect::<Result<_, _>>()?;
    let batch = ChangeBatch::builder().set_changes(Some(changes)).build()?;
    let change = client.change_resource_record_sets().hosted_zone_id(&zone).change_batch(batch);
    change.send().await.map_err(told).context("the failover records")?;
    Ok((zone, made.delegation_set.map(|set| set.name_servers).unwrap_or_default()))
}
