//! The decision table: what Bowline decides, and why, in rows that people read and add to without
//! knowing Rust. `docs/decisions.md` says how.

#[path = "table/mod.rs"]
mod table;

#[test]
fn the_table_is_what_is_decided() {
    let topics = table::topics("").unwrap_or_else(|error| panic!("{error}"));
    let verdict = table::check(&topics).unwrap_or_else(|error| panic!("{error}"));
    assert!(verdict.wrong.is_empty(), "\n{}\n", verdict.wrong.join("\n\n"));
}
