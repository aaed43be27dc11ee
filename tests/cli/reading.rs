//! `status`, `journal`, `plan` and `check` over a directory, whose journal the node wrote while it
//! played a story.

use std::path::Path;

use bowline_core::policy::examples;
use bowline_sim::story::{Stage, find};

use super::{bowline, code, json, text};

/// A story played until something is so, and its journal in a directory.
pub(super) fn store(folder: &Path, scenario: &str, until: impl Fn(&Stage) -> bool) -> Stage {
    let mut stage = Stage::new(find(scenario).expect("a scenario"), &examples::shop(), 1);
    let mut told = Vec::new();
    while !until(&stage) {
        assert!(stage.step(&mut told), "the story ended before it was so");
    }
    let records = folder.join("records/shop");
    std::fs::create_dir_all(&records).expect("a folder");
    for part in ["facts", "lease", "intents"] {
        std::fs::create_dir_all(folder.join(part)).expect("a folder");
    }
    std::fs::write(folder.join("bowline-store"), "bowline store v1\n").expect("written");
    for (bytes, seq) in stage.simulation.world.store.chain(&"shop".into()).iter().zip(1..) {
        let name = format!("{seq:020}.json", seq = seq as u64);
        std::fs::write(records.join(name), bytes.as_bytes()).expect("written");
    }
    stage
}

pub(super) fn asks(stage: &Stage) -> bool {
    let run = stage.ledgers()["shop"].open_run();
    run.is_some_and(|run| run.asks().next().is_some())
}

pub(super) fn at(folder: &Path) -> String {
    format!("dir:{}", folder.display())
}

#[test]
fn status_needs_no_controller_and_its_exit_code_says_that_a_human_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    store(folder.path(), "approve", asks);
    let output = bowline(&["status", "shop", "--store", &at(folder.path())]);
    assert_eq!(code(&output), 5, "{}", text(&output.stderr));
    let first = text(&output.stdout).lines().next().expect("a line").to_owned();
    let command = "next: bowline approve shop --run shop-1-failover --store dir:";
    assert!(first.contains("waits for a human") && first.contains(command), "{first}");
    assert!(first.contains("no controller has ever reported"), "{first}");

    let output = bowline(&["status", "--store", &at(folder.path()), "-o", "json"]);
    let views = json(&output);
    assert_eq!((code(&output), &views[0]["active"]), (5, &"home".into()));
    assert_eq!(views[0]["run"]["asks"][0]["step"], "approval");
    assert!(views[0]["headline"].as_str().is_some_and(|line| line == first), "{views:#}");
}

#[test]
fn a_published_status_is_told_with_its_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let stage = store(folder.path(), "switchover", |s| s.ledgers()["shop"].armed);
    let status = stage.status(&"shop".into()).expect("a status");
    std::fs::create_dir_all(folder.path().join("status")).expect("a folder");
    let bytes = serde_json::to_vec(&status).expect("JSON");
    std::fs::write(folder.path().join("status/shop.json"), bytes).expect("written");
    let output = bowline(&["status", "--store", &at(folder.path())]);
    let told = text(&output.stdout);
    // The story is played in another time: what was published is old by any clock.
    assert!(told.contains("no controller has reported for "), "{told}");
    assert!(told.contains("home *") && told.contains("front "), "{told}");
    assert_eq!(code(&output), 0);
}

#[test]
fn a_journal_with_a_changed_byte_is_told_by_status_and_replay_alike() {
    let folder = tempfile::tempdir().expect("a folder");
    store(folder.path(), "approve", asks);
    let at = at(folder.path());
    assert_eq!(code(&bowline(&["journal", "replay", "shop", "--store", &at])), 0);
    let entry = folder.path().join("records/shop/00000000000000000001.json");
    let bytes = std::fs::read_to_string(&entry).expect("an entry");
    std::fs::write(&entry, bytes.replacen("\"seq\":1", "\"seq\": 1", 1)).expect("written");
    let output = bowline(&["journal", "replay", "shop", "--store", &at]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stdout).contains("entry 1 was changed"), "{}", text(&output.stdout));
    let output = bowline(&["status", "--store", &at]);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stdout).contains("next: bowline journal replay shop"));
}

#[test]
fn a_plan_without_anything_that_answers_is_refused_with_what_is_missing_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    store(folder.path(), "approve", asks);
    let before = std::fs::read_dir(folder.path().join("records/shop")).expect("a folder").count();
    let at = at(folder.path());
    let base = ["plan", "shop", "--failover", "--patience", "2", "--store", &at];
    let output = bowline(&[&base[..], &["--policy", "policies/shop.yaml"]].concat());
    assert_eq!((code(&output), output.stdout.len()), (1, 0), "{}", text(&output.stderr));
    let told = text(&output.stderr);
    assert!(told.contains("refused: ") && told.contains("not answered: "), "{told}");
    let after = std::fs::read_dir(folder.path().join("records/shop")).expect("a folder").count();
    let lease = std::fs::read_dir(folder.path().join("lease")).expect("a folder").count();
    assert_eq!((before, lease), (after, 0), "no record, no lease");
}

#[test]
fn commands_that_read_make_no_store_and_say_what_is_wrong() {
    for command in [&["status"][..], &["journal", "show", "shop"]] {
        let output = bowline(&[command, &["--store", "dir:/nowhere/at/all"]].concat());
        assert_eq!((code(&output), output.stdout.len()), (2, 0));
        let told = text(&output.stderr);
        assert!(told.contains("/nowhere/at/all is no bowline store"), "{told}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    store(folder.path(), "approve", asks);
    let output = bowline(&["status", "shpo", "--store", &at(folder.path())]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("there is no group shpo; there are: shop"));
    let output = bowline(&["check", "--store", &at(folder.path())]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("give --policy FILE"));
    assert_eq!(code(&bowline(&["plan", "shop"])), 2, "which move is not said");
}
