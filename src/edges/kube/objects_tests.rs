//! Objects as API servers give them, and what is read from them.

use serde_json::json;

use super::*;

fn workload(generation: i64, status: Value) -> WorkloadView {
    let object = json!({
        "metadata": {
            "resourceVersion": "7",
            "generation": generation,
            "annotations": {"bowline.dev/holds": "{}", "other": "x"},
        },
        "spec": {"replicas": 3},
        "status": status,
    });
    serde_json::from_value::<Workload>(object).unwrap().into()
}

#[test]
fn pods_count_as_ready_only_once_the_controller_saw_the_spec() {
    let status = json!({"observedGeneration": 2, "replicas": 3, "readyReplicas": 3});
    let seen = workload(2, status.clone());
    assert_eq!((seen.wanted, seen.ready, seen.pods), (3, 3, 3));
    assert_eq!((seen.version.as_str(), seen.note.as_deref()), ("7", Some("{}")));
    assert!(!seen.claims_volumes);
    assert_eq!(workload(3, status).ready, 0);
}

#[test]
fn pods_are_gone_only_when_the_controller_says_so_of_the_present_spec() {
    let none = json!({"observedGeneration": 4});
    assert_eq!(workload(4, none.clone()).pods, 0);
    assert_eq!(workload(5, none).pods, 1);
    let ending = json!({"observedGeneration": 4, "terminatingReplicas": 2});
    assert_eq!(workload(4, ending).pods, 2);
}

#[test]
fn claim_templates_are_noticed_and_replicas_have_a_default() {
    let object = json!({"metadata": {}, "spec": {"volumeClaimTemplates": [{}]}});
    let seen: WorkloadView = serde_json::from_value::<Workload>(object).unwrap().into();
    assert!(seen.claims_volumes && seen.note.is_none());
    assert_eq!((seen.wanted, seen.ready, seen.pods), (1, 0, 0));
}

#[test]
fn a_cron_job_is_read() {
    let object = json!({"metadata": {"resourceVersion": "1"}, "spec": {"suspend": true},
        "status": {"active": [{}, {}]}});
    let seen: JobView = serde_json::from_value::<CronJob>(object).unwrap().into();
    assert_eq!((seen.suspended, seen.active), (true, 2));
}

#[test]
fn limits_are_read_whether_text_or_number() {
    let pool = |limits: Value| {
        let object = json!({"metadata": {}, "spec": {"limits": limits}});
        PoolView::try_from(serde_json::from_value::<NodePool>(object).unwrap())
    };
    let seen = pool(json!({"cpu": "1500m", "memory": "1Gi", "nodes": 5})).unwrap();
    let limits: Vec<_> = seen.limits.iter().map(|(name, value)| (&**name, *value)).collect();
    assert_eq!(limits, [("cpu", 1_500), ("memory", 1 << 30), ("nodes", 5)]);
    assert!(matches!(pool(json!({"cpu": "many"})), Err(Fault::Invalid(_))));
}

#[test]
fn nodes_are_ready_by_their_condition() {
    let node = |status: &str| {
        json!({"status": {"conditions": [
            {"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": status}]}})
    };
    let list = json!({"items": [node("True"), node("False"), node("Unknown"), {}]});
    let seen: NodesView = serde_json::from_value::<List<Node>>(list).unwrap().into();
    assert_eq!(seen, NodesView { total: 4, ready: 1 });
}
