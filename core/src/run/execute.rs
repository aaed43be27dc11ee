//! Executing a run: from the ledger, answers and the time to calls and records.
//!
//! ```text
//! Idle → Looking → as wanted?  → Done
//!                → one call?   → Confirming (what must still be so) → Recording (Started
//!                                accepted) → Acting → Idle: look again
//!                → otherwise   → Until
//! ```
//! A step that was cut off anywhere begins at Idle: it looks before it calls again.

use std::collections::BTreeMap;

use super::activity::{Activity, Confirming, Look, Now as Does};
use super::calls::Calls;
use super::doing::{Allowed, Doing, Slot};
use super::ledger::Ledger;
use super::record::Record;
use super::state::{Phase, Run, StepRun};
use crate::bugs::{self, Bug};
use crate::model::{Claim, Epoch, GroupName, Mono, Now, Place, RunId, Span, StepId};
use crate::op::{Answer, Fault, Op};
use crate::plan::OnTimeout;
use crate::step::{Context, Hold, Judgement, Outputs, Question, QuestionKind};

/// How long one call of a step may take. A dead Region never answers.
const CALL_TIMEOUT: Span = Span::secs(10);

/// What the world disagreed about is looked at again so often.
const DISAGREES: Span = Span::secs(10);

/// How old what must still be so may be when the call that depends on it is sent. Two looks and a
/// record may take their time, each with a deadline.
const FRESH: Span = Span::secs(20);

/// How long a site that answers again is spared: one that answers now and then is not for ever.
const SPARED: Span = Span::secs(30);

/// How often a steady state is looked at.
const STEADY: Span = Span::secs(3);

/// One replica's work on one run.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    activities: BTreeMap<StepId, Activity>,
    /// The run that they are of.
    run: Option<RunId>,
    /// No look that was forgotten had a higher number: a late answer to it fits none of ours.
    forgotten: u64,
    /// What became of the calls that were recorded.
    pub(super) calls: Calls,
    /// What it may do for now.
    allowed: Allowed,
}

/// The frame of one pass over the run.
struct Pass<'a> {
    group: &'a GroupName,
    ledger: &'a Ledger,
    run: &'a Run,
    claim: &'a Claim,
    now: Now,
    /// Whether nothing is changed yet at the site that a move leaves.
    spares: bool,
    out: Vec<Doing>,
}

impl Execution {
    /// Forgets everything, as a crash does, but which calls were sent, and which never were.
    pub fn forget(&mut self) {
        self.forget_steps();
        self.calls.forget_answers();
    }

    fn forget_steps(&mut self) {
        let last = self.activities.values().map(|activity| activity.generation).max();
        self.forgotten = self.forgotten.max(last.unwrap_or_default());
        self.activities.clear();
    }

    /// Whether an answer to this call would be heard.
    #[must_use]
    pub fn awaits(&self, slot: &Slot) -> bool {
        self.activities.get(&slot.step).is_some_and(|activity| {
            activity.generation == slot.generation && activity.awaits(slot.index)
        })
    }

    /// What two executions have in common that behave alike from `due` on: [`super::Desk::gist`].
    pub(super) fn gist(&self, ledger: &Ledger, due: Mono) -> String {
        let steps = ledger.run.as_ref().map(|run| &run.steps);
        let mut gist = self.calls.gist();
        for (id, activity) in &self.activities {
            let timeout = steps.and_then(|steps| steps.get(id)?.step.timeout);
            gist += &format!("{id}: {}; ", activity.gist(timeout, due));
        }
        gist
    }

    /// What a step last said or met, for people.
    #[must_use]
    pub fn note(&self, step: &StepId) -> Option<&str> {
        self.activities.get(step).map(|activity| activity.note.as_str())
    }

