//! An authoritative DNS server for the emulated zones: what Route 53's servers and ELB's would
//! answer. Which record set answers is decided by the simulator's own rules.

mod answer;
mod health;
mod server;
#[cfg(test)]
mod tests;
mod watch;
mod zone;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use bowline_core::model::Host;
use clap::Args;
use serde::Deserialize;
use tokio::sync::watch as channel;

use crate::service::read;
use health::States;
pub(crate) use health::agree as checkers_agree;
use zone::Zone;

/// What the server is told on its command line.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What it serves, a JSON file: `{"listen", "route53", "loadBalancers"}`.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// What it serves.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// Where it answers, over UDP and TCP.
    pub(crate) listen: SocketAddr,
    /// Where the emulated Route 53 is.
    pub(crate) route53: String,
    /// The load balancers whose names it answers.
    pub(crate) load_balancers: Vec<Balancer>,
}

/// A load balancer: its name leads to an address.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Balancer {
    /// Its own DNS name.
    pub(crate) dns_name: String,
    /// Its ARN.
    pub(crate) arn: String,
    /// Where it is reached.
    pub(crate) address: Ipv4Addr,
    /// Where the emulator of its Region is, which knows its targets' health.
    pub(crate) cloud: String,
    /// Its Region.
    pub(crate) region: String,
}

/// All that answers are made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    /// The zones; `None` until Route 53 has told them once.
    pub(crate) zones: Option<Arc<Vec<Zone>>>,
    /// Health checks.
    pub(crate) checks: Arc<States>,
    /// Load balancers by name: address, and whether it is healthy.
    pub(crate) balancers: BTreeMap<Host, (Ipv4Addr, bool)>,
}

/// Runs it until it fails.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let config: Config = read(&arguments.config)?;
    let balancers = config.load_balancers.iter().map(|b| (host(&b.dns_name), (b.address, true)));
    let start = World { balancers: balancers.collect(), ..World::default() };
    let (world, seen) = channel::channel(start);
    let world = Arc::new(world);
    tokio::spawn(watch::route53(config.route53, world.clone()));
    for balancer in config.load_balancers {
        tokio::spawn(watch::load_balancer(balancer, world.clone()));
    }
    server::run(config.listen, seen).await
}

/// A name as it is compared: lower case, without the root's dot, and without what the console puts
/// before a load balancer's.
pub(crate) fn host(name: &str) -> Host {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    Host::new(name.strip_prefix("dualstack.").unwrap_or(&name))
}
