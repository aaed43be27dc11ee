//! Intents become claims: each uid is looked at once, and either followed or refused with a reason.

use std::sync::Arc;

use crate::bugs::{self, Bug};
use crate::model::{Place, RunId, Site, Span, Wall};
use crate::op::IntentObject;
use crate::plan::{EffectKind, Incomplete, PlanKind, unwind};
use crate::run::{Ended, Intent, Phase, Record, Refusal, Run, StepRun, StepState, Trigger};
use crate::step::{Question, QuestionKind};

use super::begin;
use super::collect;
use super::group::{Group, Host};

/// How long an intent may wait for a leader before it must be said again.
const INTENT_LASTS: Span = Span::mins(10);

impl Group {
    /// Takes the first intent that was not looked at yet, if the chain is settled.
    pub(super) fn take_intent(&mut self, host: &Host<'_>, intents: &[IntentObject]) {
        if !self.desk.leading(&host.seat()) || self.desk.acting() {
            return;
        }
        let fresh = |intent: &&IntentObject| {
            intent.group == self.policy.group && !self.ledger().taken.contains(&intent.uid)
        };
        let Some(object) = intents.iter().find(fresh) else { return };
        let parsed = serde_json::from_str::<Intent>(&object.bytes);
        if matches!(parsed, Ok(Intent::Failover { .. })) && self.still_looks_for_claims() {
            return;
        }
        let (intent, outcome) = match parsed {
            Ok(intent) => {
                let outcome = in_time(host, &intent, object.at)
                    .and_then(|()| self.follow_intent(host, &intent, &object.by));
                (Some(intent.recorded()), outcome)
            }
            Err(e) => (None, Err(Refusal::Unreadable(e.to_string()))),
        };
        let (refused, records) = match outcome {
            Ok(records) => (None, records),
            Err(refusal) => (Some(refusal), Vec::new()),
        };
        self.told |= refused.is_none();
        let (uid, by) = (Arc::clone(&object.uid), object.by.clone());
        // A new claim must come first: everything in its entry is written under it.
        let (claims, others): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| matches!(record, Record::Claimed { .. }));
        claims.into_iter().for_each(|record| self.desk.push(record));
        self.desk.push(Record::IntentTaken { uid, by, intent, refused });
        others.into_iter().for_each(|record| self.desk.push(record));
    }

    fn follow_intent(
        &self,
        host: &Host<'_>,
        intent: &Intent,
        by: &str,
    ) -> Result<Vec<Record>, Refusal> {
        let human = |reason: &String| Trigger::Human { by: by.into(), reason: reason.clone() };
        match intent {
            Intent::Failover { accept_loss, reason, break_glass } => {
                if break_glass.is_none() {
                    self.unclaimed()?;
                }
                let reason = match break_glass {
                    Some(dead) => format!("{reason} (break-glass: {dead})"),
                    None => reason.clone(),
                };
                let ordered = (human(&reason), break_glass.is_some());
                self.failover_by_hand(host, ordered, *accept_loss)
            }
            Intent::Switchover { reason } => self.move_by_hand(host, human(reason), Site::Standby),
            Intent::Failback { reason } => self.move_by_hand(host, human(reason), Site::Home),
            Intent::Approve { run, accept_loss, accept_unfenced, keep_trying } => {
                self.approve(host, run, (*accept_loss, *accept_unfenced, *keep_trying), by)
            }
            Intent::Cancel { run } => self.cancel(run, by),
            Intent::Pause { reason } => Ok(vec![Record::Paused { reason: reason.clone() }]),
            Intent::Resume => Ok(vec![Record::Resumed]),
            Intent::Arm => self.arm(host),
            Intent::Import { entries, facts, stands, .. } => {
                let (group, facts) = (&self.policy.group, facts.as_deref());
                let record = self.ledger().import(group, entries, facts, *stands)?;
                self.no_replica_writes(host, &record)?;
                Ok(vec![record])
            }
        }
    }

    /// A word by which the writer would be what is seen to be a replica is a slip: an import is not
    /// taken back.
    fn no_replica_writes(&self, host: &Host<'_>, record: &Record) -> Result<(), Refusal> {
        let Some((word, site)) = self.ledger().writer_by_word(record) else { return Ok(()) };
        let seen = self.instance_now(site, host.now.mono).and_then(Option::as_ref);
        match seen.and_then(|instance| instance.source.as_ref()) {
            None => Ok(()),
            Some(source) => Err(Refusal::BadImport(format!(
                "`--stands {}` says that {site} has the newest writer, and its database instance \
                 is a replica of {source}",
                word.word()
            ))),
        }
    }

    /// Whether it was not yet tried everywhere to see whose claim stands.
    fn still_looks_for_claims(&self) -> bool {
        self.survey.claims_seen(&self.known, self.active().other()) == Ok(false)
    }

    /// What somebody else does for the group, or did, is imported before anything is begun here.
    fn unclaimed(&self) -> Result<(), Refusal> {
        self.foreign_claim().map_or(Ok(()), |claim| Err(Refusal::ForeignClaim(claim.clone())))
    }

    fn failover_by_hand(
        &self,
        host: &Host<'_>,
        ordered: (Trigger, bool),
        accept_loss: Option<Span>,
    ) -> Result<Vec<Record>, Refusal> {
        let (trigger, dead) = ordered;
        let open = self.ledger().open_run();
        let anew = dead || open.is_some_and(gives_way);
        match open {
            None => self.unfenced()?,
            Some(run) if begin::is_prewarm(run) => {}
            // What has moved the traffic is not moved back by who wants it moved.
            Some(run) if !anew || self.active() != run.from => {
                return Err(Refusal::RunOpen(run.id.clone()));
            }
            // It can only go forward, to where it was wanted.
            Some(run) if run.committed => return Ok(Vec::new()),
            Some(_) => {}
        }
        let seen = self.survey.claims_seen(&self.known, self.active().other());
        seen.map_err(Refusal::NotReady)?;
        if let Some(why) = begin::nothing_to_promote(self, host) {
            return Err(Refusal::NotReady(why));
        }
        let evidence = begin::evidence(self, begin::left_at(self, host.now));
        let question = begin::failover_question(self, evidence.as_ref(), false);
        if let Some(question) = &question {
            enough(question.loss(), accept_loss)?;
        }
        begin::failover_ordered(self, host, (trigger, anew), evidence).map_err(incomplete)
    }

    fn move_by_hand(
        &self,
        host: &Host<'_>,
        trigger: Trigger,
        to: Site,
    ) -> Result<Vec<Record>, Refusal> {
        if let Some(run) = self.ledger().open_run() {
            return Err(Refusal::RunOpen(run.id.clone()));
        }
        self.unclaimed()?;
        if self.active() == to {
            return Err(Refusal::AlreadyThere(to));
        }
        self.unfenced()?;
        // What is not known to stream would be renamed and made anew.
        if self.policy.database.is_some() && self.instance_now(to, host.now.mono).is_none() {
            let why = format!("RDS does not say whether {to}'s replica streams; try again");
            return Err(Refusal::NotReady(why));
        }
        begin::planned(self, host, trigger, None).map_err(incomplete)
    }

    /// A site whose old writer may still be running takes no traffic, and no new run buries the
    /// obligation to stop it.
    fn unfenced(&self) -> Result<(), Refusal> {
        let open: Vec<_> = self.ledger().run.iter().flat_map(|run| run.standing()).collect();
        let Some((step, _)) = open.first() else { return Ok(()) };
        Err(Refusal::NotReady(format!(
            "{} is not fit to take traffic: {step} and {} more obligations are open",
            self.active().other(),
            open.len() - 1
        )))
    }

    fn approve(
        &self,
        host: &Host<'_>,
        run: &RunId,
        (accept_loss, accept_unfenced, keep_trying): (Option<Span>, bool, bool),
        by: &str,
    ) -> Result<Vec<Record>, Refusal> {
        let open = self.ledger().open_run().filter(|open| open.id == *run);
        let open = open.ok_or_else(|| Refusal::NoSuchRun(run.clone()))?;
        let asked = open.asks().next();
        let (step, question, _) = asked.ok_or_else(|| Refusal::NothingAsked(run.clone()))?;
        // It may have been said a while ago, to another question.
        if keep_trying && question.kind != QuestionKind::Overdue {
            let asks = format!("{run} does not ask whether to keep trying; {step} asks");
            return Err(Refusal::NotReady(format!("{asks}: {}", question.why)));
        }
        self.still_fails(host, open, question)?;
        if question.kind == QuestionKind::AcceptLoss {
            enough(question.loss(), accept_loss)?;
        }
        if question.kind == QuestionKind::UnconfirmedFence && !accept_unfenced {
            return Err(Refusal::Unfenced(open.from));
        }
        let (step, by) = (step.clone(), by.into());
        let accept_loss_ms = accept_loss.map(Span::as_millis);
        Ok(vec![Record::Answered { step, by, accept_loss_ms }])
    }

    /// A yes to leave a site that has come back meanwhile was said of what is over: what users
    /// write there now is in nobody's estimate.
    fn still_fails(&self, host: &Host<'_>, run: &Run, question: &Question) -> Result<(), Refusal> {
        let leaves = matches!(question.kind, QuestionKind::Approve | QuestionKind::AcceptLoss);
        let back = self.sampler.site(run.from).looks_served(host.now.mono);
        if !(leaves && run.is_automatic_failover() && back) || bugs::on(Bug::LateYesStands) {
            return Ok(());
        }
        let (id, from, group) = (&run.id, run.from, &self.policy.group);
        Err(Refusal::NotReady(format!(
            "{from} is seen to serve again, which {id} did not know when it asked; it goes back by \
             itself if that lasts. To leave {from} all the same: \
             `bowline cancel {group} --run {id}`, then `bowline failover {group}`"
        )))
    }

    fn cancel(&self, run: &RunId, by: &str) -> Result<Vec<Record>, Refusal> {
        let ledger = self.ledger();
        let open = ledger.open_run().filter(|open| open.id == *run);
        let open = open.ok_or_else(|| Refusal::NoSuchRun(run.clone()))?;
        if open.committed {
            return Err(Refusal::Committed(run.clone()));
        }
        let unwinds = matches!(open.phase, Phase::Unwinding { .. });
        let why = format!("cancelled by {by}");
        if let Some(claim) = self.foreign_claim() {
            // Nothing may be undone beside another's claim: the holds stay with the group, and are
            // released when it comes home.
            let why = format!("{why}, beside {claim}; its holds stay");
            let back = (!unwinds).then(|| Record::Unwinding { why: why.clone() });
            let closed = Record::Closed { ended: Ended::Unwound(why) };
            return Ok(back.into_iter().chain([closed]).collect());
        }
        if unwinds {
            return Ok(Vec::new());
        }
        let plan = Box::new(unwind(open.kind, open.from, &self.desk.undo(), &open.clusters()));
        Ok(vec![Record::Unwinding { why }, Record::Planned { plan, moves: false }])
    }

    fn arm(&self, host: &Host<'_>) -> Result<Vec<Record>, Refusal> {
        self.unclaimed()?;
        if self.active() != Site::Home {
            return Err(Refusal::NotReady("a group is armed while home serves".into()));
        }
        let serving = self.sampler.serving(Site::Home, host.now.mono).verdict;
        if serving != crate::model::Answer3::Yes {
            return Err(Refusal::NotReady(format!("home serving: {serving}")));
        }
        if self.lacks_instance(Site::Standby, host.now.mono) {
            return Err(Refusal::NotReady(
                "standby has no database instance: `bowline switchover` makes one from home's"
                    .into(),
            ));
        }
        collect::facts(&self.policy, &self.known, host.now.wall).map_err(incomplete)?;
        if self.facts.get().is_none() {
            return Err(Refusal::NotReady("the facts are not recorded yet; try again".into()));
        }
        Ok(vec![Record::Armed])
    }
}

