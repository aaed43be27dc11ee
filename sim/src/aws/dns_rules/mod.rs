//! Which record set Route 53 answers with: its documented failover rules, as a pure function.
//!
//! The simulator's name servers and the lab's real DNS server both answer by it, so it knows
//! nothing but record sets and whoever can tell health. Rules are from the developer guide's "How
//! Amazon Route 53 chooses records when health checking is configured" and "evaluate target
//! health". Wildcards and routing policies other than simple and failover are not modelled.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::model::{HealthCheckId, Host};
use bowline_core::op::{AliasTarget, Failover, RecordSet, RecordType, TargetHealth};

/// How many aliases within a zone are followed. Route 53 lets a chain be about this long.
const ALIAS_DEPTH: u32 = 8;

/// Seconds that an answer of an alias to a load balancer may be cached.
pub const ALIAS_TTL_SECS: u32 = 60;

/// A zone's record sets by name.
pub trait Sets {
    /// All sets of a name, of any type.
    fn of(&self, name: &Host) -> &[RecordSet];
}

impl<S: AsRef<[RecordSet]>> Sets for BTreeMap<Host, S> {
    fn of(&self, name: &Host) -> &[RecordSet] {
        self.get(name).map_or(&[], AsRef::as_ref)
    }
}

/// Whoever can tell how healthy things are.
pub trait Health {
    /// Whether a health check is healthy. What does not exist any more counts as healthy.
    fn check(&self, id: &HealthCheckId) -> bool;

    /// Whether an alias target outside the zone (a load balancer) is healthy.
    fn target(&self, target: &AliasTarget) -> bool;
}

/// Where an answer leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads<'a> {
    /// To the values of this set, or to its canonical name.
    Set(&'a RecordSet),
    /// To a load balancer's present addresses, through this set's alias.
    LoadBalancer(&'a RecordSet, &'a AliasTarget),
    /// Nowhere: the name has no set of that type (`NODATA`, or `NXDOMAIN` when it has none at all).
    Nowhere,
}

impl Leads<'_> {
    /// Seconds for which the answer may be cached; `None` for no answer.
    #[must_use]
    pub fn ttl_secs(&self) -> Option<u32> {
        match self {
            Self::Set(set) => set.ttl_secs,
            Self::LoadBalancer(..) => Some(ALIAS_TTL_SECS),
            Self::Nowhere => None,
        }
    }
}

/// Answers a question about a name: chooses its set and follows aliases within the zone.
#[must_use]
pub fn answer<'a>(
    sets: &'a impl Sets,
    name: &Host,
    kind: RecordType,
    health: &impl Health,
) -> Leads<'a> {
    let rules = Rules { sets, health };
    let mut chosen = rules.choose(name, kind, ALIAS_DEPTH);
    for _ in 0..ALIAS_DEPTH {
        let Some(set) = chosen else { return Leads::Nowhere };
        let Some(alias) = &set.alias else { return Leads::Set(set) };
        if sets.of(&alias.dns_name).is_empty() {
            return Leads::LoadBalancer(set, alias);
        }
        chosen = rules.choose(&alias.dns_name, kind, ALIAS_DEPTH);
    }
    Leads::Nowhere
}

/// Whether a load balancer counts as healthy for `EvaluateTargetHealth`: every target group must
/// have a healthy target. One group without any makes the whole load balancer unhealthy.
#[must_use]
pub fn load_balancer_healthy(mut groups: impl ExactSizeIterator<Item = TargetHealth>) -> bool {
    groups.len() > 0 && groups.all(|group| group.healthy > 0)
}

/// The rules over one zone.
struct Rules<'a, 'h, S, H> {
    sets: &'a S,
    health: &'h H,
}

impl<'a, S: Sets, H: Health> Rules<'a, '_, S, H> {
    /// The set that answers. A canonical name stands for every other type.
    fn choose(&self, name: &Host, kind: RecordType, depth: u32) -> Option<&'a RecordSet> {
        let all = self.sets.of(name);
        let of = |kind| all.iter().filter(move |set: &&RecordSet| set.kind == kind);
        let kind = if of(kind).next().is_some() { kind } else { RecordType::Cname };
        let role = |role| of(kind).find(|set| set.failover == Some(role));
        let (primary, secondary) = (role(Failover::Primary), role(Failover::Secondary));
        match (primary, secondary) {
            (Some(primary), Some(secondary)) => {
                let over = !self.healthy(primary, depth) && self.healthy(secondary, depth);
                Some(if over { secondary } else { primary })
            }
            (one, other) => one.or(other).or_else(|| of(kind).next()),
        }
    }

    /// A set is healthy when its check (if any) and its alias target (if it is to be evaluated)
    /// are.
    fn healthy(&self, set: &RecordSet, depth: u32) -> bool {
        let check = set.health_check.as_ref().is_none_or(|id| self.health.check(id));
        let alias = set.alias.as_ref().filter(|alias| alias.evaluate_target_health);
        check && alias.is_none_or(|alias| self.target_healthy(alias, set.kind, depth))
    }

    fn target_healthy(&self, alias: &AliasTarget, kind: RecordType, depth: u32) -> bool {
        if self.sets.of(&alias.dns_name).is_empty() {
            return self.health.target(alias);
        }
        let Some(depth) = depth.checked_sub(1) else { return false };
        let all = self.sets.of(&alias.dns_name).iter().filter(|set| set.kind == kind);
        all.into_iter().any(|set| self.healthy(set, depth))
    }
}

/// A set of alias to a load balancer, for tests and worlds: `ETH` on.
#[must_use]
pub fn alias_set(name: &Host, identifier: &str, role: Failover, to: &Host) -> RecordSet {
    RecordSet {
        name: name.clone(),
        kind: RecordType::A,
        set_identifier: Some(Arc::from(identifier)),
        failover: Some(role),
        health_check: None,
        ttl_secs: None,
        values: Vec::new(),
        alias: Some(AliasTarget {
            zone: "ZELB".into(),
            dns_name: to.clone(),
            evaluate_target_health: true,
        }),
    }
}

#[cfg(test)]
mod tests;
