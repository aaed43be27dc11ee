//! One group's users behind resolvers that cache DNS answers.
//!
//! While every server answers what every resolver has cached, no expiry is an event: each
//! resolver's expiries lie a TTL apart, and asking again changes nothing.

use bowline_core::model::{Mono, Now, Site, Span};

use super::meter::{Meter, Outage};
use crate::aws::rds::Access;
use crate::aws::route53::SERVERS;
use crate::part::between;

/// A resolver that was told nothing asks again after this: the SOA's negative TTL, as Route 53's
/// recommended one for failover.
const NEGATIVE: Span = Span::secs(60);

/// Shares of users behind resolvers differ by up to this factor.
const WEIGHTS: u64 = 10;

/// What one name server answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// To which site it leads.
    pub site: Option<Site>,
    /// For how long that may be cached.
    pub ttl: Span,
}

/// What each of a zone's name servers answers.
pub type Servers = [Told; SERVERS];

/// A group's users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PopulationSpec {
    /// Resolvers they are behind.
    pub resolvers: u32,
    /// Reads a second of all together.
    pub reads_per_sec: u64,
    /// Writes a second of all together.
    pub writes_per_sec: u64,
}

#[derive(Clone, Copy, Debug)]
struct Resolver {
    weight: u64,
    cached: Told,
    expires: Mono,
}

#[derive(Clone, Debug)]
pub(super) struct Population {
    spec: PopulationSpec,
    resolvers: Vec<Resolver>,
    servers: Servers,
    serves: [Access; 2],
    /// Weight of users that are led to home, to standby.
    led: [u64; 2],
    whole: u64,
    unsettled: bool,
    reads: Meter,
    writes: Meter,
}

/// What reaches the application of a site, per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Reads.
    pub reads_per_sec: u64,
    /// Writes.
    pub writes_per_sec: u64,
}

impl Population {
    /// Users who have long been led where the servers lead.
    pub(super) fn new(
        spec: PopulationSpec,
        servers: Servers,
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Self {
        let resolvers: Vec<_> = (0..spec.resolvers.max(1))
            .map(|_| {
                let cached = servers[rng.usize(0..SERVERS)];
                let expires = now.mono + between(rng, Span(1), ttl(cached));
                Resolver { weight: rng.u64(1..=WEIGHTS), cached, expires }
            })
            .collect();
        let whole = resolvers.iter().map(|resolver| resolver.weight).sum();
        let (reads, writes) = (Meter::new(whole, now.mono), Meter::new(whole, now.mono));
        let serves = [Access { reads: true, writes: true }; 2];
        let mut population = Self {
            spec,
            resolvers,
            servers,
            serves,
            led: [0; 2],
            whole,
            unsettled: false,
            reads,
            writes,
        };
        population.count(now.mono);
        population
    }

    /// The servers answer this from now on.
    pub(super) fn set_servers(&mut self, servers: Servers, now: Mono) {
        if self.servers == servers {
            return;
        }
        if !self.unsettled {
            self.resolvers.iter_mut().for_each(|resolver| resolver.catch_up(now));
        }
        self.servers = servers;
        self.unsettled = !self.settled();
    }

    /// The application serves this at home and at standby from now on.
    pub(super) fn set_serves(&mut self, serves: [Access; 2], now: Mono) {
        self.serves = serves;
        self.measure(now);
    }

    /// What reaches the application at each site.
    pub(super) fn load(&self, site: Site) -> Load {
        let led = self.led[place(site)];
        let share = |per_sec: u64| per_sec * led / self.whole;
        Load {
            reads_per_sec: share(self.spec.reads_per_sec),
            writes_per_sec: share(self.spec.writes_per_sec),
        }
    }

    /// The share of users led to a site, in thousandths.
    pub(super) fn led_permille(&self, site: Site) -> u32 {
        u32::try_from(self.led[place(site)] * 1_000 / self.whole).unwrap_or(1_000)
    }

    pub(super) fn next(&self) -> Option<Mono> {
        let expiries = self.resolvers.iter().map(|resolver| resolver.expires);
        if self.unsettled { expiries.min() } else { None }
    }

    /// Lets resolvers whose cache expired ask again; whether users are led elsewhere now.
    pub(super) fn advance(&mut self, now: Mono, rng: &mut fastrand::Rng) -> bool {
        let before = self.led;
        for resolver in self.resolvers.iter_mut().filter(|resolver| resolver.expires <= now) {
            resolver.cached = self.servers[rng.usize(0..SERVERS)];
            resolver.expires = now + ttl(resolver.cached);
        }
        self.unsettled = !self.settled();
        self.count(now);
        self.led != before
    }

    /// Restarts the measurement.
    pub(super) fn restart(&mut self, now: Mono) {
        self.reads.restart(now);
        self.writes.restart(now);
    }

    /// The outage that readers and writers saw.
    pub(super) fn outage(&self, now: Mono) -> (Outage, Outage) {
        (self.reads.read(now), self.writes.read(now))
    }

    /// The share of readers and of writers that fails now, in thousandths.
    pub(super) fn failing_permille(&self) -> (u32, u32) {
        (self.reads.failing_permille(), self.writes.failing_permille())
    }

    fn settled(&self) -> bool {
        let word = self.servers[0];
        self.servers.iter().all(|told| *told == word)
            && self.resolvers.iter().all(|resolver| resolver.cached == word)
    }

    fn count(&mut self, now: Mono) {
        self.led = [0; 2];
        for resolver in &self.resolvers {
            if let Some(site) = resolver.cached.site {
                self.led[place(site)] += resolver.weight;
            }
        }
        self.measure(now);
    }

    fn measure(&mut self, now: Mono) {
        let [home, standby] = self.serves;
        let weight = |home: bool, standby: bool| {
            u64::from(home) * self.led[0] + u64::from(standby) * self.led[1]
        };
        let read = weight(home.reads, standby.reads);
        let written = weight(home.writes, standby.writes);
        self.reads.set(self.whole - read, now);
        self.writes.set(self.whole - written, now);
    }
}

impl Resolver {
    /// The expiries that were no events, up to now.
    fn catch_up(&mut self, now: Mono) {
        if self.expires <= now {
            let ttl = ttl(self.cached).as_millis();
            let missed = now.since(self.expires).as_millis() / ttl + 1;
            self.expires = self.expires + Span(missed * ttl);
        }
    }
}

fn ttl(told: Told) -> Span {
    let said = if told.site.is_some() { told.ttl } else { NEGATIVE };
    said.max(Span(1))
}

fn place(site: Site) -> usize {
    usize::from(site == Site::Standby)
}

#[cfg(test)]
#[path = "population_tests.rs"]
mod tests;
