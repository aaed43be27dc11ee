//! The world: all its parts, and who answers which call.

use std::collections::BTreeMap;

use bowline_core::model::{Cluster, GroupName, Mono, Now, Region};
use bowline_core::op::{Answer, Fault, Op, StoreOp};

use crate::faults::{Place, Trouble};
use crate::kube::{Change, KubeCluster};
use crate::lease::Lease;
use crate::part::{Part, earliest};
use crate::store::Store;

/// The world.
#[derive(Debug, Default)]
pub struct World {
    /// The durable store in the management cluster.
    pub store: Store,
    /// The leader lease.
    pub lease: Lease,
    clusters: BTreeMap<Cluster, SiteCluster>,
    dead: Vec<Region>,
    next: Option<Mono>,
    news: Vec<News>,
}

/// A cluster and where it is.
#[derive(Debug)]
struct SiteCluster {
    region: Region,
    kube: KubeCluster,
}

/// What became of a call in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Answered(Result<Answer, Fault>),
    /// Nobody is there to answer, and nothing happened.
    Silent,
}

/// Something that changed in the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Pods or nodes of a cluster.
    Cluster(Cluster, Change),
    /// An entry of a group's chain was stored.
    Stored(GroupName, u64),
}

impl World {
    /// Adds a cluster.
    pub fn add_cluster(&mut self, cluster: Cluster, region: Region, mut kube: KubeCluster) {
        kube.drain_changes();
        self.clusters.insert(cluster, SiteCluster { region, kube });
        self.refresh();
    }

    /// A cluster.
    #[must_use]
    pub fn cluster(&self, cluster: &Cluster) -> Option<&KubeCluster> {
        self.clusters.get(cluster).map(|site| &site.kube)
    }

    /// When something happens in it next by itself.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        self.next
    }

    /// Lets everything happen that is due.
    pub fn advance(&mut self, now: Now, rng: &mut fastrand::Rng) {
        for site in self.clusters.values_mut() {
            if site.kube.next().is_some_and(|next| next <= now.mono) {
                site.kube.advance(now, rng);
            }
        }
        self.settle();
    }

    /// What changed since the last call.
    pub fn drain_news(&mut self) -> std::vec::Drain<'_, News> {
        self.news.drain(..)
    }

    /// Where a call goes.
    #[must_use]
    pub fn place<'a>(&'a self, op: &'a Op, _now: Now) -> Place<'a> {
        match op {
            Op::Store(_) | Op::Lease(_) => Place::Management,
            Op::Kube(cluster, _) => match self.clusters.get(cluster) {
                Some(site) => Place::Region(&site.region),
                None => Place::Outside,
            },
            Op::Route53(..) => Place::Dns,
            Op::Elb(scope, _) | Op::Rds(scope, _) | Op::CloudWatch(scope, _) => {
                Place::Region(&scope.region)
            }
            Op::Gate(..) | Op::Probe(_) | Op::Notify(_) => Place::Outside,
        }
    }

    /// Performs a call's effect.
    pub fn perform(&mut self, op: &Op, now: Now, rng: &mut fastrand::Rng) -> Outcome {
        if let Place::Region(region) = self.place(op, now)
            && self.dead.contains(region)
        {
            return Outcome::Silent;
        }
        let result = match op {
            Op::Store(op) => self.store(op),
            Op::Lease(op) => self.lease.perform(op),
            Op::Kube(cluster, op) => match self.clusters.get_mut(cluster) {
                Some(site) => site.kube.perform(op, now, rng),
                None => Err(Fault::NotFound(format!("cluster {cluster}"))),
            },
            Op::Notify(_) => Ok(Answer::Ok),
            other => Err(Fault::Invalid(format!("no such part: {other:?}"))),
        };
        if op.mutates() {
            self.settle();
        }
        Outcome::Answered(result)
    }

    /// A trouble of a part begins.
    pub fn begin(&mut self, trouble: &Trouble, now: Now, _rng: &mut fastrand::Rng) {
        match trouble {
            Trouble::RegionDead(region) => {
                self.dead.push(region.clone());
                let inside = self.clusters.values_mut().filter(|site| site.region == *region);
                inside.for_each(|site| site.kube.freeze(now));
            }
            Trouble::Store(condition) => self.store.condition = *condition,
            Trouble::NoCapacity { cluster, pool, available } => {
                self.with(cluster, |kube| kube.limit_capacity(pool, Some(*available)));
            }
            Trouble::GitOps { cluster, every } => {
                self.with(cluster, |kube| kube.revert_every(Some(*every), now));
            }
            _ => {}
        }
        self.settle();
    }

    /// A trouble of a part ends.
    pub fn end(&mut self, trouble: &Trouble, now: Now, _rng: &mut fastrand::Rng) {
        match trouble {
            Trouble::RegionDead(region) => {
                self.dead.retain(|dead| dead != region);
                let inside = self.clusters.values_mut().filter(|site| site.region == *region);
                inside.for_each(|site| site.kube.thaw(now));
            }
            Trouble::Store(_) => self.store.condition = Default::default(),
            Trouble::NoCapacity { cluster, pool, .. } => {
                self.with(cluster, |kube| kube.limit_capacity(pool, None));
            }
            Trouble::GitOps { cluster, .. } => {
                self.with(cluster, |kube| kube.revert_every(None, now));
            }
            _ => {}
        }
        self.settle();
    }

    fn with(&mut self, cluster: &Cluster, act: impl FnOnce(&mut KubeCluster)) {
        if let Some(site) = self.clusters.get_mut(cluster) {
            act(&mut site.kube);
        }
    }

    fn store(&mut self, op: &StoreOp) -> Result<Answer, Fault> {
        let answer = self.store.perform(op)?;
        if let StoreOp::Append { group, seq, .. } = op {
            self.news.push(News::Stored(group.clone(), *seq));
        }
        Ok(answer)
    }

    /// Takes up what parts have changed.
    fn settle(&mut self) {
        for (cluster, site) in &mut self.clusters {
            if site.kube.has_changes() {
                let changes = site.kube.drain_changes();
                self.news.extend(changes.map(|change| News::Cluster(cluster.clone(), change)));
            }
        }
        self.refresh();
    }

    fn refresh(&mut self) {
        self.next = earliest(self.clusters.values().map(|site| site.kube.next()));
    }
}
