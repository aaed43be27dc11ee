//! Taking over the journal of a process that acted beside this store (break-glass).
//!
//! Such a process began with a copy of this chain, or with an empty one, and wrote its own entries.
//! What both chains have in common is skipped; the rest becomes one record of ours, and its records
//! are replayed on our ledger. From then on its claims, run, holds and obligations are ours.
//!
//! Its last claim may be below ours: a replica took our run over and did not see it, or two claims
//! had one epoch and that one yielded. Whoever went past it has looked at the world since, so claim
//! and run stay ours; what that process still holds becomes ours, for no other journal names it.

use std::sync::Arc;

use super::intent::Refusal;
use super::ledger::{Ledger, Leftover};
use super::record::{BadEntry, Entry, Record};
use super::state::{Ended, Phase, Run};
use crate::model::{Claim, GroupName, RunId, Site};
use crate::plan::PlanKind;

/// The most bytes of entries that one import may hold. They are escaped twice on their way into an
/// object of the API server's, whose limit is 1.5 MiB.
const LIMIT: usize = 512 << 10;

impl Ledger {
    /// The record that makes a foreign journal of `group` part of this one.
    ///
    /// # Errors
    /// A [`Refusal`] that says what is wrong with it, or what must be done before.
    pub fn import(&self, group: &GroupName, sent: &[Arc<str>]) -> Result<Record, Refusal> {
        if sent.iter().any(|bytes| self.imported.contains(&Entry::hash(bytes))) {
            return Err(Refusal::BadImport("it was imported before".into()));
        }
        let (after, entries) = self.unknown(sent)?;
        let parsed = checked(after, &self.hash_at(after), entries).map_err(bad)?;
        claims(group, &parsed)?;
        match self.went_past(&parsed) {
            true => self.agrees(&parsed)?,
            false => self.continues(&parsed)?,
        }
        let size: usize = entries.iter().map(|bytes| bytes.len()).sum();
        if size > LIMIT {
            let words = format!("its new entries are {size} bytes, and {LIMIT} are the most");
            return Err(Refusal::BadImport(words));
        }
        let hash = entries.last().map(|bytes| Entry::hash(bytes)).unwrap_or_default();
        Ok(Record::Imported { after, hash, entries: entries.to_vec() })
    }

    /// The last entry that both chains have, and what comes behind it in the foreign one.
    fn unknown<'a>(&self, sent: &'a [Arc<str>]) -> Result<(u64, &'a [Arc<str>]), Refusal> {
        let nothing = || Refusal::BadImport("it has nothing that is not here already".into());
        let first = sent.first().ok_or_else(nothing)?;
        let first = Entry::parse(1, first).map_err(bad)?.seq;
        let known = |(seq, bytes): &(u64, &Arc<str>)| {
            *seq <= self.head && self.hash_at(*seq) == Entry::hash(bytes)
        };
        let common = (first..).zip(sent).take_while(known).count();
        let after = first.saturating_sub(1) + common as u64;
        if after > self.head {
            let words = format!("it begins with entry {first}, and {} is our last", self.head);
            return Err(Refusal::BadImport(format!("{words}; send all of it")));
        }
        match &sent[common..] {
            [] => Err(nothing()),
            rest => Ok((after, rest)),
        }
    }

    /// Whether the last claim of these entries is below the one that stands here.
    fn went_past(&self, entries: &[Entry]) -> bool {
        let ours = self.claim.as_ref();
        last_claim(entries).zip(ours).is_some_and(|(last, ours)| last.yields_to(ours))
    }

    /// Replays a foreign chain's entries on this ledger.
    pub(super) fn fold(&mut self, foreign: &[Entry]) {
        match self.went_past(foreign) {
            true => self.keep(foreign),
            false => self.replay_all(foreign),
        }
    }

    /// Takes what a process has left whose claim does not stand any more.
    fn keep(&mut self, foreign: &[Entry]) {
        let mut theirs = self.clone();
        theirs.replay_all(foreign);
        if let Some(run) = theirs.run.filter(|run| self.run.as_ref().is_none_or(|o| o.id != run.id))
        {
            let ended = match run.phase {
                Phase::Closed(ended) => ended,
                _ => Ended::Unwound("it was overtaken by a newer claim".into()),
            };
            self.history.push((run.id, run.kind, ended));
        }
        self.taken.extend(theirs.taken);
        let known =
            |left: &Leftover| self.leftovers.iter().any(|own| own.resource == left.resource);
        let left: Vec<_> = theirs.leftovers.into_iter().filter(|left| !known(left)).collect();
        self.leftovers.extend(left);
        // Coming home released everything at standby, and made home's member anew.
        if self.active == Site::Home && self.moved_since(foreign) {
            return;
        }
        for (id, hold) in theirs.holds {
            if !self.holds.contains_key(&id) {
                self.hold(&hold);
            }
        }
    }

    /// Whether the traffic was moved from here after the last of these entries.
    fn moved_since(&self, foreign: &[Entry]) -> bool {
        let last = foreign.iter().map(|entry| entry.at).max();
        self.moved_at >= last && self.moved_at.is_some()
    }

    /// A journal that was overtaken must not tell of a move that nobody here knows of, nor come
    /// while another one runs.
    fn agrees(&self, foreign: &[Entry]) -> Result<(), Refusal> {
        let mut theirs = self.clone();
        theirs.replay_all(foreign);
        let open = self.open_run();
        let goes_on = |ours: &Run| {
            theirs.run.as_ref().is_none_or(|run| run.id == ours.id || same_move(ours, run))
        };
        if let Some(ours) = open.filter(|ours| !goes_on(ours)) {
            let remedy = match ours.committed {
                true => "wait until it is over, and send the journal again".to_owned(),
                false => cancel_first(&ours.id),
            };
            return Err(Refusal::NotContinued { run: ours.id.clone(), remedy });
        }
        let traffic = (theirs.moved_at != self.moved_at).then_some(theirs.active);
        let writer = theirs.writer.filter(|_| theirs.writer != self.writer);
        let known = |site: Site| {
            self.active == site
                || open.is_some_and(|run| run.to() == site)
                || self.moved_since(foreign)
        };
        match traffic.or(writer).filter(|site| !known(*site)) {
            None => Ok(()),
            Some(site) => Err(Refusal::BadImport(format!(
                "it moved the group to {site}, and a newer claim went on here while {} serves: \
                 ask those who ran the other move",
                self.active
            ))),
        }
    }

    /// A run of ours that is not over must be the one that went on there, or have meant the same
    /// move.
    fn continues(&self, entries: &[Entry]) -> Result<(), Refusal> {
        let Some(ours) = self.busy_run() else { return Ok(()) };
        let mut after = self.clone();
        after.fold(entries);
        let Some(theirs) = &after.run else { return Ok(()) };
        if theirs.id == ours.id || (same_move(ours, theirs) && after.active == ours.to()) {
            return Ok(());
        }
        let remedy = if ours.closed() {
            "its obligations would be forgotten: ask those who ran the other move".to_owned()
        } else if ours.committed {
            "it is past its point of no return: ask those who ran the other move".to_owned()
        } else {
            cancel_first(&ours.id)
        };
        Err(Refusal::NotContinued { run: ours.id.clone(), remedy })
    }
}

