//! What is logged of a run: from the entries that the store accepted, and from the calls that
//! follow. The node is pure and logs nothing; every line here carries group, run, epoch, step and
//! attempt.

use std::collections::BTreeMap;
use std::time::Duration;

use bowline_core::model::{Author, Claim, GroupName, ReplicaId, StepId};
use bowline_core::op::{Answer, Call, CallId, Fault, Op, StoreOp};
use bowline_core::run::{Entry, Record};

use super::metrics::{Metrics, class, edge};

/// The most recorded calls that are remembered until they are sent. Each is sent at once; what is
/// not (the replica lost its lead) is forgotten with the oldest.
const REMEMBERED: usize = 256;

/// Watches calls go out and come back.
#[derive(Debug)]
pub(super) struct Journal {
    id: ReplicaId,
    sent: BTreeMap<CallId, Sent>,
    recorded: Vec<(StepCall, Op)>,
}

/// A call that is on its way.
#[derive(Debug)]
struct Sent {
    edge: &'static str,
    what: What,
}

/// What of a call is worth a line.
#[derive(Debug)]
enum What {
    /// An append to a chain.
    Append(StoreOp),
    /// A read of a chain.
    Read(GroupName),
    /// A step's call.
    Step(StepCall),
    /// Anything else.
    Other,
}

/// A call as its step recorded it.
#[derive(Clone, Debug)]
struct StepCall {
    group: GroupName,
    claim: Option<Claim>,
    step: StepId,
    attempt: u32,
}

impl Journal {
    /// The journal of a replica.
    pub(super) fn new(id: ReplicaId) -> Self {
        Self { id, sent: BTreeMap::new(), recorded: Vec::new() }
    }

    /// A call goes out.
    pub(super) fn sends(&mut self, call: &Call) {
        let what = match &call.op {
            Op::Store(op @ StoreOp::Append { .. }) => What::Append(op.clone()),
            Op::Store(StoreOp::Read { group, .. }) => What::Read(group.clone()),
            op if op.mutates() => self.take(op).map_or(What::Other, What::Step),
            _ => What::Other,
        };
        if let What::Step(step) = &what {
            step.line("call sent", &call.op);
        }
        self.sent.insert(call.id, Sent { edge: edge(&call.op), what });
    }

    /// A reply came. Gives the group whose chain it shows to be read to its end, if any.
    pub(super) fn replied(
        &mut self,
        id: CallId,
        result: &Result<Answer, Fault>,
        took: Duration,
        metrics: &Metrics,
    ) -> Option<GroupName> {
        let sent = self.sent.remove(&id)?;
        let fault = result.as_ref().err();
        metrics.called(sent.edge, took, fault);
        match (sent.what, result) {
            (What::Append(StoreOp::Append { group, seq, bytes }), Ok(_)) => {
                self.accepted(&group, seq, &bytes, metrics);
            }
            (What::Append(StoreOp::Append { group, seq, .. }), Err(fault)) => {
                let class = class(fault);
                tracing::warn!(%group, seq, fault = class, "record not accepted: {fault}");
            }
            (What::Read(group), Ok(Answer::Entries(entries))) => {
                let end = entries.is_empty();
                for entry in entries {
                    self.accepted(&group, entry.seq, &entry.bytes, metrics);
                }
                return end.then_some(group);
            }
            (What::Step(step), Ok(_)) => step.ended(took),
            (What::Step(step), Err(fault)) => {
                metrics.failed(step.group.as_str(), step.step.as_str(), fault);
                step.failed(took, fault);
            }
            (_, Err(fault)) => tracing::debug!(edge = sent.edge, "{fault}"),
            _ => {}
        }
        None
    }

    /// The store has an entry: ours, or one that another replica wrote.
    fn accepted(&mut self, group: &GroupName, seq: u64, bytes: &str, metrics: &Metrics) {
        let Ok(entry) = Entry::parse(seq, bytes) else {
            tracing::error!(%group, seq, "an entry of the journal cannot be read");
            return;
        };
        let ours = entry.by == Author::Controller(self.id.clone());
        for record in &entry.records {
            if ours {
                self.remember(group, &entry, record, metrics);
            }
            line(group, &entry, record, ours);
        }
    }

