//! Beginning a run, or giving an open one the plan of the move: the records that are written at
//! once.

use std::collections::{BTreeMap, BTreeSet};

use crate::bugs::{self, Bug};
use crate::databases::evidence::{Evidence, Grade};
use crate::model::{Claim, Epoch, Now, ResourceId, RunId, Site, Span, StepId, Wall};
use crate::plan::{
    Effect, Facts, Incomplete, Plan, PlanKind, Step, Survey, failover, lint, planned_move,
    prewarm as plan_prewarm, unwind,
};
use crate::policy::Mode;
use crate::run::{Desk, Ended, Ledger, Phase, Record, Run, Trigger};
use crate::step::{Held, Hold, HoldId, Mark, Question, QuestionKind};

use super::group::{Group, Host};
use super::words;

/// Starts nodes at the passive site while the confirm time runs.
pub(super) fn prewarm(group: &Group, host: &Host<'_>) -> Result<Vec<Record>, Incomplete> {
    let fault_at = fault_at(group, host.now);
    let begin = Begin::new(group, PlanKind::Failover, Trigger::Automatic, Some(fault_at));
    let plan = plan_prewarm(&begin.survey(group, &recorded(group)?, None, None))?;
    begin.records(group, host, plan, false)
}

/// The failover that policy allows; what it lacks is asked inside the run, while capacity starts.
pub(super) fn automatic_failover(
    group: &Group,
    host: &Host<'_>,
) -> Result<Vec<Record>, Incomplete> {
    let fault_at = fault_at(group, host.now);
    let evidence = worse(group, evidence(group, fault_at), host.now);
    let approve = group.policy.automation.failover == Mode::Approve;
    let question = failover_question(group, evidence.as_ref(), approve);
    let begin = Begin::new(group, PlanKind::Failover, Trigger::Automatic, Some(fault_at));
    failover_with(group, host, begin, (evidence, question))
}

/// A failover that a human ordered, who takes the loss there is. With `anew` it goes on with no
/// run: a copied journal does not tell what became of that since, and its claim is another's too.
pub(super) fn failover_ordered(
    group: &Group,
    host: &Host<'_>,
    (trigger, anew): (Trigger, bool),
    evidence: Option<Evidence>,
) -> Result<Vec<Record>, Incomplete> {
    let fault_at = left_at(group, host.now);
    let begin = match anew {
        true => Begin::anew(group, PlanKind::Failover, trigger, Some(fault_at)),
        false => Begin::new(group, PlanKind::Failover, trigger, Some(fault_at)),
    };
    failover_with(group, host, begin, (evidence, None))
}

/// Why a failover's promotion could not succeed, if that is seen.
pub(super) fn nothing_to_promote(group: &Group, host: &Host<'_>) -> Option<String> {
    group.nothing_to_promote(&recorded(group).ok()?, host.now.mono)
}

/// A failover, with what must be asked in it.
fn failover_with(
    group: &Group,
    host: &Host<'_>,
    begin: Begin,
    (evidence, question): (Option<Evidence>, Option<Question>),
) -> Result<Vec<Record>, Incomplete> {
    let facts = recorded(group)?;
    let plan = failover(&begin.survey(group, &facts, evidence, question))?;
    begin.records(group, host, plan, true)
}

/// The failback that policy allows.
pub(super) fn automatic_failback(
    group: &Group,
    host: &Host<'_>,
) -> Result<Vec<Record>, Incomplete> {
    let question = (group.policy.automation.failback == Mode::Approve).then(|| Question {
        kind: QuestionKind::Approve,
        why: words::failback_ready(group),
        loss_ms: None,
        otherwise: "the application stays at the standby site".into(),
    });
    planned(group, host, Trigger::Automatic, question)
}

/// A planned move.
pub(super) fn planned(
    group: &Group,
    host: &Host<'_>,
    trigger: Trigger,
    question: Option<Question>,
) -> Result<Vec<Record>, Incomplete> {
    let kind = match group.active() {
        Site::Home => PlanKind::Switchover,
        Site::Standby => PlanKind::Failback,
    };
    let begin = Begin::new(group, kind, trigger, None);
    let facts = recorded(group)?;
    let plan = planned_move(&begin.survey(group, &facts, None, question))?;
    begin.records(group, host, plan, true)
}

