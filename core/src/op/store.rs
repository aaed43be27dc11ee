//! Calls to the management cluster, or to what stands for it: records, intents, facts, lease,
//! people.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Author, GroupName, ReplicaId, RunId, Span, Version, Wall};

/// Calls to the durable store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StoreOp {
    /// The entries of a group's chain with a sequence number above `after`. →
    /// [`super::Answer::Entries`]
    Read {
        /// Whose chain.
        group: GroupName,
        /// The last sequence number already known; 0 for none.
        after: u64,
    },
    /// Creates the entry `group`+`seq`, and nothing if that name exists
    /// ([`super::Fault::Conflict`]). → [`super::Answer::Ok`]
    Append {
        /// Whose chain.
        group: GroupName,
        /// The name it takes in the chain; the first is 1.
        seq: u64,
        /// The entry's exact bytes (JSON).
        bytes: Arc<str>,
    },
    /// All intents of all groups. → [`super::Answer::Intents`]
    Intents,
    /// The group's peacetime facts. → [`super::Answer::Facts`]
    Facts {
        /// Whose.
        group: GroupName,
    },
    /// Writes the group's peacetime facts over the version given. → [`super::Answer::Written`]
    PutFacts {
        /// Whose.
        group: GroupName,
        /// The version they were read at; `None` to create them.
        version: Option<Version>,
        /// Their exact bytes (JSON).
        bytes: Arc<str>,
    },
}

impl StoreOp {
    /// Whether it may change the store.
    #[must_use]
    pub fn mutates(&self) -> bool {
        matches!(self, Self::Append { .. } | Self::PutFacts { .. })
    }
}

/// One stored entry of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its sequence number.
    pub seq: u64,
    /// Its exact bytes.
    pub bytes: Arc<str>,
}

/// A group's stored peacetime facts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactsView {
    /// Their version in the store.
    pub version: Version,
    /// Their exact bytes.
    pub bytes: Arc<str>,
}

/// A create-only object that holds what a human (or a schedule) wants. Admission keeps `by` true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentObject {
    /// The object's uid. Each uid is claimed at most once.
    pub uid: Arc<str>,
    /// For which group.
    pub group: GroupName,
    /// Who wants it.
    pub by: String,
    /// When it was created, by the store's clock.
    pub at: Wall,
    /// What is wanted: JSON of `run::Intent`.
    pub bytes: Arc<str>,
}

/// Calls for the leader lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LeaseOp {
    /// → [`super::Answer::Lease`]
    Read,
    /// Creates (`version: None`) or replaces the lease over the version given.
    /// → [`super::Answer::Written`], or [`super::Fault::Conflict`]
    Write {
        /// The version that was read; `None` to create it.
        version: Option<Version>,
        /// What it shall say.
        lease: LeaseSpec,
    },
}

/// What a lease says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseSpec {
    /// Who holds it; `None`: released.
    pub holder: Option<ReplicaId>,
    /// How long after its last change others must wait.
    pub duration: Span,
    /// How often it changed hands.
    pub transitions: u64,
    /// When it was last renewed, for people to read; no decision uses it.
    pub renewed: Wall,
}

/// The lease as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseView {
    /// Its version.
    pub version: Version,
    /// What it says.
    pub lease: LeaseSpec,
}

/// Something people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The group.
    pub group: GroupName,
    /// The run, if there is one.
    pub run: Option<RunId>,
    /// Which of the policy's `notify` entries is told.
    pub target: usize,
    /// `runStarted`, `ask`, `runEnded`, `alert`.
    pub kind: Arc<str>,
    /// One line.
    pub title: String,
    /// Evidence, what is lost, what happens if nobody answers, and the exact command.
    pub body: String,
    /// Who says it.
    pub by: Author,
}
