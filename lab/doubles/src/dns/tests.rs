//! What the server answers, packet by packet.

use aws_sdk_route53::types as sdk;
use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use sdk::{ResourceRecordSetFailover as Role, RrType};
use tokio::sync::watch::channel;

use super::*;

const HOME: &str = "shop-1.eu-west-1.elb.amazonaws.com";
const STANDBY: &str = "shop-2.eu-central-1.elb.amazonaws.com";

fn values(name: &str, kind: RrType, values: &[&str]) -> sdk::ResourceRecordSet {
    let record = |v: &&str| sdk::ResourceRecord::builder().value(*v).build().unwrap();
    let records = values.iter().map(record).collect();
    let set = sdk::ResourceRecordSet::builder().name(name).r#type(kind).ttl(30);
    set.set_resource_records(Some(records)).build().unwrap()
}

fn alias(role: Role, check: &str, to: &str) -> sdk::ResourceRecordSet {
    let target = sdk::AliasTarget::builder().hosted_zone_id("ZELB").dns_name(format!("{to}."));
    let set = sdk::ResourceRecordSet::builder().name("Shop.example.com.").r#type(RrType::A);
    set.set_identifier(to)
        .failover(role)
        .health_check_id(check)
        .alias_target(target.evaluate_target_health(true).build().unwrap())
        .build()
        .unwrap()
}

