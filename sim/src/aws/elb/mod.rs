//! Elastic Load Balancing: ALBs with their target groups, and the addresses of their names.

mod targets;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use bowline_core::model::{
    Host, LoadBalancerArn, Mono, Now, Region, Span, TargetGroupArn, Wall, ZoneId,
};
use bowline_core::op::{Answer, ElbOp, Fault, LoadBalancer, LoadBalancerSelector};

pub use targets::TargetGroupSpec;

use super::cloudwatch::{Series, Statistic};
use super::dns_rules::load_balancer_healthy;
use crate::part::{Part, between, earlier, earliest};
use targets::TargetGroup;

/// An ALB exchanges one of its addresses this often: its name's answers are not stable.
const EXCHANGE: (Span, Span) = (Span::mins(20), Span::mins(90));

/// Addresses that a name has at one time.
const ADDRESSES: usize = 2;

/// An ALB to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancerSpec {
    /// Its Region.
    pub region: Region,
    /// What `DescribeLoadBalancers` says.
    pub found: LoadBalancer,
    /// Its tags.
    pub tags: BTreeMap<Arc<str>, Arc<str>>,
    /// Its target groups.
    pub groups: Vec<TargetGroupSpec>,
}

#[derive(Clone, Debug)]
struct Alb {
    region: Region,
    found: LoadBalancer,
    tags: BTreeMap<Arc<str>, Arc<str>>,
    groups: Vec<TargetGroup>,
    addresses: [IpAddr; ADDRESSES],
    given: usize,
    exchange: Mono,
    healthy: bool,
    served: Series,
    served_per_sec: u64,
}

/// ELB in all Regions.
#[derive(Clone, Debug, Default)]
pub struct Elb {
    albs: Vec<Alb>,
    generation: u64,
}

impl Elb {
    /// Adds a load balancer; gives its number.
    pub fn add(&mut self, spec: LoadBalancerSpec, now: Now, rng: &mut fastrand::Rng) -> usize {
        let number = self.albs.len();
        self.albs.push(Alb {
            region: spec.region,
            found: spec.found,
            tags: spec.tags,
            groups: spec.groups.into_iter().map(TargetGroup::new).collect(),
            addresses: std::array::from_fn(|index| address(number, index)),
            given: ADDRESSES,
            exchange: now.mono + between(rng, EXCHANGE.0, EXCHANGE.1),
            healthy: false,
            served: Series::new(Statistic::Sum, rng.u64(..), now.mono),
            served_per_sec: 0,
        });
        number
    }

    /// A load balancer that exists gets a further target group.
    pub fn add_group(&mut self, alb: usize, spec: TargetGroupSpec) {
        if let Some(alb) = self.albs.get_mut(alb) {
            alb.groups.push(TargetGroup::new(spec));
        }
    }

    /// A target group has `total` targets from now on, of which `answering` pass its health check.
    pub fn set_targets(
        &mut self,
        group: &TargetGroupArn,
        (total, answering): (u32, u32),
        now: Now,
        rng: &mut fastrand::Rng,
    ) {
        let groups = self.albs.iter_mut().flat_map(|alb| &mut alb.groups);
        if let Some(group) = groups.into_iter().find(|known| known.spec.arn == *group) {
            group.set(total, answering, now, rng);
        }
        self.judge(now.mono);
    }

    /// How many requests a second a load balancer answers with 2xx or 3xx from now on.
    pub fn set_served(&mut self, alb: usize, per_sec: u64, now: Now) {
        if let Some(alb) = self.albs.get_mut(alb) {
            alb.roll(now.mono);
            alb.served_per_sec = per_sec;
        }
    }

    /// Whether an ALB of that name is healthy for `EvaluateTargetHealth`; `None`: there is none.
    #[must_use]
    pub fn healthy(&self, name: &Host) -> Option<bool> {
        self.named(name).map(|number| self.albs[number].healthy)
    }

    /// Grows whenever some [`Elb::healthy`] changes.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The number of the load balancer with that name.
    #[must_use]
    pub fn named(&self, name: &Host) -> Option<usize> {
        self.albs.iter().position(|alb| alb.found.dns_name == *name)
    }

    /// The number of the load balancer that a selector means in a Region.
    #[must_use]
    pub fn select(&self, region: &Region, selector: &LoadBalancerSelector) -> Option<usize> {
        let meant = |alb: &Alb| match selector {
            LoadBalancerSelector::Arn(arn) => alb.found.arn == *arn,
            LoadBalancerSelector::Tags(tags) => {
                tags.iter().all(|(key, value)| alb.tags.get(key) == Some(value))
            }
        };
        self.albs.iter().position(|alb| alb.region == *region && meant(alb))
    }

