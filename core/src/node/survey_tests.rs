//! What a policy makes worth a look, by which call, and how often.

use super::*;
use crate::model::Wall;
use crate::node::testing::{Reply, fit, looked, looked_by};
use crate::op::{Answer, Fault, GateView};
use crate::policy::GatesLever;
use crate::testing::{Ground, claim};

/// The shop with a workload of its floor.
fn shop() -> Policy {
    let mut policy = Ground::shop().policy;
    policy.capacity.floor = vec![policy.capacity.workloads[0].object.clone()];
    policy
}

/// The shop whose traffic a gate moves.
fn gated() -> Policy {
    let mut policy = shop();
    policy.lever = Lever::Gates(GatesLever {
        role: Some("arn:aws:iam::333333333333:role/bowline-dns".into()),
        object: "s3://gates/shop".into(),
        home_check: "home-check".into(),
        standby_check: "standby-check".into(),
        names: names(&policy).to_vec(),
    });
    policy
}

/// The looks of a policy that a known world makes due, and their calls.
fn calls(policy: &Policy) -> Vec<(Look, Option<Op>)> {
    let group = looked_by(policy.clone(), gate_too);
    let now = Now { mono: Mono(50_000), wall: Wall(1_000_000) };
    let looks = group.survey.looks().map(|(_, look)| look.clone());
    looks.map(|look| (look.clone(), look.op(policy, &group.known, now))).collect()
}

/// The fit world with a gate that somebody has claimed.
fn gate_too(op: &Op) -> Reply {
    let (version, open, claim) = ("1".into(), Site::Home, Some(claim(3, "shop-3-failover")));
    match op {
        Op::Gate(..) => Ok(Answer::Gate(Some(GateView { version, open, claim }))),
        _ => fit(op),
    }
}

#[test]
fn everything_that_a_plan_must_know_is_looked_at_where_it_is() {
    let site = |site: &str, region: &str| {
        let own = |what: &str, call: &str| format!("{what} | {region} | {call}");
        let cluster = |what: &str, call: &str| format!("{what} | shop-{site} | {call}");
        let name = if site == "home" { "Home" } else { "Standby" };
        vec![
            own(&format!("FindLoadBalancer({name}"), "Find("),
            own(&format!("TargetGroups({name}"), "api.shop.example.com"),
            own(&format!("Instance({name}"), &format!("Describe(\"shop-{site}\")")),
            own(&format!("Replication({name}"), &format!("ReplicaLag(\"shop-{site}")),
            cluster(&format!("Workload({name}, 0"), "Workload("),
            cluster(&format!("Workload({name}, 1"), "cache"),
            cluster(&format!("Workload({name}, 2"), "worker"),
            cluster(&format!("Floor({name}, 0"), "web"),
            cluster(&format!("ClusterClaim({name}"), "Fence("),
        ]
    };
    let dns = |what: &str, call: &str| format!("{what} | bowline-dns | {call}");
    let names = [
        dns("Records(", "name: \"shop.example.com\""),
        dns("Records(", "name: \"api.shop.example.com\""),
    ];
    let records = [
        dns("ClosedCheck", "HealthCheck(\"0a1b2c3d"),
        names[0].clone(),
        names[1].clone(),
        dns("ZoneClaim(", "_bowline.shop.example.com"),
        dns("Zone(", "Zone(\"Z0123456789\""),
    ];
    let gates = [
        dns("Gate", "Read { object: \"s3://gates/shop\""),
        names[0].clone(),
        names[1].clone(),
        dns("Zone(", "Zone(\"Z0123456789\""),
    ];
    let sites = [site("home", "eu-west-1"), site("standby", "eu-central-1")].concat();
    let pool = "Pool(0) | shop-standby | Pool(".to_owned();
    for (policy, lever) in [(shop(), records.to_vec()), (gated(), gates.to_vec())] {
        let wanted = [sites.clone(), vec![pool.clone()], lever].concat();
        let found = calls(&policy);
        assert_eq!(found.len(), wanted.len(), "{found:#?}");
        for ((look, op), wanted) in found.iter().zip(&wanted) {
            let [what, place, call]: [&str; 3] =
                wanted.split(" | ").collect::<Vec<_>>().try_into().unwrap();
            assert!(format!("{look:?}").starts_with(what), "{look:?}: {wanted}");
            if *look == Look::Replication(Site::Home) {
                assert_eq!(*op, None, "a writer lags behind nobody");
                continue;
            }
            let op = format!("{op:?}");
            assert!(op.contains(place) && op.contains(call), "{op}: {wanted}");
        }
    }
}

