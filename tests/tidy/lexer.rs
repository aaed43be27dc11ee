//! Splits Rust text into code and comments, line by line, without parsing it.
//!
//! Both halves keep the shape of the text: what belongs to the other half, and what stands inside
//! string and character literals, becomes blanks. So a line and a column mean the same in all of
//! them, and a brace in `code` is a real brace.

/// One file's text, split.
pub(crate) struct Split {
    /// The text without comments and without the insides of literals.
    pub(crate) code: Vec<String>,
    /// The comments alone.
    pub(crate) comments: Vec<String>,
}

/// Splits `text`. Unterminated literals and comments run to the end.
pub(crate) fn split(text: &str) -> Split {
    let mut lexer = Lexer { input: text.chars().collect(), at: 0, code: vec![], comments: vec![] };
    while lexer.at < lexer.input.len() {
        lexer.step();
    }
    Split { code: lines(&lexer.code), comments: lines(&lexer.comments) }
}

fn lines(chars: &[char]) -> Vec<String> {
    chars.iter().collect::<String>().lines().map(str::to_owned).collect()
}

enum Half {
    Code,
    Comment,
    Neither,
}

struct Lexer {
    input: Vec<char>,
    at: usize,
    code: Vec<char>,
    comments: Vec<char>,
}

impl Lexer {
    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('r', '"' | '#') if !self.inside_word() => self.raw_string(),
            ('\'', _) => self.quote(),
            _ => self.take(Half::Code),
        }
    }

    fn peek(&self, ahead: usize) -> char {
        self.input.get(self.at + ahead).copied().unwrap_or('\0')
    }

    /// Whether the present character continues a word; `b` and `c` may stand before a literal.
    fn inside_word(&self) -> bool {
        let Some(before) = self.at.checked_sub(1).map(|i| self.input[i]) else { return false };
        let alone = self.at < 2 || !is_word(self.input[self.at - 2]);
        is_word(before) && !(matches!(before, 'b' | 'c') && alone)
    }

    fn take(&mut self, half: Half) {
        let c = self.peek(0);
        self.at += 1;
        let blank = if c == '\n' { '\n' } else { ' ' };
        self.code.push(if matches!(half, Half::Code) { c } else { blank });
        self.comments.push(if matches!(half, Half::Comment) { c } else { blank });
    }

    fn more(&self) -> bool {
        self.at < self.input.len()
    }

    fn line_comment(&mut self) {
        while self.more() && self.peek(0) != '\n' {
            self.take(Half::Comment);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while self.more() {
            let pair = (self.peek(0), self.peek(1));
            self.take(Half::Comment);
            match pair {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => continue,
            }
            self.take(Half::Comment);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.take(Half::Code);
        while self.more() && self.peek(0) != '"' {
            if self.peek(0) == '\\' {
                self.take(Half::Neither);
            }
            self.take(Half::Neither);
        }
        self.take(Half::Code);
    }

    fn raw_string(&mut self) {
        let hashes = (1..).take_while(|&i| self.peek(i) == '#').count();
        if self.peek(1 + hashes) != '"' {
            return self.take(Half::Code); // a raw identifier: r#type
        }
        (0..hashes + 2).for_each(|_| self.take(Half::Code));
        while self.more() && !self.raw_string_ends(hashes) {
            self.take(Half::Neither);
        }
        (0..=hashes).for_each(|_| self.take(Half::Code));
    }

    fn raw_string_ends(&self, hashes: usize) -> bool {
        self.peek(0) == '"' && (1..=hashes).all(|i| self.peek(i) == '#')
    }

    /// A character literal, or the mark of a lifetime.
    fn quote(&mut self) {
        let literal = self.peek(1) == '\\' || self.peek(2) == '\'';
        self.take(Half::Code);
        if !literal {
            return;
        }
        if self.peek(0) == '\\' {
            self.take(Half::Neither);
        }
        self.take(Half::Neither);
        while self.more() && self.peek(0) != '\'' {
            self.take(Half::Neither);
        }
        self.take(Half::Code);
    }
}

/// Whether `c` may stand in an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn literals_and_comments_are_blanked_in_place() {
    let split =
        split("let a = \"}\\\"{\"; // {\nlet b = '{'; /* { /* } */ */ let c = r#\"{\"}\"#;\n");
    assert_eq!(split.code[0].trim_end(), "let a = \"    \";");
    assert_eq!(split.comments[0].trim(), "// {");
    assert!(!split.code[1].contains(['{', '}']), "{}", split.code[1]);
    assert!(split.code[1].contains("let c = r#\""));
}

#[test]
fn lifetimes_and_raw_identifiers_are_no_literals() {
    let split = split("fn f<'a>(r#type: &'a str) -> &'a str { b\"}\"; br\"}\"; x }");
    assert_eq!(split.code[0].matches('}').count(), 1, "{}", split.code[0]);
    assert!(split.code[0].contains("r#type"));
}