    fn remember(&mut self, group: &GroupName, entry: &Entry, record: &Record, metrics: &Metrics) {
        let Record::Started { step, attempt, op, .. } = record else { return };
        metrics.attempted(group.as_str(), step.as_str());
        if self.recorded.len() == REMEMBERED {
            self.recorded.remove(0);
        }
        let (group, claim) = (group.clone(), entry.claim.clone());
        let call = StepCall { group, claim, step: step.clone(), attempt: *attempt };
        self.recorded.push((call, (**op).clone()));
    }

    fn take(&mut self, op: &Op) -> Option<StepCall> {
        let found = self.recorded.iter().position(|(_, recorded)| recorded == op)?;
        Some(self.recorded.remove(found).0)
    }
}

impl StepCall {
    fn parts(&self) -> (Option<&str>, Option<u64>) {
        let claim = self.claim.as_ref();
        (claim.map(|claim| claim.run.as_str()), claim.map(|claim| claim.epoch.0))
    }

    fn line(&self, what: &'static str, op: &Op) {
        let ((run, epoch), Self { group, step, attempt, .. }) = (self.parts(), self);
        tracing::info!(%group, run, epoch, %step, attempt, edge = edge(op), "{what}");
    }

    fn ended(&self, took: Duration) {
        let ((run, epoch), Self { group, step, attempt, .. }) = (self.parts(), self);
        let ms = took.as_millis();
        tracing::info!(%group, run, epoch, %step, attempt, ms, "call answered");
    }

    fn failed(&self, took: Duration, fault: &Fault) {
        let ((run, epoch), Self { group, step, attempt, .. }) = (self.parts(), self);
        let (ms, class) = (took.as_millis(), class(fault));
        tracing::warn!(%group, run, epoch, %step, attempt, ms, fault = class, "call: {fault}");
    }
}

/// One record's line: others' records are history, ours are news.
fn line(group: &GroupName, entry: &Entry, record: &Record, ours: bool) {
    let told = Told::of(record);
    let claim = match record {
        Record::Claimed { claim, .. } => Some(claim),
        _ => entry.claim.as_ref(),
    };
    let run = claim.map(|claim| claim.run.as_str());
    let epoch = claim.map(|claim| claim.epoch.0);
    let (seq, by, Told { what, step, attempt, words }) = (entry.seq, &entry.by, told);
    if ours {
        tracing::info!(%group, run, epoch, step, attempt, seq, "{what}{words}");
    } else {
        tracing::debug!(%group, run, epoch, step, attempt, seq, %by, "{what}{words}");
    }
}

/// A record in words.
struct Told<'a> {
    what: &'static str,
    step: Option<&'a str>,
    attempt: Option<u32>,
    words: String,
}

impl<'a> Told<'a> {
    fn of(record: &'a Record) -> Self {
        let plain = |what, words: String| {
            let words = if words.is_empty() { words } else { format!(": {words}") };
            Self { what, step: None, attempt: None, words }
        };
        let of = |step: &'a StepId, told: Self| Self { step: Some(step.as_str()), ..told };
        match record {
            Record::Claimed { by, .. } => plain("claimed", by.to_string()),
            Record::IntentTaken { by, refused: None, .. } => plain("intent taken", by.clone()),
            Record::IntentTaken { by, refused: Some(why), .. } => {
                plain("intent refused", format!("{by}: {why}"))
            }
            Record::Opened { kind, from, .. } => {
                plain("run opened", format!("{} from {from}", kind.word()))
            }
            Record::Planned { plan, .. } => plain("planned", format!("{} steps", plan.steps.len())),
            Record::Started { step, attempt, .. } => {
                of(step, Self { attempt: Some(*attempt), ..plain("step started", String::new()) })
            }
            Record::Done { step, note, unknown: false, .. } => {
                of(step, plain("step done", note.clone()))
            }
            Record::Done { step, note, unknown: true, .. } => {
                of(step, plain("step ended unknown", note.clone()))
            }
            Record::Asked { step, question } => of(step, plain("asks", question.why.clone())),
            Record::Withheld { step } => of(step, plain("step not sent", String::new())),
            Record::Answered { step, by, .. } => of(step, plain("answered", by.clone())),
            Record::Unwinding { why } => plain("unwinding", why.clone()),
            Record::Closed { ended } => plain("run closed", format!("{ended:?}")),
            Record::Paused { reason } => plain("paused", reason.clone()),
            Record::Resumed => plain("resumed", String::new()),
            Record::Armed => plain("armed", String::new()),
            Record::Imported { entries, .. } => {
                plain("imported", format!("{} entries of another journal", entries.len()))
            }
        }
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