/// The entries behind `after`, whose hash is `prev`, if they are a chain.
///
/// # Errors
/// The first [`BadEntry`].
pub(super) fn checked(
    after: u64,
    prev: &str,
    entries: &[Arc<str>],
) -> Result<Vec<Entry>, BadEntry> {
    let (mut prev, mut standing): (Arc<str>, Option<Claim>) = (prev.into(), None);
    let mut parsed = Vec::with_capacity(entries.len());
    for (expected, bytes) in (after + 1..).zip(entries) {
        let entry = Entry::parse(expected, bytes)?;
        let seq = entry.seq;
        if seq != expected {
            return Err(BadEntry::OutOfOrder { expected, found: seq });
        }
        if entry.prev != prev {
            return Err(BadEntry::BrokenChain { seq });
        }
        if let (Some(standing), Some(found)) = (&standing, &entry.claim)
            && found.yields_to(standing)
        {
            let (found, standing) = (found.clone(), standing.clone());
            return Err(BadEntry::StaleClaim { seq, found, standing });
        }
        if entry.records.iter().any(|record| matches!(record, Record::Imported { .. })) {
            return Err(BadEntry::Nested { seq });
        }
        standing = entry.records.iter().filter_map(claimed).next_back().cloned().or(standing);
        prev = Entry::hash(bytes);
        parsed.push(entry);
    }
    Ok(parsed)
}

/// The claims must be this group's, and there must be one.
fn claims(group: &GroupName, entries: &[Entry]) -> Result<(), Refusal> {
    if let Some(other) = all_claims(entries).find(|claim| !belongs(&claim.run, group)) {
        let words = format!("run {} is not one of group {group}", other.run);
        return Err(Refusal::BadImport(words));
    }
    match last_claim(entries) {
        Some(_) => Ok(()),
        None => Err(Refusal::BadImport("nothing was claimed in it, so nothing done".into())),
    }
}

fn all_claims(entries: &[Entry]) -> impl DoubleEndedIterator<Item = &Claim> {
    entries.iter().flat_map(|entry| &entry.records).filter_map(claimed)
}

fn last_claim(entries: &[Entry]) -> Option<&Claim> {
    all_claims(entries).next_back()
}

fn cancel_first(run: &RunId) -> String {
    format!("cancel it first: `bowline cancel GROUP --run {run}`")
}

fn claimed(record: &Record) -> Option<&Claim> {
    match record {
        Record::Claimed { claim, .. } => Some(claim),
        _ => None,
    }
}

/// Whether a run is named as those of this group are: `GROUP-EPOCH-KIND`.
fn belongs(run: &RunId, group: &GroupName) -> bool {
    let rest = run.as_str().strip_prefix(group.as_str()).and_then(|rest| rest.strip_prefix('-'));
    let epoch = rest.and_then(|rest| rest.split_once('-')).map(|(epoch, _)| epoch);
    epoch.is_some_and(|epoch| epoch.parse::<u64>().is_ok())
}

/// Two failovers away from the same site end alike: whoever went on found what the other had done.
fn same_move(ours: &Run, theirs: &Run) -> bool {
    let failover = |run: &Run| run.kind == PlanKind::Failover && !run.closed();
    let theirs_moved = theirs.kind == PlanKind::Failover;
    failover(ours) && theirs_moved && ours.from == theirs.from
}

fn bad(entry: BadEntry) -> Refusal {
    Refusal::BadImport(entry.to_string())
}
