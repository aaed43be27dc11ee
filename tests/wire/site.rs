//! Every call to a site's cluster, against a whole control plane with a real Karpenter.

use std::sync::Arc;
use std::time::Duration;

use bowline::edges::files::FileStore;
use bowline::edges::kube::{Clusters, KubeconfigSource, crd};
use bowline::edges::net::Dns;
use bowline::edges::registry::Registry;
use bowline::edges::{Edges, Store};
use bowline_core::model::{
    Claim, Cluster, Epoch, JobRef, ObjectRef, Version, WorkloadKind, WorkloadRef,
};
use bowline_core::op::{
    Answer, Fault, JobView, KubeOp, NodesView, Op, PoolView, Quantities, WorkloadView,
};
use bowline_lab::{Component, Lab, manifests};

use crate::{lab, printed};

const OTHERS: &str = r#"
apiVersion: batch/v1
kind: CronJob
metadata: {name: bills, namespace: default}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: bills, image: none}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: cache, namespace: default}
spec:
  replicas: 2
  serviceName: cache
  selector: {matchLabels: {app: cache}}
  template:
    metadata: {labels: {app: cache}}
    spec:
      containers: [{name: cache, image: none}]
"#;

/// A site's cluster, reached by its context.
struct Site {
    edges: Edges,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new(lab: &Lab) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = Some(lab.cluster("standby").unwrap().kubeconfig_of("bowline").unwrap());
        let store = Store::Files(FileStore::open_or_create(folder.path()).unwrap());
        let clusters = Clusters::new(KubeconfigSource { file }, None);
        let (dns, registry) = (Dns::default(), Registry::default());
        Self { edges: Edges { store, clusters, dns, registry, aws: None }, _folder: folder }
    }

    async fn call(&self, op: KubeOp) -> Result<Answer, Fault> {
        let op = Op::Kube(Cluster::Context("standby".into()), op);
        crate::call(&self.edges, op).await
    }

    async fn written(&self, op: KubeOp) -> Version {
        match self.call(op).await {
            Ok(Answer::Written(version)) => version,
            other => panic!("{other:?}"),
        }
    }

    async fn workload(&self, workload: &WorkloadRef) -> WorkloadView {
        match self.call(KubeOp::Workload(workload.clone())).await {
            Ok(Answer::Workload(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    async fn job(&self) -> JobView {
        match self.call(KubeOp::Job(bills())).await {
            Ok(Answer::Job(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    async fn pool(&self) -> PoolView {
        match self.call(KubeOp::Pool("default".into())).await {
            Ok(Answer::Pool(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    async fn nodes(&self) -> NodesView {
        match self.call(KubeOp::Nodes { pool: "default".into() }).await {
            Ok(Answer::Nodes(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    /// Writes over a fresh read until no controller's write comes between, as the node does.
    async fn over(&self, workload: &WorkloadRef, op: impl Fn(Version) -> KubeOp) -> Version {
        for _ in 0..20 {
            let version = self.workload(workload).await.version;
            match self.call(op(version)).await {
                Ok(Answer::Written(version)) => return version,
                Err(Fault::Conflict(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        panic!("always a conflict");
    }

    async fn scale(&self, workload: &WorkloadRef, replicas: u32) {
        let scale = |version| KubeOp::Scale { workload: workload.clone(), version, replicas };
        self.over(workload, scale).await;
    }

    async fn until(&self, workload: &WorkloadRef, what: impl Fn(&WorkloadView) -> bool) {
        let mut view = self.workload(workload).await;
        for _ in 0..180 {
            if what(&view) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            view = self.workload(workload).await;
        }
        panic!("{view:?}");
    }
}

fn bills() -> JobRef {
    JobRef { namespace: "default".into(), name: "bills".into() }
}

fn workload(kind: WorkloadKind, name: &str) -> WorkloadRef {
    WorkloadRef { kind, namespace: "default".into(), name: name.into() }
}

fn limits(cpu: u64) -> Quantities {
    [(Arc::from("cpu"), cpu)].into()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn every_call_to_a_site_does_what_it_says() {
    let lab = lab(&["standby"]);
    let standby = lab.cluster("standby").unwrap();
    for manifest in [manifests::PARKED_NODE_POOL, manifests::APPLICATION, OTHERS] {
        standby.apply(manifest).unwrap();
    }
    let site = Site::new(&lab);
    assert_eq!(site.call(KubeOp::Ready).await, Ok(Answer::Ok));
    let stranger = site.call(KubeOp::Job(bills())).await;
    assert!(matches!(stranger, Err(Fault::Denied(_))), "not bound to a role yet: {stranger:?}");
    bind(standby);
    fence(&site).await;
    jobs(&site).await;
    workloads(&site).await;
    pools(&site).await;
    terminating(standby, &site).await;
    gone(&lab, &site).await;
}

/// Gives the user `bowline` what a site's cluster is told to, and no more.
fn bind(standby: &bowline_lab::Cluster) {
    standby.apply(&printed(crd::For::Site)).unwrap();
    let user = "--user=bowline";
    let cluster = ["create", "clusterrolebinding", "site", "--clusterrole=bowline-site", user];
    standby.kubectl(&cluster).unwrap();
    let role = "--clusterrole=bowline-fence";
    standby.kubectl(&["create", "rolebinding", "fence", role, user, "-n", "bowline"]).unwrap();
}

async fn fence(site: &Site) {
    let group = || "shop".into();
    let claim = |epoch| Claim::new(Epoch(epoch), "shop-failover".into());
    let first = |version| KubeOp::Claim { group: group(), version, claim: claim(1) };
    assert_eq!(site.call(KubeOp::Fence(group())).await, Ok(Answer::Fence(None)));
    let version = site.written(first(None)).await;
    assert!(matches!(site.call(first(None)).await, Err(Fault::Conflict(_))));
    let second =
        |version| KubeOp::Claim { group: group(), version: Some(version), claim: claim(2) };
    site.written(second(version.clone())).await;
    let stale = site.call(second(version)).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    match site.call(KubeOp::Fence(group())).await {
        Ok(Answer::Fence(Some(view))) => assert_eq!(view.claim, claim(2)),
        other => panic!("{other:?}"),
    }
    assert_eq!(site.call(KubeOp::Fence("other".into())).await, Ok(Answer::Fence(None)));
}

async fn jobs(site: &Site) {
    let before = site.job().await;
    assert_eq!((before.suspended, before.active, before.note), (false, 0, None));
    let suspend = |version, suspend, note: Option<&str>| KubeOp::Suspend {
        job: bills(),
        version,
        suspend,
        note: note.map(Arc::from),
    };
    let version = site.written(suspend(before.version.clone(), true, Some("{}"))).await;
    let held = site.job().await;
    assert_eq!((held.suspended, held.note.as_deref()), (true, Some("{}")));
    let stale = site.call(suspend(before.version, false, None)).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    site.written(suspend(version, false, None)).await;
    let free = site.job().await;
    assert_eq!((free.suspended, free.note), (false, None));
}

async fn workloads(site: &Site) {
    let shop = workload(WorkloadKind::Deployment, "shop");
    site.until(&shop, |view| view.pods == 12).await;
    let before = site.workload(&shop).await;
    assert_eq!((before.wanted, before.ready, before.claims_volumes), (12, 0, false));
    let annotate = |version, note: Option<&str>| KubeOp::Annotate {
        object: ObjectRef::Workload(shop.clone()),
        version,
        note: note.map(Arc::from),
    };
    let version = site.over(&shop, |version| annotate(version, Some("ours"))).await;
    assert_ne!(version, before.version, "an annotation moves the version");
    let scale =
        KubeOp::Scale { workload: shop.clone(), version: before.version.clone(), replicas: 1 };
    let stale = site.call(scale).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "a stale claimant's write: {stale:?}");
    let held = site.workload(&shop).await;
    assert_eq!((held.wanted, held.note.as_deref()), (12, Some("ours")));
    site.over(&shop, |version| annotate(version, None)).await;
    assert_eq!(site.workload(&shop).await.note, None);

    let cache = workload(WorkloadKind::StatefulSet, "cache");
    site.until(&cache, |view| view.ready == 2 && view.pods == 2).await;
    site.scale(&cache, 0).await;
    site.until(&cache, |view| view.wanted == 0 && view.pods == 0).await;
    let nobody = site.call(KubeOp::Workload(workload(WorkloadKind::Deployment, "nobody"))).await;
    assert!(matches!(nobody, Err(Fault::NotFound(_))), "{nobody:?}");
}

/// A pod that is being stopped is a pod: nobody is told it is gone while something keeps it.
async fn terminating(standby: &bowline_lab::Cluster, site: &Site) {
    for (kind, name) in [(WorkloadKind::Deployment, "shop"), (WorkloadKind::StatefulSet, "cache")] {
        let workload = workload(kind, name);
        site.scale(&workload, 1).await;
        site.until(&workload, |view| view.pods == 1).await;
        let label = format!("app={name}");
        let pod = standby.kubectl(&["get", "pods", "-l", &label, "-o", "name"]).unwrap();
        let keep = |finalizers: &str| {
            let patch = format!(r#"{{"metadata":{{"finalizers":{finalizers}}}}}"#);
            standby.kubectl(&["patch", pod.trim(), "--type=merge", "-p", &patch]).unwrap();
        };
        keep(r#"["bowline.dev/test"]"#);
        site.scale(&workload, 0).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let view = site.workload(&workload).await;
        assert_eq!((view.wanted, view.pods), (0, 1), "{workload}: {view:?}");
        keep("null");
        site.until(&workload, |view| view.pods == 0).await;
    }
}

async fn pools(site: &Site) {
    assert_eq!(site.nodes().await, NodesView { total: 0, ready: 0 });
    let parked = site.pool().await;
    assert_eq!((parked.limits.get("cpu"), &parked.note), (Some(&0), &None));
    let limit = |version, cpu, note: Option<&str>| KubeOp::Limit {
        pool: "default".into(),
        version,
        limits: limits(cpu),
        note: note.map(Arc::from),
    };
    site.written(limit(parked.version.clone(), 200_500, Some("{}"))).await;
    let open = site.pool().await;
    assert_eq!((open.limits.get("cpu"), open.note.as_deref()), (Some(&200_500), Some("{}")));
    let stale = site.call(limit(parked.version, 1_000, None)).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");

    let shop = workload(WorkloadKind::Deployment, "shop");
    site.until(&shop, |view| view.ready == 12).await;
    let nodes = site.nodes().await;
    assert!(nodes.total > 0 && nodes.ready == nodes.total, "{nodes:?}");

    site.scale(&shop, 0).await;
    assert!(site.workload(&shop).await.pods >= 1, "the end of the pods is not taken for granted");
    site.until(&shop, |view| view.pods == 0).await;
    release(site).await;
    for _ in 0..180 {
        if site.nodes().await.total == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("nodes are left: {:?}", site.nodes().await);
}

async fn release(site: &Site) {
    for _ in 0..20 {
        let op = KubeOp::Limit {
            pool: "default".into(),
            version: site.pool().await.version,
            limits: limits(0),
            note: None,
        };
        match site.call(op).await {
            Ok(_) => break,
            Err(Fault::Conflict(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let parked = site.pool().await;
    assert_eq!((parked.limits.get("cpu"), parked.note), (Some(&0), None), "as it was");
    let nowhere = KubeOp::Limit {
        pool: "nowhere".into(),
        version: parked.version,
        limits: limits(1),
        note: None,
    };
    let refused = site.call(nowhere).await;
    assert!(refused.is_err(), "{refused:?}");
    let absent = site.call(KubeOp::Pool("nowhere".into())).await;
    assert!(matches!(absent, Err(Fault::NotFound(_))), "applied to nothing: {absent:?}");
}

/// A frozen API server accepts connections and says nothing; a dead one refuses them.
async fn gone(lab: &Lab, site: &Site) {
    let standby = lab.cluster("standby").unwrap();
    let version = site.job().await.version;
    let write =
        || KubeOp::Suspend { job: bills(), version: version.clone(), suspend: true, note: None };
    standby.freeze_one(Component::ApiServer).unwrap();
    let began = std::time::Instant::now();
    let silent = site.call(write()).await;
    assert!(silent.as_ref().is_err_and(Fault::passes), "{silent:?}");
    assert!(began.elapsed() < Duration::from_secs(6));
    let silent = site.call(KubeOp::Ready).await;
    assert!(matches!(silent, Err(Fault::Transient(_))), "{silent:?}");
    standby.thaw_one(Component::ApiServer).unwrap();
    assert_eq!(site.call(KubeOp::Ready).await, Ok(Answer::Ok));
    standby.kill9(Component::ApiServer).unwrap();
    let refused = site.call(write()).await;
    assert!(matches!(refused, Err(Fault::Transient(_) | Fault::Unknown(_))), "{refused:?}");
    let refused = site.call(write()).await;
    assert!(matches!(refused, Err(Fault::Transient(_))), "certainly nothing: {refused:?}");
}
