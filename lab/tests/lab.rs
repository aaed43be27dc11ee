//! The lab itself, really started. Ignored by a plain `cargo test`; `cargo xtask test` runs it.
#![allow(clippy::unwrap_used)]

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bowline_lab::wait::wait_for;
use bowline_lab::{Cluster, Component, Lab, LabOptions, Record, State, manifests};

/// Where the owner that is killed keeps its lab; set only for that process.
const OWNED: &str = "BOWLINE_LAB_TEST_OWNED";

fn start(clusters: &[&str]) -> Lab {
    let began = Instant::now();
    let lab = Lab::start(LabOptions::default().only(clusters).clusters_only()).unwrap();
    println!("{clusters:?} ready in {:.1} s", began.elapsed().as_secs_f32());
    lab
}

/// How many of the application's pods are ready, and how many there are.
fn pods(cluster: &Cluster) -> (usize, usize) {
    let ready = "jsonpath={range .items[*]}{.status.phase}{\"\\n\"}{end}";
    let told = cluster.kubectl(&["get", "pods", "-l", "app=shop", "-o", ready]).unwrap();
    (told.lines().filter(|phase| *phase == "Running").count(), told.lines().count())
}

fn scale(cluster: &Cluster, replicas: usize) {
    cluster.kubectl(&["scale", "deployment/shop", &format!("--replicas={replicas}")]).unwrap();
}

fn wait_for_end(records: &[Record]) {
    wait_for("the end of all processes", 20, || {
        let left: Vec<_> = records.iter().filter(|r| r.runs()).map(|r| r.name.clone()).collect();
        (left.is_empty(), left.join(", "))
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn three_clusters_get_ready_and_nothing_is_left_of_them() {
    let lab = start(&["management", "home", "standby"]);
    for (name, floor) in [("management", 0), ("home", 3), ("standby", 1)] {
        let cluster = lab.cluster(name).unwrap();
        cluster.ready(Component::ApiServer).unwrap();
        let nodes = cluster.kubectl(&["get", "nodes", "-o", "name"]).unwrap();
        assert_eq!(nodes.lines().count(), floor, "{name}: {nodes}");
        let refused = cluster.kubectl_as("stranger", &["get", "pods"]).unwrap_err();
        assert!(format!("{refused:#}").contains("Forbidden"), "{refused:#}");
    }
    assert!(lab.cluster("elsewhere").is_err());
    let records: Vec<Record> = lab.state().processes().cloned().collect();
    let folder = lab.folder().to_owned();
    assert_eq!(records.len(), 14);
    drop(lab);
    assert!(records.iter().all(|record| !record.runs()));
    assert!(!folder.exists());
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn karpenter_makes_nodes_once_the_pool_is_opened_and_takes_them_back() {
    let lab = start(&["standby"]);
    let standby = lab.cluster("standby").unwrap();
    standby.apply(manifests::PARKED_NODE_POOL).unwrap();
    standby.apply(manifests::APPLICATION).unwrap();
    wait_for("12 pods pending", 30, || (pods(standby) == (0, 12), format!("{:?}", pods(standby))));
    wait_for("Karpenter's word that the limit is reached", 60, || {
        let events = standby.kubectl(&["get", "events", "-A"]).unwrap();
        (events.contains("exceed limits for nodepool"), events)
    });
    assert_eq!(standby.karpenter_nodes().unwrap(), [""; 0], "a parked pool makes no nodes");

    let open = r#"{"spec":{"limits":{"cpu":"200"}}}"#;
    standby.kubectl(&["patch", "nodepool", "default", "--type=merge", "-p", open]).unwrap();
    wait_for("12 pods running", 120, || {
        (pods(standby) == (12, 12), format!("{:?}", pods(standby)))
    });
    assert!(!standby.karpenter_nodes().unwrap().is_empty());

    scale(standby, 0);
    wait_for("Karpenter's nodes gone", 180, || {
        let nodes = standby.karpenter_nodes().unwrap();
        (nodes.is_empty(), nodes.join(", "))
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn a_frozen_cluster_answers_nobody_until_it_is_thawed() {
    let lab = start(&["home"]);
    let home = lab.cluster("home").unwrap();
    let ask = || home.kubectl(&["get", "nodes", "-o", "name", "--request-timeout=2s"]);
    for round in 0..2 {
        home.freeze().unwrap();
        let began = Instant::now();
        let refused = ask().unwrap_err();
        assert!(began.elapsed() >= Duration::from_secs(2), "it refused at once: {refused:#}");
        home.thaw().unwrap();
        assert_eq!(ask().unwrap().lines().count(), 3, "round {round}");
    }
    home.freeze_one(Component::ApiServer).unwrap();
    assert!(ask().is_err());
    home.thaw_one(Component::ApiServer).unwrap();
    ask().unwrap();
    home.kill9(Component::ApiServer).unwrap();
    let refused = format!("{:#}", ask().unwrap_err());
    assert!(refused.contains("refused"), "{refused}");

    home.freeze_one(Component::Etcd).unwrap();
    let records: Vec<Record> = lab.state().processes().cloned().collect();
    drop(lab);
    assert!(records.iter().all(|record| !record.runs()), "frozen processes end too");
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn a_site_dies_as_a_whole_and_the_rest_of_the_world_goes_on() {
    let lab = Lab::start(LabOptions::default().only(&["home", "global"])).unwrap();
    let (home, global) = (lab.cloud("home").unwrap(), lab.cloud("global").unwrap());
    assert_ne!(home.endpoint(), global.endpoint());
    assert_eq!((home.region(), global.region()), ("eu-west-1", "us-east-1"));
    lab.freeze("home").unwrap();
    assert!(home.ready().is_err());
    global.ready().unwrap();
    lab.thaw("home").unwrap();
    home.ready().unwrap();
    lab.cluster("home").unwrap().ready(Component::Karpenter).unwrap();
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn nothing_is_left_when_the_owner_is_killed() {
    let folder = std::env::temp_dir().join(format!("bowline-owned-{}", std::process::id()));
    let mut owner = Command::new(std::env::current_exe().unwrap());
    owner.args(["--ignored", "--exact", "owner_that_is_killed", "--nocapture"]);
    owner.env(OWNED, &folder).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut owner = owner.spawn().unwrap();
    wait_for("the owner's lab", 120, || {
        (State::load(&folder).unwrap().is_some(), format!("no state in {}", folder.display()))
    });
    let records: Vec<Record> =
        State::load(&folder).unwrap().unwrap().processes().cloned().collect();
    assert!(records.iter().all(Record::runs) && records.len() == 2);
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_for_end(&records);
    std::fs::remove_dir_all(folder).unwrap();
}

/// No test of its own: the process that the test above kills.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn owner_that_is_killed() {
    let Some(folder) = std::env::var_os(OWNED).map(PathBuf::from) else { return };
    let mut options = LabOptions::default().only(&["management"]).clusters_only();
    options.folder = Some(folder);
    let lab = Lab::start(options).unwrap();
    // Ends with our killing, at the latest with our parent.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(lab);
}
