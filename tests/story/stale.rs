//! Somebody who acts with a claim that is no longer the group's: what it knew then, and what each
//! place that it writes to makes of that.

use std::time::Duration;

use aws_credential_types::Credentials;
use bowline::edges::Edges;
use bowline::edges::aws::{AwsEdge, Endpoints};
use bowline::service::{RunOptions, StoreOptions};
use bowline_core::model::{Claim, Cluster, GroupName, Host, WorkloadKind, WorkloadRef, ZoneId};
use bowline_core::op::{Answer, Fault, FenceView, KubeOp, Op, RecordSet, Route53Op, StoreOp};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::stand::Stand;

/// The name that users ask for, and the fence's.
const NAMES: [&str; 2] = ["shop.example.com", "_bowline.shop.example.com"];
/// Longest time for a call.
const LIMIT: Duration = Duration::from_secs(10);

/// What a process knew when it was cut off, and its way to the world.
pub(crate) struct Stale {
    edges: Edges,
    runtime: Runtime,
    zone: ZoneId,
    then: World,
}

/// Everything that a claim guards, as it is at a time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct World {
    head: u64,
    records: Vec<RecordSet>,
    fences: Vec<FenceView>,
}

impl Stale {
    /// Sees the world as it is now, under the present claim.
    pub(crate) fn remember(stand: &Stand) -> Self {
        let stage = stand.stage();
        let store = StoreOptions::Cluster {
            context: Some("management".into()),
            namespace: "bowline".into(),
        };
        let mut options = RunOptions::new(store);
        options.kubeconfig = Some(stage.kubeconfig_file("bowline"));
        options.endpoints = Some(stage.endpoints_file());
        let runtime = Runtime::new().unwrap();
        let mut edges = runtime.block_on(bowline::service::edges(&options)).unwrap();
        let endpoints = Endpoints::read(&stage.endpoints_file()).unwrap();
        let credentials = Credentials::new("AKIDEXAMPLE", "not a secret", None, None, "test");
        let aws = AwsEdge::with_credentials(endpoints, credentials);
        edges.aws = Some(std::sync::Arc::new(aws));
        let zone = ZoneId::new(stage.made().zone.as_str());
        let then = World { head: 0, records: Vec::new(), fences: Vec::new() };
        let mut stale = Self { edges, runtime, zone, then };
        stale.then = stale.world();
        stale
    }

    /// The world as it is.
    pub(crate) fn world(&self) -> World {
        let records = NAMES.map(|name| self.records(name)).concat();
        let fences = ["home", "standby"].map(|site| self.fence(site));
        World { head: self.head(), records, fences: fences.into_iter().flatten().collect() }
    }

    fn head(&self) -> u64 {
        let (mut head, group) = (0, GroupName::from("shop"));
        loop {
            let read = StoreOp::Read { group: group.clone(), after: head };
            match self.perform(&Op::Store(read)) {
                Ok(Answer::Entries(found)) if found.is_empty() => return head,
                Ok(Answer::Entries(found)) => head = found.last().unwrap().seq,
                other => panic!("{other:?}"),
            }
        }
    }

    fn records(&self, name: &str) -> Vec<RecordSet> {
        let look = Route53Op::Records { zone: self.zone.clone(), name: Host::new(name) };
        match self.perform(&Op::Route53(None, look)) {
            Ok(Answer::Records(found)) => found,
            other => panic!("{name}: {other:?}"),
        }
    }

    fn fence(&self, site: &str) -> Option<FenceView> {
        let look = KubeOp::Fence(GroupName::from("shop"));
        match self.perform(&Op::Kube(cluster(site), look)) {
            Ok(Answer::Fence(found)) => found,
            // A site that is gone.
            Err(Fault::Transient(_)) => None,
            other => panic!("{site}: {other:?}"),
        }
    }

    fn perform(&self, op: &Op) -> Result<Answer, Fault> {
        self.runtime.block_on(self.edges.perform(op, Instant::now() + LIMIT))
    }

    /// What it would change is changed already.
    fn is_refused(&self, op: &Op) {
        let answer = self.perform(op);
        assert!(matches!(answer, Err(Fault::Conflict(_) | Fault::Fenced(_))), "{op:?}: {answer:?}");
    }

    /// The next entry it would write has been written by somebody else.
    pub(crate) fn is_refused_by_the_store(&self) {
        let seq = self.then.head + 1;
        let entry = StoreOp::Append { group: GroupName::from("shop"), seq, bytes: "{}".into() };
        self.is_refused(&Op::Store(entry));
    }

    /// Its batch deletes the fence's record as it was.
    pub(crate) fn is_refused_by_route_53(&self) {
        let delete = self.then.records.clone();
        assert!(delete.iter().any(|set| set.name == Host::new(NAMES[1])), "{delete:?}");
        let create = delete.iter().filter(|set| set.name == Host::new(NAMES[1])).cloned().collect();
        let change = Route53Op::Change { zone: self.zone.clone(), delete, create };
        self.is_refused(&Op::Route53(None, change));
    }

    /// The fence's ConfigMap is not the one it read, nor is what it would scale.
    pub(crate) fn is_refused_by_kubernetes(&self) {
        assert!(!self.then.fences.is_empty());
        for fence in &self.then.fences {
            let (version, claim) = (Some(fence.version.clone()), Claim::clone(&fence.claim));
            let write = KubeOp::Claim { group: GroupName::from("shop"), version, claim };
            self.is_refused(&Op::Kube(cluster("standby"), write));
            let scale = KubeOp::Scale {
                workload: WorkloadRef {
                    kind: WorkloadKind::Deployment,
                    namespace: "shop".into(),
                    name: "web".into(),
                },
                version: fence.version.clone(),
                replicas: 9,
            };
            self.is_refused(&Op::Kube(cluster("standby"), scale));
        }
    }
}

fn cluster(site: &str) -> Cluster {
    Cluster::Context(site.into())
}
