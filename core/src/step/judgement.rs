//! What a procedure may say of what it saw.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::context::Outputs;
use super::hold::{Hold, HoldId};
use crate::model::{Claim, GroupName, InstanceId, ResourceId, RunId, Site, Span};
use crate::op::Op;

/// What follows from one look at the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The world is as wanted.
    Done {
        /// What became known.
        outputs: Outputs,
        /// One line for the timeline.
        note: String,
    },
    /// The world is as wanted, and must stay so for a while before the step is done.
    Steady {
        /// For how long, without a break.
        hold: Span,
        /// What became known.
        outputs: Outputs,
        /// One line for the timeline.
        note: String,
    },
    /// One call brings the world nearer. It is sent once its record is in the store.
    Act {
        /// The call.
        op: Op,
        /// The hold it takes, recorded with it (S7).
        hold: Option<Box<Hold>>,
        /// One line for the timeline.
        note: String,
    },
    /// Nothing to do but to look again.
    Wait {
        /// What is waited for.
        note: String,
        /// When to look again.
        again: Span,
    },
    /// A human must decide; the step looks again when answered.
    Ask(Box<Question>),
    /// Somebody else's claim was found in the world: this run is not ours to go on with.
    Fenced(Claim),
    /// The world is neither as before nor as after: nothing is changed, a human is asked.
    Disagrees(String),
}

impl Judgement {
    /// Done, with nothing more to know.
    #[must_use]
    pub fn done(note: impl Into<String>) -> Self {
        Self::Done { outputs: Outputs::new(), note: note.into() }
    }

    /// Done, with one output.
    #[must_use]
    pub fn done_with(name: &str, value: impl ToString, note: impl Into<String>) -> Self {
        let outputs = Outputs::from([(Arc::from(name), Arc::from(value.to_string()))]);
        Self::Done { outputs, note: note.into() }
    }

    /// Look again after `again`.
    #[must_use]
    pub fn wait(again: Span, note: impl Into<String>) -> Self {
        Self::Wait { note: note.into(), again }
    }

    /// Send this call, which takes no hold.
    #[must_use]
    pub fn act(op: Op, note: impl Into<String>) -> Self {
        Self::Act { op, hold: None, note: note.into() }
    }

    /// Send this call, which takes a hold.
    #[must_use]
    pub fn act_holding(op: Op, hold: Hold, note: impl Into<String>) -> Self {
        Self::Act { op, hold: Some(Box::new(hold)), note: note.into() }
    }
}

/// Something only a human may decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// What kind of answer is wanted.
    pub kind: QuestionKind,
    /// Why it is asked: the evidence.
    pub why: String,
    /// Data that a yes may lose, in milliseconds of replication; `None` when none can be.
    pub loss_ms: Option<u64>,
    /// What happens if nobody answers.
    pub otherwise: String,
}

impl Question {
    /// The loss that is asked about; `None` when none is, or when nobody knows how much.
    #[must_use]
    pub fn loss(&self) -> Option<Span> {
        self.loss_ms.filter(|ms| *ms != u64::MAX).map(Span::millis)
    }

    /// The command that says yes, and to what: a yes that was meant for another question must not
    /// answer a dangerous one. The loss is in whole seconds, rounded up.
    #[must_use]
    pub fn command(&self, group: &GroupName, run: &RunId) -> String {
        let loss = match (self.kind, self.loss()) {
            (QuestionKind::AcceptLoss, Some(loss)) => {
                format!(" --accept-loss {}s", loss.as_millis().div_ceil(1_000))
            }
            (QuestionKind::AcceptLoss, None) => " --accept-loss DURATION".into(),
            (QuestionKind::UnconfirmedFence, _) => " --accept-unfenced".into(),
            (QuestionKind::Overdue, _) => " --keep-trying".into(),
            (QuestionKind::Approve, _) => String::new(),
        };
        format!("bowline approve {group} --run {run}{loss}")
    }
}

/// What kind of answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum QuestionKind {
    /// Whether to go on at all.
    Approve,
    /// Whether to go on although data may be lost; the answer names how much.
    AcceptLoss,
    /// Whether to go on although the old writer could not be stopped.
    UnconfirmedFence,
    /// A step took too long behind the point of no return: keep trying, or look into it.
    Overdue,
}

/// What a finished step means for the group, beyond the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mark {
    /// Traffic was moved to this site.
    Active(Site),
    /// This site's member is the confirmed writer.
    Writer(Site),
    /// This site's old writer is confirmed stopped.
    Fenced(Site),
    /// This site's member was rebuilt as a replica; its resource id is the step's output
    /// `resource`.
    Rebuilt(Site),
    /// An instance was renamed and stays for its owner to delete.
    Renamed {
        /// At which site.
        site: Site,
        /// Its present identifier.
        instance: InstanceId,
        /// Its resource id.
        resource: ResourceId,
    },
    /// A hold was released.
    Released(HoldId),
    /// The group is as a failover needs it.
    Armed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yes(kind: QuestionKind, loss_ms: Option<u64>) -> String {
        let question = Question { kind, why: String::new(), loss_ms, otherwise: String::new() };
        question.command(&"shop".into(), &"shop-1-failover".into())
    }

    #[test]
    fn the_loss_to_accept_is_rounded_up_and_an_unknown_one_is_left_to_the_human() {
        let approve = "bowline approve shop --run shop-1-failover";
        assert_eq!(
            yes(QuestionKind::AcceptLoss, Some(1_001)),
            format!("{approve} --accept-loss 2s")
        );
        for unknown in [Some(u64::MAX), None] {
            let told = yes(QuestionKind::AcceptLoss, unknown);
            assert_eq!(told, format!("{approve} --accept-loss DURATION"));
        }
        assert_eq!(yes(QuestionKind::Approve, Some(5)), approve);
        assert_eq!(yes(QuestionKind::Overdue, None), format!("{approve} --keep-trying"));
    }
}
