//! Campaigns from the command line: what is printed, what is written, and how it ends.

use clap::Parser;

use bowline_sim::campaign::play;

use super::*;

/// The command with its arguments, in a folder for failures.
fn simulate(folder: &Path, args: &[&str]) -> (Result<Exit>, String) {
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }
    let failures = folder.display().to_string();
    let own = ["simulate", "--failures", failures.as_str()];
    let line = own.iter().chain(args);
    let line = Line::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(&line.args, &mut out, &mut err);
    (exit, String::from_utf8(out).unwrap())
}

#[test]
fn a_campaign_tells_its_round_trips_and_that_every_promise_held() {
    let folder = tempfile::tempdir().unwrap();
    let args = ["--seeds", "1..3", "--faults", "none", "--jobs", "2", "-o", "json"];
    let (exit, out) = simulate(folder.path(), &args);
    assert_eq!(exit.unwrap(), Exit::Done);
    let document: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(document["trials"], 2);
    assert_eq!((&document["broken"], &document["roundTrips"]), (&0.into(), &2.into()));
    assert!(document["failure"].is_null());
    let cells = |name: &str| document[name].as_u64().unwrap();
    assert!(cells("cells") > 60 && cells("cells") < cells("cellsPossible"), "{document}");
    let missed = document["cellsMissed"].as_array().unwrap().len() as u64;
    assert_eq!(missed, cells("cellsPossible") - cells("cells"));
}

#[test]
fn what_was_never_reached_is_listed_when_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let lines = |more: &[&str]| -> Vec<String> {
        let args = ["--seeds", "1..2", "--faults", "none"];
        let (exit, out) = simulate(folder.path(), &[&args, more].concat());
        assert_eq!(exit.unwrap(), Exit::Done);
        out.lines().filter(|line| line.starts_with("never: ")).map(str::to_owned).collect()
    };
    assert_eq!(lines(&[]).len(), 0);
    let listed = lines(&["--coverage"]);
    assert!(listed.len() > 100, "{listed:?}");
    assert!(listed.iter().any(|line| line.contains("Cancel")), "{listed:?}");
}

#[test]
fn a_file_is_played_again_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let story = Story::quick().unwrap();
    let mut schedule = bowline_sim::campaign::generate(1, &Faults::none(), &story);
    schedule.events.clear();
    let file = folder.path().join("calm.json");
    std::fs::write(&file, schedule.to_json()).unwrap();
    let (exit, out) = simulate(folder.path(), &["--replay", &file.display().to_string()]);
    assert_eq!(exit.unwrap(), Exit::Done);
    assert!(out.contains("Armed") && out.contains("0 round trips"), "{out}");
}

#[test]
fn what_breaks_a_promise_is_written_to_a_file_that_breaks_it_again() {
    let folder = tempfile::tempdir().unwrap();
    // With no time to come home in, nothing that moved does.
    let story = Story::quick().unwrap();
    let mut schedule = bowline_sim::campaign::generate(1, &Faults::none(), &story);
    schedule.home_within = bowline_core::model::Span::secs(1);
    let outcome = play(&schedule).unwrap();
    assert!(outcome.broke("L2"));
    let args = SimulateArgs {
        seeds: None,
        faults: Faults::none(),
        policy: None,
        minutes: None,
        jobs: None,
        keep_going: false,
        coverage: false,
        failures: folder.path().into(),
        replay: None,
        output: Output::Text,
    };
    let failure = told(&args, &schedule, &outcome, &mut Vec::new()).unwrap();
    assert!(failure.timeline.contains("BROKEN L2"), "{}", failure.timeline);
    let (exit, out) = simulate(folder.path(), &["--replay", &failure.file]);
    assert_eq!(exit.unwrap(), Exit::Failed);
    assert!(out.contains("BROKEN L2"), "{out}");
}

#[test]
fn seeds_are_a_range_and_a_slip_is_told() {
    assert_eq!(seeds("3..10"), Ok(3..10));
    assert!(seeds("3-10").unwrap_err().contains("0..1000"));
    assert!(seeds("10..10").unwrap_err().contains("no seed"));
}
