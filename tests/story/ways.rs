//! A replica's own ways: forwarders between it and the store, and between it and all APIs beyond.
//! One that is stopped is a network that swallows everything: connections hang, nobody says no.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use super::paths::{Paths, lead};
use super::stand::{Running, Stand, free_address, listens, spawn};

/// Where a way leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum To {
    /// To the management cluster's API server: the store and the lease.
    Store,
    /// To AWS in every Region, Route 53 included, and to both sites' clusters.
    Beyond,
}

/// One replica's ways, and what leads it there.
pub(crate) struct Ways {
    pub(crate) paths: Paths,
    store: Running,
    beyond: Running,
}

/// Addresses that a process shall use instead of others.
#[derive(Default)]
struct Detour(BTreeMap<SocketAddr, SocketAddr>);

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
        let clusters = |cluster: &mut Value| {
            let management = cluster["name"] == "management";
            let detour = if management { &mut store } else { &mut beyond };
            detour.lead(&mut cluster["cluster"]["server"]);
        };
        let mut to_aws = Detour::default();
        let paths = self.paths(&format!("replica-{name}"), clusters, |url| to_aws.lead(url));
        beyond.0.append(&mut to_aws.0);
        assert!(store.0.len() == 1 && beyond.0.len() > 4, "{:?} {:?}", store.0, beyond.0);
        let ways = Ways {
            paths,
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
        detour.0.values().for_each(|at| listens(name, *at));
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
