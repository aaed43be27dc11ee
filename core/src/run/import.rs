//! Taking over the journal of a process that acted beside this store (break-glass).
//!
//! Such a process began with a copy of this chain, or with an empty one, and wrote its own entries.
//! What both chains have in common is skipped; the rest becomes one record of ours, and its records
//! are replayed on our ledger. From then on its claims, run, holds and obligations are ours.
//!
//! What was done for good stands, whoever did it: an effect that cannot be undone, or a move of the
//! traffic. If only that process did such a thing, its state becomes ours, whatever the epochs.
//! Otherwise ours stays, and what that process still holds becomes ours, for no other journal names
//! it. If both did, they must tell the same end; else people must say which one is true, and what
//! their word changes is in `stands`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::intent::{Refusal, Stands};
use super::ledger::{Import, Ledger, Leftover};
use super::record::{BadEntry, Entry, Record};
use super::state::{Ended, Phase, Run, StepRun, StepState};
use crate::bugs::{self, Bug};
use crate::databases::rds::{Fence, ResourceRef};
use crate::model::{Claim, GroupName, ResourceId, RunId, Site};
use crate::plan::{Effect, PlanKind};
use crate::step::{Hold, HoldId};

/// The most bytes of entries and facts that one import may hold. They are escaped twice on their
/// way into an object of the API server's, whose limit is 1.5 MiB.
const LIMIT: usize = 512 << 10;

/// Holds, and how often each was taken.
type Held = (BTreeMap<HoldId, Hold>, BTreeMap<HoldId, u32>);

/// What a foreign chain has that is not here.
struct Unknown<'a> {
    /// The last of its entries that is here.
    after: u64,
    /// The entry here that imported it, if one did.
    continues: Option<u64>,
    /// The bytes of those behind it.
    entries: &'a [Arc<str>],
}

/// Why a journal cannot be taken in as it is.
enum Conflict {
    /// A run of ours is in its way that can be cancelled.
    Cancel(RunId),
    /// Both did something for good, and this cannot be of both.
    TwoMoves(String),
    /// Theirs cannot go on: only ours can stand.
    OnlyOurs(String),
}

impl Ledger {
    /// The record that makes a foreign journal of `group` part of this one, with the peacetime
    /// `facts` that lie beside it. `word` says which of the two is true, where they cannot both be.
    ///
    /// # Errors
    /// A [`Refusal`] that says what is wrong with it, or what must be done before.
    pub fn import(
        &self,
        group: &GroupName,
        sent: &[Arc<str>],
        facts: Option<&str>,
        word: Option<Stands>,
    ) -> Result<Record, Refusal> {
        let Unknown { after, continues, entries } = self.unknown(sent)?;
        let parsed = self.joined((after, continues), entries).map_err(bad)?;
        claims(group, &parsed, continues.is_some())?;
        let stands = self.told(group, (&parsed, continues.unwrap_or(after)), word)?;
        let size: usize = entries.iter().map(|bytes| &**bytes).chain(facts).map(str::len).sum();
        if size > LIMIT {
            let words = format!("its new entries and facts are {size} bytes, of {LIMIT} at most");
            return Err(Refusal::BadImport(words));
        }
        let hash = entries.last().map(|bytes| Entry::hash(bytes)).unwrap_or_default();
        let facts = facts.map(serde_json::from_str).transpose();
        let facts = facts.map_err(|e| Refusal::BadImport(format!("its peacetime facts: {e}")))?;
        let entries = entries.to_vec();
        Ok(Record::Imported { after, continues, hash, entries, facts, stands })
    }

