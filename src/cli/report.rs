//! A run's report, for people.

use std::io::{self, Write};

use bowline_core::run::{Ended, PhaseTimes, Report, StepReport};

use super::paint::{Paint, Tone};
use super::records::who;
use super::words::{counted, lasts};

/// How many steps are named as those that took longest.
const NAMED: usize = 3;

/// A named line of a report.
pub(super) fn field(out: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {name:<10} {text}")
}

/// Writes a run's report for people.
pub(super) fn write(report: &Report, paint: Paint, out: &mut impl Write) -> io::Result<()> {
    let (kind, from, to) = (report.kind.word(), report.from, report.to);
    let title = format!("{}: {kind} from {from} to {to}, {}", report.run, who(&report.trigger));
    writeln!(out, "\n{}", paint.text(Tone::Strong, &title))?;
    let (tone, ended) = match &report.ended {
        Some(Ended::Moved) => (Tone::Good, "traffic moved, seen from outside".to_owned()),
        Some(Ended::Unwound(why)) => (Tone::Unsure, format!("undone: {why}")),
        None => (Tone::Bad, "not over".to_owned()),
    };
    field(out, "result", &paint.text(tone, &ended))?;
    if let Some(rto) = report.phases.rto {
        field(out, "RTO", &format!("{} = {}", lasts(rto), phases(&report.phases)))?;
    }
    field(out, "RPO", &rpo(report))?;
    field(out, "fence", report.fence.as_deref().unwrap_or("none: no old writer to stop"))?;
    if let Some(capacity) = &report.capacity {
        field(out, "capacity", &format!("{capacity} pods ready of those asked"))?;
    }
    for yes in &report.approvals {
        field(out, "approved", yes)?;
    }
    field(out, "steps", &steps(&report.steps))
}

fn phases(phases: &PhaseTimes) -> String {
    let named = [
        ("detect", phases.detect),
        ("decide", phases.decide),
        ("execute", phases.execute),
        ("validate", phases.validate),
    ];
    let known = named.iter().filter_map(|(name, ms)| ms.map(|ms| format!("{name} {}", lasts(ms))));
    known.collect::<Vec<_>>().join(" + ")
}

fn rpo(report: &Report) -> String {
    match report.loss_ms {
        Some(ms) => format!("at most {} of writes may be lost", lasts(ms)),
        None if report.loss_known => "no write could be lost".into(),
        None => "not known: there was no replication sample from before the fault".into(),
    }
}

fn steps(steps: &[StepReport]) -> String {
    let took = |step: &StepReport| {
        Some((step.done_at?.since(step.ready_at?).as_millis(), step.step.to_string()))
    };
    let mut longest: Vec<_> = steps.iter().filter_map(took).collect();
    longest.sort_by(|a, b| b.cmp(a));
    let named: Vec<_> =
        longest.iter().take(NAMED).map(|(ms, step)| format!("{step} {}", lasts(*ms))).collect();
    format!("{}; the longest: {}", counted(steps.len(), "step"), named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_that_did_not_happen_are_not_told() {
        let some =
            PhaseTimes { detect: Some(12_000), execute: Some(365_000), ..Default::default() };
        assert_eq!(phases(&some), "detect 12.0 s + execute 6m05s");
    }
}
