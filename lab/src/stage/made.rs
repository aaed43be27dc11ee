//! What the emulated AWS is filled with, and what it was named there.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::places::Places;
use crate::cloud::Cloud;
use crate::double::Troupe;

/// The zone's apex.
pub(super) const APEX: &str = "example.com";
/// The application's name.
pub(super) const NAME: &str = "shop.example.com";
/// Longest time to fill it.
const LIMIT: Duration = Duration::from_secs(60);

/// What was made in Route 53 and in each Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// The zone's id.
    pub zone: String,
    /// The zone's servers.
    pub name_servers: Vec<String>,
    /// The health check that is always closed.
    pub closed_check: String,
    /// Each site's.
    pub sites: BTreeMap<String, MadeSite>,
}

/// What was made at one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeSite {
    /// The load balancer's ARN.
    pub arn: String,
    /// The load balancer's own name.
    pub dns_name: String,
    /// The zone of that name.
    pub hosted_zone: String,
    /// Its target group's ARN.
    pub target_group: String,
    /// The health check of the site's application.
    pub check: String,
}

impl Made {
    /// A site's. Fails if nothing was made there.
    pub fn site(&self, name: &str) -> Result<&MadeSite> {
        self.sites.get(name).with_context(|| format!("nothing was made at {name}"))
    }
}

/// Fills the AWS of these Regions.
pub(super) fn fill(
    troupe: Troupe<'_>,
    places: &Places,
    global: &Cloud,
    sites: [&Cloud; 2],
) -> Result<Made> {
    let site = |cloud: &&Cloud| {
        let at = places.site(cloud.name());
        json!({
            "name": cloud.name(), "region": cloud.region(), "cloud": cloud.endpoint(),
            "address": at.balancer, "target": at.app,
        })
    };
    let config = json!({
        "route53": global.endpoint(), "apex": APEX, "name": NAME, "port": places.port,
        "sites": sites.iter().map(site).collect::<Vec<_>>(),
    });
    let path = troupe.folder.join("seed.json");
    std::fs::write(&path, config.to_string())?;
    let path = path.to_str().context("the lab's folder is not UTF-8")?;
    let told = troupe.run(&["seed", "--config", path], LIMIT).context("cannot fill AWS")?;
    serde_json::from_str(&told).with_context(|| format!("the seed said {told}"))
}
