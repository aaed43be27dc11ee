//! Troubles of parts: what stands still, and how it goes on.

use bowline_core::model::{Cluster, Now, ObjectName, Region, Site};

use super::World;
use crate::aws::rds::DoorId;
use crate::faults::Trouble;
use crate::kube::KubeCluster;

impl World {
    /// A trouble of a part begins.
    pub fn begin(&mut self, trouble: &Trouble, now: Now, rng: &mut fastrand::Rng) {
        self.present.push(trouble.clone());
        self.play(trouble, now);
        self.disturb();
        self.settle(now, rng);
    }

    /// A trouble of a part ends. What another one holds stays as it is.
    pub fn end(&mut self, trouble: &Trouble, now: Now, rng: &mut fastrand::Rng) {
        if let Some(index) = self.present.iter().position(|present| present == trouble) {
            self.present.remove(index);
        }
        self.play(trouble, now);
        self.disturb();
        self.settle(now, rng);
    }

    /// Whether a Region is dead as a whole.
    #[must_use]
    pub fn is_dead(&self, region: &Region) -> bool {
        self.suffers(|present| matches!(present, Trouble::RegionDead(r) if r == region))
    }

    fn suffers(&self, from: impl Fn(&Trouble) -> bool) -> bool {
        self.present.iter().any(from)
    }

    /// Makes what a trouble concerns as all troubles together want it.
    fn play(&mut self, trouble: &Trouble, now: Now) {
        match trouble {
            Trouble::RegionDead(region)
            | Trouble::TargetsDown(region)
            | Trouble::DatabaseDown(region) => self.play_region(region, now),
            Trouble::RegionsApart => {
                let apart = self.suffers(|present| *present == Trouble::RegionsApart);
                self.rds.set_partitioned(apart, now);
            }
            Trouble::Store(_) => {
                let condition = self.present.iter().rev().find_map(|present| match present {
                    Trouble::Store(condition) => Some(*condition),
                    _ => None,
                });
                self.store.condition = condition.unwrap_or_default();
            }
            Trouble::NoCapacity { cluster, pool, .. } => self.play_capacity(cluster, pool),
            Trouble::GitOps { cluster, .. } => self.play_gitops(cluster, now),
            Trouble::DnsOwned { .. } => self.play_owners(now),
            _ => {}
        }
    }

    /// Everything in a dead Region stands still, and later goes on from where it was.
    fn play_region(&mut self, region: &Region, now: Now) {
        let dead = self.is_dead(region);
        let broken = self.suffers(|t| matches!(t, Trouble::TargetsDown(r) if r == region));
        let no_data = self.suffers(|t| matches!(t, Trouble::DatabaseDown(r) if r == region));
        for site in self.clusters.values_mut().filter(|site| site.region == *region) {
            match dead {
                true => site.kube.freeze(now),
                false => site.kube.thaw(now),
            }
        }
        for at in self.sites_in(region) {
            self.app.set_dead(at, dead);
            self.app.set_broken(at, broken);
            let Some(door) = self.groups[at.group].door(at.site) else { continue };
            match dead || no_data {
                true => self.rds.kill(door, now),
                false => self.rds.revive(door, now),
            }
        }
    }

    fn play_capacity(&mut self, cluster: &Cluster, pool: &ObjectName) {
        let least = self.present.iter().filter_map(|present| match present {
            Trouble::NoCapacity { cluster: c, pool: p, available } if c == cluster && p == pool => {
                Some(*available)
            }
            _ => None,
        });
        let least = least.min();
        self.with(cluster, |kube| kube.limit_capacity(pool, least));
    }

    fn play_gitops(&mut self, cluster: &Cluster, now: Now) {
        let every = self.present.iter().find_map(|present| match present {
            Trouble::GitOps { cluster: c, every } if c == cluster => Some(*every),
            _ => None,
        });
        self.with(cluster, |kube| kube.revert_every(every, now));
    }

    fn sites_in(&self, region: &Region) -> Vec<DoorId> {
        let all =
            (0..self.groups.len()).flat_map(|group| Site::BOTH.map(|site| DoorId { group, site }));
        all.filter(|at| self.groups[at.group].site(at.site).region == *region).collect()
    }

    fn with(&mut self, cluster: &bowline_core::model::Cluster, act: impl FnOnce(&mut KubeCluster)) {
        if let Some(site) = self.clusters.get_mut(cluster) {
            act(&mut site.kube);
        }
    }
}