    /// The standing steps that found something else than they were planned for, and what. Nothing
    /// waits for them, so they ask nobody.
    pub fn at_odds(&self) -> impl Iterator<Item = (&StepId, &str)> {
        let odd = self.activities.iter().filter(|(_, activity)| activity.at_odds);
        odd.map(|(step, activity)| (step, activity.note.as_str()))
    }

    /// Whether a call that changes something is on its way: what it does is not known yet.
    #[must_use]
    pub fn acting(&self) -> bool {
        self.activities.values().any(|activity| matches!(activity.doing, Does::Acting))
    }

    /// Lets a move do so much; whether that is news.
    pub(super) fn allow(&mut self, allowed: Allowed) -> bool {
        std::mem::replace(&mut self.allowed, allowed) != allowed
    }

    fn waits(&self, run: &Run, step: &StepRun) -> bool {
        self.allowed == Allowed::Claims && run.is_own(step) && !step.step.effect.claims()
    }

    /// Goes over the steps that can be worked on.
    pub fn poll(&mut self, group: &GroupName, ledger: &Ledger, now: Now) -> Vec<Doing> {
        let (Some(run), Some(claim)) = (&ledger.run, &ledger.claim) else { return Vec::new() };
        self.calls.settle(ledger);
        let spares = self.allowed == Allowed::Spares;
        let mut pass = Pass { group, ledger, run, claim, now, spares, out: Vec::new() };
        // A run that took another one's place has steps of the same names.
        if self.run.as_ref() != Some(&run.id) {
            self.forget_steps();
            self.calls.begin(claim.epoch);
            self.run = Some(run.id.clone());
        }
        self.activities.retain(|id, _| run.steps.get(id).is_some_and(StepRun::open));
        for (id, step) in run.runnable() {
            if self.waits(run, step) {
                continue;
            }
            let new = || Activity::new(now.mono, self.forgotten);
            let activity = self.activities.entry(id.clone()).or_insert_with(new);
            pass.advance(id, step, activity);
        }
        pass.finish(self.activities.values().any(|a| matches!(a.doing, Does::Recording(_))))
    }

    /// When [`Execution::poll`] is next worth while, but for replies.
    #[must_use]
    pub fn wake_at(&self, ledger: &Ledger) -> Option<Mono> {
        let run = ledger.run.as_ref()?;
        let due = |(id, activity): (&StepId, &Activity)| {
            let step = run.steps.get(id).filter(|step| !self.waits(run, step))?;
            let look = match activity.doing {
                Does::Until(at) => Some(at),
                Does::Recording(_) => return None,
                _ => None,
            };
            let overdue = step.step.timeout.filter(|_| step.unanswered().is_none());
            let overdue = overdue.map(|timeout| activity.since + timeout);
            look.into_iter().chain(overdue).min()
        };
        self.activities.iter().filter_map(due).min()
    }

    /// Takes what became of a call.
    pub fn reply(&mut self, slot: &Slot, now: Now, result: Result<Answer, Fault>) {
        let Some(activity) = self.activities.get_mut(&slot.step) else { return };
        if activity.generation != slot.generation {
            return;
        }
        match &mut activity.doing {
            Does::Looking(look) => look.take(slot.index, result),
            Does::Confirming(confirming) => confirming.look.take(slot.index, result),
            Does::Acting => {
                let unknown = matches!(result, Err(Fault::Unknown(_)));
                if let Some(hold) = activity.takes.take().filter(|_| !unknown) {
                    self.calls.answer(hold);
                }
                acted(activity, now.mono, result);
            }
            _ => {}
        }
    }

