//! Finds the paths (`a::b::c`) that a file's production code names, `use` trees spelled out.

use crate::lexer::is_word;
use crate::source::{Source, line_of};

/// A path with its line, counted from 0.
#[derive(Debug, PartialEq)]
pub(crate) struct Named {
    /// The segments; `crate` and `super` are kept, a leading `::` is not.
    pub(crate) path: Vec<String>,
    /// The line.
    pub(crate) line: usize,
    /// Whether `!` follows: a macro's name.
    pub(crate) is_macro: bool,
}

impl Named {
    /// The path as written in Rust.
    pub(crate) fn text(&self) -> String {
        self.path.join("::")
    }
}

/// Every path and single word of the production code.
pub(crate) fn paths(source: &Source) -> Vec<Named> {
    let text = source.production();
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let c = rest.chars().next().unwrap_or(' ');
        at += if is_word(c) { path(&text, at, &[], &mut found) } else { c.len_utf8() };
    }
    found
}

/// Reads the path that begins at `at`, behind `prefix`; gives its length in bytes.
fn path(text: &str, at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut segments = prefix.to_vec();
    let mut end = at;
    loop {
        let rest = &text[end..];
        let word: String = rest.chars().take_while(|&c| is_word(c)).collect();
        end += word.len();
        if word.is_empty() {
            match rest.chars().next() {
                Some('{') => return end + tree(text, end, &segments, found) - at,
                Some('*') => (segments.push("*".to_owned()), end += 1).1,
                _ => {}
            }
            break;
        }
        segments.push(word);
        match text[end..].strip_prefix("::") {
            Some(_) => end += 2,
            None => break,
        }
    }
    let is_macro = text[end..].starts_with('!') && !text[end..].starts_with("!=");
    found.push(Named { path: segments, line: line_of(text, at), is_macro });
    (end - at).max(1)
}

/// Reads the `{a, b::c}` at `at`; gives its length.
fn tree(text: &str, at: usize, prefix: &[String], found: &mut Vec<Named>) -> usize {
    let mut end = at + 1;
    while let Some(c) = text[end..].chars().next() {
        match c {
            '}' => return end + 1 - at,
            '*' => end += path(text, end, prefix, found),
            c if is_word(c) => end += path(text, end, prefix, found),
            c => end += c.len_utf8(),
        }
    }
    end - at
}

#[cfg(test)]
fn named(text: &str) -> Vec<String> {
    paths(&Source::new("core/src/a.rs", text)).iter().map(Named::text).collect()
}

#[test]
fn use_trees_are_spelled_out() {
    let found = named("use std::{fs, net::{self, Tcp as T}, env::*};\nlet x = a::b::<C>(d);");
    let expected = ["std::fs", "std::net::self", "std::net::Tcp", "std::env::*"];
    assert!(expected.iter().all(|e| found.contains(&(*e).to_owned())), "{found:?}");
    assert!(found.contains(&"d".to_owned()), "{found:?}");
}

#[test]
fn macros_and_lines_are_told() {
    let all = paths(&Source::new("core/src/a.rs", "\nprintln!(); a != b"));
    assert!(all[0].is_macro && all[0].line == 1 && !all[1].is_macro);
}
