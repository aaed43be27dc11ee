//! What became of checks, as a table in Markdown: for `docs/proof.md`.

use crate::check::Verdict;
use crate::ending::Reach;

/// The head of the table.
pub const HEAD: &str = "\
| model | bounds | unique states | generated | depth | each can end | seconds |
| --- | --- | --- | --- | --- | --- | --- |";

/// What became of one check.
#[must_use]
pub fn row(verdict: &Verdict) -> String {
    let (model, bounds) = verdict.name.split_once(": ").unwrap_or(("", &verdict.name));
    let ends = match &verdict.reach {
        Some(Reach { over, excused, stuck, .. }) if verdict.holds() => {
            let [over, excused, stuck] = [*over, *excused, stuck.len()].map(number);
            format!("{over} over, {excused} excused, {stuck} stuck")
        }
        _ => "**does not hold**".to_owned(),
    };
    let [unique, generated] = [verdict.unique, verdict.generated].map(number);
    let (depth, secs) = (verdict.depth, verdict.took.as_secs());
    format!("| {model} | {bounds} | {unique} | {generated} | {depth} | {ends} | {secs} |")
}

/// A number as people read it: in threes.
fn number(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_threes() {
        let told = [0, 12, 999, 1_000, 159_751, 12_345_678].map(number);
        assert_eq!(told, ["0", "12", "999", "1,000", "159,751", "12,345,678"]);
    }
}
