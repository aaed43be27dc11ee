//! The verdict *serving*, by stories on a time line: what each signal sees from second to second.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::window::Outcome;
use super::*;
use crate::model::{Host, LoadBalancerName};
use crate::policy::{HttpCheck, KOfN, Probe, SignalPolicy};

fn signal(name: &str, probe: Probe, every: u64, down: (u32, u32), up: (u32, u32)) -> SignalPolicy {
    let rule = |(need, of)| KOfN { of, need };
    let name = ObjectName::new(name);
    SignalPolicy { name, probe, every: Span::secs(every), down: rule(down), up: rule(up) }
}

fn http_check() -> HttpCheck {
    HttpCheck {
        load_balancer: LoadBalancerName::new("web"),
        host: Host::new("shop.example.com"),
        path: Arc::from("/"),
        expect: (200, 299),
        timeout: Span::secs(3),
        tls: true,
        port: 443,
    }
}

const FRONT: usize = 0;
const OUTSIDE: usize = 1;
const REGION: usize = 2;
const ALB: usize = 3;
const PROGRESS: usize = 4;
const CLUSTER: usize = 5;
const SIGNALS: usize = 6;

/// Quorum 2, confirm 60 s.
fn policy() -> HealthPolicy {
    let web = || LoadBalancerName::new("web");
    let outside = Probe::Route53Check { home: "h".into(), standby: "s".into() };
    let alb = Probe::AlbTargets { load_balancer: web(), minimum_healthy_percent: 50 };
    let progress = Probe::Progress { load_balancer: web() };
    HealthPolicy {
        signals: vec![
            signal("front", Probe::Http(http_check()), 5, (3, 5), (5, 5)),
            signal("outside", outside, 15, (2, 3), (3, 3)),
            signal("region", Probe::RegionApi, 10, (4, 5), (5, 5)),
            signal("alb", alb, 10, (3, 5), (5, 5)),
            signal("progress", progress, 60, (3, 3), (1, 2)),
            signal("cluster", Probe::ClusterApi, 10, (3, 5), (5, 5)),
        ],
        quorum: 2,
        confirm: Span::secs(60),
        stable_for: Span::mins(10),
        canaries: Vec::new(),
    }
}

fn at(secs: u64) -> Now {
    Now { mono: Mono(secs * 1_000), wall: Wall(i64::try_from(secs).unwrap() * 1_000) }
}

/// What each signal tells at a second of the story.
type Story<'a> = dyn Fn(usize, u64) -> Outcome + 'a;

/// Plays a story from 0 s, each signal at its own pace, and gives the verdict of every second.
fn play(until: u64, story: &Story<'_>) -> Vec<Serving> {
    let policy = policy();
    let mut health = SiteHealth::new(&policy);
    let second = |secs: u64| {
        for (index, signal) in policy.signals.iter().enumerate() {
            if secs.is_multiple_of(signal.every.as_secs()) {
                health.push(index, Sample { at: at(secs), outcome: story(index, secs) });
            }
        }
        health.serving(at(secs).mono)
    };
    (0..=until).map(second).collect()
}

/// All signals that can say so say good; progress has nothing to say.
fn well(signal: usize) -> Outcome {
    if signal == PROGRESS { Outcome::Silent } else { Outcome::Good }
}

fn first(verdicts: &[Serving], verdict: Answer3) -> Option<usize> {
    verdicts.iter().position(|serving| serving.verdict == verdict)
}

#[test]
fn in_peace_it_serves_and_nothing_is_suspected() {
    let verdicts = play(600, &|signal, _| well(signal));
    let yes = first(&verdicts, Answer3::Yes).unwrap();
    assert_eq!(yes, 20, "five good samples of the quickest user-facing signal");
    assert!(verdicts[yes..].iter().all(|s| s.verdict == Answer3::Yes && s.suspect.is_none()));
    assert_eq!(verdicts[600].why, ServingWhy::Serves);
}

