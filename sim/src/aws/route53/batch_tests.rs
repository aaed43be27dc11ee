//! Batches: all or nothing, exact, and with the rules of failover sets.

use bowline_core::op::AliasTarget;
use proptest::prelude::*;

use super::*;
use crate::aws::dns_rules::alias_set;

const APEX: &str = "example.com";

fn apex() -> Host {
    APEX.into()
}

fn shop() -> Host {
    "shop.example.com".into()
}

fn alias(identifier: &str, role: Failover, check: &str) -> RecordSet {
    let elb = Host::new(format!("{identifier}.elb"));
    RecordSet { health_check: Some(check.into()), ..alias_set(&shop(), identifier, role, &elb) }
}

fn txt(text: &str) -> RecordSet {
    RecordSet {
        name: "_bowline.shop.example.com".into(),
        kind: RecordType::Txt,
        set_identifier: None,
        failover: None,
        health_check: None,
        ttl_secs: Some(60),
        values: vec![text.into()],
        alias: None,
    }
}

/// Home primary, standby secondary, and a fence record.
fn armed() -> Vec<RecordSet> {
    vec![
        alias("home", Failover::Primary, "home"),
        alias("standby", Failover::Secondary, "closed"),
        txt("epoch=1"),
    ]
}

/// The same after a failover.
fn moved() -> Vec<RecordSet> {
    vec![
        alias("home", Failover::Secondary, "closed"),
        alias("standby", Failover::Primary, "standby"),
        txt("epoch=2"),
    ]
}

fn applied(view: &View, delete: &[RecordSet], create: &[RecordSet]) -> Result<View, Fault> {
    let mut after = view.clone();
    after.extend(plan(&apex(), view, delete, create)?);
    Ok(after)
}

fn view(sets: &[RecordSet]) -> View {
    applied(&View::new(), &[], sets).unwrap()
}

fn refusal(view: &View, delete: &[RecordSet], create: &[RecordSet]) -> Fault {
    applied(view, delete, create).unwrap_err()
}

#[test]
fn a_swap_of_roles_in_one_batch_is_accepted() {
    let after = applied(&view(&armed()), &armed(), &moved()).unwrap();
    assert_eq!(after, view(&moved()));
}

#[test]
fn the_same_swap_sent_twice_is_refused() {
    let after = applied(&view(&armed()), &armed(), &moved()).unwrap();
    assert!(matches!(refusal(&after, &armed(), &moved()), Fault::Conflict(_)));
}

#[test]
fn a_delete_must_match_every_field() {
    let base = alias("home", Failover::Primary, "home");
    let alias_of = |f: fn(&mut AliasTarget)| {
        let mut set = base.clone();
        set.alias.iter_mut().for_each(f);
        set
    };
    let wrong = [
        ("role", RecordSet { failover: Some(Failover::Secondary), ..base.clone() }),
        ("health check", RecordSet { health_check: Some("other".into()), ..base.clone() }),
        ("no health check", RecordSet { health_check: None, ..base.clone() }),
        ("identifier", RecordSet { set_identifier: Some("x".into()), ..base.clone() }),
        ("type", RecordSet { kind: RecordType::Aaaa, ..base.clone() }),
        ("name", RecordSet { name: "x.example.com".into(), ..base.clone() }),
        ("evaluation", alias_of(|alias| alias.evaluate_target_health = false)),
        ("target", alias_of(|alias| alias.dns_name = "x.elb".into())),
        ("target's zone", alias_of(|alias| alias.zone = "ZX".into())),
    ];
    for (field, set) in wrong {
        let fault = refusal(&view(&armed()), &[set], &[]);
        assert!(matches!(fault, Fault::Conflict(_)), "{field}: {fault}");
    }
    let wrong = [
        ("TTL", RecordSet { ttl_secs: Some(61), ..txt("epoch=1") }),
        ("value", txt("epoch=0")),
        ("more values", RecordSet { values: vec!["epoch=1".into(); 2], ..txt("epoch=1") }),
    ];
    for (field, set) in wrong {
        let fault = refusal(&view(&armed()), &[set], &[]);
        assert!(matches!(fault, Fault::Conflict(_)), "{field}: {fault}");
    }
}

#[test]
fn a_stale_fence_refuses_the_whole_batch() {
    let stale = [vec![txt("epoch=0")], armed()[..2].to_vec()].concat();
    assert!(matches!(refusal(&view(&armed()), &stale, &moved()), Fault::Conflict(_)));
}

#[test]
fn create_of_what_exists_is_refused_even_when_it_is_the_same() {
    let fault = refusal(&view(&armed()), &[], &[txt("epoch=1")]);
    assert!(matches!(fault, Fault::Conflict(_)), "{fault}");
}

#[test]
fn failover_sets_need_distinct_roles() {
    let second = alias("other", Failover::Primary, "home");
    assert!(matches!(refusal(&view(&armed()), &[], &[second]), Fault::Conflict(_)));
    let same = RecordSet { set_identifier: None, failover: None, ..txt("b") };
    assert!(matches!(refusal(&view(&[txt("a")]), &[], &[same]), Fault::Conflict(_)));
}

