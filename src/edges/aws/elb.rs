//! Elastic Load Balancing v2: load balancers, target groups behind rules, target health.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    Listener, LoadBalancer as SdkLoadBalancer, ProtocolEnum, Rule, Tag, TagDescription,
    TargetHealthStateEnum,
};

use bowline_core::model::{Host, LoadBalancerArn, TargetGroupArn, ZoneId};
use bowline_core::op::{Answer, ElbOp, Fault, LoadBalancer, LoadBalancerSelector, TargetHealth};

use super::budget::Pace;
use super::fault::fault;
use super::records::host;
use super::rules::{forwarded, reached};

/// The most pages of one list that are read.
const PAGES: usize = 4;

/// How many load balancers a page has: `DescribeLoadBalancers`' own limit.
const PAGE: i32 = 400;

/// How many load balancers `DescribeTags` takes at once.
const TAGGED: usize = 20;

/// The most load balancers that are looked through for tags.
const SEARCHED: usize = 200;

/// Tags that must all be there.
type Tags = BTreeMap<Arc<str>, Arc<str>>;

/// Makes one call.
pub(super) async fn perform(client: &Client, op: &ElbOp, pace: &Pace<'_>) -> Result<Answer, Fault> {
    match op {
        ElbOp::Find(LoadBalancerSelector::Arn(arn)) => {
            by_arn(client, arn, pace).await.map(Answer::LoadBalancer)
        }
        ElbOp::Find(LoadBalancerSelector::Tags(tags)) => {
            by_tags(client, tags, pace).await.map(Answer::LoadBalancer)
        }
        ElbOp::TargetGroups { load_balancer, hosts } => {
            let found = target_groups(client, load_balancer, hosts, pace).await;
            found.map(Answer::TargetGroups)
        }
        ElbOp::TargetHealth(group) => target_health(client, group, pace).await.map(Answer::Targets),
    }
}

// === Finding ===

async fn by_arn(
    client: &Client,
    arn: &LoadBalancerArn,
    pace: &Pace<'_>,
) -> Result<Option<LoadBalancer>, Fault> {
    pace.look()?;
    let told = client.describe_load_balancers().load_balancer_arns(&**arn).send().await;
    let told = match told.map_err(|e| fault(e, false)) {
        Err(Fault::NotFound(_)) => return Ok(None),
        other => other?,
    };
    told.load_balancers().first().map(seen).transpose()
}

async fn by_tags(
    client: &Client,
    tags: &Tags,
    pace: &Pace<'_>,
) -> Result<Option<LoadBalancer>, Fault> {
    if tags.is_empty() {
        return Err(Fault::Invalid("no tags to find a load balancer by".into()));
    }
    let all = load_balancers(client, pace).await?;
    let mut found = Vec::new();
    for some in all.chunks(TAGGED) {
        pace.look()?;
        let arns = some.iter().filter_map(|one| one.load_balancer_arn.clone()).collect();
        let told = client.describe_tags().set_resource_arns(Some(arns)).send().await;
        let told = told.map_err(|e| fault(e, false))?;
        let tagged = told.tag_descriptions().iter().filter(|one| has(one, tags));
        found.extend(tagged.filter_map(|one| one.resource_arn.clone()));
    }
    match found.as_slice() {
        [] => Ok(None),
        [arn] => {
            let ours = |one: &&SdkLoadBalancer| one.load_balancer_arn() == Some(arn);
            all.iter().find(ours).map(seen).transpose()
        }
        [first, second, ..] => Err(Fault::Invalid(format!(
            "{} load balancers have the tags {}, such as {first} and {second}; \
             name one by its ARN, or by tags that it alone has",
            found.len(),
            words(tags),
        ))),
    }
}

async fn load_balancers(client: &Client, pace: &Pace<'_>) -> Result<Vec<SdkLoadBalancer>, Fault> {
    pace.look()?;
    let told = client.describe_load_balancers().page_size(PAGE).send().await;
    let told = told.map_err(|e| fault(e, false))?;
    let all = told.load_balancers.unwrap_or_default();
    if all.len() > SEARCHED || told.next_marker.is_some() {
        return Err(Fault::Invalid(format!(
            "more than {SEARCHED} load balancers to look for tags in; name it by its ARN"
        )));
    }
    Ok(all)
}

