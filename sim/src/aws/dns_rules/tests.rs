//! Every documented rule as a row, and what must hold of any record sets.

use proptest::prelude::*;

use super::*;

const NAME: &str = "shop.example.com";

/// Health as two lists of what is unhealthy.
#[derive(Default)]
struct Sick {
    checks: Vec<&'static str>,
    targets: Vec<&'static str>,
}

impl Health for Sick {
    fn check(&self, id: &HealthCheckId) -> bool {
        !self.checks.contains(&id.as_str())
    }

    fn target(&self, target: &AliasTarget) -> bool {
        !self.targets.contains(&target.dns_name.as_str())
    }
}

fn zone(sets: &[RecordSet]) -> BTreeMap<Host, Vec<RecordSet>> {
    let mut zone: BTreeMap<Host, Vec<RecordSet>> = BTreeMap::new();
    for set in sets {
        zone.entry(set.name.clone()).or_default().push(set.clone());
    }
    zone
}

fn name() -> Host {
    Host::new(NAME)
}

fn value(identifier: &str, role: Option<Failover>, check: Option<&str>) -> RecordSet {
    RecordSet {
        name: name(),
        kind: RecordType::A,
        set_identifier: role.map(|_| Arc::from(identifier)),
        failover: role,
        health_check: check.map(Into::into),
        ttl_secs: Some(30),
        values: vec![Arc::from(identifier)],
        alias: None,
    }
}

fn alias(role: Failover, eth: bool, check: Option<&str>) -> RecordSet {
    let to = if role == Failover::Primary { "home.elb" } else { "standby.elb" };
    let mut set = alias_set(&name(), to, role, &to.into());
    set.health_check = check.map(Into::into);
    if let Some(alias) = &mut set.alias {
        alias.evaluate_target_health = eth;
    }
    set
}

/// The identifier of the set that answers.
fn answers(sets: &[RecordSet], checks: &[&'static str], targets: &[&'static str]) -> String {
    let sick = Sick { checks: checks.to_vec(), targets: targets.to_vec() };
    let zone = zone(sets);
    match answer(&zone, &name(), RecordType::A, &sick) {
        Leads::Set(set) | Leads::LoadBalancer(set, _) => {
            set.set_identifier.as_deref().unwrap_or("simple").to_owned()
        }
        Leads::Nowhere => "nowhere".into(),
    }
}

const P: Option<Failover> = Some(Failover::Primary);
const S: Option<Failover> = Some(Failover::Secondary);

#[test]
fn the_documented_failover_rules_for_values() {
    let both = [value("p", P, Some("hc-p")), value("s", S, Some("hc-s"))];
    let bare = [value("p", P, Some("hc-p")), value("s", S, None)];
    let never = [value("p", P, None), value("s", S, None)];
    for (rule, sets, sick, wanted) in [
        ("a healthy primary answers", &both, &[][..], "p"),
        ("also while the secondary is unhealthy", &both, &["hc-s"][..], "p"),
        ("an unhealthy primary gives way to a healthy secondary", &both, &["hc-p"][..], "s"),
        ("both unhealthy: the primary answers", &both, &["hc-p", "hc-s"][..], "p"),
        ("a secondary without a check counts as healthy", &bare, &["hc-p"][..], "s"),
        ("a primary without a check never fails over", &never, &["hc-p", "hc-s"][..], "p"),
    ] {
        assert_eq!(answers(sets, sick, &[]), wanted, "{rule}");
    }
}

