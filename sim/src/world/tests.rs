//! The parts together: peace, troubles of each kind, and a move made by hand.

use std::net::IpAddr;
use std::sync::Arc;

use bowline_core::model::{Host, JobRef, Span, WorkloadRef};
use bowline_core::op::{
    Answer, CloudWatchOp, ElbOp, Fault, HttpSeen, KubeOp, Metric, Op, ProbeOp, RdsOp, RecordSet,
    Route53Op,
};
use bowline_core::policy::{Lever, examples};

use super::bench::{Bench, HOME, NOTHING, STANDBY, WRITES, probe, ready};
use super::*;
use crate::aws::rds::DoorId;
use crate::faults::Trouble;
use crate::part::at;

#[test]
fn in_peace_home_serves_and_standby_stands_by() {
    for seed in 0..10 {
        let bench = Bench::shop(seed);
        assert_eq!(bench.serves(HOME), WRITES);
        assert_eq!(bench.told(), Some(Site::Home));
        assert_eq!(bench.failing(), 0);
        assert_eq!(
            [ready(&bench, Site::Home, "web"), ready(&bench, Site::Standby, "web")],
            [12, 0]
        );
        let home = bench.world.rds.member(HOME, at(bench.now)).unwrap();
        let standby = bench.world.rds.member(STANDBY, at(bench.now)).unwrap();
        assert!(home.accepts_writes && !standby.writer && standby.streaming);
        let view = bench.world.users.view(0, bench.now);
        assert_eq!((view.reads.weighted, view.at_home_permille), (Span::ZERO, 1_000));
    }
}

#[test]
fn in_peace_the_standby_is_parked() {
    let mut bench = Bench::shop(1);
    let pool = bench.kube(Site::Standby, KubeOp::Pool("dr".into()));
    let Answer::Pool(view) = bench.answer(&pool) else { panic!() };
    assert_eq!(view.limits, [(Arc::from("cpu"), 0)].into());
    let job = JobRef { namespace: "shop".into(), name: "invoices".into() };
    for (site, suspended) in [(Site::Home, false), (Site::Standby, true)] {
        let read = bench.kube(site, KubeOp::Job(job.clone()));
        let Answer::Job(view) = bench.answer(&read) else { panic!() };
        assert_eq!(view.suspended, suspended);
    }
}

#[test]
fn in_peace_the_zone_is_armed() {
    let mut bench = Bench::shop(1);
    let Lever::Records(lever) = bench.policy.lever.clone() else { panic!() };
    let closed = Route53Op::HealthCheck(lever.closed_health_check.clone());
    let Answer::HealthCheck(check) = bench.answer(&Op::Route53(None, closed)) else { panic!() };
    assert!(check.always_closed());
    for record in &lever.names {
        let (zone, name) = (record.zone.clone(), record.name.clone());
        let op = Op::Route53(None, Route53Op::Records { zone, name });
        let Answer::Records(sets) = bench.answer(&op) else { panic!() };
        assert_eq!(sets.len(), 4, "A and AAAA for each site");
        let closed = Some(&lever.closed_health_check);
        let armed = |set: &&RecordSet| {
            (set.health_check.as_ref() == closed)
                == (set.set_identifier.as_deref() == Some("standby"))
        };
        assert!(sets.iter().all(|set| armed(&set)));
    }
}

#[test]
fn s10_in_peace_replication_has_fresh_points() {
    let mut bench = Bench::shop(1);
    bench.pass(Span::mins(5));
    let since = at(bench.now).wall - Span::mins(5);
    let metric = Metric::ReplicaLag("shop-standby".into());
    let op = Op::CloudWatch(bench.scope(Site::Standby), CloudWatchOp::Points { metric, since });
    let Answer::Points(points) = bench.answer(&op) else { panic!() };
    assert!(points.len() >= 2 && points.iter().all(|point| point.thousandths < 20_000));
}

