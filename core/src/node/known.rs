//! What a replica knows of a group's world from looking: the last good answer of each look, and
//! when.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::databases::evidence::Replication;
use crate::levers::records;
use crate::model::{Claim, Host, LoadBalancerName, Mono, Now, Site, Span, Wall, ZoneId};
use crate::op::{
    Answer, Fault, HealthCheck, Instance, LoadBalancer, PoolView, RecordSet, WorkloadView, ZoneInfo,
};

use super::survey::Look;

/// How old what was seen may be before it says nothing.
const FRESH: Span = Span::mins(3);

/// A value and when it was seen.
#[derive(Clone, Debug)]
pub(super) struct SeenAt<T> {
    /// When.
    pub(super) at: Mono,
    /// What.
    pub(super) value: T,
}

impl<T> SeenAt<T> {
    /// Whether it is young enough to say something.
    pub(super) fn fresh(&self, now: Mono) -> bool {
        now.since(self.at) <= FRESH
    }
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
    /// Grows with every answer that tells something new: what was made of all this is then to be
    /// made anew.
    pub(super) revision: u64,
}

impl Known {
    /// Takes what one look answered; whether it tells anything new.
    pub(super) fn take(
        &mut self,
        index: usize,
        look: &Look,
        now: Now,
        result: Result<Answer, Fault>,
    ) -> bool {
        let news = match result {
            Ok(answer) => {
                let first = self.troubles.remove(&index).is_some() | self.answered.insert(index);
                self.learn(look, now, answer) | first
            }
            Err(fault) => {
                let mut news = self.troubles.get(&index) != Some(&fault);
                if matches!(fault, Fault::NotFound(_)) {
                    news |= self.answered.insert(index) | self.learn_absence(look, now.mono);
                }
                self.troubles.insert(index, fault);
                news
            }
        };
        self.revision += u64::from(news);
        news
    }

    fn learn(&mut self, look: &Look, now: Now, answer: Answer) -> bool {
        let at = now.mono;
        match (look, answer) {
            (Look::FindLoadBalancer(site, name), Answer::LoadBalancer(Some(found))) => {
                put(&mut self.load_balancers, (*site, name.clone()), found)
            }
            (Look::TargetGroups(site, name), Answer::TargetGroups(found)) => {
                put(&mut self.target_groups, (*site, name.clone()), found)
            }
            (Look::Instance(site), Answer::Instance(found)) => {
                // When it was told is no news of the instance.
                let found = Instance { told_at: Wall::default(), ..found };
                let replication = self.replication.entry(*site).or_default();
                let streams = replication.described(now.wall, found.streaming);
                see(&mut self.instances, *site, at, Some(found)) | streams
            }
            (Look::Replication(site), Answer::Points(points)) => self.replicated(*site, &points),
            (Look::Workload(site, index), Answer::Workload(view)) => {
                see(&mut self.workloads, (*site, *index), at, Some(view))
            }
            (Look::Floor(site, index), Answer::Workload(view)) => {
                see(&mut self.floor, (*site, *index), at, Some(view))
            }
            (Look::Pool(index), Answer::Pool(view)) => see(&mut self.pools, *index, at, Some(view)),
            (Look::ClusterClaim(site), Answer::Fence(fence)) => {
                let vets = *site == Site::Standby && self.vet();
                see(&mut self.cluster_claims, *site, at, fence.map(|fence| fence.claim)) | vets
            }
            (Look::Records(_, name), Answer::Records(value)) => {
                see(&mut self.records, name.clone(), at, value)
            }
            (Look::ZoneClaim(zone), Answer::Records(sets)) => {
                let claim = sets.iter().find_map(records::read_fence);
                put(&mut self.zone_claims, zone.clone(), claim)
            }
            (Look::Zone(id), Answer::Zone(zone)) => put(&mut self.zones, id.clone(), zone),
            (Look::ClosedCheck, Answer::HealthCheck(check)) => {
                replace(&mut self.closed_check, Some(check))
            }
            (Look::Gate, Answer::Gate(gate)) => {
                replace(&mut self.gate_claim, gate.and_then(|gate| gate.claim))
            }
            _ => false,
        }
    }