#[test]
fn failover_and_simple_sets_do_not_mix_under_one_name_and_type() {
    let mut simple = alias_set(&shop(), "x", Failover::Primary, &"x.elb".into());
    (simple.failover, simple.set_identifier) = (None, None);
    assert!(matches!(refusal(&view(&armed()), &[], &[simple.clone()]), Fault::Conflict(_)));
    let other_type = RecordSet { kind: RecordType::Aaaa, ..simple };
    assert!(applied(&view(&armed()), &[], &[other_type]).is_ok());
}

#[test]
fn a_canonical_name_has_no_neighbours() {
    let cname = RecordSet { kind: RecordType::Cname, ..txt("elsewhere.com") };
    assert!(matches!(refusal(&view(&[txt("a")]), &[], &[cname]), Fault::Conflict(_)));
}

#[test]
fn what_is_malformed_can_never_be_accepted() {
    let value = RecordSet { kind: RecordType::A, name: shop(), ..txt("192.0.2.1") };
    let primary = RecordSet {
        failover: Some(Failover::Primary),
        set_identifier: Some("p".into()),
        ..value.clone()
    };
    let base = alias("home", Failover::Primary, "home");
    for (what, set) in [
        ("another zone", RecordSet { name: "shop.example.org".into(), ..value.clone() }),
        ("another zone's suffix", RecordSet { name: "shopexample.com".into(), ..value.clone() }),
        ("a primary that is no alias without a check", primary),
        ("an alias with a TTL", RecordSet { ttl_secs: Some(60), ..base.clone() }),
        ("an alias with values", RecordSet { values: vec!["x".into()], ..base.clone() }),
        ("neither alias nor values", RecordSet { alias: None, ..base.clone() }),
        ("no TTL", RecordSet { ttl_secs: None, ..value.clone() }),
        ("a role without an identifier", RecordSet { set_identifier: None, ..base }),
        ("a simple record with a check", RecordSet { health_check: Some("x".into()), ..value }),
    ] {
        let fault = refusal(&View::new(), &[], &[set]);
        assert!(matches!(fault, Fault::Invalid(_)), "{what}: {fault}");
    }
    assert!(matches!(refusal(&View::new(), &[], &[]), Fault::Invalid(_)), "an empty batch");
}

#[test]
fn a_batch_has_at_most_1000_elements_and_32000_characters() {
    let many = |n: usize, length: usize| RecordSet {
        values: (0..n).map(|_| "x".repeat(length).into()).collect(),
        ..txt("")
    };
    assert!(applied(&View::new(), &[], &[many(1_000, 32)]).is_ok());
    for set in [many(1_001, 1), many(1_000, 33)] {
        assert!(matches!(refusal(&View::new(), &[], &[set]), Fault::Invalid(_)));
    }
    let (half, other) = (many(500, 40), RecordSet { kind: RecordType::A, ..many(501, 1) });
    let fault = refusal(&view(std::slice::from_ref(&half)), &[half], &[other]);
    assert!(matches!(fault, Fault::Invalid(_)), "deletions count too");
}

/// Any failover or simple set of a few names, types and checks.
fn any_set() -> impl Strategy<Value = RecordSet> {
    let role = prop_oneof![Just(None), Just(Some(Failover::Primary))];
    (0..2u8, 0..2u8, role, 0..2u8).prop_map(|(name, kind, role, check)| RecordSet {
        name: Host::new(format!("n{name}.example.com")),
        kind: if kind == 0 { RecordType::A } else { RecordType::Txt },
        set_identifier: role.map(|_| "p".into()),
        failover: role,
        health_check: role.map(|_| Host::new(format!("hc{check}")).as_str().into()),
        ttl_secs: Some(60),
        values: vec!["v".into()],
        alias: None,
    })
}

fn some_sets() -> impl Strategy<Value = Vec<RecordSet>> {
    proptest::collection::vec(any_set(), 0..4)
}

/// All sets of a view, in one order.
fn all(view: &View) -> Vec<RecordSet> {
    let mut sets: Vec<_> = view.values().flat_map(|sets| sets.iter().cloned()).collect();
    sets.sort();
    sets
}

proptest! {
    #[test]
    fn an_accepted_batch_is_exactly_what_was_there_minus_delete_plus_create(
        first in some_sets(), delete in some_sets(), create in some_sets(),
    ) {
        let Ok(before) = applied(&View::new(), &[], &first) else { return Ok(()) };
        let Ok(after) = applied(&before, &delete, &create) else { return Ok(()) };
        let mut wanted = all(&before);
        for set in &delete {
            let found = wanted.iter().position(|present| present == set);
            prop_assert!(found.is_some(), "deleted what was not there");
            wanted.remove(found.unwrap());
        }
        wanted.extend(create);
        wanted.sort();
        prop_assert_eq!(all(&after), wanted);
    }

    #[test]
    fn of_two_leaders_with_the_same_view_only_one_batch_is_accepted(
        first in some_sets(), one in some_sets(), other in some_sets(), fence in 0..3u8,
    ) {
        let old = txt(&format!("epoch={fence}"));
        let Ok(before) = applied(&View::new(), &[], &[first, vec![old.clone()]].concat()) else {
            return Ok(());
        };
        let batch = |by: &str, create: Vec<RecordSet>| [vec![txt(by)], create].concat();
        let Ok(after) = applied(&before, std::slice::from_ref(&old), &batch("one", one)) else {
            return Ok(());
        };
        let late = applied(&after, &[old], &batch("other", other));
        prop_assert!(matches!(late, Err(Fault::Conflict(_) | Fault::Invalid(_))));
    }
}