#[test]
fn s11_an_answer_says_which_site_gave_it() {
    let mut bench = Bench::shop(1);
    let public = Host::new("shop.example.com");
    let Outcome::Answered(Ok(Answer::Http(seen))) = bench.http(&public, "shop.example.com", false)
    else {
        panic!()
    };
    assert_eq!((seen.status, seen.site.as_deref()), (200, Some("home")));
    let standby = bench.load_balancer(Site::Standby);
    let Outcome::Answered(Ok(Answer::Http(seen))) = bench.http(&standby, "shop.example.com", false)
    else {
        panic!()
    };
    assert_eq!((seen.status, seen.site), (503, None), "the load balancer itself has no target");
    let wrong = bench.http(&standby, "other.example.com", false);
    assert!(matches!(wrong, Outcome::Answered(Ok(Answer::Http(HttpSeen { status: 404, .. })))));
    let nowhere = bench.http(&"nowhere.example.com".into(), "shop.example.com", false);
    assert!(matches!(nowhere, Outcome::Answered(Err(Fault::Transient(_)))));
}

#[test]
fn every_authoritative_server_leads_to_homes_load_balancer() {
    let mut bench = Bench::shop(1);
    let Lever::Records(lever) = bench.policy.lever.clone() else { panic!() };
    let zone = Op::Route53(None, Route53Op::Zone(lever.names[0].zone.clone()));
    let Answer::Zone(info) = bench.answer(&zone) else { panic!() };
    assert_eq!(info.apex, "example.com".into());
    let name = bench.load_balancer(Site::Home);
    let resolve = Op::Probe(ProbeOp::Resolve { name });
    let Answer::Resolved(_, own) = bench.answer(&resolve) else { panic!() };
    for server in info.name_servers {
        let name = lever.names[1].name.clone();
        let ask = Op::Probe(ProbeOp::Authoritative { server, name });
        let Answer::Addresses(found) = bench.answer(&ask) else { panic!() };
        assert!(!found.is_empty() && found.iter().all(|address: &IpAddr| own.contains(address)));
    }
}

#[test]
fn a_write_probe_is_a_counted_write() {
    let mut bench = Bench::shop(1);
    let before = bench.world.rds.acknowledged(0, bench.now);
    let seen = bench.http(&"shop.example.com".into(), "shop.example.com", true);
    assert!(matches!(seen, Outcome::Answered(Ok(Answer::Http(HttpSeen { status: 200, .. })))));
    assert_eq!(bench.world.rds.acknowledged(0, bench.now), before + crate::aws::rds::WRITE);
}

#[test]
fn s9_a_dead_region_answers_nothing_at_all() {
    let mut bench = Bench::shop(1);
    let balancer = bench.load_balancer(Site::Home);
    bench.begin(&Trouble::RegionDead(bench.region(Site::Home)));
    assert!(bench.world.is_dead(&bench.region(Site::Home)));
    let metric = Metric::Connections("shop-home".into());
    let since = at(Mono(0)).wall;
    for op in [
        bench.kube(Site::Home, KubeOp::Ready),
        bench.rds(Site::Home, RdsOp::Describe("shop-home".into())),
        Op::Elb(bench.scope(Site::Home), ElbOp::TargetHealth("x".into())),
        Op::CloudWatch(bench.scope(Site::Home), CloudWatchOp::Points { metric, since }),
        probe(&balancer, "shop.example.com", false),
        probe(&"shop.example.com".into(), "shop.example.com", false),
    ] {
        assert_eq!(bench.call(&op), Outcome::Silent, "{op:?}");
    }
    assert_eq!(bench.failing(), 1_000);
    bench.answer(&bench.kube(Site::Standby, KubeOp::Ready));
}

#[test]
fn with_both_sites_unhealthy_the_answer_stays_home() {
    let mut bench = Bench::shop(1);
    bench.begin(&Trouble::RegionDead(bench.region(Site::Home)));
    bench.pass(Span::mins(10));
    assert!(
        !bench.world.route53.healthy(&"11111111-2222-3333-4444-555555555555".into(), at(bench.now))
    );
    assert_eq!(bench.told(), Some(Site::Home), "the closed check keeps Route 53 from moving");
}

