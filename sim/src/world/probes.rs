//! Looks from outside: HTTP through a load balancer or a public name, and DNS at the source.

use std::net::IpAddr;
use std::sync::Arc;

use bowline_core::model::{Host, Now, Region, Site};
use bowline_core::op::{Answer, Fault, HttpProbe, HttpSeen, ProbeOp, RecordType};

use super::World;
use super::calls::Outcome;
use crate::app::Request;
use crate::aws::dns_rules::Leads;
use crate::aws::rds::DoorId;
use crate::aws::route53::{Question, SERVERS};

/// A connection to a load balancer that refuses, or a name without addresses.
const REFUSED: &str = "connection refused";

impl World {
    pub(super) fn probe(&mut self, op: &ProbeOp, now: Now, rng: &mut fastrand::Rng) -> Outcome {
        match op {
            ProbeOp::Http(probe) => self.http(probe, now, rng),
            ProbeOp::Authoritative { server, name } => {
                Outcome::Answered(self.authoritative(server, name, now).map(Answer::Addresses))
            }
            ProbeOp::Resolve { name } => {
                let addresses = self.resolve(name, rng.usize(0..SERVERS), now);
                Outcome::Answered(Ok(Answer::Resolved(name.clone(), addresses)))
            }
        }
    }

    /// In which Region a probe ends.
    pub(super) fn probed(&self, probe: &HttpProbe, now: Now) -> Option<&Region> {
        let resolved = || self.resolve(&probe.connect, 0, now).first().copied();
        let address = probe.addresses.first().copied().or_else(resolved)?;
        self.region_of(self.elb.owner(address)?)
    }

    fn region_of(&self, load_balancer: usize) -> Option<&Region> {
        let mut sites = self.groups.iter().flat_map(|group| &group.sites);
        let has = |site: &&super::SiteParts| {
            site.load_balancers.iter().any(|(number, _)| *number == load_balancer)
        };
        sites.find(has).map(|site| &site.region)
    }

    fn http(&mut self, probe: &HttpProbe, now: Now, rng: &mut fastrand::Rng) -> Outcome {
        if self.canaries.contains(&probe.connect) {
            let address = std::net::Ipv4Addr::new(192, 0, 2, 1).into();
            return Outcome::Answered(Ok(Answer::Http(HttpSeen {
                status: 200,
                site: None,
                address,
            })));
        }
        let found = match probe.addresses.first() {
            Some(address) => Some(*address),
            None => self.resolve(&probe.connect, rng.usize(0..SERVERS), now).first().copied(),
        };
        let Some(address) = found else {
            return Outcome::Answered(Err(Fault::Transient("no such name".into())));
        };
        let Some(number) = self.elb.owner(address) else {
            return Outcome::Answered(Err(Fault::Transient(REFUSED.into())));
        };
        let Some(at) = self.group_behind(number, &probe.host) else {
            let seen = HttpSeen { status: 404, site: None, address };
            return Outcome::Answered(Ok(Answer::Http(seen)));
        };
        let request = if probe.writes { Request::Write } else { Request::Read };
        let Some(status) = self.app.status(at, request) else { return Outcome::Silent };
        if probe.writes && status == 200 {
            self.write(at, now);
        }
        let site = probe.site_header.as_ref().filter(|_| status != 503).map(|_| name_of(at.site));
        Outcome::Answered(Ok(Answer::Http(HttpSeen { status, site, address })))
    }

    /// Which group's application, and at which site, a load balancer's rules lead to for a host.
    fn group_behind(&self, load_balancer: usize, host: &Host) -> Option<DoorId> {
        let named = |parts: &super::GroupParts| parts.names.iter().any(|(name, _)| name == host);
        let here = |group| self.site_of(group, load_balancer).map(|site| DoorId { group, site });
        (0..self.groups.len()).filter(|group| named(&self.groups[*group])).find_map(here)
    }

    /// One counted write through a site's door.
    fn write(&mut self, at: DoorId, now: Now) {
        if let Some(door) = self.groups[at.group].door(at.site) {
            self.rds.write(door, now);
        }
    }

    /// What one authoritative server answers.
    fn authoritative(&self, server: &Host, name: &Host, now: Now) -> Result<Vec<IpAddr>, Fault> {
        let refused = || Fault::Transient(format!("{server} refuses {name}"));
        let (zone, server) = self.route53.server(server, name).ok_or_else(refused)?;
        let question = Question { zone: &zone, server, name, kind: RecordType::A };
        Ok(self.addresses(&question, now))
    }

    /// The addresses of a name, past all caches: of a load balancer's own, or of a public one.
    fn resolve(&self, name: &Host, server: usize, now: Now) -> Vec<IpAddr> {
        if let Some(number) = self.elb.named(name) {
            return self.elb.addresses(number).to_vec();
        }
        let mut names = self.groups.iter().flat_map(|group| &group.names);
        let Some((_, zone)) = names.find(|(known, _)| known == name) else { return Vec::new() };
        self.addresses(&Question { zone, server, name, kind: RecordType::A }, now)
    }

    fn addresses(&self, question: &Question<'_>, now: Now) -> Vec<IpAddr> {
        let healthy = |alias: &bowline_core::op::AliasTarget| {
            self.elb.healthy(&alias.dns_name).unwrap_or(true)
        };
        match self.route53.answer(question, now, healthy) {
            Leads::LoadBalancer(_, alias) => match self.elb.named(&alias.dns_name) {
                Some(number) => self.elb.addresses(number).to_vec(),
                None => Vec::new(),
            },
            Leads::Set(set) => set.values.iter().filter_map(|value| value.parse().ok()).collect(),
            Leads::Nowhere => Vec::new(),
        }
    }
}

/// What the application says in its site header.
fn name_of(site: Site) -> Arc<str> {
    match site {
        Site::Home => "home".into(),
        Site::Standby => "standby".into(),
    }
}
