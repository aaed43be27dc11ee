//! What a human's word changes, where two journals tell of moves that cannot both be true.
//!
//! Somebody looked which database instance is the newest writer and where DNS leads, and said which
//! journal is true. Its state stands, and nothing of the other is forgotten: the run is history,
//! every hold of either stays recorded, and a member that the other made the writer is one that was
//! left: neither trusted to be stopped nor promoted before it is rebuilt.

use super::import::is;
use super::intent::Stands;
use super::ledger::Ledger;
use super::record::{Entry, Record};
use super::state::{Ended, Phase, Run, StepRun, StepState};
use crate::databases::rds::Fence;
use crate::model::Site;
use crate::plan::Effect;

impl Ledger {
    /// The site that has the writer once this import is taken in, if somebody's word decides it.
    #[must_use]
    pub fn writer_by_word(&self, record: &Record) -> Option<(Stands, Site)> {
        let Record::Imported { after, continues, entries, stands: Some(word), .. } = record else {
            return None;
        };
        let writer = match word {
            Stands::Ours => self.leads_to(),
            Stands::Theirs => {
                let foreign = self.joined((*after, *continues), entries).ok()?;
                self.beside(&foreign).leads_to()
            }
        };
        Some((*word, writer))
    }

    /// Lets the named state stand, `theirs` being what the foreign entries make of this one.
    pub(super) fn by_word(&mut self, word: Stands, foreign: &[Entry], theirs: Self) {
        let lost = match word {
            Stands::Ours => {
                // What they promoted is no member any more, if another stands in its place.
                let replaced = theirs.run.as_ref().is_some_and(|t| self.renamed_from(t).is_some());
                let (writer, held) = (theirs.writer.filter(|_| !replaced), theirs.held());
                self.remember(theirs);
                self.hold_too(held);
                writer
            }
            Stands::Theirs => {
                let ours = std::mem::replace(self, theirs);
                self.goes_on(foreign, ours.run.as_ref());
                // What they let go may have been taken here again.
                self.hold_too(ours.held());
                ours.writer
            }
        };
        self.leave(lost);
        self.owe_again();
        self.see_again();
        self.look_again();
    }

    /// The same run was over here and went on there: it is as far as it came there.
    fn goes_on(&mut self, foreign: &[Entry], ours: Option<&Run>) {
        let same = |run: &&mut Run| ours.is_some_and(|ours| ours.closed() && is(ours, run));
        let Some(run) = self.run.as_mut().filter(same) else { return };
        let abandoned = |step: &&mut StepRun| step.state == StepState::Abandoned;
        run.steps.values_mut().filter(abandoned).for_each(|step| step.state = StepState::Pending);
        let closes = |record: &Record| matches!(record, Record::Closed { .. });
        if !foreign.iter().flat_map(|entry| &entry.records).any(closes) {
            let moves = run.moving_since.is_some();
            run.phase = if moves { Phase::Moving } else { Phase::Prewarm };
            run.closed_at = None;
        }
    }

    /// The member that the other journal made the writer is not the writer: what was written to it
    /// is nowhere else, and whoever stopped it may have done so before.
    fn leave(&mut self, lost: Option<Site>) {
        // Home has the writer until somebody promotes another.
        let writer = self.writer.unwrap_or(Site::Home);
        if let Some(site) = lost.filter(|site| *site != writer) {
            self.fenced.remove(&site);
            self.quarantined.insert(site);
        }
    }

    /// What the run owes to the site that it left may have been undone by the other: it is done
    /// again. A fence that was confirmed there counts as one that was not, and what told that it
    /// was is older than the doubt.
    fn owe_again(&mut self) {
        let Some(run) = &mut self.run else { return };
        let goes_forward = run.committed || run.closed();
        for (id, step) in &mut run.steps {
            let fence = matches!(&step.step.effect, Effect::Fence(Fence { member, .. })
                if self.quarantined.contains(&member.site));
            if fence {
                step.acted = None;
                run.outputs.remove(id);
            }
            let over = goes_forward && !step.step.standing;
            step.state = match step.state {
                StepState::Done if fence && over => StepState::Unknown,
                StepState::Done if fence || step.step.standing => StepState::Pending,
                StepState::Started if fence => StepState::Pending,
                state => state,
            };
        }
    }

    /// The move that stands is over only when it is seen from outside once more: the other may have
    /// closed its writer's door, or moved its capacity. One to standby that was over is open again
    /// for it; whatever is still held at home when home serves is released anyway.
    fn see_again(&mut self) {
        let leads = |run: &&mut Run| self.active == run.to();
        let Some(run) = self.run.as_mut().filter(leads) else { return };
        if run.phase == Phase::Closed(Ended::Moved) && run.to() == Site::Standby {
            (run.phase, run.closed_at) = (Phase::Moving, None);
        }
        if run.closed() {
            return;
        }
        for step in run.steps.values_mut().filter(|step| step.state == StepState::Done) {
            if matches!(step.step.effect, Effect::Serves(_)) {
                step.state = StepState::Pending;
            }
        }
    }
}
