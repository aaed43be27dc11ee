//! Roles to bind: who may start a run is not who may approve it, nobody may change or delete a
//! record, and in a site's cluster Bowline may do what its calls do and nothing else.

use serde_json::{Value, json};

use crate::edges::kube::site::FENCE_NAMESPACE;

/// Roles of the management cluster. Bind them in Bowline's namespace, with `RoleBindings`.
pub(super) fn management() -> Vec<Value> {
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
        // The finalizer that keeps a deleted group until what it holds is released.
        bowline(&["failovergroups"], &["patch"]),
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

/// What a site's cluster needs: bind `bowline-site` in the cluster, `bowline-fence` in the
/// namespace.
pub(super) fn site() -> Vec<Value> {
    let namespace =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": FENCE_NAMESPACE}});
    let scales = ["deployments/scale", "statefulsets/scale"];
    let objects = [
        rule("apps", &["deployments", "statefulsets"], &["get", "patch"]),
        rule("apps", &scales, &["update"]),
        rule("batch", &["cronjobs"], &["get", "patch"]),
        rule("karpenter.sh", &["nodepools"], &["get", "patch"]),
        rule("karpenter.sh", &["nodeclaims"], &["list"]),
        rule("", &["nodes"], &["list"]),
    ];
    let fence = [rule("", &["configmaps"], &["get", "create", "update"])];
    vec![namespace, role("bowline-site", &objects), role("bowline-fence", &fence)]
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
