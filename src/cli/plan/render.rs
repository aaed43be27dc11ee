//! A plan for people: each step with the calls it would make.

use std::fmt::Write;

use bowline_core::node::{PlannedCall, Preview, Prospect, StepPreview};
use bowline_core::op::{Answer, KubeOp, Op, RdsOp, Route53Op};
use bowline_core::plan::{Class, OnTimeout};

use super::Told;
use crate::cli::paint::{Paint, Tone};
use crate::cli::words::counted;

/// A plan.
pub(super) fn text(told: &Told, paint: Paint) -> String {
    let mut out = opening(&told.preview, paint);
    for missing in &told.missing {
        let _ =
            writeln!(out, "  {}", paint.text(Tone::Unsure, &format!("not answered: {missing}")));
    }
    out.push('\n');
    let count = told.steps.len();
    for (index, step) in told.steps.iter().enumerate() {
        out.push_str(&of_step(index + 1, step, paint));
    }
    let calls: usize = told.steps.iter().map(|step| calls(&step.does).len()).sum();
    let end =
        format!("{}, {} that can be told now", counted(count, "step"), counted(calls, "call"));
    let _ = writeln!(out, "\n{end}. Nothing was changed.");
    out
}

fn opening(preview: &Preview, paint: Paint) -> String {
    let Preview { group, kind, from, to, claim, .. } = preview;
    let title = format!("{group}: {} from {from} to {to}, under {claim}", kind.word());
    let mut out = paint.text(Tone::Strong, &title) + "\n";
    let facts = match preview.facts_at {
        Some(at) => format!("facts recorded at {at}"),
        None => "facts were never recorded: those of now are taken".into(),
    };
    let _ = writeln!(out, "  {facts}");
    if let Some(question) = &preview.accept {
        let loss = match question.loss() {
            Some(loss) => format!("--accept-loss {}s", loss.as_millis().div_ceil(1_000)),
            None => "--accept-loss DURATION".into(),
        };
        let _ = writeln!(out, "  needs {loss}: {}", question.why);
    }
    for obstacle in &preview.obstacles {
        let words = format!("would be refused or wait now: {obstacle}");
        let _ = writeln!(out, "  {}", paint.text(Tone::Bad, &words));
    }
    out
}

fn of_step(number: usize, step: &StepPreview, paint: Paint) -> String {
    let place = match &step.region {
        Some(region) => format!("{} ({region})", step.touches),
        None => step.touches.to_string(),
    };
    let class = match step.class {
        Class::ReadOnly => "looks only",
        Class::Reversible => "reversible",
        Class::Irreversible => "cannot be undone",
    };
    let needs: Vec<_> = step.needs.iter().map(ToString::to_string).collect();
    let needs = if needs.is_empty() { "nothing".into() } else { needs.join(", ") };
    let name = paint.text(Tone::Strong, &format!("{:<24}", step.step.as_str()));
    let mut out = format!("{number:>3}  {name} {place}; {class}\n");
    let _ = writeln!(out, "     after {needs}; {}", limit(step));
    out.push_str(&does(step, paint));
    out
}

/// How long a step may take, and what happens then.
fn limit(step: &StepPreview) -> String {
    let then = match step.on_timeout {
        OnTimeout::Fail => "then the run unwinds",
        OnTimeout::Proceed => "then it ends unknown, and the run goes on",
        OnTimeout::Ask => "then a human is asked",
    };
    match (step.timeout, step.standing) {
        (_, true) => "an obligation, retried until done".into(),
        (Some(timeout), false) => format!("up to {timeout}, {then}"),
        (None, false) => "as long as it takes".into(),
    }
}

fn does(step: &StepPreview, paint: Paint) -> String {
    let line = |tone, text: String| format!("     {}\n", paint.text(tone, &text));
    match &step.does {
        Prospect::AsWanted { note } => line(Tone::Good, format!("already as wanted: {note}")),
        Prospect::Looks => line(Tone::Faint, "looks until it is so, and changes nothing".into()),
        Prospect::Asks { question } => line(Tone::Unsure, format!("asks: {}", question.why)),
        Prospect::Later { note } => line(Tone::Faint, format!("told later: {note}")),
        Prospect::Refused { why } => line(Tone::Bad, format!("would stand still: {why}")),
        Prospect::Unknown { why } => line(Tone::Unsure, format!("cannot be told: {why}")),
        Prospect::Calls { calls, then } => {
            let mut out: String = calls.iter().map(|call| of_call(call, paint)).collect();
            if let Some(then) = then {
                out.push_str(&line(Tone::Faint, format!("then waits: {then}")));
            }
            out
        }
    }
}

