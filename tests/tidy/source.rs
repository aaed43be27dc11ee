//! One Rust file as the checks see it, and how the checks find the files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::lexer::{self, is_word};

/// A file of the workspace.
pub(crate) struct Source {
    /// Path below the workspace's root, with `/`.
    pub(crate) path: String,
    /// The lines as written.
    pub(crate) raw: Vec<String>,
    /// The lines without comments and without the insides of literals.
    pub(crate) code: Vec<String>,
    /// The comments alone.
    pub(crate) comments: Vec<String>,
    /// For each line, whether it belongs to the tests.
    pub(crate) test: Vec<bool>,
}

/// One broken rule.
#[derive(Debug)]
pub(crate) struct Finding {
    /// `path:line`.
    pub(crate) place: String,
    /// What is wrong, with the limit, and what to do.
    pub(crate) text: String,
}

impl Source {
    /// Reads `text` as the file at `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let split = lexer::split(text);
        let test =
            if is_test_file(path) { vec![true; split.code.len()] } else { test_lines(&split.code) };
        let raw = text.lines().map(str::to_owned).collect();
        Self { path: path.to_owned(), raw, code: split.code, comments: split.comments, test }
    }

    /// Whether the whole file belongs to the tests.
    pub(crate) fn is_test(&self) -> bool {
        self.test.iter().all(|test| *test)
    }

    /// Lines that hold code (not blank, not only a comment) in `range`, of production or of tests.
    pub(crate) fn code_lines(&self, range: std::ops::Range<usize>, tests: bool) -> usize {
        range.filter(|&i| self.test[i] == tests && !self.code[i].trim().is_empty()).count()
    }

    /// All of the file's production lines.
    pub(crate) fn production_lines(&self) -> usize {
        self.code_lines(0..self.code.len(), false)
    }

    /// All of the file's test lines.
    pub(crate) fn test_lines(&self) -> usize {
        self.code_lines(0..self.code.len(), true)
    }

    /// The production code as one text; lines of tests are blank.
    pub(crate) fn production(&self) -> String {
        let keep = |i: usize| if self.test[i] { "" } else { self.code[i].as_str() };
        (0..self.code.len()).map(keep).collect::<Vec<_>>().join("\n")
    }

    /// A finding at `line`, counted from 0.
    pub(crate) fn finding(&self, line: usize, text: impl Into<String>) -> Finding {
        Finding { place: format!("{}:{}", self.path, line + 1), text: text.into() }
    }
}

fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "tests.rs" || name.ends_with("_tests.rs") || path.split('/').any(|p| p == "tests")
}

/// Marks the lines of every `#[cfg(test)] mod name { … }` and `#[cfg(test)] mod name;`.
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut marks = vec![false; code.len()];
    let text = code.join("\n");
    for start in ["#[cfg(test)]", "#[cfg(all(test"].iter().flat_map(|m| text.match_indices(m)) {
        if let Some(end) = module_end(&text, start.0) {
            let first = line_of(&text, start.0);
            marks[first..=line_of(&text, end)].fill(true);
        }
    }
    marks
}

/// Where the module ends whose attributes begin at `start`; `None` if it is no module.
fn module_end(text: &str, start: usize) -> Option<usize> {
    let mut rest = &text[start..];
    while rest.starts_with("#[") {
        rest = rest[closing(rest, 1)? + 1..].trim_start();
    }
    let head = rest.find(['{', ';'])?;
    if !words(&rest[..head]).any(|w| w == "mod") {
        return None;
    }
    let offset = text.len() - rest.len();
    let last = if rest[head..].starts_with(';') { head } else { closing(rest, head)? };
    Some(offset + last)
}

/// The position of the bracket that closes the one at `open`.
pub(crate) fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text[open..].char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(open + at);
        }
    }
    None
}

/// The line, counted from 0, of a position.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count()
}

/// The words of a code text.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|w| !w.is_empty())
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below the workspace's folders `folders`, in the order of their paths.
pub(crate) fn read_all(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut paths);
    }
    paths.sort();
    let mut sources: Vec<Source> = paths.iter().map(|p| read(p)).collect();
    let declared: Vec<String> = sources.iter().flat_map(declared_tests).collect();
    for source in &mut sources {
        if declared.iter().any(|d| source.path.starts_with(d.as_str())) {
            source.test.fill(true);
        }
    }
    sources
}

/// How the paths begin of the files that `source` declares with `#[cfg(test)] mod name;`.
fn declared_tests(source: &Source) -> Vec<String> {
    let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
    let (folder, file) = stem.rsplit_once('/').unwrap_or(("", stem));
    let folder = if matches!(file, "lib" | "main" | "mod") { folder } else { stem };
    let tests = |i: &usize| source.test[*i];
    let lines = (0..source.code.len()).filter(tests).map(|i| source.code[i].trim());
    lines
        .filter_map(|line| line.strip_suffix(';')?.split_once("mod "))
        .flat_map(|(_, name)| [format!("{folder}/{name}.rs"), format!("{folder}/{name}/")])
        .collect()
}

fn read(path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let below = path.strip_prefix(root()).expect("the walk began at the root");
    Source::new(&below.to_string_lossy(), &text)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|e| e.expect("a folder just listed is readable").path()) {
        if path.is_dir() && !path.ends_with("target") {
            walk(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn test_modules_are_told_from_production() {
    let text =
        "//! x\nfn a() {}\n\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n";
    let source = Source::new("core/src/a.rs", text);
    assert_eq!((source.production_lines(), source.test_lines()), (2, 5));
    let outside =
        Source::new("core/src/a.rs", "#[cfg(test)]\nmod tests;\n#[cfg(test)]\nfn x() {}\n");
    assert_eq!((outside.production_lines(), outside.test_lines()), (2, 2));
}

#[test]
fn test_files_are_told_by_their_names() {
    for path in ["a/tests.rs", "core/src/run/step_tests.rs", "tests/tidy.rs", "lab/tests/a.rs"] {
        assert!(is_test_file(path), "{path}");
    }
    assert!(!is_test_file("core/src/contests.rs"));
}

#[test]
fn files_declared_as_tests_are_told() {
    let text = "mod a;\n#[cfg(test)]\npub(crate) mod testing;\n";
    let of = |path: &str| declared_tests(&Source::new(path, text));
    assert_eq!(of("core/src/lib.rs"), ["core/src/testing.rs", "core/src/testing/"]);
    assert_eq!(of("core/src/run/mod.rs"), ["core/src/run/testing.rs", "core/src/run/testing/"]);
    assert_eq!(of("core/src/run.rs"), ["core/src/run/testing.rs", "core/src/run/testing/"]);
}
