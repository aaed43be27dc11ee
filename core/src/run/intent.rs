//! What people want: create-only objects that hold intent, and nothing else.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Claim, GroupName, RunId, Site, Span, Wall};
use crate::step::{Question, QuestionKind};

/// What a human (or a schedule) wants of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "want")]
pub enum Intent {
    /// Move away from the active site, which failed.
    Failover {
        /// How much replication time may be lost; without it the evidence must suffice.
        accept_loss: Option<Span>,
        /// Why, for the report.
        reason: String,
        /// Why the controller is taken for dead. Said by a process that acts beside the
        /// controller's store (break-glass): the move then goes over claims that its own journal
        /// does not know.
        break_glass: Option<String>,
    },
    /// Move to the standby without losing anything.
    Switchover {
        /// Why, for the report.
        reason: String,
    },
    /// Come home without losing anything.
    Failback {
        /// Why, for the report.
        reason: String,
    },
    /// Say yes to what a run asks.
    Approve {
        /// Which run.
        run: RunId,
        /// How much replication time may be lost, where that is asked.
        accept_loss: Option<Span>,
        /// That the old writer may still be running, where that is asked.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        accept_unfenced: bool,
        /// That it is meant for a step that is overdue, and for nothing else.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        keep_trying: bool,
    },
    /// Stop a run that has not passed its point of no return, and undo what it did.
    Cancel {
        /// Which run.
        run: RunId,
    },
    /// Hold all automatic action.
    Pause {
        /// Why.
        reason: String,
    },
    /// End a pause.
    Resume,
    /// Record the group's peacetime settings and arm it.
    Arm,
    /// Make the journal of a break-glass process part of this one, which ends break-glass.
    Import {
        /// The exact bytes of its entries, oldest first: all of them, or those behind what both
        /// journals have. Left out where the intent is recorded: [`super::Record::Imported`] has
        /// them.
        entries: Vec<Arc<str>>,
        /// The exact bytes of the peacetime facts that lie beside it, if any; left out where the
        /// intent is recorded, like the entries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        facts: Option<Arc<str>>,
        /// Which journal is true, where the two tell of moves that cannot both be: the word of
        /// somebody who looked at the world.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stands: Option<Stands>,
        /// Why, for the report.
        reason: String,
    },
}

/// Whose state stands once a group has both journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stands {
    /// The one that this journal tells of.
    Ours,
    /// The one that the imported journal tells of.
    Theirs,
}

impl Stands {
    /// As it is typed, and told.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Theirs => "theirs",
        }
    }
}

impl Intent {
    /// The yes to a question, as its [command](Question::command) says it.
    #[must_use]
    pub fn yes(run: RunId, question: &Question, accept_loss: Option<Span>) -> Self {
        let accept_unfenced = question.kind == QuestionKind::UnconfirmedFence;
        let keep_trying = question.kind == QuestionKind::Overdue;
        Self::Approve { run, accept_loss, accept_unfenced, keep_trying }
    }

    /// The intent as it is recorded when it was looked at: without a journal in it.
    #[must_use]
    pub fn recorded(self) -> Self {
        match self {
            Self::Import { stands, reason, .. } => {
                Self::Import { entries: Vec::new(), facts: None, stands, reason }
            }
            other => other,
        }
    }
}

fn more_loss(needed: Option<Span>) -> String {
    match needed {
        Some(needed) => {
            format!("up to {needed} of writes may be lost; say so with --accept-loss {needed}")
        }
        None => "how much may be lost is not known, without a replication sample from before the \
                 fault; say what you accept with --accept-loss DURATION"
            .into(),
    }
}

