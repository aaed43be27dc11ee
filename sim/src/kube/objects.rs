//! What the API server keeps: objects under one revision counter, and nothing that acts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::model::{
    GroupName, JobRef, Mono, ObjectName, ObjectRef, Span, Version, WorkloadRef,
};
use bowline_core::op::{Fault, FenceView, JobView, PoolView, Quantities, WorkloadView};

use super::spec::{Between, ClusterSpec, JobSpec, PoolSpec, WorkloadSpec};

/// All objects of a cluster that Bowline may touch.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    revision: u64,
    pub(super) workloads: Vec<Workload>,
    pub(super) jobs: Vec<CronJob>,
    pub(super) pools: Vec<NodePool>,
    pub(super) fences: BTreeMap<GroupName, FenceView>,
    workload_at: BTreeMap<WorkloadRef, usize>,
    job_at: BTreeMap<JobRef, usize>,
    pool_at: BTreeMap<ObjectName, usize>,
}

/// A Deployment or StatefulSet. `view.ready` and `view.pods` are its true counts.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    pub(super) object: WorkloadRef,
    pub(super) view: WorkloadView,
    /// CPU that each pod requests, in milli-units.
    pub(super) cpu: u64,
    /// Whether its controller has not yet seen the present `spec`.
    pub(super) unobserved: bool,
    /// Replicas that Git declares.
    pub(super) declared: u32,
    /// When somebody else last put them back.
    pub(super) put_back: Option<Mono>,
}

/// A CronJob.
#[derive(Clone, Debug)]
pub(super) struct CronJob {
    pub(super) name: String,
    pub(super) view: JobView,
    pub(super) every: Span,
    pub(super) lasts: Between,
    /// Whether Git declares it suspended.
    pub(super) declared: bool,
}

/// A Karpenter NodePool.
#[derive(Clone, Debug)]
pub(super) struct NodePool {
    pub(super) name: ObjectName,
    pub(super) view: PoolView,
    /// When its limits were last set.
    pub(super) limited: Option<Mono>,
    /// The limits that Git declares.
    pub(super) declared: Quantities,
    /// The limits as Karpenter knows them.
    pub(super) seen: Quantities,
    pub(super) node_cpu: u64,
    pub(super) node_memory: u64,
    /// How many nodes EC2 has left for it; `None`: as many as wanted.
    pub(super) available: Option<u32>,
    /// Whether a lack of capacity is still remembered.
    pub(super) exhausted: bool,
}

impl Objects {
    pub(super) fn new(spec: &ClusterSpec) -> Self {
        let mut this = Self {
            revision: 1_000,
            workloads: Vec::new(),
            jobs: Vec::new(),
            pools: Vec::new(),
            fences: BTreeMap::new(),
            workload_at: BTreeMap::new(),
            job_at: BTreeMap::new(),
            pool_at: BTreeMap::new(),
        };
        spec.workloads.iter().for_each(|workload| this.add_workload(workload));
        spec.jobs.iter().for_each(|job| this.add_job(job));
        spec.pools.iter().for_each(|pool| this.add_pool(pool));
        this
    }

    fn add_workload(&mut self, spec: &WorkloadSpec) {
        self.workload_at.insert(spec.object.clone(), self.workloads.len());
        let view = WorkloadView {
            version: self.revise(),
            wanted: spec.replicas,
            ready: 0,
            pods: 0,
            note: None,
            claims_volumes: spec.claims_volumes,
        };
        self.workloads.push(Workload {
            object: spec.object.clone(),
            view,
            cpu: spec.cpu,
            unobserved: false,
            declared: spec.replicas,
            put_back: None,
        });
    }

    fn add_job(&mut self, spec: &JobSpec) {
        self.job_at.insert(spec.object.clone(), self.jobs.len());
        let version = self.revise();
        let view = JobView { version, suspended: spec.suspended, active: 0, note: None };
        let name = format!("CronJob {}/{}", spec.object.namespace, spec.object.name);
        self.jobs.push(CronJob {
            name,
            view,
            every: spec.every,
            lasts: spec.lasts,
            declared: spec.suspended,
        });
    }

    fn add_pool(&mut self, spec: &PoolSpec) {
        self.pool_at.insert(spec.name.clone(), self.pools.len());
        let view = PoolView { version: self.revise(), limits: spec.limits.clone(), note: None };
        self.pools.push(NodePool {
            name: spec.name.clone(),
            view,
            limited: None,
            declared: spec.limits.clone(),
            seen: spec.limits.clone(),
            node_cpu: spec.node_cpu,
            node_memory: spec.node_memory,
            available: None,
            exhausted: false,
        });
    }

    /// The next resourceVersion. As in etcd, one counter serves all objects.
    pub(super) fn revise(&mut self) -> Version {
        self.revision += 1;
        Version::new(self.revision.to_string())
    }

    pub(super) fn workload(&self, object: &WorkloadRef) -> Result<usize, Fault> {
        self.workload_at.get(object).copied().ok_or_else(|| missing(object))
    }

    pub(super) fn job(&self, object: &JobRef) -> Result<usize, Fault> {
        self.job_at
            .get(object)
            .copied()
            .ok_or_else(|| missing(format!("CronJob {}/{}", object.namespace, object.name)))
    }

    pub(super) fn pool(&self, name: &ObjectName) -> Result<usize, Fault> {
        self.pool_at.get(name).copied().ok_or_else(|| missing(format!("NodePool {name}")))
    }

    /// The version and annotation of an object that can be held.
    pub(super) fn meta(
        &mut self,
        object: &ObjectRef,
    ) -> Result<(&mut Version, &mut Option<Arc<str>>), Fault> {
        match object {
            ObjectRef::Workload(workload) => {
                let index = self.workload(workload)?;
                let view = &mut self.workloads[index].view;
                Ok((&mut view.version, &mut view.note))
            }
            ObjectRef::Job(job) => {
                let index = self.job(job)?;
                let view = &mut self.jobs[index].view;
                Ok((&mut view.version, &mut view.note))
            }
            ObjectRef::NodePool(pool) => {
                let index = self.pool(pool)?;
                let view = &mut self.pools[index].view;
                Ok((&mut view.version, &mut view.note))
            }
            ObjectRef::Fence(_) => Err(Fault::Invalid("a fence ConfigMap is not held".into())),
        }
    }
}

/// Compares the version that a write is based on with the object's.
pub(super) fn same(based_on: &Version, present: &Version) -> Result<(), Fault> {
    if based_on == present {
        return Ok(());
    }
    Err(Fault::Conflict(format!("based on resourceVersion {based_on}, it is {present}")))
}

fn missing(what: impl std::fmt::Display) -> Fault {
    Fault::NotFound(what.to_string())
}
