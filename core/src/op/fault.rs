//! What can go wrong with a call, as the node must understand it.

use serde::{Deserialize, Serialize};

use crate::model::{Claim, Span};

/// Why a call gave no answer. The texts are what the service said, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// It certainly did nothing and may work later: connection refused, 5xx on a read, DNS failure.
    #[error("not available: {0}")]
    Transient(String),
    /// Refused for its rate; nothing happened.
    #[error("throttled")]
    Throttled {
        /// When to come back, if that is known: the call was over our own share of the quota
        /// ([`super::Budgets`]), so that nobody was asked, or the service said so.
        after: Option<Span>,
    },
    /// The object is not as the call presumed: resourceVersion, exact DELETE, a taken record name.
    #[error("changed meanwhile: {0}")]
    Conflict(String),
    /// Somebody else's claim stands.
    #[error("fenced by {0}")]
    Fenced(Claim),
    /// There is no such thing.
    #[error("not found: {0}")]
    NotFound(String),
    /// The credentials do not allow it.
    #[error("denied: {0}")]
    Denied(String),
    /// The service will never accept it, or not in the object's present state.
    #[error("refused: {0}")]
    Invalid(String),
    /// It may have happened: a time-out, or a connection lost after the request was sent.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

impl Fault {
    /// Whether asking again later, unchanged, may help.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Transient(_) | Self::Throttled { .. } | Self::Unknown(_))
    }

    /// How long until the call's turn comes, if it was over a quota and that is known.
    #[must_use]
    pub fn turn(&self) -> Option<Span> {
        match self {
            Self::Throttled { after } => *after,
            _ => None,
        }
    }

    /// Whether a change certainly was not made, and may be asked for again at once.
    #[must_use]
    pub fn did_nothing(&self) -> bool {
        matches!(self, Self::Transient(_) | Self::Throttled { .. } | Self::Denied(_))
    }
}
