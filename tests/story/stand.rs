//! The stand of the story: the lab's stage, two replicas of Bowline, users, and ways to look.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bowline::edges::kube::crd;
use bowline_lab::wait::{Look, until};
use bowline_lab::{Cluster, Lab, LabOptions, Stage, StageOptions, command};
use serde_json::Value;

/// Longest time for one command.
const COMMAND: Duration = Duration::from_secs(30);
const PROGRAM: &str = env!("CARGO_BIN_EXE_bowline");

/// A process that ends with the test.
pub(crate) struct Running {
    name: String,
    child: Child,
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
    replicas: Vec<Running>,
    _users: Running,
    pub(crate) lab: Lab,
}

impl Stand {
    /// A stage with two replicas, users, and an armed group that serves at home.
    pub(crate) fn set() -> Self {
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
        let mut stand = Self { replicas: Vec::new(), _users: users, lab };
        wait_for("home serves", 120, || {
            let order = stand.order();
            (order.as_deref() == Ok("home"), format!("{order:?}"))
        });
        for name in ["one", "two"] {
            stand.start_replica(name);
        }
        stand.arm();
        stand
    }

    /// Starts a replica of Bowline.
    pub(crate) fn start_replica(&mut self, name: &str) {
        let stage = self.stage();
        let mut command = Command::new(PROGRAM);
        command.args(["run", "--name", name, "--listen", &free_address(), "--log", "json"]);
        self.reaches(&mut command, "bowline");
        command.arg("--endpoints").arg(stage.endpoints_file());
        let log = self.lab.folder().join(format!("replica-{name}.log"));
        let replica = spawn(name, &mut command, File::create(log).unwrap());
        self.replicas.push(replica);
    }

    fn reaches(&self, command: &mut Command, user: &str) {
        command.arg("--kubeconfig").arg(self.stage().kubeconfig_file(user));
        command.args(["--context", "management"]);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    }

    fn arm(&self) {
        wait_for("the group is armed", 120, || {
            let mut arm = Command::new(PROGRAM);
            arm.args(["arm", "shop", "--yes"]);
            self.reaches(&mut arm, "operator");
            let told = command::capture(&mut arm, COMMAND).unwrap();
            let seen = format!("{}{}", told.stdout, told.stderr);
            (told.status.success(), seen)
        });
        wait_for("the status says so", 60, || {
            let status = self.status();
            (status["armed"] == true, status.to_string())
        });
        // Until replication was looked at there would be no evidence from before the fault.
        wait_for("standby is ready to take over", 240, || {
            let status = self.status();
            let sites = status["published"]["status"]["sites"].clone();
            (sites[1]["ready"] == "yes", sites[1]["notReady"].to_string())
        });
    }

    pub(crate) fn stage(&self) -> &Stage {
        self.lab.stage().unwrap()
    }

    fn management(&self) -> &Cluster {
        self.lab.cluster("management").unwrap()
    }

    /// Kills the replica that holds the lease, as a crash would.
    pub(crate) fn kill_leader(&mut self) {
        let path = "jsonpath={.items[0].spec.holderIdentity}";
        let holder =
            self.management().kubectl(&["get", "lease", "-n", "bowline", "-o", path]).unwrap();
        let at = self.replicas.iter().position(|replica| holder.contains(&replica.name));
        let at = at.unwrap_or_else(|| panic!("nobody is called {holder}"));
        let mut leader = self.replicas.remove(at);
        leader.child.kill().unwrap();
        leader.child.wait().unwrap();
        println!("killed the leader {holder}");
    }
}

// === Looking ===

impl Stand {
    /// The address of a site's load balancer for everybody.
    pub(crate) fn balancer(&self, site: &str) -> Ipv4Addr {
        self.stage().places().site(site).balancer
    }

    /// What DNS answers everybody.
    pub(crate) fn answer(&self) -> Vec<IpAddr> {
        self.stage().answer().unwrap_or_default()
    }

