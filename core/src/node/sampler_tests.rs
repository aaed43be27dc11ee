//! Rounds of signals: who is asked what and how often, and what of an answer becomes a sample.

use super::*;
use crate::health::{Outcome, Reach};
use crate::model::{Answer3, Counted, Wall};
use crate::node::testing::{fit, looked_by};
use crate::policy::{SignalPolicy, examples};

const NOW: Now = Now { mono: Mono(50_000), wall: Wall(1_000_000) };

fn later(secs: u64) -> Now {
    Now { mono: NOW.mono + Span::secs(secs), wall: NOW.wall + Span::secs(secs) }
}

/// The shop with one signal, looked at every ten seconds.
fn only(probe: Probe) -> Policy {
    let mut policy = examples::shop();
    let signal = SignalPolicy { probe, every: Span::secs(10), ..policy.health.signals[0].clone() };
    policy.health.signals = vec![signal];
    policy
}

/// The same, with Route 53's checks as its signal.
fn checked() -> Policy {
    let (home, standby) = ("home-check".into(), "standby-check".into());
    only(Probe::Route53Check { home, standby })
}

fn check() -> HttpCheck {
    let policy = examples::shop();
    let check = policy.health.signals.iter().find_map(|signal| match &signal.probe {
        Probe::Http(check) => Some(check.clone()),
        _ => None,
    });
    check.unwrap()
}

/// What a policy's signals ask in one round, in a world that was looked at.
fn asked(policy: &Policy, active: Site, leads: bool) -> Vec<Asking> {
    let group = looked_by(policy.clone(), fit);
    let frame = Frame { known: &group.known, active, leads };
    Sampler::new(policy).due(policy, &frame, NOW)
}

fn words(asked: &[Asking]) -> Vec<String> {
    asked.iter().map(|asking| format!("{:?}", asking.op)).collect()
}

#[test]
fn each_kind_of_signal_asks_the_site_it_is_about() {
    let web = examples::shop().home.load_balancers.keys().next().unwrap().clone();
    let load_balancer = web.clone();
    let alb = Probe::AlbTargets { load_balancer, minimum_healthy_percent: 50 };
    let (home, standby) = ("home-check".into(), "standby-check".into());
    let outside = Probe::Route53Check { home, standby };
    let progress = Probe::Progress { load_balancer: web };
    for (probe, wanted) in [
        (alb, vec![("eu-west-1", "TargetHealth"), ("eu-central-1", "TargetHealth")]),
        (Probe::Http(check()), vec![("home.elb", "writes: false"), ("standby.elb", "/healthz")]),
        (Probe::WriteProbe(check()), vec![("home.elb", "writes: true")]),
        (outside, vec![("CheckStatus", "home-check"), ("CheckStatus", "standby-check")]),
        (Probe::ClusterApi, vec![("shop-home", "Ready"), ("shop-standby", "Ready")]),
        (progress, vec![("eu-west-1", "Served")]),
    ] {
        let found = words(&asked(&only(probe.clone()), Site::Home, true));
        assert_eq!(found.len(), wanted.len(), "{probe:?}: {found:?}");
        for (found, (one, other)) in found.iter().zip(wanted) {
            assert!(found.contains(one) && found.contains(other), "{probe:?}: {found}");
        }
    }
}

#[test]
fn only_the_active_site_is_written_to_and_only_the_leader_asks_route_53() {
    let found = words(&asked(&only(Probe::WriteProbe(check())), Site::Standby, true));
    assert!(found.len() == 1 && found[0].contains("standby.elb"), "{found:?}");
    assert_eq!(words(&asked(&checked(), Site::Home, false)), [""; 0]);
}

#[test]
fn one_round_asks_several_apis_of_both_regions_and_is_a_sample_of_each_site() {
    let policy = only(Probe::RegionApi);
    let group = looked_by(policy.clone(), fit);
    let frame = Frame { known: &group.known, active: Site::Home, leads: true };
    let mut sampler = Sampler::new(&policy);
    let round = sampler.due(&policy, &frame, NOW);
    let found = words(&round);
    assert_eq!(found.len(), 6, "{found:?}");
    for (part, site) in found.chunks(3).zip(["home", "standby"]) {
        for (found, what) in part.iter().zip(["Find", "Describe", "Ready"]) {
            assert!(found.contains(what), "{found}");
        }
        assert!(part[2].contains(&format!("shop-{site}")), "{part:?}");
    }
    // Home's are silent, standby's answer: one sample of each, by its own calls.
    for (index, asking) in round.iter().enumerate() {
        let silent = Err(Fault::Transient("no answer".into()));
        let answer = if index < 3 { silent } else { Ok(Answer::Ok) };
        assert_eq!(
            sampler.take(&policy, asking.slot, NOW.mono, answer),
            index == 5,
            "the last makes it"
        );
    }
    let outcomes = Site::BOTH.map(|site| {
        let samples = sampler.site(site).evidence(NOW.mono);
        (samples[0].good, samples[0].bad)
    });
    assert_eq!(outcomes, [(0, 1), (1, 0)]);
    assert_eq!(sampler.contact(Site::Home).reach(), Reach::Silent);
    assert_eq!(sampler.contact(Site::Standby).reach(), Reach::NotAsked, "it is home's round");
}