/// Home dies as a whole at 300 s: its APIs are silent, HTTP and Route 53's checkers fail.
fn dead(signal: usize, secs: u64) -> Outcome {
    match signal {
        _ if secs < 300 => well(signal),
        ALB | PROGRESS => Outcome::Silent,
        _ => Outcome::Bad,
    }
}

#[test]
fn a_dead_region_is_suspect_at_the_quorum_and_down_after_the_confirm_time() {
    let verdicts = play(500, &dead);
    let suspect = verdicts.iter().position(|s| s.suspect.is_some()).unwrap();
    assert_eq!(suspect, 315, "http at 310 s, Route 53 at 315 s");
    let no = first(&verdicts, Answer3::No).unwrap();
    assert_eq!(no, 375, "60 s after the quorum was there");
    let serving = &verdicts[no];
    assert_eq!(serving.first_bad, Some(at(300)), "evidence counts as of the fault");
    assert!(serving.outside_down());
    assert_eq!(serving.why, ServingWhy::QuorumDown);
}

#[test]
fn field_a_43_s_partition_moves_nothing() {
    let verdicts = play(600, &|signal, secs| match (signal, secs) {
        (_, 300..343) if signal != OUTSIDE => dead(signal, secs),
        _ => well(signal),
    });
    assert_eq!(first(&verdicts, Answer3::No), None);
    assert_eq!(verdicts[600].verdict, Answer3::Yes);
}

#[test]
fn field_a_45_s_stall_that_everybody_sees_moves_nothing() {
    let verdicts = play(600, &|signal, secs| match secs {
        300..345 => dead(signal, secs),
        _ => well(signal),
    });
    assert!(verdicts.iter().any(|s| s.suspect.is_some()), "it was suspected");
    assert_eq!(first(&verdicts, Answer3::No), None);
    assert_eq!(verdicts[600].verdict, Answer3::Yes);
}

#[test]
fn s4_a_partition_from_one_region_is_vetoed_from_outside_for_as_long_as_it_lasts() {
    let verdicts = play(4_000, &|signal, secs| match signal {
        OUTSIDE => Outcome::Good,
        _ => dead(signal, secs),
    });
    assert_eq!(first(&verdicts, Answer3::No), None);
    let last = verdicts.last().unwrap();
    assert_eq!((last.why, last.veto), (ServingWhy::Vetoed(Veto::Outside), Some(Veto::Outside)));
}

#[test]
fn requests_still_served_veto_and_their_end_does_not_prove_anything() {
    let verdicts = play(1_000, &|signal, secs| match signal {
        PROGRESS if secs < 480 => Outcome::Good,
        _ => dead(signal, secs),
    });
    assert!(verdicts[375..480].iter().all(|s| s.why == ServingWhy::Vetoed(Veto::Progress)));
    let no = first(&verdicts, Answer3::No).unwrap();
    assert_eq!(no, 540, "at once when the veto's window holds no served period any more");
}

#[test]
fn s4_when_everything_is_silent_nothing_is_down() {
    let verdicts = play(2_000, &|signal, secs| match secs {
        0..300 => well(signal),
        _ => Outcome::Silent,
    });
    assert_eq!(first(&verdicts, Answer3::No), None);
    assert_eq!(verdicts[2_000].why, ServingWhy::NoEvidence);
}

#[test]
fn one_kind_red_for_long_is_no_quorum() {
    for red in [FRONT, OUTSIDE, REGION, ALB, CLUSTER] {
        let verdicts = play(4_000, &|signal, secs| {
            if signal == red && secs >= 300 { Outcome::Bad } else { well(signal) }
        });
        assert_eq!(first(&verdicts, Answer3::No), None, "{red}");
        assert!(verdicts[400..].iter().all(|s| s.suspect.is_none()), "{red}");
    }
}

