//! Every call there is against edges that count what reaches them.

use std::sync::Mutex;
use std::time::Duration;

use bowline_core::model::{Author, Claim, Cluster, Epoch, ObjectRef, RunId, Scope, Site, Wall};
use bowline_core::op::{
    CloudWatchOp, ElbOp, GateOp, HttpProbe, InstanceSettings, KubeOp, LeaseOp, LeaseSpec,
    LoadBalancerSelector, Metric, Notice, RdsOp, Route53Op, StoreOp,
};
use bowline_core::policy::examples;

use super::*;

/// Keeps what reaches it.
#[derive(Default)]
struct Counting(Mutex<Vec<Op>>);

impl Remote for Counting {
    fn perform<'a>(&'a self, op: &'a Op, _: Instant) -> Boxed<'a, Result<Answer, Fault>> {
        self.0.lock().unwrap().push(op.clone());
        Box::pin(std::future::ready(Ok(Answer::Ok)))
    }

    fn adopt(&self, _: &[Policy]) {}
}

fn claim() -> Claim {
    Claim::new(Epoch(7), RunId::new("shop-7-failover"))
}

fn probe(writes: bool) -> Op {
    Op::Probe(ProbeOp::Http(HttpProbe {
        connect: "web.example".into(),
        addresses: Vec::new(),
        tls: true,
        port: 443,
        host: "shop.example.com".into(),
        path: "/".into(),
        writes,
        site_header: None,
        timeout: bowline_core::model::Span::secs(1),
    }))
}

/// One call of every kind that leaves something behind.
fn writes() -> Vec<Op> {
    let policy = examples::shop();
    let workload = policy.capacity.workloads[0].object.clone();
    let job = bowline_core::model::JobRef { namespace: "shop".into(), name: "invoices".into() };
    let version = || bowline_core::model::Version::new("1");
    let kube = [
        KubeOp::Annotate {
            object: ObjectRef::Workload(workload.clone()),
            version: version(),
            note: None,
        },
        KubeOp::Scale { workload, version: version(), replicas: 0 },
        KubeOp::Suspend { job, version: version(), suspend: true, note: None },
        KubeOp::Limit {
            pool: "dr".into(),
            version: version(),
            limits: Default::default(),
            note: None,
        },
        KubeOp::Claim { group: "shop".into(), version: None, claim: claim() },
    ];
    let rds = [
        RdsOp::SetSecurityGroups { instance: "db".into(), groups: Vec::new() },
        RdsOp::Reboot { instance: "db".into(), shut_at: Wall(0) },
        RdsOp::Promote("db".into()),
        RdsOp::Rename { instance: "db".into(), to: "old".into() },
        RdsOp::CreateReplica {
            instance: "db".into(),
            source: "other".into(),
            settings: Box::new(settings()),
        },
    ];
    let store = [
        StoreOp::Append { group: "shop".into(), seq: 1, bytes: "{}".into() },
        StoreOp::PutFacts { group: "shop".into(), version: None, bytes: "{}".into() },
    ];
    let lease = LeaseSpec {
        holder: None,
        duration: bowline_core::model::Span::secs(1),
        transitions: 0,
        renewed: Wall(0),
    };
    let cluster = Cluster::Context("x".into());
    let mut all: Vec<_> = kube.map(|op| Op::Kube(cluster.clone(), op)).into();
    all.extend(rds.map(|op| Op::Rds(scope(), op)));
    all.extend(store.map(Op::Store));
    all.push(Op::Lease(LeaseOp::Write { version: None, lease }));
    let change = Route53Op::Change { zone: "Z1".into(), delete: Vec::new(), create: Vec::new() };
    all.push(Op::Route53(None, change));
    let gate = GateOp::Write {
        object: "s3://b/k".into(),
        version: None,
        open: Site::Standby,
        claim: claim(),
    };
    all.push(Op::Gate(None, gate));
    all.push(Op::Notify(Notice {
        group: "shop".into(),
        run: None,
        target: 0,
        kind: "ask".into(),
        title: String::new(),
        body: String::new(),
        by: Author::Human("ada".into()),
    }));
    all.push(probe(true));
    all
}

fn scope() -> Scope {
    Scope { region: "eu-west-1".into(), role: None }
}

fn settings() -> InstanceSettings {
    InstanceSettings {
        engine: "mysql".into(),
        class: "db.r6g.large".into(),
        subnet_group: None,
        parameter_group: None,
        security_groups: Vec::new(),
        kms_key: None,
        backup_retention_days: 7,
        multi_az: false,
    }
}

async fn perform(remote: &ReadOnly, op: &Op) -> Result<Answer, Fault> {
    remote.perform(op, Instant::now() + Duration::from_secs(1)).await
}

#[tokio::test]
async fn a_dry_run_lets_no_call_through_that_changes_anything() {
    let behind = Arc::new(Counting::default());
    let remote = ReadOnly::new(behind.clone());
    for op in writes() {
        let refused = perform(&remote, &op).await;
        assert!(matches!(refused, Err(Fault::Denied(_))), "{op:?}: {refused:?}");
    }
    assert_eq!(*behind.0.lock().unwrap(), Vec::<Op>::new());
}

#[tokio::test]
async fn a_dry_run_lets_looks_through() {
    let behind = Arc::new(Counting::default());
    let remote = ReadOnly::new(behind.clone());
    let looks = [
        Op::Store(StoreOp::Intents),
        Op::Lease(LeaseOp::Read),
        Op::Rds(scope(), RdsOp::Describe("db".into())),
        Op::Elb(scope(), ElbOp::Find(LoadBalancerSelector::Arn("arn".into()))),
        Op::CloudWatch(
            scope(),
            CloudWatchOp::Points { metric: Metric::ReplicaLag("db".into()), since: Wall(0) },
        ),
        probe(false),
    ];
    for op in &looks {
        assert_eq!(perform(&remote, op).await, Ok(Answer::Ok), "{op:?}");
    }
    assert_eq!(*behind.0.lock().unwrap(), looks);
}
