//! The table that on-call engineers read (`tests/table.txt`), and what holds for every situation.

use super::*;
use crate::health::{Isolation, Serving, ServingWhy, Sign, Suspect, Veto};
use crate::model::{Answer3, Mono, Now, Site, Span, Wall};
use crate::policy::{Action, BlockedWindow, Mode};

mod properties;
mod sentences;

/// 2026-07-06T12:00:00Z.
const NOON: Wall = Wall(1_783_339_200_000);

/// A verdict with what usually comes with it.
fn serving(verdict: Answer3) -> Serving {
    let (why, outside) = match verdict {
        Answer3::Yes => (ServingWhy::Serves, Sign::Up),
        Answer3::No => (ServingWhy::QuorumDown, Sign::Down),
        Answer3::Unknown => (ServingWhy::NoEvidence, Sign::Unknown),
    };
    Serving {
        verdict,
        why,
        suspect: (verdict == Answer3::No).then(suspicion),
        veto: None,
        outside: Some(outside),
        outside_lasts: outside == Sign::Down,
        first_bad: None,
        down: 0,
    }
}

fn suspicion() -> Suspect {
    Suspect { since: Now { mono: Mono(0), wall: NOON }, confirmed_at: Mono(60_000) }
}

/// Home serves, everything is as it should be.
fn peace() -> Situation<'static> {
    Situation {
        now: NOON,
        modes: Modes {
            failover: Mode::Automatic,
            failback: Mode::Automatic,
            prewarm: Mode::Automatic,
        },
        blocked_windows: &[],
        active: Site::Home,
        serving: serving(Answer3::Yes),
        ready: Answer3::Yes,
        ready_for: Span::mins(60),
        stable_for: Span::mins(10),
        isolation: Isolation::Connected,
        run: OpenRun::None,
        armed: true,
        paused: false,
        home_has_served: true,
        quarantine: None,
        obligations: 0,
        foreign_claim: false,
        switched_over: false,
        failback_undone: false,
        last_failover: None,
        block_after_failover: Span::mins(60),
        evidence: EvidenceGrade::Good,
    }
}

fn window(hour: u32, action: &str) -> BlockedWindow {
    BlockedWindow {
        cron: format!("0 {hour} * * *").parse().unwrap(),
        length: Span::mins(120),
        time_zone: jiff::tz::TimeZone::UTC,
        actions: vec![action_of(action)],
    }
}

fn action_of(word: &str) -> Action {
    match word {
        "failover" => Action::Failover,
        "failback" => Action::Failback,
        "prewarm" => Action::Prewarm,
        other => panic!("no action {other:?}"),
    }
}

fn mode(word: &str) -> Mode {
    match word {
        "automatic" => Mode::Automatic,
        "approve" => Mode::Approve,
        "manual" => Mode::Manual,
        "observe" => Mode::Observe,
        other => panic!("no mode {other:?}"),
    }
}

fn answer(word: &str) -> Answer3 {
    match word {
        "yes" => Answer3::Yes,
        "no" => Answer3::No,
        "unknown" => Answer3::Unknown,
        other => panic!("no answer {other:?}"),
    }
}

fn site(word: &str) -> Site {
    match word {
        "home" => Site::Home,
        "standby" => Site::Standby,
        other => panic!("no site {other:?}"),
    }
}

/// Applies one word of a row.
fn apply(situation: &mut Situation<'_>, word: &str) {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    match key {
        "failover" => situation.modes.failover = mode(value),
        "failback" => situation.modes.failback = mode(value),
        "prewarm" => situation.modes.prewarm = mode(value),
        "active" => situation.active = site(value),
        "serving" => situation.serving = serving(answer(value)),
        "ready" => situation.ready = answer(value),
        "ready-for" => situation.ready_for = value.parse().unwrap(),
        "unarmed" => situation.armed = false,
        "paused" => situation.paused = true,
        "never-served" => situation.home_has_served = false,
        "foreign" => situation.foreign_claim = true,
        "switched-over" => situation.switched_over = true,
        "undone" => situation.failback_undone = true,
        "quarantine" => situation.quarantine = Some(site(value)),
        "obligations" => situation.obligations = value.parse().unwrap(),
        "last" => situation.last_failover = Some(situation.now - value.parse().unwrap()),
        "blocked" | "blocked-before" => {}
        _ => apply_seen(situation, key, value),
    }
}

