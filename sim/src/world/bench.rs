//! A world for tests, and hands to move time and things with.

use bowline_core::model::{Host, Mono, Region, Scope, Site, Span, ZoneId};
use bowline_core::op::{
    Answer, ElbOp, Failover, HttpProbe, KubeOp, Op, ProbeOp, RdsOp, RecordSet, Route53Op,
};
use bowline_core::policy::{Lever, Policy, examples};

use super::*;
use crate::aws::rds::{Access, DoorId};
use crate::faults::Trouble;
use crate::part::at;

pub(crate) const HOME: DoorId = DoorId { group: 0, site: Site::Home };
pub(crate) const STANDBY: DoorId = DoorId { group: 0, site: Site::Standby };
pub(crate) const WRITES: Access = Access { reads: true, writes: true };
pub(crate) const NOTHING: Access = Access { reads: false, writes: false };

/// A world with its time and its seed.
pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) policy: Policy,
    pub(crate) rng: fastrand::Rng,
    pub(crate) now: Mono,
}

impl Bench {
    pub(crate) fn new(policies: Vec<Policy>, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let policy = policies[0].clone();
        let mut world = World::build(&WorldSpec::new(policies), &mut rng);
        world.rds.cancel_backups();
        let now = world.began();
        Self { world, policy, rng, now }
    }

    pub(crate) fn shop(seed: u64) -> Self {
        Self::new(vec![examples::shop()], seed)
    }

    pub(crate) fn call(&mut self, op: &Op) -> Outcome {
        self.world.perform(op, at(self.now), &mut self.rng)
    }

    pub(crate) fn answer(&mut self, op: &Op) -> Answer {
        match self.call(op) {
            Outcome::Answered(Ok(answer)) => answer,
            other => panic!("{op:?} gave {other:?}"),
        }
    }

    pub(crate) fn pass(&mut self, span: Span) {
        let end = self.now + span;
        while let Some(next) = self.world.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.world.advance(at(self.now), &mut self.rng);
            assert!(self.world.next().is_none_or(|later| later > next), "no progress at {next:?}");
        }
        self.now = end;
    }

    pub(crate) fn until(&mut self, what: &str, holds: impl Fn(&mut Self) -> bool) -> Span {
        let began = self.now;
        for _ in 0..3_600 {
            if holds(self) {
                return self.now.since(began);
            }
            self.pass(Span::secs(1));
        }
        panic!("never: {what}");
    }

    pub(crate) fn begin(&mut self, trouble: &Trouble) {
        self.world.begin(trouble, at(self.now), &mut self.rng);
    }

    pub(crate) fn end(&mut self, trouble: &Trouble) {
        self.world.end(trouble, at(self.now), &mut self.rng);
    }

    pub(crate) fn scope(&self, site: Site) -> Scope {
        self.policy.site(site).scope.clone()
    }

    pub(crate) fn region(&self, site: Site) -> Region {
        self.scope(site).region
    }

    pub(crate) fn kube(&self, site: Site, op: KubeOp) -> Op {
        Op::Kube(self.policy.site(site).cluster.clone(), op)
    }

    pub(crate) fn rds(&self, site: Site, op: RdsOp) -> Op {
        Op::Rds(self.scope(site), op)
    }

    pub(crate) fn serves(&self, at: DoorId) -> Access {
        self.world.app.serves(at)
    }

    pub(crate) fn told(&self) -> Option<Site> {
        let answers = self.world.groups()[0].answers;
        answers.iter().all(|told| *told == answers[0]).then_some(answers[0].site).flatten()
    }

    pub(crate) fn failing(&self) -> u32 {
        self.world.users.view(0, self.now).reads_failing_permille
    }

    pub(crate) fn http(&mut self, connect: &Host, host: &str, writes: bool) -> Outcome {
        self.call(&probe(connect, host, writes))
    }

    pub(crate) fn load_balancer(&mut self, site: Site) -> Host {
        let selector = self.policy.site(site).load_balancers["web"].clone();
        match self.answer(&Op::Elb(self.scope(site), ElbOp::Find(selector))) {
            Answer::LoadBalancer(Some(found)) => found.dns_name,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn scale(&mut self, site: Site, replicas: u32) {
        let web = self.policy.capacity.workloads[0].object.clone();
        let read = self.kube(site, KubeOp::Workload(web.clone()));
        let Answer::Workload(view) = self.answer(&read) else { panic!() };
        let scale = KubeOp::Scale { workload: web, version: view.version, replicas };
        self.answer(&self.kube(site, scale));
    }

    pub(crate) fn open_pool(&mut self) {
        let pool = self.policy.capacity.pools[0].clone();
        let read = self.kube(Site::Standby, KubeOp::Pool(pool.name.clone()));
        let Answer::Pool(view) = self.answer(&read) else { panic!() };
        let op = KubeOp::Limit {
            pool: pool.name,
            version: view.version,
            limits: pool.limits,
            note: None,
        };
        self.answer(&self.kube(Site::Standby, op));
    }

    /// Exchanges roles and checks of all sets of a name.
    pub(crate) fn shift(&mut self, name: &Host, zone: &ZoneId) {
        let change = self.exchange(name, zone);
        self.answer(&change);
    }

    /// The call that exchanges roles and checks of all sets of a name.
    pub(crate) fn exchange(&mut self, name: &Host, zone: &ZoneId) -> Op {
        let Lever::Records(lever) = self.policy.lever.clone() else { panic!() };
        let records = Route53Op::Records { zone: zone.clone(), name: name.clone() };
        let Answer::Records(present) = self.answer(&Op::Route53(None, records)) else { panic!() };
        let [home, standby] =
            ["11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000"];
        let swapped = |set: &RecordSet| {
            let primary = set.failover == Some(Failover::Primary);
            let own = if set.set_identifier.as_deref() == Some("home") { home } else { standby };
            RecordSet {
                failover: Some(match primary {
                    true => Failover::Secondary,
                    false => Failover::Primary,
                }),
                health_check: Some(match primary {
                    true => lever.closed_health_check.clone(),
                    false => own.into(),
                }),
                ..set.clone()
            }
        };
        let create = present.iter().map(swapped).collect();
        let change = Route53Op::Change { zone: zone.clone(), delete: present, create };
        Op::Route53(None, change)
    }
}

pub(crate) fn probe(connect: &Host, host: &str, writes: bool) -> Op {
    Op::Probe(ProbeOp::Http(HttpProbe {
        connect: connect.clone(),
        addresses: Vec::new(),
        tls: true,
        port: 443,
        host: host.into(),
        path: "/healthz".into(),
        writes,
        site_header: Some("x-site".into()),
        timeout: Span::secs(3),
    }))
}

pub(crate) fn ready(bench: &Bench, site: Site, name: &str) -> u32 {
    let cluster = bench.world.cluster(&bench.policy.site(site).cluster).unwrap();
    let workload = bench.policy.capacity.workloads.iter().find(|w| w.object.name == name.into());
    cluster.workload(&workload.unwrap().object).unwrap().ready
}