#[test]
fn apis_that_fail_while_users_are_served_are_no_outage() {
    let verdicts = play(4_000, &|signal, secs| match signal {
        REGION | CLUSTER if secs >= 300 => Outcome::Bad,
        ALB | PROGRESS | OUTSIDE if secs >= 300 => Outcome::Silent,
        _ => well(signal),
    });
    assert!(verdicts[20..].iter().all(|s| s.verdict == Answer3::Yes && s.suspect.is_none()));
    let blind = play(4_000, &|signal, secs| match signal {
        REGION | CLUSTER if secs >= 300 => Outcome::Bad,
        _ if secs >= 300 => Outcome::Silent,
        _ => well(signal),
    });
    assert_eq!(first(&blind, Answer3::No), None, "nobody looked at the users");
    assert_eq!(blind[4_000].why, ServingWhy::TooFewDown);
}

#[test]
fn targets_that_fail_are_an_outage_although_the_region_lives() {
    let verdicts = play(500, &|signal, secs| match signal {
        FRONT | OUTSIDE | ALB if secs >= 300 => Outcome::Bad,
        _ => well(signal),
    });
    assert_eq!(first(&verdicts, Answer3::No), Some(375));
}

#[test]
fn a_quorum_that_breaks_starts_the_confirm_time_anew() {
    let flapping = play(4_000, &|signal, secs| match secs {
        0..300 => well(signal),
        _ if secs % 60 < 30 => dead(signal, secs),
        _ => well(signal),
    });
    assert_eq!(first(&flapping, Answer3::No), None);
}

#[test]
fn different_signals_that_take_turns_are_no_quorum() {
    let verdicts = play(2_000, &|signal, secs| match signal {
        FRONT if secs >= 300 => Outcome::Bad,
        ALB if secs >= 300 && secs % 200 < 100 => Outcome::Bad,
        CLUSTER if secs >= 300 && secs % 200 >= 100 => Outcome::Bad,
        OUTSIDE if secs >= 300 => Outcome::Silent,
        _ => well(signal),
    });
    let no = first(&verdicts, Answer3::No);
    assert!(no.is_none_or(|secs| verdicts[secs].down >= 2), "{no:?}");
}

#[test]
fn users_must_have_been_down_for_the_whole_confirm_time_too() {
    let verdicts = play(1_000, &|signal, secs| match signal {
        REGION | CLUSTER if secs >= 300 => Outcome::Bad,
        FRONT if secs >= 500 => Outcome::Bad,
        OUTSIDE | ALB | PROGRESS if secs >= 300 => Outcome::Silent,
        _ => well(signal),
    });
    assert_eq!(first(&verdicts, Answer3::No), Some(570), "front said down at 510 s");
}

#[test]
fn a_verdict_changes_by_itself_only_when_it_said_so() {
    let policy = policy();
    let mut health = SiteHealth::new(&policy);
    for secs in 0..=320u64 {
        for (index, signal) in policy.signals.iter().enumerate() {
            if secs.is_multiple_of(signal.every.as_secs()) {
                health.push(index, Sample { at: at(secs), outcome: dead(index, secs) });
            }
        }
    }
    let mut now = at(320).mono;
    let mut seen = health.serving(now);
    while let Some(next) = health.changes_at(now) {
        assert!(next > now);
        let before = health.serving(Mono(next.0 - 1));
        assert_eq!((before.verdict, before.why), (seen.verdict, seen.why), "before {next:?}");
        now = next;
        seen = health.serving(now);
    }
    assert_eq!(seen.why, ServingWhy::NoEvidence, "in the end all is stale");
}

