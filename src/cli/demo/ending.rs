//! The end of a story: every run's report, what users saw, and which promises were held.

use std::io::{self, Write};

use bowline_sim::story::{Document, Ended, UsersSaw};

use crate::cli::paint::{Paint, Tone};
use crate::cli::report::{self, field};
use crate::cli::words::{lasts, stamp};

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
    for run in &document.runs {
        report::write(run, paint, out)?;
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