#[test]
fn s4_the_other_regions_silence_is_not_counted_against_the_site_that_asks() {
    let policy = only(Probe::RegionApi);
    let group = looked_by(policy.clone(), fit);
    let frame = Frame { known: &group.known, active: Site::Home, leads: true };
    let mut sampler = Sampler::new(&policy);
    for (index, asking) in sampler.due(&policy, &frame, NOW).iter().enumerate() {
        let lost = Err(Fault::Transient("no answer".into()));
        let answer = if index == 0 { Ok(Answer::Ok) } else { lost };
        sampler.take(&policy, asking.slot, NOW.mono, answer);
    }
    assert_eq!(sampler.contact(Site::Home).reach(), Reach::Answers, "two of its three were lost");
}

#[test]
fn a_round_is_asked_in_its_rhythm_and_not_while_the_last_is_awaited() {
    let policy = only(Probe::ClusterApi);
    let group = looked_by(policy.clone(), fit);
    let frame = Frame { known: &group.known, active: Site::Home, leads: true };
    let mut sampler = Sampler::new(&policy);
    assert_eq!(sampler.wake_at(), Some(Mono(0)));
    let first = sampler.due(&policy, &frame, NOW);
    assert_eq!(first.len(), 2);
    assert_eq!(sampler.wake_at(), Some(later(10).mono));
    assert!(sampler.take(&policy, first[0].slot, NOW.mono, Ok(Answer::Ok)));
    assert!(!sampler.take(&policy, first[0].slot, NOW.mono, Ok(Answer::Ok)), "nobody waits for it");
    assert_eq!(sampler.due(&policy, &frame, later(9)).len(), 0);
    let second = sampler.due(&policy, &frame, later(10));
    assert_eq!(second.len(), 1, "standby's first round is awaited");
    assert_eq!(second[0].slot.slot, first[0].slot.slot);
    assert!(
        !sampler.take(&policy, first[0].slot, NOW.mono, Ok(Answer::Ok)),
        "an answer of a round that is over"
    );
    assert!(sampler.take(&policy, second[0].slot, NOW.mono, Ok(Answer::Ok)));
    let samples = sampler.site(Site::Home).evidence(later(10).mono);
    assert_eq!((samples[0].good, samples[0].bad), (2, 0));
    // Woken late, it goes on from there.
    sampler.due(&policy, &frame, later(27));
    assert_eq!(sampler.wake_at(), Some(later(37).mono));
}

#[test]
fn l1_a_check_status_over_the_quota_is_asked_for_in_its_turn_and_is_no_sample() {
    let policy = checked();
    let frame = Frame { known: &Known::default(), active: Site::Home, leads: true };
    let mut sampler = Sampler::new(&policy);
    let asked = sampler.due(&policy, &frame, NOW);
    let [home, standby] = asked.as_slice() else { panic!("two sites") };
    let throttled = |after| Err(Fault::Throttled { after });
    let age =
        |sampler: &Sampler, site| sampler.site(site).window(0).unwrap().read(later(3).mono).age;
    assert!(!sampler.take(&policy, home.slot, NOW.mono, throttled(Some(Span::secs(3)))));
    assert!(sampler.take(&policy, standby.slot, NOW.mono, throttled(None)), "nobody says when");
    assert_eq!(sampler.wake_at(), Some(later(3).mono));
    assert_eq!(age(&sampler, Site::Home), None, "nobody looked");
    assert_eq!(age(&sampler, Site::Standby), Some(Span::secs(3)));
    assert_eq!(words(&sampler.due(&policy, &frame, later(2))), [""; 0]);
    let again = sampler.due(&policy, &frame, later(3));
    assert_eq!(words(&again), [words(&asked)[0].clone()]);
    assert!(sampler.take(
        &policy,
        again[0].slot,
        NOW.mono,
        Ok(Answer::CheckStatus { healthy: 0, of: 8 })
    ));
    assert_eq!(age(&sampler, Site::Home), Some(Span::ZERO));
}