#[test]
fn the_evidence_tells_every_signal_with_its_counts_and_age() {
    let policy = policy();
    let mut health = SiteHealth::new(&policy);
    for secs in [0, 5, 10] {
        health.push(FRONT, Sample { at: at(secs), outcome: Outcome::Bad });
    }
    health.push(SIGNALS, Sample { at: at(0), outcome: Outcome::Bad });
    let evidence = health.evidence(at(12).mono);
    assert_eq!(evidence.len(), SIGNALS);
    let front = &evidence[FRONT];
    assert_eq!((front.sign, front.bad, front.of), (Sign::Down, 3, 5));
    assert_eq!((front.down_since, front.first_bad), (Some(at(10).wall), Some(at(0).wall)));
    assert_eq!(front.age, Some(Span::secs(2)));
    assert_eq!((evidence[OUTSIDE].sign, evidence[OUTSIDE].age), (Sign::Unknown, None));
}

#[test]
fn after_isolation_every_sign_is_made_anew_within_the_settling_time() {
    let health = SiteHealth::new(&policy());
    assert_eq!(health.settles_in(), Span::secs(60 + 240), "confirm and progress' window");
}

fn mostly_bad() -> impl Strategy<Value = Outcome> {
    prop_oneof![3 => Just(Outcome::Bad), 1 => Just(Outcome::Good), 1 => Just(Outcome::Silent)]
}

proptest! {
    #[test]
    fn s4_a_no_always_rests_on_a_quorum_down_for_the_whole_confirm_time(
        outcomes in prop::collection::vec(mostly_bad(), 1_200),
    ) {
        let policy = policy();
        let mut health = SiteHealth::new(&policy);
        let mut told = outcomes.into_iter().cycle();
        for secs in 0..=600u64 {
            for (index, signal) in policy.signals.iter().enumerate() {
                if secs.is_multiple_of(signal.every.as_secs()) {
                    let outcome = told.next().unwrap_or(Outcome::Silent);
                    let outcome = if index == PROGRESS { Outcome::Silent } else { outcome };
                    health.push(index, Sample { at: at(secs), outcome });
                }
            }
            let serving = health.serving(at(secs).mono);
            if serving.verdict == Answer3::No {
                let evidence = health.evidence(at(secs).mono);
                let since = |kind: &&KindEvidence| kind.down_since;
                let long = |at_wall: Wall| at(secs).wall.since(at_wall) >= policy.confirm;
                let old = || evidence.iter().filter(|kind| since(kind).is_some_and(long));
                prop_assert!(old().count() >= 2);
                prop_assert!(old().any(|kind| kind.kind.user_facing()));
                prop_assert!(serving.veto.is_none() && serving.first_bad.is_some());
                prop_assert!(serving.outside != Some(Sign::Up));
            }
        }
    }
}

/// `kinds` of signals that all turned bad at 300 s; the verdicts of 600 s.
fn all_bad(probes: Vec<Probe>) -> Serving {
    let signals = probes.into_iter().enumerate();
    let signals = signals.map(|(n, probe)| signal(&format!("s{n}"), probe, 5, (3, 5), (5, 5)));
    let policy = HealthPolicy { signals: signals.collect(), ..policy() };
    let mut health = SiteHealth::new(&policy);
    for secs in (0..=600).step_by(5) {
        let outcome = if secs < 300 { Outcome::Good } else { Outcome::Bad };
        for index in 0..policy.signals.len() {
            health.push(index, Sample { at: at(secs), outcome });
        }
    }
    health.serving(at(600).mono)
}

#[test]
fn s4_signals_of_one_kind_are_no_quorum_among_themselves() {
    let path = |path: &str| Probe::Http(HttpCheck { path: Arc::from(path), ..http_check() });
    let alone = all_bad(vec![path("/"), path("/api"), path("/login")]);
    assert_eq!((alone.verdict, alone.suspect), (Answer3::Unknown, None));
    assert_eq!((alone.why, alone.down), (ServingWhy::TooFewDown, 1));
    let joined = all_bad(vec![path("/"), path("/api"), Probe::RegionApi]);
    assert_eq!((joined.verdict, joined.down), (Answer3::No, 2));
}

