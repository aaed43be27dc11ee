//! The stored peacetime facts of a group: read by all, written by the leader while home is healthy.

use std::sync::Arc;

use crate::model::{GroupName, Mono, Now, Span, Version};
use crate::op::{Answer, FactsView, Fault, StoreOp};
use crate::plan::Facts;

/// How often stored facts are read.
const READ: Span = Span::secs(60);

/// How old unchanged facts may get before they are written again, to show that home was healthy.
const REFRESH: Span = Span::mins(10);

/// How long a write that did not succeed rests.
const RETRY: Span = Span::secs(10);

/// A group's stored facts as one replica knows them.
#[derive(Debug, Default)]
pub(super) struct StoredFacts {
    facts: Option<Facts>,
    version: Option<Version>,
    due: Mono,
    in_flight: bool,
    /// Nothing is written before this: the last write did not succeed.
    write_due: Mono,
    writing: Option<Facts>,
}

impl StoredFacts {
    /// The facts.
    pub(super) fn get(&self) -> Option<&Facts> {
        self.facts.as_ref()
    }

    /// The read that is due.
    pub(super) fn read(&mut self, group: &GroupName, now: Mono) -> Option<StoreOp> {
        if self.in_flight || self.due > now {
            return None;
        }
        (self.in_flight, self.due) = (true, now + READ);
        Some(StoreOp::Facts { group: group.clone() })
    }

    /// Takes what was read.
    pub(super) fn have_read(&mut self, result: Result<Answer, Fault>) {
        self.in_flight = false;
        let Ok(Answer::Facts(Some(FactsView { version, bytes }))) = result else { return };
        if let Ok(facts) = serde_json::from_str(&bytes) {
            (self.facts, self.version) = (Some(facts), Some(version));
        }
    }

    /// The write that brings the stored facts up to date, if they are not.
    pub(super) fn write(&mut self, group: &GroupName, facts: Facts, now: Now) -> Option<StoreOp> {
        let same = |old: &Facts| Facts { at: facts.at, ..old.clone() } == facts;
        let fresh = |old: &Facts| now.wall.since(old.at) < REFRESH;
        if self.in_flight || self.write_due > now.mono {
            return None;
        }
        if self.facts.as_ref().is_some_and(|old| same(old) && fresh(old)) {
            return None;
        }
        let bytes: Arc<str> = serde_json::to_string(&facts).ok()?.into();
        (self.in_flight, self.write_due) = (true, now.mono + RETRY);
        self.writing = Some(facts);
        Some(StoreOp::PutFacts { group: group.clone(), version: self.version.clone(), bytes })
    }

    /// Takes what became of a write; after anything but a yes the facts are read again.
    pub(super) fn written(&mut self, result: Result<Answer, Fault>) {
        self.in_flight = false;
        match (result, self.writing.take()) {
            (Ok(Answer::Written(version)), Some(facts)) => {
                (self.facts, self.version) = (Some(facts), Some(version));
                self.write_due = Mono(0);
            }
            _ => self.due = Mono(0),
        }
    }

    /// When the next read is due.
    pub(super) fn wake_at(&self) -> Option<Mono> {
        (!self.in_flight).then_some(self.due)
    }
}
