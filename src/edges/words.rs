//! Others' errors in words short enough for a record.

use std::error::Error;

/// The most of a server's words that a fault repeats, in characters.
pub(super) const WORDS: usize = 400;

/// An error with what caused it, each once.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !words.contains(&more) {
            words.push_str(": ");
            words.push_str(&more);
        }
        next = cause.source();
    }
    words
}

/// The beginning of a text, at most [`WORDS`] characters.
pub(super) fn clip(words: &str) -> String {
    words.chars().take(WORDS).collect()
}
