//! Calls to a site's cluster: each [`KubeOp`] is one request.
//!
//! Every write carries the resourceVersion of the read it is based on, so a write by a stale
//! claimant is refused by the API server itself. The fence of a group is one ConfigMap per group
//! (`bowline/bowline-fence-GROUP`): groups that share a cluster never get in each other's way, and
//! creating it is a compare-and-swap by name.

use std::sync::Arc;

use serde_json::{Value, json};

use bowline_core::model::{Claim, GroupName, JobRef, ObjectName, ObjectRef, Version, WorkloadRef};
use bowline_core::op::{Answer, Fault, FenceView, KubeOp, Quantities};

use super::objects::{ConfigMap, CronJob, HOLDS, List, Node, NodePool, Workload};
use super::path;
use super::quantity;
use super::wire::{Verb, Wire};

/// The namespace of the fence ConfigMaps in every site's cluster; it must exist.
pub const FENCE_NAMESPACE: &str = "bowline";

/// The key of the ConfigMap that holds the claim, as `epoch=N run=NAME`.
const CLAIM: &str = "claim";

/// Makes one call.
///
/// # Errors
/// What the API server or the way to it said.
pub(crate) async fn perform(wire: &Wire, op: &KubeOp) -> Result<Answer, Fault> {
    match op {
        KubeOp::Ready => wire.probe("/readyz").await.map(|()| Answer::Ok),
        KubeOp::Workload(workload) => {
            let seen: Workload = wire.get(&path::workload(workload)).await?;
            Ok(Answer::Workload(seen.into()))
        }
        KubeOp::Job(job) => {
            let seen: CronJob = wire.get(&path::job(&job.namespace, &job.name)).await?;
            Ok(Answer::Job(seen.into()))
        }
        KubeOp::Pool(pool) => {
            let seen: NodePool = wire.get(&path::pool(pool)).await?;
            seen.try_into().map(Answer::Pool)
        }
        KubeOp::Nodes { pool } => nodes(wire, pool).await,
        KubeOp::NodeClaims { pool } => node_claims(wire, pool).await,
        KubeOp::Fence(group) => fence(wire, group).await,
        write => change(wire, write).await.and_then(|seen| written(&seen)),
    }
}

async fn change(wire: &Wire, op: &KubeOp) -> Result<Value, Fault> {
    match op {
        KubeOp::Annotate { object, version, note } => {
            annotate(wire, object, version, note.as_ref()).await
        }
        KubeOp::Scale { workload, version, replicas } => {
            scale(wire, workload, version, *replicas).await
        }
        KubeOp::Suspend { job, version, suspend, note } => {
            suspend_job(wire, job, version, (*suspend, note.as_ref())).await
        }
        KubeOp::Limit { pool, version, limits, note } => {
            limit(wire, pool, version, (limits, note.as_ref())).await
        }
        KubeOp::Claim { group, version, claim } => {
            write_claim(wire, group, version.as_ref(), claim).await
        }
        read => Err(Fault::Invalid(format!("not a write: {read:?}"))),
    }
}

/// The version that an accepted write gave the object.
pub(crate) fn written(seen: &Value) -> Result<Answer, Fault> {
    let version = seen["metadata"]["resourceVersion"].as_str();
    let version = version.ok_or_else(|| Fault::Unknown("an answer without a version".into()))?;
    Ok(Answer::Written(Version::new(version)))
}

// === Reads ===

async fn nodes(wire: &Wire, pool: &ObjectName) -> Result<Answer, Fault> {
    let selector = path::segment(&format!("karpenter.sh/nodepool={pool}"));
    let seen: List<Node> = wire.get(&format!("/api/v1/nodes?labelSelector={selector}")).await?;
    Ok(Answer::Nodes(seen.into()))
}

/// A NodeClaim's conditions are told as a node's are.
async fn node_claims(wire: &Wire, pool: &ObjectName) -> Result<Answer, Fault> {
    let selector = path::segment(&format!("karpenter.sh/nodepool={pool}"));
    let path = format!("/apis/karpenter.sh/v1/nodeclaims?labelSelector={selector}");
    let seen: List<Node> = wire.get(&path).await?;
    Ok(Answer::Nodes(seen.into()))
}

