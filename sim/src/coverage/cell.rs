//! A cell: one thing that can happen, and that is counted when it does.

use bowline_core::op::{Answer, Fault};
use bowline_core::plan::{EffectKind, PlanKind};
use serde::{Deserialize, Serialize};

use super::kinds::{
    Action, AskKind, FaultKind, HoldKind, IntentKind, PhaseKind, QuestionKind, RecordKind,
    RefusalKind,
};

/// One thing that can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cell {
    /// A step ended like this.
    Step(Purpose, EffectKind, End),
    /// A step found as wanted what no run before could have left so: a process beside the
    /// controller had done it, with the same claim or with the copy of our run.
    FoundBeside,
    /// A call of a step came to this.
    Call(EffectKind, Came),
    /// The leader died while a step was there.
    Died(EffectKind, At),
    /// The leader died behind a call of a step that had come to this, on this side of hearing it.
    DiedOf(EffectKind, Came, Side),
    /// A record was stored.
    Stored(RecordKind),
    /// An append came to this.
    Append(Came),
    /// The leader died while a record was there.
    DiedWriting(RecordKind, At),
    /// A step asked this.
    Asked(EffectKind, QuestionKind),
    /// A run went from one phase to another; `None`: there was none before.
    Turned(Option<PhaseKind>, PhaseKind),
    /// An intent was followed.
    Followed(IntentKind),
    /// An intent was refused.
    Refused(RefusalKind),
    /// The leader decided so.
    Decided(Decided),
}

impl Cell {
    /// Its name as that of a file.
    #[must_use]
    pub fn file_name(self) -> String {
        let words = format!("{self:?}").to_lowercase();
        let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    }
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// To prepare.
    Prewarm,
    /// The unplanned move.
    Failover,
    /// The planned move away.
    Switchover,
    /// The planned move home.
    Failback,
    /// To undo.
    Unwinding,
}

impl Purpose {
    /// The purpose of a plan that is recorded.
    #[must_use]
    pub fn of(kind: PlanKind, moves: bool, unwinds: bool) -> Self {
        match (moves, unwinds, kind) {
            (_, true, _) => Self::Unwinding,
            (false, ..) => Self::Prewarm,
            (true, _, PlanKind::Failover) => Self::Failover,
            (true, _, PlanKind::Switchover) => Self::Switchover,
            (true, _, PlanKind::Failback) => Self::Failback,
        }
    }
}

/// How a step ended, or went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// Everything was as wanted, without a call.
    AsFound,
    /// It was so after a call of its own.
    Done,
    /// By its deadline, unconfirmed.
    Unknown,
    /// It took too long, or the world disagreed: a human was asked.
    Overdue,
    /// It took too long, and the run went back.
    SentBack,
    /// The run went back when its call was recorded.
    Abandoned,
}

impl End {
    /// Every end.
    pub const ALL: [Self; 6] =
        [Self::AsFound, Self::Done, Self::Unknown, Self::Overdue, Self::SentBack, Self::Abandoned];
}

/// What a call came to, as its sender heard it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Came {
    /// An answer.
    Answer,
    /// A fault.
    Fault(FaultKind),
    /// Nothing, until its time was over.
    Nothing,
}

impl Came {
    /// Everything it can come to.
    pub fn all() -> impl Iterator<Item = Self> {
        let faults = FaultKind::ALL.iter().map(|fault| Self::Fault(*fault));
        [Self::Answer, Self::Nothing].into_iter().chain(faults)
    }
}

impl From<&Result<Answer, Fault>> for Came {
    fn from(result: &Result<Answer, Fault>) -> Self {
        match result {
            Ok(_) => Self::Answer,
            Err(fault) => Self::Fault(fault.into()),
        }
    }
}

/// How far a step's call, or an append, was when the leader died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum At {
    /// There was none: the step was being looked at.
    Looking,
    /// Its `Started` was in the store, and it was not sent.
    Recorded,
    /// It was on its way.
    Sent,
    /// It had had its effect, and no answer was heard.
    Had,
}

impl At {
    /// Every place.
    pub const ALL: [Self; 4] = [Self::Looking, Self::Recorded, Self::Sent, Self::Had];
}

/// On which side of hearing what a call had come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// Nobody had heard it.
    Unheard,
    /// It had been heard, and the step had not ended.
    Heard,
}

impl Side {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Unheard, Self::Heard];
}

/// A decision about a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decided {
    /// Nothing is started.
    Hold(HoldKind),
    /// Nodes are started.
    Prewarm,
    /// They are let go.
    StandDown,
    /// The active site is left.
    FailOver,
    /// It comes home.
    FailBack,
    /// A human is asked for an action.
    Ask(Action, AskKind),
}
