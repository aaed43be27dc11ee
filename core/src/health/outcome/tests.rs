//! The table of the module, row by row.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::*;
use crate::model::{Claim, Epoch, Host, LoadBalancerName, RunId, Span};
use crate::op::HttpSeen;

type Result1 = Result<Answer, Fault>;

fn targets(healthy: u32, total: u32) -> Result1 {
    Ok(Answer::Targets(TargetHealth { total, healthy }))
}

fn status(status: u16) -> Result1 {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    Ok(Answer::Http(HttpSeen { status, site: None, address }))
}

fn checkers(healthy: u32, of: u32) -> Result1 {
    Ok(Answer::CheckStatus { healthy, of })
}

fn transient() -> Result1 {
    Err(Fault::Transient("connection refused".into()))
}

fn unknown() -> Result1 {
    Err(Fault::Unknown("timed out".into()))
}

/// Every fault there is.
fn faults() -> Vec<Fault> {
    vec![
        Fault::Transient(String::new()),
        Fault::Throttled { after: None },
        Fault::Conflict(String::new()),
        Fault::Fenced(Claim::new(Epoch(1), RunId::new("r"))),
        Fault::NotFound(String::new()),
        Fault::Denied(String::new()),
        Fault::Invalid(String::new()),
        Fault::Unknown(String::new()),
    ]
}

fn check() -> HttpCheck {
    HttpCheck {
        load_balancer: LoadBalancerName::new("web"),
        host: Host::new("shop.example.com"),
        path: Arc::from("/healthz"),
        expect: (200, 299),
        timeout: Span::secs(3),
        tls: true,
        port: 443,
    }
}

fn probes() -> Vec<Probe> {
    let load_balancer = LoadBalancerName::new("web");
    vec![
        alb(),
        Probe::Http(check()),
        Probe::WriteProbe(check()),
        Probe::Route53Check { home: "h".into(), standby: "s".into() },
        Probe::ClusterApi,
        Probe::RegionApi,
        Probe::Progress { load_balancer },
    ]
}

fn alb() -> Probe {
    let load_balancer = LoadBalancerName::new("web");
    Probe::AlbTargets { load_balancer, minimum_healthy_percent: 50 }
}

fn judged(probe: &Probe, own: &[Result1]) -> Outcome {
    outcome(probe, &Round::of(own))
}

#[test]
fn s4_a_round_without_answers_tells_nothing() {
    for probe in probes() {
        assert_eq!(judged(&probe, &[]), Outcome::Silent, "{probe:?}");
    }
}

#[test]
fn s4_only_probes_that_users_could_have_made_call_silence_bad() {
    for probe in probes() {
        let direct = matches!(probe, Probe::Http(_) | Probe::WriteProbe(_) | Probe::ClusterApi);
        for fault in faults() {
            let silence = matches!(fault, Fault::Transient(_) | Fault::Unknown(_));
            let expected = if direct && silence { Outcome::Bad } else { Outcome::Silent };
            let expected = match (&probe, silence) {
                (Probe::RegionApi, false) => Outcome::Good,
                _ => expected,
            };
            assert_eq!(judged(&probe, &[Err(fault.clone())]), expected, "{probe:?} {fault}");
        }
    }
}

#[test]
fn alb_targets_need_their_share_in_every_target_group() {
    for (groups, expected) in [
        (vec![targets(1, 2)], Outcome::Good),
        (vec![targets(1, 3)], Outcome::Bad),
        (vec![targets(0, 3)], Outcome::Bad),
        (vec![targets(0, 0)], Outcome::Bad),
        (vec![targets(3, 3), targets(0, 1)], Outcome::Bad),
        (vec![targets(3, 3), targets(2, 2)], Outcome::Good),
        (vec![targets(3, 3), unknown()], Outcome::Silent),
        (vec![unknown(), targets(0, 3)], Outcome::Bad),
        (vec![Ok(Answer::TargetGroups(Vec::new()))], Outcome::Bad),
        (vec![Ok(Answer::LoadBalancer(None))], Outcome::Bad),
        (vec![Ok(Answer::Ok)], Outcome::Silent),
    ] {
        assert_eq!(judged(&alb(), &groups), expected, "{groups:?}");
    }
}

#[test]
fn no_share_at_all_still_needs_one_healthy_target() {
    let load_balancer = LoadBalancerName::new("web");
    let any = Probe::AlbTargets { load_balancer, minimum_healthy_percent: 0 };
    assert_eq!(judged(&any, &[targets(0, 3)]), Outcome::Bad);
    assert_eq!(judged(&any, &[targets(1, 3)]), Outcome::Good);
}

#[test]
fn http_is_good_within_the_statuses_expected() {
    for probe in [Probe::Http(check()), Probe::WriteProbe(check())] {
        for (seen, expected) in [
            (199, Outcome::Bad),
            (200, Outcome::Good),
            (299, Outcome::Good),
            (300, Outcome::Bad),
            (503, Outcome::Bad),
        ] {
            assert_eq!(judged(&probe, &[status(seen)]), expected, "{seen}");
        }
    }
}