/// What is held at peace and should not be. The door of a writer that was left stays closed.
pub(super) fn left_behind(ledger: &Ledger) -> impl Iterator<Item = &Hold> {
    ledger.holds.values().filter(|hold| match hold.held {
        Held::Writer { .. } => !ledger.left_writer(hold.site),
        Held::Pool { .. } => !bugs::on(Bug::NeverScalesDown),
        Held::Workload { .. } | Held::Job { .. } => true,
    })
}

/// What lets go of what is held against the site that the open run leads to, and no step of it lets
/// go: the door of its writer, which a run of ours had closed on its way elsewhere, and at home
/// what an imported journal stopped after this run had started it.
pub(super) fn opens_its_way(desk: &Desk) -> Option<Record> {
    let ledger = desk.ledger();
    let writes = |run: &Run| ledger.writer.map_or(run.committed, |writer| writer == run.to());
    let leads = |run: &&Run| run.phase == Phase::Moving && writes(run);
    let run = ledger.open_run().filter(leads)?;
    let lets_go = |id: &HoldId| {
        let mut open = run.steps.values().filter(|step| step.open());
        open.any(|step| step.step.marks.contains(&Mark::Released(id.clone())))
    };
    let shut = |hold: &&Hold| match hold.held {
        Held::Writer { .. } => true,
        Held::Workload { .. } | Held::Job { .. } => run.to() == Site::Home && !lets_go(&hold.id),
        Held::Pool { .. } => false,
    };
    let against = ledger.holds.values().filter(|hold| hold.site == run.to()).filter(shut);
    let held: Vec<_> = against.cloned().map(|hold| desk.release(hold)).collect();
    let plan = Box::new(unwind(run.kind, run.from, &held, &run.clusters()));
    // How a door is opened may be known better by now; it is opened once.
    let late = |step: &Step| matches!(&step.effect, Effect::Reopen(reopen) if reopen.outlasts);
    let new = |(id, step): (&StepId, &Step)| !late(step) && !run.steps.contains_key(id);
    let new = plan.steps.iter().any(new);
    new.then_some(Record::Planned { plan, moves: false })
}

/// A run that only goes back: it releases what was left behind.
pub(super) fn tidy(group: &Group, host: &Host<'_>, left: &[Hold]) -> Vec<Record> {
    let (kind, from, trigger) = (PlanKind::Failover, group.active(), Trigger::Automatic);
    let evidence = left.iter().map(|hold| format!("still held: {}", hold.id)).collect();
    let held: Vec<_> = left.iter().cloned().map(|hold| group.desk.release(hold)).collect();
    let clusters = Site::BOTH.map(|site| group.policy.site(site).cluster.clone());
    let plan = Box::new(unwind(kind, from, &held, &clusters));
    let begin = Begin::anew(group, kind, trigger, None);
    let goes_back = [
        Record::Unwinding { why: words::LEFT_BEHIND.into() },
        Record::Planned { plan, moves: false },
    ];
    begin.opening(group, host, evidence).into_iter().chain(goes_back).collect()
}

/// What a human would begin now, and nothing of it begun.
pub(super) struct Drafted {
    /// The claim that the run would be opened under.
    pub(super) claim: Claim,
    /// The plan.
    pub(super) plan: Plan,
    /// What the human must accept in the command.
    pub(super) accept: Option<Question>,
    /// Since when the facts it rests on were recorded.
    pub(super) facts_at: Option<Wall>,
}

/// The plan of a move, from the facts recorded, or from what is seen now where none are.
pub(super) fn draft(group: &Group, kind: PlanKind, now: Now) -> Result<Drafted, Incomplete> {
    let begin = Begin::new(group, kind, Trigger::Automatic, None);
    let are_recorded = group.facts().is_some();
    let facts = match recorded(group) {
        Ok(facts) => facts,
        Err(_) => super::collect::facts(&group.policy, &group.known, now.wall)?,
    };
    let (evidence, accept) = match kind {
        PlanKind::Failover => {
            let evidence = evidence(group, left_at(group, now));
            let accept = failover_question(group, evidence.as_ref(), false);
            (evidence, accept)
        }
        _ => (None, None),
    };
    let survey = begin.survey(group, &facts, evidence, None);
    let plan = match kind {
        PlanKind::Failover => failover(&survey)?,
        _ => planned_move(&survey)?,
    };
    if let Some(danger) = lint(&plan, &begin.existing).first() {
        return Err(Incomplete(format!("a safe plan ({danger})")));
    }
    let claim = Claim::new(begin.epoch, begin.run);
    Ok(Drafted { claim, plan, accept, facts_at: are_recorded.then_some(facts.at) })
}

