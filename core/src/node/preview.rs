//! What a move would do, without beginning it: the plan by the code that would begin it, and for
//! each step the calls its procedure would make in the world as it is, changed in thought by the
//! steps before. Whoever drives a [`Walk`] makes its looks; a look changes nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::begin::{self, Drafted};
use super::group::Group;
use super::imagine::Imagined;
use super::{Node, words};
use crate::model::{Claim, GroupName, Now, Place, Region, Site, Span, StepId, Wall};
use crate::op::{Answer, Fault, Op};
use crate::plan::{Class, Effect, OnTimeout, Plan, PlanKind, Step};
use crate::policy::Policy;
use crate::run::Refusal;
use crate::step::{Context, Hold, HoldId, Judgement, Question, Seen};

/// The most calls of one step that are thought through.
const CALLS: usize = 6;

/// A move that could be begun now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The group.
    pub group: GroupName,
    /// What for.
    pub kind: PlanKind,
    /// The site that would lose traffic.
    pub from: Site,
    /// The site that would gain it.
    pub to: Site,
    /// The claim that the run would be opened under.
    pub claim: Claim,
    /// What the human would have to accept in the command; absent: nothing.
    pub accept: Option<Question>,
    /// When the facts it rests on were recorded; absent: they never were, and are those of now.
    pub facts_at: Option<Wall>,
    /// What would keep the move from being begun now.
    pub obstacles: Vec<String>,
    #[serde(skip)]
    plan: Plan,
    #[serde(skip)]
    holds: BTreeMap<HoldId, Hold>,
    #[serde(skip)]
    regions: [Region; 2],
}

impl Preview {
    /// A move away from a site under a claim, without any step: for those who tell plans.
    #[must_use]
    pub fn bare(group: GroupName, kind: PlanKind, from: Site, claim: Claim) -> Self {
        let to = from.other();
        Self {
            group,
            kind,
            from,
            to,
            claim,
            accept: None,
            facts_at: None,
            obstacles: Vec::new(),
            plan: Plan { kind, from, to, steps: Default::default() },
            holds: BTreeMap::new(),
            regions: ["".into(), "".into()],
        }
    }
}

/// A step, and what it would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepPreview {
    /// Its name.
    pub step: StepId,
    /// Whether it can be undone.
    pub class: Class,
    /// Whose API it depends on.
    pub touches: Place,
    /// That site's Region.
    pub region: Option<Region>,
    /// How long it may take.
    pub timeout: Option<Span>,
    /// What happens after that.
    pub on_timeout: OnTimeout,
    /// Whether the run ends without it and it is retried until done.
    pub standing: bool,
    /// What must be done before.
    pub needs: Vec<StepId>,
    /// What it would do.
    pub does: Prospect,
}

/// What a step would do, as far as can be told now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "what")]
pub enum Prospect {
    /// Nothing: the world is as it wants it.
    AsWanted {
        /// What was found.
        note: String,
    },
    /// These calls, in this order.
    Calls {
        /// The calls.
        calls: Vec<PlannedCall>,
        /// What it waits for after them.
        then: Option<String>,
    },
    /// It looks until the world is so, and changes nothing.
    Looks,
    /// It asks a human.
    Asks {
        /// What.
        question: Question,
    },
    /// It depends on what earlier steps make known.
    Later {
        /// On what.
        note: String,
    },
    /// It would stand still and change nothing: the world is not as the plan expects it.
    Refused {
        /// What was found.
        why: String,
    },
    /// What it looks at did not answer.
    Unknown {
        /// What was said instead.
        why: String,
    },
}

/// A call that a step would make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedCall {
    /// In words.
    pub words: String,
    /// Whether a hold is recorded with it.
    pub holds: bool,
    /// What it changes, as it is before it; absent where nothing that was seen says so.
    pub now: Option<Answer>,
    /// The call itself.
    pub op: Op,
}

impl Node {
    /// What a move that a human began now would do.
    ///
    /// # Errors
    /// Why there is no such move: it is there already, or a fact is not known.
    pub fn preview(&self, group: &GroupName, kind: PlanKind, now: Now) -> Result<Preview, Refusal> {
        let unknown = || Refusal::NotReady(format!("there is no group {group}"));
        self.group(group).ok_or_else(unknown)?.preview(kind, now)
    }
}