/// A zone as the lab seeds it: home serves, the standby is behind the closed check.
fn world() -> World {
    let soa = "ns-1.awsdns.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400";
    let sets = [
        values("example.com.", RrType::Soa, &[soa]),
        values("example.com.", RrType::Ns, &["ns-1.awsdns.com.", "ns-2.awsdns.net."]),
        alias(Role::Primary, "own", &format!("dualstack.{HOME}")),
        alias(Role::Secondary, "closed", STANDBY),
        values("_bowline.shop.example.com.", RrType::Txt, &[r#""v=1 epoch=3" "a \"b\"""#]),
        values("www.example.com.", RrType::Cname, &["shop.example.com."]),
        values("out.example.com.", RrType::Cname, &["elsewhere.test."]),
        values("deep.below.example.com.", RrType::A, &["192.0.2.7", "192.0.2.8"]),
    ];
    let at = |n| Ipv4Addr::new(127, 9, 0, n);
    World {
        zones: Some(Arc::new(vec![Zone::new("example.com.", &sets)])),
        checks: Arc::new([("closed".into(), false)].into()),
        balancers: [(host(HOME), (at(1), true)), (host(STANDBY), (at(2), true))].into(),
    }
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

/// Sends the packet through the server's bytes and gives the answer.
fn ask(world: &World, request: &Message, cut: bool) -> Message {
    let (_sender, seen) = channel(world.clone());
    let bytes = server::reply(&seen, &request.to_vec().unwrap(), cut).unwrap();
    Message::from_vec(&bytes).unwrap()
}

fn told(world: &World, name: &str, kind: RecordType) -> (ResponseCode, Vec<String>) {
    let reply = ask(world, &question(name, kind), true);
    let data = reply.answers.iter().map(|record| record.data.to_string()).collect();
    (reply.metadata.response_code, data)
}

fn fine(values: &[&str]) -> (ResponseCode, Vec<String>) {
    (ResponseCode::NoError, values.iter().map(|v| (*v).to_owned()).collect())
}

#[test]
fn the_answer_leads_to_the_site_that_the_rules_choose() {
    let mut world = world();
    assert_eq!(told(&world, "SHOP.example.com.", RecordType::A), fine(&["127.9.0.1"]));
    world.checks = Arc::new([("own".into(), false), ("closed".into(), false)].into());
    assert_eq!(told(&world, "shop.example.com.", RecordType::A), fine(&["127.9.0.1"]), "both ill");
    world.checks = Arc::new([("own".into(), false), ("closed".into(), true)].into());
    assert_eq!(told(&world, "shop.example.com.", RecordType::A), fine(&["127.9.0.2"]));
    world.balancers.insert(host(STANDBY), (Ipv4Addr::new(127, 9, 0, 2), false));
    assert_eq!(told(&world, "shop.example.com.", RecordType::A), fine(&["127.9.0.1"]), "no target");
}

#[test]
fn an_answer_is_authoritative_and_may_be_cached_as_route_53_says() {
    let reply = ask(&world(), &question("shop.example.com.", RecordType::A), true);
    assert!(reply.metadata.authoritative && !reply.metadata.recursion_available);
    assert_eq!(reply.answers[0].ttl, 60, "an alias");
    assert_eq!(reply.answers[0].name.to_ascii(), "shop.example.com.");
    let reply = ask(&world(), &question("deep.below.example.com.", RecordType::A), true);
    assert_eq!(reply.answers[0].ttl, 30);
}

#[test]
fn load_balancers_names_are_answered_whatever_their_health() {
    let mut world = world();
    world.balancers.insert(host(HOME), (Ipv4Addr::new(127, 9, 0, 1), false));
    assert_eq!(told(&world, &format!("{HOME}."), RecordType::A), fine(&["127.9.0.1"]));
    assert_eq!(told(&world, &format!("dualstack.{HOME}."), RecordType::A), fine(&["127.9.0.1"]));
    assert_eq!(told(&world, &format!("{HOME}."), RecordType::AAAA), fine(&[]));
}

#[test]
fn other_types_are_told_as_they_are() {
    let world = world();
    let (code, soa) = told(&world, "example.com.", RecordType::SOA);
    assert!(code == ResponseCode::NoError && soa[0].contains("awsdns-hostmaster"), "{soa:?}");
    assert_eq!(told(&world, "example.com.", RecordType::NS).1.len(), 2);
    let reply = ask(&world, &question("_bowline.shop.example.com.", RecordType::TXT), true);
    let hickory_proto::rr::RData::TXT(text) = &reply.answers[0].data else { panic!("{reply}") };
    let strings: Vec<_> = text.txt_data.iter().map(|s| String::from_utf8_lossy(s)).collect();
    assert_eq!(strings, ["v=1 epoch=3", "a \"b\""]);
}

#[test]
fn canonical_names_are_followed_within_the_zone() {
    let world = world();
    let www = told(&world, "www.example.com.", RecordType::A);
    assert_eq!(www, fine(&["shop.example.com.", "127.9.0.1"]));
    assert_eq!(told(&world, "www.example.com.", RecordType::CNAME), fine(&["shop.example.com."]));
    assert_eq!(told(&world, "out.example.com.", RecordType::A), fine(&["elsewhere.test."]));
}

#[test]
fn no_data_and_no_such_domain_are_told_apart_with_the_soa() {
    let world = world();
    for (name, kind, code) in [
        ("shop.example.com.", RecordType::AAAA, ResponseCode::NoError),
        ("shop.example.com.", RecordType::MX, ResponseCode::NoError),
        ("below.example.com.", RecordType::A, ResponseCode::NoError),
        ("none.example.com.", RecordType::A, ResponseCode::NXDomain),
    ] {
        let reply = ask(&world, &question(name, kind), true);
        assert_eq!((reply.metadata.response_code, reply.answers.len()), (code, 0), "{name} {kind}");
        assert_eq!(reply.authorities[0].record_type(), RecordType::SOA, "{name} {kind}");
    }
}

#[test]
fn what_is_not_ours_is_refused_and_what_is_not_known_yet_fails() {
    let other = told(&world(), "example.org.", RecordType::A);
    assert_eq!(other.0, ResponseCode::Refused);
    assert_eq!(told(&world(), "notexample.com.", RecordType::A).0, ResponseCode::Refused);
    let early = World { zones: None, ..world() };
    assert_eq!(told(&early, "shop.example.com.", RecordType::A).0, ResponseCode::ServFail);
    let mut update = question("example.com.", RecordType::SOA);
    update.metadata.op_code = OpCode::Update;
    assert_eq!(ask(&world(), &update, true).metadata.response_code, ResponseCode::NotImp);
}

#[test]
fn garbage_gets_an_error_or_nothing_at_all() {
    let (_sender, seen) = channel(world());
    let reply = server::reply(&seen, &[7, 9, 1, 0, 0, 1], true).unwrap();
    let reply = Message::from_vec(&reply).unwrap();
    assert_eq!((reply.metadata.id, reply.metadata.response_code), (0x709, ResponseCode::FormErr));
    assert_eq!(server::reply(&seen, &[7], true), None);
    let answer = Message::response(1, OpCode::Query).to_vec().unwrap();
    assert_eq!(server::reply(&seen, &answer, true), None, "two servers would talk for ever");
}

#[test]
fn a_long_answer_is_cut_over_udp_to_what_the_asker_takes() {
    let mut world = world();
    let many: Vec<String> = (0..60).map(|n| format!("192.0.2.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let sets = [values("many.example.com.", RrType::A, &many)];
    world.zones = Some(Arc::new(vec![Zone::new("example.com.", &sets)]));
    let mut request = question("many.example.com.", RecordType::A);
    assert!(ask(&world, &request, true).metadata.truncation);
    assert_eq!(ask(&world, &request, false).answers.len(), 60, "over TCP");
    let mut edns = Edns::new();
    edns.set_max_payload(4096);
    request.edns = Some(edns);
    let reply = ask(&world, &request, true);
    assert_eq!((reply.answers.len(), reply.edns.is_some()), (60, true));
}