#[test]
fn what_must_be_known_first_is_not_asked_before() {
    let (policy, known) = (shop(), Known::default());
    let now = Now { mono: Mono(1), wall: Wall(1_000_000) };
    let looks = Survey::new(&policy);
    let waits = looks.looks().filter(|(_, look)| look.op(&policy, &known, now).is_none());
    let waits: Vec<_> = waits.map(|(_, look)| format!("{look:?}")).collect();
    let wanted = ["TargetGroups(Home", "Replication(Home"].into_iter().chain([
        "TargetGroups(Standby",
        "Replication(Standby",
        "ZoneClaim(",
    ]);
    assert!(waits.iter().zip(wanted.clone()).all(|(found, one)| found.starts_with(one)));
    assert_eq!(waits.len(), wanted.count(), "{waits:?}");
}

#[test]
fn a_target_group_is_looked_for_under_the_names_that_its_load_balancer_serves() {
    let mut policy = shop();
    let Lever::Records(lever) = &mut policy.lever else { unreachable!() };
    lever.names[1].load_balancer = "other".into();
    let found = calls(&policy);
    let hosts = found.into_iter().find_map(|(_, op)| match op {
        Some(Op::Elb(_, ElbOp::TargetGroups { hosts, .. })) => Some(hosts),
        _ => None,
    });
    assert_eq!(hosts, Some(vec!["shop.example.com".into()]));
}

#[test]
fn what_is_not_known_is_looked_at_often_and_what_hardly_changes_seldom() {
    let (policy, fresh) = (gated(), Known::default());
    let found = looked_by(policy, gate_too).known;
    let shop = looked(fit).known;
    let (zone, name): (ZoneId, Host) = ("Z0123456789".into(), "shop.example.com".into());
    let web: LoadBalancerName = "web".into();
    for (look, unknown, known) in [
        (Look::FindLoadBalancer(Site::Home, web.clone()), 15, 600),
        (Look::TargetGroups(Site::Home, web), 1, 600),
        (Look::Instance(Site::Home), 15, 15),
        (Look::Replication(Site::Home), 15, 15),
        (Look::ClusterClaim(Site::Home), 15, 15),
        (Look::Workload(Site::Home, 0), 60, 60),
        (Look::Floor(Site::Home, 0), 60, 60),
        (Look::Pool(0), 60, 60),
        (Look::Records(zone.clone(), name), 60, 60),
        (Look::Zone(zone.clone()), 15, 600),
        (Look::ZoneClaim(zone), 1, 60),
        (Look::ClosedCheck, 15, 600),
    ] {
        assert_eq!(look.every(&fresh), Span::secs(unknown), "{look:?}, unknown");
        assert_eq!(look.every(&shop), Span::secs(known), "{look:?}, known");
    }
    assert_eq!(Look::Gate.every(&found), Span::secs(60));
}

#[test]
fn a_look_is_due_when_its_time_has_come_and_not_again_before() {
    let (policy, known) = (shop(), looked(fit).known);
    let mut survey = Survey::new(&policy);
    let at = |secs: u64| Now { mono: Mono(secs * 1_000), wall: Wall(1_000_000) };
    assert_eq!(survey.wake_at(), Some(Mono(0)));
    let all = survey.due(&policy, &known, at(100)).len();
    assert_eq!(all, survey.looks().count() - 1, "but home's replication");
    assert_eq!(survey.wake_at(), Some(at(115).mono));
    assert_eq!(survey.due(&policy, &known, at(114)), []);
    let often = survey.due(&policy, &known, at(115));
    assert_eq!(often.len(), 5, "two instances, two clusters, one replica: {often:?}");
    assert_eq!(survey.timeout(), Span::secs(8));
}

