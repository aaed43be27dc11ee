//! The stored chain, and calls against it: S5, S6, S7.

use std::sync::Arc;

use bowline_core::levers::records;
use bowline_core::model::{Author, Claim, HoldNote, ObjectRef, Site, Span, StepId};
use bowline_core::op::{GateOp, KubeOp, Op, RdsOp, Route53Op};
use bowline_core::plan::{Effect, PlanKind};
use bowline_core::run::{Ended, Entry, Intent, Record, Run, Trigger};

use super::case::{Case, Passed, Started};
use super::court::{Court, Scene};

/// No store holds an entry up for longer.
const FORGOTTEN: Span = Span::mins(10);

impl Case {
    /// Takes the entry that was stored: in the store, or in the directory of a break-glass process,
    /// whose journal is what counts until the store's goes on with it imported.
    pub(super) fn read(&mut self, scene: Scene<'_>, (apart, seq): (bool, u64), court: &mut Court) {
        let world = scene.world;
        let store = if apart { &world.apart.store } else { &world.store };
        let chain = store.chain(&self.policy.group);
        if self.apart != apart {
            self.apart = apart;
            std::mem::swap(&mut self.ledger, &mut self.beside);
            self.copy(chain, seq);
        }
        let Some(bytes) = usize::try_from(seq).ok().and_then(|seq| chain.get(seq - 1)) else {
            return;
        };
        self.wrote_at = self.writes.remove(bytes);
        let mut busy = self.ledger.open_run().map(|run| run.id.clone());
        let entry = match self.ledger.apply(seq, bytes) {
            Ok(entry) => entry,
            Err(bad) => return court.breaks("S5", scene.now, bad.to_string()),
        };
        self.judge_author(scene, &entry, court);
        for record in &entry.records {
            match (record, &busy) {
                (Record::Closed { .. }, _) => busy = None,
                (Record::Opened { .. }, Some(run)) => {
                    court.breaks("S5", scene.now, format!("a run opened while {run} was open"));
                }
                _ => {}
            }
            self.record(scene, record, court);
        }
        // A failover that begins in place of another run is accepted before that one is closed.
        if let Some(run) = self.ledger.open_run() {
            let accepted = self.accepted_ms.entry(run.opened_at).or_default();
            *accepted = entry.records.iter().filter_map(accepts).fold(*accepted, u64::max);
        }
        self.judge_promotion(scene, court);
        self.judge_answers(scene, court);
    }

    /// An entry is sent to a store, for the first time or again.
    pub(super) fn note_write(&mut self, scene: Scene<'_>, bytes: &Arc<str>) {
        let now = scene.now.mono;
        self.writes.retain(|_, sent| now.since(*sent) < FORGOTTEN);
        self.writes.entry(Arc::clone(bytes)).or_insert(now);
    }

    /// S5: a step is worked on by the replica whose claim stands.
    fn judge_author(&self, scene: Scene<'_>, entry: &Entry, court: &mut Court) {
        let (Author::Controller(by), Some(claimant)) = (&entry.by, &self.ledger.claimant) else {
            return;
        };
        let of_a_step = |record: &Record| {
            matches!(record, Record::Started { .. } | Record::Done { .. } | Record::Withheld { .. })
        };
        if by != claimant && entry.records.iter().any(of_a_step) {
            let words = format!("{by} wrote entry {} under {claimant}'s claim", entry.seq);
            court.breaks("S5", scene.now, words);
        }
    }

    /// What a directory was given when it was made was judged when it was first stored.
    fn copy(&mut self, chain: &[Arc<str>], before: u64) {
        let known = usize::try_from(self.ledger.head).unwrap_or(usize::MAX);
        for (seq, bytes) in (1..before).zip(chain).skip(known) {
            // An entry that is none is found when the next one is judged.
            let _ = self.ledger.apply(seq, bytes);
        }
    }

    fn effect(&self, step: &StepId) -> Option<&Effect> {
        self.ledger.run.as_ref()?.steps.get(step).map(|step| &step.step.effect)
    }

    /// When a look from outside ends, or a call begins that opens a site.
    fn note_step(&mut self, scene: Scene<'_>, record: &Record) {
        match record {
            Record::Done { step, .. } if matches!(self.effect(step), Some(Effect::Serves(_))) => {
                // A store may have held the record up for as long as it liked.
                self.looked = Some(self.wrote_at.unwrap_or(scene.now.mono));
            }
            Record::Started { step, .. }
                if matches!(self.effect(step), Some(Effect::Shift(_) | Effect::Flip(_))) =>
            {
                self.opens = Some(scene.now.mono);
            }
            _ => {}
        }
    }

