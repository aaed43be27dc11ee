//! The databases' world: the simulator's RDS, what the lab does to it, and its time.

use std::collections::{BTreeMap, BTreeSet};

use bowline_core::model::{InstanceId, Mono, Now, Region, Site, Span};
use bowline_sim::aws::rds::{DoorId, MemberView, Rds};
use bowline_sim::part::{Part, at};
use serde_json::{Value, json};

use super::Arguments;
use super::calls::Logged;
use super::doors::Write;
use super::faults::Injected;
use super::served::Served;

/// The one group's doors.
pub(super) const DOORS: [DoorId; 2] = [door(Site::Home), door(Site::Standby)];

/// An application that says nothing for so long is gone, and its connections with it.
const SILENT: Span = Span::secs(5);

/// The databases of both Regions.
pub(super) struct World {
    pub(super) rds: Rds,
    pub(super) rng: fastrand::Rng,
    now: Mono,
    /// Where each door's application connects.
    pub(super) endpoints: [(Region, InstanceId); 2],
    /// When each door's application last said how many connections it wants.
    pub(super) heard: [Option<Mono>; 2],
    pub(super) served: BTreeMap<Region, Served>,
    pub(super) down: BTreeSet<Region>,
    pub(super) injected: Vec<Injected>,
    pub(super) log: Vec<Logged>,
    pub(super) writes: Vec<Write>,
}

pub(super) const fn door(site: Site) -> DoorId {
    DoorId { group: 0, site }
}

impl World {
    /// A world that begins at an instant, with home as the writer.
    pub(super) fn new(arguments: &Arguments, began: Mono) -> Self {
        let mut rng = fastrand::Rng::with_seed(arguments.seed);
        let mut rds = Rds::new(arguments.times());
        let database = arguments.database();
        let place = |member: &bowline_sim::aws::rds::MemberSpec| {
            (member.region.clone(), member.instance.clone())
        };
        let endpoints = [place(&database.home), place(&database.standby)];
        rds.add(database, at(began), &mut rng);
        rds.cancel_backups();
        Self {
            rds,
            rng,
            now: began,
            endpoints,
            heard: [None; 2],
            served: BTreeMap::new(),
            down: BTreeSet::new(),
            injected: Vec::new(),
            log: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// What time it is in it.
    pub(super) fn now(&self) -> Now {
        at(self.now)
    }

    /// Lets everything happen until an instant.
    pub(super) fn advance(&mut self, to: Mono) {
        let to = to.max(self.now);
        while let Some(next) = self.rds.next().filter(|next| *next <= to) {
            self.now = next.max(self.now);
            self.rds.advance(at(self.now), &mut self.rng);
        }
        self.now = to;
        for (index, heard) in self.heard.iter_mut().enumerate() {
            if heard.is_some_and(|heard| to.since(heard) > SILENT) {
                *heard = None;
                self.rds.set_clients(DOORS[index], 0, 0, at(to));
            }
        }
    }

    /// A Region dies as a whole, or comes back as it was. `false`: no instance was ever there.
    pub(super) fn set_region(&mut self, region: &Region, up: bool) -> bool {
        let now = self.now();
        let theirs = DOORS.iter().zip(&self.endpoints).filter(|(_, (place, _))| place == region);
        let doors: Vec<_> = theirs.map(|(door, _)| *door).collect();
        for door in &doors {
            if up { self.rds.revive(*door, now) } else { self.rds.kill(*door, now) }
        }
        if up {
            self.down.remove(region);
        } else {
            self.down.insert(region.clone());
        }
        !doors.is_empty()
    }

    /// The Regions cannot reach each other, or can again.
    pub(super) fn set_partitioned(&mut self, partitioned: bool) {
        let now = self.now();
        self.rds.set_partitioned(partitioned, now);
    }

    /// The instance behind a site's door begins to back up.
    pub(super) fn back_up(&mut self, site: Site, takes: Span) {
        let now = self.now();
        self.rds.schedule_backup(door(site), Span::ZERO, takes, now);
        self.advance(now.mono);
    }

    /// All instances, as nobody but the lab sees them.
    pub(super) fn members(&self) -> Vec<Value> {
        self.rds.members(self.now()).map(|member| self.told(&member)).collect()
    }

    fn told(&self, member: &MemberView) -> Value {
        json!({
            "id": member.id,
            "resource": member.resource,
            "region": member.region,
            "site": member.door.site,
            "behindDoor": member.behind_door,
            "writer": member.writer,
            "up": member.up,
            "streaming": member.streaming,
            "open": member.open,
            "established": member.established,
            "acceptsWrites": member.accepts_writes,
            "promotions": member.promotions,
            "orders": self.held(member),
        })
    }
}