/// Whether an intent is young enough to mean what is now. A wish that lay about while nobody led
/// must not move an application back that somebody else has moved meanwhile. A pause only holds.
fn in_time(host: &Host<'_>, intent: &Intent, at: Wall) -> Result<(), Refusal> {
    let old = host.now.wall.since(at) > INTENT_LASTS && !matches!(intent, Intent::Pause { .. });
    if old { Err(Refusal::TooOld { at }) } else { Ok(()) }
}

/// Whether as much was accepted as may be lost; an unknown loss needs a human to name any.
fn enough(needed: Option<Span>, accepted: Option<Span>) -> Result<(), Refusal> {
    match (needed, accepted) {
        (Some(needed), Some(accepted)) if accepted >= needed => Ok(()),
        (None, Some(_)) => Ok(()),
        (needed, _) => {
            // Shown in whole seconds, rounded up, so that it can be typed back.
            let needed = needed.map(|needed| Span::secs(needed.as_millis().div_ceil(1_000)));
            Err(Refusal::MoreLoss { needed })
        }
    }
}

fn incomplete(incomplete: Incomplete) -> Refusal {
    Refusal::Incomplete(incomplete.to_string())
}

/// Whether a failover that is ordered takes the place of a run: one that was planned, or goes back,
/// waits for a site that may be dead, and nothing of it is for good. Its holds stay the group's.
pub(super) fn gives_way(run: &Run) -> bool {
    let back = matches!(run.phase, Phase::Unwinding { .. });
    !run.committed && (back || run.kind != PlanKind::Failover) && !makes_member(run)
}

/// Whether a run has begun to make the member anew that a failover would promote.
fn makes_member(run: &Run) -> bool {
    let there = |step: &&StepRun| step.step.touches == Place::Site(run.to());
    let mut begun = run.steps.values().filter(there).filter(|step| step.acted.is_some());
    let kind = |step: &StepRun| step.step.effect.kind();
    let begins =
        begun.any(|step| matches!(kind(step), EffectKind::Rename | EffectKind::CreateReplica));
    let made =
        |step: &StepRun| kind(step) == EffectKind::CreateReplica && step.state == StepState::Done;
    begins && !run.steps.values().any(made)
}

#[cfg(test)]
#[path = "intents_tests.rs"]
mod tests;