proptest! {
    #[test]
    fn a_kept_verdict_is_the_one_that_would_be_made_anew(
        samples in proptest::collection::vec((0..SIGNALS, 0u64..90, mostly_bad()), 1..120),
        waits in proptest::collection::vec(0u64..200, 1..20),
    ) {
        let (mut health, mut secs) = (SiteHealth::new(&policy()), 0);
        for (signal, gap, outcome) in samples {
            secs += gap / 10;
            health.push(signal, Sample { at: at(secs), outcome });
            for wait in &waits {
                let now = Mono((secs + wait) * 1_000);
                prop_assert_eq!(health.serving(now), health.judge(now));
                prop_assert_eq!(health.changes_at(now), health.next_change(now));
            }
        }
    }
}

#[test]
fn s8_when_a_site_was_last_suspected_is_remembered() {
    let mut health = SiteHealth::new(&policy());
    let mut push = |secs: u64, outcome| {
        for signal in [FRONT, OUTSIDE] {
            health.push(signal, Sample { at: at(secs), outcome });
        }
        health.suspected()
    };
    assert_eq!(push(0, Outcome::Bad), None);
    push(5, Outcome::Bad);
    assert_eq!(push(10, Outcome::Bad), Some(at(10).mono));
    for secs in [15, 20, 25] {
        push(secs, Outcome::Good);
    }
    let last = push(30, Outcome::Good);
    assert!(last >= Some(at(10).mono) && last < Some(at(30).mono), "{last:?}");
    assert_eq!(push(90, Outcome::Good), last);
}

#[test]
fn s4_a_down_from_outside_lasts_when_it_was_said_for_the_confirm_time() {
    // Cut off from home since 300 s; the checkers say bad from 600 s on.
    let verdicts = play(800, &|signal, secs| match signal {
        _ if secs < 300 => well(signal),
        OUTSIDE if secs < 600 => Outcome::Good,
        _ => Outcome::Bad,
    });
    let down = verdicts.iter().position(Serving::outside_down).unwrap();
    let lasts = verdicts.iter().position(|serving| serving.outside_lasts).unwrap();
    assert_eq!((verdicts[down].verdict, lasts - down), (Answer3::No, 60));
    assert!(verdicts[lasts..].iter().all(|serving| serving.outside_lasts));
}

/// Plays a story of these signals from 0 s.
fn played(policy: &HealthPolicy, until: u64, story: &Story<'_>) -> SiteHealth {
    let mut health = SiteHealth::new(policy);
    for secs in 0..=until {
        for (index, signal) in policy.signals.iter().enumerate() {
            if secs.is_multiple_of(signal.every.as_secs()) {
                health.push(index, Sample { at: at(secs), outcome: story(index, secs) });
            }
        }
    }
    health
}

#[test]
fn of_two_signals_that_look_from_outside_the_more_hopeful_and_the_earlier_fault_count() {
    use Sign::{Down, Unknown, Up};
    for (one, other, both) in [
        (None, Down, Down),
        (None, Unknown, Unknown),
        (Some(Up), Down, Up),
        (Some(Down), Up, Up),
        (Some(Down), Unknown, Down),
        (Some(Unknown), Down, Down),
        (Some(Unknown), Unknown, Unknown),
    ] {
        assert_eq!(more_hopeful(one, other), both, "{one:?} {other:?}");
    }
    let mut policy = policy();
    let twin = policy.signals[OUTSIDE].clone();
    policy.signals.push(twin);
    let story = |signal, secs| match signal {
        SIGNALS => dead(OUTSIDE, if secs < 330 { 0 } else { secs }),
        _ => dead(signal, secs),
    };
    let serving = played(&policy, 380, &story).serving(at(380).mono);
    assert_eq!((serving.outside, serving.first_bad), (Some(Down), Some(at(300))));
    assert!(serving.outside_lasts, "since 315 s; the other one since 345 s");
    let vetoed = |signal, secs| match signal {
        OUTSIDE | PROGRESS | SIGNALS => Outcome::Good,
        _ => dead(signal, secs),
    };
    let serving = played(&policy, 380, &vetoed).serving(at(380).mono);
    assert_eq!(serving.veto, Some(Veto::Outside));
}

