//! Names of decisions and their reasons, as the table writes them, and every one there can be.
//!
//! The names come from matches without a catch-all, each arm with examples: a new reason does not
//! compile before it has a name, and then the table must reach it.

use bowline_core::decide::{Ask, AskWhy, Decision, EvidenceGrade, HoldWhy, Would};
use bowline_core::health::{ReadyReason, ServingWhy, Veto};
use bowline_core::model::{Answer3, Region, Site, Span, Wall};
use bowline_core::policy::Action;

/// Declares the name of a type's values and examples of all of them.
macro_rules! named {
    ($($name:ident, $all:ident, $type:ty {
        $($pattern:pat => $text:expr, [$($of:expr),*],)*
    })*) => {$(
        fn $name(value: &$type) -> String {
            match value {
                $($pattern => $text,)*
            }
        }

        fn $all() -> Vec<$type> {
            let all: Vec<Vec<$type>> = vec![$(vec![$($of),*]),*];
            all.into_iter().flatten().collect()
        }
    )*};
}

/// A plain name.
fn plain(text: &str) -> String {
    text.to_owned()
}

named! {
    serving_why, every_serving_why, ServingWhy {
        ServingWhy::Serves => plain("Serves"), [ServingWhy::Serves],
        ServingWhy::QuorumDown => plain("QuorumDown"), [ServingWhy::QuorumDown],
        ServingWhy::Confirming => plain("Confirming"), [ServingWhy::Confirming],
        ServingWhy::Vetoed(of) => format!("Vetoed({})", veto(of)),
            [ServingWhy::Vetoed(Veto::Outside)],
        ServingWhy::TooFewDown => plain("TooFewDown"), [ServingWhy::TooFewDown],
        ServingWhy::NoEvidence => plain("NoEvidence"), [ServingWhy::NoEvidence],
    }
    veto, every_veto, Veto {
        Veto::Outside => plain("Outside"), [Veto::Outside],
        Veto::Progress => plain("Progress"), [Veto::Progress],
    }
    action, every_action, Action {
        Action::Failover => plain("failover"), [Action::Failover],
        Action::Failback => plain("failback"), [Action::Failback],
        Action::Prewarm => plain("prewarm"), [Action::Prewarm],
    }
    grade, every_grade, EvidenceGrade {
        EvidenceGrade::NoDatabase => plain("NoDatabase"), [EvidenceGrade::NoDatabase],
        EvidenceGrade::Good => plain("Good"), [EvidenceGrade::Good],
        EvidenceGrade::Stale => plain("Stale"), [EvidenceGrade::Stale],
        EvidenceGrade::Missing => plain("Missing"), [EvidenceGrade::Missing],
        EvidenceGrade::NotStreaming => plain("NotStreaming"), [EvidenceGrade::NotStreaming],
        EvidenceGrade::LagTooHigh => plain("LagTooHigh"), [EvidenceGrade::LagTooHigh],
    }
    would, every_would, Would {
        Would::Started(what) => format!("Started({})", action(what)),
            [Would::Started(Action::Failover), Would::Started(Action::Failback),
             Would::Started(Action::Prewarm)],
        Would::Asked(ask) => format!("Asked({})", action(&ask.action)),
            [Would::Asked(Ask { action: Action::Failover, why: AskWhy::Approval }),
             Would::Asked(Ask { action: Action::Failback, why: AskWhy::Approval })],
    }
    ask_why, every_ask_why, AskWhy {
        AskWhy::Approval => plain("Approval"), [AskWhy::Approval],
        AskWhy::NoOutsideView => plain("NoOutsideView"), [AskWhy::NoOutsideView],
        AskWhy::OutsideUnknown => plain("OutsideUnknown"), [AskWhy::OutsideUnknown],
        AskWhy::Partitioned(site) => format!("Partitioned({site})"),
            [AskWhy::Partitioned(Site::Home), AskWhy::Partitioned(Site::Standby)],
        AskWhy::PassiveUnknown(site) => format!("PassiveUnknown({site})"),
            [AskWhy::PassiveUnknown(Site::Home), AskWhy::PassiveUnknown(Site::Standby)],
        AskWhy::Unarmed => plain("Unarmed"), [AskWhy::Unarmed],
        AskWhy::Quarantine(site) => format!("Quarantine({site})"),
            [AskWhy::Quarantine(Site::Home), AskWhy::Quarantine(Site::Standby)],
        AskWhy::Evidence(of) => format!("Evidence({})", grade(of)),
            [AskWhy::Evidence(EvidenceGrade::Stale), AskWhy::Evidence(EvidenceGrade::Missing),
             AskWhy::Evidence(EvidenceGrade::NotStreaming),
             AskWhy::Evidence(EvidenceGrade::LagTooHigh)],
        AskWhy::BlockWindow { .. } => plain("BlockWindow"),
            [AskWhy::BlockWindow { until: Wall(0) }],
        AskWhy::BlockedWindow { .. } => plain("BlockedWindow"),
            [AskWhy::BlockedWindow { until: Wall(0) }],
        AskWhy::Undone => plain("Undone"), [AskWhy::Undone],
    }
    hold_why, every_hold_why, HoldWhy {
        HoldWhy::Serving => plain("Serving"), [HoldWhy::Serving],
        HoldWhy::ServingUnknown(why) => format!("ServingUnknown({})", serving_why(why)), [],
        HoldWhy::Vetoed(of) => format!("Vetoed({})", veto(of)), [],
        HoldWhy::Confirming => plain("Confirming"), [HoldWhy::Confirming],
        HoldWhy::Prewarmed => plain("Prewarmed"), [HoldWhy::Prewarmed],
        HoldWhy::Isolated => plain("Isolated"), [HoldWhy::Isolated],
        HoldWhy::JustBack => plain("JustBack"), [HoldWhy::JustBack],
        HoldWhy::ForeignClaim => plain("ForeignClaim"), [HoldWhy::ForeignClaim],
        HoldWhy::RunOpen => plain("RunOpen"), [HoldWhy::RunOpen],
        HoldWhy::Paused => plain("Paused"), [HoldWhy::Paused],
        HoldWhy::Manual(what) => format!("Manual({})", action(what)), [],
        HoldWhy::WouldHave(of) => format!("WouldHave({})", would(of)), [],
        HoldWhy::PassiveNotReady(site) => format!("PassiveNotReady({site})"),
            [HoldWhy::PassiveNotReady(Site::Home), HoldWhy::PassiveNotReady(Site::Standby)],
        HoldWhy::PassiveUnknown(site) => format!("PassiveUnknown({site})"),
            [HoldWhy::PassiveUnknown(Site::Home), HoldWhy::PassiveUnknown(Site::Standby)],
        HoldWhy::NeverServed => plain("NeverServed"), [HoldWhy::NeverServed],
        HoldWhy::Unarmed => plain("Unarmed"), [HoldWhy::Unarmed],
        HoldWhy::FenceUnconfirmed(site) => format!("FenceUnconfirmed({site})"),
            [HoldWhy::FenceUnconfirmed(Site::Home), HoldWhy::FenceUnconfirmed(Site::Standby)],
        HoldWhy::Obligations(_) => plain("Obligations"), [HoldWhy::Obligations(1)],
        HoldWhy::NotStableYet { .. } => plain("NotStableYet"),
            [HoldWhy::NotStableYet { left: Span::ZERO }],
        HoldWhy::SwitchedOver => plain("SwitchedOver"), [HoldWhy::SwitchedOver],
        HoldWhy::Blocked { action: what, .. } => format!("Blocked({})", action(what)), [],
        HoldWhy::RegionEvent(_) => plain("RegionEvent"),
            [HoldWhy::RegionEvent(Region::new("eu-west-1"))],
        HoldWhy::OverBudget => plain("OverBudget"), [HoldWhy::OverBudget],
    }
    ready_reason, every_ready_reason, ReadyReason {
        ReadyReason::ClusterApi => plain("ClusterApi"), [ReadyReason::ClusterApi],
        ReadyReason::Replica => plain("Replica"), [ReadyReason::Replica],
        ReadyReason::Floor => plain("Floor"), [ReadyReason::Floor],
        ReadyReason::Listed => plain("Listed"), [ReadyReason::Listed],
        ReadyReason::OwnClaim => plain("OwnClaim"), [ReadyReason::OwnClaim],
    }
}

