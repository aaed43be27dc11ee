//! Who is cut off from whom.

use super::*;

const SETTLE: Span = Span::secs(120);

fn vantage(home: Reach, standby: Reach, aws: Reach) -> Vantage {
    Vantage {
        home,
        standby,
        aws,
        canaries: Reach::NotAsked,
        home_outside: None,
        standby_outside: None,
    }
}

const PEACE: Vantage = Vantage {
    home: Reach::Answers,
    standby: Reach::Answers,
    aws: Reach::Answers,
    canaries: Reach::Answers,
    home_outside: Some(Sign::Up),
    standby_outside: Some(Sign::Up),
};

fn judge(vantage: &Vantage) -> Isolation {
    IsolationWatch::default().judge(Mono(0), vantage, SETTLE)
}

#[test]
fn s4_both_sites_and_aws_silent_together_is_bowline_itself() {
    use Reach::{Answers, NotAsked, Silent};
    for (home, standby, aws, isolated) in [
        (Silent, Silent, Silent, true),
        (Silent, Silent, NotAsked, true),
        (Silent, Silent, Answers, false),
        (Silent, Answers, Silent, false),
        (Answers, Silent, Silent, false),
        (Answers, Answers, Silent, false),
        (NotAsked, NotAsked, NotAsked, false),
        (Silent, NotAsked, Silent, false),
    ] {
        let found = vantage(home, standby, aws);
        assert_eq!(found.isolated(), isolated, "{found:?}");
    }
}

#[test]
fn s4_silent_canaries_are_enough_to_hold() {
    let found = Vantage { canaries: Reach::Silent, ..PEACE };
    assert_eq!(judge(&found), Isolation::Isolated);
    assert!(judge(&found).holds());
}

#[test]
fn a_site_that_only_bowline_cannot_hear_is_a_partition() {
    for outside in [Some(Sign::Up), Some(Sign::Unknown), None] {
        let found = Vantage { home: Reach::Silent, home_outside: outside, ..PEACE };
        assert_eq!(judge(&found), Isolation::Partitioned(Site::Home), "{outside:?}");
        let found = Vantage { standby: Reach::Silent, standby_outside: outside, ..PEACE };
        assert_eq!(judge(&found), Isolation::Partitioned(Site::Standby), "{outside:?}");
    }
    assert!(!Isolation::Partitioned(Site::Home).holds(), "decide has more to say about it");
}

#[test]
fn a_site_that_nobody_can_reach_is_no_partition() {
    let found = Vantage { home: Reach::Silent, home_outside: Some(Sign::Down), ..PEACE };
    assert_eq!(judge(&found), Isolation::Connected);
}

#[test]
fn s4_what_was_seen_while_isolated_is_not_trusted_just_after() {
    let mut watch = IsolationWatch::default();
    let silent = vantage(Reach::Silent, Reach::Silent, Reach::Silent);
    assert_eq!(watch.judge(Mono(1_000), &silent, SETTLE), Isolation::Isolated);
    assert_eq!(watch.judge(Mono(50_000), &silent, SETTLE), Isolation::Isolated);
    assert!(watch.cut_off());
    assert_eq!(watch.judge(Mono(50_001), &PEACE, SETTLE), Isolation::JustBack);
    assert_eq!(watch.judge(Mono(169_999), &PEACE, SETTLE), Isolation::JustBack);
    assert!(!watch.cut_off());
    assert!(Isolation::JustBack.holds());
    assert_eq!(watch.judge(Mono(170_000), &PEACE, SETTLE), Isolation::Connected);
}

#[test]
fn a_place_is_silent_after_three_looks_without_any_answer() {
    let mut contact = Contact::default();
    assert_eq!(contact.reach(), Reach::NotAsked);
    let lost = || Err(Fault::Unknown("timed out".into()));
    contact.observe(&lost());
    contact.observe(&Err(Fault::Transient("no route".into())));
    assert_eq!(contact.reach(), Reach::NotAsked, "two looks are too few to tell");
    contact.observe(&lost());
    assert_eq!(contact.reach(), Reach::Silent);
    let refused = || Err(Fault::Denied("role".into()));
    contact.observe(&refused());
    contact.observe(&refused());
    assert_eq!(contact.reach(), Reach::Silent, "two answers do not end a silence");
    contact.observe(&refused());
    assert_eq!(contact.reach(), Reach::Answers, "a refusal is an answer");
    contact.observe(&lost());
    contact.observe(&lost());
    assert_eq!(contact.reach(), Reach::Answers);
    contact.observe(&lost());
    assert_eq!(contact.reach(), Reach::Silent);
}

#[test]
fn s4_an_answer_now_and_then_does_not_end_a_silence() {
    let mut contact = Contact::default();
    let lost = || Err(Fault::Unknown("timed out".into()));
    (0..3).for_each(|_| contact.observe(&lost()));
    for _ in 0..10 {
        (0..2).for_each(|_| contact.observe(&Ok(Answer::Ok)));
        assert_eq!(contact.reach(), Reach::Silent);
        contact.observe(&lost());
    }
    (0..3).for_each(|_| contact.observe(&Ok(Answer::Ok)));
    assert_eq!(contact.reach(), Reach::Answers);
}
