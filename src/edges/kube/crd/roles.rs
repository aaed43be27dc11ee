//! Roles to bind: who may start a run is not who may approve it, and nobody may change or delete a
//! record.

use serde_json::{Value, json};

/// Every role. Bind them in Bowline's namespace, with `RoleBindings`.
pub(super) fn all() -> Vec<Value> {
    let bowline = |resources: &[&str], verbs: &[&str]| rule("bowline.dev", resources, verbs);
    let every = [
        "failovergroups",
        "failoverruns",
        "failoverapprovals",
        "failovercontrols",
        "failoverrecords",
    ];
    let look = bowline(&every, &["get", "list", "watch"]);
    let controller = [
        look.clone(),
        bowline(&["failoverrecords"], &["create"]),
        bowline(&["failovergroups/status"], &["get", "update", "patch"]),
        rule("coordination.k8s.io", &["leases"], &["get", "create", "update"]),
        rule("", &["configmaps"], &["get", "create", "update"]),
        rule("", &["secrets"], &["get"]),
    ];
    let facts = rule("", &["configmaps"], &["get"]);
    let viewer = [look.clone(), facts.clone()];
    let starts = bowline(&["failoverruns", "failovercontrols"], &["create"]);
    let approves = bowline(&["failoverapprovals"], &["create"]);
    vec![
        role("bowline-controller", &controller),
        role("bowline-viewer", &viewer),
        role("bowline-operator", &[look.clone(), facts.clone(), starts]),
        role("bowline-approver", &[look, facts, approves]),
    ]
}

fn role(name: &str, rules: &[Value]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    })
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}
