//! A site's load balancer: tags, a target group, a listener, and a rule for the host.

use anyhow::{Context, Result};
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, HostHeaderConditionConfig, LoadBalancer,
    ProtocolEnum, RuleCondition, Tag, TargetDescription, TargetTypeEnum,
};
use serde::Serialize;

use super::{Config, Site};
use crate::aws::told;

/// Seconds between two looks at a target: the least that ELB takes.
const INTERVAL_SECS: i32 = 5;
/// Looks that turn a target's health: the least that ELB takes.
const THRESHOLD: i32 = 2;

/// A load balancer that was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) arn: String,
    pub(super) dns_name: String,
    pub(super) hosted_zone: String,
    pub(super) target_group: String,
}

/// Makes it all; nothing answers but what the host's rule leads to the target.
pub(super) async fn make(client: &Client, config: &Config, site: &Site) -> Result<Made> {
    let balancer = create(client, site).await?;
    let arn = balancer.load_balancer_arn.context("a load balancer without an ARN")?;
    let target_group = target_group(client, site).await?;
    let listener = client
        .create_listener()
        .load_balancer_arn(&arn)
        .protocol(ProtocolEnum::Http)
        .port(config.port.into())
        .default_actions(nobody_there()?);
    let listener = listener.send().await.map_err(told)?;
    let listener = listener.listeners().first().and_then(|l| l.listener_arn());
    let host = HostHeaderConditionConfig::builder().values(&config.name).build();
    let condition = RuleCondition::builder().field("host-header").host_header_config(host);
    let forward = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(&target_group);
    client
        .create_rule()
        .listener_arn(listener.context("a listener without an ARN")?)
        .priority(1)
        .conditions(condition.build())
        .actions(forward.build())
        .send()
        .await
        .map_err(told)?;
    Ok(Made {
        arn,
        dns_name: balancer.dns_name.context("a load balancer without a name")?,
        hosted_zone: balancer.canonical_hosted_zone_id.context("one without a zone")?,
        target_group,
    })
}

async fn create(client: &Client, site: &Site) -> Result<LoadBalancer> {
    let tag = |key: &str, value: String| Tag::builder().key(key).value(value).build();
    let made = client
        .create_load_balancer()
        .name("shop")
        .tags(tag("elbv2.k8s.aws/cluster", format!("shop-{}", site.name)))
        .tags(tag("ingress.k8s.aws/stack", "shop/web".to_owned()));
    let made = made.send().await.map_err(told)?;
    made.load_balancers.into_iter().flatten().next().context("no load balancer was made")
}

async fn target_group(client: &Client, site: &Site) -> Result<String> {
    let made = client
        .create_target_group()
        .name("shop-web")
        .protocol(ProtocolEnum::Http)
        .port(site.target.port().into())
        .vpc_id("vpc-11111111")
        .target_type(TargetTypeEnum::Ip)
        .health_check_path("/healthz")
        .health_check_interval_seconds(INTERVAL_SECS)
        .health_check_timeout_seconds(THRESHOLD)
        .healthy_threshold_count(THRESHOLD)
        .unhealthy_threshold_count(THRESHOLD);
    let made = made.send().await.map_err(told)?;
    let arn = made.target_groups().first().and_then(|group| group.target_group_arn());
    let arn = arn.context("a target group without an ARN")?.to_owned();
    let target = TargetDescription::builder().id(site.target.ip().to_string());
    let target = target.port(site.target.port().into()).build();
    let registered = client.register_targets().target_group_arn(&arn).targets(target);
    registered.send().await.map_err(told)?;
    Ok(arn)
}

/// What a request for another host gets.
fn nobody_there() -> Result<Action> {
    let answer = FixedResponseActionConfig::builder().status_code("404");
    let answer = answer.content_type("text/plain").message_body("no such host").build();
    let action = Action::builder().r#type(ActionTypeEnum::FixedResponse);
    Ok(action.fixed_response_config(answer).build())
}
