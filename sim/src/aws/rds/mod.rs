//! RDS: instances in two Regions, replication between them, and what becomes of the data.
//!
//! Every group has two doors: home's and standby's. A door is what the application of a site knocks
//! at: an identifier in a Region. Which instance is behind it changes with renames and rebuilds.

mod agenda;
mod calls;
mod instance;
pub mod lineage;
pub mod link;
mod steps;
mod times;
mod world;

use std::sync::Arc;

use bowline_core::model::{InstanceId, Mono, Now, Region, ResourceId, SecurityGroupId, Site, Span};

pub use calls::Kin;
pub use instance::MemberSpec;
pub use lineage::{BranchId, Held, Lineage, Position, WRITE};
pub use link::Engine;
pub use times::{Takes, Times};

use instance::Db;

/// RDS in all Regions.
#[derive(Clone, Debug, Default)]
pub struct Rds {
    times: Times,
    dbs: Vec<Db>,
    doors: Vec<Door>,
    logs: Vec<Lineage>,
    reserved: Vec<(Region, InstanceId)>,
    statuses: Vec<(&'static str, Arc<str>)>,
    branches: Vec<Option<BranchId>>,
    partitioned: bool,
    generation: u64,
}

/// Names the door of one site of one group; groups are numbered as they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DoorId {
    /// The group's number.
    pub group: usize,
    /// The site.
    pub site: Site,
}

impl DoorId {
    fn index(self) -> usize {
        self.group * 2 + usize::from(self.site == Site::Standby)
    }
}

/// A group's database at the beginning: home writes, standby replicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSpec {
    /// The engine of both.
    pub engine: Engine,
    /// Home's instance.
    pub home: MemberSpec,
    /// Standby's.
    pub standby: MemberSpec,
    /// Whether RDS manages the master password, which rules new replicas out.
    pub managed_password: bool,
}

/// What the application of a site knocks at.
#[derive(Clone, Debug)]
struct Door {
    region: Region,
    endpoint: InstanceId,
    closed: SecurityGroupId,
    clients: u32,
    writes_per_sec: u64,
    access: Access,
}

/// What the application of a site gets from its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Somebody is connected, and reads are answered.
    pub reads: bool,
    /// Writes are accepted too.
    pub writes: bool,
}

/// An instance as the oracle sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Its identifier.
    pub id: InstanceId,
    /// Its resource id.
    pub resource: ResourceId,
    /// Its Region.
    pub region: Region,
    /// The site it belongs to.
    pub door: DoorId,
    /// Whether it is the one that its site's application connects to.
    pub behind_door: bool,
    /// Whether it is a writer, reachable or not.
    pub writer: bool,
    /// Whether its engine runs.
    pub up: bool,
    /// Whether it replicates right now.
    pub streaming: bool,
    /// Whether it admits anybody but replication.
    pub open: bool,
    /// Connections that are established.
    pub established: u32,
    /// Whether somebody is connected who can write.
    pub accepts_writes: bool,
    /// How often it was promoted.
    pub promotions: u32,
    /// Everything it has.
    pub held: Held,
}

/// When an instance backs up next, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Backup {
    at: Mono,
    takes: Span,
}

/// A backup that cannot begin tries again after this.
const BACKUP_RETRY: Span = Span::mins(1);

impl Rds {
    /// RDS without an instance, at a pace of its own.
    #[must_use]
    pub fn new(times: Times) -> Self {
        Self { times, ..Self::default() }
    }

    /// Whether the application of a site can read and write.
    #[must_use]
    pub fn access(&self, door: DoorId) -> Access {
        self.doors.get(door.index()).map_or(Access::default(), |door| door.access)
    }

    /// Grows whenever some [`Rds::access`] changes.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// All instances, old and renamed ones included.
    pub fn members(&self, now: Now) -> impl Iterator<Item = MemberView> + '_ {
        (0..self.dbs.len()).map(move |index| self.view(index, now))
    }

    /// The instance behind a door.
    #[must_use]
    pub fn member(&self, door: DoorId, now: Now) -> Option<MemberView> {
        self.behind(door.index()).map(|index| self.view(index, now))
    }

    /// Writes that a group's users were told are safe, by an instant, in thousandths.
    #[must_use]
    pub fn acknowledged(&self, group: usize, at: Mono) -> Position {
        self.logs.get(group).map_or(0, |log| log.acknowledged(at))
    }

    /// Writes acknowledged since `since` that the instance behind the door does not have, in
    /// thousandths; everything when there is none.
    #[must_use]
    pub fn missing(&self, door: DoorId, since: Mono, now: Now) -> Position {
        let Some(log) = self.logs.get(door.group) else { return 0 };
        match self.behind(door.index()) {
            Some(index) => log.missing(self.held(index, now.mono), since, now.mono),
            None => log.acknowledged(now.mono) - log.acknowledged(since),
        }
    }

    /// A group's log.
    #[must_use]
    pub fn log(&self, group: usize) -> Option<&Lineage> {
        self.logs.get(group)
    }
}

#[cfg(test)]
mod tests;
