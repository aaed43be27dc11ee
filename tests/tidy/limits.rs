//! The limits of how long, wide, deep and careless code may be.

use crate::functions::functions;
use crate::source::{Finding, Source};

/// Half of the production files are at most this long.
pub(crate) const FILE_MEDIAN: usize = 160;
/// Nine functions of ten are at most this long.
pub(crate) const FUNCTION_P90: usize = 25;
/// At most this many `unwrap` and `expect` in 1,000 production lines.
pub(crate) const UNWRAPS_PER_1000: usize = 2;
const FILE: usize = 500;
const FUNCTION: usize = 70;
const ARGUMENTS: usize = 5;
const NESTING: usize = 4;
const COLUMNS: usize = 100;
/// An `expect` gives at least this many words of reason.
const REASON_WORDS: usize = 3;

/// What one file breaks by itself.
pub(crate) fn file_findings(source: &Source) -> Vec<Finding> {
    let mut found = line_findings(source);
    found.extend(opening(source));
    found.extend(unreasoned_expects(source));
    let lines = source.production_lines();
    if lines > FILE {
        let text = format!("{lines} production lines, limit {FILE}: split it by subject");
        found.push(source.finding(0, text));
    }
    found.extend(functions(source).iter().flat_map(|f| {
        let over = [
            (f.lines, FUNCTION, "lines", "split it into named steps"),
            (f.arguments, ARGUMENTS, "arguments", "group what belongs together in a struct"),
            (f.nesting, NESTING, "nested blocks", "return early, or take the inner part out"),
        ];
        over.into_iter().filter(|o| o.0 > o.1).map(|(is, limit, what, remedy)| {
            let text = format!("`{}` has {is} {what}, limit {limit}: {remedy}", f.name);
            source.finding(f.line, text)
        })
    }));
    found
}

fn line_findings(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, raw) in source.raw.iter().enumerate() {
        let columns = raw.chars().count();
        if columns > COLUMNS {
            let text = format!("{columns} columns, limit {COLUMNS}: break the line");
            found.push(source.finding(line, text));
        }
        if crate::source::words(&source.code[line]).any(|w| w == "unsafe") {
            found.push(source.finding(line, "`unsafe`, limit 0: find a safe crate for it"));
        }
        if let Some(word) = unowned_todo(&source.comments[line]) {
            let text = format!("`{word}` without an issue: write `{word}(#12)`, or do it");
            found.push(source.finding(line, text));
        }
    }
    found
}

/// A mark of unfinished work that names no issue.
fn unowned_todo(comment: &str) -> Option<&'static str> {
    ["TODO", "FIXME", "XXX", "HACK"].into_iter().find(|word| {
        let number = |rest: &str| rest.starts_with("(#");
        crate::source::words(comment).any(|w| w == *word)
            && !comment.split(word).skip(1).all(number)
    })
}

fn opening(source: &Source) -> Option<Finding> {
    let first = source.raw.first().map_or("", String::as_str);
    let text = "the file does not open with `//!`: say what it is for and what it must not do";
    (!first.starts_with("//!")).then(|| source.finding(0, text))
}

/// The places of `unwrap` and `expect` in the production code, counted from line 0.
pub(crate) fn unwraps(source: &Source) -> Vec<usize> {
    let text = source.production();
    let mut places: Vec<usize> = [".unwrap()", ".expect("]
        .iter()
        .flat_map(|call| text.match_indices(call).map(|(at, _)| at).collect::<Vec<_>>())
        .map(|at| crate::source::line_of(&text, at))
        .collect();
    places.sort_unstable();
    places
}

fn unreasoned_expects(source: &Source) -> Vec<Finding> {
    let text = source.production();
    let raw: Vec<&str> = source.raw.iter().map(String::as_str).collect();
    let calls = text.match_indices(".expect(").map(|(at, call)| {
        let line = crate::source::line_of(&text, at);
        let column = text[..at + call.len()].rsplit('\n').next().map_or(0, |l| l.chars().count());
        (line, raw[line].chars().skip(column).collect::<String>())
    });
    let reasoned = |line: usize, rest: &str| {
        let literal = if rest.is_empty() { raw.get(line + 1).copied().unwrap_or("") } else { rest };
        let inside = literal.trim_start().strip_prefix('"').and_then(|l| l.split('"').next());
        inside.is_some_and(|reason| reason.split_whitespace().count() >= REASON_WORDS)
    };
    let bare = calls.filter(|(line, rest)| !reasoned(*line, rest));
    let text = "`expect` gives no reason: say in words why it cannot fail";
    bare.map(|(line, _)| source.finding(line, text)).collect()
}

#[cfg(test)]
fn texts(text: &str) -> String {
    let found = file_findings(&Source::new("core/src/a.rs", text));
    found.iter().map(|f| format!("{} {}\n", f.place, f.text)).collect()
}

#[test]
fn each_limit_is_found_with_its_place() {
    let cases = [
        ("fn a() {}", "a.rs:1 the file does not open"),
        (&format!("//! x\n// {}", "x".repeat(98)), "a.rs:2 101 columns"),
        ("//! x\n\nunsafe fn a() {}", "a.rs:3 `unsafe`"),
        ("//! x\n// TODO: later", "a.rs:2 `TODO` without"),
        ("//! x\n/* FIXME(#1) and FIXME */", "a.rs:2 `FIXME` without"),
        (&format!("//! x\n{}", "a;\n".repeat(501)), "a.rs:1 501 production lines"),
        (&format!("//! x\nfn a() {{\n{}}}", "a;\n".repeat(69)), "a.rs:2 `a` has 71 lines"),
        ("//! x\nfn a(&self, a: A, b: B, c: C, d: D, e: E) {}", "a.rs:2 `a` has 6 arguments"),
        ("//! x\nfn a() { if a { if b { if c { if d { if e {} } } } } }", "5 nested blocks"),
        ("//! x\na.expect(\"works\");", "a.rs:2 `expect` gives no reason"),
        ("//! x\na.expect(&reason);", "a.rs:2 `expect` gives no reason"),
    ];
    for (text, expected) in cases {
        assert!(texts(text).contains(expected), "{expected}: {}", texts(text));
    }
}

#[test]
fn what_keeps_the_limits_passes() {
    let long = format!("//! x\nfn a() {{\n{}}}\n", "a;\n// b\n\n".repeat(68));
    let text = long
        + "// TODO(#7): later\na.expect(\"the list is never empty\");\n\
                       b.expect(\n    \"the list is never empty\",\n);\nlet t = \"TODO unsafe\";\n";
    assert_eq!(texts(&text), "");
}

#[test]
fn unwraps_are_counted_in_production_only() {
    let text =
        "a.unwrap();\nb.expect(\"x y z\").unwrap_or(1);\n#[cfg(test)]\nmod t { c.unwrap(); }";
    assert_eq!(unwraps(&Source::new("core/src/a.rs", text)), [0, 1]);
}
