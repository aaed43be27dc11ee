//! What a run amounts to, for people and for the next run: from its records alone.

use serde::Serialize;

use super::ledger::{Ledger, Leftover};
use super::record::Trigger;
use super::state::{Ended, Phase, Run, StepRun, StepState};
use crate::model::{RunId, Site, StepId, Wall};
use crate::plan::PlanKind;

/// A run's report. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// What it was for.
    pub kind: PlanKind,
    /// The site that lost traffic.
    pub from: Site,
    /// The site that gained it.
    pub to: Site,
    /// Who started it.
    pub trigger: Trigger,
    /// How it ended; absent while it goes on.
    pub ended: Option<Ended>,
    /// The evidence it was opened on.
    pub evidence: Vec<String>,
    /// When it was opened.
    pub opened_at: Wall,
    /// When it was closed.
    pub closed_at: Option<Wall>,
    /// How long each phase took.
    pub phases: PhaseTimes,
    /// Replication time that may have been lost: from the last write that the promoted member had
    /// until the fault. Writes that an unfenced old writer took after the fault are not in it.
    /// Absent when nothing could be lost, or when it is not known.
    pub loss_ms: Option<u64>,
    /// Whether `lossMs`, or its absence, says what may have been lost. A failover of a database
    /// without evidence of replication does not know.
    pub loss_known: bool,
    /// How the fence ended: `confirmed`, `unknown`, or absent without a database.
    pub fence: Option<String>,
    /// Pods ready of pods asked, when traffic was opened.
    pub capacity: Option<String>,
    /// Who said yes to what.
    pub approvals: Vec<String>,
    /// Every step.
    pub steps: Vec<StepReport>,
    /// What stays for its owner to delete.
    pub leftovers: Vec<Leftover>,
    /// Holds that are still open.
    pub holds: Vec<String>,
    /// Hash of the chain's entry that the report rests on.
    pub journal: String,
}

/// How long each phase took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseTimes {
    /// From the first bad sample to the opening of the run.
    pub detect: Option<u64>,
    /// From there to the plan of the move, waiting for approval included.
    pub decide: Option<u64>,
    /// From there until traffic was moved.
    pub execute: Option<u64>,
    /// From there until it was seen from outside.
    pub validate: Option<u64>,
    /// From the first bad sample (or the opening) until it was seen from outside.
    pub rto: Option<u64>,
}

/// One step's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// Its name.
    pub step: StepId,
    /// How it ended.
    pub state: StepState,
    /// When all it needs was done.
    pub ready_at: Option<Wall>,
    /// When it ended.
    pub done_at: Option<Wall>,
    /// Calls that changed something.
    pub attempts: u32,
    /// Its last line.
    pub note: String,
}

impl Report {
    /// The report of the ledger's last run.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Option<Self> {
        let run = ledger.run.as_ref()?;
        let ended = match &run.phase {
            Phase::Closed(ended) => Some(ended.clone()),
            _ => None,
        };
        Some(Self {
            run: run.id.clone(),
            kind: run.kind,
            from: run.from,
            to: run.to(),
            trigger: run.trigger.clone(),
            ended,
            evidence: run.evidence.clone(),
            opened_at: run.opened_at,
            closed_at: run.closed_at,
            phases: phases(run),
            loss_ms: loss(run),
            loss_known: loss(run).is_some() || !run.steps.contains_key("position"),
            fence: run.steps.get("fence").map(fence),
            capacity: run.output("capacity", "got").map(ToString::to_string),
            approvals: run.steps.iter().filter_map(approval).collect(),
            steps: run.steps.iter().map(|(id, step)| line(run, id, step)).collect(),
            leftovers: ledger.leftovers.clone(),
            holds: ledger.holds.keys().map(ToString::to_string).collect(),
            journal: ledger.hash.to_string(),
        })
    }
}

fn loss(run: &Run) -> Option<u64> {
    run.output("position", "lossMs").and_then(|ms| ms.parse().ok())
}

fn fence(step: &StepRun) -> String {
    match step.state {
        StepState::Done => "confirmed",
        StepState::Unknown => "unknown",
        StepState::Abandoned => "abandoned",
        StepState::Pending | StepState::Started => "open",
    }
    .into()
}

fn approval((id, step): (&StepId, &StepRun)) -> Option<String> {
    let reply = step.answered.as_ref()?;
    let loss = reply.accept_loss_ms.map(|ms| format!(", accepting a loss of {ms} ms"));
    Some(format!("{id}: {} at {}{}", reply.by, reply.at, loss.unwrap_or_default()))
}

fn line(run: &Run, id: &StepId, step: &StepRun) -> StepReport {
    StepReport {
        step: id.clone(),
        state: step.state,
        ready_at: ready_at(run, step),
        done_at: step.done_at,
        attempts: step.attempts,
        note: step.note.clone(),
    }
}

/// When the last of the steps it needs was done; for those that need none, when it was planned.
fn ready_at(run: &Run, step: &StepRun) -> Option<Wall> {
    let mut at = step.planned_at;
    for need in &step.step.needs {
        at = at.max(run.steps.get(need)?.done_at?);
    }
    Some(at)
}

fn phases(run: &Run) -> PhaseTimes {
    let done = |id: &str| run.steps.get(id).and_then(|step| step.done_at);
    let span = |from: Option<Wall>, to: Option<Wall>| Some(to?.since(from?).as_millis());
    let begin = run.fault_at.or(Some(run.opened_at));
    let (shifted, seen) = (done("shifted"), done("verify").or_else(|| done("answers")));
    let decided = done("approval").or(run.moving_since);
    PhaseTimes {
        detect: span(run.fault_at, Some(run.opened_at)),
        decide: span(Some(run.opened_at), decided),
        execute: span(decided, shifted),
        validate: span(shifted, seen),
        rto: span(begin, seen),
    }
}
