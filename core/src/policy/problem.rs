//! What is wrong with a policy, each with its place and remedy, and how it is printed.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::code::Code;

/// The longest part of a line that is printed, in characters.
const PRINTED: usize = 120;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// The policy is refused.
    Error,
    /// The policy is taken; somebody should look.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Where in a file: lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// How many characters of that line are meant; at least 1.
    pub width: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Its kind.
    pub code: Code,
    /// The field, such as `spec.health.quorum`; empty for the whole document.
    pub path: String,
    /// Where in the file; absent when the policy came without one (from an API server).
    #[serde(flatten)]
    pub place: Option<Place>,
    /// The line of the file, without what a terminal could take for a command.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// Everything that is wrong with a file, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// The problems, by place.
    pub list: Vec<Problem>,
}

impl Problems {
    /// None yet.
    #[must_use]
    pub fn none(file: &str) -> Self {
        Self { file: file.to_owned(), list: Vec::new() }
    }

    /// How many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|problem| problem.severity == Severity::Error).count()
    }

    /// How many warnings there are.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors()
    }

    /// The problems as one JSON document: `{"file", "errors", "warnings", "problems": […]}`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "file": self.file,
            "errors": self.errors(),
            "warnings": self.warnings(),
            "problems": self.list,
        })
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            problem.print(&self.file, f)?;
            writeln!(f)?;
        }
        let (errors, warnings) = (self.errors(), self.warnings());
        write!(f, "{}: {errors} error{}", self.file, plural(errors))?;
        if warnings > 0 {
            write!(f, ", {warnings} warning{}", plural(warnings))?;
        }
        Ok(())
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl Problem {
    fn print(&self, file: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: ", self.severity, self.code)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        writeln!(f, "{}", self.message)?;
        let Some(place) = self.place else {
            return writeln!(f, "  = {}", self.remedy);
        };
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let (source, indent, width) = window(&self.source, place);
        let (indent, carets) = (" ".repeat(indent), "^".repeat(width));
        writeln!(f, "{margin}--> {file}:{}:{}", place.line, place.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {source}")?;
        writeln!(f, "{margin} | {indent}{carets}")?;
        writeln!(f, "{margin} = {}", self.remedy)
    }
}

/// The part of a line that is printed, and where in it the carets begin and how many there are.
fn window(line: &str, place: Place) -> (String, usize, usize) {
    let letters: Vec<char> = line.chars().collect();
    let column = place.column.saturating_sub(1) as usize;
    let width = (place.width as usize).min(PRINTED / 2);
    // A far place is moved to the middle.
    let start = if column + width <= PRINTED { 0 } else { column - PRINTED / 2 };
    let end = letters.len().min(start + PRINTED);
    let part: String = letters.get(start..end).unwrap_or_default().iter().collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if end < letters.len() { "…" } else { "" };
    (format!("{before}{part}{after}"), column - start + before.chars().count(), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(severity: Severity, place: Option<Place>) -> Problem {
        Problem {
            severity,
            code: Code::BadText,
            path: "spec.coolDown".into(),
            place,
            source: "  coolDown: soon".into(),
            message: "\"soon\" is not a duration".into(),
            remedy: "write 15m".into(),
        }
    }

    #[test]
    fn a_problem_is_printed_with_its_line_and_a_caret_under_the_value() {
        let place = Place { line: 12, column: 13, width: 4 };
        let all = Problems {
            file: "shop.yaml".into(),
            list: vec![problem(Severity::Error, Some(place))],
        };
        let expected = "\
error[BL1004]: spec.coolDown: \"soon\" is not a duration
  --> shop.yaml:12:13
   |
12 |   coolDown: soon
   |             ^^^^
   = write 15m

shop.yaml: 1 error";
        assert_eq!(all.to_string(), expected);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_printed() {
        let line = format!("{}meant{}", "a".repeat(200), "z".repeat(200));
        let place = Place { line: 1, column: 201, width: 5 };
        let (part, indent, width) = window(&line, place);
        assert_eq!(part.chars().count(), PRINTED + 2);
        let meant: String = part.chars().skip(indent).take(width).collect();
        assert_eq!(meant, "meant");
        assert!(part.starts_with("…a") && part.ends_with("z…"), "{part}");
    }

    #[test]
    fn under_a_long_value_no_more_carets_are_printed_than_half_of_what_is() {
        let place = Place { line: 1, column: 1, width: 300 };
        let (_, indent, width) = window(&"a".repeat(300), place);
        assert_eq!((indent, width), (0, PRINTED / 2));
    }

    proptest::proptest! {
        #[test]
        fn the_carets_are_under_what_is_meant(
            line in ".{0,300}", column in 1..300_u32, width in 1..50_u32
        ) {
            let (part, indent, width) = window(&line, Place { line: 1, column, width });
            let meant: String = line.chars().skip(column as usize - 1).take(width).collect();
            let shown: String = part.chars().skip(indent).take(width).collect();
            proptest::prop_assert!(shown.starts_with(&meant), "{} {}", shown, meant);
        }
    }

    #[test]
    fn a_problem_without_a_file_still_names_its_field() {
        let all = Problems { file: "shop".into(), list: vec![problem(Severity::Warning, None)] };
        let expected = "\
warning[BL1004]: spec.coolDown: \"soon\" is not a duration
  = write 15m

shop: 0 errors, 1 warning";
        assert_eq!(all.to_string(), expected);
    }

    #[test]
    fn as_json_every_problem_has_code_place_and_remedy() {
        let place = Place { line: 12, column: 13, width: 4 };
        let all = Problems {
            file: "shop.yaml".into(),
            list: vec![problem(Severity::Error, Some(place)), problem(Severity::Warning, None)],
        };
        let json = all.to_json();
        assert_eq!(json["errors"], 1);
        assert_eq!(json["warnings"], 1);
        let first = &json["problems"][0];
        assert_eq!(first["code"], "BL1004");
        assert_eq!(first["severity"], "error");
        assert_eq!((&first["line"], &first["column"]), (&12.into(), &13.into()));
        assert_eq!(first["remedy"], "write 15m");
        assert!(json["problems"][1].get("line").is_none());
    }
}
