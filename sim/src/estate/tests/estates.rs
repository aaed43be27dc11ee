//! Estates made from policies, and looks at them from outside.

use bowline_core::model::{GroupName, Host, Mono, Site};
use bowline_core::op::{Answer, Failover, Fault, HttpProbe, Op, ProbeOp, Route53Op, StoreOp};
use bowline_core::policy::{GatesLever, Lever, Policy, examples};

use super::rig::*;
use crate::aws::rds::DoorId;
use crate::estate::{Estate, EstateOptions};
use crate::part::{Part, at};

fn estate(policies: &[Policy]) -> Result<Estate, Fault> {
    let rng = &mut fastrand::Rng::with_seed(1);
    Estate::new(policies, EstateOptions::default(), at(Mono(0)), rng)
}

/// The shop under another name, with names and instances of its own in the same zone.
fn second() -> Policy {
    let mut policy = examples::shop();
    policy.group = GroupName::new("blog");
    if let Lever::Records(lever) = &mut policy.lever {
        for name in &mut lever.names {
            name.name = Host::new(format!("blog-{}", name.name));
        }
    }
    policy
}

/// The shop with the `gates` lever.
fn gated() -> Policy {
    let mut policy = examples::shop();
    if let Lever::Records(lever) = &policy.lever {
        policy.lever = Lever::Gates(GatesLever {
            role: None,
            object: "s3://bowline/shop".into(),
            home_check: "gate-home".into(),
            standby_check: "gate-standby".into(),
            names: lever.names.clone(),
        });
    }
    policy
}

#[test]
fn the_zone_is_armed_home_active() {
    let mut rig = Rig::new(1);
    let name = rig.name();
    let sets = rig.sets(&name);
    let closed = match &rig.policy.lever {
        Lever::Records(lever) => lever.closed_health_check.clone(),
        Lever::Gates(_) => panic!("the shop uses records"),
    };
    let checks: Vec<_> = sets.iter().map(|set| (set.failover, set.health_check.clone())).collect();
    let wanted = [
        (Some(Failover::Primary), Some(rig.check(Site::Home))),
        (Some(Failover::Secondary), Some(closed.clone())),
    ];
    assert_eq!(checks, wanted);
    let Ok(Answer::HealthCheck(check)) = rig.route53(Route53Op::HealthCheck(closed)) else {
        panic!("no closed check");
    };
    assert!(check.always_closed());
}

#[test]
fn two_groups_share_a_zone_and_load_balancers() {
    let both = [examples::shop(), second()];
    let mut estate = estate(&both).unwrap();
    assert!(estate.elb.describe(2).is_none(), "one load balancer at each site");
    let rng = &mut fastrand::Rng::with_seed(2);
    let blog = DoorId { group: 1, site: Site::Home };
    estate.set_pods(blog, 2, at(Mono(0)), rng);
    estate.set_pods(HOME, 2, at(Mono(0)), rng);
    assert!(estate.app.serves(blog).writes);
    assert_eq!(estate.database(blog).map(|door| door.group), Some(1));
    assert_eq!(estate.users.view(1, Mono(0)).at_home_permille, 1_000);
}

#[test]
fn one_name_in_two_groups_is_refused() {
    let shop = examples::shop();
    let fault = estate(&[shop.clone(), shop]).unwrap_err();
    assert!(matches!(fault, Fault::Conflict(_)), "{fault}");
}

#[test]
fn a_group_without_a_database_serves_with_pods_alone() {
    let mut estate = estate(&[examples::minimal()]).unwrap();
    assert_eq!(estate.database(HOME), None);
    estate.set_pods(HOME, 1, at(Mono(0)), &mut fastrand::Rng::with_seed(2));
    assert!(estate.app.serves(HOME).writes);
    let seen = estate.users.view(0, Mono(0));
    assert_eq!(seen.writes_failing_permille, 0);
}

