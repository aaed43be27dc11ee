//! A plan and its steps, as they are stored.

use serde::{Deserialize, Serialize};

use crate::capacity::{
    CapacityReady, ClaimCluster, NodesGone, Release, SetJob, SetPool, SetWorkload,
};
use crate::databases::rds;
use crate::levers::{gates, outside, records};
use crate::model::{Ordered, Place, Site, Span, StepId};
use crate::op::{Fault, Op};
use crate::step::{Context, Judgement, Mark, Procedure, Question, Seen};

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlanKind {
    /// Unplanned move away from a failed site; data may be lost within the limit.
    Failover,
    /// Planned move to the standby; nothing is lost.
    Switchover,
    /// Planned move home, until the standby is a standby again.
    Failback,
}

impl PlanKind {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Switchover => "switchover",
            Self::Failback => "failback",
        }
    }
}

/// An immutable DAG of steps. A run may be given several, one after the other: prewarm, the move
/// itself, unwinding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What it is for.
    pub kind: PlanKind,
    /// The site that loses traffic.
    pub from: Site,
    /// The site that gains it.
    pub to: Site,
    /// The steps, in an order that respects what each needs.
    pub steps: Ordered<StepId, Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it does.
    pub effect: Effect,
    /// What must be done before.
    pub needs: Vec<StepId>,
    /// Which of the steps before must find the same again in the instant in which this one acts:
    /// what they saw is minutes old where an API did not answer in between.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still: Vec<StepId>,
    /// Whose API it depends on.
    pub touches: Place,
    /// Whether it can be undone.
    pub class: Class,
    /// How long it may take once it started; none: as long as it takes.
    pub timeout: Option<Span>,
    /// What happens after that.
    pub on_timeout: OnTimeout,
    /// A standing step is the group's obligation: the run ends without it, and it is retried until
    /// done.
    pub standing: bool,
    /// What its end means for the group.
    pub marks: Vec<Mark>,
}

/// Whether a step can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Class {
    /// It changes nothing.
    ReadOnly,
    /// It is undone by releasing the holds it took.
    Reversible,
    /// It cannot be undone: accepting its `Started` is the run's point of no return.
    Irreversible,
}

/// What happens when a step takes too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnTimeout {
    /// Before the point of no return the run unwinds; behind it a human is asked.
    Fail,
    /// It ends as *unknown*, and the run goes on.
    Proceed,
    /// A human is asked, and the step goes on trying.
    Ask,
}

/// Declares [`Effect`] and [`EffectKind`], and hands each effect to its procedure.
macro_rules! effects {
    ($($(#[$doc:meta])* $name:ident($type:ty),)*) => {
        /// What a step does, with everything it needs to know.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Effect {
            $($(#[$doc])* $name($type),)*
        }

        /// What a step does, without what it needs to know for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum EffectKind {
            $($(#[$doc])* $name,)*
        }

        impl EffectKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }

        impl Effect {
            /// Its kind.
            #[must_use]
            pub fn kind(&self) -> EffectKind {
                match self {
                    $(Self::$name(_) => EffectKind::$name,)*
                }
            }

            /// The algorithm.
            #[must_use]
            pub fn procedure(&self) -> &dyn Procedure {
                match self {
                    $(Self::$name(procedure) => procedure,)*
                }
            }
        }
    };
}

effects! {
    /// Claims the epoch in a cluster.
    ClaimCluster(ClaimCluster),
    /// Claims the epoch in a zone.
    ClaimZone(records::ClaimZone),
    /// Claims the epoch at the gate object.
    ClaimGate(gates::ClaimGate),
    /// Asks a human.
    Approval(Approval),
    /// Opens a NodePool.
    SetPool(SetPool),
    /// Scales a workload and holds it.
    SetWorkload(SetWorkload),
    /// Suspends or resumes a CronJob and holds it.
    SetJob(SetJob),
    /// Waits for capacity.
    CapacityReady(CapacityReady),
    /// Stops the old writer.
    Fence(rds::Fence),
    /// Closes the writer's door.
    CloseDoor(rds::CloseDoor),
    /// Waits until nobody is connected.
    ConnectionsGone(rds::ConnectionsGone),
    /// Reads the replica's last position.
    Position(rds::Position),
    /// Waits for replication.
    CaughtUp(rds::CaughtUp),
    /// Makes the replica the writer.
    Promote(rds::Promote),
    /// Renames an old instance.
    Rename(rds::Rename),
    /// Creates a replica under the old identifier.
    CreateReplica(rds::CreateReplica),
    /// Opens the writer's door again.
    Reopen(rds::Reopen),
    /// Exchanges failover records in a zone.
    Shift(records::Shift),
    /// Waits for Route 53's servers.
    Insync(records::Insync),
    /// Flips the gate.
    Flip(gates::Flip),
    /// Asks the authoritative servers.
    Answers(outside::Answers),
    /// Looks through the gaining site's own load balancer.
    Front(outside::Front),
    /// Looks from outside for a while.
    Serves(outside::Serves),
    /// Releases a hold.
    Release(Release),
    /// Waits until a NodePool's nodes are gone.
    NodesGone(NodesGone),
    /// Nothing but its marks: a point in the DAG.
    Milestone(Milestone),
}

impl Effect {
    /// Whether it only says who acts: users notice nothing of a claim.
    #[must_use]
    pub fn claims(&self) -> bool {
        matches!(self, Self::ClaimCluster(_) | Self::ClaimZone(_) | Self::ClaimGate(_))
    }
}

/// Asks a human, and is done when somebody said yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What is asked.
    pub question: Question,
}

impl Procedure for Approval {
    fn observe(&self, _: &Context<'_>, _: Seen<'_>) -> Vec<Op> {
        Vec::new()
    }

    fn judge(&self, _: &Context<'_>, _: Seen<'_>) -> Result<Judgement, Fault> {
        Ok(Judgement::Ask(Box::new(self.question.clone())))
    }
}

/// A point in the DAG.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// What is reached.
    pub note: String,
}

impl Procedure for Milestone {
    fn observe(&self, _: &Context<'_>, _: Seen<'_>) -> Vec<Op> {
        Vec::new()
    }

    fn judge(&self, _: &Context<'_>, _: Seen<'_>) -> Result<Judgement, Fault> {
        Ok(Judgement::done(self.note.clone()))
    }
}
