//! Keeps the server's picture of the world fresh. Route 53's own servers know the last state while
//! an API is silent; a load balancer whose Region does not answer counts as unhealthy soon.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use aws_sdk_elasticloadbalancingv2 as elb;
use aws_sdk_route53 as route53;
use bowline_core::op::TargetHealth;
use bowline_sim::aws::dns_rules::load_balancer_healthy;
use elb::types::TargetHealthStateEnum;
use tokio::sync::watch::Sender;
use tokio::time::Instant;

use super::health::{States, is_endpoint, states, vote};
use super::{Balancer, World, host, zone};
use crate::aws::{self, told};
use crate::service::tell;

/// How often each is looked at.
const EVERY: Duration = Duration::from_millis(500);
/// For how long a load balancer's last known health stands when its Region is silent.
const SILENCE: Duration = Duration::from_secs(5);

/// Follows zones and health checks.
pub(super) async fn route53(endpoint: String, world: Arc<Sender<World>>) {
    let client = aws::route53(&endpoint);
    loop {
        match look(&client).await {
            Ok((zones, checks)) => {
                world.send_modify(|world| {
                    world.zones = Some(Arc::new(zones));
                    world.checks = Arc::new(checks);
                });
            }
            Err(error) => tell("dns", format!("Route 53: {error:#}; the last state stands")),
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn look(client: &route53::Client) -> Result<(Vec<zone::Zone>, States)> {
    let zones = zone::read(client).await?;
    let checks = aws::health_checks(client).await?;
    let mut votes = States::new();
    for check in &checks {
        if check.health_check_config.as_ref().is_some_and(is_endpoint) {
            let status = client.get_health_check_status().health_check_id(&check.id).send().await;
            let status = status.map_err(told)?;
            let reports = status.health_check_observations().iter();
            let texts = reports.filter_map(|seen| seen.status_report()?.status());
            votes.insert(check.id.as_str().into(), vote(texts));
        }
    }
    Ok((zones, states(&checks, &votes)))
}

/// Follows one load balancer's targets.
pub(super) async fn load_balancer(balancer: Balancer, world: Arc<Sender<World>>) {
    let client = aws::load_balancers(&balancer.cloud, &balancer.region);
    let name = host(&balancer.dns_name);
    let mut heard = Instant::now();
    loop {
        let healthy = match healthy(&client, &balancer.arn).await {
            Ok(healthy) => {
                heard = Instant::now();
                Some(healthy)
            }
            Err(error) => {
                tell("dns", format!("{name}: {error:#}"));
                (heard.elapsed() >= SILENCE).then_some(false)
            }
        };
        if let Some(healthy) = healthy {
            note(&world, &name, healthy);
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn note(world: &Sender<World>, name: &bowline_core::model::Host, healthy: bool) {
    world.send_if_modified(|world| {
        let Some(known) = world.balancers.get_mut(name) else { return false };
        let turned = known.1 != healthy;
        if turned {
            tell("dns", format!("{name} is {}", if healthy { "healthy" } else { "unhealthy" }));
        }
        known.1 = healthy;
        turned
    });
}

async fn healthy(client: &elb::Client, arn: &str) -> Result<bool> {
    let groups = client.describe_target_groups().load_balancer_arn(arn).send().await;
    let mut found = Vec::new();
    for group in groups.map_err(told)?.target_groups() {
        let health = client.describe_target_health();
        let health = health.set_target_group_arn(group.target_group_arn.clone()).send().await;
        let health = health.map_err(told)?;
        let states = health.target_health_descriptions().iter();
        let states: Vec<_> = states.filter_map(|one| one.target_health()?.state()).collect();
        let well = states.iter().filter(|s| ***s == TargetHealthStateEnum::Healthy).count();
        found.push(TargetHealth { total: states.len() as u32, healthy: well as u32 });
    }
    Ok(load_balancer_healthy(found.into_iter()))
}
