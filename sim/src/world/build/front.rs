//! Load balancers: found by what the policy says, one target group behind each for each group.

use bowline_core::model::{Now, Region, Site, Span, TargetGroupArn};
use bowline_core::op::{LoadBalancer, LoadBalancerSelector};
use bowline_core::policy::{Policy, RecordName};

use super::super::World;
use super::dns;
use crate::aws::elb::{LoadBalancerSpec, TargetGroupSpec, canonical_zone};
use crate::part::at;

/// Target health checks, as the load-balancer controller sets them by default: every 15 s, two of
/// either kind.
const CHECKS: (Span, u32, u32) = (Span::secs(15), 2, 2);

/// The load balancers of a group at a site, by number, each with the group's target group.
pub(super) fn load_balancers(
    world: &mut World,
    policy: &Policy,
    site: Site,
    rng: &mut fastrand::Rng,
) -> Vec<(usize, TargetGroupArn)> {
    let part = policy.site(site);
    let region = &part.scope.region;
    let mut found = Vec::new();
    for (name, selector) in &part.load_balancers {
        let number = match world.elb.select(region, selector) {
            Some(number) => number,
            None => create(world, region, selector, rng),
        };
        let arn: TargetGroupArn =
            format!("arn:aws:elasticloadbalancing:{region}:targetgroup/{}-{name}", policy.group)
                .into();
        let leads_here = |record: &&RecordName| record.load_balancer == *name;
        let hosts = dns::records(policy).iter().filter(leads_here).map(|r| r.name.clone());
        let (interval, healthy, unhealthy) = CHECKS;
        let hosts = hosts.collect();
        let group = TargetGroupSpec { arn: arn.clone(), hosts, interval, healthy, unhealthy };
        world.elb.add_group(number, group);
        found.push((number, arn));
    }
    found
}

fn create(
    world: &mut World,
    region: &Region,
    selector: &LoadBalancerSelector,
    rng: &mut fastrand::Rng,
) -> usize {
    let id = rng.u32(..);
    let arn = || format!("arn:aws:elasticloadbalancing:{region}:loadbalancer/app/k8s-{id:08x}");
    let (arn, tags) = match selector {
        LoadBalancerSelector::Arn(arn) => (arn.clone(), Default::default()),
        LoadBalancerSelector::Tags(tags) => (arn().into(), tags.clone()),
    };
    let dns_name = format!("k8s-{id:08x}.{region}.elb.amazonaws.com").as_str().into();
    let found = LoadBalancer { arn, dns_name, zone: canonical_zone() };
    let spec = LoadBalancerSpec { region: region.clone(), found, tags, groups: Vec::new() };
    let now: Now = at(bowline_core::model::Mono(0));
    world.elb.add(spec, now, rng)
}
