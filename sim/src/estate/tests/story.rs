//! Regions die in several ways.

use bowline_core::model::{Mono, Site, Span};
use bowline_core::op::{
    Answer, CloudWatchOp, ElbOp, Fault, LoadBalancerSelector, Metric, Op, Route53Op,
};

use super::rig::*;

#[test]
fn in_peace_everybody_is_served_by_home() {
    let mut rig = Rig::new(1);
    rig.pass(Span::mins(10));
    let seen = rig.seen();
    assert_eq!((seen.reads_failing_permille, seen.writes_failing_permille), (0, 0));
    assert_eq!((seen.at_home_permille, seen.reads.weighted), (1_000, Span::ZERO));
    assert_eq!(rig.site().as_deref(), Some("home"));
}

#[test]
fn in_peace_hardly_anything_is_an_event() {
    let mut rig = Rig::new(2);
    let before = rig.events;
    rig.pass(Span::mins(90));
    assert!(rig.events - before < 20, "{} events", rig.events - before);
}

#[test]
fn home_dies_and_a_failover_brings_the_users_back() {
    let mut rig = Rig::new(3);
    let died = rig.now;
    rig.dead(Site::Home, true);
    assert_eq!(rig.seen().reads_failing_permille, 1_000, "at once");
    assert!(matches!(rig.http(false), Err(Fault::Unknown(_))));
    rig.pass(Span::mins(2));
    rig.promote();
    rig.pods(STANDBY, 6);
    assert!(rig.shift().is_ok());
    rig.until("users are back", |rig| rig.seen().writes_failing_permille == 0);
    let seen = rig.seen();
    let outage = rig.now.since(died);
    assert!(seen.reads.longest_total < outage, "some were back before others");
    assert!(seen.reads.weighted > Span::mins(3) && seen.reads.weighted < outage, "{seen:?}");
    assert_eq!(seen.at_standby_permille, 1_000);
    assert_eq!(rig.site().as_deref(), Some("standby"));
    let door = rig.estate.database(STANDBY).unwrap();
    let lost = rig.estate.rds.missing(door, Mono(0), rig.now()) / 1_000;
    assert!(lost > 0 && lost < 1_000, "what had not arrived: {lost}");
}

#[test]
fn a_thawed_unfenced_old_writer_takes_the_writes_of_users_who_are_still_led_there() {
    let mut rig = Rig::new(4);
    rig.dead(Site::Home, true);
    rig.promote();
    rig.pods(STANDBY, 6);
    let door = rig.estate.database(STANDBY).unwrap();
    let missing = |rig: &Rig| rig.estate.rds.missing(door, Mono(0), rig.now());
    let before = missing(&rig);
    rig.dead(Site::Home, false);
    rig.pass(Span::secs(10));
    assert_eq!(missing(&rig) - before, 50 * 10 * 1_000, "fifty a second");
}

#[test]
fn without_any_lever_route53_does_not_fail_over_by_itself() {
    let mut rig = Rig::new(5);
    rig.dead(Site::Home, true);
    rig.pass(Span::mins(10));
    assert_eq!(rig.seen().at_home_permille, 1_000);
    let check = Route53Op::CheckStatus(rig.check(Site::Home));
    assert_eq!(rig.route53(check), Ok(Answer::CheckStatus { healthy: 0, of: 16 }));
}

#[test]
fn dead_targets_alone_leave_the_database_writing_nothing() {
    let mut rig = Rig::new(6);
    let (region, now) = (rig.region(Site::Home), rig.now());
    rig.estate.set_broken(&region, true, now, &mut rig.rng);
    let seen = rig.http(false).unwrap();
    assert_eq!((seen.status, seen.site), (500, None));
    let door = rig.estate.database(HOME).unwrap();
    let before = rig.estate.rds.acknowledged(door.group, rig.now);
    rig.pass(Span::mins(1));
    assert_eq!(rig.estate.rds.acknowledged(door.group, rig.now), before);
    assert!(rig.estate.rds.member(door, rig.now()).unwrap().up);
    let now = rig.now();
    rig.estate.set_broken(&region, false, now, &mut rig.rng);
    assert_eq!(rig.seen().writes_failing_permille, 0);
}

