//! A group's state, folded from its chain.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use serde::Serialize;

use super::import;
use super::intent::Intent;
use super::reader::{Read, Reader};
use super::record::{BadEntry, Entry, Record, Trigger};
use super::state::{Ended, Phase, Reply, Run, StepRun, StepState};
use crate::bugs::{self, Bug};
use crate::model::{
    Claim, Epoch, InstanceId, Ordered, ReplicaId, ResourceId, RunId, Site, StepId, Wall,
    WorkloadRef,
};
use crate::plan::{Effect, Facts, PlanKind, Undo};
use crate::step::{Acted, Held, Hold, HoldId, Mark};

/// Up to where a foreign chain was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// The entry of this chain that imported it.
    pub here: u64,
    /// Its last entry by then.
    pub there: u64,
}

/// Everything the chain says of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Sequence number of the last entry; 0 for none.
    pub head: u64,
    /// Its hash.
    pub hash: Arc<str>,
    /// The hashes of all entries, from number 1: what another chain has in common with this one.
    #[serde(skip)]
    pub(super) trail: Vec<Arc<str>>,
    #[serde(skip)]
    pub(super) reader: Reader,
    /// The last hashes of the foreign chains that were imported.
    pub imported: BTreeMap<Arc<str>, Import>,
    /// The claim that stands.
    pub claim: Option<Claim>,
    /// The replica that may act under it.
    pub claimant: Option<ReplicaId>,
    /// Which site serves.
    pub active: Site,
    /// Whether the group is as a failover needs it.
    pub armed: bool,
    /// Why automatic action is held, and since when.
    pub paused: Option<(String, Wall)>,
    /// The last run.
    pub run: Option<Run>,
    /// Names and ends of earlier runs, oldest first.
    pub history: Vec<(RunId, PlanKind, Ended)>,
    /// Open holds.
    pub holds: BTreeMap<HoldId, Hold>,
    /// How many calls were recorded that took these holds, since each last stands.
    #[serde(skip)]
    pub(super) takings: BTreeMap<HoldId, u32>,
    /// Resource ids of members that runs rebuilt, and when: facts from before that name another.
    pub rebuilt: BTreeMap<Site, (ResourceId, Wall)>,
    /// The site whose member is the confirmed writer, once a run has promoted one.
    pub writer: Option<Site>,
    /// Sites whose old writer is confirmed stopped.
    pub fenced: BTreeSet<Site>,
    /// Sites whose old writer may still be running: their fence is not confirmed.
    pub quarantined: BTreeSet<Site>,
    /// When a call was last recorded that opens a site's door: it may come minutes later.
    pub reopened: BTreeMap<Site, Wall>,
    /// What stays for its owner to delete.
    pub leftovers: Vec<Leftover>,
    /// Intents that were looked at.
    pub taken: BTreeSet<Arc<str>>,
    /// The last automatic failover that began to move, whatever ran since; one that went back by
    /// itself having only claimed did not.
    pub last_automatic_failover: Option<Departure>,
    /// The last failover that a human ordered away from a site that had failed, whatever ran since;
    /// one that was undone is none.
    pub ordered_failover: Option<Departure>,
    /// When the traffic last moved.
    pub moved_at: Option<Wall>,
    /// What kind of run last moved it.
    pub moved_by: Option<PlanKind>,
    /// The last way home was undone when users had felt it, or by a human: the next is asked for.
    pub failback_undone: bool,
    /// The last entry that did something for good: it began what cannot be undone, or says that the
    /// traffic moved. 0 for none.
    #[serde(skip)]
    pub(super) deed: u64,
    /// Every claim that was made in this chain, or in one that it imported.
    #[serde(skip)]
    pub(super) made: BTreeSet<Claim>,
    /// Peacetime facts that came with an imported journal, for a store that has none.
    #[serde(skip)]
    pub facts: Option<Box<Facts>>,
}

/// A failover that began to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Departure {
    /// When.
    pub at: Wall,
    /// The site that it left.
    pub from: Site,
}