#[test]
fn the_documented_failover_rules_for_aliases() {
    let on = |role, check| alias(role, true, check);
    let off = |role, check| alias(role, false, check);
    let (p, s) = (Failover::Primary, Failover::Secondary);
    let eth = [on(p, None), on(s, None)];
    let gates = [off(p, Some("gate-p")), off(s, Some("gate-s"))];
    let shut = [on(p, Some("own")), on(s, Some("closed"))];
    let (home, standby) = ("home.elb", "standby.elb");
    for (rule, sets, checks, targets, wanted) in [
        ("healthy targets: the primary", &eth, &[][..], &[][..], home),
        ("an unhealthy target fails over", &eth, &[][..], &[home][..], standby),
        ("an empty standby is unhealthy too", &eth, &[][..], &[home, standby][..], home),
        ("without evaluation a target's health is nothing", &gates, &[][..], &[home][..], home),
        ("a closed gate moves it", &gates, &["gate-p"][..], &[][..], standby),
        ("check and target must both be healthy", &shut, &["own"][..], &[][..], standby),
        ("a closed check shuts a healthy alias", &shut, &["closed"][..], &[home][..], home),
    ] {
        assert_eq!(answers(sets, checks, targets), wanted, "{rule}");
    }
}

#[test]
fn a_lone_set_answers_however_it_is() {
    for role in [P, S, None] {
        let set = value("only", role, Some("hc"));
        assert_ne!(answers(&[set], &["hc"], &[]), "nowhere", "{role:?}");
    }
}

#[test]
fn an_alias_to_a_load_balancer_may_be_cached_for_a_minute() {
    let sets = zone(&[alias(Failover::Primary, true, None)]);
    let leads = answer(&sets, &name(), RecordType::A, &Sick::default());
    assert_eq!(leads.ttl_secs(), Some(60));
    let sets = zone(&[value("v", None, None)]);
    let leads = answer(&sets, &name(), RecordType::A, &Sick::default());
    assert_eq!(leads.ttl_secs(), Some(30));
}

#[test]
fn a_name_without_sets_of_the_type_leads_nowhere() {
    let sets = zone(&[value("v", None, None)]);
    let sick = Sick::default();
    assert_eq!(answer(&sets, &name(), RecordType::Aaaa, &sick), Leads::Nowhere);
    let other = answer(&sets, &"other.example.com".into(), RecordType::A, &sick);
    assert_eq!((other, other.ttl_secs()), (Leads::Nowhere, None));
}

#[test]
fn a_canonical_name_answers_every_type_but_its_neighbours() {
    let cname = RecordSet { kind: RecordType::Cname, ..value("elsewhere.com", None, None) };
    let sets = zone(std::slice::from_ref(&cname));
    for kind in [RecordType::A, RecordType::Aaaa, RecordType::Https, RecordType::Cname] {
        let leads = answer(&sets, &name(), kind, &Sick::default());
        assert_eq!(leads, Leads::Set(&cname), "{kind:?}");
    }
}

#[test]
fn types_of_a_name_fail_over_each_by_themselves() {
    let aaaa = |set: RecordSet| RecordSet { kind: RecordType::Aaaa, ..set };
    let sets = zone(&[
        value("p4", P, Some("hc-4")),
        value("s4", S, None),
        aaaa(value("p6", P, Some("hc-6"))),
        aaaa(value("s6", S, None)),
    ]);
    let sick = Sick { checks: vec!["hc-6"], targets: vec![] };
    let of = |kind| match answer(&sets, &name(), kind, &sick) {
        Leads::Set(set) => set.set_identifier.clone(),
        _ => None,
    };
    assert_eq!(of(RecordType::A).as_deref(), Some("p4"));
    assert_eq!(of(RecordType::Aaaa).as_deref(), Some("s6"));
}

/// `shop` is an alias to the indirection record `region`, whose failover sets lead to the ALBs.
fn indirect() -> Vec<RecordSet> {
    let at = |name: &str, set: RecordSet| RecordSet { name: name.into(), ..set };
    let mut shop = alias_set(&name(), "x", Failover::Primary, &"region.example.com".into());
    (shop.set_identifier, shop.failover) = (None, None);
    vec![
        shop,
        at("region.example.com", alias(Failover::Primary, true, None)),
        at("region.example.com", alias(Failover::Secondary, true, None)),
    ]
}

