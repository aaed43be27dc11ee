//! What a replica knows of a group's world from looking: the last good answer of each look, and
//! when.

use std::collections::{BTreeMap, BTreeSet};

use crate::databases::evidence::Replication;
use crate::levers::records;
use crate::model::{Claim, Host, LoadBalancerName, Mono, Now, Site, Span, Wall, ZoneId};
use crate::op::{
    Answer, Fault, HealthCheck, Instance, LoadBalancer, PoolView, RecordSet, WorkloadView, ZoneInfo,
};

use super::survey::Look;

/// A value and when it was seen.
#[derive(Clone, Debug)]
pub(super) struct SeenAt<T> {
    /// When.
    pub(super) at: Mono,
    /// What.
    pub(super) value: T,
}

/// What is known of a group's world.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) load_balancers: BTreeMap<(Site, LoadBalancerName), LoadBalancer>,
    pub(super) target_groups: BTreeMap<(Site, LoadBalancerName), Vec<crate::model::TargetGroupArn>>,
    /// `None`: RDS says there is no such instance.
    pub(super) instances: BTreeMap<Site, SeenAt<Option<Instance>>>,
    pub(super) replication: BTreeMap<Site, Replication>,
    /// By site and position in the policy; `None`: it does not exist.
    pub(super) workloads: BTreeMap<(Site, usize), SeenAt<Option<WorkloadView>>>,
    /// By site and position in the policy's floor; `None`: it does not exist.
    pub(super) floor: BTreeMap<(Site, usize), SeenAt<Option<WorkloadView>>>,
    pub(super) pools: BTreeMap<usize, SeenAt<Option<PoolView>>>,
    pub(super) cluster_claims: BTreeMap<Site, SeenAt<Option<Claim>>>,
    pub(super) records: BTreeMap<Host, SeenAt<Vec<RecordSet>>>,
    pub(super) zones: BTreeMap<ZoneId, ZoneInfo>,
    pub(super) closed_check: Option<HealthCheck>,
    /// The claims of the zones' fence records.
    pub(super) zone_claims: BTreeMap<ZoneId, Option<Claim>>,
    /// The gate object's claim.
    pub(super) gate_claim: Option<Claim>,
    /// The instances as they were when standby's claim was asked for, and as they were when that
    /// was which was answered last.
    asked: BTreeMap<Site, SeenAt<Option<Instance>>>,
    vetted: BTreeMap<Site, SeenAt<Option<Instance>>>,
    /// The looks that were ever answered.
    pub(super) answered: BTreeSet<usize>,
    /// Why each look last failed.
    pub(super) troubles: BTreeMap<usize, Fault>,
    /// Grows with every answer: what was made of all this is then to be made anew.
    pub(super) revision: u64,
}

impl Known {
    /// Takes what one look answered.
    pub(super) fn take(
        &mut self,
        index: usize,
        look: &Look,
        now: Now,
        result: Result<Answer, Fault>,
    ) {
        self.revision += 1;
        match result {
            Ok(answer) => {
                self.troubles.remove(&index);
                self.answered.insert(index);
                self.learn(look, now, answer);
            }
            Err(fault) => {
                if matches!(fault, Fault::NotFound(_)) {
                    self.answered.insert(index);
                    self.learn_absence(look, now.mono);
                }
                self.troubles.insert(index, fault);
            }
        }
    }

    fn learn(&mut self, look: &Look, now: Now, answer: Answer) {
        let at = now.mono;
        match (look, answer) {
            (Look::FindLoadBalancer(site, name), Answer::LoadBalancer(Some(found))) => {
                self.load_balancers.insert((*site, name.clone()), found);
            }
            (Look::TargetGroups(site, name), Answer::TargetGroups(found)) => {
                self.target_groups.insert((*site, name.clone()), found);
            }
            (Look::Instance(site), Answer::Instance(found)) => {
                let replication = self.replication.entry(*site).or_default();
                replication.described(now.wall, found.streaming);
                self.instances.insert(*site, SeenAt { at, value: Some(found) });
            }
            (Look::Replication(site), Answer::Points(points)) => self.replicated(*site, &points),
            (Look::Workload(site, index), Answer::Workload(view)) => {
                self.workloads.insert((*site, *index), SeenAt { at, value: Some(view) });
            }
            (Look::Floor(site, index), Answer::Workload(view)) => {
                self.floor.insert((*site, *index), SeenAt { at, value: Some(view) });
            }
            (Look::Pool(index), Answer::Pool(view)) => {
                self.pools.insert(*index, SeenAt { at, value: Some(view) });
            }
            (Look::ClusterClaim(site), Answer::Fence(fence)) => {
                let value = fence.map(|fence| fence.claim);
                if *site == Site::Standby {
                    self.vetted.clone_from(&self.asked);
                }
                self.cluster_claims.insert(*site, SeenAt { at, value });
            }
            (Look::Records(_, name), Answer::Records(value)) => {
                self.records.insert(name.clone(), SeenAt { at, value });
            }
            (Look::ZoneClaim(zone), Answer::Records(sets)) => {
                let claim = sets.iter().find_map(records::read_fence);
                self.zone_claims.insert(zone.clone(), claim);
            }
            (Look::Zone(id), Answer::Zone(zone)) => drop(self.zones.insert(id.clone(), zone)),
            (Look::ClosedCheck, Answer::HealthCheck(check)) => self.closed_check = Some(check),
            (Look::Gate, Answer::Gate(gate)) => self.gate_claim = gate.and_then(|gate| gate.claim),
            _ => {}
        }
    }