    /// The word by which one of the two stands; `None` where none is needed.
    fn told(
        &self,
        group: &GroupName,
        (foreign, base): (&[Entry], u64),
        word: Option<Stands>,
    ) -> Result<Option<Stands>, Refusal> {
        let theirs = self.beside(foreign);
        let stands = self.stands((foreign, base), &theirs);
        let conflict = match stands {
            Stands::Ours => self.agrees(foreign, &theirs),
            Stands::Theirs => self.continues(&theirs),
        };
        match (conflict, word) {
            (Ok(()), Some(word)) if word != stands => Err(Refusal::BadImport(format!(
                "`--stands {}` is said where nothing is to be said, since {} stands: no move of \
                 one is against what the other did for good; import it without `--stands`",
                word.word(),
                stands.word()
            ))),
            (Ok(()), _) => Ok(None),
            (Err(Conflict::Cancel(run)), _) => {
                let remedy = format!("cancel it first: `bowline cancel {group} --run {run}`");
                Err(Refusal::NotContinued { run, remedy })
            }
            (Err(Conflict::TwoMoves(_)), Some(word)) => Ok(Some(word)),
            (Err(Conflict::OnlyOurs(_)), Some(Stands::Ours)) => Ok(Some(Stands::Ours)),
            (Err(Conflict::OnlyOurs(why)), Some(Stands::Theirs)) => {
                Err(Refusal::BadImport(format!("{why}: it could not go on; say `--stands ours`")))
            }
            (Err(Conflict::TwoMoves(why) | Conflict::OnlyOurs(why)), None) => {
                let (group, ours, theirs) = (group.clone(), self.leads_to(), theirs.leads_to());
                Err(Refusal::TwoMoves { group, why, ours, theirs })
            }
        }
    }