fn has(seen: &TagDescription, wanted: &Tags) -> bool {
    let is = |tag: &Tag, key: &str, value: &str| {
        tag.key() == Some(key) && tag.value().unwrap_or_default() == value
    };
    wanted.iter().all(|(key, value)| seen.tags().iter().any(|tag| is(tag, key, value)))
}

fn words(tags: &Tags) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

fn seen(one: &SdkLoadBalancer) -> Result<LoadBalancer, Fault> {
    let arn = one.load_balancer_arn().unwrap_or_default();
    let lacks = |what: &str| Fault::Invalid(format!("load balancer {arn:?} has no {what}"));
    let dns_name = one.dns_name().ok_or_else(|| lacks("DNS name"))?;
    let zone = one.canonical_hosted_zone_id().ok_or_else(|| lacks("hosted zone"))?;
    Ok(LoadBalancer { arn: arn.into(), dns_name: host(dns_name), zone: ZoneId::new(zone) })
}

// === Target groups ===

async fn target_groups(
    client: &Client,
    load_balancer: &LoadBalancerArn,
    hosts: &[Host],
    pace: &Pace<'_>,
) -> Result<Vec<TargetGroupArn>, Fault> {
    let mut found: Vec<TargetGroupArn> = Vec::new();
    for listener in listeners(client, load_balancer, pace).await? {
        let behind = if has_rules(&listener) {
            let arn = listener.listener_arn().unwrap_or_default();
            let mut rules = rules(client, arn, pace).await?;
            rules.push(default_rule(&listener));
            hosts.iter().flat_map(|host| reached(&rules, host)).collect()
        } else {
            forwarded(listener.default_actions())
        };
        for group in behind {
            if !found.contains(&group) {
                found.push(group);
            }
        }
    }
    Ok(found)
}

/// The listener's own word for its default rule, should the list of rules leave it out.
fn default_rule(listener: &Listener) -> Rule {
    let actions = listener.default_actions().to_vec();
    Rule::builder().priority("default").is_default(true).set_actions(Some(actions)).build()
}

/// Only what speaks HTTP looks at hosts; a network load balancer sends everything on.
fn has_rules(listener: &Listener) -> bool {
    matches!(listener.protocol(), Some(ProtocolEnum::Http | ProtocolEnum::Https))
}

async fn listeners(
    client: &Client,
    load_balancer: &LoadBalancerArn,
    pace: &Pace<'_>,
) -> Result<Vec<Listener>, Fault> {
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES {
        pace.look()?;
        let request = client.describe_listeners().load_balancer_arn(&**load_balancer);
        let told = request.set_marker(marker).send().await.map_err(|e| fault(e, false))?;
        found.extend(told.listeners.unwrap_or_default());
        marker = told.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
    Err(Fault::Invalid(format!("{load_balancer}: more than {PAGES} pages of listeners")))
}

async fn rules(client: &Client, listener: &str, pace: &Pace<'_>) -> Result<Vec<Rule>, Fault> {
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES {
        pace.look()?;
        let request = client.describe_rules().listener_arn(listener).set_marker(marker);
        let told = request.send().await.map_err(|e| fault(e, false))?;
        found.extend(told.rules.unwrap_or_default());
        marker = told.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
    Err(Fault::Invalid(format!("{listener}: more than {PAGES} pages of rules")))
}

/// A target that is being deregistered is no longer one.
async fn target_health(
    client: &Client,
    group: &TargetGroupArn,
    pace: &Pace<'_>,
) -> Result<TargetHealth, Fault> {
    pace.look()?;
    let told = client.describe_target_health().target_group_arn(&**group).send().await;
    let told = told.map_err(|e| fault(e, false))?;
    let mut health = TargetHealth::default();
    for target in told.target_health_descriptions() {
        match target.target_health().and_then(|health| health.state()) {
            Some(TargetHealthStateEnum::Draining) => {}
            state => {
                health.total += 1;
                health.healthy += u32::from(state == Some(&TargetHealthStateEnum::Healthy));
            }
        }
    }
    Ok(health)
}

#[cfg(test)]
#[path = "elb_tests.rs"]
mod tests;
