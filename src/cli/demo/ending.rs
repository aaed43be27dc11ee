//! The end of a story: every run's report, what users saw, and which promises were held.

use std::io::{self, Write};

use bowline_core::run::{Ended as RunEnded, PhaseTimes, Report, StepReport};
use bowline_sim::story::{Document, Ended, UsersSaw};

use super::records::who;
use crate::cli::paint::{Paint, Tone};
use crate::cli::words::{counted, lasts, stamp};

/// How many steps are named as those that took longest.
const NAMED: usize = 3;

/// Writes the end of a story that lasted so long.
pub(super) fn write(
    document: &Document,
    lasted: bowline_core::model::Span,
    paint: Paint,
    out: &mut impl Write,
) -> io::Result<()> {
    let title = format!("Report of {}, seed {}", document.scenario, document.seed);
    writeln!(out, "\n{}", paint.text(Tone::Strong, &title))?;
    if document.runs.is_empty() {
        writeln!(out, "\nNothing was started.")?;
    }
    for report in &document.runs {
        run(report, paint, out)?;
    }
    writeln!(out)?;
    for decision in &document.decision {
        field(out, "decision", decision)?;
    }
    for saw in &document.users {
        field(out, "users", &users(saw))?;
    }
    let leftovers = match document.leftovers.as_slice() {
        [] => "nothing".to_owned(),
        some => format!("{} (renamed instances, for their owner to delete)", some.join(", ")),
    };
    field(out, "left over", &leftovers)?;
    promises(document, paint, out)?;
    let (tone, end) = match document.ended {
        Ended::Home => (Tone::Good, "at home, armed, with nothing left open"),
        Ended::Standby => (Tone::Bad, "at standby"),
        Ended::Unfinished => (Tone::Bad, "at home, but something is left open"),
    };
    let end = format!("{end}, after {}", stamp(lasted));
    field(out, "ended", &paint.text(tone, &end))
}

fn field(out: &mut impl Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {name:<10} {text}")
}

fn run(report: &Report, paint: Paint, out: &mut impl Write) -> io::Result<()> {
    let (kind, from, to) = (report.kind.word(), report.from, report.to);
    let title = format!("{}: {kind} from {from} to {to}, {}", report.run, who(&report.trigger));
    writeln!(out, "\n{}", paint.text(Tone::Strong, &title))?;
    let (tone, ended) = match &report.ended {
        Some(RunEnded::Moved) => (Tone::Good, "traffic moved, seen from outside".to_owned()),
        Some(RunEnded::Unwound(why)) => (Tone::Unsure, format!("undone: {why}")),
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
        None => "no write could be lost".into(),
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

fn users(saw: &UsersSaw) -> String {
    format!(
        "{}: reads failed for {}, writes for {} (weighted by share); nobody was served for {}",
        saw.group,
        lasts(saw.reads_failed_ms),
        lasts(saw.writes_failed_ms),
        lasts(saw.longest_total_ms)
    )
}

fn promises(document: &Document, paint: Paint, out: &mut impl Write) -> io::Result<()> {
    let named = |word: &str| {
        let those = document.promises.iter().filter(|(_, verdict)| **verdict == word);
        those.map(|(promise, _)| *promise).collect::<Vec<_>>().join(" ")
    };
    field(out, "promises", &paint.text(Tone::Good, &format!("held: {}", named("held"))))?;
    if !named("broken").is_empty() {
        let broken = format!("broken: {}", named("broken"));
        field(out, "", &paint.text(Tone::Bad, &broken))?;
    }
    document.broken.iter().try_for_each(|why| field(out, "", &paint.text(Tone::Bad, why)))
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
