//! The stand of the story: the lab's stage, two replicas of Bowline, users; and what is done there.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bowline::edges::kube::crd;
use bowline_lab::command::{self, Output};
pub(crate) use bowline_lab::wait::wait_for;
use bowline_lab::{Cluster, Lab, LabOptions, Stage, StageOptions};

use super::paths::Paths;
use super::spoiler::Spoiler;
use super::ways::Ways;

/// Longest time for one command that does not wait for a run.
pub(crate) const COMMAND: Duration = Duration::from_secs(30);
const PROGRAM: &str = env!("CARGO_BIN_EXE_bowline");

/// A process that ends with the test, or with the lab's own should the test be killed.
pub(crate) struct Running {
    pub(crate) name: String,
    /// Where it tells how it is; nothing for users.
    pub(crate) listen: String,
    child: Child,
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        command::run(Command::new("kill").args([signal, &pid]), COMMAND).unwrap();
        println!("sent {signal} to {}", self.name);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended is what is wanted.
        let _gone = self.child.kill();
        let _collected = self.child.wait();
    }
}

/// Everything of the story.
pub(crate) struct Stand {
    // Before the lab: they end first.
    pub(crate) replicas: Vec<Running>,
    /// Of replicas that have ways of their own.
    pub(crate) ways: BTreeMap<String, Ways>,
    /// Who stands in every replica's way to everything.
    pub(crate) spoiler: Option<Spoiler>,
    _users: Running,
    pub(crate) lab: Lab,
}

// === Setting it ===

impl Stand {
    /// A stage with two replicas, users, and an armed group that serves at home.
    pub(crate) fn set() -> Self {
        Self::set_with(|_, _| {})
    }

    /// The same, and each replica has ways of its own, which can be cut.
    pub(crate) fn set_with_ways() -> Self {
        Self::set_with(Self::make_ways)
    }

    pub(crate) fn set_with(prepare: impl Fn(&mut Self, &str)) -> Self {
        let mut lab = Lab::start(LabOptions::default()).unwrap();
        let tell = |line: &str| println!("lab: {line}");
        let manifests = [
            ("management".to_owned(), printed(crd::For::Management)),
            ("home".to_owned(), printed(crd::For::Site)),
            ("standby".to_owned(), printed(crd::For::Site)),
        ];
        let options = StageOptions { application: true, manifests: manifests.into() };
        lab.set_stage(&options, &tell).unwrap();
        println!("the stage is in {}", lab.folder().display());
        lab.put_policy_in_force().unwrap();
        let users = users(&lab);
        let ways = BTreeMap::new();
        let (replicas, spoiler) = (Vec::new(), None);
        let mut stand = Self { replicas, ways, spoiler, _users: users, lab };
        wait_for("home serves", 120, || {
            let order = stand.order();
            (order.as_deref() == Ok("home"), format!("{order:?}"))
        });
        for name in ["one", "two"] {
            prepare(&mut stand, name);
            stand.start_replica(name);
        }
        stand.arm();
        stand
    }

    fn arm(&self) {
        wait_for("the group is armed", 120, || {
            let told = self.bowline("operator", &["arm", "shop", "--yes"], COMMAND);
            (told.status.success(), format!("{}{}", told.stdout, told.stderr))
        });
        wait_for("the status says so", 60, || {
            let status = self.status();
            (status["armed"] == true, status.to_string())
        });
        wait_for("standby is ready to take over", 240, || {
            let status = self.status();
            let sites = status["published"]["status"]["sites"].clone();
            (sites[1]["ready"] == "yes", sites[1]["notReady"].to_string())
        });
    }

    /// Starts a replica of Bowline; its log is added to the one that it had before.
    pub(crate) fn start_replica(&mut self, name: &str) {
        let listen = free_address();
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--name", name, "--listen", &listen, "--log", "json"]);
        let spoilt = self.spoiler.as_ref().map(|spoiler| &spoiler.paths);
        let paths = self.ways.get(name).map(|ways| &ways.paths).or(spoilt).cloned();
        let paths = paths.unwrap_or_else(|| Paths {
            kubeconfig: self.stage().kubeconfig_file("bowline"),
            endpoints: self.stage().endpoints_file(),
        });
        self.reaches(&mut command, &paths.kubeconfig);
        command.arg("--endpoints").arg(paths.endpoints);
        let log = self.lab.folder().join(format!("replica-{name}.log"));
        let replica = spawn((name, listen), &mut command, &self.lab, &log);
        self.replicas.push(replica);
    }

    fn reaches(&self, command: &mut Command, kubeconfig: &Path) {
        command.arg("--kubeconfig").arg(kubeconfig);
        command.args(["--context", "management"]);
        credentials(command);
    }
}

// === Doing ===