impl Group {
    fn preview(&self, kind: PlanKind, now: Now) -> Result<Preview, Refusal> {
        match (kind, self.active()) {
            (PlanKind::Switchover, Site::Standby) => {
                return Err(Refusal::AlreadyThere(Site::Standby));
            }
            (PlanKind::Failback, Site::Home) => return Err(Refusal::AlreadyThere(Site::Home)),
            _ => {}
        }
        let drafted = begin::draft(self, kind, now);
        let drafted = drafted.map_err(|lacks| Refusal::Incomplete(lacks.to_string()))?;
        let Drafted { claim, plan, accept, facts_at } = drafted;
        Ok(Preview {
            group: self.policy.group.clone(),
            kind,
            from: plan.from,
            to: plan.to,
            claim,
            accept,
            facts_at,
            obstacles: self.obstacles(now),
            plan,
            holds: self.ledger().holds.clone(),
            regions: regions(&self.policy),
        })
    }

    /// What would keep a human's move from being begun now.
    fn obstacles(&self, now: Now) -> Vec<String> {
        let mut obstacles = Vec::new();
        let open = self.ledger().open_run().filter(|run| !begin::is_prewarm(run));
        obstacles.extend(open.map(|run| Refusal::RunOpen(run.id.clone()).to_string()));
        let standing: Vec<_> = self.ledger().run.iter().flat_map(|run| run.standing()).collect();
        obstacles.extend(standing.iter().map(|(id, _)| format!("the obligation {id} is open")));
        if let Some(claim) = self.foreign_claim() {
            obstacles.push(format!("somebody else's claim stands: {claim}"));
        }
        let site = self.active().other();
        obstacles.extend(self.survey.claims_seen(&self.known, site).err());
        let ready = self.readiness(now);
        obstacles.extend(words::not_ready(&ready).iter().map(|why| format!("{site}: {why}")));
        obstacles
    }
}

fn regions(policy: &Policy) -> [Region; 2] {
    Site::BOTH.map(|site| policy.site(site).scope.region.clone())
}

// === The walk ===

/// Goes over the steps of a preview in their order.
#[derive(Debug)]
pub struct Walk {
    preview: Preview,
    now: Now,
    at: usize,
    imagined: Imagined,
    found: Vec<StepPreview>,
}

/// How far a step's look is.
enum Looked {
    /// These calls are not answered yet.
    Wants(Vec<Op>),
    /// What the step would do.
    Found(Prospect),
}

/// What a procedure said, and what it had seen.
type Judged = (Result<Judgement, Fault>, Vec<Result<Answer, Fault>>);

impl Walk {
    /// Begins with the first step.
    #[must_use]
    pub fn new(preview: Preview, now: Now) -> Self {
        Self { preview, now, at: 0, imagined: Imagined::default(), found: Vec::new() }
    }

    /// The looks to make next; none: every step is told.
    pub fn wants(&mut self) -> Vec<Op> {
        while let Some((id, step)) = self.preview.plan.steps.get_index(self.at) {
            let (id, step) = (id.clone(), step.clone());
            match self.look(&id, &step) {
                Looked::Wants(ops) => return ops,
                Looked::Found(does) => self.found.push(self.told(id, step, does)),
            }
            self.at += 1;
        }
        Vec::new()
    }

    /// Takes what a look answered.
    pub fn answer(&mut self, look: Op, answer: Result<Answer, Fault>) {
        self.imagined.learn(look, answer);
    }

    /// What was found, once nothing is wanted any more.
    #[must_use]
    pub fn found(self) -> (Preview, Vec<StepPreview>) {
        (self.preview, self.found)
    }

    fn told(&self, id: StepId, step: Step, does: Prospect) -> StepPreview {
        let region = match step.touches {
            Place::Site(site) => Some(self.preview.regions[site as usize].clone()),
            _ => None,
        };
        StepPreview {
            step: id,
            class: step.class,
            touches: step.touches,
            region,
            timeout: step.timeout,
            on_timeout: step.on_timeout,
            standing: step.standing,
            needs: step.needs,
            does,
        }
    }