    fn learn_absence(&mut self, look: &Look, at: Mono) -> bool {
        match look {
            Look::Instance(site) => see(&mut self.instances, *site, at, None),
            Look::Workload(site, index) => see(&mut self.workloads, (*site, *index), at, None),
            Look::Floor(site, index) => see(&mut self.floor, (*site, *index), at, None),
            Look::Pool(index) => see(&mut self.pools, *index, at, None),
            _ => false,
        }
    }

    fn replicated(&mut self, site: Site, points: &[crate::model::Counted]) -> bool {
        let replication = self.replication.entry(site).or_default();
        let mut news = false;
        for point in points {
            news |= replication.point(point.at, u64::try_from(point.thousandths).ok());
        }
        news
    }

    /// A site's database instance, as last seen.
    pub(super) fn instance(&self, site: Site) -> Option<&Instance> {
        self.instances.get(&site).and_then(|seen| seen.value.as_ref())
    }

    /// Standby's claim is asked for: what is known by now was so before.
    pub(super) fn asks_for_claim(&mut self) {
        if !alike(&self.asked, &self.instances) {
            self.asked.clone_from(&self.instances);
        }
    }

    /// Standby's claim was answered; whether that tells anything new of the instances.
    fn vet(&mut self) -> bool {
        let news = !alike(&self.vetted, &self.asked);
        if news {
            self.vetted.clone_from(&self.asked);
        }
        news
    }

    /// Whether the instances are as they were before standby was last asked for its claim. Whoever
    /// leaves home claims there before a door is closed: what a claim is found behind is no peace.
    pub(super) fn vetted(&self) -> bool {
        alike(&self.instances, &self.vetted)
    }

    /// A site's replication samples start anew: its member is another one now.
    pub(super) fn forget_replication(&mut self, site: Site) {
        self.replication.remove(&site);
    }

    /// The claims found in the world: at the lever and in the clusters.
    pub(super) fn claims(&self) -> impl Iterator<Item = &Claim> {
        let clusters = self.cluster_claims.values().filter_map(|seen| seen.value.as_ref());
        clusters.chain(self.lever_claims())
    }