/// A decision and its reason, as a row writes them.
pub(super) fn names(decision: &Decision) -> (&'static str, Option<String>) {
    match decision {
        Decision::Hold(why) => ("Hold", Some(hold_why(why))),
        Decision::Prewarm => ("Prewarm", None),
        Decision::StandDown => ("StandDown", None),
        Decision::FailOver => ("FailOver", None),
        Decision::FailBack => ("FailBack", None),
        Decision::AskHuman(ask) => ("AskHuman", Some(asked(ask))),
    }
}

/// A failover's ask is named by its reason alone; another's has the action with it.
fn asked(ask: &Ask) -> String {
    match ask.action {
        Action::Failover => ask_why(&ask.why),
        Action::Failback | Action::Prewarm => {
            format!("{}({})", ask_why(&ask.why), action(&ask.action))
        }
    }
}

/// Every decision with every reason that its types can hold, as one text each.
pub(super) fn every() -> Vec<String> {
    let mut holds = every_hold_why();
    holds.extend(every_serving_why().into_iter().map(HoldWhy::ServingUnknown));
    holds.extend(every_veto().into_iter().map(HoldWhy::Vetoed));
    holds.extend(every_action().into_iter().map(HoldWhy::Manual));
    holds.extend(every_would().into_iter().map(HoldWhy::WouldHave));
    let blocked = |action| HoldWhy::Blocked { action, until: Wall(0) };
    holds.extend(every_action().into_iter().map(blocked));
    let asks = every_ask_why().into_iter();
    let asks = asks.map(|why| Decision::AskHuman(Ask { action: Action::Failover, why }));
    let asked = [AskWhy::Approval, AskWhy::Undone];
    let failbacks = asked.map(|why| Decision::AskHuman(Ask { action: Action::Failback, why }));
    let plain = [Decision::Prewarm, Decision::StandDown, Decision::FailOver, Decision::FailBack];
    let all = holds.into_iter().map(Decision::Hold).chain(asks).chain(plain);
    let mut all: Vec<_> = all.chain(failbacks).map(|decision| told(&decision)).collect();
    let insufficient = every_grade().into_iter().filter(|grade| !grade.suffices()).count();
    let evidence = all.iter().filter(|text| text.contains("Evidence(")).count();
    assert_eq!(evidence, insufficient, "every grade that does not suffice is an ask");
    all.extend(every_ready_reason().iter().flat_map(|reason| {
        [Answer3::No, Answer3::Unknown]
            .map(|how| format!("not ready: {} {how}", ready_reason(reason)))
    }));
    all
}

/// A decision as one text.
pub(super) fn told(decision: &Decision) -> String {
    match names(decision) {
        (decides, Some(because)) => format!("{decides} {because}"),
        (decides, None) => decides.to_owned(),
    }
}

/// What keeps a site from being ready, by the words that people read of it.
pub(super) fn not_ready(words: &str) -> Option<String> {
    let all = every_ready_reason().into_iter();
    let mut all = all.flat_map(|reason| [(reason, Answer3::No), (reason, Answer3::Unknown)]);
    let said = |(reason, how): &(ReadyReason, Answer3)| {
        bowline_core::decide::words::ready(*reason, *how) == words
    };
    all.find(said).map(|(reason, how)| format!("not ready: {} {how}", ready_reason(&reason)))
}
