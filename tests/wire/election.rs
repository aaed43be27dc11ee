//! Two replicas of the service, as processes: one leads; it is killed, and the other leads.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use bowline::service::{LogFormat, RunOptions, StoreOptions};
use bowline_core::lease::LeaseTimes;
use bowline_core::model::Span;
use bowline_lab::{Cluster, Component};

use crate::{get, installed, lab, wait_for};

/// Set only for the processes that the test starts.
const LISTEN: &str = "BOWLINE_TEST_LISTEN";
const KUBECONFIG: &str = "BOWLINE_TEST_KUBECONFIG";

/// How long a lease lasts in this test.
const LEASE: Span = Span::secs(5);

/// A replica; killed when dropped.
struct Replica {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Replica {
    fn start(management: &Cluster, log: PathBuf) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let mut process = Command::new(std::env::current_exe().unwrap());
        process.args(["--ignored", "--exact", "election::replica", "--nocapture"]);
        process.env(LISTEN, address.to_string());
        process.env(KUBECONFIG, management.kubeconfig_of("bowline").unwrap());
        process.stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
        Self { child: process.spawn().unwrap(), address, log }
    }

    /// Status and body of a page; status 0: nobody answers.
    fn get(&self, path: &str) -> (u16, String) {
        get(self.address, path)
    }

    fn leads(&self) -> bool {
        self.get("/metrics").1.contains("bowline_leader 1")
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    fn end(&mut self) -> ExitStatus {
        wait_for("the replica's end", 30, || (self.get("/livez").0 == 0, "it answers".into()));
        self.child.wait().unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}:\n{}", self.address, self.log());
        }
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn when_the_leader_is_killed_the_other_leads_within_the_lease() {
    let lab = lab(&["management"]);
    let management = installed(&lab);
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/shop.yaml");
    management.apply(&std::fs::read_to_string(policy).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str| Replica::start(management, folder.path().join(name));
    let mut replicas = BTreeMap::from([("a", start("a")), ("b", start("b"))]);
    for (name, replica) in &replicas {
        wait_for(&format!("{name} ready"), 30, || {
            let (status, text) = replica.get("/readyz");
            (status == 200, text)
        });
        assert_eq!(replica.get("/livez").0, 200);
    }
    let leaders = |all: &BTreeMap<&'static str, Replica>| {
        all.iter().filter(|(_, replica)| replica.leads()).map(|(n, _)| *n).collect::<Vec<_>>()
    };
    wait_for("a leader", 30, || {
        (leaders(&replicas).len() == 1, format!("{:?}", leaders(&replicas)))
    });
    let first = leaders(&replicas)[0];
    let groups = replicas[first].get("/api/v1/groups").1;
    assert!(groups.contains("\"group\":\"shop\""), "{groups}");

    cut_off(management, &replicas);

    let first = leaders(&replicas)[0];
    replicas[first].signal("-KILL");
    replicas.remove(first).unwrap().end();
    let took =
        wait_for("the other leads", 60, || (leaders(&replicas).len() == 1, "nobody leads".into()));
    // Expiry is counted from when the follower saw the last renewal, and it looks now and then.
    assert!(took < Duration::from_secs(LEASE.as_secs() + 4), "{took:?}");

    // A clean stop releases the lease: a third replica leads long before it would have expired.
    let second = leaders(&replicas)[0];
    replicas.insert("c", start("c"));
    wait_for("c ready", 30, || (replicas["c"].get("/readyz").0 == 200, "not ready".into()));
    replicas[second].signal("-TERM");
    let status = replicas.get_mut(second).unwrap().end();
    assert!(status.success(), "{status}\n{}", replicas[second].log());
    replicas.remove(second);
    let took = wait_for("c leads", 30, || (replicas["c"].leads(), "not yet".into()));
    assert!(took < Duration::from_secs(LEASE.as_secs()), "{took:?}");
    let log = replicas["c"].log();
    let leads = log.lines().find(|line| line.contains("\"leads\"")).unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(leads).is_ok(), "{leads}");
}

/// Cut off from the API server, nobody says that they lead, everybody lives; afterwards one leads.
fn cut_off(management: &Cluster, replicas: &BTreeMap<&'static str, Replica>) {
    let leaders = || replicas.values().filter(|replica| replica.leads()).count();
    management.freeze_one(Component::ApiServer).unwrap();
    let took = wait_for("nobody leads", 30, || (leaders() == 0, format!("{} lead", leaders())));
    assert!(took < Duration::from_secs(LEASE.as_secs() + 1), "{took:?}");
    assert!(replicas.values().all(|replica| replica.get("/livez").0 == 200));
    management.thaw_one(Component::ApiServer).unwrap();
    wait_for("a leader again", 30, || (leaders() == 1, format!("{} lead", leaders())));
}

/// No test of its own: one replica of the service.
#[test]
#[ignore = "started by the test above"]
fn replica() {
    let (Ok(listen), Some(file)) = (std::env::var(LISTEN), std::env::var_os(KUBECONFIG)) else {
        return;
    };
    let store = StoreOptions::Cluster { context: None, namespace: "bowline".into() };
    let mut options = RunOptions::new(store);
    options.kubeconfig = Some(file.into());
    options.listen = listen.parse().unwrap();
    options.log = LogFormat::Json;
    let (renew_deadline, retry) = (Span::secs(4), Span::secs(1));
    options.lease = LeaseTimes { duration: LEASE, renew_deadline, retry };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(bowline::service::run(options));
    runtime.shutdown_background();
    std::process::exit(i32::from(ended.is_err()));
}
