//! What a window promises, by example and against a slow model of itself.

use proptest::prelude::*;

use super::*;
use crate::model::Wall;

fn at(secs: u64) -> Now {
    Now { mono: Mono(secs * 1_000), wall: Wall(1_000_000 + i64::try_from(secs).unwrap() * 1_000) }
}

fn rule(need: u32, of: u32) -> KOfN {
    KOfN { of, need }
}

/// Sampled every 10 s: down by 3 of 5 bad, up by 5 of 5 good.
fn window() -> Window {
    Window::new(Span::secs(10), rule(3, 5), rule(5, 5))
}

/// Feeds `G`, `B` and `S`, one every 10 s, the first at 0 s.
fn fed(outcomes: &str) -> Window {
    let mut window = window();
    feed(&mut window, 0, outcomes);
    window
}

fn feed(window: &mut Window, from_secs: u64, outcomes: &str) {
    for (n, letter) in outcomes.chars().enumerate() {
        let outcome = match letter {
            'G' => Outcome::Good,
            'B' => Outcome::Bad,
            _ => Outcome::Silent,
        };
        window.push(Sample { at: at(from_secs + n as u64 * 10), outcome });
    }
}

fn sign_after(outcomes: &str) -> Sign {
    fed(outcomes).read(at((outcomes.len() as u64).saturating_sub(1) * 10).mono).sign
}

#[test]
fn k_of_the_last_n_samples_decide() {
    for (outcomes, sign) in [
        ("", Sign::Unknown),
        ("GGGG", Sign::Unknown),
        ("GGGGG", Sign::Up),
        ("GGGGGB", Sign::Unknown),
        ("GGGGGBB", Sign::Unknown),
        ("GGGGGBBB", Sign::Down),
        ("BBB", Sign::Down),
        ("BGBGB", Sign::Down),
        ("BGBGBG", Sign::Unknown),
        ("BBBGGGG", Sign::Unknown),
        ("BBBGGGGG", Sign::Up),
    ] {
        assert_eq!(sign_after(outcomes), sign, "{outcomes}");
    }
}

#[test]
fn s4_silence_moves_every_sign_to_unknown_never_to_down() {
    for (outcomes, sign) in [
        ("SSSSSSSS", Sign::Unknown),
        ("GGGGGS", Sign::Unknown),
        ("BBBSS", Sign::Down),
        ("BBBSSS", Sign::Unknown),
        ("BBSSSSB", Sign::Unknown),
    ] {
        assert_eq!(sign_after(outcomes), sign, "{outcomes}");
    }
}

#[test]
fn samples_that_contradict_each_other_are_unknown() {
    let mut window = Window::new(Span::secs(10), rule(2, 5), rule(2, 5));
    feed(&mut window, 0, "BBGG");
    assert_eq!(window.read(at(30).mono).sign, Sign::Unknown);
}

#[test]
fn s4_a_window_without_fresh_samples_is_unknown() {
    for outcomes in ["BBBBB", "GGGGG"] {
        let window = fed(outcomes);
        assert_eq!(window.patience(), Span::secs(60));
        assert_ne!(window.read(at(100).mono).sign, Sign::Unknown);
        let stale = window.read(Mono(100_001));
        assert_eq!((stale.sign, stale.down_since), (Sign::Unknown, None));
        assert_eq!(stale.age, Some(Span::millis(60_001)));
    }
}

#[test]
fn after_a_break_the_old_samples_do_not_count() {
    let mut window = fed("BBBBB");
    feed(&mut window, 101, "B");
    let reading = window.read(at(101).mono);
    assert_eq!((reading.sign, reading.bad), (Sign::Unknown, 1));
    feed(&mut window, 111, "BB");
    let reading = window.read(at(121).mono);
    assert_eq!((reading.sign, reading.down_since), (Sign::Down, Some(at(121))));
}

#[test]
fn down_is_counted_from_the_sample_that_made_it_down_without_a_break() {
    let window = fed("GGGGGBBBB");
    assert_eq!(window.read(at(80).mono).down_since, Some(at(70)));
    let window = fed("BGBGBGB");
    assert_eq!(window.read(at(60).mono).down_since, Some(at(60)), "unknown at 50 s broke it");
}

#[test]
fn s10_the_first_bad_sample_is_the_oldest_of_the_window_that_first_said_down() {
    assert_eq!(fed("GGGGGBBB").read(at(70).mono).first_bad, Some(at(50)));
    assert_eq!(fed("GGBGGBB").read(at(60).mono).first_bad, Some(at(20)), "it counted");
    assert_eq!(fed("BGGGGGBBB").read(at(80).mono).first_bad, Some(at(60)), "it did not");
    assert_eq!(fed("GGGGG").read(at(40).mono).first_bad, None);
}

#[test]
fn s10_the_first_bad_sample_stays_until_the_window_says_up() {
    let mut window = fed("GGBBBBBBBBBB");
    assert_eq!(window.read(at(110).mono).first_bad, Some(at(20)), "however long it lasts");
    feed(&mut window, 120, "SSSSS");
    assert_eq!(window.read(at(160).mono).first_bad, Some(at(20)), "through silence");
    feed(&mut window, 500, "BBB");
    assert_eq!(window.read(at(520).mono).first_bad, Some(at(20)), "through a break");
    feed(&mut window, 530, "GGGGG");
    assert_eq!(window.read(at(570).mono).first_bad, None);
}