    /// The claims found at the lever.
    pub(super) fn lever_claims(&self) -> impl Iterator<Item = &Claim> {
        self.zone_claims.values().flatten().chain(&self.gate_claim)
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

/// Keeps what was seen; whether it is another value than before, or the first for long.
fn see<K: Ord, T: PartialEq>(all: &mut BTreeMap<K, SeenAt<T>>, key: K, at: Mono, value: T) -> bool {
    match all.entry(key) {
        Entry::Vacant(place) => {
            place.insert(SeenAt { at, value });
            true
        }
        Entry::Occupied(place) => {
            let seen = place.into_mut();
            let news = seen.value != value || !seen.fresh(at);
            *seen = SeenAt { at, value };
            news
        }
    }
}

/// Keeps what does not grow old; whether it is another value than before.
fn put<K: Ord, T: PartialEq>(all: &mut BTreeMap<K, T>, key: K, value: T) -> bool {
    match all.entry(key) {
        Entry::Vacant(place) => {
            place.insert(value);
            true
        }
        Entry::Occupied(place) => replace(place.into_mut(), value),
    }
}

/// Puts a value in the place of another; whether they differ.
fn replace<T: PartialEq>(place: &mut T, value: T) -> bool {
    let news = *place != value;
    *place = value;
    news
}

/// Whether two looks saw the same, whenever that was.
fn alike<K: Ord, T: PartialEq>(
    one: &BTreeMap<K, SeenAt<T>>,
    other: &BTreeMap<K, SeenAt<T>>,
) -> bool {
    let values = |all| BTreeMap::iter(all).map(|(key, seen): (_, &SeenAt<T>)| (key, &seen.value));
    values(one).eq(values(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::FenceView;
    use crate::testing::{claim, instance};

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

    #[test]
    fn what_was_seen_is_new_when_it_differs_or_nothing_was_known_for_long() {
        let mut all = BTreeMap::new();
        let minutes = |n: u64| Mono(n * 60_000);
        let looks = [(0, 'a'), (1, 'a'), (2, 'b'), (5, 'b'), (9, 'b'), (9, 'b')];
        let news = looks.map(|(at, value)| see(&mut all, (), minutes(at), value));
        assert_eq!(news, [true, false, true, false, true, false]);
        assert!(all[&()].fresh(minutes(12)) && !all[&()].fresh(Mono(12 * 60_000 + 1)));
        let mut kept = BTreeMap::new();
        assert_eq!(['a', 'a', 'b'].map(|value| put(&mut kept, (), value)), [true, false, true]);
    }

    #[test]
    fn whatever_an_answer_changes_is_news() {
        let now = Now { mono: Mono(1), wall: Wall(1) };
        let streams = |streaming, group: &str| {
            let mut replica = instance("shop-standby", Site::Standby, "db-2", None);
            replica.streaming = streaming;
            replica.settings.security_groups = vec![group.into()];
            Answer::Instance(replica)
        };
        let (mut known, look) = (Known::default(), Look::Instance(Site::Standby));
        let answers = [(true, "sg-app"), (true, "sg-app"), (true, "sg-closed"), (false, "sg-app")];
        let news = answers.map(|(on, group)| known.take(0, &look, now, Ok(streams(on, group))));
        assert_eq!(news, [true, false, true, true]);
        assert_eq!(known.revision, 3);
        let Answer::Instance(told) = streams(false, "sg-app") else { unreachable!() };
        let later = Instance { told_at: Wall(9), ..told };
        assert!(!known.take(0, &look, now, Ok(Answer::Instance(later))), "the same, told later");
        let look = Look::ClusterClaim(Site::Standby);
        let claims = |epoch| {
            let (version, claim) = ("1".into(), claim(epoch, "r"));
            Ok(Answer::Fence(Some(FenceView { version, claim })))
        };
        assert!(known.take(1, &look, now, claims(1)));
        known.asks_for_claim();
        assert!(known.take(1, &look, now, claims(2)), "a claim, and what lies before it");
        assert!(known.take(1, &look, now, claims(3)), "a claim alone");
        known.take(0, &Look::Instance(Site::Standby), now, Ok(streams(true, "sg-app")));
        known.asks_for_claim();
        assert!(known.take(1, &look, now, claims(3)), "what lies before it alone");
        assert!(!known.take(1, &look, now, claims(3)));
        let (look, lost) = (Look::Replication(Site::Standby), Fault::Transient("503".into()));
        assert!(known.take(2, &look, now, Err(lost.clone())));
        assert!(known.take(2, &look, now, Ok(Answer::Points(Vec::new()))), "it is answered now");
        assert!(!known.take(2, &look, now, Ok(Answer::Points(Vec::new()))));
        let point =
            |minute: i64| crate::model::Counted { at: Wall(minute * 60_000), thousandths: 1 };
        for (minutes, news) in [(0..1, true), (0..2, true), (0..2, false), (1..3, true)] {
            let points = Answer::Points(minutes.clone().map(point).collect());
            assert_eq!(known.take(2, &look, now, Ok(points)), news, "{minutes:?}");
        }
        assert!(known.take(2, &look, now, Err(lost)));
        assert!(known.take(2, &look, now, Ok(Answer::Points(Vec::new()))), "it answers again");
    }

    #[test]
    fn a_look_that_fails_as_before_tells_nothing_new() {
        let (mut known, look) = (Known::default(), Look::Pool(0));
        let mut hears = |answer| known.take(0, &look, Now { mono: Mono(1), wall: Wall(1) }, answer);
        let lost = || Err(Fault::Transient("503".into()));
        let gone = || Err(Fault::NotFound("gone".into()));
        let news = [lost(), lost(), gone(), gone(), lost(), gone()].map(&mut hears);
        assert_eq!(news, [true, false, true, false, true, true]);
        assert_eq!(known.revision, 4);
        let later = Now { mono: Mono(600_001), wall: Wall(600_001) };
        assert!(known.take(0, &look, later, gone()), "nobody knew for long");
    }
}