async fn fence(wire: &Wire, group: &GroupName) -> Result<Answer, Fault> {
    let seen: ConfigMap = match wire.get(&fence_path(group, true)).await {
        Err(Fault::NotFound(_)) => return Ok(Answer::Fence(None)),
        other => other?,
    };
    let text = seen.data.get(CLAIM).map_or("", String::as_str);
    let claim = text.parse().map_err(|e| {
        Fault::Invalid(format!("ConfigMap {FENCE_NAMESPACE}/{}: {e}", path::fence_name(group)))
    })?;
    Ok(Answer::Fence(Some(FenceView { version: seen.metadata.version(), claim })))
}

fn fence_path(group: &GroupName, named: bool) -> String {
    let name = path::fence_name(group);
    path::namespaced("/api/v1", FENCE_NAMESPACE, "configmaps", named.then_some(name.as_str()))
}

/// Whether the group's fence could be written: the API server is asked to create it and to keep
/// nothing of it (`dryRun=All`), so that namespace and rights are seen without any change.
///
/// # Errors
/// What the API server or the way to it said: no namespace is [`Fault::NotFound`].
pub(crate) async fn could_claim(wire: &Wire, group: &GroupName) -> Result<(), Fault> {
    let name = path::fence_name(group);
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    match wire.write(Verb::Rehearse, &fence_path(group, false), &body).await {
        Ok(_) | Err(Fault::Conflict(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

// === Writes ===

async fn annotate(
    wire: &Wire,
    object: &ObjectRef,
    version: &Version,
    note: Option<&Arc<str>>,
) -> Result<Value, Fault> {
    let path = match object {
        ObjectRef::Workload(workload) => path::workload(workload),
        ObjectRef::Job(job) => path::job(&job.namespace, &job.name),
        ObjectRef::NodePool(pool) => path::pool(pool),
        ObjectRef::Fence(group) => fence_path(group, true),
    };
    let patch = json!({"metadata": {
        "resourceVersion": version,
        "annotations": {HOLDS: note},
    }});
    wire.write(Verb::Merge, &path, &patch).await
}

async fn scale(
    wire: &Wire,
    workload: &WorkloadRef,
    version: &Version,
    replicas: u32,
) -> Result<Value, Fault> {
    let body = json!({
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {
            "name": workload.name,
            "namespace": workload.namespace,
            "resourceVersion": version,
        },
        "spec": {"replicas": replicas},
    });
    wire.write(Verb::Replace, &format!("{}/scale", path::workload(workload)), &body).await
}

async fn suspend_job(
    wire: &Wire,
    job: &JobRef,
    version: &Version,
    (suspend, note): (bool, Option<&Arc<str>>),
) -> Result<Value, Fault> {
    let patch = json!({
        "metadata": {"resourceVersion": version, "annotations": {HOLDS: note}},
        "spec": {"suspend": suspend},
    });
    wire.write(Verb::Merge, &path::job(&job.namespace, &job.name), &patch).await
}

/// What the manager `bowline` applied before and leaves out now is removed, unless another manager
/// owns it too: a limit that somebody else set and nobody asked to keep stays.
async fn limit(
    wire: &Wire,
    pool: &ObjectName,
    version: &Version,
    (limits, note): (&Quantities, Option<&Arc<str>>),
) -> Result<Value, Fault> {
    let limits: serde_json::Map<_, _> = limits
        .iter()
        .map(|(name, value)| (name.to_string(), quantity::write(name, *value).into()))
        .collect();
    let mut metadata = json!({"name": pool, "resourceVersion": version});
    if let Some(note) = note {
        metadata["annotations"] = json!({HOLDS: note});
    }
    let body = json!({
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": metadata,
        "spec": {"limits": limits},
    });
    wire.write(Verb::Apply, &path::pool(pool), &body).await
}

async fn write_claim(
    wire: &Wire,
    group: &GroupName,
    version: Option<&Version>,
    claim: &Claim,
) -> Result<Value, Fault> {
    let mut metadata = json!({
        "name": path::fence_name(group),
        "namespace": FENCE_NAMESPACE,
        "labels": {"app.kubernetes.io/managed-by": "bowline", "bowline.dev/group": group},
    });
    let verb = match version {
        None => Verb::Create,
        Some(version) => {
            metadata["resourceVersion"] = json!(version);
            Verb::Replace
        }
    };
    let body = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {CLAIM: claim.to_string()},
    });
    wire.write(verb, &fence_path(group, version.is_some()), &body).await
}
