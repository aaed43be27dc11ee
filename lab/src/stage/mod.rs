//! The stage: what turns clusters and emulators into two sites that an application can move
//! between. DNS, Route 53's checkers, load balancers with addresses of their own, databases,
//! applications; and Bowline's own way to each site, which can be cut while everybody else's holds.
//!
//! ```text
//!  users ── dns ──► forward (ALB's address) ──► fakecloud's ALB ──► app ──► front ──► data
//!  Bowline ── its dns ──► link ──► the same forward, fakecloud, front, API server
//!  checker ──► the same forward ──► posts to Route 53's fakecloud
//! ```

mod files;
mod made;
mod places;
mod set;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use crate::double::{Double, DoubleState};
use crate::http;
pub use made::{Made, MadeSite};
pub use places::{Link, Places, SitePlaces};
pub(crate) use set::set;

/// Where Bowline's own ways belong.
const BOWLINE: &str = "bowline";
/// Longest time for one question to DNS.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// What a stage shall have.
#[derive(Debug, Clone, Default)]
pub struct StageOptions {
    /// Whether databases and applications are played; without them the caller listens on the
    /// applications' places itself.
    pub application: bool,
    /// What each cluster must have before Bowline uses it (`bowline crd`), by cluster.
    pub manifests: BTreeMap<String, String>,
}

/// A stage that is set.
#[derive(Debug)]
pub struct Stage {
    pub(crate) doubles: Vec<Double>,
    program: PathBuf,
    folder: PathBuf,
    application: bool,
    places: Places,
    made: Made,
}

impl Stage {
    /// Where everything listens.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// What AWS was filled with.
    pub fn made(&self) -> &Made {
        &self.made
    }

    /// The program that all doubles are.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The application's URL for users.
    pub fn url(&self) -> String {
        format!("http://{}:{}", made::NAME, self.places.port)
    }

    /// For `bowline --endpoints`.
    pub fn endpoints_file(&self) -> PathBuf {
        self.folder.join(files::ENDPOINTS)
    }

    /// The group's policy.
    pub fn policy_file(&self) -> PathBuf {
        self.folder.join(files::POLICY)
    }

    /// A kubeconfig with the contexts `management`, `home` and `standby` for one of the lab's
    /// users; the sites' lead through the links.
    pub fn kubeconfig_file(&self, user: &str) -> PathBuf {
        files::kubeconfig_path(&self.folder, user)
    }

    /// Asks a DNS server for a name's addresses; none if it has none.
    pub fn addresses(&self, server: SocketAddr, name: &str) -> Result<Vec<IpAddr>> {
        let server = server.to_string();
        let mut ask = std::process::Command::new(&self.program);
        ask.args(["ask", "--server", &server, name]);
        let told = crate::command::stdout(&mut ask, ASK_LIMIT)?;
        Ok(told.lines().filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect())
    }

    /// The addresses that everybody is answered for the application.
    pub fn answer(&self) -> Result<Vec<IpAddr>> {
        self.addresses(self.places.dns, made::NAME)
    }

    /// Stops or lets go on what belongs to a site, in the order in which it was started.
    pub(crate) fn signal(&self, site: &str, signal: Signal) -> Result<()> {
        let own = self.doubles.iter().filter(|double| double.place() == site);
        own.into_iter().try_for_each(|double| double.signal(signal))
    }

    /// Tells the databases that a Region is gone, or back.
    pub(crate) fn tell_data(&self, region: &str, up: bool) -> Result<()> {
        self.data().map_or(Ok(()), |data| tell_data(data, region, up))
    }

    /// Where the databases are told which Regions are up, if there are any.
    pub(crate) fn data(&self) -> Option<SocketAddr> {
        self.application.then_some(self.places.data)
    }

    /// Its processes.
    pub(crate) fn states(&self) -> Vec<DoubleState> {
        self.doubles.iter().map(Double::state).collect()
    }
}

/// The place of Bowline's own way to a site.
pub(crate) fn link_to(site: &str) -> String {
    format!("{BOWLINE}-to-{site}")
}

/// Tells the databases that a Region is gone, or back.
pub(crate) fn tell_data(data: SocketAddr, region: &str, up: bool) -> Result<()> {
    let body = serde_json::json!({ "up": up }).to_string();
    http::post(data, &format!("/regions/{region}"), &body).context("cannot tell the databases")
}