/// Replication as of the fault, for a group with a database (S10).
pub(super) fn evidence(group: &Group, fault_at: Wall) -> Option<Evidence> {
    let database = group.policy.database.as_ref()?;
    let passive = group.active().other();
    let samples = group.known.replication.get(&passive);
    let judge = |samples: &crate::databases::evidence::Replication| {
        samples.as_of(fault_at, database.max_lag, database.lag_fresh)
    };
    Some(
        samples.map_or(
            Evidence { grade: Grade::Missing, sample: None, fault_at, loss_ms: None },
            judge,
        ),
    )
}

/// Evidence that is no better than as of the fault that an open run was opened for, if nobody saw
/// that one end.
pub(super) fn worse(group: &Group, found: Option<Evidence>, now: Now) -> Option<Evidence> {
    let open = group.ledger().open_run().filter(|run| group.fails_anew(run, now));
    let before = open.and_then(|run| evidence(group, run.fault_at?));
    match (found, before) {
        (Some(found), Some(before)) if found.grade == Grade::Good => Some(match before.grade {
            Grade::Good => Evidence { loss_ms: found.loss_ms.max(before.loss_ms), ..found },
            _ => before,
        }),
        (found, _) => found,
    }
}

/// When the active site's health was first bad; now, when nothing says it is. What a run that
/// prepares was opened for is an older fault, if the site has served since.
pub(super) fn fault_at(group: &Group, now: Now) -> Wall {
    let open = group.ledger().open_run().filter(|run| !group.outlived(run));
    let first_bad = || group.sampler.serving(group.active(), now.mono).first_bad;
    let known = open.and_then(|run| run.fault_at).or_else(|| first_bad().map(|bad| bad.wall));
    known.unwrap_or(now.wall)
}

/// The same for a failover that a human orders, whatever the verdict is: what was written until
/// users were last seen to be served is lost, and until now where it looks as if they were, or
/// where nothing that is seen can be trusted.
pub(super) fn left_at(group: &Group, now: Now) -> Wall {
    let site = group.sampler.site(group.active());
    if site.looks_served(now.mono) || group.isolation.cut_off() {
        return now.wall;
    }
    let (fault_at, seen) = (fault_at(group, now), site.unserved_since());
    let seen = seen.filter(|_| !bugs::on(Bug::OwnEyesDateTheFault));
    seen.map_or(fault_at, |since| fault_at.max(since.wall))
}

/// What must be asked before anything that cannot be undone; nothing, if policy and evidence
/// suffice.
pub(super) fn failover_question(
    group: &Group,
    evidence: Option<&Evidence>,
    approve: bool,
) -> Option<Question> {
    let weak = evidence.filter(|evidence| evidence.grade != Grade::Good);
    let kind = match (weak, approve) {
        (Some(_), _) => QuestionKind::AcceptLoss,
        (None, true) => QuestionKind::Approve,
        (None, false) => return None,
    };
    Some(Question {
        kind,
        why: words::failover_reason(group, evidence),
        loss_ms: evidence.map(|evidence| evidence.loss_ms.unwrap_or(u64::MAX)),
        otherwise: "traffic stays where it is; capacity at the other site is kept ready".into(),
    })
}

/// Peacetime facts, with the members that were rebuilt since.
fn recorded(group: &Group) -> Result<Facts, Incomplete> {
    let facts = group.facts().cloned().ok_or_else(|| Incomplete("peacetime facts".into()))?;
    Ok(with_rebuilt(facts, &group.ledger().rebuilt))
}

/// How far apart two replicas' clocks may be.
pub(super) const CLOCKS: Span = Span::mins(2);

/// Facts with the members that were rebuilt after them. What was seen in peace after that counts:
/// the owner may have replaced an instance. Two replicas' clocks may have dated the two.
pub(super) fn with_rebuilt(
    mut facts: Facts,
    rebuilt: &BTreeMap<Site, (ResourceId, Wall)>,
) -> Facts {
    for (site, member) in &mut facts.members {
        if let Some(resource) = rebuilt_since(facts.at, rebuilt, *site) {
            member.resource.clone_from(resource);
        }
    }
    facts
}

/// The member of a site that a run rebuilt after facts of that time.
fn rebuilt_since(
    at: Wall,
    rebuilt: &BTreeMap<Site, (ResourceId, Wall)>,
    site: Site,
) -> Option<&ResourceId> {
    let (resource, since) = rebuilt.get(&site)?;
    (at <= *since + CLOCKS).then_some(resource)
}

