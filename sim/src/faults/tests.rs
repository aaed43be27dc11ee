//! Each trouble does to calls what it says, and to no others.

use bowline_core::model::{GroupName, Host, Scope};
use bowline_core::op::{HttpProbe, StoreOp, TargetHealth};

use super::*;

fn region(name: &str) -> Region {
    name.into()
}

fn cluster() -> Cluster {
    Cluster::Context("home".into())
}

fn ready() -> Op {
    Op::Kube(cluster(), KubeOp::Ready)
}

fn store() -> Op {
    Op::Store(StoreOp::Intents)
}

fn append() -> Op {
    Op::Store(StoreOp::Append { group: GroupName::new("shop"), seq: 1, bytes: "{}".into() })
}

fn targets() -> Op {
    let scope = Scope { region: region("home"), role: None };
    Op::Elb(scope, ElbOp::TargetHealth("tg".into()))
}

fn status(id: &str) -> Op {
    Op::Route53(None, Route53Op::CheckStatus(id.into()))
}

fn http() -> Op {
    let host = Host::new("shop.example.com");
    Op::Probe(ProbeOp::Http(HttpProbe {
        connect: host.clone(),
        addresses: Vec::new(),
        tls: true,
        port: 443,
        host,
        path: "/healthz".into(),
        writes: false,
        site_header: None,
        timeout: Span::secs(3),
    }))
}

fn weather(trouble: Trouble) -> Weather {
    let mut weather = Weather::default();
    weather.begin(&trouble);
    weather
}

fn arrives(weather: &Weather, seat: usize, op: &Op, place: Place<'_>) -> bool {
    let mut rng = fastrand::Rng::with_seed(1);
    let there = weather.outward(seat, op, place, &mut rng);
    let back = weather.homeward(seat, op, place, &mut rng);
    assert_eq!(there, back, "a cut cuts both ways");
    there == Fate::Arrives(Span::ZERO)
}

#[test]
fn without_trouble_everything_arrives() {
    let weather = Weather::default();
    assert!(weather.fair());
    assert!(arrives(&weather, 0, &store(), Place::Management));
}

#[test]
fn a_trouble_that_ends_is_over() {
    let mut weather = weather(Trouble::Blind);
    assert!(!weather.fair());
    weather.end(&Trouble::Blind);
    assert!(weather.fair());
    weather.end(&Trouble::Blind);
}

#[test]
fn a_cut_to_one_region_leaves_the_rest_within_reach() {
    let home = region("home");
    let weather = weather(Trouble::Cut { seat: None, from: Reach::Region(home.clone()) });
    assert!(!arrives(&weather, 0, &ready(), Place::Region(&home)));
    assert!(!arrives(&weather, 1, &http(), Place::Region(&home)));
    assert!(arrives(&weather, 0, &ready(), Place::Region(&region("standby"))));
    assert!(arrives(&weather, 0, &store(), Place::Management));
    assert!(arrives(&weather, 0, &status("a"), Place::Dns));
}

#[test]
fn one_replica_alone_can_be_cut_off() {
    let weather = weather(Trouble::Cut { seat: Some(1), from: Reach::All });
    assert!(arrives(&weather, 0, &store(), Place::Management));
    assert!(!arrives(&weather, 1, &store(), Place::Management));
}

#[test]
fn s4_an_isolated_bowline_may_still_have_its_store() {
    let weather = weather(Trouble::Cut { seat: None, from: Reach::AllBeyond });
    assert!(arrives(&weather, 0, &store(), Place::Management));
    assert!(!arrives(&weather, 0, &status("a"), Place::Dns));
    assert!(!arrives(&weather, 0, &http(), Place::Outside));
}

#[test]
fn dead_apis_leave_the_data_plane_alone() {
    let home = region("home");
    let weather = weather(Trouble::ApisDown(home.clone()));
    assert!(!arrives(&weather, 0, &targets(), Place::Region(&home)));
    assert!(!arrives(&weather, 0, &ready(), Place::Region(&home)));
    assert!(arrives(&weather, 0, &http(), Place::Region(&home)));
}

