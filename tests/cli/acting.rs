//! The acting commands over a directory, as processes: what they leave there, what they print, how
//! they exit; beside a controller, and without any.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::reading::{asks, at, store};
use super::{bowline, code, json, text};

/// How long anything may take here.
const LIMIT: Duration = Duration::from_secs(60);

/// A process that is ended whatever happens, with its output in files.
struct Process {
    child: Child,
    err: std::path::PathBuf,
}

impl Process {
    fn start(folder: &Path, name: &str, args: &[&str]) -> Self {
        let err = folder.join(format!("{name}.err"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_bowline"));
        command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
        let out = File::create(folder.join(format!("{name}.out"))).expect("a file");
        command.stdout(out).stderr(File::create(&err).expect("a file"));
        Self { child: command.spawn().expect("the program"), err }
    }

    fn told(&self) -> String {
        std::fs::read_to_string(&self.err).expect("what it said")
    }

    fn wait_for(&self, words: &str) {
        until(words, || self.told().contains(words), || self.told());
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("kill").success());
    }

    fn end(&mut self) -> ExitStatus {
        let mut ended = None;
        let look = || {
            ended = self.child.try_wait().expect("a process");
            ended.is_some()
        };
        until("the end", look, || std::fs::read_to_string(&self.err).unwrap_or_default());
        ended.expect("it ended")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, mut so: impl FnMut() -> bool, seen: impl Fn() -> String) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < LIMIT, "{what} did not come:\n{}", seen());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A command over the directory, with this policy.
fn act(words: &[&str], store: &Path, policy: &str) -> Output {
    bowline(&[words, &["--store", &at(store), "--policy", policy]].concat())
}

const MINIMAL: &str = "policies/minimal.yaml";
const SHOP: &str = "policies/shop.yaml";

/// Who holds the directory's lease.
fn holder(store: &Path) -> Option<String> {
    let lease = std::fs::read_dir(store.join("lease")).ok()?;
    let last = lease
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let text = std::fs::read_to_string(last.max()?).ok()?;
    let lease: Value = serde_json::from_str(&text).ok()?;
    lease["holder"].as_str().map(str::to_owned)
}

fn intents(store: &Path) -> usize {
    std::fs::read_dir(store.join("intents")).map_or(0, Iterator::count)
}

#[test]
fn without_a_controller_a_command_leads_for_a_while_and_releases_the_lease() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let paused = act(&["pause", "site", "--reason", "ship it", "--by", "ada"], &store, MINIMAL);
    assert_eq!(code(&paused), 0, "{}", text(&paused.stderr));
    assert_eq!(text(&paused.stdout), "", "no run, no data");
    let told = text(&paused.stderr);
    assert!(told.contains("ada wants automatic action held: ship it"), "{told}");
    assert!(told.contains("done: automatic action of site is held"), "{told}");
    assert_eq!(holder(&store), None, "the lease was released");

    let resumed = act(&["resume", "site", "-o", "json"], &store, MINIMAL);
    let document = json(&resumed);
    assert_eq!((code(&resumed), &document["outcome"]), (0, &"done".into()));
    assert_eq!((&document["command"], &document["run"]), (&"resume".into(), &Value::Null));
    assert!(document["intent"].is_string(), "{document:#}");
}

#[test]
fn what_is_refused_says_why_and_what_to_do_and_exits_with_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("my store");
    let refused = act(&["failover", "site", "-o", "json"], &store, MINIMAL);
    let document = json(&refused);
    assert_eq!((code(&refused), &document["exitCode"]), (3, &3.into()), "{document:#}");
    assert_eq!(document["outcome"], "refused");
    assert!(document["refusal"].is_object(), "{document:#}");
    let next = document["next"].as_str().expect("what to do");
    assert!(next.contains("bowline check site --store 'dir:"), "quoted: {next}");

    let nothing = act(&["approve", "site"], &store, MINIMAL);
    assert_eq!(code(&nothing), 3);
    assert!(text(&nothing.stderr).contains("refused: no run of site is open"));
}

#[test]
fn bad_input_changes_nothing_and_exits_with_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let place = at(&store);
    let cases: [(&[&str], &str); 6] = [
        (&["pause", "nosite", "--reason", "x", "--policy", MINIMAL], "there is site"),
        (&["failover", "site", "--accept-loss", "5parsecs", "--policy", MINIMAL], "\"90s\""),
        (&["failover", "site"], "needs at least one --policy"),
        (&["pause", "site", "--policy", MINIMAL], "--reason"),
        (&["pause", "site", "--reason", "x", "--policy", "Cargo.toml"], "error[BL"),
        (&["export", "--to", "nowhere", "site"], "write dir:PATH"),
    ];
    for (words, told) in cases {
        let output = bowline(&[words, &["--store", &place]].concat());
        assert_eq!(code(&output), 2, "{words:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(told), "{words:?}: {}", text(&output.stderr));
    }
    assert_eq!(intents(&store), 0, "nothing was asked for");
}

