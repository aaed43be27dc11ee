//! A replica's own ways: forwarders between it and the store, and between it and all APIs beyond.
//! One that is stopped is a network that swallows everything: connections hang, nobody says no.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::stand::{Running, Stand, free_address, spawn, wait_for};

/// Where a way leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum To {
    /// To the management cluster's API server: the store and the lease.
    Store,
    /// To AWS in every Region, Route 53 included, and to both sites' clusters.
    Beyond,
}

/// One replica's ways, and the files that lead it there.
pub(crate) struct Ways {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) endpoints: PathBuf,
    store: Running,
    beyond: Running,
}

/// Addresses that a process shall use instead of others.
#[derive(Default)]
struct Detour(BTreeMap<SocketAddr, SocketAddr>);

/// Leads a URL by another address, which is asked for with its own.
pub(crate) fn lead(url: &mut Value, by: impl FnOnce(SocketAddr) -> SocketAddr) {
    let text = url.as_str().unwrap().to_owned();
    let (scheme, to) = text.split_once("://").unwrap();
    *url = json!(format!("{scheme}://{}", by(to.parse().unwrap())));
}

/// Every URL of an endpoints file.
pub(crate) fn urls(endpoints: &mut Value) -> impl Iterator<Item = &mut Value> {
    let regions = endpoints["regions"].as_object_mut().unwrap().values_mut();
    regions.flat_map(|services| services.as_object_mut().unwrap().values_mut())
}

impl Detour {
    /// Leads a URL by an address of our own.
    fn lead(&mut self, url: &mut Value) {
        lead(url, |to| *self.0.entry(to).or_insert_with(|| free_address().parse().unwrap()));
    }

    fn config(&self) -> Value {
        let route = |(to, listen)| json!({ "listen": listen, "to": { "address": to } });
        json!({ "routes": self.0.iter().map(route).collect::<Vec<_>>() })
    }
}

impl Stand {
    /// Makes ways of its own for a replica that is not started yet.
    pub(crate) fn make_ways(&mut self, name: &str) {
        let (mut store, mut beyond) = (Detour::default(), Detour::default());
        let read = |path: PathBuf| -> Value {
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
        };
        let mut kubeconfig = read(self.stage().kubeconfig_file("bowline"));
        for cluster in kubeconfig["clusters"].as_array_mut().unwrap() {
            let management = cluster["name"] == "management";
            let detour = if management { &mut store } else { &mut beyond };
            detour.lead(&mut cluster["cluster"]["server"]);
        }
        let mut endpoints = read(self.stage().endpoints_file());
        urls(&mut endpoints).for_each(|url| beyond.lead(url));
        assert!(store.0.len() == 1 && beyond.0.len() > 4, "{kubeconfig} {endpoints}");
        let write = |what: &str, value: &Value| {
            let path = self.lab.folder().join(format!("replica-{name}-{what}"));
            fs::write(&path, value.to_string()).unwrap();
            path
        };
        let ways = Ways {
            kubeconfig: write("kubeconfig", &kubeconfig),
            endpoints: write("endpoints.json", &endpoints),
            store: self.forwarder(&format!("{name}-to-store"), &store),
            beyond: self.forwarder(&format!("{name}-to-beyond"), &beyond),
        };
        self.ways.insert(name.to_owned(), ways);
    }

    fn forwarder(&self, name: &str, detour: &Detour) -> Running {
        let config = self.lab.folder().join(format!("{name}.json"));
        fs::write(&config, detour.config().to_string()).unwrap();
        let mut command = Command::new(self.stage().program());
        command.args(["forward", "--config"]).arg(config);
        let log = self.lab.folder().join(format!("{name}.log"));
        let forwarder = spawn((name, String::new()), &mut command, &self.lab, &log);
        for listen in detour.0.values() {
            wait_for("the forwarder listens", 30, || {
                let reached = std::net::TcpStream::connect(listen);
                (reached.is_ok(), format!("{listen}: {reached:?}"))
            });
        }
        forwarder
    }

    /// From now on nothing that a replica sends that way arrives.
    pub(crate) fn cut(&self, name: &str, to: To) {
        self.way(name, to).signal("-STOP");
    }

    /// Ends what [`Stand::cut`] began.
    pub(crate) fn heal(&self, name: &str, to: To) {
        self.way(name, to).signal("-CONT");
    }

    fn way(&self, name: &str, to: To) -> &Running {
        let ways = self.ways.get(name).unwrap_or_else(|| panic!("{name} has no ways of its own"));
        match to {
            To::Store => &ways.store,
            To::Beyond => &ways.beyond,
        }
    }
}
