//! Decisions and their reasons. Their words are in [`super::words`].

use super::situation::EvidenceGrade;
use crate::health::{ServingWhy, Veto};
use crate::model::{Region, Site, Span, Wall};
use crate::policy::Action;

/// What is to be started for a group now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Hold(HoldWhy),
    /// Start nodes at standby: the confirm time runs.
    Prewarm,
    /// It was a false alarm: release what prewarm took.
    StandDown,
    /// Move to the passive site.
    FailOver,
    /// Come home.
    FailBack,
    /// Nothing, until a human says so.
    AskHuman(Ask),
}

/// What a human is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What would be done.
    pub action: Action,
    /// Why it is not done without being asked for.
    pub why: AskWhy,
}

/// Why nothing is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldWhy {
    /// All is well.
    Serving,
    /// It is not known whether the active site serves, and unknown is not down.
    ServingUnknown(ServingWhy),
    /// A quorum says down, but there is fresh evidence to the contrary.
    Vetoed(Veto),
    /// The confirm time runs; prewarm is not to be started by itself, or does not apply.
    Confirming,
    /// Prewarm is under way; the verdict is not.
    Prewarmed,
    /// Bowline is the one that is cut off.
    Isolated,
    /// Bowline was cut off a short while ago; what it saw meanwhile does not count.
    JustBack,
    /// Another authority's claim must be imported first.
    ForeignClaim,
    /// A run is under way.
    RunOpen,
    /// A human has paused automatic action.
    Paused,
    /// This action is only taken on a human's command.
    Manual(Action),
    /// The group only observes: this is what would have been done.
    WouldHave(Would),
    /// No site is proven able to serve, so everything stays as it is (S3).
    PassiveNotReady(Site),
    /// The passive site must be known to be ready.
    PassiveUnknown(Site),
    /// Home has never been seen to serve: its checks may be red because there is nothing yet.
    NeverServed,
    /// The group is not armed, so what a failover would find is not known.
    Unarmed,
    /// The old writer of this site is not confirmed stopped.
    FenceUnconfirmed(Site),
    /// Obligations of the group are not yet carried out.
    Obligations(u32),
    /// The passive site must stay ready for so long yet.
    NotStableYet {
        /// How long yet.
        left: Span,
    },
    /// Standby serves because a human wanted so; a human brings it home.
    SwitchedOver,
    /// A blocked window is open.
    Blocked {
        /// What it holds.
        action: Action,
        /// When it ends.
        until: Wall,
    },
    /// Part of a Region event, about which a human is asked once for all groups.
    RegionEvent(Region),
    /// As many automatic failovers are under way as are allowed.
    OverBudget,
}

impl HoldWhy {
    /// Whether people should be told at once: users may not be served, and nothing is being done.
    /// It is about reasons that only come up when something is wrong; a caller tells it once.
    #[must_use]
    pub fn alarms(&self) -> bool {
        matches!(
            self,
            Self::PassiveNotReady(_)
                | Self::Isolated
                | Self::Manual(Action::Failover)
                | Self::ForeignClaim
                | Self::OverBudget
        )
    }
}

/// What an observing group would have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Would {
    /// It would have started this.
    Started(Action),
    /// It would have asked for this.
    Asked(Ask),
}

/// Why a human is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskWhy {
    /// The policy says `approve`, and all is as it should be.
    Approval,
    /// The policy has no vantage outside Bowline's network.
    NoOutsideView,
    /// The vantage outside Bowline's network does not say down.
    OutsideUnknown,
    /// Bowline may be cut off from this site, which others may reach.
    Partitioned(Site),
    /// It is not known whether the passive site is ready.
    PassiveUnknown(Site),
    /// The group is not armed.
    Unarmed,
    /// The passive site is in quarantine: its old writer is not confirmed stopped.
    Quarantine(Site),
    /// The evidence of replication as of the fault does not suffice.
    Evidence(EvidenceGrade),
    /// It failed over by itself a short while ago (S8).
    BlockWindow {
        /// When it may do so again.
        until: Wall,
    },
    /// A blocked window is open.
    BlockedWindow {
        /// When it ends.
        until: Wall,
    },
    /// The last way home was undone when users had felt it, or by a human (S8).
    Undone,
}