/// How somebody who looked at the world says which journal is true.
fn say_which(group: &GroupName, ours: Site, theirs: Site) -> String {
    let import = format!("bowline journal import {group} --from dir:PATH --reason WHY --stands");
    if ours == theirs {
        return format!(
            "Both lead to {ours}. See which run was the last to change anything there; then say \
             which journal is true: `{import} theirs`, or `--stands ours`"
        );
    }
    format!(
        "See which database instance is the newest writer, and where DNS leads; then say which \
         journal is true: `{import} theirs` if that is {theirs}, `--stands ours` if it is {ours}"
    )
}

/// Why an intent was not followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// It cannot be read.
    #[error("not an intent: {0}")]
    Unreadable(String),
    /// Another run is open.
    #[error("run {0} is open; wait for it, or cancel it")]
    RunOpen(RunId),
    /// There is no such open run.
    #[error("run {0} is not open")]
    NoSuchRun(RunId),
    /// The run asks nothing.
    #[error("run {0} asks nothing")]
    NothingAsked(RunId),
    /// The run has passed its point of no return.
    #[error("run {0} has passed its point of no return: it goes forward or asks")]
    Committed(RunId),
    /// More would be lost than was accepted.
    #[error("{}", more_loss(*.needed))]
    MoreLoss {
        /// What may be lost, in whole seconds; `None` when nobody knows, and a human must name it.
        needed: Option<Span>,
    },
    /// The run asks whether to go on beside an old writer that may still be running, and nobody
    /// said that.
    #[error(
        "the old writer at {0} may still be running; if that is known and taken, say so with \
         --accept-unfenced"
    )]
    Unfenced(Site),
    /// The traffic is there already.
    #[error("the {0} site serves already")]
    AlreadyThere(Site),
    /// The other site cannot take over.
    #[error("{0}")]
    NotReady(String),
    /// A fact that the plan needs is not known.
    #[error("{0}")]
    Incomplete(String),
    /// It waited too long for somebody to take it: what it was about may be over.
    #[error("it was wanted at {at}, too long ago to be followed unasked; say it again")]
    TooOld {
        /// When it was wanted.
        at: Wall,
    },
    /// Somebody acted beside this journal.
    #[error(
        "{0} was claimed beside this journal: import the other one first (`bowline journal \
         import`), or say why its controller is taken for dead (--controller-is-dead REASON)"
    )]
    ForeignClaim(Claim),
    /// What is to be imported is no journal that could be.
    #[error("the journal cannot be imported: {0}")]
    BadImport(String),
    /// A run of ours is not over, and the journal to be imported tells of another move.
    #[error("run {run} is not over here, and the imported journal does not continue it; {remedy}")]
    NotContinued {
        /// Our run.
        run: RunId,
        /// What to do.
        remedy: String,
    },
    /// Both journals tell of what cannot be undone, and not of the same: only people can know which
    /// is true.
    #[error("{why}. {}", say_which(.group, *.ours, *.theirs))]
    TwoMoves {
        /// The group.
        group: GroupName,
        /// What cannot both be true.
        why: String,
        /// The site that has the writer, or serves, by our journal.
        ours: Site,
        /// The same by the one to be imported.
        theirs: Site,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_a_yes_says_what_it_is_a_yes_to_and_what_may_be_lost() {
        let yes = |kind| {
            let (why, otherwise) = ("why".into(), "nothing".into());
            let question = Question { kind, why, loss_ms: None, otherwise };
            let (loss, run) = (Some(Span::secs(9)), RunId::new("r1"));
            match Intent::yes(run, &question, loss) {
                Intent::Approve { accept_loss, accept_unfenced, keep_trying, .. } => {
                    assert_eq!(accept_loss, loss);
                    (accept_unfenced, keep_trying)
                }
                other => panic!("{other:?}"),
            }
        };
        for (kind, accepts) in [
            (QuestionKind::Approve, (false, false)),
            (QuestionKind::AcceptLoss, (false, false)),
            (QuestionKind::UnconfirmedFence, (true, false)),
            (QuestionKind::Overdue, (false, true)),
        ] {
            assert_eq!(yes(kind), accepts, "{kind:?}");
        }
    }
}
