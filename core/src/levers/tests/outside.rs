//! What is seen from outside, against DNS answers and HTTP answers given by hand.

use std::net::IpAddr;

use crate::levers::outside::{Answers, Front, Leads, Serves};
use crate::model::{Site, Span};
use crate::op::{Answer, Fault, HttpProbe, HttpSeen, Op, ProbeOp};
use crate::step::{Judgement, Procedure};
use crate::testing::{Drive, claim};

const STANDBY: [u8; 4] = [192, 0, 2, 1];
const HOME: [u8; 4] = [198, 51, 100, 1];

fn list(addresses: &[[u8; 4]]) -> Vec<IpAddr> {
    addresses.iter().map(|bytes| IpAddr::from(*bytes)).collect()
}

/// An address of the standby's (1 to 8) or of home's (from 9 on).
fn v6(last: u16) -> IpAddr {
    [0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into()
}

fn leads(name: &str, servers: &[&str]) -> Leads {
    Leads {
        name: name.into(),
        servers: servers.iter().map(|server| (*server).into()).collect(),
        load_balancer: "standby.elb.example".into(),
    }
}

fn http(status: u16, site: Option<&str>) -> Result<Answer, Fault> {
    let site = site.map(Into::into);
    Ok(Answer::Http(HttpSeen { status, site, address: STANDBY.into() }))
}

/// What a procedure says of a world, and the calls of its look.
fn judged(
    procedure: &dyn Procedure,
    world: impl Fn(&ProbeOp) -> Result<Answer, Fault>,
) -> (Result<Judgement, Fault>, Vec<ProbeOp>) {
    let mut calls = Vec::new();
    let judgement = Drive::under(claim(1, "r")).run(procedure, &mut |op| {
        let Op::Probe(probe) = op else { panic!("{op:?}") };
        calls.push(probe.clone());
        world(probe)
    });
    (judgement, calls)
}

/// DNS that answers `wrong` where `odd` says so, and the standby's addresses elsewhere.
fn dns(
    wrong: &[IpAddr],
    odd: impl Fn(&str, &str) -> bool,
) -> impl Fn(&ProbeOp) -> Result<Answer, Fault> {
    let wrong = wrong.to_vec();
    move |probe| match probe {
        ProbeOp::Resolve { name } => {
            let own = [list(&[STANDBY, [192, 0, 2, 2]]), vec![v6(1), v6(2)]].concat();
            Ok(Answer::Resolved(name.clone(), own))
        }
        ProbeOp::Authoritative { server, name } if odd(&server.to_string(), &name.to_string()) => {
            Ok(Answer::Addresses(wrong.clone()))
        }
        ProbeOp::Authoritative { .. } => Ok(Answer::Addresses(list(&[STANDBY]))),
        ProbeOp::Http(_) => http(200, None),
    }
}

fn done(judgement: &Result<Judgement, Fault>) -> bool {
    matches!(judgement, Ok(Judgement::Done { .. }))
}

#[test]
fn s11_every_server_must_answer_every_name_with_addresses_of_the_gaining_site() {
    let two = &["ns1.example", "ns2.example"];
    let names = vec![leads("shop.example", two), leads("api.example", two)];
    let answers = Answers { names };
    let (all, calls) = judged(&answers, dns(&[], |_, _| false));
    assert!(done(&all), "{all:?}");
    assert_eq!(calls.len(), 6, "each server for each name, and what the name must be: {calls:?}");
    let (home, standby) = (IpAddr::from(HOME), IpAddr::from(STANDBY));
    let split = [vec![standby, v6(9)], vec![home, v6(1)], vec![home, v6(9)]];
    for wrong in [vec![home], vec![v6(9)], vec![]].into_iter().chain(split) {
        for name in ["shop.example", "api.example"] {
            for server in two {
                let odd = |at: &str, of: &str| at == *server && of == name;
                let (judgement, _) = judged(&answers, dns(&wrong, odd));
                let Ok(Judgement::Wait { note, .. }) = judgement else { panic!("{judgement:?}") };
                assert!(note.contains(server) && note.contains(name), "{note}");
            }
        }
    }
}

#[test]
fn s11_a_load_balancer_with_more_nodes_than_one_lookup_shows_is_led_to() {
    let answers = Answers { names: vec![leads("shop.example", &["ns1.example"])] };
    let unseen = IpAddr::from([192, 0, 2, 77]);
    let known = IpAddr::from(STANDBY);
    for answer in [vec![known, unseen], vec![v6(2)], vec![unseen, known, v6(7), v6(1)]] {
        let (judgement, _) = judged(&answers, dns(&answer, |_, _| true));
        assert!(done(&judgement), "{answer:?}: {judgement:?}");
    }
    for answer in [vec![unseen], vec![known, unseen, v6(7)]] {
        let (judgement, _) = judged(&answers, dns(&answer, |_, _| true));
        assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{answer:?}: {judgement:?}");
    }
}

#[test]
fn s11_an_answer_that_is_no_address_is_a_fault() {
    let answers = Answers { names: vec![leads("shop.example", &["ns1.example"])] };
    let (judgement, _) = judged(&answers, |_| Ok(Answer::Ok));
    assert!(matches!(judgement, Err(Fault::Invalid(_))), "{judgement:?}");
}

#[test]
fn s3_a_load_balancer_that_does_not_serve_is_waited_for() {
    let probe = HttpProbe {
        connect: "standby.elb.example".into(),
        addresses: Vec::new(),
        tls: true,
        port: 443,
        host: "shop.example".into(),
        path: "/".into(),
        writes: false,
        site_header: None,
        timeout: Span::secs(3),
    };
    let front = Front { probe };
    for (status, serves) in [(199, false), (200, true), (299, true), (300, false), (503, false)] {
        let (judgement, calls) = judged(&front, |_| http(status, None));
        assert_eq!(done(&judgement), serves, "{status}: {judgement:?}");
        assert_eq!(calls.len(), 1);
    }
    let (judgement, _) = judged(&front, |_| Ok(Answer::Ok));
    assert!(matches!(judgement, Err(Fault::Invalid(_))), "{judgement:?}");
}

fn serves(site_header: Option<&str>, write_path: Option<&str>) -> Serves {
    Serves {
        site: Site::Standby,
        leads: leads("shop.example", &["ns1.example"]),
        tls: true,
        port: 443,
        path: "/look".into(),
        write_path: write_path.map(Into::into),
        site_header: site_header.map(Into::into),
        hold: Span::secs(60),
    }
}

fn steady(judgement: &Result<Judgement, Fault>) -> bool {
    matches!(judgement, Ok(Judgement::Steady { hold, .. }) if *hold == Span::secs(60))
}

#[test]
fn s11_the_service_is_seen_where_the_answer_leads_read_and_written() {
    let check = serves(None, Some("/write"));
    let (judgement, calls) = judged(&check, dns(&[], |_, _| false));
    assert!(steady(&judgement), "{judgement:?}");
    let requests = calls.iter().filter_map(|call| match call {
        ProbeOp::Http(http) => Some((&*http.path, http.writes, http.addresses.clone())),
        _ => None,
    });
    let there = list(&[STANDBY]);
    assert_eq!(
        requests.collect::<Vec<_>>(),
        [("/look", false, there.clone()), ("/write", true, there)]
    );
    let (judgement, calls) = judged(&check, dns(&list(&[HOME]), |_, _| true));
    assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "it leads home: {judgement:?}");
    assert_eq!(calls.len(), 4);
}

#[test]
fn s11_a_status_or_a_site_that_is_not_the_wanted_one_is_no_service() {
    let names = dns(&[], |_, _| false);
    let say = |status, site: Option<&'static str>, header| {
        judged(&serves(header, None), |probe| match probe {
            ProbeOp::Http(_) => http(status, site),
            other => names(other),
        })
        .0
    };
    assert!(steady(&say(204, None, None)));
    for status in [199, 300, 503] {
        assert!(matches!(say(status, None, None), Ok(Judgement::Wait { .. })), "{status}");
    }
    assert!(steady(&say(200, Some("standby"), Some("x-site"))));
    for who in [Some("home"), None] {
        let judgement = say(200, who, Some("x-site"));
        assert!(matches!(judgement, Ok(Judgement::Wait { .. })), "{who:?}: {judgement:?}");
    }
    assert!(steady(&say(200, Some("home"), None)), "nobody asked which site it is");
}