    fn look(&mut self, id: &StepId, step: &Step) -> Looked {
        match &step.effect {
            Effect::Approval(approval) => {
                return Looked::Found(Prospect::Asks { question: approval.question.clone() });
            }
            Effect::Milestone(point) => {
                return Looked::Found(Prospect::AsWanted { note: point.note.clone() });
            }
            _ if step.class == Class::ReadOnly => return Looked::Found(Prospect::Looks),
            effect => {
                if let Some(maker) = created_by(effect) {
                    let note = format!("the instance that {maker} makes");
                    return Looked::Found(Prospect::Later { note });
                }
            }
        }
        let mut calls = Vec::new();
        loop {
            let judged = match self.judge(step) {
                Ok(judged) => judged,
                Err(wanted) => return Looked::Wants(wanted),
            };
            let (call, seen) = match judged {
                (Ok(Judgement::Act { op, hold, note }), seen) if calls.len() < CALLS => {
                    (PlannedCall { words: note, holds: hold.is_some(), now: None, op }, seen)
                }
                (judged, _) => return Looked::Found(prospect(id, judged, calls)),
            };
            let again = calls.last().is_some_and(|last: &PlannedCall| last.op == call.op);
            if again {
                return Looked::Found(Prospect::Calls { calls, then: None });
            }
            self.imagined.after(&call.op);
            calls.push(PlannedCall { now: present(&call.op, seen), ..call });
        }
    }

    /// One look and its judgement; or the looks that are not made yet.
    fn judge(&self, step: &Step) -> Result<Judged, Vec<Op>> {
        let outputs = BTreeMap::new();
        let cx = Context {
            group: &self.preview.group,
            claim: &self.preview.claim,
            now: self.now,
            planned_at: self.now.wall,
            acted: None,
            outputs: &outputs,
            holds: &self.preview.holds,
        };
        let procedure = step.effect.procedure();
        let mut seen: Vec<Result<Answer, Fault>> = Vec::new();
        loop {
            let ops = procedure.observe(&cx, Seen(&seen));
            if ops.is_empty() {
                let judged = procedure.judge(&cx, Seen(&seen));
                return Ok((judged, seen));
            }
            let missing: Vec<_> =
                ops.iter().filter(|op| self.imagined.get(op).is_none()).cloned().collect();
            if !missing.is_empty() {
                return Err(missing);
            }
            seen.extend(ops.iter().filter_map(|op| self.imagined.get(op)).cloned());
        }
    }
}

/// The step that makes the instance an effect is about, if one does.
fn created_by(effect: &Effect) -> Option<&StepId> {
    use crate::databases::rds::ResourceRef;
    let member = match effect {
        Effect::Promote(step) => &step.member,
        Effect::Fence(step) => &step.member,
        Effect::CloseDoor(step) => &step.member,
        Effect::Reopen(step) => &step.member,
        Effect::Rename(step) => &step.member,
        _ => return None,
    };
    match &member.resource {
        ResourceRef::CreatedBy(step) => Some(step),
        ResourceRef::Known(_) => None,
    }
}

/// What a step's last judgement means, after these calls.
fn prospect(id: &StepId, judged: Result<Judgement, Fault>, calls: Vec<PlannedCall>) -> Prospect {
    let note = match judged {
        Ok(Judgement::Ask(question)) => return Prospect::Asks { question: *question },
        Ok(Judgement::Fenced(claim)) => {
            return Prospect::Refused { why: format!("somebody else's claim stands: {claim}") };
        }
        Ok(Judgement::Disagrees(why)) => return Prospect::Refused { why },
        Err(fault) if calls.is_empty() => return Prospect::Unknown { why: fault.to_string() },
        Ok(Judgement::Done { note, .. } | Judgement::Steady { note, .. }) if calls.is_empty() => {
            return Prospect::AsWanted { note };
        }
        Ok(Judgement::Wait { note, .. }) if calls.is_empty() => {
            return Prospect::Later { note: format!("{id} waits: {note}") };
        }
        Ok(Judgement::Wait { note, .. }) => Some(note),
        _ => None,
    };
    Prospect::Calls { calls, then: note }
}

/// What was seen of that which a call changes.
fn present(call: &Op, seen: Vec<Result<Answer, Fault>>) -> Option<Answer> {
    use crate::op::KubeOp;
    let fits = |answer: &Answer| match (call, answer) {
        (Op::Kube(_, KubeOp::Claim { .. }), Answer::Fence(_)) => true,
        (Op::Kube(_, KubeOp::Claim { .. }), _) => false,
        (Op::Kube(..), Answer::Workload(_) | Answer::Job(_) | Answer::Pool(_)) => true,
        (Op::Rds(..), Answer::Instance(_)) => true,
        (Op::Gate(..), Answer::Gate(_)) => true,
        _ => false,
    };
    seen.into_iter().flatten().find(fits)
}

#[cfg(test)]
#[path = "preview_tests.rs"]
mod tests;
