//! All there is to a trial, as a file that replays it.
//!
//! Times are counted from the start of the replicas.

use bowline_core::model::Span;
use serde::{Deserialize, Serialize};

use super::aim::Aim;
use super::twist::Twist;
use crate::aws::rds::{Engine, Times};
use crate::coverage::RecordKind;
use crate::faults::Trouble;
use crate::harness::Side;

/// One trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// What chance draws from in the world and on the network.
    pub seed: u64,
    /// `quick`, `shop`, or the text of a FailoverGroup.
    pub policy: String,
    /// How the policy differs from that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub twists: Vec<Twist>,
    /// How many groups there are; they share clusters, a NodePool and a zone.
    pub groups: usize,
    /// Over how many pairs of Regions they are spread.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub pairs: usize,
    /// How many replicas of Bowline.
    pub replicas: usize,
    /// Whether failovers wait for a human's yes, whatever the policy says.
    pub approve: bool,
    /// The databases' engine.
    pub engine: Engine,
    /// How long what RDS does by itself takes.
    pub rds: Times,
    /// How long a human takes to answer a question; `None`: nobody answers before all is well.
    pub on_call: Option<Span>,
    /// When nothing goes wrong any more.
    pub heals: Span,
    /// Within so long after that, everything is at home again.
    pub home_within: Span,
    /// What happens.
    pub events: Vec<Happening>,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Happening {
    /// A trouble comes and goes.
    Fault {
        /// When it begins.
        from: Span,
        /// For how long it is there.
        lasts: Span,
        /// What it is.
        trouble: Trouble,
    },
    /// A human wants something.
    Wish {
        /// When.
        at: Span,
        /// Of which group.
        group: usize,
        /// What.
        wish: Wish,
    },
    /// The leader is struck when a group's chain has grown to an entry.
    Strike {
        /// Which group's chain.
        group: usize,
        /// The number of the entry.
        entry: u64,
        /// How long after it was stored.
        after: Span,
        /// For how long.
        lasts: Span,
        /// How.
        blow: Blow,
    },
    /// The leader dies in just the append of a record.
    Dies {
        /// To which group's chain.
        group: usize,
        /// Which record.
        writing: RecordKind,
        /// On which side of the append's effect.
        side: Side,
        /// For how long.
        lasts: Span,
    },
    /// Somebody moves the first group with a process and a directory of their own.
    Glass(Glass),
    /// Something goes wrong when a run comes to a certain step.
    Aim(Aim),
}

/// What a human wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Wish {
    /// Leave the active site.
    Failover {
        /// How much may be lost.
        accept_loss: Option<Span>,
    },
    /// Move to standby without loss.
    Switchover,
    /// Come home without loss.
    Failback,
    /// Say yes to whatever the open run asks.
    Approve,
    /// Stop the open run.
    Cancel,
    /// Hold all automatic action.
    Pause,
    /// End that.
    Resume,
    /// Arm the group.
    Arm,
    /// Say yes to the last run, whether it asks or not, and accept no loss.
    ApproveBlindly,
    /// Stop the last run, whether it is open or not.
    CancelBlindly,
    /// Something that cannot be read.
    Nonsense,
    /// Make a journal that is none part of this one.
    ImportNonsense,
}

/// What befalls a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Blow {
    /// It dies; later a new replica starts.
    Crash,
    /// It stands still, and later goes on with what it believed.
    Pause,
}

/// Break-glass beside whatever the controller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Glass {
    /// When the directory was last made from the store.
    pub export: Span,
    /// Whether the journal was exported too; facts always are.
    pub journal: bool,
    /// From when the process runs; a minute later it is told to fail over.
    pub from: Span,
    /// When it is told to stop.
    pub until: Span,
    /// When its journal is imported.
    pub import: Span,
    /// How much may be lost.
    pub accept_loss: Span,
}

fn one() -> usize {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(pairs: &usize) -> bool {
    *pairs == 1
}

impl Happening {
    /// Whether somebody else's controller puts back what Bowline set.
    #[must_use]
    pub fn meddles(&self) -> bool {
        let meddles = |t: &Trouble| matches!(t, Trouble::GitOps { .. } | Trouble::DnsOwned { .. });
        matches!(self, Self::Fault { trouble, .. } if meddles(trouble))
    }

    /// When it happens, or may happen first.
    #[must_use]
    pub fn at(&self) -> Span {
        match self {
            Self::Fault { from, .. } => *from,
            Self::Wish { at, .. } => *at,
            Self::Strike { .. } | Self::Dies { .. } | Self::Aim(_) => Span::ZERO,
            Self::Glass(glass) => glass.export,
        }
    }
}

impl Schedule {
    /// The file that replays it.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A schedule is made of numbers, texts and lists, which always have a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// Where it is no schedule, and why.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