#[test]
fn s10_what_was_bad_once_is_known_until_it_says_up() {
    for (outcomes, was_bad) in [
        ("", false),
        ("GGGGG", false),
        ("GGGGGB", true),
        ("GGGGGBGGGG", true),
        ("GGGGGBGGGGG", false),
        ("BBBSSSSSSSSS", true),
        ("BBBSSSSSSSSSG", true),
        ("BBBSSSSSSSSSGGGGG", false),
    ] {
        assert_eq!(fed(outcomes).was_bad(), was_bad, "{outcomes}");
    }
}

#[test]
fn a_sample_older_than_the_newest_is_dropped() {
    let mut window = fed("BBB");
    window.push(Sample { at: at(15), outcome: Outcome::Good });
    let reading = window.read(at(20).mono);
    assert_eq!((reading.sign, reading.good, reading.bad), (Sign::Down, 0, 3));
}

#[test]
fn the_history_is_newest_first_and_bounded() {
    let window = fed("GGGGGGBSB");
    let history: Vec<_> = window.history().collect();
    let (g, b, s) = (Outcome::Good, Outcome::Bad, Outcome::Silent);
    assert_eq!(history, [b, s, b, g, g]);
}

#[test]
fn a_longer_window_than_is_kept_is_cut_to_it_and_does_not_panic() {
    let mut window = Window::new(Span::secs(1), rule(64, 1_000), rule(64, 1_000));
    feed(&mut window, 0, &"B".repeat(100));
    assert_eq!(window.read(at(990).mono).sign, Sign::Down);
    let zero = Window::new(Span::secs(1), rule(0, 0), rule(0, 0));
    assert_eq!(zero.read(Mono(0)).sign, Sign::Unknown, "needing nothing proves nothing");
}

/// The same, written the slow way: all samples kept, counted anew each time.
fn model(samples: &[(u64, Outcome)], down: KOfN, up: KOfN) -> Sign {
    let among = |rule: KOfN, wanted| {
        let last = samples.iter().rev().take(rule.of as usize);
        last.filter(|(_, outcome)| *outcome == wanted).count() >= rule.need as usize
    };
    match (among(up, Outcome::Good), among(down, Outcome::Bad)) {
        (true, false) => Sign::Up,
        (false, true) => Sign::Down,
        _ => Sign::Unknown,
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![Just(Outcome::Good), Just(Outcome::Bad), Just(Outcome::Silent)]
}

fn rules() -> impl Strategy<Value = KOfN> {
    (1u32..=64).prop_flat_map(|of| (1..=of, Just(of)).prop_map(|(need, of)| rule(need, of)))
}

proptest! {
    #[test]
    fn a_window_says_what_the_slow_model_says(
        down in rules(),
        up in rules(),
        outcomes in prop::collection::vec(outcomes(), 1..200),
    ) {
        let mut window = Window::new(Span::secs(1), down, up);
        let mut samples = Vec::new();
        let (mut since, mut last) = (None, Sign::Unknown);
        for (n, outcome) in outcomes.into_iter().enumerate() {
            let now = at(n as u64);
            samples.push((n as u64, outcome));
            window.push(Sample { at: now, outcome });
            let reading = window.read(now.mono);
            let sign = model(&samples, down, up);
            prop_assert_eq!(reading.sign, sign);
            since = match (sign, last) {
                (Sign::Down, Sign::Down) => since,
                (Sign::Down, _) => Some(now),
                _ => None,
            };
            prop_assert_eq!(reading.down_since, since);
            last = sign;
            if let (Sign::Down, Some(first)) = (sign, reading.first_bad) {
                let index = usize::try_from(first.mono.0 / 1_000).unwrap();
                prop_assert_eq!(samples[index].1, Outcome::Bad, "it was a bad one");
                prop_assert!(Some(first.mono) <= since.map(|at| at.mono));
            }
        }
    }
}

#[test]
fn a_second_sample_of_one_instant_counts_and_an_older_one_does_not() {
    let mut window = fed("BB");
    feed(&mut window, 10, "B");
    assert_eq!(window.read(at(10).mono).bad, 3);
    feed(&mut window, 9, "B");
    assert_eq!(window.read(at(10).mono).bad, 3, "it was asked before the newest");
}

#[test]
fn samples_are_forgotten_after_a_break_longer_than_patience_and_not_at_its_end() {
    for (after, bad) in [(60, 4), (61, 1)] {
        let mut window = fed("BBB");
        feed(&mut window, 20 + after, "B");
        assert_eq!(window.read(at(20 + after).mono).bad, bad, "{after} s");
    }
}

#[test]
fn a_rule_that_needs_nothing_says_nothing() {
    let mut window = Window::new(Span::secs(10), rule(0, 5), rule(0, 5));
    feed(&mut window, 0, "GBG");
    assert_eq!(window.read(at(20).mono).sign, Sign::Unknown);
    let mut down = Window::new(Span::secs(10), rule(3, 5), rule(0, 5));
    feed(&mut down, 0, "BBB");
    assert_eq!(down.read(at(20).mono).sign, Sign::Down);
}

#[test]
fn a_good_sample_breaks_what_was_bad_and_silence_does_not() {
    for (outcomes, since) in [
        ("", None),
        ("GGG", None),
        ("GBB", Some(10)),
        ("BBBSSB", Some(0)),
        ("BBBG", None),
        ("BBBGSB", Some(50)),
    ] {
        assert_eq!(fed(outcomes).unbroken(), since.map(at), "{outcomes}");
    }
    let mut window = fed("BBB");
    feed(&mut window, 900, "B");
    assert_eq!(window.unbroken(), Some(at(900)), "nobody looked for long");
}
