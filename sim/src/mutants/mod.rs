//! Which plays show which deliberate bug ([`bowline_core::bugs`]), and the plays that were made for
//! them. `cargo xtask mutants` plays them; without a bug none of them breaks a promise.

mod play;
mod plays;

use bowline_core::bugs::Bug;

pub use play::Play;
pub use plays::{KEPT, PLAYS};

use crate::story::{self, Scenario};

/// A scenario, by name: one that was made for bugs, or any.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    PLAYS.iter().find(|play| play.name == name).or_else(|| story::find(name))
}

/// The play that shows a bug.
#[must_use]
pub fn shows(bug: Bug) -> &'static str {
    match bug {
        Bug::FenceWithoutRestart | Bug::FenceWithoutClosing => "deaf-clusters",
        Bug::TimeoutIsAFence => "deaf-region",
        Bug::NoLatch | Bug::RolesStay => "standby-red",
        Bug::OpensBeforeClosing => "planned",
        Bug::Upserts => "s5-a-batch-of-the-dead-changes-nothing",
        Bug::UnwindAfterStarted => "shot",
        Bug::MinimumOverAll => "few-nodes",
        Bug::FrontTakesAnyAnswer => "standby-broken",
        Bug::SilenceIsDown => "silent-apis",
        Bug::FirstAvailableIsDone => "roomy",
        Bug::NoConfirm | Bug::ForgetsHolds => "stall",
        Bug::OwnEyesSuffice => "own-eyes",
        Bug::Unarmed => "unarmed",
        Bug::LeaseByWallClock => "skewed",
        Bug::NeverStopsLeading => "leader-cut",
        Bug::ZoneClaimOverruled => "beside-stateless",
        Bug::ClusterClaimOverruled | Bug::HoldClaimOverruled => "beside",
        Bug::OwnSilenceIsDown => "changed-mind",
        Bug::TakeoverWithoutEpoch | Bug::TakeoverRepeats | Bug::NoTakeover => "leader-killed",
        Bug::BlindRetry | Bug::ActBeforeRecord => "lossy",
        Bug::LateAnswers => "late",
        Bug::TrustsAnOpenDoor => "late-door",
        Bug::ReleaseForgetsOthers => "one-comes-home",
        Bug::NoBlockWindow => "twice",
        Bug::FailsBackAgain => "not-home-yet",
        Bug::EachGroupAlone => "region-event",
        Bug::OrdersDoNotCount => "one-is-moved-by-hand",
        Bug::RunningIsStreaming => "never-streamed",
        Bug::LagUnlimited | Bug::SilenceIsConsent => "far-behind",
        Bug::NearIsCaughtUp => "apart-meanwhile",
        Bug::SentIsMoved => "lost-batch",
        Bug::AnyStatusServes => "broken-after",
        Bug::LeaseTaskDies => "all-cut",
        Bug::PrewarmStartsConsumers => "targets-gone",
        Bug::ReadyCountsAsked
        | Bug::TwoBatches
        | Bug::WaitsForTheDead
        | Bug::NeedsTheDead
        | Bug::LongCalls
        | Bug::LaterSampleIsEvidence => "gone",
        Bug::NoFenceOnTheWayHome
        | Bug::NeverScalesDown
        | Bug::StandbyNotRebuilt
        | Bug::NotRearmed => "round-trip",
        Bug::EarlierRestartFences => "restarted",
        other => kept(other),
    }
}

/// The kept schedule that shows a bug: each mend is taken out again.
fn kept(bug: Bug) -> &'static str {
    match bug {
        Bug::LowClaimIsOurs => "s1-a-low-claim-at-the-lever-is-somebody-else-s",
        Bug::ReplacedIsTheSame => "s1-a-journal-that-promoted-what-was-replaced-leads-nowhere",
        Bug::OnlyTheDoneLeads => "s1-a-promotion-that-was-begun-tells-where-its-journal-leads",
        Bug::DoorsKnowNoClaims => "s1-no-door-is-opened-beside-another-s-claim",
        Bug::LeftWriterIsPromoted => "s1-the-writer-that-was-left-is-no-target-for-who-cannot-look",
        Bug::ShiftsOnOldLooks => "s3-traffic-does-not-move-to-a-front-that-stopped-serving",
        Bug::OldDecisionsStand => "s4-a-decision-that-the-store-held-up-is-not-followed-blindly",
        Bug::QuotaIsSilence => "s9-every-group-of-many-sees-its-check",
        Bug::ClaimsBegin => "s4-a-claim-is-no-beginning",
        Bug::TakesOverBlindly => "s4-who-takes-over-leaves-no-site-that-serves",
        Bug::BeginsInDoubt => "s4-nothing-that-users-notice-is-begun-in-doubt",
        Bug::SilentStayDead => "s4-a-site-that-answers-again-is-looked-at-first",
        Bug::HeirsAskNobody => "s4-who-takes-over-asks-outside-before-it-goes-on",
        Bug::HeirsBeganIt => "s4-what-another-had-recorded-may-not-have-been-sent",
        Bug::HeirsNeedNotWatch => "s4-who-takes-over-watches-before-it-goes-on",
        Bug::OwnEyesSeeUsers => "s4-a-site-that-others-reach-again-is-not-left",
        Bug::OrdersOutlastTheOutage => "s10-an-order-does-not-outlast-its-outage",
        Bug::BackIsAware => "s10-who-was-cut-off-looks-before-it-goes-on",
        Bug::PreparedIsBegun => "s10-what-was-only-prepared-is-not-gone-on-with",
        Bug::RefusedRecordsStand => "s4-a-record-that-the-store-refused-is-not-written-late",
        Bug::UnsentIsForGood => "s4-a-promotion-that-was-recorded-and-not-sent-is-not-made",
        Bug::RecordedIsSent => "s4-what-was-recorded-and-not-sent-began-nothing",
        Bug::StaleViewLetsGo => "s7-a-stale-view-does-not-let-go",
        Bug::LateYesStands => "s10-a-yes-to-leave-a-site-that-serves-again-is-refused",
        Bug::OwnEyesDateTheFault => "s10-what-bowline-alone-did-not-see-dates-no-fault",
        Bug::OldFaultDatesTheNew => "s10-a-fault-that-is-over-dates-no-other",
        Bug::IdleIsBehind => "l1-an-idle-postgresql-source-is-near",
        other => panic!("{other:?} has no play"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_bug_has_a_play_and_every_play_a_bug() {
        let shown: BTreeSet<_> = Bug::ALL.iter().map(|bug| shows(*bug)).collect();
        assert!(shown.iter().all(|name| Play::find(name).is_some()), "{shown:?}");
        let names = || PLAYS.iter().map(|play| play.name).chain(KEPT.iter().map(|(name, _)| *name));
        assert!(names().all(|name| shown.contains(name)), "{shown:?}");
        assert_eq!(names().collect::<BTreeSet<_>>().len(), PLAYS.len() + KEPT.len());
        assert!(names().all(|name| story::find(name).is_none()), "a name means one play");
    }

    #[test]
    fn a_kept_schedule_is_one_trial_and_a_scenario_has_seeds() {
        let kept = Play::find(KEPT[0].0).unwrap();
        assert_eq!((kept.name(), kept.seeds(5)), (KEPT[0].0, 1));
        let play = Play::find("gone").unwrap();
        assert_eq!((play.name(), play.seeds(5)), ("gone", 5));
        assert!(Play::find("none").is_none());
        assert_eq!(kept.broken(1, None), []);
    }
}
