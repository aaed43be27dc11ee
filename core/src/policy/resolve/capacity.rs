//! Workloads, jobs and NodePools.

use std::sync::Arc;

use super::check_unique;
use crate::model::{JobRef, ObjectName, WorkloadKind, WorkloadRef};
use crate::op::Quantities;
use crate::policy::code::Code;
use crate::policy::forms;
use crate::policy::report::{Report, below};
use crate::policy::schema::{
    CapacitySpec, FloorKindSpec, FloorSpec, NodePoolSpec, ReplicasSpec, RunSpec, StartSpec,
    WorkloadKindSpec, WorkloadSpec,
};
use crate::policy::types::{Capacity, Job, Pool, Replicas, Runs, Starts, Workload};

/// What must run.
pub(super) fn resolve(report: &mut Report<'_>, spec: &CapacitySpec) -> Capacity {
    check_names(report, spec);
    let mut capacity = Capacity {
        ready_timeout: spec.ready_timeout,
        minimum_ready_percent: spec.minimum_ready_percent,
        floor: spec.floor.iter().map(floor).collect(),
        ..Capacity::default()
    };
    for (index, written) in spec.workloads.iter().enumerate() {
        let path = format!("spec.capacity.workloads[{index}]");
        match kind(written.kind) {
            Some(kind) => capacity.workloads.extend(workload(report, written, kind, &path)),
            None => capacity.jobs.push(job(report, written, &path)),
        }
    }
    for (index, written) in spec.node_pools.iter().enumerate() {
        let path = format!("spec.capacity.nodePools[{index}]");
        capacity.pools.push(pool(report, written, &path));
    }
    capacity
}

fn check_names(report: &mut Report<'_>, spec: &CapacitySpec) {
    let workloads: Vec<(String, String)> = spec
        .workloads
        .iter()
        .enumerate()
        .map(|(index, workload)| {
            let name = format!("{:?} {}/{}", workload.kind, workload.namespace, workload.name);
            (format!("spec.capacity.workloads[{index}].name"), name)
        })
        .collect();
    check_unique(report, "the workload", &workloads);
    let pools: Vec<(String, String)> = spec
        .node_pools
        .iter()
        .enumerate()
        .map(|(index, pool)| (format!("spec.capacity.nodePools[{index}].name"), pool.name.clone()))
        .collect();
    check_unique(report, "the NodePool", &pools);
}

/// The kind of what has replicas.
fn kind(written: WorkloadKindSpec) -> Option<WorkloadKind> {
    match written {
        WorkloadKindSpec::Deployment => Some(WorkloadKind::Deployment),
        WorkloadKindSpec::StatefulSet => Some(WorkloadKind::StatefulSet),
        WorkloadKindSpec::CronJob => None,
    }
}

fn workload(
    report: &mut Report<'_>,
    written: &WorkloadSpec,
    kind: WorkloadKind,
    path: &str,
) -> Option<Workload> {
    if kind == WorkloadKind::StatefulSet {
        let message = "the volumes of a StatefulSet stay in their Region".to_owned();
        let remedy = "make sure it can start with empty ones: with volume claim templates it is \
                      refused when a run is planned"
            .to_owned();
        report.warning(Code::StatefulSet, &format!("{path}.kind"), message, remedy);
    }
    Some(Workload {
        object: WorkloadRef {
            kind,
            namespace: ObjectName::new(&written.namespace),
            name: ObjectName::new(&written.name),
        },
        replicas: replicas(report, written.replicas.as_ref(), &format!("{path}.replicas"))?,
        starts: match written.start {
            Some(StartSpec::Early) => Starts::Early,
            Some(StartSpec::AfterWriter) | None => Starts::AfterWriter,
        },
        runs: runs(written.run),
    })
}

fn floor(written: &FloorSpec) -> WorkloadRef {
    WorkloadRef {
        kind: match written.kind {
            FloorKindSpec::Deployment => WorkloadKind::Deployment,
            FloorKindSpec::StatefulSet => WorkloadKind::StatefulSet,
        },
        namespace: ObjectName::new(&written.namespace),
        name: ObjectName::new(&written.name),
    }
}

fn runs(written: RunSpec) -> Runs {
    match written {
        RunSpec::Both => Runs::Both,
        RunSpec::ActiveOnly => Runs::ActiveOnly,
    }
}

fn replicas(
    report: &mut Report<'_>,
    written: Option<&ReplicasSpec>,
    path: &str,
) -> Option<Replicas> {
    let remedy = || "write `count: 3`, or `percentOfHome: 100` with `atLeast: 3`".to_owned();
    let Some(written) = written else {
        let message = "`replicas` is not decided, and it has no default".to_owned();
        report.error(Code::Undecided, path, message, remedy());
        return None;
    };
    let message = match (written.count, written.percent_of_home, written.at_least) {
        (Some(count), None, None) => return Some(Replicas::Count(count)),
        (None, Some(percent), at_least) => {
            return Some(Replicas::PercentOfHome { percent, at_least: at_least.unwrap_or(1) });
        }
        (Some(_), Some(_), _) => "`count` and `percentOfHome` are both here",
        (Some(_), None, Some(_)) => {
            "`atLeast` is a floor of `percentOfHome`, and this is a `count`"
        }
        (None, None, Some(_)) => "`atLeast` is a floor of `percentOfHome`, which is not here",
        (None, None, None) => "it says no number",
    };
    let sound = report.sound_within(path);
    if sound {
        report.error(Code::OneOf, path, message.to_owned(), remedy());
    }
    None
}

fn job(report: &mut Report<'_>, written: &WorkloadSpec, path: &str) -> Job {
    let said = [("replicas", written.replicas.is_some()), ("start", written.start.is_some())];
    for (field, _) in said.iter().filter(|(_, said)| *said) {
        let message = format!("a CronJob has no `{field}`: it is suspended and resumed");
        let remedy = "leave it out; `run` says where the job may run".to_owned();
        report.error(Code::Workload, &format!("{path}.{field}"), message, remedy);
    }
    Job {
        object: JobRef {
            namespace: ObjectName::new(&written.namespace),
            name: ObjectName::new(&written.name),
        },
        runs: runs(written.run),
    }
}

fn pool(report: &mut Report<'_>, written: &NodePoolSpec, path: &str) -> Pool {
    let mut limits = Quantities::new();
    for (resource, text) in &written.limits {
        let Some(thousandths) = forms::quantity(text) else { continue };
        let whole = thousandths.is_multiple_of(1_000);
        if resource != "cpu" && !whole {
            let at = below(&format!("{path}.limits"), resource);
            let message = format!("\"{text}\" of {resource} is no whole number");
            report.error(Code::BadText, &at, message, "only cpu has thousandths".to_owned());
        }
        let amount = if resource == "cpu" { thousandths } else { thousandths / 1_000 };
        limits.insert(Arc::from(resource.as_str()), amount);
    }
    Pool { name: ObjectName::new(&written.name), limits }
}
