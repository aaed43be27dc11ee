//! What one part tells the next, carried over until nobody has anything new to say.

use bowline_core::model::{Now, Site, Span};
use bowline_core::op::RecordType;

use super::groups::position;
use super::{News, World};
use crate::app::POOL;
use crate::aws::dns_rules::Leads;
use crate::aws::rds::DoorId;
use crate::aws::route53::{Question, SERVERS};
use crate::users::{Servers, Told as Answer};

/// Rounds until everything has settled: pods to connections, connections to access, access to what
/// is served, that to health, health to answers, answers to load. A cycle would be a mistake here.
const ROUNDS: usize = 8;

/// The generations of parts that have been carried over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    route53: u64,
    elb: u64,
    rds: u64,
    users: u64,
    /// Grows with every change that a part does not count itself.
    pub(super) other: u64,
}

impl World {
    /// Carries over everything that changed.
    pub(super) fn settle(&mut self, now: Now, rng: &mut fastrand::Rng) {
        self.take_cluster_changes();
        for _ in 0..ROUNDS {
            let present = self.generations();
            if present == self.told {
                break;
            }
            let answers = (present.route53, present.elb) != (self.told.route53, self.told.elb);
            self.told = present;
            for group in 0..self.groups.len() {
                self.settle_group(group, answers, now, rng);
            }
        }
        self.refresh();
    }

    /// Something changed that no part counts: carry everything over at the next occasion.
    pub(super) fn disturb(&mut self) {
        self.told.other = self.told.other.wrapping_sub(1);
    }

    fn generations(&self) -> Told {
        Told {
            route53: self.route53.generation(),
            elb: self.elb.generation(),
            rds: self.rds.generation(),
            users: self.users.generation(),
            other: 0,
        }
    }

    fn take_cluster_changes(&mut self) {
        let mut disturbed = false;
        for (cluster, site) in &mut self.clusters {
            if !site.kube.has_changes() {
                continue;
            }
            disturbed = true;
            for change in site.kube.drain_changes() {
                self.news.push(News::Cluster(cluster.clone(), change));
            }
        }
        if disturbed {
            self.count_pods();
            self.disturb();
        }
    }

    /// Tells the applications how many pods they have.
    pub(super) fn count_pods(&mut self) {
        for (number, group) in self.groups.iter_mut().enumerate() {
            for site in Site::BOTH {
                let parts = &mut group.sites[position(site)];
                let Some(cluster) = self.clusters.get(&parts.cluster) else { continue };
                let ready = |workload| cluster.kube.workload(workload).map_or(0, |w| w.ready);
                self.app.set_pods(DoorId { group: number, site }, ready(&parts.serving));
                parts.extra = parts.clients.iter().map(ready).sum::<u32>() * POOL;
            }
        }
    }

    fn settle_group(&mut self, group: usize, answers: bool, now: Now, rng: &mut fastrand::Rng) {
        if answers {
            self.settle_answers(group, now);
        }
        for site in Site::BOTH {
            self.settle_database(group, site, now);
            self.settle_front(group, site, now, rng);
        }
        let serves = Site::BOTH.map(|site| self.app.serves(DoorId { group, site }));
        self.users.set_serves(group, serves, now);
    }

    /// Clients knock at the database's door, and the application learns what they get.
    fn settle_database(&mut self, group: usize, site: Site, now: Now) {
        let at = DoorId { group, site };
        let Some(door) = self.groups[group].door(site) else { return };
        let load = self.users.load(at).writes_per_sec;
        let dead = self.is_dead(&self.groups[group].site(site).region);
        let extra = self.groups[group].site(site).extra;
        let clients = if dead { 0 } else { self.app.connections(at) + extra };
        let works = self.app.serves(at).reads;
        self.rds.set_clients(door, clients, if works { load } else { 0 }, now);
        let access = self.rds.access(door);
        self.app.set_access(at, access);
        let told = &mut self.groups[group].sites[position(site)].told;
        if told.access != access {
            told.access = access;
            self.news.push(News::Access(group, site, access));
        }
    }

    /// Load balancers, health checks and users learn what the application is like.
    fn settle_front(&mut self, group: usize, site: Site, now: Now, rng: &mut fastrand::Rng) {
        let at = DoorId { group, site };
        let (targets, reachable) = (self.app.targets(at), self.app.reachable(at));
        let serves = self.app.serves(at);
        let load = self.users.load(at);
        let served = u64::from(serves.reads) * load.reads_per_sec
            + u64::from(serves.writes) * load.writes_per_sec;
        let parts = &mut self.groups[group].sites[position(site)];
        if parts.told.targets != targets {
            parts.told.targets = targets;
            for (_, target_group) in &parts.load_balancers {
                self.elb.set_targets(target_group, targets, now, rng);
            }
        }
        if parts.told.reachable != Some(reachable) {
            parts.told.reachable = Some(reachable);
            if let Some(check) = &parts.check {
                self.route53.set_endpoint(check, reachable, now);
            }
        }
        if parts.told.served_per_sec != served {
            parts.told.served_per_sec = served;
            if let Some((number, _)) = parts.load_balancers.first() {
                self.elb.set_served(*number, served, now);
            }
        }
        if parts.told.serves != serves {
            parts.told.serves = serves;
            self.news.push(News::Serves(group, site, serves));
        }
    }

    /// Users' resolvers will be told what the name servers answer now.
    fn settle_answers(&mut self, group: usize, now: Now) {
        let answers = self.answers(group, now);
        let parts = &mut self.groups[group];
        if parts.answers != answers {
            parts.answers = answers;
            self.users.set_servers(group, answers, now);
            self.news.push(News::Answers(group, answers));
        }
    }

    /// What each name server answers for a group's first name.
    fn answers(&self, group: usize, now: Now) -> Servers {
        std::array::from_fn(|server| self.answer(group, 0, server, now))
    }

    /// What a name server answers for one of a group's names.
    #[must_use]
    pub fn answer(&self, group: usize, name: usize, server: usize, now: Now) -> Answer {
        let Some((host, zone)) = self.groups[group].names.get(name) else {
            return Answer::default();
        };
        let question = Question { zone, server: server % SERVERS, name: host, kind: RecordType::A };
        let healthy = |alias: &bowline_core::op::AliasTarget| {
            self.elb.healthy(&alias.dns_name).unwrap_or(true)
        };
        let leads = self.route53.answer(&question, now, healthy);
        let ttl = leads.ttl_secs().map_or(Span::ZERO, |secs| Span::secs(u64::from(secs)));
        let site = match leads {
            Leads::LoadBalancer(_, alias) => {
                self.elb.named(&alias.dns_name).and_then(|number| self.site_of(group, number))
            }
            Leads::Set(_) | Leads::Nowhere => None,
        };
        Answer { site, ttl }
    }

    /// At which of a group's sites a load balancer is.
    #[must_use]
    pub fn site_of(&self, group: usize, load_balancer: usize) -> Option<Site> {
        let has = |site: &Site| {
            let mut all = self.groups[group].site(*site).load_balancers.iter();
            all.any(|(number, _)| *number == load_balancer)
        };
        Site::BOTH.into_iter().find(has)
    }
}
