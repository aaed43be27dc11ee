//! TCP forwarders: each load balancer gets an address of its own, at its listener's port, in front
//! of the port that the emulator chose; and a link, all of Bowline's ways to a site, is one process
//! that can be frozen.

mod relay;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::call::Http;
use crate::service::{read, tell};
use relay::{Target, serve};

/// How often the emulator is asked where its load balancers listen.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest time for its answer.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// What the forwarder is told on its command line.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The routes, a JSON file: `{"routes": [{"listen", "to"}], "cloud"}`.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// What it forwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where the emulator answers that has the load balancers; needed if a route leads to one.
    cloud: Option<String>,
    /// Each listening address and where it leads.
    routes: Vec<Route>,
}

/// One listening address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    /// Where clients connect.
    listen: SocketAddr,
    /// Where they are led.
    to: To,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum To {
    /// To an address.
    Address(SocketAddr),
    /// To a load balancer of the emulator, by ARN.
    LoadBalancer(String),
}

/// Runs it until it fails.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let config: Config = read(&arguments.config)?;
    let mut tasks = JoinSet::new();
    let (found, seen) = watch::channel(Vec::new());
    if let Some(cloud) = config.cloud.clone() {
        tasks.spawn(look(cloud, found));
    }
    for route in config.routes {
        let listener = TcpListener::bind(route.listen).await;
        let listener = listener.with_context(|| format!("cannot listen on {}", route.listen))?;
        tell("forward", format!("{} leads to {:?}", route.listen, route.to));
        tasks.spawn(serve(listener, Arc::new(target(route.to, &seen))));
    }
    // None of them ends by itself.
    while let Some(ended) = tasks.join_next().await {
        ended.context("a forwarder's task broke")?;
    }
    Ok(())
}

fn target(to: To, seen: &watch::Receiver<Vec<LoadBalancer>>) -> Target {
    match to {
        To::Address(address) => Target::Address(address),
        To::LoadBalancer(arn) => Target::LoadBalancer { arn, seen: seen.clone() },
    }
}

/// A load balancer as the emulator's own path tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoadBalancer {
    arn: String,
    bound_port: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoadBalancers {
    load_balancers: Vec<LoadBalancer>,
}

/// Asks the emulator again and again where its load balancers listen. While it does not answer,
/// what it said last stands: the ports stay its own.
async fn look(cloud: String, found: watch::Sender<Vec<LoadBalancer>>) {
    let http = Http::new(LOOK_LIMIT);
    let url = format!("{cloud}/_fakecloud/elbv2/load-balancers");
    loop {
        match http.get::<LoadBalancers>(&url).await {
            Ok(answer) => {
                found.send_if_modified(|known| {
                    let changed = *known != answer.load_balancers;
                    *known = answer.load_balancers;
                    changed
                });
            }
            Err(error) => tell("forward", format!("{error:#}")),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