#[test]
fn s4_the_blind_can_still_write_their_records() {
    let home = region("home");
    let weather = weather(Trouble::Blind);
    for look in [targets(), ready(), http()] {
        assert!(!arrives(&weather, 0, &look, Place::Region(&home)));
    }
    assert!(!arrives(&weather, 0, &status("a"), Place::Dns));
    assert!(arrives(&weather, 0, &append(), Place::Management));
}

#[test]
fn a_false_alarm_is_about_one_kind_of_evidence() {
    let (home, standby) = (region("home"), region("standby"));
    let good = || Ok(Answer::Targets(TargetHealth { total: 3, healthy: 3 }));
    let alarm = weather(Trouble::FalseAlarm(Evidence::AlbTargets(home.clone())));
    let mut result = good();
    alarm.distort(&targets(), Place::Region(&standby), &mut result);
    assert_eq!(result, good());
    alarm.distort(&targets(), Place::Region(&home), &mut result);
    assert_eq!(result, Ok(Answer::Targets(TargetHealth { total: 3, healthy: 0 })));

    let mut result = Ok(Answer::CheckStatus { healthy: 16, of: 16 });
    let alarm = weather(Trouble::FalseAlarm(Evidence::Route53Check("a".into())));
    alarm.distort(&status("b"), Place::Dns, &mut result);
    assert_eq!(result, Ok(Answer::CheckStatus { healthy: 16, of: 16 }));
    alarm.distort(&status("a"), Place::Dns, &mut result);
    assert_eq!(result, Ok(Answer::CheckStatus { healthy: 0, of: 16 }));

    for (evidence, op) in
        [(Evidence::Http(home.clone()), http()), (Evidence::ClusterApi(home.clone()), ready())]
    {
        let mut result = Ok(Answer::Ok);
        weather(Trouble::FalseAlarm(evidence)).distort(&op, Place::Region(&home), &mut result);
        assert!(matches!(result, Err(Fault::Transient(_))));
    }
}

#[test]
fn calls_go_wrong_about_as_often_as_said() {
    let rates = Rates {
        lost_before: 100,
        lost_after: 100,
        throttled: 100,
        transient: 100,
        twice: 100,
        delayed: 500,
        delay: Span::secs(2),
        ..Rates::default()
    };
    let weather = weather(Trouble::Calls(rates));
    let mut rng = fastrand::Rng::with_seed(3);
    let mut tally = [0; 6];
    for _ in 0..10_000 {
        match weather.outward(0, &store(), Place::Management, &mut rng) {
            Fate::Vanishes | Fate::Refused(Fault::Unknown(_)) => tally[0] += 1,
            Fate::Refused(Fault::Throttled { .. }) => tally[1] += 1,
            Fate::Refused(Fault::Transient(_)) => tally[2] += 1,
            Fate::Arrives(late) => tally[3] += usize::from(late > Span::ZERO),
            other => panic!("{other:?}"),
        }
        match weather.homeward(0, &store(), Place::Management, &mut rng) {
            Fate::Vanishes | Fate::Refused(Fault::Unknown(_)) => tally[4] += 1,
            Fate::Twice(_) => tally[5] += 1,
            Fate::Arrives(_) => {}
            other => panic!("{other:?}"),
        }
    }
    for (count, about) in tally.into_iter().zip([1_000, 900, 810, 3_600, 1_000, 900]) {
        assert!(count * 10 > about * 8 && count * 10 < about * 12, "{tally:?}");
    }
}

#[test]
fn rates_for_changes_leave_reads_alone() {
    let rates = Rates { only_changes: true, lost_before: 1_000, ..Rates::default() };
    let weather = weather(Trouble::Calls(rates));
    let mut rng = fastrand::Rng::with_seed(3);
    let mut fate = |op: &Op| weather.outward(0, op, Place::Management, &mut rng);
    assert_eq!(fate(&store()), Fate::Arrives(Span::ZERO));
    assert_ne!(fate(&append()), Fate::Arrives(Span::ZERO));
}

#[test]
fn troubles_of_parts_and_replicas_do_not_play_on_calls() {
    for trouble in [
        Trouble::RegionDead(region("home")),
        Trouble::Crashed(0),
        Trouble::Paused(0),
        Trouble::Store(Condition::Full),
    ] {
        assert!(!trouble.plays_on_calls());
    }
    assert!(Trouble::Blind.plays_on_calls());
}
