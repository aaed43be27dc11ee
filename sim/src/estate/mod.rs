//! The AWS accounts, the application and its users, wired together.
//!
//! Each part knows only itself. Whenever something changed, [`Estate`] carries it on: database →
//! application → load balancers and health checks → DNS answers → users → load on the database.

mod probes;
mod spec;

use std::sync::Arc;

use bowline_core::model::{HealthCheckId, Host, Mono, Now, Region, Site, Span, ZoneId};
use bowline_core::op::{AliasTarget, Answer, CloudWatchOp, Fault, Metric, Op, RecordType};

pub use spec::EstateOptions;

use crate::app::App;
use crate::aws::dns_rules::Leads;
use crate::aws::elb::Elb;
use crate::aws::gate::Gates;
use crate::aws::rds::{Access, DoorId, Rds};
use crate::aws::route53::{Question, Route53};
use crate::part::{Part, earliest};
use crate::users::{Servers, Told, Users};

/// Everything outside the clusters and the store. Groups are numbered as their policies were given.
#[derive(Clone, Debug, Default)]
pub struct Estate {
    /// Route 53.
    pub route53: Route53,
    /// Load balancers.
    pub elb: Elb,
    /// Databases. Its groups are numbered by themselves: see [`Estate::database`].
    pub rds: Rds,
    /// The application.
    pub app: App,
    /// The users.
    pub users: Users,
    gates: Gates,
    groups: Vec<Group>,
    answered: (u64, u64),
}

/// How one group hangs together.
#[derive(Clone, Debug)]
struct Group {
    name: Host,
    zone: ZoneId,
    hosts: Vec<Host>,
    sites: [SiteWiring; 2],
    database: Option<usize>,
}

/// What belongs to one site of a group, and what was last passed on to it.
#[derive(Clone, Debug)]
struct SiteWiring {
    region: Region,
    alb: usize,
    targets: Arc<str>,
    check: Option<HealthCheckId>,
    passed: Option<Passed>,
}

impl Default for SiteWiring {
    fn default() -> Self {
        let (region, targets) = (Region::new(""), Arc::from(""));
        Self { region, alb: 0, targets, check: None, passed: None }
    }
}

/// What a site's application was last seen to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passed {
    targets: (u32, u32),
    serves: Access,
    served_per_sec: u64,
}