/// The member of a site that is on record, if there is one.
pub(super) fn recorded_member(group: &Group, site: Site) -> Option<&ResourceId> {
    let facts = group.facts()?;
    let seen = &facts.members.get(&site)?.resource;
    Some(rebuilt_since(facts.at, &group.ledger().rebuilt, site).unwrap_or(seen))
}

/// A run that begins, or the open one that is given its move.
struct Begin {
    epoch: Epoch,
    run: RunId,
    kind: PlanKind,
    trigger: Trigger,
    fault_at: Option<Wall>,
    existing: BTreeSet<crate::model::StepId>,
    opens: bool,
    /// Whatever is open gives way.
    anew: bool,
}

impl Begin {
    fn new(group: &Group, kind: PlanKind, trigger: Trigger, fault_at: Option<Wall>) -> Self {
        let open = group.ledger().open_run().filter(|run| is_prewarm(run));
        match open {
            // What it was opened for is over: its report would tell of another fault.
            Some(run) if group.outlived(run) => Self::anew(group, kind, trigger, fault_at),
            Some(run) => Self {
                epoch: run.epoch,
                run: run.id.clone(),
                kind,
                trigger,
                fault_at,
                existing: run.steps.keys().cloned().collect(),
                opens: false,
                anew: false,
            },
            None => Self { anew: false, ..Self::anew(group, kind, trigger, fault_at) },
        }
    }

    /// A run that begins, whatever is open.
    fn anew(group: &Group, kind: PlanKind, trigger: Trigger, fault_at: Option<Wall>) -> Self {
        let epoch = group.next_epoch();
        let run = RunId::new(format!("{}-{epoch}-{}", group.policy.group, kind.word()));
        let existing = BTreeSet::new();
        Self { epoch, run, kind, trigger, fault_at, existing, opens: true, anew: true }
    }

    fn survey<'a>(
        &'a self,
        group: &'a Group,
        facts: &'a Facts,
        evidence: Option<Evidence>,
        question: Option<Question>,
    ) -> Survey<'a> {
        let site = group.active().other();
        // One that no record names was being made when its run was cancelled: the plan goes over
        // that step again, which takes it over.
        let recorded = facts.members.get(&site).map(|member| &member.resource);
        let passive = group.known.instance(site).filter(|i| recorded == Some(&i.resource));
        Survey {
            policy: &group.policy,
            facts,
            epoch: self.epoch,
            active: group.active(),
            existing: &self.existing,
            holds: &group.ledger().holds,
            reopened: &group.ledger().reopened,
            evidence,
            replica_streams: passive.is_some_and(|i| i.source.is_some() && i.streaming),
            question,
        }
    }

    fn records(
        self,
        group: &Group,
        host: &Host<'_>,
        plan: Plan,
        moves: bool,
    ) -> Result<Vec<Record>, Incomplete> {
        if let Some(danger) = lint(&plan, &self.existing).first() {
            return Err(Incomplete(format!("a safe plan ({danger})")));
        }
        let busy = group.ledger().busy_run();
        if self.opens && busy.is_some_and(|run| run.closed() || !self.anew) {
            return Err(Incomplete("that the obligations of the last run are done".into()));
        }
        let mut records = match self.opens {
            true => self.opening(group, host, words::evidence(group, host.now)),
            false => Vec::new(),
        };
        records.push(Record::Planned { plan: Box::new(plan), moves });
        Ok(records)
    }

    /// Claims and opens the run; one that is open gives way.
    fn opening(self, group: &Group, host: &Host<'_>, evidence: Vec<String>) -> Vec<Record> {
        let claim = Claim::new(self.epoch, self.run).made_by(host.id);
        let mut records = vec![Record::Claimed { claim, by: host.id.clone() }];
        if let Some(open) = group.ledger().open_run() {
            let why = if group.outlived(open) { words::OUTLIVED } else { words::GIVES_WAY };
            records.push(Record::Closed { ended: Ended::Unwound(why.into()) });
        }
        records.push(Record::Opened {
            kind: self.kind,
            from: group.active(),
            trigger: self.trigger,
            fault_at: self.fault_at.filter(|_| self.kind == PlanKind::Failover),
            evidence,
        });
        records
    }
}

/// Whether a run only prepares.
pub(super) fn is_prewarm(run: &Run) -> bool {
    run.phase == Phase::Prewarm
}
