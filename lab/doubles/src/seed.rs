//! Fills the emulators with what a group needs to be armed: a load balancer at each site, a zone,
//! health checks, and a pair of failover records. Prints what was made as JSON.

mod balancer;
mod zone;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::aws;
use crate::service::read;

/// What is to be made.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What is to be made, a JSON file: `{"route53", "apex", "name", "port", "sites"}`.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// What is to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where the emulated Route 53 is.
    route53: String,
    /// The zone's apex.
    apex: String,
    /// The application's name in it.
    name: String,
    /// The port of every load balancer's listener.
    port: u16,
    /// Home first.
    sites: Vec<Site>,
}

/// One site.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Site {
    /// `home` or `standby`.
    name: String,
    /// Its Region.
    region: String,
    /// Where its emulator is.
    cloud: String,
    /// The address its load balancer is given.
    address: Ipv4Addr,
    /// Where its application listens.
    target: SocketAddr,
}

/// What was made.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    zone: String,
    name_servers: Vec<String>,
    closed_check: String,
    sites: BTreeMap<String, MadeSite>,
}

/// What was made at one site.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MadeSite {
    #[serde(flatten)]
    balancer: balancer::Made,
    check: String,
}

/// Makes all of it.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let config: Config = read(&arguments.config)?;
    let route53 = aws::route53(&config.route53);
    let mut sites = BTreeMap::new();
    let mut children = Vec::new();
    for site in &config.sites {
        let client = aws::load_balancers(&site.cloud, &site.region);
        let balancer = balancer::make(&client, &config, site).await;
        let balancer = balancer.with_context(|| format!("{}'s load balancer", site.name))?;
        let check = zone::endpoint_check(&route53, &config, site).await?;
        children.push(check.clone());
        sites.insert(site.name.clone(), MadeSite { balancer, check });
    }
    let closed_check = zone::closed_check(&route53, &children).await?;
    let mut records = Vec::new();
    for (index, site) in config.sites.iter().enumerate() {
        let made = sites.get(&site.name).context("a site that was just made")?;
        let check = if index == 0 { &made.check } else { &closed_check };
        records.push(zone::failover_set(&config.name, (index, site), &made.balancer, check)?);
    }
    let (zone, name_servers) = zone::make(&route53, &config.apex, records).await?;
    println!("{}", serde_json::to_string(&Made { zone, name_servers, closed_check, sites })?);
    Ok(())
}