    fn record(&mut self, scene: Scene<'_>, record: &Record, court: &mut Court) {
        self.note_step(scene, record);
        match record {
            Record::Opened { .. } => {
                let run = self.ledger.run.as_ref();
                self.opened.extend(run.map(|run| (run.opened_at, scene.now.mono)));
                self.judge_way_home(scene, court);
            }
            Record::Planned { plan, moves: true } => {
                let trigger = self.ledger.run.as_ref().map(|run| &run.trigger);
                match trigger.filter(|_| plan.kind == PlanKind::Failover) {
                    Some(Trigger::Automatic) => self.judge_start(scene, plan, court),
                    // Who acts beside the store tells the controller later.
                    Some(Trigger::Human { .. }) if !self.apart && self.left_failing(plan.from) => {
                        let left = self.departure(scene, plan.from);
                        court.ordered.push(left);
                    }
                    _ => {}
                }
            }
            Record::Started { step, op, .. } => {
                let run = self.run_name();
                if !self.started.iter().any(|known| known.op == **op && known.run == run) {
                    self.judge_delay(scene, op, court);
                }
                self.start(step, op);
                self.passes(scene);
                self.judge_beginning(scene, court);
            }
            Record::Withheld { step } => self.withheld(scene, step, court),
            Record::Done { .. } => self.judge_beginning(scene, court),
            Record::Unwinding { .. } => self.goes_back(court),
            Record::Asked { step, question } => {
                self.judge_beginning(scene, court);
                self.judge_ask(scene, (step, question), court);
            }
            Record::Closed { ended } => {
                self.closed_at = Some(scene.now.mono);
                self.note_way_home(court);
                let planned = |run: &&Run| run.kind != PlanKind::Failover;
                if let (Ended::Unwound(_), Some(_)) =
                    (ended, self.ledger.run.as_ref().filter(planned))
                {
                    self.unwound_at = Some(scene.now.mono);
                }
                let to = self.ledger.run.as_ref().map(Run::to);
                if let (Some(to), Ended::Moved) = (to, ended) {
                    self.judge_success(scene, to, court);
                }
            }
            _ => {}
        }
    }

    fn run_name(&self) -> String {
        self.ledger.run.as_ref().map_or_else(String::new, |run| run.id.to_string())
    }

    fn start(&mut self, step: &StepId, op: &Op) {
        let run = self.run_name();
        if let Op::Rds(scope, RdsOp::Promote(_)) = op {
            let sites = Site::BOTH.into_iter();
            let mut here = sites.filter(|s| self.policy.site(*s).scope.region == scope.region);
            self.promoting = here.next();
        }
        match self.started.iter_mut().find(|known| known.op == *op && known.run == run) {
            Some(known) => known.recorded += 1,
            None => {
                let (step, op) = (step.clone(), op.clone());
                self.started.push(Started { op, run, step, recorded: 1, performed: 0 });
            }
        }
    }

    /// A run is past its point of no return, or is not after all.
    fn passes(&mut self, scene: Scene<'_>) {
        let (ledger, at) = (&self.ledger, scene.now.mono);
        let run = ledger.run.as_ref().filter(|run| run.committed);
        let known = |run: &Run| self.passed.clone().filter(|known| known.opened == run.opened_at);
        self.passed = run.map(|run| {
            known(run).unwrap_or(Passed { opened: run.opened_at, at, epoch: ledger.epoch() })
        });
    }

    /// S6: a call that was recorded was not sent, and may not be any more.
    fn withheld(&mut self, scene: Scene<'_>, step: &StepId, court: &mut Court) {
        let run = self.run_name();
        let own = |known: &&mut Started| known.run == run && known.step == *step;
        if let Some(known) = self.started.iter_mut().rev().find(own) {
            known.recorded = known.recorded.saturating_sub(1);
            if known.performed > known.recorded {
                court.breaks("S6", scene.now, format!("{step} was taken back, and had been sent"));
            }
        }
        self.passes(scene);
        let promotes = matches!(self.effect(step), Some(Effect::Promote(_)));
        self.promoting = self.promoting.filter(|_| !promotes);
    }

    /// S6: an instance is promoted at most once a run: the one that recorded it, if any did.
    pub(super) fn judge_once(
        &mut self,
        scene: Scene<'_>,
        (op, run): (&Op, Option<&str>),
        court: &mut Court,
    ) {
        let Op::Rds(scope, RdsOp::Promote(id)) = op else { return };
        let mine = |site: Site| {
            let part = self.policy.site(site);
            let own = part.database.as_ref().is_some_and(|database| database.instance == *id);
            part.scope.region == scope.region && own
        };
        if !Site::BOTH.into_iter().any(mine) {
            return;
        }
        let run = run.map_or_else(|| self.run_name(), Into::into);
        let times = self.effects.entry((run, id.to_string())).or_insert(0);
        *times += 1;
        if *times > 1 {
            court.breaks("S6", scene.now, format!("{id} was promoted {times} times in one run"));
        }
    }

