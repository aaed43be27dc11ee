//! One line of the story: when, of whom, about what.

use std::io::{self, Write};

use bowline_core::model::Span;

use crate::cli::paint::{Paint, Tone};
use crate::cli::words;

/// Something that is told in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Of which group; empty for all.
    pub(super) group: String,
    /// About what: `home`, `dns`, `users`, …
    pub(super) topic: &'static str,
    /// How it is.
    pub(super) tone: Tone,
    /// What is told.
    pub(super) text: String,
}

impl Line {
    /// A line of no group in particular.
    pub(super) fn new(topic: &'static str, tone: Tone, text: impl Into<String>) -> Self {
        Self { group: String::new(), topic, tone, text: text.into() }
    }

    /// The same, of this group.
    pub(super) fn of(mut self, group: &str) -> Self {
        group.clone_into(&mut self.group);
        self
    }
}

/// How lines are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Colours or none.
    pub(super) paint: Paint,
    /// How wide the group's name is; 0: there is only one group.
    pub(super) group: usize,
}

impl Layout {
    /// Writes a line that happened so long after the start.
    pub(super) fn write(self, at: Span, line: &Line, out: &mut impl Write) -> io::Result<()> {
        let stamp = self.paint.text(Tone::Faint, &words::stamp(at));
        let topic = self.paint.text(Tone::Faint, &format!("{:<8}", line.topic));
        let text = self.paint.text(line.tone, &line.text);
        if self.group == 0 {
            return writeln!(out, "{stamp}  {topic} {text}");
        }
        writeln!(out, "{stamp}  {:<width$} {topic} {text}", line.group, width = self.group)
    }
}
