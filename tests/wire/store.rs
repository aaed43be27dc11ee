//! The store on a real API server: what it keeps, what it refuses, and whom.

use std::sync::atomic::{AtomicI64, Ordering};

use bowline::edges::Edges;
use bowline_core::model::{GroupName, ReplicaId, Span, Version, Wall};
use bowline_core::op::{Answer, Fault, KubeOp, LeaseOp, LeaseSpec, Op, StoreOp};
use bowline_core::run::Intent;
use bowline_lab::Cluster;

use crate::{call, edges_of, installed, lab};

/// How often the lease was written.
static RENEWALS: AtomicI64 = AtomicI64::new(0);

fn shop() -> GroupName {
    "shop".into()
}

async fn append(edges: &Edges, group: &str, seq: u64, bytes: &str) -> Result<Answer, Fault> {
    let op = StoreOp::Append { group: group.into(), seq, bytes: bytes.into() };
    call(edges, Op::Store(op)).await
}

async fn read(edges: &Edges, group: &str, after: u64) -> Vec<(u64, String)> {
    let op = StoreOp::Read { group: group.into(), after };
    match call(edges, Op::Store(op)).await {
        Ok(Answer::Entries(all)) => {
            all.into_iter().map(|entry| (entry.seq, entry.bytes.to_string())).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn the_store_keeps_its_promises_on_a_real_api_server() {
    let lab = lab(&["management"]);
    let management = installed(&lab);
    let bowline = edges_of(management, "bowline").await;
    records(management, &bowline).await;
    facts(&bowline).await;
    lease(&bowline).await;
    intents(management, &bowline).await;
    groups(management, &bowline).await;
    secret(management, &bowline).await;
}

/// A site's kubeconfig may be in a Secret of the management cluster.
async fn secret(management: &Cluster, bowline: &Edges) {
    let site = bowline_core::model::Cluster::KubeconfigSecret("site".into());
    let ready = Op::Kube(site, KubeOp::Ready);
    let absent = call(bowline, ready.clone()).await;
    assert!(matches!(absent, Err(Fault::NotFound(_))), "{absent:?}");
    let file = management.kubeconfig_of("stranger").unwrap();
    let from = format!("--from-file=kubeconfig={}", file.display());
    let make = ["create", "secret", "generic", "site", &from, "--namespace=bowline"];
    management.kubectl(&make).unwrap();
    assert_eq!(call(bowline, ready).await, Ok(Answer::Ok));
}

async fn records(management: &Cluster, bowline: &Edges) {
    assert!(read(bowline, "shop", 0).await.is_empty());
    let exact = "{ \"exact\":  \"ä\\n\" }";
    assert_eq!(append(bowline, "shop", 1, exact).await, Ok(Answer::Ok));
    let taken = append(bowline, "shop", 1, "theirs").await;
    assert!(matches!(taken, Err(Fault::Conflict(_))), "{taken:?}");
    assert_eq!(read(bowline, "shop", 0).await, [(1, exact.to_owned())]);

    // Two groups, one name the beginning of the other; and more than a block.
    append(bowline, "shop-2", 1, "other").await.unwrap();
    for seq in 2..=70 {
        append(bowline, "shop", seq, "x").await.unwrap();
    }
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = read(bowline, "shop", after).await;
        let Some((last, _)) = page.last() else { break };
        after = *last;
        seen.extend(page.into_iter().map(|(seq, _)| seq));
    }
    assert_eq!(seen, (1..=70).collect::<Vec<_>>());

    let large = append(bowline, "shop", 71, &"x".repeat((1 << 20) + 1)).await;
    assert!(matches!(large, Err(Fault::Invalid(_))), "{large:?}");
    let nearly = append(bowline, "shop", 71, &"x".repeat(1 << 20)).await;
    assert_eq!(nearly, Ok(Answer::Ok));

    let name = "failoverrecord/shop-00000000000000000001";
    let patch = r#"{"spec":{"bytes":"forged"}}"#;
    let forged = ["patch", name, "-n", "bowline", "--type=merge", "-p", patch];
    let refused = management.kubectl(&forged).unwrap_err();
    assert!(format!("{refused:#}").contains("never changed"), "{refused:#}");
    let misnamed = "apiVersion: bowline.dev/v1alpha1\nkind: FailoverRecord\n\
                    metadata: {name: shop-00000000000000000099, namespace: bowline}\n\
                    spec: {group: shop, seq: 98, block: 1, bytes: x}\n";
    let refused = management.apply(misnamed).unwrap_err();
    assert!(format!("{refused:#}").contains("twenty digits"), "{refused:#}");
    let delete = ["delete", name, "-n", "bowline"];
    let refused = management.kubectl_as("bowline", &delete).unwrap_err();
    assert!(format!("{refused:#}").contains("Forbidden"), "{refused:#}");
}

async fn put(edges: &Edges, version: Option<&Version>, bytes: &str) -> Result<Answer, Fault> {
    let (version, bytes) = (version.cloned(), bytes.into());
    call(edges, Op::Store(StoreOp::PutFacts { group: shop(), version, bytes })).await
}

async fn facts(bowline: &Edges) {
    let read = Op::Store(StoreOp::Facts { group: shop() });
    assert_eq!(call(bowline, read.clone()).await, Ok(Answer::Facts(None)));
    let Ok(Answer::Written(first)) = put(bowline, None, "one").await else { panic!() };
    assert!(matches!(put(bowline, None, "x").await, Err(Fault::Conflict(_))));
    put(bowline, Some(&first), "two").await.unwrap();
    let stale = put(bowline, Some(&first), "x").await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    let Ok(Answer::Facts(Some(seen))) = call(bowline, read).await else { panic!() };
    assert_eq!(&*seen.bytes, "two");
}

/// Every write says another instant: one that changes nothing would not move the version.
async fn write(
    edges: &Edges,
    version: Option<&Version>,
    holder: Option<&str>,
) -> Result<Answer, Fault> {
    let lease = LeaseSpec {
        holder: holder.map(ReplicaId::from),
        duration: Span::secs(15),
        transitions: 4,
        renewed: Wall(1_795_255_200_000 + RENEWALS.fetch_add(1, Ordering::Relaxed)),
    };
    call(edges, Op::Lease(LeaseOp::Write { version: version.cloned(), lease })).await
}

async fn lease(bowline: &Edges) {
    let read = || call(bowline, Op::Lease(LeaseOp::Read));
    assert_eq!(read().await, Ok(Answer::Lease(None)));
    let Ok(Answer::Written(first)) = write(bowline, None, Some("a")).await else { panic!() };
    assert!(matches!(write(bowline, None, Some("b")).await, Err(Fault::Conflict(_))));
    write(bowline, Some(&first), Some("a")).await.unwrap();
    let stale = write(bowline, Some(&first), Some("b")).await;
    assert!(matches!(stale, Err(Fault::Conflict(_))), "{stale:?}");
    let Ok(Answer::Lease(Some(seen))) = read().await else { panic!() };
    assert_eq!((seen.lease.holder, seen.lease.transitions), (Some("a".into()), 4));
    assert_eq!(
        (seen.lease.duration, seen.lease.renewed),
        (Span::secs(15), Wall(1_795_255_200_002))
    );
    write(bowline, Some(&seen.version), None).await.unwrap();
    let Ok(Answer::Lease(Some(seen))) = read().await else { panic!() };
    assert_eq!(seen.lease.holder, None, "released");
}

async fn intents(management: &Cluster, bowline: &Edges) {
    let operator = edges_of(management, "operator").await;
    let approver = edges_of(management, "approver").await;
    let start = Intent::Failover {
        accept_loss: Some(Span::secs(5)),
        reason: "fire".into(),
        break_glass: None,
    };
    let approve = Intent::Approve {
        run: "shop-1-failover".into(),
        accept_loss: None,
        accept_unfenced: true,
        keep_trying: false,
    };
    let started = operator.store.intend(&shop(), "somebody else", &start).await.unwrap();
    approver.store.intend(&shop(), "", &approve).await.unwrap();
    operator.store.intend(&shop(), "", &Intent::Pause { reason: "x".into() }).await.unwrap();
    for (edges, intent) in [(&operator, &approve), (&approver, &start)] {
        let refused = edges.store.intend(&shop(), "", intent).await;
        assert!(matches!(refused, Err(Fault::Denied(_))), "{refused:?}");
    }
    let Ok(Answer::Intents(all)) = call(bowline, Op::Store(StoreOp::Intents)).await else {
        panic!()
    };
    assert_eq!(all.len(), 3);
    let seen = all.iter().find(|intent| *intent.uid == *started).unwrap();
    assert_eq!((seen.by.as_str(), seen.group.as_str()), ("operator", "shop"));
    assert_eq!(serde_json::from_str::<Intent>(&seen.bytes).unwrap(), start);
    assert!(seen.at.0 > 0);

    let forged = "{apiVersion: bowline.dev/v1alpha1, kind: FailoverRun, \
                  metadata: {name: forged, namespace: bowline}, \
                  spec: {group: shop, by: ada, want: failover, reason: x}}";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("forged.yaml");
    std::fs::write(&file, forged).unwrap();
    let create = ["create", "-f", file.to_str().unwrap()];
    let refused = format!("{:#}", management.kubectl_as("operator", &create).unwrap_err());
    assert!(refused.contains("spec.by must be the requesting user, operator"), "{refused}");
    let other = forged.replace("by: ada", "by: operator").replace("want: failover", "want: arm");
    std::fs::write(&file, other).unwrap();
    let refused = format!("{:#}", management.kubectl_as("operator", &create).unwrap_err());
    assert!(refused.contains("Unsupported value"), "{refused}");

    let names = ["get", "failoverruns", "-n", "bowline", "-o", "name"];
    let name = management.kubectl(&names).unwrap();
    let patch = r#"{"spec":{"want":"failback"}}"#;
    let change = ["patch", name.trim(), "-n", "bowline", "--type=merge", "-p", patch];
    let refused = format!("{:#}", management.kubectl(&change).unwrap_err());
    assert!(refused.contains("never changed"), "{refused}");
}

async fn groups(management: &Cluster, bowline: &Edges) {
    for policy in ["shop", "minimal"] {
        let path = format!("{}/policies/{policy}.yaml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let text = text.replace("  name: site\n", "  name: site\n  namespace: bowline\n");
        management.apply(&text).unwrap();
    }
    let bowline::edges::Store::Cluster(store) = &bowline.store else { panic!() };
    let objects = store.groups().await.unwrap();
    assert_eq!(objects.len(), 2);
    for object in objects {
        let loaded = bowline_core::policy::load_object(&object).unwrap();
        assert_eq!(loaded.policies.len(), 1, "what the API server gives back is a policy");
    }
    let printed = management.kubectl(&["get", "bowline", "-n", "bowline"]).unwrap();
    assert!(printed.contains("failovergroup.bowline.dev/shop"), "{printed}");
}
