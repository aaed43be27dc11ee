//! Which crash points a case has: every call that changes something, as it arrived when nobody
//! died, with the phase and the step that it belongs to. A step that is new in a plan has its
//! points here the day it is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use bowline_core::op::{GateOp, KubeOp, Op, RdsOp, Route53Op, StoreOp};
use bowline_core::plan::EffectKind;
use bowline_core::policy::Policy;
use bowline_core::run::{Entry, Ledger, Record};

use super::case::{Case, Phase};
use crate::harness::Arrival;

/// A call at which somebody may die.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The how-manieth call of the case that changes something.
    pub nth: u64,
    /// In which phase it was sent.
    pub phase: Phase,
    /// The step it belongs to, or what the record says.
    pub step: String,
    /// What the step is.
    pub effect: Option<EffectKind>,
    /// Which call.
    pub op: &'static str,
}

/// The crash points of a case, from the calls that arrived when nobody died.
#[must_use]
pub fn points(case: &Case, policy: &Policy, arrivals: &[Arrival]) -> Vec<Point> {
    let mut ledger = Ledger::default();
    let mut points = Vec::new();
    for arrival in arrivals {
        let before = Phase::of(&ledger);
        let (phase, step, effect) = match &arrival.op {
            Op::Store(StoreOp::Append { group, seq, bytes }) if *group == policy.group => {
                let accepted = arrival.result == Some(Ok(()));
                let entry = match accepted {
                    true => ledger.apply(*seq, bytes),
                    false => Entry::parse(*seq, bytes).map(Arc::new),
                };
                let said = entry.map_or_else(|bad| bad.to_string(), |entry| says(&entry));
                // What begins a phase belongs to it, and what ends one as well.
                let after = Phase::of(&ledger);
                let phase = if after == Phase::Peace { before } else { after };
                (phase, said, None)
            }
            other => {
                let (step, effect) = sender(&ledger, other);
                (before, step, effect)
            }
        };
        if case.phases.contains(&phase) {
            points.push(Point { nth: arrival.nth, phase, step, effect, op: name(&arrival.op) });
        }
    }
    points
}

/// The step whose recorded call this is.
fn sender(ledger: &Ledger, op: &Op) -> (String, Option<EffectKind>) {
    let steps = ledger.run.iter().flat_map(|run| &run.steps);
    let mut sent =
        steps.filter(|(_, step)| step.acted.as_ref().is_some_and(|acted| acted.op == *op));
    match sent.next() {
        Some((id, step)) => (id.to_string(), Some(step.step.effect.kind())),
        None => ("-".into(), None),
    }
}

/// What an entry says, in a few words: its records, each kind once.
fn says(entry: &Entry) -> String {
    let words = |record: &Record| match record {
        Record::Started { step, .. } => format!("started {step}"),
        Record::Done { step, .. } => format!("done {step}"),
        Record::Asked { step, .. } => format!("asked {step}"),
        Record::Answered { step, .. } => format!("answered {step}"),
        other => kind(other).to_owned(),
    };
    let records: Vec<_> = entry.records.iter().map(words).collect();
    let told: BTreeSet<_> = records.iter().collect();
    match records.as_slice() {
        [first, .., _] if told.len() > 2 => format!("{first} and {} more", records.len() - 1),
        _ => records.join(", "),
    }
}

/// The word for a kind of record.
#[must_use]
pub fn kind(record: &Record) -> &'static str {
    match record {
        Record::Claimed { .. } => "claimed",
        Record::IntentTaken { .. } => "intent",
        Record::Opened { .. } => "opened",
        Record::Planned { .. } => "planned",
        Record::Started { .. } => "started",
        Record::Done { .. } => "done",
        Record::Withheld { .. } => "withheld",
        Record::Asked { .. } => "asked",
        Record::Answered { .. } => "answered",
        Record::Unwinding { .. } => "unwinding",
        Record::Closed { .. } => "closed",
        Record::Paused { .. } => "paused",
        Record::Resumed => "resumed",
        Record::Armed => "armed",
        Record::Imported { .. } => "imported",
    }
}

/// The word for a call.
#[must_use]
pub fn name(op: &Op) -> &'static str {
    match op {
        Op::Store(StoreOp::Append { .. }) => "append",
        Op::Store(StoreOp::PutFacts { .. }) => "put facts",
        Op::Store(_) => "read the store",
        Op::Lease(_) => "lease",
        Op::Kube(_, KubeOp::Annotate { .. }) => "annotate",
        Op::Kube(_, KubeOp::Scale { .. }) => "scale",
        Op::Kube(_, KubeOp::Suspend { .. }) => "suspend",
        Op::Kube(_, KubeOp::Limit { .. }) => "limit",
        Op::Kube(_, KubeOp::Claim { .. }) => "claim",
        Op::Kube(..) => "read a cluster",
        Op::Route53(_, Route53Op::Change { .. }) => "change records",
        Op::Route53(..) => "read Route 53",
        Op::Rds(_, RdsOp::SetSecurityGroups { .. }) => "set security groups",
        Op::Rds(_, RdsOp::Reboot { .. }) => "reboot",
        Op::Rds(_, RdsOp::Promote(_)) => "promote",
        Op::Rds(_, RdsOp::Rename { .. }) => "rename",
        Op::Rds(_, RdsOp::Configure { .. }) => "configure",
        Op::Rds(_, RdsOp::CreateReplica { .. }) => "create replica",
        Op::Rds(_, RdsOp::Describe(_) | RdsOp::Events { .. }) => "read RDS",
        Op::Gate(_, GateOp::Write { .. }) => "write gate",
        Op::Gate(_, GateOp::Read { .. }) => "read gate",
        Op::Elb(..) => "read ELB",
        Op::CloudWatch(..) => "read CloudWatch",
        Op::Probe(_) => "probe",
        Op::Notify(_) => "notify",
    }
}