#[test]
fn beside_a_controller_a_command_only_asks_and_the_controller_acts() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let place = at(&store);
    let run = ["run", "--store", &place, "--policy", MINIMAL, "--listen", "127.0.0.1:0"];
    let mut controller =
        Process::start(folder.path(), "run", &[&run[..], &["--name", "keeper"]].concat());
    // Its log comes from other threads: nobody holds standard error.
    controller.wait_for("leads");
    controller.wait_for("journal read");

    let paused = act(&["pause", "site", "--reason", "x", "--detach"], &store, MINIMAL);
    assert_eq!(code(&paused), 0, "{}", text(&paused.stderr));
    let again = act(&["resume", "site"], &store, MINIMAL);
    assert_eq!(code(&again), 0, "a second replica on the directory: {}", text(&again.stderr));
    let journal = bowline(&["journal", "show", "site", "--store", &place, "-o", "json"]);
    let entries = json(&journal)["entries"].as_array().expect("entries").clone();
    let bytes: Vec<_> = entries.iter().map(|entry| entry["bytes"].to_string()).collect();
    assert_eq!(bytes.len(), 2, "{bytes:#?}");
    assert!(bytes.iter().all(|bytes| bytes.contains("keeper-")), "one leader: {bytes:#?}");

    assert!(holder(&store).is_some_and(|holder| holder.starts_with("keeper-")));
    controller.signal("-TERM");
    assert!(controller.end().success(), "{}", controller.told());
    assert_eq!(holder(&store), None, "SIGTERM released the lease");
}

#[test]
fn a_detached_command_without_a_controller_says_that_nobody_answers() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let left = act(&["pause", "site", "--reason", "x", "--detach"], &store, MINIMAL);
    assert_eq!(code(&left), 4, "{}", text(&left.stderr));
    let told = text(&left.stderr);
    assert!(told.contains("unanswered: no controller answered within 15 s"), "{told}");
    assert!(told.contains("bowline run --store dir:"), "{told}");
    assert_eq!(intents(&store), 1, "the wish stays in the store");
}

#[test]
fn an_interrupted_command_harms_nothing_and_says_how_it_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let stage = folder.path().join("store");
    std::fs::create_dir(&stage).expect("a folder");
    store(&stage, "approve", asks);
    let place = at(&stage);
    let words = ["approve", "shop-1-failover", "--store", &place, "--policy", SHOP];
    let mut yes = Process::start(folder.path(), "yes", &words);
    yes.wait_for("says yes to approval");
    yes.signal("-INT");
    let ended = yes.end();
    let told = yes.told();
    assert_eq!(ended.code(), Some(4), "{told}");
    assert!(told.contains("running: the run rests until a replica"), "{told}");
    assert!(told.contains("Look at it with: bowline status shop --store dir:"), "{told}");
    assert_eq!(holder(&stage), None, "the lease was released");
    let out = std::fs::read_to_string(folder.path().join("yes.out")).expect("its data");
    assert_eq!(out, "shop-1-failover\n", "the run's name at once");
    let replayed = bowline(&["journal", "replay", "shop", "--store", &place]);
    assert_eq!(code(&replayed), 0, "the journal is whole: {}", text(&replayed.stdout));
}

#[test]
fn what_was_done_over_a_copy_is_taken_over_by_the_store_it_was_copied_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let [ours, copy] = ["ours", "copy"].map(|name| folder.path().join(name));
    std::fs::create_dir(&ours).expect("a folder");
    store(&ours, "switchover", |stage| stage.ledgers()["shop"].armed);
    let (here, there) = (at(&ours), at(&copy));
    let export = ["export", "shop", "--to", &there, "--store", &here, "-o", "json"];
    let copied = json(&bowline(&export));
    assert!(copied["groups"][0]["newEntries"].as_u64() > Some(0), "{copied:#}");
    assert_eq!(json(&bowline(&export))["groups"][0]["newEntries"], 0, "nothing is new");

    let import = ["journal", "import", "shop", "--from", &there];
    let nothing = act(&import, &ours, SHOP);
    assert_eq!(code(&nothing), 3, "{}", text(&nothing.stderr));
    assert!(text(&nothing.stderr).contains("has nothing new"));

    // A pause over the copy claims nothing: no break-glass, and nothing to take over.
    assert_eq!(code(&act(&["pause", "shop", "--reason", "x"], &copy, SHOP)), 0);
    let refused = act(&import, &ours, SHOP);
    assert_eq!(code(&refused), 3, "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("cannot be imported"), "{}", text(&refused.stderr));
    let own_way = bowline(&export);
    assert_eq!(code(&own_way), 2);
    assert!(text(&own_way.stderr).contains("the copy has entries of its own"));
}