    /// S5: claims in clusters and at the lever never go back.
    pub(super) fn judge_claim(&mut self, scene: Scene<'_>, op: &Op, court: &mut Court) {
        let group = &self.policy.group;
        let (place, claim, known) = match op {
            Op::Kube(cluster, KubeOp::Claim { group: whose, claim, .. }) if whose == group => {
                let known = self.clusters.insert(cluster.clone(), claim.clone());
                (cluster.to_string(), claim.clone(), known)
            }
            Op::Route53(_, Route53Op::Change { zone, create, .. }) => {
                let prefix = format!("_bowline.{group}.");
                let mut sets = create.iter().filter(|s| s.name.as_str().starts_with(&prefix));
                let Some(claim) = sets.find_map(records::read_fence) else { return };
                let known = self.levers.insert(zone.to_string(), claim.clone());
                (zone.to_string(), claim, known)
            }
            Op::Gate(_, GateOp::Write { object, claim, .. }) => {
                let known = self.levers.insert(object.to_string(), claim.clone());
                (object.to_string(), claim.clone(), known)
            }
            _ => return,
        };
        if let Some(known) = known.filter(|known: &Claim| claim.yields_to(known)) {
            let words = format!("{place} said {known} and now says {claim}");
            court.breaks("S5", scene.now, words);
        }
    }
}

/// A call that the network doubles is performed once more than its start was recorded, and its
/// sender could not know. That a promotion takes effect once is judged all the same.
pub(super) fn excuse_copy(cases: &mut [Case], op: &Op) {
    let all = cases.iter_mut().flat_map(|case| &mut case.started);
    if let Some(started) = all.rev().find(|started| started.op == *op) {
        started.recorded += 1;
    }
}

impl Case {
    /// S5: the group's claims on objects that it holds never go back.
    pub(super) fn judge_note(&mut self, scene: Scene<'_>, op: &Op, court: &mut Court) {
        let Op::Kube(cluster, op) = op else { return };
        let (object, note) = match op {
            KubeOp::Annotate { object, note, .. } => (object.to_string(), note),
            KubeOp::Suspend { job, note, .. } => (ObjectRef::Job(job.clone()).to_string(), note),
            KubeOp::Limit { pool, note, .. } => {
                (ObjectRef::NodePool(pool.clone()).to_string(), note)
            }
            _ => return,
        };
        let note = note.as_ref().and_then(|note| serde_json::from_str(note).ok());
        let owners = note.map(|note: HoldNote<serde_json::Value>| note.owners);
        let own = owners.and_then(|mut owners| owners.remove(&self.policy.group));
        let Some(claim) = own.map(|owner| owner.claim) else { return };
        let place = (cluster.clone(), object);
        if let Some(known) = self.notes.get(&place).filter(|known| claim.yields_to(known)) {
            let words = format!("{} said {known} and now says {claim}", place.1);
            court.breaks("S5", scene.now, words);
        }
        self.notes.insert(place, claim);
    }
}

/// S6 and S7: a call that changes something was recorded, and is not sent more often than that.
/// Gives the run that recorded it: the last one that did, since a call of an earlier run may never
/// have arrived.
pub(super) fn judge_recorded(
    cases: &mut [Case],
    scene: Scene<'_>,
    op: &Op,
    court: &mut Court,
) -> Option<String> {
    if matches!(op, Op::Probe(_)) {
        return None;
    }
    let mut known = false;
    let all = cases.iter_mut().flat_map(|case| &mut case.started);
    for started in all.rev().filter(|started| started.op == *op) {
        known = true;
        if started.performed < started.recorded {
            started.performed += 1;
            return Some(started.run.clone());
        }
    }
    match known {
        true => court.breaks("S6", scene.now, format!("sent again, unrecorded: {op:?}")),
        false => court.breaks("S7", scene.now, format!("not recorded: {op:?}")),
    }
    None
}

/// The loss of writes that a human accepts by a record.
fn accepts(record: &Record) -> Option<u64> {
    match record {
        Record::IntentTaken {
            intent:
                Some(
                    Intent::Failover { accept_loss: Some(loss), .. }
                    | Intent::Approve { accept_loss: Some(loss), .. },
                ),
            refused: None,
            ..
        } => Some(loss.as_millis()),
        Record::Answered { accept_loss_ms, .. } => *accept_loss_ms,
        _ => None,
    }
}
