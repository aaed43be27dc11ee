//! One simulated cluster: its API server's objects, its controllers, a scheduler and Karpenter.
//!
//! Objects change under resourceVersions, and their status does too, so that a write based on a
//! read from before a pod became ready is a conflict, as it is in life. Nothing here knows of
//! Regions: who can reach the API server, and whether time passes for the pods, is the world's
//! business.

mod api;
mod nodes;
mod objects;
mod pods;
mod spec;

use std::collections::BTreeMap;

use bowline_core::model::{JobRef, Mono, Now, ObjectName, Span, WorkloadRef};
use bowline_core::op::{JobView, NodesView, PoolView, WorkloadView};

use crate::part::Part;
use crate::timers::Timers;
use nodes::{Batch, Node, NodeId};
use objects::{CronJob, NodePool, Objects};
use pods::{Pod, PodId};

pub use spec::{Between, ClusterSpec, JobSpec, PoolSpec, Timings, WorkloadSpec};

/// A cluster.
#[derive(Clone, Debug)]
pub struct KubeCluster {
    objects: Objects,
    pods: BTreeMap<PodId, Pod>,
    nodes: BTreeMap<NodeId, Node>,
    batch: Option<Batch>,
    gitops: Option<Span>,
    named: u32,
    frozen: Option<Mono>,
    timers: Timers<Due>,
    timings: Timings,
    changes: Vec<Change>,
}

/// Something that others see of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// How many pods of a workload are ready.
    Ready {
        /// Which workload.
        workload: WorkloadRef,
        /// Pods that take requests now.
        ready: u32,
    },
    /// How many nodes a NodePool has.
    Nodes {
        /// Which NodePool.
        pool: ObjectName,
        /// How many there are.
        nodes: NodesView,
    },
}

/// Something that happens by itself.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// A controller sees its workload's `spec`.
    Observe(usize),
    /// A pod has started.
    Started(PodId),
    /// A deleted pod is gone.
    Gone(PodId),
    /// Karpenter learns a NodePool's limits.
    Limits(usize),
    /// Karpenter's batch window may close.
    Batch,
    /// Karpenter forgets that a pool had no capacity.
    Retry(usize),
    /// A node has joined the cluster.
    Registered(NodeId),
    /// A node takes pods.
    NodeReady(NodeId),
    /// A node was empty for long enough, if it still is for the same reason.
    Consolidate(NodeId, u32),
    /// A removed node is gone.
    NodeGone(NodeId),
    /// A CronJob's schedule.
    JobStarts(usize),
    /// A job of a CronJob ends.
    JobEnds(usize),
    /// The GitOps controller compares.
    Compare,
}

impl KubeCluster {
    /// A cluster in peace: what is wanted runs, as far as the floor has room for it.
    #[must_use]
    pub fn new(spec: &ClusterSpec, rng: &mut fastrand::Rng) -> Self {
        let mut this = Self {
            objects: Objects::new(spec),
            pods: BTreeMap::new(),
            nodes: BTreeMap::new(),
            batch: None,
            gitops: None,
            named: 0,
            frozen: None,
            timers: Timers::default(),
            timings: spec.timings,
            changes: Vec::new(),
        };
        for _ in 0..spec.floor {
            this.add_floor_node(spec.floor_cpu);
        }
        this.fill();
        for (index, job) in spec.jobs.iter().enumerate() {
            let first = Between(Span::ZERO, job.every).draw(rng);
            this.timers.set(Mono(0) + first, Due::JobStarts(index));
        }
        this
    }

