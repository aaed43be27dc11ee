//! What the rest of the world does to the databases: clients come and go, Regions die and recover.

use bowline_core::model::Region;
use bowline_core::model::{Now, Site, Span};
use bowline_core::op::{Answer, Fault};
use bowline_core::op::{CloudWatchOp, Metric};

use super::instance::{Birth, Db, MemberSpec, Role};
use super::lineage::Lineage;
use super::link::Link;
use super::{Access, Backup, DatabaseSpec, Door, DoorId, Rds};

/// Statuses an instance can have, made once.
const STATUSES: &[&str] =
    &["available", "backing-up", "creating", "modifying", "rebooting", "renaming"];

impl Rds {
    /// Adds a group's database, long running and streaming; gives the group's number.
    pub fn add(&mut self, spec: DatabaseSpec, now: Now, rng: &mut fastrand::Rng) -> usize {
        if self.statuses.is_empty() {
            self.statuses = STATUSES.iter().map(|status| (*status, (*status).into())).collect();
        }
        let (group, home) = (self.logs.len(), self.dbs.len());
        let log = Lineage::new(now.mono);
        let writer = Role::Writer(log.root());
        let link = Link::streaming(rng.u64(..));
        let replica = Role::Replica { of: home, link, ended: false };
        self.logs.push(log);
        let members = [(spec.home, writer), (spec.standby, replica)];
        for ((member, role), site) in members.into_iter().zip(Site::BOTH) {
            let door = DoorId { group, site }.index();
            self.doors.push(door_of(&member));
            let (number, times) = (self.dbs.len(), self.times);
            let birth = Birth { number, door, engine: spec.engine, role, times };
            let mut db = Db::new(member, birth, now, rng);
            db.managed_password = spec.managed_password;
            self.dbs.push(db);
        }
        self.settle(now);
        group
    }

    /// How many connections the application of a site wants, and how many writes a second it
    /// offers.
    pub fn set_clients(&mut self, door: DoorId, clients: u32, writes_per_sec: u64, now: Now) {
        let Some(at) = self.doors.get(door.index()) else { return };
        if (at.clients, at.writes_per_sec) == (clients, writes_per_sec) {
            return;
        }
        self.roll(now.mono);
        let at = &mut self.doors[door.index()];
        (at.clients, at.writes_per_sec) = (clients, writes_per_sec);
        self.settle(now);
    }

    /// One write through a site's door; whether it was accepted, and so acknowledged.
    pub fn write(&mut self, door: DoorId, now: Now) -> bool {
        if !self.access(door).writes {
            return false;
        }
        let role = self.behind(door.index()).map(|index| &self.dbs[index].role);
        if let Some(Role::Writer(branch)) = role {
            self.logs[door.group].write(*branch, now.mono);
        }
        true
    }

    /// The instances of a site die, and nothing else.
    pub fn kill(&mut self, door: DoorId, now: Now) {
        self.set_killed(door, true, now);
    }

    /// The instances of a site come back as what they were: an old writer as a writer. Their
    /// connections are re-opened unless the door is closed.
    pub fn revive(&mut self, door: DoorId, now: Now) {
        self.set_killed(door, false, now);
    }

    fn set_killed(&mut self, door: DoorId, killed: bool, now: Now) {
        self.roll(now.mono);
        for db in self.dbs.iter_mut().filter(|db| db.door == door.index()) {
            if db.killed && !killed && db.engine_up && !db.agenda.will_come_up() {
                db.restarted(now);
            }
            db.killed = killed;
        }
        self.run_agendas(now);
        self.settle(now);
    }

    /// The Regions cannot reach each other, or can again.
    pub fn set_partitioned(&mut self, partitioned: bool, now: Now) {
        self.roll(now.mono);
        self.partitioned = partitioned;
        self.settle(now);
    }

    /// The instance behind a door backs up from `now` + `after` for so long.
    pub fn schedule_backup(&mut self, door: DoorId, after: Span, takes: Span, now: Now) {
        if let Some(db) = self.db_mut(door) {
            db.backup = Some(Backup { at: now.mono + after, takes });
        }
    }

    /// No instance backs up by itself from now on.
    pub fn cancel_backups(&mut self) {
        self.dbs.iter_mut().for_each(|db| db.backup = None);
    }

    /// RDS' metrics in a Region. A metric of another service has no points here.
    ///
    /// # Errors
    /// None: CloudWatch answers for anything, if need be with nothing.
    pub fn points(
        &mut self,
        region: &Region,
        op: &CloudWatchOp,
        now: Now,
    ) -> Result<Answer, Fault> {
        self.roll(now.mono);
        let CloudWatchOp::Points { metric, since } = op;
        let id = match metric {
            Metric::ReplicaLag(id) | Metric::Connections(id) => id,
            Metric::Served(_) => return Ok(Answer::Points(Vec::new())),
        };
        let found = self.dbs.iter().find(|db| db.region == *region && db.id == *id);
        let series = found.map(|db| match metric {
            Metric::ReplicaLag(_) => &db.lag,
            _ => &db.connections,
        });
        Ok(Answer::Points(series.map_or_else(Vec::new, |series| series.points(*since, now.mono))))
    }
}

fn door_of(member: &MemberSpec) -> Door {
    Door {
        region: member.region.clone(),
        endpoint: member.instance.clone(),
        closed: member.closed.clone(),
        clients: 0,
        writes_per_sec: 0,
        access: Access::default(),
    }
}
