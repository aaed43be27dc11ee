//! The shop's estate, and hands to move time and things with.

use bowline_core::model::{Host, Mono, Now, Region, Scope, Site, Span};
use bowline_core::op::{
    Answer, Failover, Fault, HttpProbe, HttpSeen, Op, ProbeOp, RdsOp, RecordSet, Route53Op,
};
use bowline_core::policy::{Lever, Policy, examples};

use crate::aws::rds::DoorId;
use crate::estate::{Estate, EstateOptions};
use crate::part::{Part, at};
use crate::users::UserView;

pub(super) const HOME: DoorId = DoorId { group: 0, site: Site::Home };
pub(super) const STANDBY: DoorId = DoorId { group: 0, site: Site::Standby };

pub(super) struct Rig {
    pub(super) estate: Estate,
    pub(super) policy: Policy,
    pub(super) rng: fastrand::Rng,
    pub(super) now: Mono,
    pub(super) events: usize,
}

impl Rig {
    /// The shop after half an hour of peace: six pods at home, none at standby, no backups.
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let policy = examples::shop();
        let policies = [policy.clone()];
        let options = EstateOptions::default();
        let mut estate = Estate::new(&policies, options, at(Mono(0)), &mut rng).unwrap();
        estate.rds.cancel_backups();
        let mut rig = Self { estate, policy, rng, now: Mono(0), events: 0 };
        rig.pods(HOME, 6);
        rig.pass(Span::mins(30));
        rig.estate.users.restart(0, rig.now());
        rig
    }

    pub(super) fn now(&self) -> Now {
        at(self.now)
    }

    pub(super) fn pods(&mut self, door: DoorId, ready: u32) {
        let now = self.now();
        self.estate.set_pods(door, ready, now, &mut self.rng);
    }

    pub(super) fn dead(&mut self, site: Site, dead: bool) {
        let (region, now) = (self.region(site), self.now());
        self.estate.set_dead(&region, dead, now, &mut self.rng);
    }

    pub(super) fn region(&self, site: Site) -> Region {
        self.policy.site(site).scope.region.clone()
    }

    pub(super) fn pass(&mut self, span: Span) {
        let until = self.now + span;
        while let Some(next) = self.estate.next().filter(|next| *next <= until) {
            assert!(next >= self.now, "an event in the past");
            self.now = next;
            self.events += 1;
            self.estate.advance(at(next), &mut self.rng);
            assert!(self.estate.next().is_none_or(|later| later > next), "no progress");
        }
        self.now = until;
    }

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

    pub(super) fn call(&mut self, op: &Op) -> Result<Answer, Fault> {
        self.estate.perform(op, at(self.now), &mut self.rng).expect("a call to AWS")
    }

    pub(super) fn scope(&self, site: Site) -> Scope {
        self.policy.site(site).scope.clone()
    }

    pub(super) fn rds(&mut self, site: Site, op: RdsOp) -> Result<Answer, Fault> {
        let op = Op::Rds(self.scope(site), op);
        self.call(&op)
    }

    pub(super) fn route53(&mut self, op: Route53Op) -> Result<Answer, Fault> {
        self.call(&Op::Route53(None, op))
    }

    pub(super) fn seen(&self) -> UserView {
        self.estate.users.view(0, self.now)
    }

    pub(super) fn name(&self) -> Host {
        self.names()[0].name.clone()
    }

    pub(super) fn names(&self) -> &[bowline_core::policy::RecordName] {
        match &self.policy.lever {
            Lever::Records(lever) => &lever.names,
            Lever::Gates(lever) => &lever.names,
        }
    }

    /// `GET` or `POST` through the public name.
    pub(super) fn http(&mut self, writes: bool) -> Result<HttpSeen, Fault> {
        let probe = HttpProbe {
            connect: self.name(),
            addresses: vec![],
            tls: true,
            port: 443,
            host: self.name(),
            path: "/healthz".into(),
            writes,
            site_header: Some("x-site".into()),
            timeout: Span::secs(3),
        };
        match self.call(&Op::Probe(ProbeOp::Http(probe)))? {
            Answer::Http(seen) => Ok(seen),
            other => panic!("{other:?}"),
        }
    }

    /// Who answers through the public name.
    pub(super) fn site(&mut self) -> Option<String> {
        self.http(false).ok()?.site.map(|site| site.to_string())
    }

    pub(super) fn sets(&mut self, name: &Host) -> Vec<RecordSet> {
        let zone = self.names()[0].zone.clone();
        match self.route53(Route53Op::Records { zone, name: name.clone() }) {
            Ok(Answer::Records(sets)) => sets,
            other => panic!("{other:?}"),
        }
    }

    /// What the `records` lever does: roles and checks exchanged in one batch.
    pub(super) fn shift(&mut self) -> Result<Answer, Fault> {
        let zone = self.names()[0].zone.clone();
        let names: Vec<_> = self.names().iter().map(|name| name.name.clone()).collect();
        let mut delete = Vec::new();
        for name in names {
            delete.extend(self.sets(&name));
        }
        let standby = self.check(Site::Standby);
        let Lever::Records(lever) = &self.policy.lever else { panic!("not the records lever") };
        let closed = lever.closed_health_check.clone();
        let mut create = delete.clone();
        for set in &mut create {
            let primary = set.failover == Some(Failover::Secondary);
            set.failover = Some(if primary { Failover::Primary } else { Failover::Secondary });
            set.health_check = Some(if primary { standby.clone() } else { closed.clone() });
        }
        self.route53(Route53Op::Change { zone, delete, create })
    }

    pub(super) fn check(&self, site: Site) -> bowline_core::model::HealthCheckId {
        use bowline_core::policy::Probe;
        let found = self.policy.health.signals.iter().find_map(|signal| match &signal.probe {
            Probe::Route53Check { home, standby } => Some([home.clone(), standby.clone()]),
            _ => None,
        });
        let [home, standby] = found.unwrap();
        if site == Site::Home { home } else { standby }
    }

    pub(super) fn instance(&self, site: Site) -> bowline_core::model::InstanceId {
        self.policy.site(site).database.as_ref().unwrap().instance.clone()
    }

    /// Promotes standby's replica and waits for it.
    pub(super) fn promote(&mut self) {
        let id = self.instance(Site::Standby);
        assert_eq!(self.rds(Site::Standby, RdsOp::Promote(id.clone())), Ok(Answer::Ok));
        self.until("promoted", |rig| match rig.rds(Site::Standby, RdsOp::Describe(id.clone())) {
            Ok(Answer::Instance(found)) => found.available() && found.source.is_none(),
            other => panic!("{other:?}"),
        });
    }
}
