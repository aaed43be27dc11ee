//! Collects what is wrong with one document, and keeps one slip from being told twice.

use std::collections::{BTreeMap, BTreeSet};

use super::code::Code;
use super::problem::{Place, Problem, Severity};

/// The longest part of a line that is kept.
const KEPT: usize = 1_000;

/// What is wrong with a document so far.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    lines: &'a [&'a str],
    places: BTreeMap<String, Place>,
    spoiled: BTreeSet<String>,
    found: Vec<Problem>,
}

impl<'a> Report<'a> {
    /// Nothing is wrong yet with the document of a text of these lines.
    pub(crate) fn new(lines: &'a [&'a str]) -> Self {
        Self { lines, places: BTreeMap::new(), spoiled: BTreeSet::new(), found: Vec::new() }
    }

    /// Remembers where a field was written.
    pub(crate) fn locate(&mut self, path: &str, place: Option<Place>) {
        if let Some(place) = place {
            self.places.insert(path.to_owned(), place);
        }
    }

    /// From here on the field holds a stand-in: nothing more is told of it or of what is in it.
    pub(crate) fn spoil(&mut self, path: &str) {
        self.spoiled.insert(path.to_owned());
    }

    /// Whether a field, and everything around it, is as the user wrote it.
    pub(crate) fn sound(&self, path: &str) -> bool {
        upwards(path).all(|path| !self.spoiled.contains(path))
    }

    /// Whether that holds for a field and everything in it.
    pub(crate) fn sound_within(&self, path: &str) -> bool {
        let inside = |spoiled: &&String| {
            spoiled.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        self.sound(path) && !self.spoiled.iter().any(|spoiled| inside(&spoiled))
    }

    /// Tells an error of a field.
    pub(crate) fn error(&mut self, code: Code, path: &str, message: String, remedy: String) {
        self.tell(Severity::Error, code, path, (message, remedy));
    }

    /// Tells an error of a field, which holds a stand-in from here on.
    pub(crate) fn spoiling(&mut self, code: Code, path: &str, message: String, remedy: String) {
        self.error(code, path, message, remedy);
        self.spoil(path);
    }

    /// Tells a warning of a field.
    pub(crate) fn warning(&mut self, code: Code, path: &str, message: String, remedy: String) {
        self.tell(Severity::Warning, code, path, (message, remedy));
    }

    /// Tells an error of a place that is no field's, such as the second of two equal keys.
    pub(crate) fn error_at(&mut self, code: Code, place: Option<Place>, problem: [String; 3]) {
        let [path, message, remedy] = problem;
        self.found.push(Problem {
            severity: Severity::Error,
            code,
            path,
            source: place.map(|place| self.source(place)).unwrap_or_default(),
            place: place.map(|place| self.inside_line(place)),
            message,
            remedy,
        });
    }

    /// Everything that was told.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.found
    }

    fn tell(&mut self, severity: Severity, code: Code, path: &str, words: (String, String)) {
        if !self.sound(path) {
            return;
        }
        let place = upwards(path).find_map(|path| self.places.get(path).copied());
        self.error_at(code, place, [path.to_owned(), words.0, words.1]);
        if let Some(last) = self.found.last_mut() {
            last.severity = severity;
        }
    }

    /// The line of a place, as far as it is kept, without control characters.
    fn source(&self, place: Place) -> String {
        let line = self.lines.get(place.line as usize - 1).copied().unwrap_or_default();
        line.chars().take(KEPT).map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// A place cut to its line: a text of several lines is shown by its first.
    fn inside_line(&self, place: Place) -> Place {
        let kept = self.source(place).chars().count() as u32;
        let rest = (kept + 1).saturating_sub(place.column).max(1);
        Place { width: place.width.min(rest), ..place }
    }
}

/// A path and everything around it, from the inside out; the whole document is the empty path.
fn upwards(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| (!path.is_empty()).then(|| parent(path)))
}

fn parent(path: &str) -> &str {
    let cut = if path.ends_with("\"]") { path.rfind("[\"") } else { path.rfind(['.', '[']) };
    cut.map_or("", |cut| &path[..cut])
}

/// The path of a key below another.
pub(crate) fn below(path: &str, key: &str) -> String {
    let simple = key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    match (path, simple && !key.is_empty()) {
        ("", true) => key.to_owned(),
        (_, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[\"{}\"]", key.escape_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(report: &mut Report<'_>, path: &str) {
        report.error(Code::BadText, path, "bad".into(), "mend it".into());
    }

    #[test]
    fn a_problem_of_something_absent_is_told_at_what_is_around_it() {
        let lines = ["spec:", "  health:"];
        let mut report = Report::new(&lines);
        report.locate("spec.health", Some(Place { line: 2, column: 3, width: 6 }));
        tell(&mut report, "spec.health.signals[3].down.of");
        let problem = &report.into_problems()[0];
        assert_eq!(problem.place.map(|place| place.line), Some(2));
        assert_eq!(problem.source, "  health:");
    }

    #[test]
    fn one_slip_is_told_once() {
        let mut report = Report::new(&[]);
        tell(&mut report, "spec.sites.home");
        report.spoil("spec.sites.home");
        tell(&mut report, "spec.sites.home.region");
        tell(&mut report, "spec.sites.home");
        tell(&mut report, "spec.sites.homes");
        let paths: Vec<_> = report.into_problems().into_iter().map(|p| p.path).collect();
        assert_eq!(paths, ["spec.sites.home", "spec.sites.homes"]);
    }

    #[test]
    fn soundness_looks_up_and_within() {
        let mut report = Report::new(&[]);
        report.spoil("spec.health.signals[1].every");
        assert!(report.sound("spec.health.signals"));
        assert!(!report.sound_within("spec.health.signals"));
        assert!(report.sound_within("spec.health.signals[0]"));
        assert!(report.sound_within("spec.health.sig"));
        assert!(!report.sound("spec.health.signals[1].every.x"));
    }

    #[test]
    fn keys_that_are_no_words_are_quoted_in_paths() {
        assert_eq!(below("", "spec"), "spec");
        assert_eq!(below("a.tags", "elbv2.k8s.aws/x"), "a.tags[\"elbv2.k8s.aws/x\"]");
        assert_eq!(parent("a.tags[\"elbv2.k8s.aws/x\"]"), "a.tags");
        assert_eq!(parent("a.b[2]"), "a.b");
        assert_eq!(parent("a"), "");
    }

    #[test]
    fn the_line_shown_holds_no_control_characters_and_ends() {
        let line = format!("a: \u{1b}[31m{}", "x".repeat(5_000));
        let lines = [line.as_str()];
        let mut report = Report::new(&lines);
        report.locate("a", Some(Place { line: 1, column: 4, width: 4_000 }));
        tell(&mut report, "a");
        let problem = &report.into_problems()[0];
        assert!(problem.source.chars().all(|c| !c.is_control()));
        assert_eq!(problem.source.chars().count(), KEPT);
        assert_eq!(problem.place.map(|place| place.width), Some(997));
    }
}
