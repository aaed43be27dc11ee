//! The journal's records, and the entries that chain them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::intent::{Intent, Refusal, Stands};
use super::state::Ended;
use crate::model::{Author, Claim, ReplicaId, Site, StepId, Wall};
use crate::op::Op;
use crate::plan::{Facts, Plan, PlanKind};
use crate::step::{Hold, Outputs, Question};

/// One create-only object of a group's chain: records that are accepted together or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its place in the chain, and its name.
    pub seq: u64,
    /// SHA-256 of the bytes of the entry before, in hex; empty for the first.
    pub prev: Arc<str>,
    /// When it was written, by its author's wall clock.
    pub at: Wall,
    /// Who wrote it.
    pub by: Author,
    /// Under which claim; none before the group's first.
    pub claim: Option<Claim>,
    /// What it says.
    pub records: Vec<Record>,
}

/// Why bytes are not the next entry of a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// The bytes are not an entry.
    #[error("entry {seq} cannot be read: {why}")]
    Unreadable {
        /// Its place.
        seq: u64,
        /// What the parser said.
        why: String,
    },
    /// An entry is missing, or one is there twice.
    #[error("entry {found} where {expected} was expected")]
    OutOfOrder {
        /// The next in the chain.
        expected: u64,
        /// What was found.
        found: u64,
    },
    /// An earlier entry was changed after this one was written.
    #[error("entry {seq} does not continue the chain: an earlier entry was changed")]
    BrokenChain {
        /// Its place.
        seq: u64,
    },
    /// It was written under a claim that did not stand.
    #[error("entry {seq} was written under {found}, but {standing} stood")]
    StaleClaim {
        /// Its place.
        seq: u64,
        /// The claim it was written under.
        found: Claim,
        /// The claim that stood.
        standing: Claim,
    },
    /// Its bytes are not those that were written.
    #[error("entry {seq} was changed after it was written: its seal does not fit its bytes")]
    Changed {
        /// Its place.
        seq: u64,
    },
    /// A journal that is to be imported holds an import itself.
    #[error("entry {seq} of the imported journal is an import itself")]
    Nested {
        /// Its place.
        seq: u64,
    },
}

impl Entry {
    /// The bytes that are stored and hashed.
    #[must_use]
    pub fn bytes(&self) -> Arc<str> {
        // An entry is made of strings, numbers and string-keyed maps, which always have a JSON
        // form.
        let mut bytes = serde_json::to_string(self).unwrap_or_default();
        bytes.truncate(bytes.len().saturating_sub(1));
        let seal = digest(&bytes);
        format!("{bytes}{SEAL}{seal}{END}").into()
    }

    /// Reads an entry's bytes.
    ///
    /// # Errors
    /// [`BadEntry::Unreadable`], or [`BadEntry::Changed`] if its seal does not fit: nothing that
    /// follows names the last entry of a chain, so it must vouch for itself.
    pub fn parse(seq: u64, bytes: &str) -> Result<Self, BadEntry> {
        let unreadable = |e: serde_json::Error| BadEntry::Unreadable { seq, why: e.to_string() };
        let entry = serde_json::from_str(bytes).map_err(unreadable)?;
        let sealed = bytes.strip_suffix(END).and_then(|bytes| bytes.rsplit_once(SEAL));
        match sealed {
            Some((told, seal)) if *digest(told) == *seal => Ok(entry),
            _ => Err(BadEntry::Changed { seq }),
        }
    }

    /// What the next entry names as `prev`.
    #[must_use]
    pub fn hash(bytes: &str) -> Arc<str> {
        digest(bytes).into()
    }
}

/// What comes before an entry's seal: the SHA-256, in hex, of all bytes before this.
const SEAL: &str = ",\"seal\":\"";

/// What comes behind it.
const END: &str = "\"}";

fn digest(bytes: &str) -> String {
    hex::encode(Sha256::digest(bytes.as_bytes()))
}

/// Who started a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Trigger {
    /// The controller, by policy.
    Automatic,
    /// A human.
    Human {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

/// One thing that happened. Steps are those of the run of the entry's claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Record {
    /// A replica claims the group: older claimants are harmless from here on.
    Claimed {
        /// The new claim.
        claim: Claim,
        /// The replica that may act under it.
        by: ReplicaId,
    },
    /// An intent was looked at. Each uid once.
    IntentTaken {
        /// The object's uid.
        uid: Arc<str>,
        /// Who wanted it.
        by: String,
        /// What was wanted; absent when it could not be read.
        intent: Option<Intent>,
        /// Why it was not followed, if it was not.
        refused: Option<Refusal>,
    },
    /// A run begins.
    Opened {
        /// What for.
        kind: PlanKind,
        /// The site that loses traffic.
        from: Site,
        /// Who started it.
        trigger: Trigger,
        /// When the active site's health was first bad, for a failover.
        fault_at: Option<Wall>,
        /// The evidence, in words.
        evidence: Vec<String>,
    },
    /// The run gets steps.
    Planned {
        /// The steps.
        plan: Box<Plan>,
        /// Whether this is the move itself (else it only prepares or undoes).
        moves: bool,
    },
    /// A step is about to make a call that changes something.
    Started {
        /// Which step.
        step: StepId,
        /// Its how-manieth call.
        attempt: u32,
        /// The call.
        op: Box<Op>,
        /// The hold that it takes.
        hold: Option<Box<Hold>>,
    },
    /// A step's end.
    Done {
        /// Which step.
        step: StepId,
        /// What became known.
        outputs: Outputs,
        /// One line.
        note: String,
        /// Whether it ended by its deadline, its effect not confirmed.
        unknown: bool,
    },
    /// The call of a step that cannot be undone was recorded, and not sent: its record was accepted
    /// too late, or when its writer did not lead. Only that writer knows, and says so while the
    /// claim is its own: the step has not begun.
    Withheld {
        /// Which step.
        step: StepId,
    },
    /// A human is asked.
    Asked {
        /// By which step.
        step: StepId,
        /// What.
        question: Question,
    },
    /// A human answered yes.
    Answered {
        /// Which step.
        step: StepId,
        /// Who.
        by: String,
        /// How much replication time may be lost, in milliseconds.
        accept_loss_ms: Option<u64>,
    },
    /// The run goes back: the steps that are not done are abandoned, and a plan that undoes
    /// follows.
    Unwinding {
        /// Why.
        why: String,
    },
    /// The run is over, but for its standing steps.
    Closed {
        /// How it ended.
        ended: Ended,
    },
    /// Automatic action is held.
    Paused {
        /// Why.
        reason: String,
    },
    /// Automatic action goes on.
    Resumed,
    /// The group is as a failover needs it.
    Armed,
    /// A journal that another process kept beside this one (break-glass) becomes part of it: its
    /// records count from here on as if they had been written here.
    Imported {
        /// The last entry that both chains have, or that was imported before; 0 for none.
        after: u64,
        /// The entry here that imported what the foreign chain has up to `after`, if one did: that
        /// chain has grown since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        continues: Option<u64>,
        /// Hash of the foreign chain's last entry.
        hash: Arc<str>,
        /// The exact bytes of its entries behind `after`, oldest first.
        entries: Vec<Arc<str>>,
        /// The peacetime facts that lay beside it: they count where the store has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        facts: Option<Box<Facts>>,
        /// Whose state stands by the word of whoever imports it; absent where the journals say so
        /// by themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stands: Option<Stands>,
    },
}
