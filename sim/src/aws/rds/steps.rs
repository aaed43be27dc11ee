//! What happens to instances by themselves, and what follows from it: connections, links, rates.

use std::sync::Arc;

use bowline_core::model::{InstanceId, Mono, Now, Region};

use super::agenda::{self, Step};
use super::instance::{Db, Role};
use super::lineage::Held;
use super::{Access, BACKUP_RETRY, DoorId, MemberView, Rds};
use crate::part::{Part, earlier, earliest};
use bowline_core::model::Site;

impl Part for Rds {
    fn next(&self) -> Option<Mono> {
        earliest(
            self.dbs
                .iter()
                .map(|db| earlier(db.agenda.next(db.killed), db.backup.map(|backup| backup.at))),
        )
    }

    fn advance(&mut self, now: Now, _: &mut fastrand::Rng) {
        if self.next().is_some_and(|next| next <= now.mono) {
            self.roll(now.mono);
            self.begin_backups(now.mono);
            self.run_agendas(now);
            self.settle(now);
        }
    }
}

impl Rds {
    /// Takes every step that is due.
    pub(super) fn run_agendas(&mut self, now: Now) {
        for index in 0..self.dbs.len() {
            loop {
                let db = &mut self.dbs[index];
                let Some(step) = db.agenda.take(now.mono, db.killed) else { break };
                self.step(index, step, now);
            }
        }
    }

    fn step(&mut self, index: usize, step: Step, now: Now) {
        match step {
            Step::Fork => return self.fork(index, now),
            Step::Rename(to) => return self.rename(index, to, now),
            _ => {}
        }
        let db = &mut self.dbs[index];
        match step {
            Step::Status(status) => db.status = status,
            Step::Down => {
                db.engine_up = false;
                db.tell("DB instance shutdown", false, now);
            }
            Step::Up => db.restarted(now),
            Step::Groups(groups) => {
                db.settings.security_groups = groups;
                db.tell("Applied change to security groups", false, now);
            }
            Step::Cut => {
                if let Role::Replica { ended, .. } = &mut db.role {
                    *ended = true;
                }
            }
            Step::Unname => db.named_source = None,
            Step::Created => {
                db.engine_up = true;
                db.tell("DB instance created", false, now);
            }
            Step::Fork | Step::Rename(_) => {}
        }
    }

    fn fork(&mut self, index: usize, now: Now) {
        let held = self.held(index, now.mono);
        let branch = self.logs[self.dbs[index].door / 2].fork(held, now.mono);
        let db = &mut self.dbs[index];
        db.role = Role::Writer(branch);
        db.promotions += 1;
        // `PromoteReadReplica` turns backups on unless it is told otherwise.
        let retention = &mut db.settings.backup_retention_days;
        *retention = (*retention).max(1);
        db.tell("Promoted Read Replica instance to stand-alone database instance", false, now);
    }

    fn rename(&mut self, index: usize, to: InstanceId, now: Now) {
        let db = &mut self.dbs[index];
        let message = format!("Renamed instance from {} to {to}", db.id);
        db.tell(&message, false, now);
        let region = db.region.clone();
        self.reserved.retain(|(at, name)| *at != region || *name != to);
        self.dbs[index].id = to;
    }

    fn begin_backups(&mut self, now: Mono) {
        for db in &mut self.dbs {
            let Some(backup) = db.backup.filter(|backup| backup.at <= now) else { continue };
            if db.status == "available" && !db.agenda.busy(db.status) && db.up() {
                db.status = "backing-up";
                db.backup = None;
                db.agenda.plan(now, agenda::backup(backup.takes));
            } else {
                db.backup = Some(super::Backup { at: now + BACKUP_RETRY, ..backup });
            }
        }
    }

    /// Takes the time up to now into the metrics, before anything changes.
    pub(super) fn roll(&mut self, now: Mono) {
        for db in &mut self.dbs {
            let log = &self.logs[db.door / 2];
            let connections = i64::from(db.established) * 1_000;
            let (up, engine) = (db.up(), db.engine);
            db.connections.roll(now, |_, _| up.then_some(connections));
            let Role::Replica { of, link, .. } = &db.role else { continue };
            let Some(branch) = self.branches.get(*of).copied().flatten() else { continue };
            db.lag.roll(now, |from, to| {
                let at = |at| link.reported(engine, (log, branch), at);
                up.then(|| at(from).max(at(Mono(to.0 - 1))))
            });
        }
    }

