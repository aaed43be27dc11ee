//! The stored peacetime facts of a group: read by all, written by the leader while home is healthy.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{GroupName, Mono, Now, Span, Version};
use crate::op::{Answer, FactsView, Fault, StoreOp};
use crate::plan::Facts;

/// How often stored facts are read.
const READ: Span = Span::secs(60);

/// How old unchanged facts may get before they are written again, to show that home was healthy.
const REFRESH: Span = Span::mins(10);

/// How long home must have served with fewer replicas before they count: those that are left when
/// an outage begins are not what peace takes.
const SETTLES: Span = Span::mins(5);

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
    /// Since when a count is below the stored one.
    fallen: BTreeMap<Arc<str>, Mono>,
    /// The revision of what is known that was last compared with the facts.
    compared: Option<u64>,
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

    /// Takes what was read; whether it is anything new.
    pub(super) fn have_read(&mut self, result: Result<Answer, Fault>) -> bool {
        self.in_flight = false;
        let Ok(Answer::Facts(Some(FactsView { version, bytes }))) = result else { return false };
        if self.version.as_ref() == Some(&version) {
            return false;
        }
        let Ok(facts) = serde_json::from_str(&bytes) else { return false };
        (self.facts, self.version, self.compared) = (Some(facts), Some(version), None);
        true
    }

    /// Whether there may be something to write, now that what is known has this revision.
    pub(super) fn wants(&self, revision: u64, now: Now) -> bool {
        let may = !self.in_flight && self.write_due <= now.mono;
        let old = self.facts.as_ref().is_some_and(|facts| !fresh(facts, now));
        may && (old || self.compared != Some(revision))
    }

    /// The write that brings the stored facts up to date with those that are known at a revision,
    /// if they are not; `None` as facts: some are not known.
    pub(super) fn write(
        &mut self,
        group: &GroupName,
        (revision, facts): (u64, Option<Facts>),
        (now, served): (Now, Span),
    ) -> Option<StoreOp> {
        self.compared = Some(revision);
        let facts = self.settled(facts?, now.mono, served);
        if self.facts.as_ref().is_some_and(|old| same(old, &facts) && fresh(old, now)) {
            return None;
        }
        let bytes: Arc<str> = serde_json::to_string(&facts).ok()?.into();
        (self.in_flight, self.write_due) = (true, now.mono + RETRY);
        self.writing = Some(facts);
        Some(StoreOp::PutFacts { group: group.clone(), version: self.version.clone(), bytes })
    }

    /// Facts in which a count that fell a short while ago is what it was, or while home did not yet
    /// serve for long.
    fn settled(&mut self, mut facts: Facts, now: Mono, served: Span) -> Facts {
        let before = self.facts.as_ref().map(|facts| &facts.replicas);
        let before = |name: &Arc<str>| before.and_then(|counts| counts.get(name).copied());
        let lower = |name: &Arc<str>, count: u32| before(name).filter(|before| count < *before);
        let counts = &mut facts.replicas;
        self.fallen.retain(|name, _| counts.get(name).is_some_and(|n| lower(name, *n).is_some()));
        for (name, count) in counts {
            let Some(before) = lower(name, *count) else { continue };
            let since = *self.fallen.entry(Arc::clone(name)).or_insert(now);
            if now.since(since).min(served) < SETTLES {
                *count = before;
            }
        }
        facts
    }

    /// Takes what became of a write; after anything but a yes the facts are read again.
    pub(super) fn written(&mut self, result: Result<Answer, Fault>) {
        (self.in_flight, self.compared) = (false, None);
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

/// Whether facts are the same, whenever they were seen.
fn same(old: &Facts, new: &Facts) -> bool {
    let Facts { at: _, replicas, load_balancers, members, zones } = old;
    *replicas == new.replicas
        && *load_balancers == new.load_balancers
        && *members == new.members
        && *zones == new.zones
}

/// Whether stored facts are young enough to show that home was healthy.
fn fresh(facts: &Facts, now: Now) -> bool {
    now.wall.since(facts.at) < REFRESH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Wall;

    fn at(secs: u64) -> Now {
        Now { mono: Mono(secs * 1_000), wall: Wall(secs as i64 * 1_000) }
    }

    fn seen(secs: u64, replicas: u32) -> Option<Facts> {
        let replicas = [("web".into(), replicas)].into();
        Some(Facts { at: at(secs).wall, replicas, ..Facts::default() })
    }

    /// Compares and, if need be, writes, with a store that says yes. Whether something was written.
    fn keep(stored: &mut StoredFacts, revision: u64, secs: u64, replicas: u32) -> bool {
        let wanted = stored.wants(revision, at(secs));
        let facts = seen(secs, replicas).filter(|_| wanted);
        let op = stored.write(&"shop".into(), (revision, facts), (at(secs), Span::mins(60)));
        if op.is_some() {
            assert!(!stored.wants(revision, at(secs)), "one write at a time");
            stored.written(Ok(Answer::Written("1".into())));
        }
        op.is_some()
    }

    #[test]
    fn facts_are_written_when_they_change_and_again_when_they_grow_old() {
        let mut stored = StoredFacts::default();
        assert!(keep(&mut stored, 1, 0, 12));
        assert!(!keep(&mut stored, 1, 1, 12), "the same facts");
        assert!(!stored.wants(1, at(2)), "nothing new is known: nothing is compared");
        assert!(!keep(&mut stored, 2, 3, 12), "looked at anew, and the same");
        assert!(keep(&mut stored, 3, 4, 13));
        assert!(!keep(&mut stored, 3, 4 + 599, 13));
        assert!(keep(&mut stored, 3, 4 + 600, 13), "old: written again, although nothing changed");
    }

    #[test]
    fn s2_a_count_that_falls_as_an_outage_begins_is_no_peacetime_count() {
        let group = GroupName::new("shop");
        let mut stored = StoredFacts::default();
        assert!(keep(&mut stored, 1, 0, 12));
        let mut kept = |secs: u64, replicas: u32, served: u64| {
            let served = Span::secs(served);
            let op = stored.write(&group, (secs, seen(secs, replicas)), (at(secs), served));
            if op.is_some() {
                stored.written(Ok(Answer::Written("1".into())));
            }
            stored.get().unwrap().replicas["web"]
        };
        assert_eq!(kept(1_000, 1, 600), 12);
        assert_eq!(kept(1_200, 14, 800), 14, "more is taken at once");
        assert_eq!(kept(1_201, 6, 801), 14);
        assert_eq!(kept(1_500, 6, 299), 14, "an outage lies in between");
        assert_eq!(kept(1_501, 6, 300), 6, "that is what peace takes now");
        assert_eq!(kept(1_900, 6, 700), 6);
        assert_eq!(kept(2_300, 2, 1_100), 6, "it has been six for long, and two for a moment");
    }

    #[test]
    fn a_refused_write_rests_and_is_compared_anew() {
        let mut stored = StoredFacts::default();
        assert!(stored.wants(1, at(0)));
        assert!(stored.write(&"shop".into(), (1, seen(0, 12)), (at(0), Span::ZERO)).is_some());
        stored.written(Err(Fault::Conflict("another version".into())));
        assert!(!stored.wants(1, at(9)));
        assert!(stored.wants(1, at(10)));
    }

    #[test]
    fn facts_are_read_every_minute_one_read_at_a_time_and_after_a_write_that_failed() {
        let (mut stored, group) = (StoredFacts::default(), GroupName::new("shop"));
        assert_eq!(stored.wake_at(), Some(Mono(0)));
        assert!(stored.read(&group, at(1).mono).is_some());
        assert_eq!((stored.read(&group, at(100).mono), stored.wake_at()), (None, None));
        assert!(!stored.have_read(Err(Fault::Transient("503".into()))));
        assert_eq!((stored.get(), stored.wake_at()), (None, Some(at(61).mono)));
        assert_eq!(stored.read(&group, at(60).mono), None);
        assert!(stored.read(&group, at(61).mono).is_some());
        let facts = seen(5, 12).unwrap();
        let bytes = serde_json::to_string(&facts).unwrap().into();
        let view = FactsView { version: "7".into(), bytes };
        assert!(stored.have_read(Ok(Answer::Facts(Some(view.clone())))));
        assert!(!stored.have_read(Ok(Answer::Facts(Some(view)))), "the same version");
        assert_eq!(stored.get(), Some(&facts));
        let write = stored.write(&group, (1, seen(70, 13)), (at(70), Span::ZERO));
        let Some(StoreOp::PutFacts { version, .. }) = write else { panic!("{write:?}") };
        assert_eq!(version, Some("7".into()), "over what was read");
        stored.written(Err(Fault::Conflict("8".into())));
        assert!(stored.read(&group, at(71).mono).is_some(), "somebody else wrote: read at once");
    }
}