#[test]
fn s1_whose_claim_stands_is_known_once_the_target_and_the_lever_were_asked() {
    let silent = |asked: fn(&Op) -> bool, says: fn() -> Fault| {
        move |op: &Op| if asked(op) { Err(says()) } else { gate_too(op) }
    };
    let seen = |policy: Policy, asked: fn(&Op) -> bool, says: fn() -> Fault| {
        let group = looked_by(policy, silent(asked, says));
        group.survey.claims_seen(&group.known, Site::Standby)
    };
    let never: fn() -> Fault = || Fault::Invalid("no answer yet".into());
    let down: fn() -> Fault = || Fault::Transient("503".into());
    let at_home: fn(&Op) -> bool =
        |op| matches!(op, Op::Kube(cluster, _) if *cluster == Ground::shop().policy.home.cluster);
    let at_target: fn(&Op) -> bool = |op| {
        matches!(op, Op::Kube(..))
            && !matches!(op, Op::Kube(c, _) if *c == Ground::shop().policy.home.cluster)
    };
    let fence: fn(&Op) -> bool = |op| match op {
        Op::Route53(_, Route53Op::Records { name, .. }) => name.as_str().starts_with("_bowline"),
        _ => false,
    };
    let gate: fn(&Op) -> bool = |op| matches!(op, Op::Gate(..));
    assert_eq!(seen(shop(), |_| false, down), Ok(true));
    assert_eq!(seen(shop(), at_home, down), Ok(true), "who is left need not be asked");
    for (policy, asked, place) in [
        (shop(), at_target, "standby's cluster"),
        (shop(), fence, "zone Z0123456789"),
        (gated(), gate, "the gate"),
    ] {
        let why = format!("whose claim stands in {place} is not known: not available: 503");
        assert_eq!(seen(policy.clone(), asked, down), Err(why));
        assert_eq!(seen(policy, asked, never), Ok(false), "{place} may answer yet");
    }
}

#[test]
fn s1_every_claim_that_is_found_is_told_with_its_place() {
    let theirs = claim(9, "shop-9-failover");
    let policy = gated();
    let group = looked_by(policy, |op| match op {
        Op::Kube(cluster, KubeOp::Fence(_)) => {
            let at_home = *cluster == Ground::shop().policy.home.cluster;
            let (version, claim) = ("1".into(), theirs.clone());
            Ok(Answer::Fence(at_home.then_some(crate::op::FenceView { version, claim })))
        }
        _ => gate_too(op),
    });
    let mut known = group.known;
    known.zone_claims.insert("Z1".into(), Some(claim(2, "r2")));
    known.zone_claims.insert("Z2".into(), None);
    let placed: Vec<_> = known.placed_claims().collect();
    let wanted = [
        ("home's cluster".to_owned(), theirs),
        ("zone Z1".into(), claim(2, "r2")),
        ("the gate".into(), claim(3, "shop-3-failover")),
    ];
    assert_eq!(placed, wanted);
    let claims: Vec<_> = known.claims().cloned().collect();
    assert_eq!(claims, wanted.map(|(_, claim)| claim));
}

#[test]
fn replication_is_read_on_from_the_last_sample_or_from_five_minutes_ago() {
    let mut known = Known::default();
    let now = Wall(1_000_000);
    assert_eq!(known.replication_since(Site::Standby, now), now - Span::mins(5));
    let points = [crate::model::Counted { at: Wall(960_000), thousandths: 1_000 }];
    let replica = looked(fit).known.instance(Site::Standby).unwrap().clone();
    let at = Now { mono: Mono(1), wall: Wall(900_000) };
    known.take(0, &Look::Instance(Site::Standby), at, Ok(Answer::Instance(replica)));
    let mut points = || {
        let answer = Ok(Answer::Points(points.to_vec()));
        known.take(1, &Look::Replication(Site::Standby), at, answer)
    };
    assert_eq!([points(), points()], [true, false], "the same point tells nothing new");
    assert_eq!(known.replication_since(Site::Standby, now), Wall(960_000));
    assert_eq!(known.revision, 2, "what is new may change what is made of it");
    known.forget_replication(Site::Standby);
    assert_eq!(known.replication_since(Site::Standby, now), now - Span::mins(5));
}

#[test]
fn what_a_cluster_or_rds_says_is_not_there_is_known_not_to_be_there() {
    let mut known = Known::default();
    let at = Now { mono: Mono(1), wall: Wall(900_000) };
    let gone = || Err(Fault::NotFound("gone".into()));
    let site = Site::Standby;
    let looks = [
        Look::Instance(site),
        Look::Workload(site, 0),
        Look::Floor(site, 0),
        Look::Pool(0),
        Look::Zone("Z1".into()),
    ];
    for (index, look) in looks.iter().enumerate() {
        known.take(index, look, at, gone());
    }
    assert!(known.instances[&site].value.is_none() && known.pools[&0].value.is_none());
    assert!(known.workloads[&(site, 0)].value.is_none() && known.floor[&(site, 0)].value.is_none());
    assert!(known.zones.is_empty(), "a zone is never gone: its identifier is wrong");
    let (here, troubles) = (looked(fit).known, known.troubles.len());
    assert!(here.floor.is_empty() && troubles == looks.len());
    let floor = looked_by(shop(), fit).known.floor;
    assert_eq!(floor[&(site, 0)].value.as_ref().map(|view| view.ready), Some(3));
}