#[test]
fn a_dead_database_alone_turns_targets_and_checks_red() {
    let mut rig = Rig::new(7);
    let (region, now) = (rig.region(Site::Home), rig.now());
    rig.estate.set_database_dead(&region, true, now, &mut rig.rng);
    assert_eq!(rig.http(false).map(|seen| seen.status), Ok(500));
    rig.pass(Span::mins(1));
    let check = Route53Op::CheckStatus(rig.check(Site::Home));
    assert_eq!(rig.route53(check), Ok(Answer::CheckStatus { healthy: 0, of: 16 }));
    assert_eq!(targets(&mut rig, Site::Home), (6, 0));
    let now = rig.now();
    rig.estate.set_database_dead(&region, false, now, &mut rig.rng);
    rig.pass(Span::mins(1));
    assert_eq!(targets(&mut rig, Site::Home), (6, 6));
    assert_eq!(rig.seen().writes_failing_permille, 0);
}

/// Target health of the shop's group at a site, found as Bowline finds it.
fn targets(rig: &mut Rig, site: Site) -> (u32, u32) {
    let scope = rig.scope(site);
    let selector: &LoadBalancerSelector =
        rig.policy.site(site).load_balancers.values().next().unwrap();
    let find = Op::Elb(scope.clone(), ElbOp::Find(selector.clone()));
    let Ok(Answer::LoadBalancer(Some(found))) = rig.call(&find) else { panic!("no ALB") };
    let hosts = vec![rig.name()];
    let groups = ElbOp::TargetGroups { load_balancer: found.arn, hosts };
    let Ok(Answer::TargetGroups(groups)) = rig.call(&Op::Elb(scope.clone(), groups)) else {
        panic!("no groups");
    };
    match rig.call(&Op::Elb(scope, ElbOp::TargetHealth(groups[0].clone()))) {
        Ok(Answer::Targets(health)) => (health.total, health.healthy),
        other => panic!("{other:?}"),
    }
}

#[test]
fn served_requests_are_progress_that_stops_with_the_outage() {
    let mut rig = Rig::new(8);
    let served = |rig: &mut Rig| {
        let arn = rig.estate.elb.describe(0).unwrap().arn.clone();
        let since = crate::part::wall(Mono(rig.now.0 - 240_000));
        let op = CloudWatchOp::Points { metric: Metric::Served(arn), since };
        let op = Op::CloudWatch(rig.scope(Site::Home), op);
        match rig.call(&op) {
            Ok(Answer::Points(points)) => points.last().map(|point| point.thousandths),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(served(&mut rig), Some((1_000 + 50) * 60 * 1_000));
    rig.dead(Site::Home, true);
    rig.pass(Span::mins(5));
    assert_eq!(served(&mut rig), None);
}

#[test]
fn a_planned_move_loses_no_write_and_costs_users_only_the_promotion() {
    let mut rig = Rig::new(9);
    let begun = rig.now;
    rig.pods(HOME, 0);
    rig.pass(Span::mins(1));
    rig.promote();
    rig.pods(STANDBY, 6);
    assert!(rig.shift().is_ok());
    rig.until("users are back", |rig| rig.seen().writes_failing_permille == 0);
    let door = rig.estate.database(STANDBY).unwrap();
    assert_eq!(rig.estate.rds.missing(door, Mono(0), rig.now()), 0);
    assert!(rig.seen().writes.weighted <= rig.now.since(begun));
}

#[test]
fn the_same_seed_is_the_same_story() {
    let story = |seed| {
        let mut rig = Rig::new(seed);
        rig.dead(Site::Home, true);
        rig.promote();
        rig.pods(STANDBY, 6);
        rig.shift().unwrap();
        rig.pass(Span::mins(5));
        (rig.now, rig.events, rig.seen())
    };
    assert_eq!(story(10), story(10));
    assert_ne!(story(10), story(11));
}