    /// A record is in the store: the call it announced may be sent, if `may_act`. One that rests on
    /// what was seen too long ago is not, nor one that the store has `held_up`: its step looks
    /// again.
    pub fn recorded(
        &mut self,
        record: &Record,
        (epoch, now): (Epoch, Mono),
        may_act: bool,
        held_up: bool,
    ) -> Option<Doing> {
        let (step, hold, first) = match record {
            Record::Started { step, hold, attempt, .. } => (step, hold.as_ref(), *attempt == 1),
            Record::Asked { step, .. } => (step, None, false),
            Record::Withheld { step } => {
                self.calls.take_back(&(epoch, step.clone()));
                return None;
            }
            _ => return None,
        };
        let under = (epoch, step.clone());
        self.calls.recorded(&under, first);
        let activity = self.activities.get_mut(step)?;
        let Does::Recording(op) = std::mem::replace(&mut activity.doing, Does::Idle) else {
            return None;
        };
        let stale = activity.fresh.take().is_some_and(|until| until < now) || held_up;
        activity.refused |= stale && first;
        let op = op.filter(|_| may_act && !stale)?;
        self.calls.send(under);
        activity.doing = Does::Acting;
        activity.takes = hold.map(|hold| hold.id.clone());
        activity.generation += 1;
        let slot = Slot { step: step.clone(), generation: activity.generation, index: 0 };
        Some(Doing::Call { slot, timeout: CALL_TIMEOUT, op })
    }
}

/// What an acting step does next: it looks, whatever the outcome.
fn acted(activity: &mut Activity, now: Mono, result: Result<Answer, Fault>) {
    activity.generation += 1;
    activity.refused = result.as_ref().is_err_and(Fault::did_nothing);
    match result {
        Ok(answer) => {
            if let Answer::Change(id) = answer {
                activity.change = Some(id.to_string());
            }
            activity.failures = 0;
            activity.doing = Does::Idle;
        }
        Err(Fault::Conflict(why)) if activity.failures == 0 => {
            (activity.failures, activity.note) = (1, why);
            activity.doing = Does::Idle;
        }
        Err(fault) => activity.back_off(now, &fault),
    }
}

