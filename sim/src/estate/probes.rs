//! Looks from outside: HTTP through a load balancer or a DNS answer, and DNS at the source.

use std::net::IpAddr;
use std::sync::Arc;

use bowline_core::model::{Host, Now, Region, Site, ZoneId};
use bowline_core::op::{Answer, Fault, HttpProbe, HttpSeen, ProbeOp, RecordType};

use super::Estate;
use crate::app::Request;
use crate::aws::dns_rules::Leads;
use crate::aws::rds::DoorId;
use crate::aws::route53::Question;

impl Estate {
    /// In which Region the answer to a look would be given; `None`: in none of the sites'.
    #[must_use]
    pub fn probed_region(&self, op: &ProbeOp, now: Now) -> Option<&Region> {
        let ProbeOp::Http(probe) = op else { return None };
        let (_, alb) = self.connects(probe, now)?;
        let sites = self.groups.iter().flat_map(|group| &group.sites);
        sites.into_iter().find(|site| site.alb == alb).map(|site| &site.region)
    }

    pub(super) fn probe(&mut self, op: &ProbeOp, now: Now) -> Result<Answer, Fault> {
        match op {
            ProbeOp::Http(probe) => self.http(probe, now),
            ProbeOp::Authoritative { server, name } => {
                let found = self.route53.server(server, name);
                let (zone, server) = found.ok_or_else(|| {
                    Fault::Transient(format!("{server} is no server of {name}'s zone"))
                })?;
                Ok(Answer::Addresses(self.addresses(&zone, server, name, now)))
            }
            ProbeOp::Resolve { name } => {
                let found = self.resolve(name, now);
                let found = found.ok_or_else(|| Fault::NotFound(format!("{name}: NXDOMAIN")))?;
                Ok(Answer::Resolved(name.clone(), found))
            }
        }
    }

    fn http(&mut self, probe: &HttpProbe, now: Now) -> Result<Answer, Fault> {
        let (address, alb) = self.connects(probe, now).ok_or_else(|| {
            Fault::Transient(format!("no address to connect to for {}", probe.connect))
        })?;
        let Some(at) = self.application(alb, &probe.host) else {
            return Ok(Answer::Http(HttpSeen { status: 404, site: None, address }));
        };
        let request = if probe.writes { Request::Write } else { Request::Read };
        let Some(status) = self.app.status(at, request) else {
            return Err(Fault::Unknown("timed out".into()));
        };
        if probe.writes && status == 200 {
            self.count_write(at, now);
        }
        let header = probe.site_header.as_ref().filter(|_| status == 200);
        let site = header.map(|_| Arc::from(site_text(at.site)));
        Ok(Answer::Http(HttpSeen { status, site, address }))
    }

    fn count_write(&mut self, at: DoorId, now: Now) {
        if let Some(group) = self.groups[at.group].database {
            self.rds.write(DoorId { group, ..at }, now);
        }
    }

    /// The address that a probe connects to, and the load balancer that has it.
    fn connects(&self, probe: &HttpProbe, now: Now) -> Option<(IpAddr, usize)> {
        let address = match probe.addresses.first() {
            Some(address) => *address,
            None => *self.resolve(&probe.connect, now)?.first()?,
        };
        Some((address, self.elb.owner(address)?))
    }

    /// The application that a load balancer's rules lead a host to.
    fn application(&self, alb: usize, host: &Host) -> Option<DoorId> {
        self.groups.iter().enumerate().find_map(|(number, group)| {
            let place = group.sites.iter().position(|site| site.alb == alb)?;
            let at = DoorId { group: number, site: Site::BOTH[place] };
            group.hosts.contains(host).then_some(at)
        })
    }

    /// A name's addresses as anybody would get them, past caches.
    fn resolve(&self, name: &Host, now: Now) -> Option<Vec<IpAddr>> {
        if let Some(alb) = self.elb.named(name) {
            return Some(self.elb.addresses(alb).to_vec());
        }
        let group = self.groups.iter().find(|group| group.hosts.contains(name))?;
        Some(self.addresses(&group.zone, 0, name, now))
    }

    fn addresses(&self, zone: &ZoneId, server: usize, name: &Host, now: Now) -> Vec<IpAddr> {
        let question = Question { zone, server, name, kind: RecordType::A };
        match self.leads(&question, now) {
            Leads::LoadBalancer(_, alias) => {
                let alb = self.elb.named(&alias.dns_name);
                alb.map_or_else(Vec::new, |alb| self.elb.addresses(alb).to_vec())
            }
            Leads::Set(set) => set.values.iter().filter_map(|value| value.parse().ok()).collect(),
            Leads::Nowhere => Vec::new(),
        }
    }
}

/// What the application writes into its site header.
fn site_text(site: Site) -> &'static str {
    match site {
        Site::Home => "home",
        Site::Standby => "standby",
    }
}
