//! One instance: what it is, and what a step of its agenda makes of it.

use std::sync::Arc;

use bowline_core::model::{InstanceId, Now, Region, ResourceId, SecurityGroupId};
use bowline_core::op::{InstanceEvent, InstanceSettings};

use super::agenda::Agenda;
use super::lineage::BranchId;
use super::link::{Engine, Link};
use super::times::Times;
use crate::aws::cloudwatch::{Series, Statistic};
use crate::part::between;

/// An instance to be part of the world from the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSpec {
    /// Its Region.
    pub region: Region,
    /// Its identifier; the application of its site connects to this name.
    pub instance: InstanceId,
    /// The security group that admits replication only.
    pub closed: SecurityGroupId,
    /// Its settings.
    pub settings: InstanceSettings,
}

/// What an instance is to the data.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// It accepts writes on a branch of its own.
    Writer(BranchId),
    /// It applies what another one wrote.
    Replica {
        /// Which, by index.
        of: usize,
        /// How.
        link: Link,
        /// Whether replication has ended for good.
        ended: bool,
    },
}

/// An instance.
#[derive(Clone, Debug)]
pub(super) struct Db {
    pub(super) id: InstanceId,
    pub(super) resource: ResourceId,
    pub(super) region: Region,
    pub(super) door: usize,
    pub(super) engine: Engine,
    pub(super) settings: InstanceSettings,
    pub(super) managed_password: bool,
    pub(super) status: &'static str,
    pub(super) named_source: Option<usize>,
    pub(super) role: Role,
    pub(super) engine_up: bool,
    pub(super) killed: bool,
    pub(super) established: u32,
    pub(super) promotions: u32,
    pub(super) agenda: Agenda,
    pub(super) events: Vec<InstanceEvent>,
    pub(super) backup: Option<super::Backup>,
    pub(super) lag: Series,
    pub(super) connections: Series,
}

/// What is drawn for a new instance.
#[derive(Clone, Debug)]
pub(super) struct Birth {
    /// Its number in the account.
    pub(super) number: usize,
    /// The door it belongs to.
    pub(super) door: usize,
    /// Its engine.
    pub(super) engine: Engine,
    /// Its role.
    pub(super) role: Role,
    /// How long what happens to it takes.
    pub(super) times: Times,
}

impl Db {
    /// An instance that is there already, `available`.
    pub(super) fn new(spec: MemberSpec, birth: Birth, now: Now, rng: &mut fastrand::Rng) -> Self {
        let named_source = match birth.role {
            Role::Writer(_) => None,
            Role::Replica { of, .. } => Some(of),
        };
        let backup = (spec.settings.backup_retention_days > 0)
            .then(|| super::Backup::draw(&birth.times, now, rng));
        Self {
            id: spec.instance,
            resource: ResourceId::new(format!("db-{:012X}", birth.number + 1)),
            region: spec.region,
            door: birth.door,
            engine: birth.engine,
            settings: spec.settings,
            managed_password: false,
            status: "available",
            named_source,
            role: birth.role,
            engine_up: true,
            killed: false,
            established: 0,
            promotions: 0,
            agenda: Agenda::default(),
            events: Vec::new(),
            backup,
            lag: Series::new(Statistic::Maximum, rng.u64(..), now.mono),
            connections: Series::new(Statistic::Maximum, rng.u64(..), now.mono),
        }
    }

    /// Whether the engine answers.
    pub(super) fn up(&self) -> bool {
        self.engine_up && !self.killed
    }

    /// Whether replication runs.
    pub(super) fn streaming(&self) -> bool {
        matches!(&self.role, Role::Replica { link, .. } if link.up())
    }

    /// Whether it accepts writes from whoever is connected.
    pub(super) fn writable(&self) -> bool {
        self.up() && matches!(self.role, Role::Writer(_))
    }

    /// Lets clients in or out: a closed group drops new connections and leaves tracked ones.
    pub(super) fn settle_connections(&mut self, wanted: u32, closed: &SecurityGroupId) {
        let open = self.settings.security_groups.iter().any(|group| group != closed);
        self.established = match (self.up(), open) {
            (false, _) => 0,
            (true, true) => wanted,
            (true, false) => wanted.min(self.established),
        };
    }

    /// The engine was restarted: who was connected is not any more, and RDS tells of it.
    pub(super) fn restarted(&mut self, now: Now) {
        self.engine_up = true;
        self.established = 0;
        self.tell("DB instance restarted", true, now);
    }

    /// Takes on what a replica is told after its birth. Backups that were off begin anew.
    pub(super) fn configure(
        &mut self,
        settings: &InstanceSettings,
        times: &Times,
        now: Now,
        rng: &mut fastrand::Rng,
    ) {
        self.settings.parameter_group.clone_from(&settings.parameter_group);
        self.settings.backup_retention_days = settings.backup_retention_days;
        self.backup = match self.settings.backup_retention_days {
            0 => None,
            _ => self.backup.take().or_else(|| Some(super::Backup::draw(times, now, rng))),
        };
    }

    /// Adds an event.
    pub(super) fn tell(&mut self, message: &str, restarted: bool, now: Now) {
        self.events.push(InstanceEvent { at: now.wall, message: Arc::from(message), restarted });
    }
}

impl super::Backup {
    fn draw(times: &Times, now: Now, rng: &mut fastrand::Rng) -> Self {
        let (begins, takes) = super::agenda::backup_window(times, rng);
        let late =
            between(rng, bowline_core::model::Span::ZERO, bowline_core::model::Span::secs(1));
        Self { at: now.mono + begins + late, takes }
    }
}
