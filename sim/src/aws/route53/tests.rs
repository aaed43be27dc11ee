//! Route 53 as Bowline and as a resolver meet it.

use bowline_core::model::Span;
use bowline_core::op::Failover;

use super::*;
use crate::aws::dns_rules::alias_set;
use crate::part::at;

fn rng() -> fastrand::Rng {
    fastrand::Rng::with_seed(11)
}

fn shop() -> Host {
    "shop.example.com".into()
}

fn set(site: &str, role: Failover, check: &str) -> RecordSet {
    let elb = Host::new(format!("{site}.elb"));
    RecordSet { health_check: Some(check.into()), ..alias_set(&shop(), site, role, &elb) }
}

/// A zone whose home is active; `home` is home's check, `closed` the closed one.
fn world() -> Route53 {
    let mut route53 = Route53::default();
    let watches = Watches::Endpoint { interval: Span::secs(10), threshold: 3 };
    let never = Watches::Calculated { threshold: 1, children: vec![] };
    for (id, watches) in [("home", watches.clone()), ("standby", watches), ("closed", never)] {
        let spec = CheckSpec { id: id.into(), watches, disabled: false, inverted: false };
        route53.add_check(spec, &mut rng());
    }
    let name_servers = (1..=4).map(|n| Host::new(format!("ns-{n}.awsdns.test"))).collect();
    let info = ZoneInfo { apex: "example.com".into(), private: false, name_servers };
    let sets =
        [set("home", Failover::Primary, "home"), set("standby", Failover::Secondary, "closed")];
    route53.add_zone("Z1".into(), info, &sets).unwrap();
    route53
}

fn shift() -> Route53Op {
    Route53Op::Change {
        zone: "Z1".into(),
        delete: vec![
            set("home", Failover::Primary, "home"),
            set("standby", Failover::Secondary, "closed"),
        ],
        create: vec![
            set("home", Failover::Secondary, "closed"),
            set("standby", Failover::Primary, "standby"),
        ],
    }
}