impl Stand {
    /// Runs a command of Bowline against the management cluster, as one of the lab's users.
    pub(crate) fn bowline(&self, user: &str, arguments: &[&str], limit: Duration) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.reaches(&mut command, &self.stage().kubeconfig_file(user));
        command::capture(&mut command, limit).unwrap()
    }

    /// Starts a move by hand; gives the run's name.
    pub(crate) fn begin(&self, arguments: &[&str]) -> String {
        let told = self.bowline("operator", &[arguments, &["--detach"]].concat(), COMMAND);
        assert_eq!(told.status.code(), Some(4), "{}{}", told.stdout, told.stderr);
        println!("{arguments:?} began {}", told.stdout.trim());
        told.stdout.trim().to_owned()
    }

    /// Fails over without a controller, over a copy of the store.
    pub(crate) fn fail_over_by_hand(&self, copy: &str) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(["failover", "shop", "--store", copy, "--accept-loss", "1h", "--by", "anna"]);
        command.args(["--controller-is-dead", "both replicas were stopped"]);
        let stage = self.stage();
        command.arg("--policy").arg(stage.policy_file());
        command.arg("--endpoints").arg(stage.endpoints_file());
        command.arg("--kubeconfig").arg(stage.kubeconfig_file("bowline"));
        credentials(&mut command);
        command::capture(&mut command, Duration::from_secs(300)).unwrap()
    }

    /// The name of the replica that holds the lease.
    pub(crate) fn leader(&self) -> String {
        let path = "jsonpath={.items[0].spec.holderIdentity}";
        let holder = self.management().kubectl(&["get", "lease", "-n", "bowline", "-o", path]);
        let holder = holder.unwrap_or_default();
        let leader = self.replicas.iter().find(|replica| holder.contains(&replica.name));
        leader.map_or(holder.clone(), |leader| leader.name.clone())
    }

    /// Kills the replica that holds the lease, as a crash would; gives its name.
    pub(crate) fn kill_leader(&mut self) -> String {
        let name = self.leader();
        let at = self.replicas.iter().position(|replica| replica.name == name);
        let at = at.unwrap_or_else(|| panic!("nobody is called {name}"));
        let mut leader = self.replicas.remove(at);
        leader.child.kill().unwrap();
        leader.child.wait().unwrap();
        println!("killed the leader {name}");
        name
    }

    /// A replica, by name.
    pub(crate) fn replica(&self, name: &str) -> &Running {
        let replica = self.replicas.iter().find(|replica| replica.name == name);
        replica.unwrap_or_else(|| panic!("nobody is called {name}"))
    }

    /// Asks every replica to end, and waits until they did.
    pub(crate) fn stop_replicas(&mut self) {
        for mut replica in std::mem::take(&mut self.replicas) {
            let pid = replica.child.id().to_string();
            command::run(Command::new("kill").args(["-TERM", &pid]), COMMAND).unwrap();
            let ended = command::wait(&mut replica.child, COMMAND).unwrap();
            assert!(ended.is_some_and(|status| status.success()), "{}: {ended:?}", replica.name);
        }
    }

    pub(crate) fn stage(&self) -> &Stage {
        self.lab.stage().unwrap()
    }

    pub(crate) fn management(&self) -> &Cluster {
        self.lab.cluster("management").unwrap()
    }
}

// === Parts ===

fn users(lab: &Lab) -> Running {
    let stage = lab.stage().unwrap();
    let mut command = Command::new(stage.program());
    let (dns, port) = (stage.places().dns.to_string(), stage.places().port.to_string());
    command.args(["users", "--dns", &dns, "--port", &port, "--record"]);
    command.arg(record_of_orders(lab));
    let log = lab.folder().join("users.log");
    spawn(("users", String::new()), &mut command, lab, &log)
}

/// Where users write down each order that was acknowledged.
pub(crate) fn record_of_orders(lab: &Lab) -> PathBuf {
    lab.folder().join("orders.jsonl")
}

pub(crate) fn spawn(
    (name, listen): (&str, String),
    command: &mut Command,
    lab: &Lab,
    log: &Path,
) -> Running {
    let output = File::options().create(true).append(true).open(log).unwrap();
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let child = command.process_group(0).spawn().unwrap();
    let running = Running { name: name.to_owned(), listen, child };
    lab.watch(name, running.child.id(), log).unwrap();
    running
}

/// Waits until somebody listens there.
pub(crate) fn listens(who: &str, at: SocketAddr) {
    wait_for(&format!("{who} listens"), 30, || {
        let reached = TcpStream::connect(at);
        (reached.is_ok(), format!("{at}: {reached:?}"))
    });
}

fn credentials(command: &mut Command) {
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
}

fn printed(cluster: crd::For) -> String {
    let mut printed = Vec::new();
    crd::print(cluster, &mut printed).unwrap();
    String::from_utf8(printed).unwrap()
}

pub(crate) fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
