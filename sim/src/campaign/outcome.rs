//! What came of a trial.

use bowline_core::model::Span;
use serde::Serialize;

use crate::oracle::Verdict;

/// The name under which a panic is a broken promise.
pub const PANIC: &str = "panic";

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Broken promises, each with when and how.
    pub broken: Vec<(String, String)>,
    /// One number for everything that happened, chains and messages: two trials with the same
    /// number had the same log.
    pub digest: u64,
    /// Moves away from home and home again that were completed.
    pub round_trips: u32,
    /// Runs that moved the traffic, of all kinds.
    pub moves: u32,
    /// How long it took on the virtual clock.
    pub lasted: Span,
    /// How many things happened.
    pub events: u64,
}

impl Outcome {
    /// Whether every promise held.
    #[must_use]
    pub fn good(&self) -> bool {
        self.broken.is_empty()
    }

    /// The first broken promise, by name.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.broken.first().map(|(promise, _)| promise.as_str())
    }

    /// Whether this promise was broken.
    #[must_use]
    pub fn broke(&self, promise: &str) -> bool {
        self.broken.iter().any(|(broken, _)| broken == promise)
    }
}

/// The broken ones of some verdicts.
pub(crate) fn broken(verdicts: crate::oracle::Verdicts) -> Vec<(String, String)> {
    let broken = |(promise, verdict): (&'static str, Verdict)| match verdict {
        Verdict::Held => None,
        Verdict::Broken(why) => Some((promise.to_owned(), why)),
    };
    verdicts.into_iter().filter_map(broken).collect()
}