#[test]
fn an_alias_within_the_zone_is_followed() {
    assert_eq!(answers(&indirect(), &[], &[]), "home.elb");
    assert_eq!(answers(&indirect(), &[], &["home.elb"]), "standby.elb");
}

#[test]
fn an_alias_within_the_zone_is_healthy_while_any_of_its_sets_is() {
    let mut sets = indirect();
    (sets[0].set_identifier, sets[0].failover) = (Some("via".into()), P);
    sets.push(value("s", S, None));
    assert_eq!(answers(&sets, &[], &["home.elb"]), "standby.elb", "through the indirection");
    assert_eq!(answers(&sets, &[], &["home.elb", "standby.elb"]), "s", "past it");
}

#[test]
fn aliases_that_go_round_in_circles_lead_nowhere() {
    let mut a = alias_set(&name(), "a", Failover::Primary, &"b.example.com".into());
    a.failover = None;
    let mut b = alias_set(&"b.example.com".into(), "b", Failover::Primary, &name());
    b.failover = None;
    assert_eq!(answers(&[a, b], &[], &[]), "nowhere");
}

#[test]
fn one_group_without_a_healthy_target_makes_the_whole_load_balancer_unhealthy() {
    let of = |groups: &[(u32, u32)]| {
        load_balancer_healthy(
            groups.iter().map(|&(total, healthy)| TargetHealth { total, healthy }),
        )
    };
    for (what, groups, healthy) in [
        ("all healthy", &[(3, 3), (2, 2)][..], true),
        ("one target each suffices", &[(3, 1), (2, 1)][..], true),
        ("one group only unhealthy", &[(3, 3), (2, 0)][..], false),
        ("one group empty", &[(3, 3), (0, 0)][..], false),
        ("scaled to zero", &[(0, 0)][..], false),
        ("no groups at all", &[][..], false),
    ] {
        assert_eq!(of(groups), healthy, "{what}");
    }
}

/// Health by bits, so that any combination is drawn.
struct Bits(u8);

impl Health for Bits {
    fn check(&self, id: &HealthCheckId) -> bool {
        self.0 >> (if id.as_str() == "p" { 0 } else { 1 }) & 1 == 1
    }

    fn target(&self, target: &AliasTarget) -> bool {
        self.0 >> (if target.dns_name.as_str() == "home.elb" { 2 } else { 3 }) & 1 == 1
    }
}

proptest! {
    #[test]
    fn the_secondary_answers_exactly_when_it_alone_is_healthy(
        bits in 0u8..16, eth: [bool; 2], checked: [bool; 2], swapped: bool,
    ) {
        let check = |on: bool, id| on.then_some(id);
        let mut sets = vec![
            alias(Failover::Primary, eth[0], check(checked[0], "p")),
            alias(Failover::Secondary, eth[1], check(checked[1], "s")),
        ];
        if swapped {
            sets.reverse();
        }
        let health = Bits(bits);
        let well = |at: usize| (!checked[at] || bits >> at & 1 == 1)
            && (!eth[at] || bits >> (2 + at) & 1 == 1);
        let sets = zone(&sets);
        let Leads::LoadBalancer(set, _) = answer(&sets, &name(), RecordType::A, &health) else {
            panic!("no answer");
        };
        prop_assert_eq!(set.failover == S, !well(0) && well(1));
    }

    #[test]
    fn a_name_with_sets_of_a_type_is_never_left_without_an_answer(
        bits in 0u8..16, roles in proptest::sample::subsequence(vec![P, S], 1..=2),
    ) {
        let sets: Vec<_> = roles.iter().map(|role| {
            value("v", *role, Some(if *role == P { "p" } else { "s" }))
        }).collect();
        let sets = zone(&sets);
        prop_assert_ne!(answer(&sets, &name(), RecordType::A, &Bits(bits)), Leads::Nowhere);
    }
}