/// A renamed instance that stays for its owner to delete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Leftover {
    /// At which site.
    pub site: Site,
    /// Its identifier.
    pub instance: InstanceId,
    /// Its resource id.
    pub resource: ResourceId,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            head: 0,
            hash: "".into(),
            trail: Vec::new(),
            reader: Reader::default(),
            imported: BTreeMap::new(),
            claim: None,
            claimant: None,
            active: Site::Home,
            armed: false,
            paused: None,
            run: None,
            history: Vec::new(),
            holds: BTreeMap::new(),
            takings: BTreeMap::new(),
            rebuilt: BTreeMap::new(),
            writer: None,
            fenced: BTreeSet::new(),
            quarantined: BTreeSet::new(),
            reopened: BTreeMap::new(),
            leftovers: Vec::new(),
            taken: BTreeSet::new(),
            last_automatic_failover: None,
            ordered_failover: None,
            moved_at: None,
            moved_by: None,
            failback_undone: false,
            deed: 0,
            made: BTreeSet::new(),
            facts: None,
        }
    }
}

impl Ledger {
    /// The same ledger, which reads entries with others.
    #[must_use]
    pub fn read_with(self, reader: &Reader) -> Self {
        Self { reader: reader.clone(), ..self }
    }

    /// Replays a whole chain.
    ///
    /// # Errors
    /// The first [`BadEntry`].
    pub fn replay<'a>(chain: impl IntoIterator<Item = (u64, &'a str)>) -> Result<Self, BadEntry> {
        let mut ledger = Self::default();
        for (seq, bytes) in chain {
            ledger.apply(seq, bytes)?;
        }
        Ok(ledger)
    }

    /// Takes the next entry. The only way a ledger changes.
    ///
    /// # Errors
    /// [`BadEntry`]; the ledger is then as it was.
    pub fn apply(&mut self, seq: u64, bytes: &str) -> Result<Arc<Entry>, BadEntry> {
        let Read { entry, hash, .. } = self.reader.read(seq, bytes)?;
        self.check(seq, &entry)?;
        let (foreign, base) = self.foreign(&entry)?;
        for record in &entry.records {
            self.record(record, entry.at);
        }
        let word = entry.records.iter().find_map(|record| match record {
            Record::Imported { stands, .. } => *stands,
            _ => None,
        });
        self.fold((&foreign, base), word);
        self.head = seq;
        self.hash = hash;
        self.trail.push(Arc::clone(&self.hash));
        Ok(entry)
    }

    /// The entries of the foreign chains that an entry imports, checked, and the last entry here
    /// that their authors may have known.
    fn foreign(&self, entry: &Entry) -> Result<(Vec<Entry>, u64), BadEntry> {
        let (mut all, mut base) = (Vec::new(), None);
        for record in &entry.records {
            if let Record::Imported { after, continues, entries, .. } = record {
                all.extend(self.joined((*after, *continues), entries)?);
                base = base.or(Some(continues.unwrap_or(*after)));
            }
        }
        Ok((all, base.unwrap_or_default()))
    }

    /// A foreign chain's new entries, checked from the one behind which they come: `after`, which
    /// both chains have, or which entry `continues` imported.
    pub(super) fn joined(
        &self,
        (after, continues): (u64, Option<u64>),
        entries: &[Arc<str>],
    ) -> Result<Vec<Entry>, BadEntry> {
        import::checked(after, &self.joint(after, continues), entries)
    }

    fn joint(&self, after: u64, continues: Option<u64>) -> Arc<str> {
        let Some(here) = continues else { return self.hash_at(after) };
        let mut imports = self.imported.iter();
        let import = imports.find(|(_, import)| **import == Import { here, there: after });
        import.map(|(hash, _)| Arc::clone(hash)).unwrap_or_default()
    }

    /// Replays entries that were checked already.
    pub(super) fn replay_all(&mut self, foreign: &[Entry]) {
        for entry in foreign {
            entry.records.iter().for_each(|record| self.record(record, entry.at));
        }
    }

    /// The hash of an entry of this chain; empty for number 0 and for those that are not there.
    pub(super) fn hash_at(&self, seq: u64) -> Arc<str> {
        let index = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        index.and_then(|index| self.trail.get(index).cloned()).unwrap_or_default()
    }

    fn check(&self, seq: u64, entry: &Entry) -> Result<(), BadEntry> {
        if seq != self.head + 1 || entry.seq != seq {
            return Err(BadEntry::OutOfOrder {
                expected: self.head + 1,
                found: entry.seq.max(seq),
            });
        }
        if entry.prev != self.hash {
            return Err(BadEntry::BrokenChain { seq });
        }
        match (&self.claim, &entry.claim) {
            (Some(standing), Some(found)) if found.yields_to(standing) => {
                let (found, standing) = (found.clone(), standing.clone());
                Err(BadEntry::StaleClaim { seq, found, standing })
            }
            _ => Ok(()),
        }
    }

    /// Whether a claim is told of here: who made it wrote this chain, or one that it imported.
    #[must_use]
    pub fn has_made(&self, claim: &Claim) -> bool {
        self.made.contains(claim)
    }

    /// The epoch that a new claim must exceed.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.claim.as_ref().map_or(Epoch(0), |claim| claim.epoch)
    }

    /// The run, unless it is over and has no obligations left.
    #[must_use]
    pub fn busy_run(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| run.busy())
    }

    /// The last failover that began to move, whoever ordered it.
    #[must_use]
    pub fn last_failover(&self) -> Option<Departure> {
        let ordered = self.ordered_failover.filter(|_| !bugs::on(Bug::OrdersDoNotCount));
        ordered.into_iter().chain(self.last_automatic_failover).max_by_key(|left| left.at)
    }

    /// The run, unless it is over.
    #[must_use]
    pub fn open_run(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| !run.closed())
    }

    /// The site that has the writer, or that an open run makes it for good; without a database,
    /// the one that serves.
    #[must_use]
    pub fn leads_to(&self) -> Site {
        let makes = self.open_run().filter(|run| run.committed && !bugs::on(Bug::OnlyTheDoneLeads));
        makes.map_or(self.writer.unwrap_or(self.active), Run::to)
    }

    /// Whether a site's member was the writer when the group left it, and was not rebuilt since.
    /// One that was stopped for a move that was not made was not left.
    #[must_use]
    pub fn left_writer(&self, site: Site) -> bool {
        let stopped = self.fenced.contains(&site) || self.quarantined.contains(&site);
        stopped && self.leads_to() != site
    }

    /// Whether a workload of a site is held.
    #[must_use]
    pub fn holds_workload(&self, site: Site, object: &WorkloadRef) -> bool {
        self.holds.values().any(|hold| {
            let same =
                |held: &Held| matches!(held, Held::Workload { workload, .. } if workload == object);
            hold.site == site && same(&hold.held)
        })
    }

    /// What must be undone to leave the world as the open run found it. How, the [`super::Desk`]
    /// knows: it heard what became of calls.
    #[must_use]
    pub fn undo(&self) -> Vec<Undo> {
        let Some(run) = &self.run else { return Vec::new() };
        let change = |(id, before): (&HoldId, &Option<Hold>)| match (before, self.holds.get(id)) {
            (None, Some(now)) => Some(Undo::Release(now.clone())),
            (Some(before), now) if now != Some(before) => Some(Undo::Restore(before.clone())),
            _ => None,
        };
        let mut undo: Vec<_> = run.touched.iter().filter_map(change).collect();
        // What a call was to let go may be free by now, whatever is recorded.
        let begun = run.steps.values().filter(|step| step.open() && step.acted.is_some());
        let begun = begun.filter_map(|step| match &step.step.effect {
            Effect::Release(release) => self.holds.get(&release.hold.id),
            _ => None,
        });
        let kept = |hold: &&Hold| match run.touched.get(&hold.id) {
            Some(before) => before.as_ref() == Some(*hold),
            None => true,
        };
        undo.extend(begun.filter(kept).map(|hold| Undo::Restore(hold.clone())));
        undo
    }

    fn record(&mut self, record: &Record, at: Wall) {
        match record {
            Record::Claimed { claim, by } => {
                self.made.insert(claim.clone());
                self.claim = Some(claim.clone());
                self.claimant = Some(by.clone());
            }
            Record::IntentTaken { uid, by, intent, refused } => {
                self.taken.insert(Arc::clone(uid));
                match (intent, refused) {
                    (Some(Intent::Failover { reason, .. }), None) => self.ordered(by, reason),
                    (Some(Intent::Cancel { run }), None) => {
                        let run = self.run.as_mut().filter(|open| open.id == *run);
                        run.into_iter().for_each(|run| run.weighs = true);
                    }
                    _ => {}
                }
            }
            Record::Opened { .. } => self.open(record, at),
            Record::Paused { reason } => self.paused = Some((reason.clone(), at)),
            Record::Resumed => self.paused = None,
            Record::Armed => self.armed = true,
            // Its entries are folded behind the entry's own records.
            Record::Imported { after, hash, entries, facts, .. } => {
                let import = Import { here: self.head + 1, there: after + entries.len() as u64 };
                self.imported.insert(Arc::clone(hash), import);
                self.facts = facts.clone().or(self.facts.take());
            }
            Record::Started { step, hold, .. } => {
                if let Some(hold) = hold {
                    self.taken_by_call(hold);
                    self.hold(hold);
                }
                self.step(record, step, at);
            }
            Record::Done { step, unknown, .. } => {
                self.step(record, step, at);
                if !unknown {
                    self.mark(&step.clone(), at);
                }
            }
            Record::Asked { step, .. }
            | Record::Answered { step, .. }
            | Record::Withheld { step } => self.step(record, step, at),
            Record::Planned { .. } | Record::Unwinding { .. } | Record::Closed { .. } => {
                self.phase(record, at);
            }
        }
    }

    fn open(&mut self, record: &Record, at: Wall) {
        let (Record::Opened { kind, from, trigger, fault_at, evidence }, Some(claim)) =
            (record, &self.claim)
        else {
            return;
        };
        if let Some(Run { id, kind, phase, .. }) = self.run.take() {
            let ended = match phase {
                Phase::Closed(ended) => ended,
                // Only an imported journal opens a run beside one that is not over.
                _ => Ended::Unwound(format!("{} went on in its place", claim.run)),
            };
            self.history.push((id, kind, ended));
        }
        self.run = Some(Run {
            id: claim.run.clone(),
            epoch: claim.epoch,
            kind: *kind,
            from: *from,
            trigger: trigger.clone(),
            opened_at: at,
            fault_at: *fault_at,
            evidence: evidence.clone(),
            phase: Phase::Prewarm,
            moving_since: None,
            committed: false,
            steps: Ordered::default(),
            outputs: BTreeMap::new(),
            weighs: false,
            failover_before: None,
            deed_before: 0,
            touched: BTreeMap::new(),
            closed_at: None,
        });
    }

    /// Somebody ordered a failover: what prepared for one by itself goes on as theirs.
    fn ordered(&mut self, by: &str, reason: &str) {
        if let Some(run) = self.run.as_mut().filter(|run| run.phase == Phase::Prewarm) {
            run.trigger = Trigger::Human { by: by.into(), reason: reason.into() };
        }
    }

    fn phase(&mut self, record: &Record, at: Wall) {
        let Some(run) = &mut self.run else { return };
        match record {
            Record::Planned { plan, moves } => {
                let steps = plan.steps.iter();
                run.steps.extend(steps.map(|(id, s)| (id.clone(), StepRun::new(s.clone(), at))));
                if *moves {
                    (run.phase, run.kind, run.moving_since) = (Phase::Moving, plan.kind, Some(at));
                    let left = Some(Departure { at, from: run.from });
                    if run.is_automatic_failover() {
                        run.failover_before = mem::replace(&mut self.last_automatic_failover, left);
                    } else if run.leaves_what_failed() {
                        self.ordered_failover = left;
                    }
                }
            }
            Record::Unwinding { why } => {
                // What moved nothing is no failover: the next one need not wait for a human.
                let moved_nothing = run.only_planned() && !run.weighs;
                if run.is_automatic_failover() && moved_nothing {
                    self.last_automatic_failover = run.failover_before;
                } else if !run.is_automatic_failover() && run.leaves_what_failed() {
                    self.ordered_failover = None;
                }
                for step in run.steps.values_mut().filter(|step| step.open()) {
                    step.state = StepState::Abandoned;
                }
                run.phase = Phase::Unwinding { why: why.clone() };
            }
            Record::Closed { ended } => {
                (run.phase, run.closed_at) = (Phase::Closed(ended.clone()), Some(at));
                let undone = run.kind == PlanKind::Failback && *ended != Ended::Moved;
                self.failback_undone |= undone && run.weighs && !bugs::on(Bug::FailsBackAgain);
            }
            _ => {}
        }
    }

    fn step(&mut self, record: &Record, id: &StepId, at: Wall) {
        let Some(run) = &mut self.run else { return };
        let irreversible = run.irreversible(id);
        let Some(step) = run.steps.get_mut(id) else { return };
        match record {
            Record::Started { attempt, op, .. } => {
                (step.state, step.attempts) = (StepState::Started, *attempt);
                step.acted = Some(Acted { at, op: (**op).clone() });
                if irreversible {
                    run.deed_before = if run.committed { run.deed_before } else { self.deed };
                    run.committed |= !bugs::on(Bug::UnwindAfterStarted);
                    self.deed = self.head + 1;
                }
                if let Effect::Reopen(reopen) = &step.step.effect {
                    self.reopened.insert(reopen.member.site, at);
                }
            }
            Record::Done { outputs, note, unknown, .. } => {
                step.state = if *unknown { StepState::Unknown } else { StepState::Done };
                (step.done_at, step.note) = (Some(at), note.clone());
                run.outputs.insert(id.clone(), outputs.clone());
                // Also when somebody else did it: it was found done.
                if irreversible && !unknown {
                    (run.committed, self.deed) = (true, self.head + 1);
                }
            }
            Record::Withheld { .. } => {
                (step.state, step.acted) = (StepState::Pending, None);
                step.attempts = step.attempts.saturating_sub(1);
                if !run.did_for_good() {
                    // A journal beside this one counts its deeds from 0.
                    (run.committed, self.deed) = (false, run.deed_before.min(self.deed));
                }
            }
            Record::Asked { question, .. } => {
                (step.asked, step.answered) = (Some((question.clone(), at)), None);
            }
            Record::Answered { by, accept_loss_ms, .. } => {
                let accept_loss_ms = *accept_loss_ms;
                step.answered = Some(Reply { by: by.clone(), at, accept_loss_ms });
            }
            _ => {}
        }
    }

    /// A call that takes a hold was recorded: the first of it, or one more.
    fn taken_by_call(&mut self, hold: &Hold) {
        let stands = self.holds.contains_key(&hold.id);
        let calls = self.takings.entry(hold.id.clone()).or_default();
        *calls = if stands { *calls + 1 } else { 1 };
    }

    /// Takes a hold, or takes it anew.
    pub(super) fn hold(&mut self, hold: &Hold) {
        if let Some(run) = &mut self.run {
            let before = self.holds.get(&hold.id).cloned();
            run.touched.entry(hold.id.clone()).or_insert(before);
            run.weighs |= hold.site == run.from;
        }
        self.holds.insert(hold.id.clone(), hold.clone());
    }

    fn mark(&mut self, step: &StepId, at: Wall) {
        let Some(run) = &mut self.run else { return };
        let kind = run.kind;
        let marks = run.steps.get(step).map(|step| step.step.marks.clone()).unwrap_or_default();
        let resource = run.output(step.as_str(), "resource").cloned();
        for mark in marks {
            match mark {
                Mark::Active(site) => {
                    self.armed &= self.active == site;
                    (self.active, self.moved_at) = (site, Some(at));
                    self.deed = self.head + 1;
                    (self.moved_by, self.failback_undone) = (Some(kind), false);
                }
                Mark::Writer(site) => {
                    self.writer = Some(site);
                    self.fenced.remove(&site);
                    if !self.fenced.contains(&site.other()) {
                        self.quarantined.insert(site.other());
                    }
                }
                Mark::Fenced(site) => {
                    self.fenced.insert(site);
                    self.quarantined.remove(&site);
                }
                Mark::Rebuilt(site) => {
                    self.fenced.remove(&site);
                    self.quarantined.remove(&site);
                    let resource = resource.as_deref().map(ResourceId::new);
                    self.rebuilt.extend(resource.map(|id| (site, (id, at))));
                }
                Mark::Renamed { site, instance, resource } => {
                    self.holds.remove(&HoldId::instance(site, &resource));
                    // A run that was cancelled may have renamed it before, to another name.
                    if !self.leftovers.iter().any(|left| left.resource == resource) {
                        self.leftovers.push(Leftover { site, instance, resource });
                    }
                }
                Mark::Released(id) => self.released(&id),
                Mark::Armed => self.armed = true,
            }
        }
    }

    fn released(&mut self, id: &HoldId) {
        let before = self.holds.remove(id);
        if let (Some(run), Some(before)) = (&mut self.run, before) {
            if let Held::Writer { .. } = before.held {
                self.fenced.remove(&before.site);
            }
            run.touched.entry(id.clone()).or_insert(Some(before));
        }
    }
}