#[test]
fn route53_is_good_above_18_percent_of_its_checkers() {
    let probe = Probe::Route53Check { home: "h".into(), standby: "s".into() };
    for (healthy, of, expected) in [
        (0, 0, Outcome::Silent),
        (0, 16, Outcome::Bad),
        (18, 100, Outcome::Bad),
        (19, 100, Outcome::Good),
        (2, 16, Outcome::Bad),
        (3, 16, Outcome::Good),
        (u32::MAX, u32::MAX, Outcome::Good),
    ] {
        assert_eq!(judged(&probe, &[checkers(healthy, of)]), expected, "{healthy}/{of}");
    }
}

#[test]
fn the_cluster_api_is_good_when_it_is_ready() {
    assert_eq!(judged(&Probe::ClusterApi, &[Ok(Answer::Ok)]), Outcome::Good);
}

#[test]
fn a_region_is_down_only_against_the_other_region() {
    let up = || Ok(Answer::Ok);
    let region = |own: &[Result1], other: &[Result1]| {
        outcome(&Probe::RegionApi, &Round { other, ..Round::of(own) })
    };
    let dead = [unknown(), unknown(), transient()];
    let most = [unknown(), unknown(), up()];
    let well = [up(), up(), Err(Fault::Denied("role".into()))];
    let one_left = [up(), up(), unknown()];
    assert_eq!(region(&dead, &well), Outcome::Bad);
    assert_eq!(region(&most, &well), Outcome::Bad);
    assert_eq!(region(&dead, &dead), Outcome::Silent, "both silent: it may be Bowline");
    assert_eq!(region(&dead, &one_left), Outcome::Silent);
    assert_eq!(region(&dead, &[up()]), Outcome::Silent, "one answer proves little");
    assert_eq!(region(&dead, &[]), Outcome::Silent);
    assert_eq!(region(&one_left, &well), Outcome::Good);
    assert_eq!(region(&well, &dead), Outcome::Good, "a refusal is an answer");
    assert_eq!(region(&[unknown()], &well), Outcome::Silent, "one API is not several");
    assert_eq!(region(&[unknown(), up()], &well), Outcome::Silent, "half is not most");
    let unsent = || Err(Fault::Throttled { after: Some(Span::secs(1)) });
    assert_eq!(region(&[unknown(), unknown(), unsent()], &well), Outcome::Bad);
    assert_eq!(region(&[unknown(), unsent(), unsent()], &well), Outcome::Silent, "not sent");
    assert_eq!(region(&[unsent(), unsent(), unsent()], &well), Outcome::Silent);
    assert_eq!(region(&[up(), unsent(), unsent()], &well), Outcome::Good);
}

#[test]
fn progress_speaks_only_for_a_site_and_only_by_new_periods() {
    let load_balancer = LoadBalancerName::new("web");
    let probe = Probe::Progress { load_balancer };
    let point = |at, thousandths| Counted { at: Wall(at), thousandths };
    let told = |points: &[Counted], after| {
        let own = [Ok(Answer::Points(points.to_vec()))];
        outcome(&probe, &Round { progress_after: Wall(after), ..Round::of(&own) })
    };
    assert_eq!(told(&[point(60, 5_000)], 60), Outcome::Good);
    assert_eq!(told(&[point(60, 5_000)], 61), Outcome::Silent, "from before the fault");
    assert_eq!(told(&[point(60, 0), point(120, 0)], 60), Outcome::Silent);
    assert_eq!(told(&[point(60, -1)], 60), Outcome::Silent);
    assert_eq!(told(&[], 0), Outcome::Silent);
}

#[test]
fn a_region_of_which_just_half_is_silent_is_neither_up_nor_down() {
    let answered = || Ok(Answer::Ok);
    let other = [answered(), answered()];
    for (own, outcome) in [
        (vec![transient(), transient(), answered(), answered()], Outcome::Silent),
        (vec![transient(), transient(), transient(), answered()], Outcome::Bad),
        (vec![transient(), answered(), answered(), answered()], Outcome::Good),
        (vec![transient(), answered()], Outcome::Silent),
        (vec![transient(), transient(), transient(), answered(), answered()], Outcome::Bad),
    ] {
        assert_eq!(region_api(&own, &other), outcome, "{own:?}");
    }
}

#[test]
fn a_load_balancer_is_judged_by_its_target_groups_alone() {
    let groups = |list: Vec<crate::model::TargetGroupArn>| Ok(Answer::TargetGroups(list));
    assert_eq!(judged(&alb(), &[groups(Vec::new())]), Outcome::Bad, "it leads nowhere");
    let some = vec!["arn".into()];
    assert_eq!(judged(&alb(), &[groups(some)]), Outcome::Silent, "their targets were not asked");
}
