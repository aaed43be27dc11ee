//! Propagation: each server at its own instant, in order, within a minute.

use bowline_core::op::RecordType;
use proptest::prelude::*;

use super::*;
use crate::part::at;

fn txt(text: &str) -> RecordSet {
    RecordSet {
        name: "a.example.com".into(),
        kind: RecordType::Txt,
        set_identifier: None,
        failover: None,
        health_check: None,
        ttl_secs: Some(60),
        values: vec![text.into()],
        alias: None,
    }
}

fn zone(sets: &[RecordSet]) -> Zone {
    let name_servers = (1..=4).map(|n| Host::new(format!("ns-{n}.awsdns.test"))).collect();
    let info = ZoneInfo { apex: "example.com".into(), private: false, name_servers };
    Zone::new("Z1".into(), info, sets).unwrap()
}

fn said(zone: &Zone, server: usize) -> Option<&str> {
    let sets = zone.server(server).get("a.example.com")?;
    sets.first().and_then(|set| set.values.first()).map(AsRef::as_ref)
}

/// Advances from event to event until `until`.
fn run(zone: &mut Zone, until: Mono) {
    while let Some(next) = zone.next().filter(|next| *next <= until) {
        assert!(zone.advance(next));
    }
}

#[test]
fn the_api_shows_a_change_at_once_and_the_servers_later() {
    let mut zone = zone(&[txt("old")]);
    let rng = &mut fastrand::Rng::with_seed(1);
    let insync = zone.change(&[txt("old")], &[txt("new")], at(Mono(0)), rng).unwrap();
    assert_eq!(zone.sets(&"a.example.com".into()), [txt("new")]);
    assert_eq!(said(&zone, 0), Some("old"));
    run(&mut zone, Mono(insync.0 - 1));
    assert!((0..4).any(|server| said(&zone, server) == Some("old")), "the last server");
    run(&mut zone, insync);
    assert!((0..4).all(|server| said(&zone, server) == Some("new")));
    assert_eq!(zone.next(), None);
}

#[test]
fn servers_switch_each_at_their_own_instant() {
    let mut zone = zone(&[]);
    let rng = &mut fastrand::Rng::with_seed(2);
    zone.change(&[], &[txt("new")], at(Mono(0)), rng).unwrap();
    let mut switches = zone.pending[0].switches;
    switches.sort();
    assert!(switches.windows(2).all(|pair| pair[0] < pair[1]), "{switches:?}");
}

#[test]
fn a_second_change_while_one_is_being_accepted_is_throttled() {
    let mut zone = zone(&[]);
    let rng = &mut fastrand::Rng::with_seed(3);
    zone.change(&[], &[txt("one")], at(Mono(0)), rng).unwrap();
    let again = zone.change(&[txt("one")], &[txt("two")], at(Mono(1)), rng);
    let Err(Fault::Throttled { after: Some(after) }) = again else { panic!("{again:?}") };
    let later = at(Mono(1) + after);
    assert!(zone.change(&[txt("one")], &[txt("two")], later, rng).is_ok());
}

#[test]
fn a_refused_batch_leaves_no_trace() {
    let mut zone = zone(&[txt("old")]);
    let rng = &mut fastrand::Rng::with_seed(4);
    assert!(zone.change(&[txt("other")], &[txt("new")], at(Mono(0)), rng).is_err());
    assert_eq!(zone.sets(&"a.example.com".into()), [txt("old")]);
    assert_eq!(zone.next(), None);
    assert!(zone.change(&[txt("old")], &[], at(Mono(1)), rng).is_ok(), "nor is it busy");
}

#[test]
fn a_deleted_name_is_gone() {
    let mut zone = zone(&[txt("old")]);
    let rng = &mut fastrand::Rng::with_seed(5);
    let insync = zone.change(&[txt("old")], &[], at(Mono(0)), rng).unwrap();
    run(&mut zone, insync);
    assert!(zone.sets(&"a.example.com".into()).is_empty());
    assert_eq!(said(&zone, 2), None);
}

#[test]
fn servers_are_known_by_name() {
    let zone = zone(&[]);
    assert_eq!(zone.server_index(&"ns-3.awsdns.test".into()), Some(2));
    assert_eq!(zone.server_index(&"ns.elsewhere".into()), None);
    assert_eq!(change_id(7).as_str(), "C00000007");
}

proptest! {
    #[test]
    fn propagation_takes_20_to_60_seconds(seed: u64) {
        let mut zone = zone(&[]);
        let rng = &mut fastrand::Rng::with_seed(seed);
        let insync = zone.change(&[], &[txt("new")], at(Mono(0)), rng).unwrap();
        prop_assert!((Mono(20_000)..=Mono(60_000)).contains(&insync));
        let last = zone.pending[0].switches.into_iter().flatten().max();
        prop_assert_eq!(last, Some(insync));
    }

    #[test]
    fn no_server_ever_goes_back_to_an_older_change(
        seed: u64, gaps in proptest::collection::vec(500u64..30_000, 2..6),
    ) {
        let mut zone = zone(&[txt("0")]);
        let rng = &mut fastrand::Rng::with_seed(seed);
        let (mut now, mut newest) = (Mono(0), [0usize; SERVERS]);
        for (n, gap) in gaps.iter().enumerate() {
            let (old, new) = (txt(&n.to_string()), txt(&(n + 1).to_string()));
            zone.change(&[old], &[new], at(now), rng).unwrap();
            now = now + Span(*gap);
            while let Some(next) = zone.next().filter(|next| *next <= now) {
                zone.advance(next);
                for (server, newest) in newest.iter_mut().enumerate() {
                    let says: usize = said(&zone, server).unwrap().parse().unwrap();
                    prop_assert!(says >= *newest);
                    *newest = says;
                }
            }
        }
        run(&mut zone, Mono(u64::MAX));
        let last = gaps.len().to_string();
        prop_assert!((0..SERVERS).all(|server| said(&zone, server) == Some(last.as_str())));
    }
}