/// To which load balancer a server leads, with all targets healthy.
fn leads(route53: &Route53, server: usize, now: Mono) -> String {
    let zone = "Z1".into();
    let question = Question { zone: &zone, server, name: &shop(), kind: RecordType::A };
    match route53.answer(&question, at(now), |_| true) {
        Leads::LoadBalancer(_, alias) => alias.dns_name.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_shift_shows_on_each_server_at_its_own_instant_and_is_insync_after_the_last() {
    let (mut route53, mut rng) = (world(), rng());
    let Ok(Answer::Change(id)) = route53.perform(&shift(), at(Mono(0)), &mut rng) else {
        panic!("not accepted");
    };
    let status = Route53Op::ChangeStatus(id);
    let mut moved = Vec::new();
    while let Some(next) = route53.next() {
        assert_eq!(
            route53.perform(&status, at(Mono(next.0 - 1)), &mut rng),
            Ok(Answer::Insync(false))
        );
        let before = route53.generation();
        route53.advance(at(next), &mut rng);
        assert!(route53.generation() > before);
        moved.push((0..4).filter(|s| leads(&route53, *s, next) == "standby.elb").count());
    }
    assert_eq!(moved, [1, 2, 3, 4]);
    assert_eq!(route53.perform(&status, at(Mono(60_000)), &mut rng), Ok(Answer::Insync(true)));
}

#[test]
fn the_same_shift_sent_again_is_refused_and_nothing_changes() {
    let (mut route53, mut rng) = (world(), rng());
    assert!(route53.perform(&shift(), at(Mono(0)), &mut rng).is_ok());
    let again = route53.perform(&shift(), at(Mono(5_000)), &mut rng);
    assert!(matches!(again, Err(Fault::Conflict(_))), "{again:?}");
    let roles: Vec<_> =
        route53.sets(&"Z1".into(), &shop()).iter().map(|set| set.failover).collect();
    assert_eq!(roles, [Some(Failover::Secondary), Some(Failover::Primary)]);
}

#[test]
fn a_latched_pair_stays_on_its_primary_when_the_primarys_check_turns_red() {
    let (mut route53, mut rng) = (world(), rng());
    route53.set_endpoint(&"home".into(), false, at(Mono(0)));
    let turn = route53.next().unwrap();
    route53.advance(at(turn), &mut rng);
    assert!(!route53.healthy(&"home".into(), at(turn)));
    assert_eq!(leads(&route53, 0, turn), "home.elb");
}

#[test]
fn a_turned_check_may_change_answers_and_says_so() {
    let (mut route53, mut rng) = (world(), rng());
    route53.set_endpoint(&"home".into(), false, at(Mono(0)));
    let (turn, before) = (route53.next().unwrap(), route53.generation());
    route53.advance(at(turn), &mut rng);
    assert!(route53.generation() > before);
    assert_eq!(route53.next(), None);
}

#[test]
fn check_status_has_a_tight_bucket_of_its_own() {
    let (mut route53, mut rng) = (world(), rng());
    let op = Route53Op::CheckStatus("home".into());
    for _ in 0..4 {
        let status = route53.perform(&op, at(Mono(0)), &mut rng);
        assert_eq!(status, Ok(Answer::CheckStatus { healthy: 16, of: 16 }));
    }
    let fifth = route53.perform(&op, at(Mono(0)), &mut rng);
    assert_eq!(fifth, Err(Fault::Throttled { after: None }));
    assert!(route53.perform(&Route53Op::Zone("Z1".into()), at(Mono(0)), &mut rng).is_ok());
}

#[test]
fn the_api_takes_fifty_calls_at_once_and_ten_a_second() {
    let (mut route53, mut rng) = (world(), rng());
    let op = Route53Op::Zone("Z1".into());
    let burst = (0..60).filter(|_| route53.perform(&op, at(Mono(0)), &mut rng).is_ok()).count();
    let later = (0..60).filter(|_| route53.perform(&op, at(Mono(1_000)), &mut rng).is_ok()).count();
    assert_eq!((burst, later), (50, 10));
}

#[test]
fn what_does_not_exist_is_not_found() {
    let (mut route53, mut rng) = (world(), rng());
    for op in [
        Route53Op::Zone("Z9".into()),
        Route53Op::Records { zone: "Z9".into(), name: shop() },
        Route53Op::ChangeStatus("C00000001".into()),
        Route53Op::ChangeStatus("C0".into()),
        Route53Op::ChangeStatus("nonsense".into()),
        Route53Op::HealthCheck("none".into()),
        Route53Op::CheckStatus("none".into()),
    ] {
        let result = route53.perform(&op, at(Mono(0)), &mut rng);
        assert!(matches!(result, Err(Fault::NotFound(_))), "{op:?}: {result:?}");
    }
    let unnamed = Route53Op::Records { zone: "Z1".into(), name: "x.example.com".into() };
    assert_eq!(route53.perform(&unnamed, at(Mono(0)), &mut rng), Ok(Answer::Records(vec![])));
}

#[test]
fn a_set_with_an_unknown_check_is_refused() {
    let (mut route53, mut rng) = (world(), rng());
    let create = vec![RecordSet {
        name: "new.example.com".into(),
        ..set("x", Failover::Primary, "nobody's")
    }];
    let op = Route53Op::Change { zone: "Z1".into(), delete: vec![], create };
    let result = route53.perform(&op, at(Mono(0)), &mut rng);
    assert!(matches!(result, Err(Fault::Invalid(_))), "{result:?}");
}

#[test]
fn a_server_is_found_by_its_name_in_the_zone_that_holds_the_name() {
    let mut route53 = world();
    let name_servers = vec!["ns-1.awsdns.test".into(), "ns-9.awsdns.test".into()];
    let info = ZoneInfo { apex: "shop.example.com".into(), private: false, name_servers };
    route53.add_zone("Z2".into(), info, &[]).unwrap();
    let found = |server: &str, name: &str| {
        route53.server(&server.into(), &name.into()).map(|(zone, n)| (zone.to_string(), n))
    };
    assert_eq!(found("ns-1.awsdns.test", "a.shop.example.com"), Some(("Z2".into(), 0)));
    assert_eq!(found("ns-2.awsdns.test", "a.shop.example.com"), Some(("Z1".into(), 1)));
    assert_eq!(found("ns-2.awsdns.test", "shop.example.org"), None);
}

#[test]
fn a_zone_nobody_has_leads_nowhere() {
    let route53 = world();
    let zone = "Z9".into();
    let question = Question { zone: &zone, server: 0, name: &shop(), kind: RecordType::A };
    assert_eq!(route53.answer(&question, at(Mono(0)), |_| true), Leads::Nowhere);
}