fn calls(does: &Prospect) -> &[PlannedCall] {
    match does {
        Prospect::Calls { calls, .. } => calls,
        _ => &[],
    }
}

fn of_call(call: &PlannedCall, paint: Paint) -> String {
    let hold = if call.holds { " (a hold is recorded with it)" } else { "" };
    let mut out = format!("     call  {}{hold}\n", call.words);
    if let Some((now, wanted)) = change(call) {
        let _ = writeln!(out, "           now    {now}\n           wanted {wanted}");
    }
    let exact = serde_json::to_string(&call.op).unwrap_or_default();
    let _ = writeln!(out, "           {}", paint.text(Tone::Faint, &exact));
    out
}

/// What a call changes: as it is now, and as it would be.
fn change(call: &PlannedCall) -> Option<(String, String)> {
    let claimed = |claim: Option<&bowline_core::model::Claim>| {
        claim.map_or_else(|| "nobody's claim".into(), ToString::to_string)
    };
    Some(match (&call.op, &call.now) {
        (Op::Kube(_, KubeOp::Scale { replicas, .. }), Some(Answer::Workload(view))) => {
            (format!("{} replicas", view.wanted), format!("{replicas} replicas"))
        }
        (Op::Kube(_, KubeOp::Suspend { suspend, .. }), Some(Answer::Job(view))) => {
            (format!("suspended: {}", view.suspended), format!("suspended: {suspend}"))
        }
        (Op::Kube(_, KubeOp::Limit { limits, .. }), Some(Answer::Pool(view))) => {
            (format!("limits {:?}", view.limits), format!("limits {limits:?}"))
        }
        (Op::Kube(_, KubeOp::Claim { claim, .. }), now) => {
            let fence = match now {
                Some(Answer::Fence(fence)) => fence.as_ref(),
                _ => None,
            };
            (claimed(fence.map(|fence| &fence.claim)), claim.to_string())
        }
        (Op::Kube(_, KubeOp::Annotate { note, .. }), Some(Answer::Workload(view))) => {
            let words = |note: &Option<std::sync::Arc<str>>| {
                note.as_deref().map_or_else(|| "nobody's hold".into(), str::to_owned)
            };
            (words(&view.note), words(note))
        }
        (Op::Rds(_, op), Some(Answer::Instance(found))) => of_instance(op, found)?,
        (Op::Route53(_, Route53Op::Change { delete, create, .. }), _) => {
            let sets = |sets: &[bowline_core::op::RecordSet]| {
                let one = |set: &bowline_core::op::RecordSet| {
                    let role = set.failover.map_or("-".into(), |role| format!("{role:?}"));
                    let check = set.health_check.as_ref().map_or("-", |check| check.as_str());
                    let value = set.values.first().map_or("", |value| &**value);
                    format!("{} {:?} {role} check {check} {value}", set.name, set.kind)
                };
                let all: Vec<_> = sets.iter().map(one).collect();
                all.join("\n                  ")
            };
            (sets(delete), sets(create))
        }
        _ => return None,
    })
}

fn of_instance(op: &RdsOp, found: &bowline_core::op::Instance) -> Option<(String, String)> {
    Some(match op {
        RdsOp::SetSecurityGroups { groups, .. } => (
            format!("security groups {:?}", found.settings.security_groups),
            format!("security groups {groups:?}"),
        ),
        RdsOp::Promote(_) => {
            let source = found.source.as_ref().map_or("nobody", |source| source.as_str());
            (format!("replica of {source}"), "a writer of its own".into())
        }
        RdsOp::Rename { to, .. } => (found.id.to_string(), to.to_string()),
        RdsOp::Reboot { .. } => (found.status.to_string(), "restarted".into()),
        _ => return None,
    })
}
