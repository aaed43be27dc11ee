//! Which parts of the world belong to a group.

use bowline_core::model::{
    Cluster, GroupName, HealthCheckId, Host, Region, Site, TargetGroupArn, WorkloadRef, ZoneId,
};

use crate::aws::rds::{Access, DoorId};
use crate::users::Servers;

/// The parts of a group.
#[derive(Clone, Debug)]
pub struct GroupParts {
    /// Its name.
    pub name: GroupName,
    /// Its public names with their zones; users ask for the first.
    pub names: Vec<(Host, ZoneId)>,
    /// Its number among the databases; `None`: it has none.
    pub database: Option<usize>,
    /// Home's parts and standby's.
    pub sites: [SiteParts; 2],
    /// What the name servers answer for its first name.
    pub answers: Servers,
}

/// The parts of a group at one site.
#[derive(Clone, Debug)]
pub struct SiteParts {
    /// The Region.
    pub region: Region,
    /// The cluster.
    pub cluster: Cluster,
    /// The workload whose ready pods serve requests.
    pub serving: WorkloadRef,
    /// Further workloads that hold database connections.
    pub clients: Vec<WorkloadRef>,
    /// Its load balancers by number, with the target group of this group behind each.
    pub load_balancers: Vec<(usize, TargetGroupArn)>,
    /// The health check whose endpoint it is.
    pub check: Option<HealthCheckId>,
    /// Connections that `clients` want, beyond the application's.
    pub(super) extra: u32,
    /// What others were told last.
    pub(super) told: SiteTold,
}

/// What others were told of a site last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SiteTold {
    pub(super) targets: (u32, u32),
    pub(super) reachable: Option<bool>,
    pub(super) serves: Access,
    pub(super) access: Access,
    pub(super) served_per_sec: u64,
}

impl GroupParts {
    /// The parts at a site.
    #[must_use]
    pub fn site(&self, site: Site) -> &SiteParts {
        &self.sites[position(site)]
    }

    /// The door of its database at a site.
    #[must_use]
    pub fn door(&self, site: Site) -> Option<DoorId> {
        self.database.map(|group| DoorId { group, site })
    }
}

/// Home first.
pub(super) fn position(site: Site) -> usize {
    usize::from(site == Site::Standby)
}
