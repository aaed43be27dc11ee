//! Everything a decision about one group may depend on, as plain values. Who fills it in gathers;
//! it holds no rule.

use serde::{Deserialize, Serialize};

use crate::databases::evidence::Grade;
use crate::health::{Isolation, Serving};
use crate::model::{Answer3, Site, Span, Wall};
use crate::policy::{Automation, BlockedWindow, Mode};

/// One group as it stands.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The wall time: block windows and blocked windows are kept in it.
    pub now: Wall,
    /// How each action may be started.
    pub modes: Modes,
    /// When automatic action is held.
    pub blocked_windows: &'a [BlockedWindow],
    /// Which site serves now.
    pub active: Site,
    /// Whether it serves its users.
    pub serving: Serving,
    /// Whether the passive site could take over.
    pub ready: Answer3,
    /// For how long the passive site has been ready without a break.
    pub ready_for: Span,
    /// The policy's `stableFor`: how long home must be ready before anything moves back.
    pub stable_for: Span,
    /// Whether Bowline may trust its eyes.
    pub isolation: Isolation,
    /// The group's open run.
    pub run: OpenRun,
    /// Records, checks, fence record and settings are as a failover needs them.
    pub armed: bool,
    /// A human has paused automatic action.
    pub paused: bool,
    /// Home has been seen to serve since the group was made.
    pub home_has_served: bool,
    /// The site whose old writer is not confirmed stopped: it is in quarantine.
    pub quarantine: Option<Site>,
    /// Obligations of the group that are not yet carried out.
    pub obligations: u32,
    /// A claim that this authority did not make was found and is not yet imported.
    pub foreign_claim: bool,
    /// Standby is active because a human switched over to it, not because home failed.
    pub switched_over: bool,
    /// The last way home was undone when users had felt it, or by a human.
    pub failback_undone: bool,
    /// When the last automatic failover began.
    pub last_failover: Option<Wall>,
    /// The policy's `blockAfterFailover`.
    pub block_after_failover: Span,
    /// What is known of how much a promotion would lose (S10).
    pub evidence: EvidenceGrade,
}

/// How each action may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modes {
    /// An unplanned move.
    pub failover: Mode,
    /// Coming home.
    pub failback: Mode,
    /// Starting nodes while the confirm time runs.
    pub prewarm: Mode,
}

impl From<&Automation> for Modes {
    fn from(policy: &Automation) -> Self {
        Self { failover: policy.failover, failback: policy.failback, prewarm: policy.prewarm }
    }
}

/// The run that a group has open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OpenRun {
    /// None.
    None,
    /// One that only prewarmed: a failover's plan may still be appended to it.
    Prewarm,
    /// One that has a plan: it is carried out, unwound or asks, whatever health says.
    Planned,
}

/// Evidence of replication as of the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EvidenceGrade {
    /// The group has no database: none is needed.
    NoDatabase,
    /// Fresh, streaming and within the limit.
    Good,
    /// The last sample before the fault is too old.
    Stale,
    /// There is no sample from before the fault.
    Missing,
    /// The replica was not streaming.
    NotStreaming,
    /// It was further behind than the policy allows.
    LagTooHigh,
}

impl EvidenceGrade {
    /// Whether a promotion may rest on it without a human's word.
    #[must_use]
    pub fn suffices(self) -> bool {
        matches!(self, Self::NoDatabase | Self::Good)
    }
}

impl From<Option<Grade>> for EvidenceGrade {
    /// `None` is a group without a database.
    fn from(grade: Option<Grade>) -> Self {
        match grade {
            None => Self::NoDatabase,
            Some(Grade::Good) => Self::Good,
            Some(Grade::Stale) => Self::Stale,
            Some(Grade::Missing) => Self::Missing,
            Some(Grade::NotStreaming) => Self::NotStreaming,
            Some(Grade::TooFarBehind) => Self::LagTooHigh,
        }
    }
}
