//! Route 53: zones, atomic changes and their propagation, health checks, throttling.
//!
//! The control plane lives in us-east-1; answers are given everywhere, from what has propagated.

mod batch;
mod bucket;
mod checkers;
mod checks;
mod zone;

use bowline_core::model::{ChangeId, HealthCheckId, Host, Mono, Now, ZoneId};
use bowline_core::op::{AliasTarget, Answer, Fault, RecordSet, RecordType, Route53Op, ZoneInfo};

use bucket::Bucket;
pub use checkers::CHECKERS;
pub use checks::{CheckSpec, Watches};
pub use zone::SERVERS;

use super::dns_rules::{self, Health, Leads};
use crate::part::{Part, earlier, earliest};
use checks::Checks;
use zone::{Zone, change_id};

/// Calls an account may make at once, and a second after (service quotas).
const API: (u64, u64) = (50, 10);

/// The same for `GetHealthCheckStatus` alone.
const STATUS_API: (u64, u64) = (4, 1);

/// Route 53.
#[derive(Clone, Debug)]
pub struct Route53 {
    zones: Vec<Zone>,
    checks: Checks,
    insync_at: Vec<Mono>,
    api: Bucket,
    status_api: Bucket,
    generation: u64,
}

impl Default for Route53 {
    fn default() -> Self {
        Self {
            zones: Vec::new(),
            checks: Checks::default(),
            insync_at: Vec::new(),
            api: Bucket::new(API.0, API.1),
            status_api: Bucket::new(STATUS_API.0, STATUS_API.1),
            generation: 0,
        }
    }
}

impl Route53 {
    /// Adds a hosted zone whose sets have propagated already.
    ///
    /// # Errors
    /// When the sets would not be accepted as one batch.
    pub fn add_zone(
        &mut self,
        id: ZoneId,
        info: ZoneInfo,
        sets: &[RecordSet],
    ) -> Result<(), Fault> {
        self.zones.push(Zone::new(id, info, sets)?);
        Ok(())
    }

    /// Adds a health check. It starts healthy (inverted: unhealthy).
    pub fn add_check(&mut self, spec: CheckSpec, rng: &mut fastrand::Rng) {
        self.checks.create(spec, rng);
        self.generation += 1;
    }

    /// Whether there is such a health check.
    #[must_use]
    pub fn has_check(&self, id: &HealthCheckId) -> bool {
        self.checks.exists(id)
    }

    /// The endpoint that a check probes answers from now on, or does not.
    pub fn set_endpoint(&mut self, check: &HealthCheckId, answers: bool, now: Now) {
        self.checks.set_endpoint(check, answers, now.mono);
    }

    /// Disables or enables a check.
    pub fn set_disabled(&mut self, check: &HealthCheckId, disabled: bool) {
        self.checks.set_disabled(check, disabled);
        self.generation += 1;
    }

    /// Whether a check is healthy, as the name servers see it.
    #[must_use]
    pub fn healthy(&self, check: &HealthCheckId, now: Now) -> bool {
        self.checks.healthy(check, now.mono)
    }

    /// Grows whenever a name server may answer otherwise than before, for what Route 53 itself
    /// knows.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The sets of a name as the API lists them.
    #[must_use]
    pub fn sets(&self, zone: &ZoneId, name: &Host) -> &[RecordSet] {
        self.zones.iter().find(|z| z.id == *zone).map_or(&[], |zone| zone.sets(name))
    }

    /// Which zone and which of its servers has that name. Zones of one account may share servers:
    /// the zone is the one with the longest apex that holds the name asked for.
    #[must_use]
    pub fn server(&self, server: &Host, name: &Host) -> Option<(ZoneId, usize)> {
        let holds = |zone: &&Zone| {
            let rest = name.as_str().strip_suffix(zone.info.apex.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let serving = |zone: &Zone| Some((zone.id.clone(), zone.server_index(server)?));
        let zones = self.zones.iter().filter(holds);
        let mut found: Vec<_> = zones.filter(|zone| serving(zone).is_some()).collect();
        found.sort_by_key(|zone| zone.info.apex.as_str().len());
        found.last().and_then(|zone| serving(zone))
    }

    /// What one of a zone's servers answers, given who knows the health of load balancers.
    pub fn answer<'a>(
        &'a self,
        question: &Question<'_>,
        now: Now,
        target_healthy: impl Fn(&AliasTarget) -> bool,
    ) -> Leads<'a> {
        let Some(zone) = self.zones.iter().find(|zone| zone.id == *question.zone) else {
            return Leads::Nowhere;
        };
        let health = Seen { checks: &self.checks, now: now.mono, target_healthy };
        dns_rules::answer(zone.server(question.server), question.name, question.kind, &health)
    }