    /// Which site acknowledges an order sent where DNS leads.
    pub(crate) fn order(&self) -> Result<String, String> {
        let address = *self.answer().first().ok_or("no address")?;
        let body = format!("{{\"id\":\"look-{:?}\"}}", Instant::now());
        let body = body.replace(['\\'], "");
        let request = format!(
            "POST /orders HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let at = SocketAddr::from((address, self.stage().places().port));
        let answer = exchange(at, &request).map_err(|error| error.to_string())?;
        let site = answer.lines().find_map(|line| line.strip_prefix("x-site: "));
        match (answer.starts_with("HTTP/1.1 201"), site) {
            (true, Some(site)) => Ok(site.to_owned()),
            _ => Err(answer.lines().next().unwrap_or("nothing").to_owned()),
        }
    }

    /// Every promotion that RDS was asked for.
    pub(crate) fn promotions(&self) -> Vec<Value> {
        let at = self.stage().places().data;
        let request = format!("GET /log HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
        let answer = exchange(at, &request).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let log: Vec<Value> = serde_json::from_str(body).unwrap();
        log.into_iter().filter(|call| call["op"] == "PromoteReadReplica").collect()
    }

    /// The group's status.
    pub(crate) fn status(&self) -> Value {
        let mut status = Command::new(PROGRAM);
        status.args(["status", "shop", "-o", "json"]);
        self.reaches(&mut status, "operator");
        let told = command::capture(&mut status, COMMAND).unwrap();
        let read: Value = serde_json::from_str(&told.stdout).unwrap_or(Value::String(told.stderr));
        read.get(0).cloned().unwrap_or(read)
    }

    /// The status in a line.
    pub(crate) fn headline(&self) -> String {
        let status = self.status();
        status["headline"].as_str().map_or_else(|| status.to_string(), str::to_owned)
    }

    /// The names of all runs that records tell of.
    pub(crate) fn runs(&self) -> Vec<String> {
        let listed = self.management().kubectl(&[
            "get",
            "failoverrecords",
            "-n",
            "bowline",
            "-o",
            "jsonpath={range .items[*]}{.spec.run}{\"\\n\"}{end}",
        ]);
        let mut runs: Vec<String> = listed.unwrap().lines().map(str::to_owned).collect();
        runs.retain(|run| !run.is_empty());
        runs.sort();
        runs.dedup();
        runs
    }

    /// Karpenter's nodes at standby.
    pub(crate) fn standby_nodes(&self) -> Vec<String> {
        let selected = ["get", "nodes", "-l", "karpenter.sh/nodepool", "-o", "name"];
        let nodes = self.lab.cluster("standby").unwrap().kubectl(&selected).unwrap();
        nodes.lines().map(str::to_owned).collect()
    }
}

// === Parts ===

fn users(lab: &Lab) -> Running {
    let stage = lab.stage().unwrap();
    let mut command = Command::new(stage.program());
    let (dns, port) = (stage.places().dns.to_string(), stage.places().port.to_string());
    command.args(["users", "--dns", &dns, "--port", &port, "--record"]);
    command.arg(lab.folder().join("orders.jsonl"));
    spawn("users", &mut command, File::create(lab.folder().join("users.log")).unwrap())
}

fn spawn(name: &str, command: &mut Command, log: File) -> Running {
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    Running { name: name.to_owned(), child: command.spawn().unwrap() }
}

fn printed(cluster: crd::For) -> String {
    let mut printed = Vec::new();
    crd::print(cluster, &mut printed).unwrap();
    String::from_utf8(printed).unwrap()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Sends a request and reads to the end.
fn exchange(at: SocketAddr, request: &str) -> std::io::Result<String> {
    let limit = Duration::from_secs(3);
    let mut stream = TcpStream::connect_timeout(&at, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Looks until something is so; says how long it took.
pub(crate) fn wait_for(what: &str, limit_secs: u64, look: impl Fn() -> (bool, String)) -> Duration {
    let began = Instant::now();
    let found = until(what, Duration::from_secs(limit_secs), || {
        let (there, seen) = look();
        Ok(if there { Look::There(()) } else { Look::NotYet(seen) })
    });
    found.unwrap();
    println!("{what}: {:.1} s", began.elapsed().as_secs_f32());
    began.elapsed()
}
