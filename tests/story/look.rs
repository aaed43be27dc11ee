//! What anybody can see on the stand: DNS, orders, databases, clusters, and what Bowline says.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::stand::{COMMAND, Stand, record_of_orders, wait_for};

/// What users order from.
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

    /// The orders that users saw acknowledged from an instant on, and that no database has now.
    pub(crate) fn lost_since(&self, since: i64) -> Vec<String> {
        let told = self.data("/writes");
        let missing = told["missing"].as_array().unwrap_or_else(|| panic!("{told}"));
        let missing: BTreeSet<&str> = missing.iter().filter_map(|one| one["id"].as_str()).collect();
        let record = std::fs::read_to_string(record_of_orders(&self.lab)).unwrap();
        let orders = record.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let since: Vec<Value> =
            orders.filter(|order| order["at"].as_i64().unwrap() >= since).collect();
        assert!(!since.is_empty(), "users saw no order acknowledged: there is nothing to judge");
        println!("{} orders were acknowledged since", since.len());
        let ids = since.iter().map(|order| order["id"].as_str().unwrap());
        ids.filter(|id| missing.contains(id)).map(str::to_owned).collect()
    }
}

/// Databases.
impl Stand {
    /// Every promotion that RDS was asked for.
    pub(crate) fn promotions(&self) -> Vec<Value> {
        let log = self.data("/log");
        let calls = log.as_array().unwrap().iter();
        calls.filter(|call| call["op"] == "PromoteReadReplica").cloned().collect()
    }

    /// Those that changed something.
    pub(crate) fn promotions_that_took_effect(&self) -> usize {
        self.promotions().iter().filter(|call| call["effect"] == true).count()
    }

    fn data(&self, path: &str) -> Value {
        let at = self.stage().places().data;
        serde_json::from_str(&get(at, path).unwrap()).unwrap()
    }
}

/// What a failover comes to.
impl Stand {
    /// Waits until everybody is led to standby, and served there.
    pub(crate) fn serves_at_standby(&self) {
        self.serves_at_standby_within(300);
    }

    /// The same, for so many seconds at most.
    pub(crate) fn serves_at_standby_within(&self, secs: u64) {
        wait_for("the answer that leads to standby", secs, || {
            let seen = self.answer();
            (seen == [IpAddr::from(self.balancer("standby"))], self.headline())
        });
        wait_for("an order that standby acknowledges", 60, || {
            let order = self.order();
            (order.as_deref() == Ok("standby"), format!("{order:?}"))
        });
    }

    /// Waits until the run has moved the application, by one promotion: the only run, but for such
    /// as went back, since nobody could say any more why they had begun.
    pub(crate) fn run_ended_once(&self) {
        wait_for("the run's end", 180, || {
            let status = self.status();
            let moved = status["run"]["phase"] == "moved; obligations are left";
            (status["active"] == "standby" && moved, self.headline())
        });
        assert_eq!(self.promotions_that_took_effect(), 1, "{:?}", self.promotions());
        let journal = self.journal();
        let back = |entry: &&Value| {
            entry["records"].as_array().unwrap().iter().any(|r| r.get("unwinding").is_some())
        };
        let went_back = runs_of(journal.iter().filter(back));
        let moved = runs_of(journal.iter()).len() - went_back.len();
        assert_eq!(moved, 1, "one run, whoever finished it; {went_back:?} went back");
    }
}

/// What Bowline says.
impl Stand {
    /// Waits until Bowline has watched the replica for a whole period of its metric: before, a
    /// failover asks how much may be lost.
    pub(crate) fn has_evidence(&self) {
        wait_for("evidence of replication", 150, || {
            let standby = self.status()["published"]["status"]["sites"][1].clone();
            (standby["replication"].is_object(), standby.to_string())
        });
    }

    /// The group's status.
    pub(crate) fn status(&self) -> Value {
        let told = self.bowline("operator", &["status", "shop", "-o", "json"], COMMAND);
        let read: Value = serde_json::from_str(&told.stdout).unwrap_or(Value::String(told.stderr));
        read.get(0).cloned().unwrap_or(read)
    }

    /// The status in a line.
    pub(crate) fn headline(&self) -> String {
        let status = self.status();
        let decision = &status["published"]["status"]["decision"];
        match status["headline"].as_str() {
            Some(headline) => format!("{headline} ({decision}) {}", status["run"]["phase"]),
            None => status.to_string(),
        }
    }