/// A round of the Regions' APIs, home's `Describe` of which is refused until a turn in so many
/// seconds, and all else is answered; whether a sample came of it.
fn refused_one(policy: &Policy, turn: u64) -> (Sampler, bool) {
    let group = looked_by(policy.clone(), fit);
    let frame = Frame { known: &group.known, active: Site::Home, leads: true };
    let mut sampler = Sampler::new(policy);
    let round = sampler.due(policy, &frame, NOW);
    let taken = round.iter().map(|asking| {
        let refused = Err(Fault::Throttled { after: Some(Span::secs(turn)) });
        let home = asking.slot.index == 1;
        let answer = if home { refused } else { Ok(Answer::Ok) };
        sampler.take(policy, asking.slot, NOW.mono, answer)
    });
    let sampled = taken.collect::<Vec<_>>().contains(&true);
    (sampler, sampled)
}

#[test]
fn l1_what_of_a_round_is_over_the_quota_is_asked_alone_and_the_rhythm_goes_on_from_there() {
    let policy = only(Probe::RegionApi);
    let group = looked_by(policy.clone(), fit);
    let frame = Frame { known: &group.known, active: Site::Home, leads: true };
    let (mut sampler, sampled) = refused_one(&policy, 2);
    assert!(!sampled && sampler.wake_at() == Some(later(2).mono));
    assert_eq!(sampler.contact(Site::Home).reach(), Reach::Answers, "by the two that were asked");
    let again = sampler.due(&policy, &frame, later(2));
    assert!(again.len() == 1 && words(&again)[0].contains("Describe"), "{:?}", words(&again));
    assert_eq!(sampler.wake_at(), Some(later(10).mono), "standby's own slot");
    assert!(sampler.take(&policy, again[0].slot, later(2).mono, Ok(Answer::Ok)));
    let samples = sampler.site(Site::Home).evidence(later(2).mono);
    assert_eq!((samples[0].good, samples[0].age), (1, Some(Span::secs(2))), "as of its beginning");
    assert_eq!(sampler.due(&policy, &frame, later(11)).len(), 0);
    assert_eq!(sampler.due(&policy, &frame, later(12)).len(), 6);
}

#[test]
fn l1_a_round_does_not_wait_long_for_one_of_its_calls() {
    let policy = only(Probe::RegionApi);
    let (sampler, sampled) = refused_one(&policy, 6);
    assert!(sampled);
    let samples = sampler.site(Site::Home).evidence(NOW.mono);
    assert_eq!((samples[0].good, samples[0].bad), (1, 0), "the two others answered");
}

#[test]
fn l1_a_round_of_which_nothing_was_asked_begins_when_all_of_it_has_its_turn() {
    let policy = only(Probe::RegionApi);
    let group = looked_by(policy.clone(), fit);
    let frame = Frame { known: &group.known, active: Site::Home, leads: true };
    let mut sampler = Sampler::new(&policy);
    for (index, asking) in sampler.due(&policy, &frame, NOW).iter().enumerate() {
        let after = Some(Span::secs(index as u64 + 2));
        let refused = Err(Fault::Throttled { after });
        assert!(!sampler.take(&policy, asking.slot, NOW.mono, refused));
    }
    assert_eq!(sampler.contact(Site::Home).reach(), Reach::NotAsked);
    assert_eq!(sampler.due(&policy, &frame, later(6)).len(), 0);
    assert_eq!(sampler.due(&policy, &frame, later(7)).len(), 6);
    assert_eq!(sampler.site(Site::Home).evidence(later(7).mono)[0].age, None);
}

#[test]
fn l1_check_statuses_of_many_groups_are_asked_for_no_more_often_than_the_quota_allows() {
    let policy = checked();
    let frame = Frame { known: &Known::default(), active: Site::Home, leads: true };
    for (groups, due) in [(1, 10), (4, 10), (20, 44)] {
        let mut sampler = Sampler::new(&policy);
        assert_eq!(Sampler::checks(&policy), 2);
        sampler.share(&policy, 2 * groups);
        sampler.due(&policy, &frame, NOW);
        assert_eq!(sampler.wake_at(), Some(later(due).mono), "{groups} groups");
        for forgets in [false, true] {
            if forgets {
                sampler.forget(&policy, Site::Home);
            }
            let window = sampler.site(Site::Home).window(0).unwrap();
            let of = policy.health.signals[0].down.of.max(policy.health.signals[0].up.of);
            assert_eq!(window.patience(), Span::secs(due).times(u64::from(of) + 1));
        }
    }
}