#[test]
fn what_serves_again_looks_served_before_the_verdict_is_in() {
    let policy = policy();
    let looks = |until: u64, story: &Story<'_>| {
        let health = played(&policy, until, story);
        (health.serving(at(until).mono).verdict, health.looks_served(at(until).mono))
    };
    let back = |signal, secs| if secs < 400 { dead(signal, secs) } else { well(signal) };
    assert_eq!(looks(299, &back), (Answer3::Yes, true), "in peace");
    assert_eq!(looks(399, &back), (Answer3::No, false));
    assert_eq!(looks(400, &back), (Answer3::No, true), "one good sample");
    let partly = |signal, secs| match signal {
        FRONT | OUTSIDE => dead(signal, secs),
        _ => back(signal, secs),
    };
    assert!(!looks(420, &partly).1, "users are still seen to fail");
    let cut_off = |signal, secs| match signal {
        OUTSIDE => back(signal, secs),
        _ => dead(signal, secs),
    };
    assert_eq!(looks(405, &cut_off), (Answer3::No, true), "who is not cut off reaches it again");
    assert_eq!(looks(404, &cut_off), (Answer3::No, false));
    // What Bowline itself saw all the time says nothing of who cannot be reached from outside.
    let outside = |signal, secs| match signal {
        OUTSIDE | REGION => dead(signal, secs),
        _ => well(signal),
    };
    assert_eq!(looks(500, &outside), (Answer3::No, false));
    let silent = |signal, secs| if secs < 401 { back(signal, secs) } else { Outcome::Silent };
    assert!(!looks(500, &silent).1, "that was a while ago");
}

#[test]
fn s10_what_bowline_alone_did_not_see_dates_no_fault() {
    let policy = policy();
    let first_bad = |cut: u64, lost: u64| {
        let story = move |signal, secs| match signal {
            OUTSIDE | PROGRESS if secs < lost => well(signal),
            OUTSIDE | PROGRESS => dead(signal, 300 + secs - lost),
            _ if secs < cut => well(signal),
            _ => dead(signal, 300 + secs - cut),
        };
        let health = played(&policy, lost + 300, &story);
        health.serving(at(lost + 300).mono).first_bad.unwrap()
    };
    assert_eq!(first_bad(300, 420), at(300), "checkers take so long to notice");
    assert_eq!(first_bad(300, 435), at(300), "… two minutes, at most");
    let late = first_bad(300, 480);
    assert!(late.mono > at(420).mono, "Bowline was cut off, and users were served: {late:?}");
    assert!(late.mono < at(480).mono, "{late:?}");
    let back = |signal, secs| if secs < 600 { dead(signal, secs) } else { well(signal) };
    let health = played(&policy, 615, &back);
    let serving = health.serving(at(615).mono);
    assert_eq!(serving.first_bad, Some(at(300)), "what comes back is the same fault: {serving:?}");
}

#[test]
fn s10_since_when_users_are_not_served_is_what_the_last_good_sample_says() {
    let policy = policy();
    let since = |until: u64, story: &Story<'_>| played(&policy, until, story).unserved_since();
    assert_eq!(since(299, &dead), None, "in peace");
    let once = since(400, &dead).unwrap();
    assert!((300_000..=330_000).contains(&once.mono.0), "{once:?}");
    let again = |signal, secs| if secs == 420 { well(signal) } else { dead(signal, secs) };
    assert!(since(460, &again).unwrap().mono > at(420).mono, "they were served for a moment");
    let others = |signal, secs| match signal {
        OUTSIDE | REGION => dead(signal, secs),
        _ => well(signal),
    };
    assert_eq!(since(500, &others), None, "that is not what Bowline sees of users");
}