#[test]
fn a_gate_leads_users_to_standby_and_back() {
    let mut estate = estate(&[gated()]).unwrap();
    let mut rng = fastrand::Rng::with_seed(3);
    let read =
        Op::Gate(None, bowline_core::op::GateOp::Read { object: "s3://bowline/shop".into() });
    let mut now = Mono(60_000);
    for open in [Site::Standby, Site::Home] {
        let Some(Ok(Answer::Gate(Some(view)))) = estate.perform(&read, at(now), &mut rng) else {
            panic!("no gate");
        };
        let claim = bowline_core::model::Claim { epoch: Default::default(), run: "r".into() };
        let write = bowline_core::op::GateOp::Write {
            object: "s3://bowline/shop".into(),
            version: Some(view.version),
            open,
            claim,
        };
        let wrote = estate.perform(&Op::Gate(None, write), at(now), &mut rng);
        assert!(matches!(wrote, Some(Ok(Answer::Written(_)))), "{wrote:?}");
        let until = Mono(now.0 + 180_000);
        while let Some(next) = estate.next().filter(|next| *next <= until) {
            estate.advance(at(next), &mut rng);
        }
        now = until;
        let seen = estate.users.view(0, now);
        let led = if open == Site::Home { seen.at_home_permille } else { seen.at_standby_permille };
        assert_eq!(led, 1_000, "{open}");
    }
}

#[test]
fn what_is_not_aws_is_not_answered_here() {
    let mut rig = Rig::new(2);
    let op = Op::Store(StoreOp::Intents);
    assert!(rig.estate.perform(&op, at(rig.now), &mut rig.rng).is_none());
}

#[test]
fn an_authoritative_answer_leads_to_the_load_balancer_that_answers() {
    let mut rig = Rig::new(3);
    let zone = rig.names()[0].zone.clone();
    let Ok(Answer::Zone(zone)) = rig.route53(Route53Op::Zone(zone)) else { panic!("no zone") };
    let name = rig.name();
    for server in zone.name_servers {
        let op = ProbeOp::Authoritative { server, name: name.clone() };
        let Ok(Answer::Addresses(found)) = rig.call(&Op::Probe(op)) else { panic!("no answer") };
        assert_eq!(found, rig.estate.elb.addresses(0));
    }
    let op = ProbeOp::Authoritative { server: "ns.elsewhere.test".into(), name };
    assert!(matches!(rig.call(&Op::Probe(op)), Err(Fault::Transient(_))));
}

#[test]
fn a_load_balancers_own_name_resolves_to_its_present_addresses() {
    let mut rig = Rig::new(4);
    let own = rig.estate.elb.describe(1).unwrap().dns_name.clone();
    let op = Op::Probe(ProbeOp::Resolve { name: own.clone() });
    let wanted = Answer::Resolved(own, rig.estate.elb.addresses(1).to_vec());
    assert_eq!(rig.call(&op), Ok(wanted));
    let op = Op::Probe(ProbeOp::Resolve { name: "nobody.example.org".into() });
    assert!(matches!(rig.call(&op), Err(Fault::NotFound(_))));
}

#[test]
fn a_probe_goes_where_it_connects_whatever_the_public_name_says() {
    let mut rig = Rig::new(5);
    let probe = HttpProbe {
        connect: rig.estate.elb.describe(1).unwrap().dns_name.clone(),
        addresses: vec![],
        tls: true,
        port: 443,
        host: rig.name(),
        path: "/healthz".into(),
        writes: false,
        site_header: None,
        timeout: bowline_core::model::Span::secs(3),
    };
    let standby = rig.region(Site::Standby);
    let op = ProbeOp::Http(probe.clone());
    assert_eq!(rig.estate.probed_region(&op, rig.now()), Some(&standby));
    let status = |rig: &mut Rig, probe: &HttpProbe| match rig
        .call(&Op::Probe(ProbeOp::Http(probe.clone())))
    {
        Ok(Answer::Http(seen)) => seen.status,
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&mut rig, &probe), 503, "no pods there");
    let addresses = rig.estate.elb.addresses(0).to_vec();
    let home = HttpProbe { addresses, ..probe.clone() };
    assert_eq!(status(&mut rig, &home), 200);
    let stranger = HttpProbe { host: "nobody.example.org".into(), ..home };
    assert_eq!(status(&mut rig, &stranger), 404);
}

#[test]
fn a_write_probe_is_counted_where_it_was_accepted() {
    let mut rig = Rig::new(6);
    let door = rig.estate.database(HOME).unwrap();
    let before = rig.estate.rds.acknowledged(door.group, rig.now);
    assert_eq!(rig.http(true).map(|seen| seen.status), Ok(200));
    assert_eq!(rig.estate.rds.acknowledged(door.group, rig.now), before + 1_000);
}