#[test]
fn a_dead_region_comes_back_as_it_was_with_its_writer() {
    let mut bench = Bench::shop(3);
    let home = Trouble::RegionDead(bench.region(Site::Home));
    bench.begin(&home);
    bench.pass(Span::mins(30));
    assert_eq!(bench.serves(HOME), NOTHING);
    bench.end(&home);
    bench.until("home serves again", |b| b.serves(HOME) == WRITES);
    let member = bench.world.rds.member(HOME, at(bench.now)).unwrap();
    assert!(member.writer && member.accepts_writes && member.open);
    assert_eq!(ready(&bench, Site::Home, "web"), 12);
    bench.pass(Span::mins(3));
    assert_eq!(bench.failing(), 0);
}

#[test]
fn troubles_that_overlap_end_one_by_one() {
    let mut bench = Bench::shop(3);
    let region = bench.region(Site::Home);
    let (dead, data) = (Trouble::RegionDead(region.clone()), Trouble::DatabaseDown(region.clone()));
    bench.begin(&dead);
    bench.begin(&dead);
    bench.begin(&data);
    bench.pass(Span::mins(1));
    bench.end(&dead);
    assert!(bench.world.is_dead(&region), "it died twice");
    bench.end(&dead);
    assert!(!bench.world.is_dead(&region));
    bench.pass(Span::mins(5));
    assert_eq!(bench.serves(HOME), NOTHING, "the database is still down");
    bench.end(&data);
    bench.until("home serves again", |b| b.serves(HOME) == WRITES);
}

#[test]
fn targets_down_leaves_apis_and_the_database_alone() {
    let mut bench = Bench::shop(1);
    bench.begin(&Trouble::TargetsDown(bench.region(Site::Home)));
    assert_eq!(bench.serves(HOME), NOTHING);
    bench.answer(&bench.kube(Site::Home, KubeOp::Ready));
    assert!(bench.world.rds.member(HOME, at(bench.now)).unwrap().up);
    let arn = bench.world.groups()[0].site(Site::Home).load_balancers[0].1.clone();
    let health = Op::Elb(bench.scope(Site::Home), ElbOp::TargetHealth(arn));
    bench.until("targets are unhealthy", |b| {
        let Answer::Targets(targets) = b.answer(&health) else { panic!() };
        (targets.healthy, targets.total) == (0, 12)
    });
    bench.end(&Trouble::TargetsDown(bench.region(Site::Home)));
    assert_eq!(bench.serves(HOME), WRITES);
}

#[test]
fn a_dead_database_takes_the_application_with_it() {
    let mut bench = Bench::shop(1);
    let trouble = Trouble::DatabaseDown(bench.region(Site::Home));
    bench.begin(&trouble);
    assert_eq!(bench.serves(HOME), NOTHING);
    assert_eq!(ready(&bench, Site::Home, "web"), 12);
    bench.end(&trouble);
    bench.until("home serves again", |b| b.serves(HOME) == WRITES);
}

#[test]
fn regions_apart_stop_replication_and_nothing_else() {
    let mut bench = Bench::shop(1);
    bench.begin(&Trouble::RegionsApart);
    assert!(!bench.world.rds.member(STANDBY, at(bench.now)).unwrap().streaming);
    assert_eq!(bench.serves(HOME), WRITES);
    bench.end(&Trouble::RegionsApart);
    assert!(bench.world.rds.member(STANDBY, at(bench.now)).unwrap().streaming);
}

