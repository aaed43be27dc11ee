//! The router: every call goes somewhere, ends in time, and says what is known of its outcome.

use std::time::Duration;

use bowline_core::model::{Cluster, Scope, Wall};
use bowline_core::op::{ElbOp, KubeOp, Notice, RdsOp};

use super::*;

fn edges(folder: &std::path::Path) -> Edges {
    Edges {
        store: Store::Files(FileStore::open_or_create(folder).unwrap()),
        clusters: Clusters::default(),
        dns: Dns::default(),
        registry: Registry::default(),
        aws: None,
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn scope() -> Scope {
    Scope { region: "eu-west-1".into(), role: None }
}

#[tokio::test]
async fn store_and_lease_go_to_the_directory() {
    let folder = tempfile::tempdir().unwrap();
    let edges = edges(folder.path());
    let append = StoreOp::Append { group: "shop".into(), seq: 1, bytes: "x".into() };
    assert_eq!(edges.perform(&Op::Store(append), soon()).await, Ok(Answer::Ok));
    let read = Op::Lease(LeaseOp::Read);
    assert_eq!(edges.perform(&read, soon()).await, Ok(Answer::Lease(None)));
    let uid = edges.store.intend(&"shop".into(), "ada", &Intent::Arm).await.unwrap();
    let Ok(Answer::Intents(all)) = edges.perform(&Op::Store(StoreOp::Intents), soon()).await else {
        panic!()
    };
    assert_eq!((&*all[0].uid, all[0].by.as_str()), (uid.as_str(), "ada"));
}

#[tokio::test]
async fn what_is_not_there_yet_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let edges = edges(folder.path());
    let eks = Cluster::Eks { scope: scope(), name: "shop".into() };
    let secret = Cluster::KubeconfigSecret("shop".into());
    let ops = [
        Op::Rds(scope(), RdsOp::Describe("shop".into())),
        Op::Kube(eks, KubeOp::Ready),
        Op::Kube(secret, KubeOp::Ready),
    ];
    for op in ops {
        let refused = edges.perform(&op, soon()).await;
        assert!(matches!(refused, Err(Fault::Invalid(_))), "{op:?}: {refused:?}");
    }
    let notice = Notice {
        group: "shop".into(),
        run: None,
        target: 0,
        kind: "alert".into(),
        title: String::new(),
        body: String::new(),
        by: bowline_core::model::Author::Human("ada".into()),
    };
    let refused = edges.perform(&Op::Notify(notice), soon()).await;
    assert!(matches!(refused, Err(Fault::NotFound(_))), "{refused:?}");
}

/// An AWS that never answers.
struct Silent;

impl Aws for Silent {
    fn perform<'a>(&'a self, _: &'a Op) -> Boxed<'a, Result<Answer, Fault>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn s6_a_call_without_an_answer_ends_at_its_deadline_as_what_is_known_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let edges = Edges { aws: Some(Arc::new(Silent)), ..edges(folder.path()) };
    let reboot = Op::Rds(scope(), RdsOp::Reboot { instance: "shop".into(), shut_at: Wall(0) });
    let began = Instant::now();
    let unknown = edges.perform(&reboot, began + Duration::from_secs(3)).await;
    assert!(matches!(unknown, Err(Fault::Unknown(_))), "{unknown:?}");
    assert_eq!(began.elapsed().as_secs(), 3);
    let look = Op::Elb(scope(), ElbOp::TargetHealth("arn".into()));
    let nothing = edges.perform(&look, soon()).await;
    assert!(matches!(nothing, Err(Fault::Transient(_))), "{nothing:?}");
}
