//! Finds the functions of a file, and measures them.

use crate::lexer::is_word;
use crate::source::{Source, closing, line_of, words};

/// One function with a body.
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// The line of its `fn`, counted from 0.
    pub(crate) line: usize,
    /// Production lines from `fn` to the closing brace.
    pub(crate) lines: usize,
    /// Arguments, `self` included.
    pub(crate) arguments: usize,
    /// The deepest nesting of blocks in the body.
    pub(crate) nesting: usize,
}

/// The functions of `source`'s production code that have a body.
pub(crate) fn functions(source: &Source) -> Vec<Function> {
    let text = source.production();
    text.match_indices("fn ").filter_map(|(at, _)| function(source, &text, at)).collect()
}

fn function(source: &Source, text: &str, at: usize) -> Option<Function> {
    if text[..at].ends_with(is_word) {
        return None;
    }
    let name: String = text[at + 3..].chars().take_while(|&c| is_word(c)).collect();
    let open = after_generics(text, at + 3 + name.len())?;
    let close = closing(text, open)?;
    let body = close + text[close..].find(['{', ';'])?;
    if name.is_empty() || text[body..].starts_with(';') {
        return None;
    }
    let end = closing(text, body)?;
    let line = line_of(text, at);
    Some(Function {
        lines: source.code_lines(line..line_of(text, end) + 1, false),
        arguments: arguments(&text[open + 1..close]),
        nesting: nesting(&text[body..=end]),
        name,
        line,
    })
}

/// The position of the `(` that opens the arguments, past any `<…>`.
fn after_generics(text: &str, mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, c) in text[at..].char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !text[..at + i].ends_with('-') => depth = depth.checked_sub(1)?,
            '(' if depth == 0 => {
                at += i;
                return Some(at);
            }
            _ => {}
        }
    }
    None
}

/// Counts the arguments in the text between the parentheses.
fn arguments(text: &str) -> usize {
    let (mut depth, mut count, mut filled) = (0i32, 0, false);
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if before == '-' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth == 0 => (count, filled) = (count + usize::from(filled), false),
            _ => {}
        }
        filled |= !c.is_whitespace() && c != ',';
        before = c;
    }
    count + usize::from(filled)
}

/// What an opening bracket begins.
#[derive(Clone, Copy, PartialEq)]
enum Bracket {
    /// A block: of `if`, `else`, `match`, `for`, `while`, `loop`, a closure, or a bare one.
    Block,
    /// Anything else: a literal, a pattern, a call, the block of a `match` arm.
    Other,
}

/// Where a statement's head stands, at one level of brackets.
#[derive(Clone, Copy, PartialEq)]
enum Head {
    /// No keyword that takes a block was seen.
    None,
    /// Behind `let` or `for`: braces belong to a pattern.
    Pattern,
    /// Behind `if`, `match`, `while` …: the next brace opens the block.
    Expression,
}

/// The deepest nesting of blocks inside a function's body; the body itself is 0.
///
/// A `match` and the braces of one of its arms are one block; a struct's braces are none.
fn nesting(body: &str) -> usize {
    let mut open: Vec<(Bracket, Head)> = vec![(Bracket::Other, Head::None)];
    let mut deepest = 0;
    let mut before = String::new(); // the code of this statement so far
    for token in tokens(&body[1..]) {
        let head = open.last().map_or(Head::None, |o| o.1);
        match token {
            "{" | "(" | "[" => open.push((bracket(token, head, &before), Head::None)),
            "}" | ")" | "]" => {
                if open.pop().is_some_and(|o| o.0 == Bracket::Block) {
                    set_head(&mut open, Head::None);
                }
            }
            _ => set_head(&mut open, next_head(head, token)),
        }
        deepest = deepest.max(open.iter().filter(|o| o.0 == Bracket::Block).count());
        before.push_str(token);
        before.push(' ');
    }
    deepest
}

fn set_head(open: &mut [(Bracket, Head)], head: Head) {
    if let Some(last) = open.last_mut() {
        last.1 = head;
    }
}

fn next_head(head: Head, token: &str) -> Head {
    match (token, head) {
        ("for", _) => Head::Pattern,
        ("if" | "while" | "match" | "else" | "loop" | "unsafe" | "async", _) => Head::Expression,
        ("let", Head::Expression) => Head::Pattern,
        ("in" | "=", Head::Pattern) => Head::Expression,
        (";" | "=>", _) => Head::None,
        (",", Head::Expression) => Head::None,
        _ => head,
    }
}

fn bracket(token: &str, head: Head, before: &str) -> Bracket {
    let bare = ["; ", "{ ", "} ", "= ", "| ", "( "].iter().any(|end| before.ends_with(end));
    let excluded = ["=> ", "! ( ", "! { "].iter().any(|end| before.ends_with(end));
    match (token, head) {
        ("{", Head::Expression) => Bracket::Block,
        ("{", Head::None) if bare && !excluded => Bracket::Block,
        _ => Bracket::Other,
    }
}

/// Words, `=>`, two-character comparisons, and single other characters.
fn tokens(text: &str) -> Vec<&str> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let pair =
            ["=>", "==", "<=", ">=", "!=", "..=", "->"].iter().find(|p| rest.starts_with(**p));
        let length = match pair {
            Some(pair) => pair.len(),
            None if is_word(c) => words(rest).next().map_or(1, str::len),
            None => c.len_utf8(),
        };
        if !c.is_whitespace() {
            found.push(&rest[..length]);
        }
        at += length;
    }
    found
}

#[cfg(test)]
fn measured(text: &str) -> Vec<(String, usize, usize, usize)> {
    let all = functions(&Source::new("core/src/a.rs", text));
    all.into_iter().map(|f| (f.name, f.lines, f.arguments, f.nesting)).collect()
}

#[test]
fn functions_are_measured() {
    let text = "fn a<F: Fn(u8) -> u8>(&self, f: F, (x, y): (u8, u8), m: M<K, V>,)\n{\n\n// x\n}\n\
                trait T { fn none(&self); fn some() {} }\n#[cfg(test)]\nmod t { fn not() {} }\n";
    let expected = [("a".to_owned(), 3, 4, 0), ("some".to_owned(), 1, 0, 0)];
    assert_eq!(measured(text), expected);
}

#[test]
fn blocks_are_counted_and_other_braces_are_not() {
    let depth = |body: &str| measured(&format!("fn f() {{ {body} }}"))[0].3;
    assert_eq!(depth("let x = S { a: T { b } }; g(S { a })"), 0);
    assert_eq!(depth("if let S { a } = x && let T { b } = y { 1 } else { 2 }"), 1);
    assert_eq!(depth("for S { a } in list { match a { A { b } => { b }, _ => {} } }"), 2);
    assert_eq!(depth("match x { A => { if a { loop { x.map(|y| { y }) } } } }"), 4);
    assert_eq!(depth("while x { a } if y { b } if matches!(x, A { .. } if z) { c }"), 1);
    assert_eq!(depth("let Some(x) = y else { return }; json!({ a: { b } })"), 1);
    assert_eq!(depth("if a { if b { for c in d { while e { loop { f } } } } }"), 5);
}
