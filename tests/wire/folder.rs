//! The service over a directory, as processes, without any lab: leading, dying, stopping.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bowline::edges::files::FileStore;
use bowline::edges::net::Dns;
use bowline::edges::registry::Registry;
use bowline::edges::{Edges, Store};
use bowline::service::{LogFormat, RunOptions, StoreOptions};
use bowline_core::lease::LeaseTimes;
use bowline_core::model::Span;
use bowline_core::op::{Answer, LeaseOp, LeaseView, Op};
use bowline_core::run::Intent;

use crate::{call, get, wait_for};

/// Set only for the processes that the tests start.
const FOLDER: &str = "BOWLINE_TEST_FOLDER";
const NAME: &str = "BOWLINE_TEST_NAME";
const MINIMAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/minimal.yaml");
/// A lease's length in these tests; times between looks follow from it.
const LEASE: Span = Span::millis(1_500);

struct Replica(Child);

impl Replica {
    fn start(folder: &Path, name: &str) -> Self {
        let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.args(["--ignored", "--exact", "folder::replica", "--nocapture"]);
        process.env(FOLDER, folder).env(NAME, name).stdout(Stdio::null()).stderr(log);
        Self(process.spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn edges(folder: &Path) -> Edges {
    let store = Store::Files(FileStore::open_or_create(folder.join("store")).unwrap());
    let (dns, registry) = (Dns::default(), Registry::default());
    Edges { store, clusters: Default::default(), dns, registry, aws: None }
}

fn lease(edges: &Edges) -> Option<LeaseView> {
    let read = async { call(edges, Op::Lease(LeaseOp::Read)).await };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    match runtime.block_on(read) {
        Ok(Answer::Lease(lease)) => lease,
        other => panic!("{other:?}"),
    }
}

/// The holder's name, without its suffix.
fn holder(edges: &Edges) -> String {
    let holder = lease(edges).and_then(|view| view.lease.holder);
    holder.map_or_else(String::new, |id| id.as_str().split('-').next().unwrap().to_owned())
}

/// Says something that the leader takes without knowing anything of AWS.
fn pause(edges: &Edges) {
    let intent = Intent::Pause { reason: "ship it".into() };
    let group = "site".into();
    let intend = edges.store.intend(&group, "ada", &intent);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(intend).unwrap();
}

fn log(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(format!("{name}.log"))).unwrap()
}

#[test]
fn over_a_directory_a_replica_leads_dies_and_another_takes_over_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("store")).unwrap();
    let edges = edges(folder);
    let first = Replica::start(folder, "one");
    wait_for("one leads", 20, || (holder(&edges) == "one", log(folder, "one")));
    let mut second = Replica::start(folder, "two");
    wait_for("journal read by two", 20, || {
        (log(folder, "two").contains("journal read"), log(folder, "two"))
    });
    assert_eq!(holder(&edges), "one", "a live lease is not taken");
    first.signal("-KILL");
    wait_for("two leads", 20, || (holder(&edges) == "two", log(folder, "two")));

    pause(&edges);
    wait_for("the intent is followed", 20, || {
        (log(folder, "two").contains("\"message\":\"paused: ship it\""), log(folder, "two"))
    });

    second.signal("-TERM");
    let status = second.0.wait().unwrap();
    assert!(status.success(), "{status}: {}", log(folder, "two"));
    assert_eq!(lease(&edges).unwrap().lease.holder, None, "the lease was released");
    for line in log(folder, "two").lines().filter(|line| line.starts_with('{')) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
        let record = line["seq"].is_number();
        assert!(!record || line["group"] == "site", "a line of a record names its group: {line}");
    }
}

#[test]
fn of_two_groups_that_list_the_same_one_is_left_out_aloud_and_the_replica_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("store")).unwrap();
    let twin = std::fs::read_to_string(MINIMAL).unwrap().replace("name: site\n", "name: twin\n");
    std::fs::write(folder.join("twin.yaml"), twin).unwrap();
    let _replica = Replica::start(folder, "one");
    let address = || {
        let log = log(folder, "one");
        let line = log.lines().find(|line| line.contains(" at 127.0.0.1:"))?;
        line.split(" at ").nth(1)?.split('"').next()?.parse().ok()
    };
    wait_for("the replica is ready", 20, || {
        let page = address().map_or((0, String::new()), |address| get(address, "/readyz"));
        (page.0 == 200, format!("{page:?}\n{}", log(folder, "one")))
    });
    let refused = "group twin is refused: ";
    assert_eq!(log(folder, "one").matches(refused).count(), 1, "{}", log(folder, "one"));
    let metrics = get(address().unwrap(), "/metrics").1;
    assert!(metrics.contains("bowline_policies_refused 1"), "{metrics}");
}

#[test]
fn a_second_signal_ends_a_replica_that_cannot_release_its_lease() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let edges = edges(folder);
    let mut replica = Replica::start(folder, "one");
    wait_for("one leads", 20, || (holder(&edges) == "one", log(folder, "one")));
    // The store vanishes: the lease can neither be renewed nor released.
    std::fs::rename(folder.join("store"), folder.join("away")).unwrap();
    replica.signal("-TERM");
    std::thread::sleep(Duration::from_millis(300));
    replica.signal("-TERM");
    let status = replica.0.wait().unwrap();
    assert!(status.code().is_some(), "{status}");
    assert!(!folder.join("store").exists(), "nothing was made in its place");
}

#[test]
fn a_replica_whose_address_is_taken_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(folder.path(), "one");
    options.listen = taken.local_addr().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(bowline::service::run(options)).unwrap_err();
    assert!(refused.to_string().contains("127.0.0.1:"), "{refused}");
}

fn options(folder: &Path, name: &str) -> RunOptions {
    let twin = Some(folder.join("twin.yaml")).filter(|file| file.exists());
    let policies = [MINIMAL.into()].into_iter().chain(twin).collect();
    let mut options =
        RunOptions::new(StoreOptions::Folder { folder: folder.join("store"), policies });
    options.name = Some(name.to_owned());
    options.listen = "127.0.0.1:0".parse().unwrap();
    options.log = LogFormat::Json;
    let (renew_deadline, retry) = (Span::millis(1_200), Span::millis(200));
    options.lease = LeaseTimes { duration: LEASE, renew_deadline, retry };
    options
}

/// No test of its own: one replica of the service.
#[test]
#[ignore = "started by the tests above"]
fn replica() {
    let (Some(folder), Ok(name)) = (std::env::var_os(FOLDER), std::env::var(NAME)) else {
        return;
    };
    let options = options(Path::new(&folder), &name);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(bowline::service::run(options));
    runtime.shutdown_background();
    std::process::exit(i32::from(ended.is_err()));
}
