//! The decision table: what Bowline decides, and why, in rows that people read and add to without
//! knowing Rust. `docs/decisions.md` says how.

#[path = "table/mod.rs"]
mod table;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use table::Verdict;

/// The whole table, played once for all tests of this file.
static TABLE: LazyLock<Verdict> = LazyLock::new(|| {
    let topics = table::topics("").unwrap_or_else(|error| panic!("{error}"));
    table::check(&topics).unwrap_or_else(|error| panic!("{error}"))
});

#[test]
fn the_table_is_what_is_decided() {
    for (file, rows) in &TABLE.rows {
        println!("{rows:>4}  {file}");
    }
    let rows: usize = TABLE.rows.values().sum();
    println!("{rows:>4}  rows");
    assert!(TABLE.wrong.is_empty(), "\n{}\n", TABLE.wrong.join("\n\n"));
    assert!(rows >= 150, "{rows} rows");
}

#[test]
fn every_reason_is_reached_by_a_row_or_said_to_be_out_of_reach() {
    let (all, listed) = table::reasons().unwrap_or_else(|error| panic!("{error}"));
    let listed: BTreeSet<_> = listed.into_iter().collect();
    let unreached: BTreeSet<_> = all.difference(&TABLE.reached).cloned().collect();
    println!("{} reached, {} out of reach", all.len() - unreached.len(), unreached.len());
    let unknown: Vec<_> = TABLE.reached.difference(&all).collect();
    assert!(unknown.is_empty(), "the list of all reasons does not know {unknown:?}");
    let forgotten: Vec<_> = unreached.difference(&listed).collect();
    assert!(
        forgotten.is_empty(),
        "no row reaches these; write one, or say why in unreached.yaml: {forgotten:#?}"
    );
    let reached: Vec<_> = listed.difference(&unreached).collect();
    assert!(reached.is_empty(), "unreached.yaml lists what a row reaches: {reached:#?}");
}

/// Each file of `decisions/wrong` holds a row that is wrong on purpose, and says in its first lines
/// (`#: …`) what must be told of it.
#[test]
fn a_wrong_row_is_found_out_and_told_with_its_place() {
    let wrong = table::wrong().unwrap_or_else(|error| panic!("{error}"));
    assert!(wrong.len() >= 20, "{}", wrong.len());
    for (file, expected, told) in wrong {
        let all = told.join("\n");
        println!("{all}\n");
        assert!(plain(&all).contains(&plain(&expected)), "{file}: wanted\n{expected}\ntold\n{all}");
        let shown = format!("core/tests/decisions/wrong/{file}");
        assert!(all.contains(&shown), "{file}: its place is not told:\n{all}");
    }
}

/// Of the last row of each file: the whole status, and all that people were told.
#[test]
fn what_people_see_of_a_group_is_what_is_written_down() {
    let topics = table::topics("").unwrap_or_else(|error| panic!("{error}"));
    let told = table::seen(&topics).unwrap_or_else(|error| panic!("{error}"));
    let written = include_str!("table/seen.txt");
    for (line, (is, was)) in (1..).zip(told.lines().zip(written.lines())) {
        assert_eq!(is, was, "core/tests/table/seen.txt:{line}; all of it:\n{told}");
    }
    assert_eq!(told.lines().count(), written.lines().count(), "\n{told}");
}

/// A text without its line breaks and indentation.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
