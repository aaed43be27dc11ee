//! Controllers that think they own a zone's failover sets: external-dns, or GitOps with an operator
//! for Route 53. Each puts them back as they were when it began to look.

use bowline_core::model::{Mono, Now, Span, ZoneId};
use bowline_core::op::RecordSet;

use super::{News, World};
use crate::faults::Trouble;
use crate::part::earliest;

/// One such controller.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    zone: ZoneId,
    every: Span,
    next: Mono,
    /// The failover sets as it wants them.
    declared: Vec<RecordSet>,
}

impl World {
    /// Lets as many controllers own zones as there are troubles that say so.
    pub(super) fn play_owners(&mut self, now: Now) {
        let wanted: Vec<_> = self.present.iter().filter_map(owned).collect();
        self.owners.retain(|owner| wanted.contains(&(owner.zone.clone(), owner.every)));
        for (zone, every) in wanted {
            if !self.owners.iter().any(|owner| (&owner.zone, owner.every) == (&zone, every)) {
                let declared = self.failover_sets(&zone);
                self.owners.push(Owner { zone, every, next: now.mono + every, declared });
            }
        }
    }

    /// When a controller compares next.
    pub(super) fn next_owner(&self) -> Option<Mono> {
        earliest(self.owners.iter().map(|owner| Some(owner.next)))
    }

    /// Lets controllers compare and put back.
    pub(super) fn advance_owners(&mut self, now: Now, rng: &mut fastrand::Rng) {
        for index in 0..self.owners.len() {
            let owner = &mut self.owners[index];
            if owner.next > now.mono {
                continue;
            }
            owner.next = now.mono + owner.every;
            let (zone, declared) = (owner.zone.clone(), owner.declared.clone());
            let present = self.failover_sets(&zone);
            let missing = |from: &[RecordSet], of: &[RecordSet]| -> Vec<RecordSet> {
                of.iter().filter(|set| !from.contains(set)).cloned().collect()
            };
            let (delete, create) = (missing(&declared, &present), missing(&present, &declared));
            if delete.is_empty() && create.is_empty() {
                continue;
            }
            // A zone that is busy is tried again next time.
            if self.route53.overwrite(&zone, (&delete, &create), now, rng).is_ok() {
                self.news.push(News::Reverted(zone));
            }
        }
    }

    fn failover_sets(&self, zone: &ZoneId) -> Vec<RecordSet> {
        let names = self.groups.iter().flat_map(|group| &group.names);
        let names = names.filter(|(_, of)| of == zone);
        let sets = names.flat_map(|(name, zone)| self.route53.sets(zone, name));
        sets.filter(|set| set.failover.is_some()).cloned().collect()
    }
}

fn owned(trouble: &Trouble) -> Option<(ZoneId, Span)> {
    match trouble {
        Trouble::DnsOwned { zone, every } => Some((zone.clone(), *every)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bowline_core::model::Site;

    use super::*;
    use crate::world::bench::Bench;

    fn owned() -> Trouble {
        Trouble::DnsOwned { zone: "Z0123456789".into(), every: Span::secs(30) }
    }

    fn shift(bench: &mut Bench) {
        for (name, zone) in bench.world.groups()[0].names.clone() {
            bench.shift(&name, &zone);
            bench.pass(Span::secs(1));
        }
    }

    #[test]
    fn what_was_shifted_is_put_back_and_told() {
        let mut bench = Bench::shop(1);
        bench.begin(&owned());
        shift(&mut bench);
        bench.world.drain_news().for_each(drop);
        bench.until("answers lead home again", |bench| bench.told() == Some(Site::Home));
        bench.pass(Span::mins(3));
        let told = bench.world.drain_news().filter(|news| matches!(news, News::Reverted(_)));
        assert_eq!(told.count(), 1, "put back once, and then nothing differs");
        assert_eq!(bench.told(), Some(Site::Home));
    }

    #[test]
    fn once_nobody_owns_the_zone_a_shift_stays() {
        let mut bench = Bench::shop(1);
        bench.begin(&owned());
        bench.end(&owned());
        shift(&mut bench);
        bench.pass(Span::mins(5));
        assert_eq!(bench.told(), Some(Site::Standby));
    }
}
