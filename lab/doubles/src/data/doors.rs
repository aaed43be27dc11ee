//! The databases as an application meets them: connections, orders that are written, and which of
//! the acknowledged ones an instance has.

use bowline_core::model::{InstanceId, Region, Site, Wall};
use bowline_sim::aws::rds::{Held, MemberView};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::served::Served;
use super::world::{DOORS, World};

/// What an application says of itself every second.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beat {
    /// How many connections it wants. Those that are there stay when a security group closes.
    pub(crate) clients: u32,
    /// How many requests it answered well since it last said so.
    pub(crate) served: u32,
}

/// What an application gets from its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Door {
    /// Reads are answered.
    pub(crate) reads: bool,
    /// Writes are accepted too.
    pub(crate) writes: bool,
    /// How many connections there are.
    pub(crate) established: u32,
}

/// An acknowledged write.
#[derive(Clone, Debug)]
pub(super) struct Write {
    id: String,
    at: Wall,
    site: Site,
    /// Everything up to it.
    held: Held,
}

impl World {
    /// The site whose application connects to an identifier of a Region.
    pub(super) fn site_of(&self, region: &Region, id: &InstanceId) -> Option<usize> {
        self.endpoints.iter().position(|(place, name)| place == region && name == id)
    }

    /// An application says how it is, and hears how its database is.
    pub(super) fn beat(&mut self, site: usize, beat: Beat) -> Door {
        let now = self.now();
        self.heard[site] = Some(now.mono);
        self.rds.set_clients(DOORS[site], beat.clients, 0, now);
        let region = self.endpoints[site].0.clone();
        let served = self.served.entry(region).or_insert_with(|| Served::new(now.mono));
        served.count(beat.served, now.mono);
        self.door(site)
    }

    fn door(&self, site: usize) -> Door {
        let access = self.rds.access(DOORS[site]);
        let member = self.rds.member(DOORS[site], self.now());
        let established = member.map_or(0, |member| member.established);
        Door { reads: access.reads, writes: access.writes, established }
    }

    /// An order; its number if the database accepted it.
    pub(super) fn write(&mut self, site: usize, id: String) -> Option<usize> {
        let now = self.now();
        if !self.rds.write(DOORS[site], now) {
            return None;
        }
        let member = self.rds.member(DOORS[site], now)?;
        self.writes.push(Write { id, at: now.wall, site: Site::BOTH[site], held: member.held });
        Some(self.held(&member))
    }

    /// How many orders the database behind a site's door has.
    pub(super) fn count(&self, site: usize) -> usize {
        self.rds.member(DOORS[site], self.now()).map_or(0, |member| self.held(&member))
    }

    /// How many orders an instance has.
    pub(super) fn held(&self, member: &MemberView) -> usize {
        self.writes.iter().filter(|write| self.has(member, write)).count()
    }

    fn has(&self, member: &MemberView, write: &Write) -> bool {
        let log = self.rds.log(member.door.group);
        log.is_some_and(|log| log.part_of(member.held, write.held.branch) >= write.held.position)
    }

    /// The acknowledged orders that the present writer lacks: of several writers, the one that
    /// became one last.
    pub(super) fn lost(&self) -> Value {
        let writers = self.rds.members(self.now()).filter(|member| member.writer);
        let Some(writer) = writers.max_by_key(|member| member.held.branch) else {
            return json!({"error": "there is no writer"});
        };
        let lost = self.writes.iter().filter(|write| !self.has(&writer, write));
        let told = |write: &Write| json!({"id": write.id, "at": write.at, "site": write.site});
        json!({
            "writer": {"region": writer.region, "id": writer.id, "up": writer.up},
            "acknowledged": self.writes.len(),
            "missing": lost.map(told).collect::<Vec<_>>(),
        })
    }
}