    /// What was decided last.
    pub(crate) fn decision(&self) -> String {
        let status = self.status();
        let decision = status["published"]["status"]["decision"].as_str();
        decision.map_or_else(|| status.to_string(), str::to_owned)
    }

    /// The journal's entries.
    pub(crate) fn journal(&self) -> Vec<Value> {
        let told = self.bowline("operator", &["journal", "show", "shop", "-o", "json"], COMMAND);
        let document: Value = serde_json::from_str(&told.stdout).unwrap();
        let lines = document["entries"].as_array().unwrap().iter();
        lines.map(|line| serde_json::from_str(line["bytes"].as_str().unwrap()).unwrap()).collect()
    }

    /// Whether a move was planned, and not only what prepares one.
    pub(crate) fn is_moving(&self) -> bool {
        let journal = self.journal();
        let records = journal.iter().flat_map(|entry| entry["records"].as_array().unwrap());
        records.into_iter().any(|record| record["planned"]["moves"] == true)
    }

    /// When each call of a step was recorded, by the clock of who did so.
    pub(crate) fn recorded(&self, step: &str) -> Vec<i64> {
        let mut at = Vec::new();
        for entry in self.journal() {
            let records = entry["records"].as_array().unwrap().iter();
            let calls = records.filter(|record| record["started"]["step"] == step);
            at.extend(calls.map(|_| entry["at"].as_i64().unwrap()));
        }
        at
    }

    /// The names of all runs in it.
    pub(crate) fn runs(&self) -> BTreeSet<String> {
        runs_of(self.journal().iter())
    }

    /// Whether a replica says that it is ready, and what it said.
    pub(crate) fn is_ready(&self, name: &str) -> (bool, String) {
        let told = ask(self.replica(name).listen.parse().unwrap(), "/readyz");
        let ready = told.as_ref().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"));
        (ready, format!("{told:?}"))
    }

    /// The names of the replicas that say they lead.
    pub(crate) fn leaders(&self) -> Vec<String> {
        let leads = |at: &str| {
            let metrics = get(at.parse().unwrap(), "/metrics").unwrap_or_default();
            metrics.lines().any(|line| line == "bowline_leader 1")
        };
        let leaders = self.replicas.iter().filter(|replica| leads(&replica.listen));
        leaders.map(|replica| replica.name.clone()).collect()
    }
}

/// Clusters.
impl Stand {
    /// Karpenter's nodes at standby.
    pub(crate) fn standby_nodes(&self) -> Vec<String> {
        self.lab.cluster("standby").unwrap().karpenter_nodes().unwrap()
    }

    /// The application's pods at a site.
    pub(crate) fn pods(&self, site: &str) -> Vec<String> {
        self.words(site, &["get", "pods", "-n", "shop", "-o", "name"])
    }

    /// `NAME=REPLICAS` of the application's Deployments at a site, `NAME=SUSPENDED` of its jobs.
    pub(crate) fn wanted(&self, site: &str) -> Vec<String> {
        let told = |kind: &str, field: &str| {
            let path = format!(
                "jsonpath={{range .items[*]}}{{.metadata.name}}={{{field}}}{{\"\\n\"}}{{end}}"
            );
            self.words(site, &["get", kind, "-n", "shop", "-o", &path])
        };
        [told("deployments", ".spec.replicas"), told("cronjobs", ".spec.suspend")].concat()
    }

    /// The CPU that Karpenter may start at standby.
    pub(crate) fn standby_limit(&self) -> Vec<String> {
        self.words("standby", &["get", "nodepool", "dr", "-o", "jsonpath={.spec.limits.cpu}"])
    }

    fn words(&self, site: &str, arguments: &[&str]) -> Vec<String> {
        let told = self.lab.cluster(site).unwrap().kubectl(arguments).unwrap();
        told.split_whitespace().map(str::to_owned).collect()
    }
}

/// What time it is, in milliseconds.
pub(crate) fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn get(at: SocketAddr, path: &str) -> std::io::Result<String> {
    let answer = ask(at, path)?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    body.ok_or_else(|| std::io::Error::other(format!("no answer to {path}: {answer}")))
}

/// The whole answer to a GET.
fn ask(at: SocketAddr, path: &str) -> std::io::Result<String> {
    exchange(at, &format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n"))
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

/// The names of the runs that entries were written in.
fn runs_of<'a>(entries: impl Iterator<Item = &'a Value>) -> BTreeSet<String> {
    let claimed = entries.filter_map(|entry| entry["claim"]["run"].as_str());
    claimed.map(str::to_owned).collect()
}