impl Estate {
    /// Performs a call's effect; `None` for a call to a cluster, the store, the lease or people.
    pub fn perform(
        &mut self,
        op: &Op,
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Option<Result<Answer, Fault>> {
        let result = match op {
            Op::Route53(_, op) => self.route53.perform(op, now, rng),
            Op::Elb(scope, op) => self.elb.perform(&scope.region, op, now),
            Op::Rds(scope, op) => self.rds.perform(&scope.region, op, now, rng),
            Op::CloudWatch(scope, op) => self.points(&scope.region, op, now),
            Op::Gate(_, op) => self.gates.perform(op),
            Op::Probe(op) => self.probe(op, now),
            Op::Store(_) | Op::Lease(_) | Op::Kube(..) | Op::Notify(_) => return None,
        };
        if op.mutates() {
            self.settle(now, rng);
        }
        Some(result)
    }

    /// How many of the application's pods are ready at a site.
    pub fn set_pods(&mut self, at: DoorId, ready: u32, now: Now, rng: &mut fastrand::Rng) {
        self.app.set_pods(at, ready);
        self.settle(now, rng);
    }

    /// Everything in a Region dies, or lives again from where it was.
    pub fn set_dead(&mut self, region: &Region, dead: bool, now: Now, rng: &mut fastrand::Rng) {
        for at in self.doors_in(region) {
            self.app.set_dead(at, dead);
        }
        self.set_database_dead(region, dead, now, rng);
    }

    /// The load balancers of a Region find no healthy target, or do again; all else works.
    pub fn set_broken(&mut self, region: &Region, broken: bool, now: Now, rng: &mut fastrand::Rng) {
        for at in self.doors_in(region) {
            self.app.set_broken(at, broken);
        }
        self.settle(now, rng);
    }

    /// The databases of a Region die, or come back as what they were.
    pub fn set_database_dead(
        &mut self,
        region: &Region,
        dead: bool,
        now: Now,
        rng: &mut fastrand::Rng,
    ) {
        for at in self.doors_in(region).filter_map(|at| self.database(at)).collect::<Vec<_>>() {
            if dead {
                self.rds.kill(at, now);
            } else {
                self.rds.revive(at, now);
            }
        }
        self.settle(now, rng);
    }

    /// The two Regions cannot reach each other, or can again.
    pub fn set_partitioned(&mut self, partitioned: bool, now: Now, rng: &mut fastrand::Rng) {
        self.rds.set_partitioned(partitioned, now);
        self.settle(now, rng);
    }

    /// A site's door to its database, as [`Estate::rds`] numbers it.
    #[must_use]
    pub fn database(&self, at: DoorId) -> Option<DoorId> {
        let group = self.groups.get(at.group)?.database?;
        Some(DoorId { group, site: at.site })
    }

    /// Where each of the zone's name servers leads a group's users now.
    #[must_use]
    pub fn servers(&self, group: usize, now: Now) -> Servers {
        let Some(known) = self.groups.get(group) else { return Servers::default() };
        std::array::from_fn(|server| {
            let (zone, name) = (&known.zone, &known.name);
            let question = Question { zone, server, name, kind: RecordType::A };
            let leads = self.leads(&question, now);
            let ttl = Span::secs(u64::from(leads.ttl_secs().unwrap_or(0)));
            Told { site: self.site_of(known, &leads), ttl }
        })
    }

    fn leads(&self, question: &Question<'_>, now: Now) -> Leads<'_> {
        let healthy = |alias: &AliasTarget| self.elb.healthy(&alias.dns_name).unwrap_or(true);
        self.route53.answer(question, now, healthy)
    }

    fn site_of(&self, group: &Group, leads: &Leads<'_>) -> Option<Site> {
        let alb = match leads {
            Leads::LoadBalancer(_, alias) => self.elb.named(&alias.dns_name),
            Leads::Set(set) => {
                set.values.first().and_then(|value| self.elb.owner(value.parse().ok()?))
            }
            Leads::Nowhere => None,
        }?;
        let place = group.sites.iter().position(|site| site.alb == alb)?;
        Some(Site::BOTH[place])
    }

    fn points(&mut self, region: &Region, op: &CloudWatchOp, now: Now) -> Result<Answer, Fault> {
        match op {
            CloudWatchOp::Points { metric: Metric::Served(arn), since } => {
                Ok(self.elb.points(region, arn, *since, now))
            }
            CloudWatchOp::Points { .. } => self.rds.points(region, op, now),
        }
    }

    /// The doors of all groups' sites in a Region.
    fn doors_in(&self, region: &Region) -> impl Iterator<Item = DoorId> + use<> {
        let mut doors = Vec::new();
        for (group, wiring) in self.groups.iter().enumerate() {
            let here = Site::BOTH.into_iter().zip(&wiring.sites);
            let here = here.filter(|(_, wired)| wired.region == *region);
            doors.extend(here.map(|(site, _)| DoorId { group, site }));
        }
        doors.into_iter()
    }

    /// Carries on whatever changed.
    pub fn settle(&mut self, now: Now, rng: &mut fastrand::Rng) {
        for group in 0..self.groups.len() {
            let serves = Site::BOTH.map(|site| self.settle_site(DoorId { group, site }, now, rng));
            self.users.set_serves(group, serves, now);
        }
        for (check, answers) in self.gates.endpoints() {
            self.route53.set_endpoint(check, answers, now);
        }
        let known = (self.route53.generation(), self.elb.generation());
        if self.answered != known {
            self.answered = known;
            for group in 0..self.groups.len() {
                let servers = self.servers(group, now);
                self.users.set_servers(group, servers, now);
            }
        }
    }

    /// Carries on one site's changes; what its application serves.
    fn settle_site(&mut self, at: DoorId, now: Now, rng: &mut fastrand::Rng) -> Access {
        let load = self.users.load(at);
        let serves = self.settle_database(at, load.writes_per_sec, now);
        let reads = if serves.reads { load.reads_per_sec } else { 0 };
        let writes = if serves.writes { load.writes_per_sec } else { 0 };
        let present =
            Passed { targets: self.app.targets(at), serves, served_per_sec: reads + writes };
        let wiring = &mut self.groups[at.group].sites[usize::from(at.site == Site::Standby)];
        let before = wiring.passed.replace(present);
        if before == Some(present) {
            return serves;
        }
        if before.is_none_or(|before| before.targets != present.targets) {
            self.elb.set_targets(&wiring.targets, present.targets, now, rng);
        }
        if let Some(check) = &wiring.check {
            self.route53.set_endpoint(check, serves.reads, now);
        }
        let alb = wiring.alb;
        self.elb.set_served(alb, self.served(alb), now);
        serves
    }

    /// Connects the application to its database, and says what comes of it.
    fn settle_database(&mut self, at: DoorId, writes_per_sec: u64, now: Now) -> Access {
        let Some(door) = self.database(at) else { return self.app.serves(at) };
        let connections = self.app.connections(at);
        let offered = |serves: Access| if serves.writes { writes_per_sec } else { 0 };
        self.rds.set_clients(door, connections, offered(self.app.serves(at)), now);
        self.app.set_access(at, self.rds.access(door));
        let serves = self.app.serves(at);
        self.rds.set_clients(door, connections, offered(serves), now);
        serves
    }

    /// Requests a second that a load balancer's applications answer well.
    fn served(&self, alb: usize) -> u64 {
        let sites = self.groups.iter().flat_map(|group| &group.sites);
        let here = sites.filter(|site| site.alb == alb).filter_map(|site| site.passed);
        here.map(|passed| passed.served_per_sec).sum()
    }
}

impl Part for Estate {
    fn next(&self) -> Option<Mono> {
        earliest([self.route53.next(), self.elb.next(), self.rds.next(), self.users.next()])
    }

    fn advance(&mut self, now: Now, rng: &mut fastrand::Rng) {
        self.rds.advance(now, rng);
        self.elb.advance(now, rng);
        self.route53.advance(now, rng);
        self.users.advance(now, rng);
        self.settle(now, rng);
    }
}

#[cfg(test)]
mod tests;
