//! What Bowline is given: endpoints, kubeconfigs, a policy; and what the clusters must have.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::set::Setting;
use super::{Link, StageOptions};
use crate::cluster::Cluster;
use crate::lab::Lab;
use crate::manifests;

pub(super) const ENDPOINTS: &str = "endpoints.yaml";
pub(super) const POLICY: &str = "policy.yaml";
/// Bowline's namespace in every cluster.
const NAMESPACE: &str = "bowline";
/// The lab's users, and the role of `bowline crd` that each has in the management cluster.
const ROLES: &[(&str, &str)] =
    &[("bowline", "controller"), ("operator", "operator"), ("approver", "approver")];

pub(super) fn kubeconfig_path(folder: &Path, user: &str) -> PathBuf {
    folder.join(format!("{user}.kubeconfig"))
}

/// Writes the files. JSON is YAML, too.
pub(super) fn write(setting: &Setting<'_>, options: &StageOptions) -> Result<()> {
    let folder = setting.troupe.folder;
    fs::write(folder.join(ENDPOINTS), serde_json::to_string_pretty(&endpoints(setting)?)?)?;
    fs::write(folder.join(POLICY), policy(setting)?)?;
    if options.application {
        for (user, _) in ROLES {
            fs::write(kubeconfig_path(folder, user), kubeconfig(setting, user)?)?;
        }
        secret(setting)?;
    }
    Ok(())
}

fn endpoints(setting: &Setting<'_>) -> Result<Value> {
    let url = |address: &dyn std::fmt::Display| format!("http://{address}");
    let site = |name: &str| {
        let link: &Link = &setting.places.site(name).link;
        let (aws, front) = (url(&link.aws), url(&link.front));
        json!({
            "elasticloadbalancing": aws, "eks": aws, "sts": aws, "rds": front, "monitoring": front,
        })
    };
    let region = |name: &str| Ok::<_, anyhow::Error>(setting.lab.cloud(name)?.region().to_owned());
    let global = setting.lab.cloud("global")?;
    Ok(json!({
        "regions": {
            region("home")?: site("home"),
            region("standby")?: site("standby"),
            global.region(): { "route53": global.endpoint(), "sts": global.endpoint() },
        },
        "dns": [setting.places.bowline_dns],
    }))
}

fn policy(setting: &Setting<'_>) -> Result<String> {
    let made = setting.made;
    let values = [
        ("{zone}", made.zone.clone()),
        ("{closed}", made.closed_check.clone()),
        ("{home}", made.site("home")?.check.clone()),
        ("{standby}", made.site("standby")?.check.clone()),
        ("{port}", setting.places.port.to_string()),
    ];
    let fill = |text: String, (mark, value): &(&str, String)| text.replace(mark, value);
    Ok(values.iter().fold(manifests::POLICY.to_owned(), fill))
}

/// One file with all three clusters for a user; the sites' lead through the links.
fn kubeconfig(setting: &Setting<'_>, user: &str) -> Result<String> {
    let (mut clusters, mut users, mut contexts) = (Vec::new(), Vec::new(), Vec::new());
    for name in ["management", "home", "standby"] {
        let cluster = setting.lab.cluster(name)?;
        let text = fs::read_to_string(cluster.kubeconfig_of(user)?)?;
        let mut own: Value = serde_json::from_str(&text)?;
        if name != "management" {
            let link = setting.places.site(name).link.api;
            own["clusters"][0]["cluster"]["server"] = json!(format!("https://{link}"));
        }
        // Tokens differ from lab to lab, not from cluster to cluster; names tell them apart.
        own["users"][0]["name"] = json!(name);
        own["contexts"][0]["context"]["user"] = json!(name);
        for (all, kind) in
            [(&mut clusters, "clusters"), (&mut users, "users"), (&mut contexts, "contexts")]
        {
            all.push(own[kind][0].take());
        }
    }
    Ok(serde_json::to_string_pretty(&json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "management",
        "clusters": clusters, "users": users, "contexts": contexts,
    }))?)
}

/// The webhook's address, which the policy names.
fn secret(setting: &Setting<'_>) -> Result<()> {
    let url = format!("http://{}/", setting.places.webhook);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "bowline-notify", "namespace": NAMESPACE },
        "stringData": { "url": url },
    });
    setting.lab.cluster("management")?.apply(&secret.to_string())
}

/// Gives the clusters what Bowline and the application need.
pub(super) fn furnish(lab: &Lab, options: &StageOptions) -> Result<()> {
    for name in ["management", "home", "standby"] {
        let cluster = lab.cluster(name)?;
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE },
        });
        cluster.apply(&namespace.to_string())?;
        if let Some(manifest) = options.manifests.get(name) {
            cluster.apply(manifest).with_context(|| format!("what {name} must have"))?;
            let defined = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
            cluster.kubectl(&defined)?;
            bind(cluster, name == "management")?;
        }
    }
    for (name, manifest) in
        [("home", manifests::SHOP_AT_HOME), ("standby", manifests::SHOP_AT_STANDBY)]
    {
        let cluster = lab.cluster(name)?;
        cluster.apply(manifest)?;
        cluster.apply(manifests::STORY_NODE_POOL)?;
    }
    Ok(())
}

/// Lets the lab's users do what their roles say, each where `bowline crd` says it belongs.
fn bind(cluster: &Cluster, management: bool) -> Result<()> {
    let bindings: Vec<Value> = if management {
        ROLES.iter().map(|(user, role)| binding(user, role, Some(NAMESPACE))).collect()
    } else {
        vec![binding("bowline", "site", None), binding("bowline", "fence", Some(NAMESPACE))]
    };
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": bindings });
    cluster.apply(&list.to_string())
}

/// Binds a role in a namespace, or in the whole cluster.
fn binding(user: &str, role: &str, namespace: Option<&str>) -> Value {
    let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
    let group = "rbac.authorization.k8s.io";
    let mut metadata = json!({ "name": format!("lab-{user}-{role}") });
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    json!({
        "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": metadata,
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": format!("bowline-{role}") },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
    })
}
