//! Sets the stage: each part in the order in which the next one needs it.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::made::{Made, fill};
use super::places::Places;
use super::{BOWLINE, Stage, StageOptions, files};
use crate::cloud::Cloud;
use crate::double::{Double, Troupe};
use crate::lab::Lab;

/// How many virtual checkers probe each target.
const CHECKERS: u32 = 4;
/// How often each does: Route 53 asks for 10 s, which would make a story long.
const CHECK_EVERY_MILLIS: u64 = 4_000;

/// Sets it.
pub(crate) fn set(lab: &Lab, program: &Path, options: &StageOptions) -> Result<Stage> {
    let folder = lab.folder().join("stage");
    std::fs::create_dir_all(&folder)?;
    let troupe = Troupe { program, folder: &folder, reaper: lab.reaper() };
    let places = Places::free()?;
    let sites = [lab.cloud("home")?, lab.cloud("standby")?];
    let global = lab.cloud("global")?;
    if options.application {
        files::furnish(lab, options).context("cannot furnish the clusters")?;
    }
    let mut doubles = Vec::new();
    if options.application {
        doubles.extend(databases(troupe, &places, sites)?);
    }
    let made = fill(troupe, &places, global, sites)?;
    let setting = Setting { lab, troupe, places: &places, made: &made };
    doubles.extend(setting.ways(sites)?);
    if options.application {
        for cloud in sites {
            doubles.push(setting.application(cloud)?);
        }
    }
    doubles.extend(setting.route53(global, sites)?);
    files::write(&setting, options)?;
    let (program, application) = (program.to_owned(), options.application);
    Ok(Stage { doubles, program, folder: folder.clone(), application, places, made })
}

/// Everything that parts are made from.
pub(super) struct Setting<'a> {
    pub(super) lab: &'a Lab,
    pub(super) troupe: Troupe<'a>,
    pub(super) places: &'a Places,
    pub(super) made: &'a Made,
}

/// The databases, and each Region's door to them.
fn databases(troupe: Troupe<'_>, places: &Places, sites: [&Cloud; 2]) -> Result<Vec<Double>> {
    let mut arguments = vec!["--listen".to_owned(), places.data.to_string()];
    // Short, but long enough for a leader to be killed in the middle.
    for (what, takes) in
        [("promotion", "10s-15s"), ("rename", "3s-5s"), ("replica", "10s-15s"), ("reboot", "3s-5s")]
    {
        arguments.extend([format!("--{what}"), takes.to_owned()]);
    }
    let mut doubles = vec![troupe.start(("global", "data"), &arguments, &[places.data])?];
    for cloud in sites {
        let at = places.site(cloud.name()).front;
        let flags = [
            ("--region", cloud.region().to_owned()),
            ("--listen", at.to_string()),
            ("--data", format!("http://{}", places.data)),
        ];
        let arguments = flags.map(|(flag, value)| [flag.to_owned(), value]).concat();
        doubles.push(troupe.start((cloud.name(), "front"), &arguments, &[at])?);
    }
    let webhook = ["--listen".to_owned(), places.webhook.to_string()];
    doubles.push(troupe.start((BOWLINE, "webhook"), &webhook, &[places.webhook])?);
    Ok(doubles)
}

impl Setting<'_> {
    /// Each load balancer's address, and Bowline's own ways to each site.
    fn ways(&self, sites: [&Cloud; 2]) -> Result<Vec<Double>> {
        let mut doubles = Vec::new();
        for cloud in sites {
            let at = self.places.site(cloud.name());
            let front = SocketAddr::from((at.balancer, self.places.port));
            let arn = &self.made.site(cloud.name())?.arn;
            let config = json!({
                "cloud": cloud.endpoint(),
                "routes": [{ "listen": front, "to": { "loadBalancer": arn } }],
            });
            doubles.push(self.troupe.start_with((cloud.name(), "forward"), &config, &[front])?);
            doubles.push(self.link(cloud, front)?);
        }
        Ok(doubles)
    }

    fn link(&self, cloud: &Cloud, balancer: SocketAddr) -> Result<Double> {
        let at = self.places.site(cloud.name());
        let mut ways = vec![
            (SocketAddr::from((at.link.balancer, self.places.port)), balancer),
            (at.link.aws, cloud.address()),
            (at.link.front, at.front),
        ];
        if let Ok(cluster) = self.lab.cluster(cloud.name()) {
            ways.push((at.link.api, cluster.address()));
        }
        let route = |way: &(SocketAddr, SocketAddr)| {
            let (from, to) = way;
            json!({ "listen": from, "to": { "address": to } })
        };
        let config = json!({ "routes": ways.iter().map(route).collect::<Vec<_>>() });
        let listens: Vec<SocketAddr> = ways.iter().map(|way| way.0).collect();
        let place = super::link_to(cloud.name());
        self.troupe.start_with((&place, "forward"), &config, &listens)
    }

    fn application(&self, cloud: &Cloud) -> Result<Double> {
        let (name, at) = (cloud.name(), self.places.site(cloud.name()));
        let kubeconfig = self.lab.cluster(name)?.kubeconfig();
        let flags = [
            ("--site", name.to_owned()),
            ("--listen", at.app.to_string()),
            ("--kubeconfig", kubeconfig.display().to_string()),
            ("--database", format!("http://{}/db/shop-{name}", at.front)),
        ];
        let arguments = flags.map(|(flag, value)| [flag.to_owned(), value]).concat();
        self.troupe.start((name, "app"), &arguments, &[at.app])
    }

    /// Two DNS servers and the checkers.
    fn route53(&self, global: &Cloud, sites: [&Cloud; 2]) -> Result<Vec<Double>> {
        let everybody = self.dns(("global", self.places.dns), global, sites, false)?;
        let bowline = self.dns((BOWLINE, self.places.bowline_dns), global, sites, true)?;
        let config = json!({
            "route53": global.endpoint(), "checkers": CHECKERS, "everyMillis": CHECK_EVERY_MILLIS,
        });
        Ok(vec![everybody, bowline, self.troupe.start_with(("global", "checker"), &config, &[])?])
    }

    fn dns(
        &self,
        (place, listen): (&str, SocketAddr),
        global: &Cloud,
        sites: [&Cloud; 2],
        by_link: bool,
    ) -> Result<Double> {
        let balancer = |cloud: &&Cloud| -> Result<Value> {
            let (at, made) = (self.places.site(cloud.name()), self.made.site(cloud.name())?);
            let address = if by_link { at.link.balancer } else { at.balancer };
            Ok(json!({
                "dnsName": made.dns_name, "arn": made.arn, "address": address,
                "cloud": cloud.endpoint(), "region": cloud.region(),
            }))
        };
        let balancers = sites.iter().map(balancer).collect::<Result<Vec<_>>>()?;
        let config = json!({
            "listen": listen, "route53": global.endpoint(), "loadBalancers": balancers,
        });
        self.troupe.start_with((place, "dns"), &config, &[listen])
    }
}
