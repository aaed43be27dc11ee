//! One group's database in two Regions, and hands to move time and things with.

use bowline_core::model::{Mono, Now, Region, Site, Span, Wall};
use bowline_core::op::{
    Answer, CloudWatchOp, Fault, Instance, InstanceEvent, InstanceSettings, Metric, RdsOp,
};

use crate::aws::rds::{Access, DatabaseSpec, DoorId, Engine, MemberSpec, MemberView, Rds};
use crate::part::{Part, at, wall};

pub(super) const HOME: DoorId = DoorId { group: 0, site: Site::Home };
pub(super) const STANDBY: DoorId = DoorId { group: 0, site: Site::Standby };

pub(super) struct Rig {
    pub(super) rds: Rds,
    pub(super) rng: fastrand::Rng,
    pub(super) now: Mono,
}

pub(super) fn region(door: DoorId) -> Region {
    if door == HOME { "eu-west-1".into() } else { "eu-central-1".into() }
}

pub(super) fn settings(group: &str, retention: u32) -> InstanceSettings {
    InstanceSettings {
        engine: "postgres".into(),
        class: "db.r6g.large".into(),
        subnet_group: None,
        parameter_group: None,
        security_groups: vec![group.into()],
        kms_key: None,
        backup_retention_days: retention,
        multi_az: false,
    }
}

fn member(door: DoorId, name: &str) -> MemberSpec {
    MemberSpec {
        region: region(door),
        instance: name.into(),
        closed: "sg-closed".into(),
        settings: settings("sg-open", 7),
    }
}

impl Rig {
    /// Home writes 50 writes a second over 10 connections; no backups by themselves.
    pub(super) fn new(engine: Engine, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut rds = Rds::default();
        let spec = DatabaseSpec {
            engine,
            home: member(HOME, "shop-home"),
            standby: member(STANDBY, "shop-standby"),
            managed_password: false,
        };
        rds.add(spec, at(Mono(0)), &mut rng);
        rds.cancel_backups();
        rds.set_clients(HOME, 10, 50, at(Mono(0)));
        let mut rig = Self { rds, rng, now: Mono(0) };
        rig.pass(Span::mins(10));
        rig
    }

    pub(super) fn now(&self) -> Now {
        at(self.now)
    }

    /// Lets time pass, from event to event.
    pub(super) fn pass(&mut self, span: Span) {
        let until = self.now + span;
        while let Some(next) = self.rds.next().filter(|next| *next <= until) {
            assert!(next >= self.now, "an event in the past");
            self.now = next;
            self.rds.advance(at(next), &mut self.rng);
            assert!(self.rds.next().is_none_or(|later| later > next), "no progress");
        }
        self.now = until;
    }

    /// Lets time pass second by second until something holds; says how long it took.
    pub(super) fn until(&mut self, what: &str, holds: impl Fn(&mut Self) -> bool) -> Span {
        let begun = self.now;
        for _ in 0..7_200 {
            if holds(self) {
                return self.now.since(begun);
            }
            self.pass(Span::secs(1));
        }
        panic!("never: {what}");
    }

    pub(super) fn call(&mut self, door: DoorId, op: &RdsOp) -> Result<Answer, Fault> {
        self.rds.perform(&region(door), op, at(self.now), &mut self.rng)
    }

    pub(super) fn done(&mut self, door: DoorId, op: &RdsOp) {
        assert_eq!(self.call(door, op), Ok(Answer::Ok), "{op:?}");
    }

    pub(super) fn describe(&mut self, door: DoorId, id: &str) -> Instance {
        match self.call(door, &RdsOp::Describe(id.into())) {
            Ok(Answer::Instance(instance)) => instance,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn events(&mut self, door: DoorId, id: &str, since: Wall) -> Vec<InstanceEvent> {
        match self.call(door, &RdsOp::Events { instance: id.into(), since }) {
            Ok(Answer::Events(events)) => events,
            other => panic!("{other:?}"),
        }
    }

    /// The points of the last ten minutes, in thousandths.
    pub(super) fn points(&mut self, door: DoorId, metric: Metric) -> Vec<i64> {
        let since = wall(Mono(self.now.0.saturating_sub(600_000)));
        let op = CloudWatchOp::Points { metric, since };
        match self.rds.points(&region(door), &op, at(self.now)) {
            Ok(Answer::Points(points)) => points.iter().map(|point| point.thousandths).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn groups(&mut self, door: DoorId, id: &str, group: &str) {
        let groups = vec![group.into()];
        self.done(door, &RdsOp::SetSecurityGroups { instance: id.into(), groups });
        self.until("the group is in force", |rig| {
            let found = rig.describe(door, id);
            found.settings.security_groups == [group.into()] && found.available()
        });
    }

    pub(super) fn reboot(&mut self, door: DoorId, id: &str) {
        let begun = wall(self.now);
        self.done(door, &RdsOp::Reboot { instance: id.into(), shut_at: Wall(0) });
        self.until("restarted", |rig| {
            rig.describe(door, id).available()
                && rig.events(door, id, begun).iter().any(|event| event.restarted)
        });
    }

    pub(super) fn promote_standby(&mut self) {
        self.done(STANDBY, &RdsOp::Promote("shop-standby".into()));
        self.until("promoted", |rig| {
            let found = rig.describe(STANDBY, "shop-standby");
            found.available() && found.source.is_none()
        });
    }

    pub(super) fn access(&self, door: DoorId) -> Access {
        self.rds.access(door)
    }

    pub(super) fn member(&self, door: DoorId) -> MemberView {
        self.rds.member(door, at(self.now)).unwrap()
    }

    /// Whole writes acknowledged since `since` that the instance behind a door does not have.
    pub(super) fn missing(&self, door: DoorId, since: Mono) -> u64 {
        self.rds.missing(door, since, at(self.now)) / 1_000
    }
}

pub(super) const READS: Access = Access { reads: true, writes: false };
pub(super) const WRITES: Access = Access { reads: true, writes: true };
pub(super) const NOTHING: Access = Access { reads: false, writes: false };
