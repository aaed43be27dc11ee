//! Load balancers as Bowline, Route 53 and users meet them.

use bowline_core::op::TargetHealth;

use super::*;
use crate::part::{EPOCH, at, wall};

fn rng() -> fastrand::Rng {
    fastrand::Rng::with_seed(6)
}

fn group(arn: &str, hosts: &[&str]) -> TargetGroupSpec {
    TargetGroupSpec {
        arn: arn.into(),
        hosts: hosts.iter().map(|host| (*host).into()).collect(),
        interval: Span::secs(5),
        healthy: 2,
        unhealthy: 2,
    }
}

fn alb(region: &str, name: &str, groups: Vec<TargetGroupSpec>) -> LoadBalancerSpec {
    let found = LoadBalancer {
        arn: format!("arn:{name}").into(),
        dns_name: Host::new(format!("{name}.elb")),
        zone: canonical_zone(),
    };
    let tags = BTreeMap::from([("stack".into(), name.into()), ("team".into(), "shop".into())]);
    LoadBalancerSpec { region: region.into(), found, tags, groups }
}

/// A shared ALB at home and one at standby.
fn world() -> Elb {
    let mut elb = Elb::default();
    let shared = vec![group("shop", &["shop.example.com"]), group("blog", &["blog.example.com"])];
    elb.add(alb("home", "front", shared), at(Mono(0)), &mut rng());
    let default = vec![group("standby", &[])];
    elb.add(alb("standby", "spare", default), at(Mono(0)), &mut rng());
    elb
}

fn run(elb: &mut Elb, until: u64) {
    while let Some(next) = elb.next().filter(|next| next.0 <= until) {
        elb.advance(at(next), &mut rng());
    }
}

fn set(elb: &mut Elb, arn: &str, counts: (u32, u32), now: u64) {
    elb.set_targets(&arn.into(), counts, at(Mono(now)), &mut rng());
}

#[test]
fn a_load_balancer_is_found_by_arn_or_by_tags_that_are_all_there() {
    let elb = world();
    let tags = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        LoadBalancerSelector::Tags(pairs.collect())
    };
    for (selector, wanted) in [
        (LoadBalancerSelector::Arn("arn:front".into()), true),
        (LoadBalancerSelector::Arn("arn:spare".into()), false),
        (tags(&[("stack", "front"), ("team", "shop")]), true),
        (tags(&[("stack", "front"), ("team", "blog")]), false),
        (tags(&[("stack", "spare")]), false),
    ] {
        let op = ElbOp::Find(selector);
        let Ok(Answer::LoadBalancer(found)) = elb.perform(&"home".into(), &op, at(Mono(0))) else {
            panic!("{op:?}");
        };
        assert_eq!(found.is_some(), wanted, "{op:?}");
    }
}

#[test]
fn target_groups_are_those_whose_host_rules_match_and_a_default_matches_all() {
    let elb = world();
    let of = |region: &str, arn: &str, host: &str| {
        let op = ElbOp::TargetGroups { load_balancer: arn.into(), hosts: vec![host.into()] };
        elb.perform(&region.into(), &op, at(Mono(0)))
    };
    let groups =
        |arns: &[&str]| Ok(Answer::TargetGroups(arns.iter().map(|arn| (*arn).into()).collect()));
    assert_eq!(of("home", "arn:front", "shop.example.com"), groups(&["shop"]));
    assert_eq!(of("home", "arn:front", "else.example.com"), groups(&[]));
    assert_eq!(of("standby", "arn:spare", "else.example.com"), groups(&["standby"]));
    assert!(matches!(of("standby", "arn:front", "x"), Err(Fault::NotFound(_))), "elsewhere");
}

#[test]
fn target_health_counts_targets() {
    let mut elb = world();
    set(&mut elb, "shop", (3, 2), 0);
    let op = ElbOp::TargetHealth("shop".into());
    let health = elb.perform(&"home".into(), &op, at(Mono(20_000)));
    assert_eq!(health, Ok(Answer::Targets(TargetHealth { total: 3, healthy: 2 })));
    let op = ElbOp::TargetHealth("none".into());
    assert!(matches!(elb.perform(&"home".into(), &op, at(Mono(0))), Err(Fault::NotFound(_))));
}

#[test]
fn an_empty_target_group_makes_the_load_balancer_unhealthy() {
    let mut elb = world();
    assert_eq!(elb.healthy(&"spare.elb".into()), Some(false));
    set(&mut elb, "standby", (2, 2), 0);
    run(&mut elb, 10_000);
    assert_eq!(elb.healthy(&"spare.elb".into()), Some(true));
    set(&mut elb, "standby", (0, 0), 20_000);
    assert_eq!(elb.healthy(&"spare.elb".into()), Some(false), "scaled to zero: at once");
    assert_eq!(elb.healthy(&"nobody.elb".into()), None);
}

#[test]
fn one_broken_application_makes_a_shared_load_balancer_unhealthy() {
    let mut elb = world();
    set(&mut elb, "shop", (3, 3), 0);
    set(&mut elb, "blog", (2, 2), 0);
    run(&mut elb, 10_000);
    let before = elb.generation();
    assert_eq!(elb.healthy(&"front.elb".into()), Some(true));
    set(&mut elb, "blog", (2, 0), 60_000);
    assert_eq!(elb.generation(), before, "not before its threshold");
    run(&mut elb, 75_000);
    assert_eq!(elb.healthy(&"front.elb".into()), Some(false));
    assert!(elb.generation() > before);
}

#[test]
fn the_addresses_of_its_name_change_and_the_former_ones_still_lead_to_it() {
    let mut elb = world();
    let before = elb.addresses(1).to_vec();
    run(&mut elb, 3 * 3_600_000);
    let after = elb.addresses(1).to_vec();
    assert_ne!(before, after);
    for address in before.into_iter().chain(after) {
        assert_eq!(elb.owner(address), Some(1), "{address}");
    }
    assert_eq!(elb.owner(IpAddr::V4(Ipv4Addr::new(100, 9, 0, 0))), None);
    assert_eq!(elb.owner(IpAddr::V4(Ipv4Addr::LOCALHOST)), None);
}

#[test]
fn served_requests_are_counted_by_the_minute() {
    let mut elb = world();
    elb.set_served(0, 100, at(Mono(0)));
    elb.set_served(0, 0, at(Mono(90_000)));
    let arn = "arn:front".into();
    let Answer::Points(points) = elb.points(&"home".into(), &arn, EPOCH, at(Mono(300_000))) else {
        panic!("no points");
    };
    let counted: Vec<_> = points.iter().map(|point| (point.at, point.thousandths)).collect();
    assert_eq!(counted, [(EPOCH, 6_000_000), (wall(Mono(60_000)), 3_000_000)]);
    let elsewhere = elb.points(&"standby".into(), &arn, EPOCH, at(Mono(300_000)));
    assert_eq!(elsewhere, Answer::Points(vec![]));
}

#[test]
fn a_further_target_group_counts_at_once() {
    let mut elb = world();
    set(&mut elb, "standby", (1, 1), 0);
    run(&mut elb, 10_000);
    assert_eq!(elb.healthy(&"spare.elb".into()), Some(true));
    elb.add_group(1, group("other", &["other.example.com"]));
    set(&mut elb, "standby", (2, 2), 20_000);
    assert_eq!(elb.healthy(&"spare.elb".into()), Some(false));
    assert_eq!(elb.describe(1).map(|found| found.dns_name.as_str()), Some("spare.elb"));
    assert_eq!(elb.named(&"spare.elb".into()), Some(1));
}