    fn learn_absence(&mut self, look: &Look, at: Mono) {
        match look {
            Look::Instance(site) => {
                self.instances.insert(*site, SeenAt { at, value: None });
            }
            Look::Workload(site, index) => {
                self.workloads.insert((*site, *index), SeenAt { at, value: None });
            }
            Look::Floor(site, index) => {
                self.floor.insert((*site, *index), SeenAt { at, value: None });
            }
            Look::Pool(index) => drop(self.pools.insert(*index, SeenAt { at, value: None })),
            _ => {}
        }
    }

    fn replicated(&mut self, site: Site, points: &[crate::model::Counted]) {
        let replication = self.replication.entry(site).or_default();
        for point in points {
            replication.point(point.at, u64::try_from(point.thousandths).ok());
        }
    }

    /// A site's database instance, as last seen.
    pub(super) fn instance(&self, site: Site) -> Option<&Instance> {
        self.instances.get(&site).and_then(|seen| seen.value.as_ref())
    }

    /// Standby's claim is asked for: what is known by now was so before.
    pub(super) fn asks_for_claim(&mut self) {
        self.asked.clone_from(&self.instances);
    }

    /// Whether the instances are as they were before standby was last asked for its claim. Whoever
    /// leaves home claims there before a door is closed: what a claim is found behind is no peace.
    pub(super) fn vetted(&self) -> bool {
        let settled = |site: &Site| match (self.instances.get(site), self.vetted.get(site)) {
            (Some(now), Some(vetted)) => now.value == vetted.value,
            (now, _) => now.is_none(),
        };
        Site::BOTH.iter().all(settled)
    }

    /// A site's replication samples start anew: its member is another one now.
    pub(super) fn forget_replication(&mut self, site: Site) {
        self.replication.remove(&site);
    }

    /// The claims found in the world: at the lever and in the clusters.
    pub(super) fn claims(&self) -> impl Iterator<Item = &Claim> {
        let clusters = self.cluster_claims.values().filter_map(|seen| seen.value.as_ref());
        let zones = self.zone_claims.values().flatten();
        clusters.chain(zones).chain(&self.gate_claim)
    }

    /// The claims found in the world, each with where it was found.
    pub(super) fn placed_claims(&self) -> impl Iterator<Item = (String, Claim)> + '_ {
        let clusters = self
            .cluster_claims
            .iter()
            .filter_map(|(site, seen)| Some((format!("{site}'s cluster"), seen.value.clone()?)));
        let zones = self.zone_claims.iter();
        let zones = zones.filter_map(|(id, claim)| Some((format!("zone {id}"), claim.clone()?)));
        let gate = self.gate_claim.clone().map(|claim| ("the gate".to_owned(), claim));
        clusters.chain(zones).chain(gate)
    }

    /// Since when replication points are wanted.
    pub(super) fn replication_since(&self, site: Site, now: Wall) -> Wall {
        let last = self.replication.get(&site).and_then(Replication::latest);
        last.map_or(now - Span::mins(5), |sample| sample.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::instance;

    fn hears(known: &mut Known, look: &Look, answer: Answer) {
        known.take(0, look, Now { mono: Mono(1), wall: Wall(1) }, Ok(answer));
    }

    #[test]
    fn l2_an_instance_is_as_in_peace_once_a_claim_asked_for_later_was_answered() {
        let (home, claim) = (Look::Instance(Site::Home), Look::ClusterClaim(Site::Standby));
        let open = instance("shop-home", Site::Home, "db-1", None);
        let mut closed = open.clone();
        closed.settings.security_groups = vec!["sg-closed".into()];
        let mut known = Known::default();
        assert!(known.vetted(), "nothing is known that could be wrong");
        hears(&mut known, &home, Answer::Instance(open));
        known.asks_for_claim();
        assert!(!known.vetted());
        hears(&mut known, &claim, Answer::Fence(None));
        assert!(known.vetted());
        // Somebody claims, and closes the door; both are seen by looks that began together.
        known.asks_for_claim();
        hears(&mut known, &home, Answer::Instance(closed));
        hears(&mut known, &claim, Answer::Fence(None));
        assert!(!known.vetted());
        known.asks_for_claim();
        hears(&mut known, &claim, Answer::Fence(None));
        assert!(known.vetted(), "no claim was found by a look that began behind it");
    }
}