    /// What a foreign chain has that is not here. One that was imported may have grown since: its
    /// process went on, or somebody began another in its directory.
    fn unknown<'a>(&self, sent: &'a [Arc<str>]) -> Result<Unknown<'a>, Refusal> {
        let import = |bytes: &Arc<str>| self.imported.get(&Entry::hash(bytes)).copied();
        let last = sent.iter().enumerate().rev().find_map(|(n, one)| Some((n, import(one)?)));
        if let Some((index, Import { here, there })) = last {
            return match &sent[index + 1..] {
                [] => Err(Refusal::BadImport("it was imported before".into())),
                entries => Ok(Unknown { after: there, continues: Some(here), entries }),
            };
        }
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
            entries => Ok(Unknown { after, continues: None, entries }),
        }
    }

    /// The state that a foreign chain's entries make of this one.
    pub(super) fn beside(&self, foreign: &[Entry]) -> Self {
        let mut theirs = Self { deed: 0, ..self.clone() };
        theirs.replay_all(foreign);
        theirs
    }

    /// Whose state stands by itself, `theirs` being what these entries make of this one, and `base`
    /// the last entry here that their authors may have known.
    fn stands(&self, (foreign, base): (&[Entry], u64), theirs: &Self) -> Stands {
        // What is under way or owed here looks at the world, and finds what they did. What is over
        // here is so whoever went on with it too.
        let committed = self.busy_run().is_some_and(|run| run.committed);
        let both = self.run.as_ref().zip(theirs.run.as_ref());
        let over = both.is_some_and(|(ours, theirs)| ours.closed() && is(ours, theirs));
        match (self.deed > base, theirs.deed > 0) {
            (_, false) => Stands::Ours,
            (false, true) => Stands::Theirs,
            (true, true) if committed || over || self.went_past(foreign) => Stands::Ours,
            (true, true) => Stands::Theirs,
        }
    }

    /// Whether the last claim of these entries is below the one that stands here: whoever went past
    /// it has looked at the world since.
    fn went_past(&self, entries: &[Entry]) -> bool {
        let ours = self.claim.as_ref();
        last_claim(entries).zip(ours).is_some_and(|(last, ours)| last.yields_to(ours))
    }

    /// Takes a foreign chain's entries in. `word` says whose state stands, where people had to say
    /// it.
    pub(super) fn fold(&mut self, (foreign, base): (&[Entry], u64), word: Option<Stands>) {
        if foreign.is_empty() {
            return;
        }
        let theirs = self.beside(foreign);
        let claim = match self.went_past(foreign) {
            true => self.claim.clone(),
            false => theirs.claim.clone(),
        };
        match (word, self.stands((foreign, base), &theirs)) {
            (Some(word), _) => self.by_word(word, foreign, theirs),
            (None, Stands::Ours) => self.keep(foreign, theirs),
            (None, Stands::Theirs) => {
                *self = theirs;
                self.look_again();
            }
        }
        // What is still to be done here is claimed anew, above both.
        if claim != self.claim {
            (self.claim, self.claimant) = (claim, None);
        }
        self.settle();
    }

    /// What a run that goes on here has scaled, suspended or opened may have been released by a run
    /// of ours meanwhile: these steps look again.
    pub(super) fn look_again(&mut self) {
        let open = self.run.as_mut().filter(|run| !run.closed());
        for step in open.into_iter().flat_map(|run| run.steps.values_mut()) {
            let holds = matches!(
                step.step.effect,
                Effect::SetWorkload(_) | Effect::SetJob(_) | Effect::SetPool(_)
            );
            if holds && step.state == StepState::Done {
                step.state = StepState::Pending;
            }
        }
    }

    /// An instance that was renamed since has no clients any more: no door of it is held, and
    /// nobody is to stop it under a name that is another's.
    fn settle(&mut self) {
        for Leftover { site, resource, .. } in &self.leftovers {
            self.holds.remove(&HoldId::instance(*site, resource));
            let Some(run) = &mut self.run else { continue };
            for step in run.steps.values_mut().filter(|step| step.step.standing && step.open()) {
                let Effect::Fence(Fence { member, .. }) = &step.step.effect else { continue };
                if member.resource == ResourceRef::Known(resource.clone()) {
                    (step.state, step.note) = (StepState::Done, "it was renamed".into());
                    self.quarantined.remove(site);
                }
            }
        }
    }

    /// Takes what a process has left whose state does not stand.
    fn keep(&mut self, foreign: &[Entry], theirs: Self) {
        // Coming home released everything at standby, and made home's member anew.
        let home = self.active == Site::Home && self.moved_since(foreign);
        let held = if home { Held::default() } else { theirs.held() };
        self.remember(theirs);
        self.hold_too(held);
    }

    /// What this journal holds, and how often each was taken.
    pub(super) fn held(&self) -> Held {
        (self.holds.clone(), self.takings.clone())
    }

    /// What a process was here for, and what it left besides holds.
    pub(super) fn remember(&mut self, theirs: Self) {
        if let Some(run) = theirs.run.filter(|run| !self.run.as_ref().is_some_and(|o| is(o, run))) {
            let ended = match run.phase {
                Phase::Closed(ended) => ended,
                _ if run.committed => {
                    let why = "another run stands; what this one did for good was not undone";
                    Ended::Unwound(why.into())
                }
                _ => Ended::Unwound("its process is over, and nothing of it was for good".into()),
            };
            self.history.push((run.id, run.kind, ended));
        }
        self.taken.extend(theirs.taken);
        self.made.extend(theirs.made);
        let known =
            |left: &Leftover| self.leftovers.iter().any(|own| own.resource == left.resource);
        let left: Vec<_> = theirs.leftovers.into_iter().filter(|left| !known(left)).collect();
        self.leftovers.extend(left);
    }

    /// What another journal holds is held by this one too, unless it names it already.
    pub(super) fn hold_too(&mut self, (holds, takings): Held) {
        for (id, hold) in holds {
            if !self.holds.contains_key(&id) {
                self.hold(&hold);
                let calls = takings.get(&id).copied();
                self.takings.extend(calls.map(|calls| (id, calls)));
            }
        }
    }

    /// Whether the traffic was moved from here after the last of these entries.
    fn moved_since(&self, foreign: &[Entry]) -> bool {
        let last = foreign.iter().map(|entry| entry.at).max();
        self.moved_at >= last && self.moved_at.is_some()
    }

    /// Where both did something for good, theirs must not tell of a move that nobody here knows of.
    fn agrees(&self, foreign: &[Entry], theirs: &Self) -> Result<(), Conflict> {
        let traffic = (theirs.moved_at != self.moved_at).then_some(theirs.active);
        let writer = theirs.writer.filter(|_| theirs.writer != self.writer);
        let known = |site: Site| {
            self.active == site
                || self.open_run().is_some_and(|run| run.to() == site)
                || self.moved_since(foreign)
        };
        match traffic.or(writer).filter(|site| !known(*site)) {
            None => Ok(()),
            Some(site) => Err(Conflict::TwoMoves(format!(
                "it moved the group to {site}, and here the group went on while {} serves",
                self.active
            ))),
        }
    }

    /// The instance that a run of theirs promotes, if another stands in its place here: whatever
    /// they told to lead to it leads to the other.
    pub(super) fn renamed_from(&self, theirs: &Run) -> Option<&Leftover> {
        let mut replaced = self.leftovers.iter().filter(|left| promotes(theirs, &left.resource));
        replaced.find(|_| !bugs::on(Bug::ReplacedIsTheSame))
    }

    /// The instance that a run of theirs promotes, and that a run of ours may have renamed before
    /// it was cancelled.
    fn may_have_renamed(&self, theirs: &Run) -> Option<(&Run, &ResourceId)> {
        let ours = self.run.as_ref()?;
        let begun = |step: &&StepRun| step.acted.is_some() && step.state != StepState::Done;
        let mut renamed = ours.steps.values().filter(begun).filter_map(|step| {
            let Effect::Rename(rename) = &step.step.effect else { return None };
            let ResourceRef::Known(resource) = &rename.member.resource else { return None };
            Some(resource)
        });
        Some((ours, renamed.find(|resource| promotes(theirs, resource))?))
    }

    /// A run of ours that is not over must be the one that went on there, or have meant the same
    /// move.
    fn continues(&self, after: &Self) -> Result<(), Conflict> {
        let Some(theirs) = &after.run else { return Ok(()) };
        if let Some(over) = self.run.as_ref().filter(|run| run.closed() && is(run, theirs)) {
            let why = format!("it went on with {}, which is over here", over.id);
            return Err(Conflict::TwoMoves(why));
        }
        if let Some(left) = self.renamed_from(theirs) {
            let words = format!("{} promotes {}, which was renamed", theirs.id, left.resource);
            return Err(Conflict::OnlyOurs(format!("{words} to {} here", left.instance)));
        }
        if let Some((ours, resource)) = self.may_have_renamed(theirs) {
            return Err(Conflict::TwoMoves(format!(
                "{} promotes {resource}, which {} may have renamed before it was cancelled",
                theirs.id, ours.id
            )));
        }
        let Some(ours) = self.busy_run() else { return Ok(()) };
        if is(ours, theirs) || (same_move(ours, theirs) && after.active == ours.to()) {
            return Ok(());
        }
        let left = match (ours.closed(), ours.committed) {
            (true, _) => "its obligations would be forgotten",
            (false, true) => "it is past its point of no return",
            (false, false) => return Err(Conflict::Cancel(ours.id.clone())),
        };
        let run = &ours.id;
        let why = format!("the imported journal does not continue {run}, which is not over here");
        Err(Conflict::TwoMoves(format!("{why}: {left}")))
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

/// The claims must be this group's, and there must be one, unless it was imported before.
fn claims(group: &GroupName, entries: &[Entry], before: bool) -> Result<(), Refusal> {
    if let Some(other) = all_claims(entries).find(|claim| !belongs(&claim.run, group)) {
        let words = format!("run {} is not one of group {group}", other.run);
        return Err(Refusal::BadImport(words));
    }
    match last_claim(entries) {
        Some(_) => Ok(()),
        None if before => Ok(()),
        None => Err(Refusal::BadImport("nothing was claimed in it, so nothing done".into())),
    }
}

fn all_claims(entries: &[Entry]) -> impl DoubleEndedIterator<Item = &Claim> {
    entries.iter().flat_map(|entry| &entry.records).filter_map(claimed)
}

fn last_claim(entries: &[Entry]) -> Option<&Claim> {
    all_claims(entries).next_back()
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

/// Whether it is the same run: two authorities may give two runs the same name.
pub(super) fn is(one: &Run, other: &Run) -> bool {
    one.id == other.id && one.opened_at == other.opened_at
}

/// Whether a run has promoted this instance, or is still to promote it.
fn promotes(run: &Run, resource: &ResourceId) -> bool {
    let resource = ResourceRef::Known(resource.clone());
    let done = |step: &StepRun| step.state == StepState::Done;
    let mut steps = run.steps.values().filter(|step| done(step) || !run.closed() && step.open());
    steps.any(|step| {
        matches!(&step.step.effect, Effect::Promote(promote) if promote.member.resource == resource)
    })
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
