//! The built program from outside: what it prints, and the code it exits with.

#[path = "cli/acting.rs"]
mod acting;
#[path = "cli/reading.rs"]
mod reading;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn bowline(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bowline"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("the program")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON document and nothing else")
}

fn scenarios(moving: bool) -> Vec<String> {
    let list = json(&bowline(&["demo", "--list", "-o", "json"]));
    let list = list.as_array().expect("a list").iter().filter(|one| one["moves"] == moving);
    list.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

fn demo(scenario: &str) -> (Value, i32) {
    let output = bowline(&["demo", "--scenario", scenario, "--speed", "max", "-o", "json"]);
    (json(&output), code(&output))
}

fn good(document: &Value) -> bool {
    let promises = document["promises"].as_object().expect("promises");
    document["ended"] == "home" && promises.values().all(|verdict| verdict == "held")
}

#[test]
fn a_demo_prints_one_document_and_its_exit_code_says_how_it_ended() {
    let moving = scenarios(true);
    assert!(moving.contains(&"region-lost".to_owned()));
    for scenario in moving {
        let (document, code) = demo(&scenario);
        assert_eq!(document["scenario"], scenario.as_str());
        assert_eq!(document["seed"], 1);
        for promise in ["S1", "S5", "S11", "L1", "L2"] {
            assert!(document["promises"][promise].is_string(), "{scenario}: {promise}");
        }
        assert!(!document["runs"].as_array().expect("runs").is_empty(), "{scenario}");
        assert_eq!(code, i32::from(!good(&document)), "{scenario}: {document:#}");
    }
}

#[test]
fn a_false_alarm_moves_nothing_and_tells_why() {
    for scenario in scenarios(false) {
        let (document, code) = demo(&scenario);
        assert_eq!((code, good(&document)), (0, true), "{scenario}: {document:#}");
        let runs = document["runs"].as_array().expect("runs");
        assert!(runs.iter().all(|run| run["ended"] != "moved"), "{scenario}: {document:#}");
        assert!(document["decision"][0].as_str().is_some_and(|why| !why.is_empty()));
    }
}

#[test]

fn every_scenario_ends_at_home_with_every_promise_held() {
    for scenario in scenarios(true) {
        let (document, _) = demo(&scenario);
        assert!(good(&document), "{scenario}: {}", document["broken"]);
    }
}

#[test]
fn the_same_seed_tells_the_same_story_and_it_is_the_whole_story() {
    let tell = |seed| bowline(&["demo", "--speed", "max", "--seed", seed]).stdout;
    let (first, again, other) = (tell("1"), tell("1"), tell("2"));
    assert!(first == again && first != other);
    let told = text(&first);
    for line in [
        "everything in eu-west-1 stands still",
        "serving: no (",
        "failover from home to standby begins",
        "shop-standby is the writer",
        "shop.example.com leads to standby",
        "100 % of reads fail",
        "shop-2-failback: failback from standby to home",
        "RTO   ",
        "promises ",
        "at home, armed, with nothing left open",
    ] {
        assert!(told.contains(line), "{line:?} is not in\n{told}");
    }
    assert!(!told.contains('\x1b'), "no colours in a pipe");
}

#[test]
fn an_unknown_scenario_is_wrong_usage_and_the_list_is_shown() {
    for command in [&["demo"][..], &["drill", "rehearse", "--policy", "policies/shop.yaml"]] {
        let output = bowline(&[command, &["--scenario", "nope"]].concat());
        assert_eq!((code(&output), output.stdout.len()), (2, 0));
        assert!(text(&output.stderr).contains("region-lost "));
    }
}

#[test]
fn a_rehearsal_prints_percentiles_and_the_phase_that_dominates() {
    let base = ["drill", "rehearse", "--policy", "policies/shop.yaml", "--runs", "3"];
    let told = text(&bowline(&base).stdout);
    for word in ["p50", "p99", "RTO", "RPO", "The phase that dominates is execute"] {
        assert!(told.contains(word), "{word} is not in\n{told}");
    }
    let output = bowline(&[&base[..], &["-o", "json"]].concat());
    let forecast = json(&output);
    assert_eq!((&forecast["runs"], &forecast["moved"]), (&3.into(), &3.into()));
    assert!(forecast["rtoMs"]["p50"].as_u64() <= forecast["rtoMs"]["max"].as_u64());
    assert!(forecast["outageMs"]["longestTotal"]["max"].as_u64() > Some(0));
    let well = forecast["broken"] == serde_json::json!({})
        && forecast["notHome"] == Value::from(Vec::<u64>::new());
    assert_eq!(code(&output), i32::from(!well), "{forecast:#}");
}

#[test]
fn bad_input_is_told_and_nothing_is_played() {
    let gone = bowline(&["drill", "rehearse", "--policy", "/nowhere.yaml"]);
    assert_eq!((code(&gone), gone.stdout.len()), (2, 0));
    assert!(text(&gone.stderr).contains("cannot read /nowhere.yaml"));
    let refused = bowline(&["drill", "rehearse", "--policy", "Cargo.toml"]);
    assert_eq!((code(&refused), refused.stdout.len()), (2, 0));
    assert!(text(&refused.stderr).contains("error[BL"));
}

#[test]
fn policies_are_checked_and_the_exit_code_says_whether_they_are_valid() {
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/shop.yaml").exists());
    let valid = bowline(&["policy", "validate", "policies/shop.yaml", "policies/minimal.yaml"]);
    assert_eq!(code(&valid), 0);
    assert_eq!(code(&bowline(&["policy", "validate", "Cargo.toml"])), 2);
    assert_eq!(json(&bowline(&["policy", "schema"]))["type"], "object");
}

#[test]
fn help_and_version_are_there() {
    assert!(text(&bowline(&["--version"]).stdout).starts_with("bowline "));
    assert!(text(&bowline(&["--help"]).stdout).contains("Exit codes:"));
}
