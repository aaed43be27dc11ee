//! The kinds of things that are counted: enums of the core without what their variants carry. Each
//! is made from one list, which is also the pattern of an exhaustive match: a variant that is new
//! in the core does not compile here until it is counted.

use bowline_core::decide::{AskWhy, EvidenceGrade, HoldWhy};
use bowline_core::health::{ServingWhy, Veto};
use bowline_core::op::Fault;
use bowline_core::policy::Action as PolicyAction;
use bowline_core::run::{Ended, Intent, Phase, Record, Refusal};
use bowline_core::step::QuestionKind as Question;
use serde::{Deserialize, Serialize};

/// Declares the kinds of an enum of the core.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident of $of:ty { $($variant:ident: $pattern:pat,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(missing_docs, reason = "each is the variant of the core of the same name")]
        pub enum $name {
            $($variant,)*
        }

        impl $name {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
        }

        impl From<&$of> for $name {
            fn from(of: &$of) -> Self {
                match of {
                    $($pattern => Self::$variant,)*
                }
            }
        }
    )*};
}

kinds! {
    /// What a call came to.
    FaultKind of Fault {
        Transient: Fault::Transient(_),
        Throttled: Fault::Throttled { .. },
        Conflict: Fault::Conflict(_),
        Fenced: Fault::Fenced(_),
        NotFound: Fault::NotFound(_),
        Denied: Fault::Denied(_),
        Invalid: Fault::Invalid(_),
        Unknown: Fault::Unknown(_),
    }
    /// What a record says.
    RecordKind of Record {
        Claimed: Record::Claimed { .. },
        IntentTaken: Record::IntentTaken { .. },
        Opened: Record::Opened { .. },
        Planned: Record::Planned { .. },
        Started: Record::Started { .. },
        Done: Record::Done { .. },
        Withheld: Record::Withheld { .. },
        Asked: Record::Asked { .. },
        Answered: Record::Answered { .. },
        Unwinding: Record::Unwinding { .. },
        Closed: Record::Closed { .. },
        Paused: Record::Paused { .. },
        Resumed: Record::Resumed,
        Armed: Record::Armed,
        Imported: Record::Imported { .. },
    }
    /// How far a run is.
    PhaseKind of Phase {
        Prewarm: Phase::Prewarm,
        Moving: Phase::Moving,
        Unwinding: Phase::Unwinding { .. },
        Moved: Phase::Closed(Ended::Moved),
        Unwound: Phase::Closed(Ended::Unwound(_)),
    }
    /// What a human is asked in a run.
    QuestionKind of Question {
        Approve: Question::Approve,
        AcceptLoss: Question::AcceptLoss,
        UnconfirmedFence: Question::UnconfirmedFence,
        Overdue: Question::Overdue,
    }
    /// What somebody wants.
    IntentKind of Intent {
        Failover: Intent::Failover { .. },
        Switchover: Intent::Switchover { .. },
        Failback: Intent::Failback { .. },
        Approve: Intent::Approve { .. },
        Cancel: Intent::Cancel { .. },
        Pause: Intent::Pause { .. },
        Resume: Intent::Resume,
        Arm: Intent::Arm,
        Import: Intent::Import { .. },
    }
    /// Why somebody does not get it.
    RefusalKind of Refusal {
        Unreadable: Refusal::Unreadable(_),
        RunOpen: Refusal::RunOpen(_),
        NoSuchRun: Refusal::NoSuchRun(_),
        NothingAsked: Refusal::NothingAsked(_),
        Committed: Refusal::Committed(_),
        MoreLoss: Refusal::MoreLoss { .. },
        Unfenced: Refusal::Unfenced(_),
        AlreadyThere: Refusal::AlreadyThere(_),
        NotReady: Refusal::NotReady(_),
        Incomplete: Refusal::Incomplete(_),
        TooOld: Refusal::TooOld { .. },
        ForeignClaim: Refusal::ForeignClaim(_),
        BadImport: Refusal::BadImport(_),
        NotContinued: Refusal::NotContinued { .. },
        TwoMoves: Refusal::TwoMoves { .. },
    }
    /// An action of the policy.
    Action of PolicyAction {
        Failover: PolicyAction::Failover,
        Failback: PolicyAction::Failback,
        Prewarm: PolicyAction::Prewarm,
    }
    /// Why nothing is started.
    HoldKind of HoldWhy {
        Serving: HoldWhy::Serving,
        NotServing: HoldWhy::ServingUnknown(ServingWhy::Serves | ServingWhy::QuorumDown),
        UnknownConfirming: HoldWhy::ServingUnknown(ServingWhy::Confirming),
        UnknownVetoed: HoldWhy::ServingUnknown(ServingWhy::Vetoed(_)),
        UnknownTooFewDown: HoldWhy::ServingUnknown(ServingWhy::TooFewDown),
        UnknownNoEvidence: HoldWhy::ServingUnknown(ServingWhy::NoEvidence),
        VetoedOutside: HoldWhy::Vetoed(Veto::Outside),
        VetoedProgress: HoldWhy::Vetoed(Veto::Progress),
        Confirming: HoldWhy::Confirming,
        Prewarmed: HoldWhy::Prewarmed,
        Isolated: HoldWhy::Isolated,
        JustBack: HoldWhy::JustBack,
        ForeignClaim: HoldWhy::ForeignClaim,
        RunOpen: HoldWhy::RunOpen,
        Paused: HoldWhy::Paused,
        ManualFailover: HoldWhy::Manual(PolicyAction::Failover),
        ManualFailback: HoldWhy::Manual(PolicyAction::Failback),
        ManualPrewarm: HoldWhy::Manual(PolicyAction::Prewarm),
        WouldHave: HoldWhy::WouldHave(_),
        PassiveNotReady: HoldWhy::PassiveNotReady(_),
        PassiveUnknown: HoldWhy::PassiveUnknown(_),
        NeverServed: HoldWhy::NeverServed,
        Unarmed: HoldWhy::Unarmed,
        FenceUnconfirmed: HoldWhy::FenceUnconfirmed(_),
        Obligations: HoldWhy::Obligations(_),
        NotStableYet: HoldWhy::NotStableYet { .. },
        SwitchedOver: HoldWhy::SwitchedOver,
        Blocked: HoldWhy::Blocked { .. },
        RegionEvent: HoldWhy::RegionEvent(_),
        OverBudget: HoldWhy::OverBudget,
    }
    /// Why a human is asked before a run.
    AskKind of AskWhy {
        Approval: AskWhy::Approval,
        NoOutsideView: AskWhy::NoOutsideView,
        OutsideUnknown: AskWhy::OutsideUnknown,
        Partitioned: AskWhy::Partitioned(_),
        PassiveUnknown: AskWhy::PassiveUnknown(_),
        Unarmed: AskWhy::Unarmed,
        Quarantine: AskWhy::Quarantine(_),
        EvidenceSuffices: AskWhy::Evidence(EvidenceGrade::NoDatabase | EvidenceGrade::Good),
        EvidenceStale: AskWhy::Evidence(EvidenceGrade::Stale),
        EvidenceMissing: AskWhy::Evidence(EvidenceGrade::Missing),
        EvidenceNotStreaming: AskWhy::Evidence(EvidenceGrade::NotStreaming),
        EvidenceLagTooHigh: AskWhy::Evidence(EvidenceGrade::LagTooHigh),
        BlockWindow: AskWhy::BlockWindow { .. },
        BlockedWindow: AskWhy::BlockedWindow { .. },
        Undone: AskWhy::Undone,
    }
}
