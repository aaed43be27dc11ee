//! What people read of a group on a real API server: `kubectl get`, the status that is read back,
//! and the finalizer that keeps a deleted group until nothing is held.

use bowline::edges::Edges;
use bowline::edges::kube::crd;
use bowline_core::model::{Site, Wall};
use bowline_core::node::GroupStatus;
use bowline_core::op::Fault;
use bowline_lab::Cluster;

use crate::{edges_of, installed, lab, printed, wait_for};

fn status(holds: &[&str]) -> GroupStatus {
    GroupStatus {
        group: "shop".into(),
        at: Wall(1_790_000_000_000),
        leader: Some("bowline-0".into()),
        active: Site::Standby,
        database: true,
        armed: false,
        paused: None,
        decision: "standby serves because somebody switched over".into(),
        next: Some("bowline failback shop".into()),
        sites: Vec::new(),
        run: None,
        report: None,
        holds: holds.iter().map(|hold| (*hold).to_owned()).collect(),
        leftovers: Vec::new(),
        claims: Vec::new(),
        head: 7,
        hash: "abc".into(),
        broken: None,
    }
}

fn finalizers(management: &Cluster) -> String {
    let path = "jsonpath={.metadata.finalizers}";
    let get = ["get", "failovergroup", "shop", "--namespace=bowline", "-o", path];
    management.kubectl(&get).unwrap_or_else(|e| format!("{e:#}"))
}

async fn publish(edges: &Edges, status: &GroupStatus) {
    edges.store.publish(status).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn people_see_how_a_group_is_and_a_deleted_one_stays_until_nothing_is_held() {
    let lab = lab(&["management"]);
    let management = installed(&lab);
    management.apply(include_str!("../../policies/shop.yaml")).unwrap();
    let bowline = edges_of(management, "bowline").await;
    let shop = "shop".into();
    assert_eq!(bowline.store.published(&shop).await.unwrap(), None, "nobody reported yet");

    let held = status(&["home/Deployment shop/web"]);
    publish(&bowline, &held).await;
    assert_eq!(bowline.store.published(&shop).await.unwrap(), Some(held.clone()));
    let shown = management.kubectl(&["get", "failovergroups", "--namespace=bowline"]).unwrap();
    println!("{shown}");
    for column in ["ACTIVE", "ARMED", "RUN", "DECISION", "standby", "somebody switched over"] {
        assert!(shown.contains(column), "{column} is not in\n{shown}");
    }
    let path = "jsonpath={.status.conditions[?(@.type==\"Armed\")].status}";
    let armed = ["get", "failovergroup", "shop", "--namespace=bowline", "-o", path];
    assert_eq!(management.kubectl(&armed).unwrap(), "False");

    let delete = ["delete", "failovergroup", "shop", "--namespace=bowline", "--wait=false"];
    management.kubectl(&delete).unwrap();
    assert!(finalizers(management).contains("bowline.dev/holds"), "kept: it holds something");
    publish(&bowline, &held).await;
    publish(&bowline, &status(&[])).await;
    wait_for("the group is gone", 10, || {
        let there = finalizers(management);
        (there.contains("NotFound") || there.contains("not found"), there)
    });
    let operator = edges_of(management, "operator").await;
    let refused = operator.store.publish(&held).await;
    assert!(matches!(refused, Err(Fault::Denied(_) | Fault::NotFound(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn a_check_tells_whether_the_fence_could_be_written_and_writes_nothing() {
    let lab = lab(&["management"]);
    let management = lab.cluster("management").unwrap();
    let admin = edges_of(management, "bowline").await;
    let cluster = bowline_core::model::Cluster::Context("unused".into());
    // A site's cluster as a context of the same kubeconfig: the lab's own name for it.
    let contexts = management.kubectl(&["config", "get-contexts", "-o", "name"]).unwrap();
    let name = contexts.lines().next().unwrap_or_default().to_owned();
    let site = bowline_core::model::Cluster::Context(name.as_str().into());
    assert!(admin.could_claim(&cluster, &"shop".into()).await.is_err(), "no such context");
    let denied = admin.could_claim(&site, &"shop".into()).await;
    assert!(matches!(denied, Err(Fault::Denied(_) | Fault::NotFound(_))), "{denied:?}");
    management.apply(&printed(crd::For::Site)).unwrap();
    let bind = [
        "create",
        "rolebinding",
        "fence",
        "--clusterrole=bowline-fence",
        "--user=bowline",
        "--namespace=bowline",
    ];
    management.kubectl(&bind).unwrap();
    wait_for("the right to claim", 10, || {
        let runtime = tokio::runtime::Handle::current();
        let shop = "shop".into();
        let asked = admin.could_claim(&site, &shop);
        let asked = tokio::task::block_in_place(|| runtime.block_on(asked));
        (asked.is_ok(), format!("{asked:?}"))
    });
    let kept = management.kubectl(&["get", "configmap", "--namespace=bowline", "-o", "name"]);
    assert!(!kept.unwrap().contains("bowline-fence"), "nothing was written");
}