/// Applies a word about what is seen of the world.
fn apply_seen(situation: &mut Situation<'_>, key: &str, value: &str) {
    match (key, value) {
        ("suspect", _) => {
            situation.serving.suspect = Some(suspicion());
            situation.serving.why = ServingWhy::Confirming;
        }
        ("why", "few") => situation.serving.why = ServingWhy::TooFewDown,
        ("veto", "outside") => situation.serving.veto = Some(Veto::Outside),
        ("veto", "progress") => situation.serving.veto = Some(Veto::Progress),
        ("outside", "up") => situation.serving.outside = Some(Sign::Up),
        ("outside", "down") => situation.serving.outside = Some(Sign::Down),
        ("outside", "unknown") => situation.serving.outside = Some(Sign::Unknown),
        ("outside", "none") => situation.serving.outside = None,
        ("isolation", "isolated") => situation.isolation = Isolation::Isolated,
        ("isolation", "just-back") => situation.isolation = Isolation::JustBack,
        ("isolation", part) => {
            let at = part.strip_prefix("partitioned:").expect("partitioned:SITE");
            situation.isolation = Isolation::Partitioned(site(at));
        }
        ("run", "prewarm") => situation.run = OpenRun::Prewarm,
        ("run", "planned") => situation.run = OpenRun::Planned,
        ("evidence", "none") => situation.evidence = EvidenceGrade::NoDatabase,
        ("evidence", "stale") => situation.evidence = EvidenceGrade::Stale,
        ("evidence", "missing") => situation.evidence = EvidenceGrade::Missing,
        ("evidence", "not-streaming") => situation.evidence = EvidenceGrade::NotStreaming,
        ("evidence", "lag") => situation.evidence = EvidenceGrade::LagTooHigh,
        other => panic!("no word {other:?}"),
    }
}

/// The decision in one short line; instants as people write them.
fn short(decision: &Decision) -> String {
    let ask = |ask: &Ask| format!("{:?}, {}", ask.action, dated(&format!("{:?}", ask.why)));
    match decision {
        Decision::AskHuman(of) => format!("AskHuman({})", ask(of)),
        Decision::Hold(HoldWhy::WouldHave(Would::Asked(of))) => {
            format!("Hold(WouldHave(Asked({})))", ask(of))
        }
        other => dated(&format!("{other:?}")),
    }
}

/// Replaces `Wall(MILLISECONDS)` by the instant.
fn dated(text: &str) -> String {
    let Some((before, rest)) = text.split_once("Wall(") else { return text.to_owned() };
    let (millis, after) = rest.split_once(')').unwrap();
    format!("{before}{}{after}", Wall(millis.parse().unwrap()))
}

struct Row<'a> {
    name: &'a str,
    words: &'a str,
    expected: &'a str,
}

fn rows() -> Vec<Row<'static>> {
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [name, words, expected] = cells[..] else { panic!("not three cells: {line}") };
        Row { name, words, expected }
    };
    let told = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("==");
    include_str!("tests/table.txt").lines().filter(told).map(row).collect()
}

#[test]
fn the_table_is_what_is_decided() {
    let rows = rows();
    assert!(rows.len() >= 40, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for row in &rows {
        let words = || row.words.split_whitespace();
        let blocked = |key, hour| {
            words().filter_map(move |word: &str| {
                word.strip_prefix(key).map(|action| window(hour, action))
            })
        };
        let windows: Vec<_> =
            blocked("blocked=", 11).chain(blocked("blocked-before=", 10)).collect();
        let mut situation = Situation { blocked_windows: &windows, ..peace() };
        words().for_each(|word| apply(&mut situation, word));
        let decision = short(&decide(&situation));
        if decision != row.expected {
            wrong.push(format!("{}: expected {}, decided {decision}", row.name, row.expected));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_two_rows_of_the_table_have_one_name_or_one_situation() {
    let rows = rows();
    let names: std::collections::BTreeSet<_> = rows.iter().map(|row| row.name).collect();
    let situations: std::collections::BTreeSet<_> = rows.iter().map(|row| row.words).collect();
    assert_eq!((names.len(), situations.len()), (rows.len(), rows.len()));
}

#[test]
fn s4_a_down_from_outside_that_has_not_lasted_is_waited_for() {
    let no = Serving { outside_lasts: false, ..serving(Answer3::No) };
    let mut situation = Situation { serving: no, ..peace() };
    assert_eq!(decide(&situation), Decision::Hold(HoldWhy::Confirming));
    situation.serving.outside_lasts = true;
    assert_eq!(decide(&situation), Decision::FailOver);
}

#[test]
fn s4_a_partition_from_the_other_site_is_not_told_as_one_from_the_active_one() {
    let asked = |site| {
        let no = Serving { outside: Some(Sign::Unknown), ..serving(Answer3::No) };
        let isolation = Isolation::Partitioned(site);
        decide(&Situation { serving: no, isolation, ..peace() })
    };
    let ask = |why| Decision::AskHuman(Ask { action: Action::Failover, why });
    assert_eq!(asked(Site::Home), ask(AskWhy::Partitioned(Site::Home)));
    assert_eq!(asked(Site::Standby), ask(AskWhy::OutsideUnknown));
}
