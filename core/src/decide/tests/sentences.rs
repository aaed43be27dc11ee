//! What people read. Not every word, but what must be in it.

use super::*;
use crate::health::ReadyReason;
use crate::model::{GroupName, Region};

fn said(decision: &Decision) -> String {
    words::decision(decision, &GroupName::new("shop"))
}

/// One of every reason, so that a new one cannot be forgotten here: the match below has no default.
fn every_hold() -> Vec<HoldWhy> {
    let ask = Ask { action: Action::Failover, why: AskWhy::Unarmed };
    vec![
        HoldWhy::Serving,
        HoldWhy::ServingUnknown(ServingWhy::NoEvidence),
        HoldWhy::Vetoed(Veto::Progress),
        HoldWhy::Confirming,
        HoldWhy::Prewarmed,
        HoldWhy::Isolated,
        HoldWhy::JustBack,
        HoldWhy::ForeignClaim,
        HoldWhy::RunOpen,
        HoldWhy::Paused,
        HoldWhy::Manual(Action::Failover),
        HoldWhy::WouldHave(Would::Started(Action::Failover)),
        HoldWhy::WouldHave(Would::Asked(ask)),
        HoldWhy::PassiveNotReady(Site::Standby),
        HoldWhy::PassiveUnknown(Site::Home),
        HoldWhy::NeverServed,
        HoldWhy::Unarmed,
        HoldWhy::FenceUnconfirmed(Site::Home),
        HoldWhy::Obligations(2),
        HoldWhy::NotStableYet { left: Span::secs(90) },
        HoldWhy::SwitchedOver,
        HoldWhy::Blocked { action: Action::Failback, until: NOON },
        HoldWhy::RegionEvent(Region::new("eu-west-1")),
        HoldWhy::OverBudget,
    ]
}

fn every_ask() -> Vec<AskWhy> {
    vec![
        AskWhy::Approval,
        AskWhy::NoOutsideView,
        AskWhy::OutsideUnknown,
        AskWhy::Partitioned(Site::Home),
        AskWhy::PassiveUnknown(Site::Standby),
        AskWhy::Unarmed,
        AskWhy::Quarantine(Site::Home),
        AskWhy::Evidence(EvidenceGrade::Stale),
        AskWhy::Evidence(EvidenceGrade::Missing),
        AskWhy::Evidence(EvidenceGrade::NotStreaming),
        AskWhy::Evidence(EvidenceGrade::LagTooHigh),
        AskWhy::BlockWindow { until: NOON },
        AskWhy::BlockedWindow { until: NOON },
        AskWhy::Undone,
    ]
}

/// What is said of every decision.
fn every_decision() -> Vec<String> {
    let holds = every_hold().into_iter().map(Decision::Hold);
    let asks = every_ask().into_iter();
    let asks = asks.map(|why| Decision::AskHuman(Ask { action: Action::Failover, why }));
    let plain = [Decision::Prewarm, Decision::StandDown, Decision::FailOver, Decision::FailBack];
    holds.chain(asks).chain(plain).map(|decision| said(&decision)).collect()
}

/// Every sentence, as people read it.
#[test]
fn every_sentence_is_what_is_written_down() {
    let mut all = every_decision();
    let serving = [
        ServingWhy::Serves,
        ServingWhy::QuorumDown,
        ServingWhy::Confirming,
        ServingWhy::Vetoed(Veto::Outside),
        ServingWhy::Vetoed(Veto::Progress),
        ServingWhy::TooFewDown,
        ServingWhy::NoEvidence,
    ];
    all.extend(serving.map(words::serving));
    all.extend(
        [Action::Failover, Action::Failback, Action::Prewarm].map(|a| words::action(a).into()),
    );
    let groups = [GroupName::new("shop"), GroupName::new("till")].into();
    let event = RegionEvent { region: Region::new("eu-west-1"), groups };
    all.push(words::region_event(&event));
    let told = all.join("\n") + "\n";
    assert_eq!(told, include_str!("sentences.txt"), "core/src/decide/tests/sentences.txt\n{told}");
}

#[test]
fn every_reason_has_a_sentence_of_its_own() {
    let all = every_decision();
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    for sentence in &all {
        assert!(sentence.len() > 10 && !sentence.contains("  "), "{sentence:?}");
        assert!(!sentence.ends_with('.'), "{sentence:?}");
    }
}

#[test]
fn a_manual_group_and_an_ask_tell_the_exact_command() {
    let manual = said(&Decision::Hold(HoldWhy::Manual(Action::Failback)));
    assert!(manual.ends_with("bowline failback shop"), "{manual}");
    let ask = Ask { action: Action::Failover, why: AskWhy::Approval };
    let asked = said(&Decision::AskHuman(ask));
    assert!(asked.ends_with("bowline failover shop"), "{asked}");
    let paused = said(&Decision::Hold(HoldWhy::Paused));
    assert!(paused.ends_with("bowline resume shop"), "{paused}");
}

#[test]
fn what_keeps_a_site_from_being_ready_says_whether_it_is_known() {
    for reason in [
        ReadyReason::ClusterApi,
        ReadyReason::Replica,
        ReadyReason::Floor,
        ReadyReason::Listed,
        ReadyReason::OwnClaim,
    ] {
        let [yes, no, unknown] =
            [Answer3::Yes, Answer3::No, Answer3::Unknown].map(|how| words::ready(reason, how));
        assert!(unknown.ends_with("not known"), "{unknown}");
        assert!(yes != no && no != unknown);
    }
}

#[test]
fn people_are_alarmed_when_users_are_not_served_and_nothing_is_done() {
    let alarming: Vec<_> = every_hold().into_iter().filter(HoldWhy::alarms).collect();
    assert_eq!(
        alarming,
        [
            HoldWhy::Isolated,
            HoldWhy::ForeignClaim,
            HoldWhy::Manual(Action::Failover),
            HoldWhy::PassiveNotReady(Site::Standby),
            HoldWhy::OverBudget,
        ]
    );
}