    /// What `DescribeLoadBalancers` says of a number.
    #[must_use]
    pub fn describe(&self, alb: usize) -> Option<&LoadBalancer> {
        self.albs.get(alb).map(|alb| &alb.found)
    }

    /// The present addresses of a load balancer.
    #[must_use]
    pub fn addresses(&self, alb: usize) -> &[IpAddr] {
        self.albs.get(alb).map_or(&[], |alb| &alb.addresses)
    }

    /// Which load balancer has or had an address; a former one still leads to it.
    #[must_use]
    pub fn owner(&self, address: IpAddr) -> Option<usize> {
        let IpAddr::V4(v4) = address else { return None };
        let [first, number, ..] = v4.octets();
        let number = usize::from(number);
        (first == FIRST_OCTET && number < self.albs.len()).then_some(number)
    }

    /// Performs a call's effect in a Region.
    ///
    /// # Errors
    /// [`Fault::NotFound`] for an ARN that is not there.
    pub fn perform(&self, region: &Region, op: &ElbOp, now: Now) -> Result<Answer, Fault> {
        let here = || self.albs.iter().filter(|alb| alb.region == *region);
        match op {
            ElbOp::Find(selector) => {
                let found = self.select(region, selector).and_then(|alb| self.describe(alb));
                Ok(Answer::LoadBalancer(found.cloned()))
            }
            ElbOp::TargetGroups { load_balancer, hosts } => {
                let alb = here().find(|alb| alb.found.arn == *load_balancer);
                let alb = alb.ok_or_else(|| missing(load_balancer))?;
                let groups = alb.groups.iter().filter(|group| serves_any(&group.spec, hosts));
                Ok(Answer::TargetGroups(groups.map(|group| group.spec.arn.clone()).collect()))
            }
            ElbOp::TargetHealth(arn) => {
                let mut groups = here().flat_map(|alb| &alb.groups);
                let group = groups.find(|group| group.spec.arn == *arn);
                Ok(Answer::Targets(group.ok_or_else(|| missing(arn))?.health(now.mono)))
            }
        }
    }

    /// The points of `RequestCount` of a load balancer in a Region.
    pub fn points(
        &mut self,
        region: &Region,
        arn: &LoadBalancerArn,
        since: Wall,
        now: Now,
    ) -> Answer {
        let mut here = self.albs.iter_mut().filter(|alb| alb.region == *region);
        let found = here.find(|alb| alb.found.arn == *arn);
        Answer::Points(found.map_or_else(Vec::new, |alb| {
            alb.roll(now.mono);
            alb.served.points(since, now.mono)
        }))
    }

    fn judge(&mut self, now: Mono) {
        for alb in &mut self.albs {
            let healthy = load_balancer_healthy(alb.groups.iter().map(|group| group.health(now)));
            self.generation += u64::from(healthy != alb.healthy);
            alb.healthy = healthy;
        }
    }
}

impl Part for Elb {
    fn next(&self) -> Option<Mono> {
        let turns = |alb: &Alb| earliest(alb.groups.iter().map(TargetGroup::next));
        earliest(self.albs.iter().map(|alb| earlier(turns(alb), Some(alb.exchange))))
    }

    fn advance(&mut self, now: Now, rng: &mut fastrand::Rng) {
        let mut turned = false;
        for (number, alb) in self.albs.iter_mut().enumerate() {
            for group in &mut alb.groups {
                turned |= group.advance(now.mono);
            }
            if alb.exchange <= now.mono {
                alb.addresses[alb.given % ADDRESSES] = address(number, alb.given);
                alb.given += 1;
                alb.exchange = now.mono + between(rng, EXCHANGE.0, EXCHANGE.1);
            }
        }
        if turned {
            self.judge(now.mono);
        }
    }
}

impl Alb {
    fn roll(&mut self, now: Mono) {
        let per_sec = self.served_per_sec;
        // Requests a second over milliseconds are thousandths of requests.
        self.served.roll(now, |from, to| {
            let served = per_sec * to.since(from).as_millis();
            (served > 0).then(|| i64::try_from(served).unwrap_or(i64::MAX))
        });
    }
}

fn serves_any(spec: &TargetGroupSpec, hosts: &[Host]) -> bool {
    spec.hosts.is_empty() || spec.hosts.iter().any(|host| hosts.contains(host))
}

/// First octet of all addresses; the second is the load balancer's number.
const FIRST_OCTET: u8 = 100;

fn address(alb: usize, n: usize) -> IpAddr {
    let [.., high, low] = n.to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(FIRST_OCTET, alb as u8, high, low))
}

fn missing(arn: &str) -> Fault {
    Fault::NotFound(arn.to_owned())
}

/// The canonical zone that all ALBs of the simulated world share.
#[must_use]
pub fn canonical_zone() -> ZoneId {
    "ZELB".into()
}

#[cfg(test)]
mod tests;
