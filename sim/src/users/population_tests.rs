//! Caches: who is led where, and when.

use proptest::prelude::*;

use super::*;
use crate::part::at;

const WELL: Access = Access { reads: true, writes: true };
const READS: Access = Access { reads: true, writes: false };
const DOWN: Access = Access { reads: false, writes: false };

fn to(site: Site) -> Told {
    Told { site: Some(site), ttl: Span::secs(60) }
}

const NOWHERE: Told = Told { site: None, ttl: Span::ZERO };

fn home() -> Servers {
    [to(Site::Home); SERVERS]
}

fn standby() -> Servers {
    [to(Site::Standby); SERVERS]
}

fn population(seed: u64) -> (Population, fastrand::Rng) {
    let spec = PopulationSpec { resolvers: 24, reads_per_sec: 1_000, writes_per_sec: 100 };
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut population = Population::new(spec, home(), at(Mono(0)), &mut rng);
    population.set_serves([WELL, DOWN], Mono(0));
    (population, rng)
}

/// Runs all events up to an instant; how many there were.
fn run(population: &mut Population, rng: &mut fastrand::Rng, until: u64) -> usize {
    let mut events = 0;
    while let Some(next) = population.next().filter(|next| next.0 <= until) {
        population.advance(next, rng);
        events += 1;
    }
    events
}

#[test]
fn while_nothing_changes_nothing_is_an_event() {
    let (population, _) = population(1);
    assert_eq!(population.next(), None);
    assert_eq!(population.led_permille(Site::Home), 1_000);
}

#[test]
fn after_a_change_resolvers_follow_within_one_ttl() {
    let (mut population, mut rng) = population(2);
    population.set_servers(standby(), Mono(1_000_000));
    assert_eq!(population.led_permille(Site::Standby), 0, "caches are still good");
    run(&mut population, &mut rng, 1_030_000);
    let midway = population.led_permille(Site::Standby);
    assert!((200..=800).contains(&midway), "{midway}");
    run(&mut population, &mut rng, 1_060_000);
    assert_eq!(population.led_permille(Site::Standby), 1_000);
    assert_eq!(population.next(), None, "settled again");
}

#[test]
fn a_change_costs_each_resolver_one_question() {
    let (mut population, mut rng) = population(3);
    population.set_servers(standby(), Mono(500_000));
    assert!(run(&mut population, &mut rng, u64::MAX) <= 24);
}

#[test]
fn while_servers_disagree_users_are_led_to_both() {
    let (mut population, mut rng) = population(4);
    let mut mixed = home();
    mixed[1] = to(Site::Standby);
    mixed[3] = to(Site::Standby);
    population.set_servers(mixed, Mono(0));
    run(&mut population, &mut rng, 120_000);
    let led = population.led_permille(Site::Standby);
    assert!((200..=800).contains(&led), "{led}");
    assert!(population.next().is_some(), "they keep asking");
    population.set_servers(standby(), Mono(120_000));
    run(&mut population, &mut rng, 240_000);
    assert_eq!(population.led_permille(Site::Standby), 1_000);
}

#[test]
fn users_fail_while_they_are_led_to_a_dead_site() {
    let (mut population, mut rng) = population(5);
    population.set_serves([DOWN, WELL], Mono(1_000_000));
    assert_eq!(population.failing_permille(), (1_000, 1_000));
    population.set_servers(standby(), Mono(1_200_000));
    run(&mut population, &mut rng, 2_000_000);
    let (reads, writes) = population.outage(Mono(2_000_000));
    assert_eq!(reads, writes);
    assert!(reads.longest_total >= Span::secs(200) && reads.longest_total <= Span::secs(215));
    assert!(reads.weighted > Span::secs(210) && reads.weighted < Span::secs(255), "{reads:?}");
    assert_eq!(population.failing_permille(), (0, 0));
}

#[test]
fn writers_fail_alone_where_only_reads_are_served() {
    let (mut population, _) = population(6);
    population.set_serves([READS, DOWN], Mono(0));
    let (reads, writes) = population.outage(Mono(10_000));
    assert_eq!((reads.weighted, writes.weighted), (Span::ZERO, Span::secs(10)));
}

#[test]
fn no_answer_at_all_fails_everybody_and_is_asked_again() {
    let (mut population, mut rng) = population(7);
    population.set_servers([NOWHERE; SERVERS], Mono(0));
    run(&mut population, &mut rng, 60_000);
    assert_eq!(population.failing_permille(), (1_000, 1_000));
    assert_eq!(population.load(Site::Home), Load::default());
    population.set_servers(home(), Mono(200_000));
    run(&mut population, &mut rng, 260_000);
    assert_eq!(population.failing_permille(), (0, 0));
}

#[test]
fn load_follows_the_users() {
    let (mut population, mut rng) = population(8);
    let load = Load { reads_per_sec: 1_000, writes_per_sec: 100 };
    assert_eq!(population.load(Site::Home), load);
    population.set_servers(standby(), Mono(0));
    run(&mut population, &mut rng, 70_000);
    assert_eq!(
        (population.load(Site::Home), population.load(Site::Standby)),
        (Load::default(), load)
    );
}

#[test]
fn a_restarted_measurement_begins_at_nothing() {
    let (mut population, _) = population(9);
    population.set_serves([DOWN, DOWN], Mono(0));
    population.restart(Mono(60_000));
    let (reads, _) = population.outage(Mono(61_000));
    assert_eq!(reads.weighted, Span::secs(1));
}

proptest! {
    #[test]
    fn every_user_is_led_to_one_site_at_most_and_settles_where_the_servers_do(
        seed: u64,
        acts in proptest::collection::vec((0usize..SERVERS, 0u8..3, 1u64..90_000), 1..20),
    ) {
        let (mut population, mut rng) = population(seed);
        let (mut servers, mut now) = (home(), 0);
        for (server, word, gap) in acts {
            servers[server] = [to(Site::Home), to(Site::Standby), NOWHERE][usize::from(word)];
            population.set_servers(servers, Mono(now));
            now += gap;
            run(&mut population, &mut rng, now);
            prop_assert!(population.led.iter().sum::<u64>() <= population.whole);
            prop_assert!(population.next().is_none_or(|next| next.0 > now));
        }
        population.set_servers(standby(), Mono(now));
        run(&mut population, &mut rng, now + 60_000);
        prop_assert_eq!(population.led_permille(Site::Standby), 1_000);
        prop_assert_eq!(population.next(), None);
    }
}