    /// Somebody else changes a zone: `delete` and `create`, in one batch.
    ///
    /// # Errors
    /// When the zone is not there, is busy, or does not take the batch.
    pub fn overwrite(
        &mut self,
        zone: &ZoneId,
        (delete, create): (&[RecordSet], &[RecordSet]),
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Result<(), Fault> {
        self.zone_mut(zone)?.change(delete, create, now, rng).map(drop)
    }

    /// Performs a call's effect.
    ///
    /// # Errors
    /// [`Fault::Throttled`], [`Fault::NotFound`], [`Fault::Conflict`] and [`Fault::Invalid`], as
    /// each operation says.
    pub fn perform(
        &mut self,
        op: &Route53Op,
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Result<Answer, Fault> {
        match op {
            Route53Op::CheckStatus(_) => self.status_api.take(now.mono)?,
            _ => self.api.take(now.mono)?,
        }
        match op {
            Route53Op::Records { zone, name } => {
                Ok(Answer::Records(self.zone(zone)?.sets(name).to_vec()))
            }
            Route53Op::Change { zone, delete, create } => {
                self.known_checks(create)?;
                let insync = self.zone_mut(zone)?.change(delete, create, now, rng)?;
                self.insync_at.push(insync);
                Ok(Answer::Change(change_id(self.insync_at.len())))
            }
            Route53Op::ChangeStatus(id) => Ok(Answer::Insync(self.insync_at(id)? <= now.mono)),
            Route53Op::HealthCheck(id) => self.checks.describe(id),
            Route53Op::CheckStatus(id) => self.checks.status(id, now.mono),
            Route53Op::Zone(id) => Ok(Answer::Zone(self.zone(id)?.info.clone())),
        }
    }

    fn zone(&self, id: &ZoneId) -> Result<&Zone, Fault> {
        self.zones.iter().find(|zone| zone.id == *id).ok_or_else(|| no_such_zone(id))
    }

    fn zone_mut(&mut self, id: &ZoneId) -> Result<&mut Zone, Fault> {
        self.zones.iter_mut().find(|zone| zone.id == *id).ok_or_else(|| no_such_zone(id))
    }

    fn known_checks(&self, create: &[RecordSet]) -> Result<(), Fault> {
        let mut checks = create.iter().filter_map(|set| set.health_check.as_ref());
        match checks.find(|id| !self.checks.exists(id)) {
            Some(id) => Err(Fault::Invalid(format!("InvalidChangeBatch: no health check {id}"))),
            None => Ok(()),
        }
    }

    fn insync_at(&self, id: &ChangeId) -> Result<Mono, Fault> {
        let number = id.as_str().strip_prefix('C').and_then(|n| n.parse::<usize>().ok());
        let found = number.and_then(|n| self.insync_at.get(n.checked_sub(1)?));
        found.copied().ok_or_else(|| Fault::NotFound(format!("NoSuchChange: {id}")))
    }
}

fn no_such_zone(id: &ZoneId) -> Fault {
    Fault::NotFound(format!("NoSuchHostedZone: {id}"))
}

impl Part for Route53 {
    fn next(&self) -> Option<Mono> {
        earlier(earliest(self.zones.iter().map(Zone::next)), self.checks.next())
    }

    fn advance(&mut self, now: Now, _: &mut fastrand::Rng) {
        let mut changed = self.checks.turned(now.mono);
        for zone in &mut self.zones {
            changed |= zone.advance(now.mono);
        }
        self.generation += u64::from(changed);
    }
}

/// A question to one of a zone's servers.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// In which zone.
    pub zone: &'q ZoneId,
    /// Which of its servers, from 0.
    pub server: usize,
    /// For which name.
    pub name: &'q Host,
    /// Of which type.
    pub kind: RecordType,
}

/// Health as the name servers see it at one instant.
struct Seen<'a, F> {
    checks: &'a Checks,
    now: Mono,
    target_healthy: F,
}

impl<F: Fn(&AliasTarget) -> bool> Health for Seen<'_, F> {
    fn check(&self, id: &HealthCheckId) -> bool {
        self.checks.healthy(id, self.now)
    }

    fn target(&self, target: &AliasTarget) -> bool {
        (self.target_healthy)(target)
    }
}

#[cfg(test)]
mod tests;
