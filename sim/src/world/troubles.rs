//! Troubles of parts: what stands still, and how it goes on.

use bowline_core::model::{Now, Region, Site};

use super::World;
use crate::aws::rds::DoorId;
use crate::faults::Trouble;
use crate::kube::KubeCluster;
use crate::store::Condition;

impl World {
    /// A trouble of a part begins.
    pub fn begin(&mut self, trouble: &Trouble, now: Now, rng: &mut fastrand::Rng) {
        self.play(trouble, true, now);
        self.disturb();
        self.settle(now, rng);
    }

    /// A trouble of a part ends.
    pub fn end(&mut self, trouble: &Trouble, now: Now, rng: &mut fastrand::Rng) {
        self.play(trouble, false, now);
        self.disturb();
        self.settle(now, rng);
    }

    fn play(&mut self, trouble: &Trouble, on: bool, now: Now) {
        match trouble {
            Trouble::RegionDead(region) => self.kill_region(region, on, now),
            Trouble::TargetsDown(region) => {
                for at in self.sites_in(region) {
                    self.app.set_broken(at, on);
                }
            }
            Trouble::DatabaseDown(region) => self.kill_databases(region, on, now),
            Trouble::RegionsApart => self.rds.set_partitioned(on, now),
            Trouble::Store(condition) => {
                self.store.condition = if on { *condition } else { Condition::Fit };
            }
            Trouble::NoCapacity { cluster, pool, available } => {
                self.with(cluster, |kube| kube.limit_capacity(pool, on.then_some(*available)));
            }
            Trouble::GitOps { cluster, every } => {
                self.with(cluster, |kube| kube.revert_every(on.then_some(*every), now));
            }
            _ => {}
        }
    }

    /// Everything in the Region stands still, or goes on from where it was.
    fn kill_region(&mut self, region: &Region, dead: bool, now: Now) {
        match dead {
            true => self.dead.push(region.clone()),
            false => self.dead.retain(|other| other != region),
        }
        for site in self.clusters.values_mut().filter(|site| site.region == *region) {
            match dead {
                true => site.kube.freeze(now),
                false => site.kube.thaw(now),
            }
        }
        for at in self.sites_in(region) {
            self.app.set_dead(at, dead);
        }
        self.kill_databases(region, dead, now);
    }

    fn kill_databases(&mut self, region: &Region, dead: bool, now: Now) {
        for at in self.sites_in(region) {
            let Some(door) = self.groups[at.group].door(at.site) else { continue };
            match dead {
                true => self.rds.kill(door, now),
                false => self.rds.revive(door, now),
            }
        }
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
