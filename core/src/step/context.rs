//! What a procedure may know beside what it sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::hold::{Hold, HoldId};
use crate::model::{Claim, GroupName, Now, StepId, Wall};
use crate::op::Op;

/// Values that became known while a run went on, by name.
pub type Outputs = BTreeMap<Arc<str>, Arc<str>>;

/// The last call that a step recorded as `Started`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// When it was recorded, by the wall clock of the replica that did.
    pub at: Wall,
    /// What it was about to call.
    pub op: Op,
}

/// The frame in which a procedure looks and judges.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The group.
    pub group: &'a GroupName,
    /// The claim under which it acts.
    pub claim: &'a Claim,
    /// What time it is.
    pub now: Now,
    /// When the step was planned, by the wall clock of the replica that did: nothing that the plan
    /// undoes was sent later.
    pub planned_at: Wall,
    /// The step's last recorded call, by whichever replica; its outcome may be unknown.
    pub acted: Option<&'a Acted>,
    /// Outputs of the run's finished steps.
    pub outputs: &'a BTreeMap<StepId, Outputs>,
    /// The group's open holds.
    pub holds: &'a BTreeMap<HoldId, Hold>,
}

impl<'a> Context<'a> {
    /// An output of an earlier step.
    #[must_use]
    pub fn output(&self, step: &StepId, name: &str) -> Option<&'a str> {
        self.outputs.get(step).and_then(|outputs| outputs.get(name)).map(|value| &**value)
    }
}