    /// What follows from a change: who is connected, what replicates, how fast each branch grows.
    pub(super) fn settle(&mut self, now: Now) {
        for index in 0..self.dbs.len() {
            let db = &self.dbs[index];
            let door = &self.doors[db.door];
            let wanted = if db.id == door.endpoint { door.clients } else { 0 };
            self.dbs[index].settle_connections(wanted, &door.closed);
        }
        self.settle_links(now.mono);
        self.settle_rates(now.mono);
        self.settle_access();
        self.branches.clear();
        self.branches.extend(self.dbs.iter().map(|db| match db.role {
            Role::Writer(branch) => Some(branch),
            Role::Replica { .. } => None,
        }));
    }

    fn settle_links(&mut self, now: Mono) {
        for index in 0..self.dbs.len() {
            let db = &self.dbs[index];
            let Role::Replica { of, ended, .. } = db.role else { continue };
            let source = self.dbs[of].writable();
            let streams = db.up() && source && !ended && !self.partitioned;
            if let Role::Replica { link, .. } = &mut self.dbs[index].role {
                link.set(streams, now);
            }
        }
    }

    fn settle_rates(&mut self, now: Mono) {
        for db in &self.dbs {
            if let Role::Writer(branch) = db.role {
                let offered = self.doors[db.door].writes_per_sec;
                let taken = if db.up() && db.established > 0 { offered } else { 0 };
                self.logs[db.door / 2].set_rate(branch, taken, now);
            }
        }
    }

    fn settle_access(&mut self) {
        for index in 0..self.doors.len() {
            let access = self.behind(index).map_or(Access::default(), |found| {
                let db = &self.dbs[found];
                let reads = db.up() && db.established > 0;
                Access { reads, writes: reads && db.writable() }
            });
            let door = &mut self.doors[index];
            self.generation += u64::from(door.access != access);
            door.access = access;
        }
    }

    /// The instance that the application of a door's site connects to.
    pub(super) fn behind(&self, door: usize) -> Option<usize> {
        let endpoint = &self.doors.get(door)?.endpoint;
        self.dbs.iter().position(|db| db.door == door && db.id == *endpoint)
    }

    /// Everything an instance has.
    pub(super) fn held(&self, index: usize, now: Mono) -> Held {
        let db = &self.dbs[index];
        let log = &self.logs[db.door / 2];
        match &db.role {
            Role::Writer(branch) => Held { branch: *branch, position: log.position(*branch, now) },
            Role::Replica { of, link, .. } => {
                let branch = match self.dbs[*of].role {
                    Role::Writer(branch) => branch,
                    Role::Replica { .. } => log.root(),
                };
                Held { branch, position: log.position(branch, link.applied(now)) }
            }
        }
    }

    pub(super) fn view(&self, index: usize, now: Now) -> MemberView {
        let db = &self.dbs[index];
        let door = &self.doors[db.door];
        let site = Site::BOTH[db.door % 2];
        MemberView {
            id: db.id.clone(),
            resource: db.resource.clone(),
            region: db.region.clone(),
            door: DoorId { group: db.door / 2, site },
            behind_door: db.id == door.endpoint,
            writer: matches!(db.role, Role::Writer(_)),
            up: db.up(),
            streaming: db.streaming(),
            open: db.settings.security_groups.iter().any(|group| *group != door.closed),
            established: db.established,
            accepts_writes: db.writable() && db.established > 0,
            promotions: db.promotions,
            held: self.held(index, now.mono),
        }
    }

    /// The door of a group in a Region; home's when it has none there.
    pub(super) fn door_in(&self, region: &Region, group: usize) -> usize {
        let own = group * 2..(group * 2 + 2).min(self.doors.len());
        own.into_iter().find(|&door| self.doors[door].region == *region).unwrap_or(group * 2)
    }

    /// A status as a shared text.
    pub(super) fn status_text(&self, status: &'static str) -> Arc<str> {
        let known = self.statuses.iter().find(|(name, _)| *name == status);
        known.map_or_else(|| Arc::from(status), |(_, text)| text.clone())
    }

    /// The instance, for tests and scenarios that arrange one.
    pub(super) fn db_mut(&mut self, door: DoorId) -> Option<&mut Db> {
        let index = self.behind(door.index())?;
        self.dbs.get_mut(index)
    }
}
