//! Colours for a terminal, and none for anything else.

use std::io::IsTerminal;

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

/// What a text says, by which it is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// As it should not be.
    Bad,
    /// Not known, or asked of a human.
    Unsure,
    /// A heading.
    Strong,
    /// Of lesser interest.
    Faint,
    /// As any other text.
    Plain,
}

impl Paint {
    /// No colours.
    pub const OFF: Self = Self { on: false };
    /// Colours.
    pub const ON: Self = Self { on: true };

    /// Colours when standard output is a terminal and `NO_COLOR` is not set (no-color.org).
    #[must_use]
    pub fn of_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { on: wanted && std::io::stdout().is_terminal() }
    }

    /// The text in its colour.
    #[must_use]
    pub fn text(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Unsure => "33",
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Plain => return text.to_owned(),
        };
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_a_text_stays_as_it_is() {
        assert_eq!(Paint::OFF.text(Tone::Bad, "broken"), "broken");
        assert_eq!(Paint::ON.text(Tone::Plain, "plain"), "plain");
        assert_eq!(Paint::ON.text(Tone::Bad, "broken"), "\x1b[31mbroken\x1b[0m");
    }
}