    /// What others saw change since the last call, in order.
    pub fn drain_changes(&mut self) -> std::vec::Drain<'_, Change> {
        self.changes.drain(..)
    }

    /// Whether something changed that [`Self::drain_changes`] has not yet told.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// A workload with its true counts: `ready` does not wait for a controller to say so.
    #[must_use]
    pub fn workload(&self, workload: &WorkloadRef) -> Option<&WorkloadView> {
        self.objects.workload(workload).ok().map(|index| &self.objects.workloads[index].view)
    }

    /// A CronJob.
    #[must_use]
    pub fn job(&self, job: &JobRef) -> Option<&JobView> {
        self.objects.job(job).ok().map(|index| &self.objects.jobs[index].view)
    }

    /// A NodePool.
    #[must_use]
    pub fn pool(&self, pool: &ObjectName) -> Option<&PoolView> {
        self.objects.pool(pool).ok().map(|index| &self.objects.pools[index].view)
    }

    /// The nodes of a NodePool that have joined the cluster.
    #[must_use]
    pub fn nodes(&self, pool: &ObjectName) -> Option<NodesView> {
        self.objects.pool(pool).ok().map(|index| self.count_nodes(index))
    }

    /// Everything that can be held and still says that it is: `(object, annotation)`.
    #[must_use]
    pub fn notes(&self) -> Vec<(String, std::sync::Arc<str>)> {
        let Objects { workloads, jobs, pools, .. } = &self.objects;
        let workloads = workloads.iter().map(|w| (w.object.to_string(), &w.view.note));
        let jobs = jobs.iter().map(|j| (j.name.to_string(), &j.view.note));
        let pools = pools.iter().map(|p| (format!("NodePool {}", p.name), &p.view.note));
        let all = workloads.chain(jobs).chain(pools);
        all.filter_map(|(name, note)| note.clone().map(|note| (name, note))).collect()
    }

    /// When the GitOps controller last put a workload's replicas back.
    #[must_use]
    pub fn put_back(&self, workload: &WorkloadRef) -> Option<Mono> {
        self.objects.workload(workload).ok().and_then(|n| self.objects.workloads[n].put_back)
    }

    /// When a NodePool's limits were last set.
    #[must_use]
    pub fn limited(&self, pool: &ObjectName) -> Option<Mono> {
        self.objects.pool(pool).ok().and_then(|n| self.objects.pools[n].limited)
    }

    /// **Fault**: EC2 has only so many nodes left for a NodePool (`None`: as many as wanted).
    pub fn limit_capacity(&mut self, pool: &ObjectName, available: Option<u32>) {
        if let Ok(index) = self.objects.pool(pool) {
            self.objects.pools[index].available = available;
        }
    }

    /// **Fault**: a GitOps controller compares all workloads, CronJobs and NodePools with Git every
    /// so often, and puts back what Git declares. `None` stops it.
    pub fn revert_every(&mut self, period: Option<Span>, now: Now) {
        let idle = self.gitops.is_none();
        self.gitops = period;
        if let (Some(period), true) = (period, idle) {
            self.timers.set(now.mono + period, Due::Compare);
        }
    }

    /// **Fault**: everything in the cluster stands still. Nobody may call it meanwhile.
    pub fn freeze(&mut self, now: Now) {
        self.frozen.get_or_insert(now.mono);
    }

    /// It goes on from where it was: what was due in five seconds is due in five seconds.
    pub fn thaw(&mut self, now: Now) {
        let Some(since) = self.frozen.take() else { return };
        let lost = now.mono.since(since);
        self.timers.delay(lost);
        if let Some(batch) = &mut self.batch {
            batch.delay(lost);
        }
    }

    fn happen(&mut self, due: Due, at: Mono, rng: &mut fastrand::Rng) {
        match due {
            Due::Observe(workload) => self.observe(workload, at, rng),
            Due::Started(pod) => self.pod_started(pod, at, rng),
            Due::Gone(pod) => self.pod_gone(pod, at, rng),
            Due::Limits(pool) => self.learn_limits(pool, at),
            Due::Batch => self.close_batch(at, rng),
            Due::Retry(pool) => self.retry(pool, at),
            Due::Registered(node) => self.node_registered(node),
            Due::NodeReady(node) => self.node_ready(node, at, rng),
            Due::Consolidate(node, stamp) => self.consolidate(node, stamp, at, rng),
            Due::NodeGone(node) => self.node_gone(node, at),
            Due::JobStarts(job) => self.job_starts(job, at, rng),
            Due::JobEnds(job) => self.job_ends(job),
            Due::Compare => self.compare(at, rng),
        }
    }

    fn job_starts(&mut self, index: usize, at: Mono, rng: &mut fastrand::Rng) {
        let job = &self.objects.jobs[index];
        self.timers.set(at + job.every, Due::JobStarts(index));
        if !job.view.suspended {
            let ends = at + job.lasts.draw(rng);
            self.timers.set(ends, Due::JobEnds(index));
            let version = self.objects.revise();
            let view = &mut self.objects.jobs[index].view;
            view.active += 1;
            view.version = version;
        }
    }

    fn job_ends(&mut self, index: usize) {
        let version = self.objects.revise();
        let view = &mut self.objects.jobs[index].view;
        view.active -= 1;
        view.version = version;
    }

    fn compare(&mut self, at: Mono, rng: &mut fastrand::Rng) {
        let Some(period) = self.gitops else { return };
        self.timers.set(at + period, Due::Compare);
        for index in 0..self.objects.workloads.len() {
            let workload = &self.objects.workloads[index];
            if workload.view.wanted != workload.declared {
                self.want(index, workload.declared, at, rng);
                self.objects.workloads[index].put_back = Some(at);
            }
        }
        for index in 0..self.objects.jobs.len() {
            let CronJob { view, declared, .. } = &self.objects.jobs[index];
            if view.suspended != *declared {
                let (suspended, version) = (*declared, self.objects.revise());
                let view = &mut self.objects.jobs[index].view;
                (view.suspended, view.version) = (suspended, version);
            }
        }
        for index in 0..self.objects.pools.len() {
            let NodePool { view, declared, .. } = &self.objects.pools[index];
            if view.limits != *declared {
                let (limits, version) = (declared.clone(), self.objects.revise());
                self.objects.pools[index].view.version = version;
                self.limit(index, limits, at, rng);
            }
        }
    }

    fn fresh_id(&mut self) -> u32 {
        self.named += 1;
        self.named
    }
}

impl Part for KubeCluster {
    fn next(&self) -> Option<Mono> {
        if self.frozen.is_some() { None } else { self.timers.next() }
    }

    fn advance(&mut self, now: Now, rng: &mut fastrand::Rng) {
        if self.frozen.is_some() {
            return;
        }
        while let Some((at, due)) = self.timers.pop(now.mono) {
            self.happen(due, at, rng);
        }
    }
}

#[cfg(test)]
mod tests;
