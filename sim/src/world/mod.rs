//! The world: all its parts, what flows between them, and who answers which call.
//!
//! ```text
//! clusters ─ ready pods ─▶ app ─ targets ─▶ load balancers ─ health ─┐
//!    databases ─ access ─▶  │  ─ endpoints ▶ health checks ──────────┤
//!        ▲                  └─ what it serves ─▶ users ◀─ answers ─ name servers
//!        └──────────────── connections, writes ───┘
//! ```
//!
//! Parts know nothing of each other: `settle` carries over what one has to tell the next.

mod apart;
mod build;
mod calls;
mod gates;
mod groups;
mod owned;
mod probes;
mod settle;
mod troubles;

use std::collections::{BTreeMap, BTreeSet};

use bowline_core::model::{Cluster, GroupName, Host, Mono, Now, Region, Site};
use bowline_core::run::Reader;

use crate::app::App;
use crate::aws::elb::Elb;
use crate::aws::rds::{Access, Rds};
use crate::aws::route53::Route53;
use crate::faults::Trouble;
use crate::kube::{Change, KubeCluster};
use crate::lease::Lease;
use crate::part::{Part, earliest};
use crate::store::Store;
use crate::users::{Servers, Users};

pub use apart::Apart;
pub use build::WorldSpec;
pub use calls::Outcome;
pub use gates::Gates;
pub use groups::{GroupParts, SiteParts};

/// The world.
#[derive(Debug, Default)]
pub struct World {
    /// The durable store in the management cluster.
    pub store: Store,
    /// The leader lease.
    pub lease: Lease,
    /// The directory of a break-glass process.
    pub apart: Apart,
    /// Route 53.
    pub route53: Route53,
    /// Load balancers of all Regions.
    pub elb: Elb,
    /// Databases of all Regions.
    pub rds: Rds,
    /// The groups' applications.
    pub app: App,
    /// The groups' users.
    pub users: Users,
    /// The gate objects.
    pub gates: Gates,
    /// Hosts beyond both sites that always answer.
    canaries: BTreeSet<Host>,
    clusters: BTreeMap<Cluster, SiteCluster>,
    groups: Vec<GroupParts>,
    /// Whoever reads the store's entries reads them with this: each is read once.
    pub(crate) reader: Reader,
    /// Controllers that own zones.
    owners: Vec<owned::Owner>,
    /// Troubles of parts that are there now.
    present: Vec<Trouble>,
    began: Mono,
    next: Option<Mono>,
    told: settle::Told,
    news: Vec<News>,
}

/// A cluster and where it is.
#[derive(Debug)]
struct SiteCluster {
    region: Region,
    kube: KubeCluster,
}

/// Something that changed in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Pods or nodes of a cluster.
    Cluster(Cluster, Change),
    /// An entry of a group's chain was stored.
    Stored(GroupName, u64),
    /// An entry of a group's chain was stored in the directory of a break-glass process.
    StoredApart(GroupName, u64),
    /// What the name servers answer for a group's first name.
    Answers(usize, Servers),
    /// What a group's application serves at a site.
    Serves(usize, Site, Access),
    /// What a group's application gets from its database at a site.
    Access(usize, Site, Access),
    /// Where a group's users are led changed.
    Led(usize),
    /// Somebody else put a zone's failover sets back.
    Reverted(bowline_core::model::ZoneId),
}

impl World {
    /// Adds a cluster.
    pub fn add_cluster(&mut self, cluster: Cluster, region: Region, mut kube: KubeCluster) {
        kube.drain_changes();
        self.clusters.insert(cluster, SiteCluster { region, kube });
        self.refresh();
    }

    /// A cluster.
    #[must_use]
    pub fn cluster(&self, cluster: &Cluster) -> Option<&KubeCluster> {
        self.clusters.get(cluster).map(|site| &site.kube)
    }

    /// The groups, in the order of their policies; their numbers in [`News`] are positions here.
    #[must_use]
    pub fn groups(&self) -> &[GroupParts] {
        &self.groups
    }

    /// When replicas may start: by then the world has been at peace for a while.
    #[must_use]
    pub fn began(&self) -> Mono {
        self.began
    }

    /// When something happens in it next by itself.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        self.next
    }

    /// Lets everything happen that is due.
    pub fn advance(&mut self, now: Now, rng: &mut fastrand::Rng) {
        for site in self.clusters.values_mut() {
            advance(&mut site.kube, now, rng);
        }
        advance(&mut self.route53, now, rng);
        advance(&mut self.elb, now, rng);
        advance(&mut self.rds, now, rng);
        advance(&mut self.users, now, rng);
        self.advance_owners(now, rng);
        self.settle(now, rng);
    }

    /// What changed since the last call.
    pub fn drain_news(&mut self) -> std::vec::Drain<'_, News> {
        self.news.drain(..)
    }

    fn refresh(&mut self) {
        let clusters = self.clusters.values().map(|site| site.kube.next());
        let aws = [self.route53.next(), self.elb.next(), self.rds.next(), self.users.next()];
        self.next = earliest(clusters.chain(aws).chain([self.next_owner()]));
    }
}

fn advance(part: &mut impl Part, now: Now, rng: &mut fastrand::Rng) {
    if part.next().is_some_and(|next| next <= now.mono) {
        part.advance(now, rng);
    }
}

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod tests;