impl Pass<'_> {
    fn advance(&mut self, id: &StepId, step: &StepRun, activity: &mut Activity) {
        if self.overdue(id, step, activity) {
            return;
        }
        if matches!(activity.doing, Does::Until(at) if at <= self.now.mono || woken(step)) {
            activity.doing = Does::Idle;
        }
        if matches!(activity.doing, Does::Idle) {
            if let Some(op) = repeated(step, activity) {
                return self.repeat(id, activity, op);
            }
            activity.generation += 1;
            activity.doing = Does::Looking(Look::default());
        }
        self.look(id, step, activity);
        self.confirm(id, step, activity);
    }

    /// Sends a call that no record of this attempt allows: what only deliberate bugs do.
    fn repeat(&mut self, id: &StepId, activity: &mut Activity, op: &Op) {
        activity.generation += 1;
        activity.doing = Does::Acting;
        let slot = Slot { step: id.clone(), generation: activity.generation, index: 0 };
        self.out.push(Doing::Call { slot, timeout: CALL_TIMEOUT, op: op.clone() });
    }

    /// Asks for the next calls of a look, or judges a complete one.
    fn look(&mut self, id: &StepId, step: &StepRun, activity: &mut Activity) {
        let Activity { refused, doing: Does::Looking(look), .. } = activity else { return };
        if !look.complete() {
            return;
        }
        let cx = self.context(step, *refused);
        let ops = step.step.effect.procedure().observe(&cx, look.seen());
        if ops.is_empty() {
            let judgement = step.step.effect.procedure().judge(&cx, look.seen());
            return self.judged(id, step, activity, judgement);
        }
        let first = look.reserve(ops.len());
        self.ask_world(id, step, (activity.generation, first), ops);
    }

    /// Makes the calls of a look, whose answers have positions from `first` on.
    fn ask_world(
        &mut self,
        id: &StepId,
        step: &StepRun,
        (generation, first): (u64, usize),
        ops: Vec<Op>,
    ) {
        for (offset, op) in ops.into_iter().enumerate() {
            let slot = Slot { step: id.clone(), generation, index: first + offset };
            self.out.push(Doing::Call { slot, timeout: call_timeout(step), op });
        }
    }

    /// Looks again at one step after the other that must still be so, and acts if all are. A step
    /// that is not so any more is waited for.
    fn confirm(&mut self, id: &StepId, step: &StepRun, activity: &mut Activity) {
        while let Does::Confirming(confirming) = &mut activity.doing {
            if !confirming.look.complete() {
                return;
            }
            if self.now.mono > confirming.since + FRESH {
                // Nothing is recorded that would not be sent.
                activity.note = "what must still be so takes long to be seen".into();
                activity.doing = Does::Until(self.now.mono + STEADY);
                return;
            }
            let next = step.step.still.get(confirming.met);
            let Some(other) = next.and_then(|id| self.run.steps.get(id)) else {
                activity.fresh = Some(confirming.since + FRESH);
                let act = confirming.act.clone();
                return self.act(id, step, activity, act);
            };
            let (cx, procedure) = (self.context(other, false), other.step.effect.procedure());
            let ops = procedure.observe(&cx, confirming.look.seen());
            if !ops.is_empty() {
                let first = confirming.look.reserve(ops.len());
                return self.ask_world(id, step, (activity.generation, first), ops);
            }
            match procedure.judge(&cx, confirming.look.seen()) {
                Ok(Judgement::Done { .. } | Judgement::Steady { .. }) => {
                    (confirming.met, confirming.look) = (confirming.met + 1, Look::default());
                    activity.generation += 1;
                }
                not_so => return self.judged(id, step, activity, not_so),
            }
        }
    }

    fn context<'a>(&'a self, step: &'a StepRun, refused: bool) -> Context<'a> {
        Context {
            group: self.group,
            claim: self.claim,
            now: self.now,
            planned_at: step.planned_at,
            acted: step.acted.as_ref().filter(|_| !refused),
            outputs: &self.run.outputs,
            holds: &self.ledger.holds,
        }
    }

    fn judged(
        &mut self,
        id: &StepId,
        step: &StepRun,
        activity: &mut Activity,
        judgement: Result<Judgement, Fault>,
    ) {
        let judgement = match judgement {
            Ok(judgement) => judgement,
            Err(fault) => {
                activity.steady = None;
                return activity.back_off(self.now.mono, &fault);
            }
        };
        let disagrees = matches!(judgement, Judgement::Disagrees(_));
        activity.at_odds = step.step.standing && disagrees;
        // Who would act may not be done with looking.
        if !matches!(judgement, Judgement::Act { .. }) {
            activity.failures = 0;
        }
        if !matches!(judgement, Judgement::Steady { .. }) {
            activity.steady = None;
        }
        match judgement {
            Judgement::Done { outputs, note } => self.done(id, activity, outputs, note),
            Judgement::Steady { hold, outputs, note } => {
                let (since, _) = *activity.steady.get_or_insert((self.now.mono, hold));
                if self.now.mono.since(since) >= hold {
                    return self.done(id, activity, outputs, note);
                }
                activity.note = note;
                activity.doing = Does::Until((self.now.mono + STEADY).min(since + hold));
            }
            Judgement::Act { .. } if self.spares(step, activity) => {
                activity.note = "the site answers again, and is looked at first".into();
                activity.doing = Does::Until(self.now.mono + STEADY);
            }
            Judgement::Act { op, hold, note }
                if step.step.still.is_empty() || bugs::on(Bug::ShiftsOnOldLooks) =>
            {
                self.act(id, step, activity, (op, hold, note));
            }
            Judgement::Act { op, hold, note } => {
                activity.generation += 1;
                let (act, since) = ((op, hold, note), self.now.mono);
                let confirming = Confirming { act, met: 0, look: Look::default(), since };
                activity.doing = Does::Confirming(Box::new(confirming));
            }
            Judgement::Wait { note, again } => {
                activity.note = note;
                activity.doing = Does::Until(self.now.mono + again);
            }
            Judgement::Ask(question) => self.ask(id, step, activity, *question),
            Judgement::Fenced(claim) => {
                activity.doing = Does::Until(self.now.mono + DISAGREES);
                self.out.push(Doing::Fenced(claim));
            }
            Judgement::Disagrees(why) => self.disagrees(id, step, activity, why),
        }
    }

    /// Whether a step must not change the site yet that its move leaves. It has its time anew then:
    /// what can be asked can be fenced.
    fn spares(&self, step: &StepRun, activity: &mut Activity) -> bool {
        let there = step.step.touches == Place::Site(self.run.from) && self.run.is_own(step);
        if !self.spares || !there || step.step.effect.claims() {
            return false;
        }
        let since = *activity.spares.get_or_insert(self.now.mono);
        if since == self.now.mono {
            activity.since = since;
        }
        self.now.mono.since(since) < SPARED
    }

    /// Records the call; it is sent once the record is in the store.
    fn act(
        &mut self,
        id: &StepId,
        step: &StepRun,
        activity: &mut Activity,
        (op, hold, note): (Op, Option<Box<Hold>>, String),
    ) {
        (activity.note, activity.failures) = (note, 0);
        let hold = hold.filter(|_| !bugs::on(Bug::ForgetsHolds));
        let op_record = Box::new(op.clone());
        activity.doing = Does::Recording(Some(op));
        activity.refused = false;
        let attempt = step.attempts + 1;
        if bugs::on(Bug::ActBeforeRecord) {
            self.repeat(id, activity, &op_record);
        }
        let step = id.clone();
        self.out.push(Doing::Write(Record::Started { step, attempt, op: op_record, hold }));
    }

    fn done(&mut self, id: &StepId, activity: &mut Activity, mut outputs: Outputs, note: String) {
        if let Some(change) = activity.change.take() {
            outputs.insert("change".into(), change.into());
        }
        activity.doing = Does::Recording(None);
        activity.note.clone_from(&note);
        let step = id.clone();
        self.out.push(Doing::Write(Record::Done { step, outputs, note, unknown: false }));
    }

    /// A question whose yes ends the step.
    fn ask(&mut self, id: &StepId, step: &StepRun, activity: &mut Activity, question: Question) {
        if let Some(reply) = &step.answered {
            let note = format!("{} said yes", reply.by);
            return self.done(id, activity, Outputs::new(), note);
        }
        self.ask_once(id, step, activity, question);
    }

    fn ask_once(
        &mut self,
        id: &StepId,
        step: &StepRun,
        activity: &mut Activity,
        question: Question,
    ) {
        activity.note.clone_from(&question.why);
        if step.asked.as_ref().is_some_and(|(asked, _)| *asked == question) {
            activity.doing = Does::Until(self.now.mono + DISAGREES);
            return;
        }
        activity.doing = Does::Recording(None);
        self.out.push(Doing::Write(Record::Asked { step: id.clone(), question }));
    }

    fn disagrees(&mut self, id: &StepId, step: &StepRun, activity: &mut Activity, why: String) {
        if step.step.standing || asks_about_a_fence(step) {
            activity.note = why;
            activity.doing = Does::Until(self.now.mono + DISAGREES);
            return;
        }
        let question = Question {
            kind: QuestionKind::Overdue,
            why,
            loss_ms: None,
            otherwise: "nothing is changed; the step keeps looking".into(),
        };
        self.ask_once(id, step, activity, question);
    }

    /// Whether the step's time is over and that was dealt with.
    fn overdue(&mut self, id: &StepId, step: &StepRun, activity: &mut Activity) -> bool {
        let Some(timeout) = step.step.timeout else { return false };
        let waiting = matches!(activity.doing, Does::Recording(_));
        if waiting || self.now.mono.since(activity.since) < timeout {
            return false;
        }
        let met = if activity.note.is_empty() { "no answer" } else { activity.note.as_str() };
        let why = format!("{id} is not done after {timeout}: {met}");
        match step.step.on_timeout {
            OnTimeout::Proceed => self.proceed(id, activity, why),
            OnTimeout::Fail if !self.run.committed && self.run.phase == Phase::Moving => {
                self.out.push(Doing::Unwind(why));
                true
            }
            OnTimeout::Fail | OnTimeout::Ask => self.overdue_ask(id, step, activity, why),
        }
    }

    fn proceed(&mut self, id: &StepId, activity: &mut Activity, note: String) -> bool {
        activity.doing = Does::Recording(None);
        activity.generation += 1;
        let (step, outputs) = (id.clone(), Outputs::new());
        let unknown = !bugs::on(Bug::TimeoutIsAFence);
        self.out.push(Doing::Write(Record::Done { step, outputs, note, unknown }));
        true
    }

    /// Asks; the step goes on trying meanwhile. A yes to an unconfirmed fence ends it as unknown,
    /// one to anything else that a fence has asked does not. A yes to another step gives it its
    /// time once more; then it asks again, so that no run waits in silence for what will not come.
    fn overdue_ask(
        &mut self,
        id: &StepId,
        step: &StepRun,
        activity: &mut Activity,
        why: String,
    ) -> bool {
        let fence = matches!(step.step.effect, crate::plan::Effect::Fence(_));
        match (&step.asked, &step.answered) {
            (Some(_), Some(_)) if asks_about_a_fence(step) => self.proceed(id, activity, why),
            (Some(_), Some(reply)) if !fence && activity.renewed != Some(reply.at) => {
                (activity.renewed, activity.since) = (Some(reply.at), self.now.mono);
                false
            }
            (Some(_), None) if !fence || asks_about_a_fence(step) => false,
            _ if matches!(activity.doing, Does::Acting) => false,
            _ => {
                let kind =
                    if fence { QuestionKind::UnconfirmedFence } else { QuestionKind::Overdue };
                let otherwise = "the step keeps trying".into();
                let question = Question { kind, why, loss_ms: None, otherwise };
                activity.generation += 1;
                activity.doing = Does::Recording(None);
                self.out.push(Doing::Write(Record::Asked { step: id.clone(), question }));
                true
            }
        }
    }

    /// What is left to say when every step was advanced.
    fn finish(mut self, recording: bool) -> Vec<Doing> {
        if !recording && self.out.is_empty() && self.run.finished() {
            let ended = match &self.run.phase {
                Phase::Moving => Some(super::state::Ended::Moved),
                Phase::Unwinding { why } => Some(super::state::Ended::Unwound(why.clone())),
                Phase::Prewarm | Phase::Closed(_) => None,
            };
            self.out.extend(ended.map(|ended| Doing::Write(Record::Closed { ended })));
        }
        self.out
    }
}

/// An answer came: whoever waited for it looks at once.
fn woken(step: &StepRun) -> bool {
    step.asked.is_some() && step.answered.is_some()
}

/// The call that is sent again without a look: none.
fn repeated<'a>(step: &'a StepRun, activity: &Activity) -> Option<&'a Op> {
    let failed = bugs::on(Bug::BlindRetry) && activity.failures > 0;
    let taken_over = bugs::on(Bug::TakeoverRepeats) && activity.generation == 0;
    step.acted.as_ref().filter(|_| failed || taken_over).map(|acted| &acted.op)
}

/// Calls to the site that failed are given up sooner than others.
fn call_timeout(step: &StepRun) -> Span {
    match step.step.touches {
        _ if bugs::on(Bug::LongCalls) => Span::mins(2),
        Place::Site(_) if step.step.on_timeout == OnTimeout::Proceed => Span::secs(5),
        _ => CALL_TIMEOUT,
    }
}

/// Whether a step's last question was what to do about an old writer that may still be running.
fn asks_about_a_fence(step: &StepRun) -> bool {
    let asked = step.asked.as_ref();
    asked.is_some_and(|(question, _)| question.kind == QuestionKind::UnconfirmedFence)
}
