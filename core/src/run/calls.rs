//! What one replica knows of the calls that were recorded: which were sent from here, which
//! certainly were not, and which were answered. A crash forgets it, and nobody else ever knew.

use std::collections::{BTreeMap, BTreeSet};

use super::ledger::Ledger;
use crate::bugs::{self, Bug};
use crate::model::{Epoch, StepId};
use crate::step::HoldId;

/// A step, under a claim.
type Under = (Epoch, StepId);

/// What became of the calls of one run's steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    /// How many calls that took a hold were answered for sure, by hold.
    answered: BTreeMap<HoldId, u32>,
    /// Steps whose call was recorded for the first time, and not sent: too late, or by who did not
    /// lead any more. Under another claim somebody else may have.
    unsent: BTreeSet<Under>,
    /// Steps of which a call was sent.
    sent: BTreeSet<StepId>,
}

impl Calls {
    /// A call was recorded, for the `first` time or once more.
    pub(super) fn recorded(&mut self, under: &Under, first: bool) {
        if first && !bugs::on(Bug::RecordedIsSent) {
            self.unsent.insert(under.clone());
        }
    }

    /// It is sent.
    pub(super) fn send(&mut self, under: Under) {
        self.unsent.remove(&under);
        self.sent.insert(under.1);
    }

    /// One that took a hold was answered, and it is known what it did.
    pub(super) fn answer(&mut self, hold: HoldId) {
        *self.answered.entry(hold).or_default() += 1;
    }

    /// Whether no call of this step was sent under this claim, though one was recorded.
    pub(super) fn is_unsent(&self, epoch: Epoch, step: &StepId) -> bool {
        self.unsent.contains(&(epoch, step.clone()))
    }

    /// Whether a call of this step was sent from here.
    pub(super) fn has_sent(&self, step: &StepId) -> bool {
        self.sent.contains(step)
    }

    /// Whether a call that takes this hold may still be on its way: it was sent before this replica
    /// led, or nobody knows what became of it.
    pub(super) fn may_come(&self, ledger: &Ledger, hold: &HoldId) -> bool {
        let of = |calls: &BTreeMap<HoldId, u32>| calls.get(hold).copied().unwrap_or_default();
        of(&self.answered) < of(&ledger.takings)
    }

    /// Another run begins under this claim.
    pub(super) fn begin(&mut self, epoch: Epoch) {
        self.unsent.retain(|(under, _)| *under == epoch);
        self.sent.clear();
    }

    /// What was not sent from here may have been sent by somebody else.
    pub(super) fn doubt(&mut self) {
        self.unsent.clear();
    }

    /// Its record was taken back.
    pub(super) fn take_back(&mut self, under: &Under) {
        self.unsent.remove(under);
    }

    /// What nobody holds any more was answered for good.
    pub(super) fn settle(&mut self, ledger: &Ledger) {
        self.answered.retain(|hold, _| ledger.holds.contains_key(hold));
    }

    /// Who leads anew has heard no answer.
    pub(super) fn forget_answers(&mut self) {
        self.answered.clear();
    }

    /// What makes a difference to a desk. What was sent makes one to whoever decides.
    pub(super) fn gist(&self) -> String {
        format!("{:?} {:?} ", self.answered, self.unsent)
    }
}
