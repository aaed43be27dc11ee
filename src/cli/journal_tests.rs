//! A journal that the node wrote, in a directory, shown, replayed, and changed by somebody.

use std::path::Path;

use clap::Parser;

use super::*;
use crate::cli::played::{chain, folder, play, shop};

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    journal: JournalArgs,
}

fn journal(args: &[&str]) -> (Exit, String) {
    let args = std::iter::once(&"journal").chain(args);
    let args = Alone::try_parse_from(args).unwrap().journal;
    let mut out = Vec::new();
    let exit = run(&args, Paint::OFF, &mut out).unwrap();
    (exit, String::from_utf8(out).unwrap())
}

/// The journal of a whole failover.
fn moved(to: &Path) -> usize {
    let closed = |stage: &bowline_sim::story::Stage| {
        stage.ledgers()[&shop()].run.as_ref().is_some_and(bowline_core::run::Run::closed)
    };
    let chain = chain(&play("region-lost", closed));
    folder(to, &chain);
    chain.len()
}

/// Changes one word of an entry, as somebody with an editor would.
fn tamper(store: &Path, seq: usize, from: &str, to: &str) {
    let path = store.join(format!("records/shop/{seq:020}.json"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_journal_is_shown_replayed_and_read_back_from_its_document() {
    let store = tempfile::tempdir().unwrap();
    let entries = moved(store.path());
    let at = format!("dir:{}", store.path().display());
    let (exit, shown) = journal(&["show", "shop", "--store", &at]);
    assert_eq!(exit, Exit::Done);
    for line in ["claims epoch 1", "failover from home to standby begins", "is the writer"] {
        assert!(shown.contains(line), "{line:?} is not in\n{shown}");
    }
    let (exit, state) = journal(&["replay", "shop", "--store", &at]);
    assert_eq!(exit, Exit::Done);
    assert!(state.starts_with(&format!("shop: {entries} entries verified")), "{state}");
    assert!(state.contains("active     standby"), "{state}");

    let (_, document) = journal(&["show", "shop", "--store", &at, "-o", "json"]);
    let file = store.path().join("journal.json");
    std::fs::write(&file, document).unwrap();
    let (exit, again) = journal(&["replay", "--file", file.to_str().unwrap()]);
    assert_eq!((exit, again), (Exit::Done, state));
}

#[test]
fn a_changed_byte_is_found_out_and_its_entry_named() {
    let store = tempfile::tempdir().unwrap();
    moved(store.path());
    tamper(store.path(), 2, "\"at\":", "\"at\": ");
    let at = format!("dir:{}", store.path().display());
    let (exit, told) = journal(&["replay", "shop", "--store", &at]);
    assert_eq!(exit, Exit::Failed);
    assert!(told.contains("entry 2 was changed after it was written"), "{told}");
    let (exit, told) = journal(&["show", "shop", "--store", &at]);
    assert_eq!(exit, Exit::Failed);
    assert!(told.contains("entry 2 was changed"), "{told}");
}

#[test]
fn a_change_of_the_last_entry_is_found_out_too() {
    let store = tempfile::tempdir().unwrap();
    let entries = moved(store.path());
    let at = format!("dir:{}", store.path().display());
    let (_, document) = journal(&["show", "shop", "--store", &at, "-o", "json"]);
    let last = format!("\"seq\": {entries}");
    let place = document.find(&last).unwrap();
    let bytes = document[place..].replacen("\\\"at\\\":", "\\\"at\\\": ", 1);
    let file = store.path().join("journal.json");
    std::fs::write(&file, format!("{}{bytes}", &document[..place])).unwrap();
    let (exit, told) = journal(&["replay", "--file", file.to_str().unwrap()]);
    assert_eq!(exit, Exit::Failed);
    assert!(told.contains(&format!("entry {entries} was changed")), "{told}");
}

#[test]
fn a_group_that_is_not_there_is_told_with_those_that_are() {
    let store = tempfile::tempdir().unwrap();
    moved(store.path());
    let at = format!("dir:{}", store.path().display());
    let args = Alone::try_parse_from(["journal", "show", "shpo", "--store", &at]).unwrap();
    let error = run(&args.journal, Paint::OFF, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "there is no group shpo; there are: shop");
    let args = ["journal", "show", "shop", "--store", "dir:/nowhere/at/all"];
    let args = Alone::try_parse_from(args).unwrap();
    let error = run(&args.journal, Paint::OFF, &mut Vec::new()).unwrap_err();
    assert!(format!("{error:#}").contains("is no bowline store"), "{error:#}");
    assert!(!Path::new("/nowhere").exists(), "reading makes nothing");
}
