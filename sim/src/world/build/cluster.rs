//! The clusters of all groups: at home everything runs, at standby nothing but the floor.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::model::{Cluster, ObjectName, Region, Site, Span, WorkloadKind, WorkloadRef};
use bowline_core::policy::{Policy, Replicas, Workload};

use super::{World, WorldSpec};
use crate::kube::{Between, ClusterSpec, JobSpec, KubeCluster, PoolSpec, WorkloadSpec};

/// Memory of a node per CPU, in bytes: 4 GiB, as the general-purpose families have.
const MEMORY_PER_CPU: u64 = 4 << 30;

/// CPU of a pod of the floor, in milli-units.
const FLOOR_POD_CPU: u64 = 100;

/// Adds every cluster that a policy names; those that several name are one.
pub(super) fn add_all(world: &mut World, spec: &WorldSpec, rng: &mut fastrand::Rng) {
    let mut specs: BTreeMap<Cluster, (Region, ClusterSpec)> = BTreeMap::new();
    for policy in &spec.policies {
        for site in Site::BOTH {
            let part = policy.site(site);
            let fresh = || (part.scope.region.clone(), floor(spec, site));
            let (_, cluster) = specs.entry(part.cluster.clone()).or_insert_with(fresh);
            add_objects(cluster, spec, policy, site);
        }
    }
    for (cluster, (region, spec)) in specs {
        world.add_cluster(cluster, region, KubeCluster::new(&spec, rng));
    }
}

fn floor(spec: &WorldSpec, site: Site) -> ClusterSpec {
    ClusterSpec {
        floor: if site == Site::Home { spec.home_nodes } else { spec.standby_nodes },
        floor_cpu: spec.node_cpu,
        timings: spec.timings,
        ..ClusterSpec::default()
    }
}

fn add_objects(cluster: &mut ClusterSpec, spec: &WorldSpec, policy: &Policy, site: Site) {
    let home = site == Site::Home;
    for workload in &policy.capacity.workloads {
        if cluster.workloads.iter().any(|known| known.object == workload.object) {
            continue;
        }
        cluster.workloads.push(WorkloadSpec {
            object: workload.object.clone(),
            replicas: if home { at_home(spec, workload) } else { 0 },
            cpu: spec.pod_cpu,
            claims_volumes: false,
        });
    }
    for object in &policy.capacity.floor {
        if !cluster.workloads.iter().any(|known| known.object == *object) {
            let (object, cpu) = (object.clone(), FLOOR_POD_CPU);
            cluster.workloads.push(WorkloadSpec {
                object,
                replicas: 1,
                cpu,
                claims_volumes: false,
            });
        }
    }
    for job in &policy.capacity.jobs {
        cluster.jobs.push(JobSpec {
            object: job.object.clone(),
            suspended: !home,
            every: Span::mins(10),
            lasts: Between(Span::secs(20), Span::secs(90)),
        });
    }
    if !home {
        let pools = policy.capacity.pools.iter().map(|pool| &pool.name);
        pools.for_each(|name| add_pool(cluster, spec, name));
    }
}

/// A parked NodePool.
fn add_pool(cluster: &mut ClusterSpec, spec: &WorldSpec, name: &ObjectName) {
    if cluster.pools.iter().any(|pool| pool.name == *name) {
        return;
    }
    cluster.pools.push(PoolSpec {
        name: name.clone(),
        limits: [(Arc::from("cpu"), 0)].into(),
        node_cpu: spec.node_cpu,
        node_memory: spec.node_cpu / 1_000 * MEMORY_PER_CPU,
    });
}

fn at_home(spec: &WorldSpec, workload: &Workload) -> u32 {
    match workload.replicas {
        Replicas::Count(count) => count,
        Replicas::PercentOfHome { .. } => spec.replicas,
    }
}

/// A workload that does not exist, for a policy that lists none.
pub(super) fn nobody(policy: &Policy) -> WorkloadRef {
    let kind = WorkloadKind::Deployment;
    WorkloadRef { kind, namespace: policy.namespace.clone(), name: "none".into() }
}