#[test]
fn a_move_made_by_hand_leads_users_to_standby() {
    let mut bench = Bench::shop(5);
    bench.begin(&Trouble::RegionDead(bench.region(Site::Home)));
    let died = bench.now;
    bench.pass(Span::mins(1));
    bench.open_pool();
    let promote = bench.rds(Site::Standby, RdsOp::Promote("shop-standby".into()));
    bench.answer(&promote);
    bench.until("promoted", |b| {
        b.world.rds.member(STANDBY, at(b.now)).is_some_and(|m| m.writer && m.up)
    });
    bench.scale(Site::Standby, 12);
    bench.until("ready", |b| b.serves(STANDBY) == WRITES && ready(b, Site::Standby, "web") == 12);
    for (name, zone) in bench.world.groups()[0].names.clone() {
        bench.shift(&name, &zone);
        bench.pass(Span::secs(1));
    }
    bench.until("answers", |b| b.told() == Some(Site::Standby));
    bench.until("users", |b| b.failing() == 0);
    let outage = bench.world.users.view(0, bench.now).reads;
    assert!(outage.weighted > Span::mins(3) && outage.weighted <= bench.now.since(died));
    assert!(bench.world.rds.missing(STANDBY, Mono(0), at(bench.now)) > 0, "lag is loss");
}

#[test]
fn two_groups_share_a_cluster_and_a_zone() {
    let mut minimal = examples::minimal();
    let shop = examples::shop();
    minimal.home.cluster = shop.home.cluster.clone();
    minimal.standby.cluster = shop.standby.cluster.clone();
    let bench = Bench::new(vec![shop, minimal], 1);
    let groups = bench.world.groups();
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0].names[0].1, groups[1].names[0].1, "one zone");
    assert_eq!((groups[0].database, groups[1].database), (Some(0), None));
    for group in [0, 1] {
        assert_eq!(bench.world.app.serves(DoorId { group, site: Site::Home }), WRITES);
        assert!(groups[group].answers.iter().all(|told| told.site == Some(Site::Home)));
    }
    let site = WorkloadRef {
        kind: bowline_core::model::WorkloadKind::Deployment,
        namespace: "site".into(),
        name: "web".into(),
    };
    let cluster = bench.world.cluster(&bench.policy.home.cluster).unwrap();
    assert_eq!(cluster.workload(&site).unwrap().ready, 12);
}

#[test]
fn gates_open_and_close_by_one_object() {
    use bowline_core::model::{Claim, Epoch};
    use bowline_core::op::GateOp;
    use bowline_core::policy::GatesLever;
    let mut policy = examples::shop();
    let Lever::Records(records) = policy.lever.clone() else { panic!() };
    policy.lever = Lever::Gates(GatesLever {
        role: None,
        object: "s3://gates/shop".into(),
        home_check: "gate-home".into(),
        standby_check: "gate-standby".into(),
        names: records.names,
    });
    let mut bench = Bench::new(vec![policy], 1);
    assert_eq!(bench.told(), Some(Site::Home));
    let version = bench.world.gates.view("s3://gates/shop").unwrap().version.clone();
    let claim = Claim::new(Epoch(1), "r".into());
    let object = "s3://gates/shop".into();
    let write = GateOp::Write { object, version: Some(version), open: Site::Standby, claim };
    bench.answer(&Op::Gate(None, write));
    let took = bench.until("the gate", |b| b.told() == Some(Site::Standby));
    assert!(took >= Span::secs(15) && took <= Span::secs(60), "{took}");
}

#[test]
fn the_same_seed_builds_the_same_world() {
    let look = |seed| {
        let mut bench = Bench::shop(seed);
        bench.begin(&Trouble::RegionDead(bench.region(Site::Home)));
        bench.pass(Span::mins(20));
        format!("{:?}", bench.world)
    };
    assert_eq!(look(4), look(4));
    assert_ne!(look(4), look(5));
}

#[test]
fn changes_are_told_once() {
    let mut bench = Bench::shop(1);
    assert_eq!(bench.world.drain_news().count(), 0, "peace is no news");
    bench.begin(&Trouble::TargetsDown(bench.region(Site::Home)));
    let news: Vec<_> = bench.world.drain_news().collect();
    assert_eq!(news, [News::Serves(0, Site::Home, NOTHING)]);
    assert_eq!(bench.world.drain_news().count(), 0);
}