#[test]
fn what_route_53_answers_says_whether_aws_is_reached_and_nothing_of_the_sites() {
    let policy = checked();
    let frame = Frame { known: &Known::default(), active: Site::Home, leads: true };
    let mut sampler = Sampler::new(&policy);
    for round in 0..3 {
        for asking in sampler.due(&policy, &frame, later(round * 10)) {
            let lost = Err(Fault::Unknown("no answer in time".into()));
            assert!(sampler.take(&policy, asking.slot, NOW.mono, lost));
        }
    }
    assert_eq!(sampler.aws().reach(), Reach::Silent);
    assert_eq!(sampler.contact(Site::Home).reach(), Reach::NotAsked);
    let mut sampler = Sampler::new(&policy);
    sampler.heard_of_aws(&Ok(Answer::Ok));
    assert_eq!(sampler.aws().reach(), Reach::Answers, "somebody else asked it");
}

#[test]
fn requests_served_since_the_trouble_began_are_progress_and_older_ones_are_none() {
    let mut policy = only(Probe::Http(check()));
    let web = check().load_balancer;
    let progress = SignalPolicy {
        probe: Probe::Progress { load_balancer: web },
        ..policy.health.signals[0].clone()
    };
    policy.health.signals.push(progress);
    let group = looked_by(policy.clone(), fit);
    let frame = Frame { known: &group.known, active: Site::Home, leads: true };
    let good = |bad_front: bool, served_before: u64| {
        let mut sampler = Sampler::new(&policy);
        let mut since = None;
        for round in 0..4 {
            let now = later(round * 10);
            for asking in sampler.due(&policy, &frame, now) {
                let answer = match &asking.op {
                    Op::CloudWatch(_, CloudWatchOp::Points { since: asked, .. }) => {
                        since = Some(*asked);
                        let at = later(30).wall - Span::secs(served_before);
                        Ok(Answer::Points(vec![Counted { at, thousandths: 5_000 }]))
                    }
                    _ if bad_front => Err(Fault::Transient("refused".into())),
                    other => fit(other),
                };
                sampler.take(&policy, asking.slot, NOW.mono, answer);
            }
        }
        assert_eq!(since, Some(later(30).wall - Span::mins(5)));
        sampler.site(Site::Home).window(1).unwrap().history().next()
    };
    assert_eq!(good(false, 180), Some(Outcome::Good), "three minutes, without any trouble");
    assert_eq!(good(false, 181), Some(Outcome::Silent));
    assert_eq!(good(true, 30), Some(Outcome::Good), "since the first bad look");
    assert_eq!(good(true, 31), Some(Outcome::Silent));
}

#[test]
fn an_http_look_may_take_its_own_time_and_half_a_second_and_any_other_five() {
    let timeouts = |probe| asked(&only(probe), Site::Home, true)[0].timeout;
    let mut slow = check();
    slow.timeout = Span::secs(7);
    assert_eq!(timeouts(Probe::Http(slow.clone())), Span::millis(7_500));
    assert_eq!(timeouts(Probe::WriteProbe(slow)), Span::millis(7_500));
    assert_eq!(timeouts(Probe::ClusterApi), Span::secs(5));
}

#[test]
fn what_was_seen_of_a_site_is_forgotten_for_that_site_alone() {
    let mut bench = crate::node::testing::Bench::fit().sampled(fit);
    let (policy, now) = (bench.group.policy.clone(), bench.now.mono);
    let sampler = &mut bench.group.sampler;
    assert_eq!(sampler.serving(Site::Home, now).verdict, Answer3::Yes);
    assert_eq!(sampler.outside_sign(Site::Home, now), Some(crate::health::Sign::Up));
    for site in Site::BOTH {
        assert_eq!(sampler.serving(site, now).verdict, Answer3::Yes);
        sampler.forget(&policy, site);
        assert_eq!(sampler.serving(site, now).verdict, Answer3::Unknown);
    }
}

#[test]
fn a_sample_is_news_when_a_verdict_or_who_answers_changes() {
    let policy = crate::policy::examples::shop();
    let mut sampler = Sampler::new(&policy);
    assert!(sampler.has_news(), "nothing was said before");
    assert!(!sampler.has_news());
    sampler.heard_of_aws(&Ok(Answer::Ok));
    assert!(sampler.has_news());
    sampler.heard_of_aws(&Ok(Answer::Ok));
    assert!(!sampler.has_news());
}
