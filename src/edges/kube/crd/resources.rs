//! The custom resources. Records and intents cannot be changed once they are there: the API server
//! refuses it, whoever asks.

use serde_json::{Map, Value, json};

use bowline_core::policy::structural_schema;

use crate::edges::kube::intents::KINDS;
use crate::edges::kube::store::LIMIT;

/// A resource to define.
struct Resource {
    kind: &'static str,
    plural: &'static str,
    short: &'static str,
    schema: Value,
    columns: Vec<Value>,
    selectable: Vec<&'static str>,
    status: bool,
}

/// Every definition.
pub(super) fn all() -> Vec<Value> {
    let intents = KINDS.iter().zip(["frun", "fapp", "fctl"]).map(|(kind, short)| Resource {
        kind: kind.kind,
        plural: kind.plural,
        short,
        schema: object(intent(kind.wants), &[]),
        columns: [("Group", ".spec.group"), ("Want", ".spec.want"), ("By", ".spec.by")]
            .map(|(name, path)| column(name, path))
            .into(),
        selectable: Vec::new(),
        status: false,
    });
    let resources = [group()].into_iter().chain(intents).chain([record()]);
    resources.map(definition).collect()
}

fn definition(resource: Resource) -> Value {
    let mut version = json!({
        "name": "v1alpha1",
        "served": true,
        "storage": true,
        "schema": {"openAPIV3Schema": resource.schema},
        "additionalPrinterColumns": resource.columns,
    });
    if !resource.selectable.is_empty() {
        let fields = resource.selectable.iter().map(|path| json!({"jsonPath": path}));
        version["selectableFields"] = fields.collect();
    }
    if resource.status {
        version["subresources"] = json!({"status": {}});
    }
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{}.bowline.dev", resource.plural)},
        "spec": {
            "group": "bowline.dev",
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": format!("{}List", resource.kind),
                "plural": resource.plural,
                "singular": resource.kind.to_lowercase(),
                "shortNames": [resource.short],
                "categories": ["bowline"],
            },
            "versions": [version],
        },
    })
}

/// A whole object's schema; `rules` are of the object itself.
fn object(spec: Value, rules: &[Value]) -> Value {
    let mut schema = json!({
        "type": "object",
        "required": ["spec"],
        "properties": {"spec": spec},
    });
    if !rules.is_empty() {
        schema["x-kubernetes-validations"] = json!(rules);
    }
    schema
}

fn column(name: &str, path: &str) -> Value {
    json!({"name": name, "type": "string", "jsonPath": path})
}

fn group() -> Resource {
    let mut schema = object(structural_schema(), &[]);
    schema["properties"]["status"] =
        json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    Resource {
        kind: "FailoverGroup",
        plural: "failovergroups",
        short: "fgrp",
        schema,
        columns: vec![
            column("Home", ".spec.sites.home.region"),
            column("Standby", ".spec.sites.standby.region"),
            column("Active", ".status.active"),
            column("Armed", ".status.armed"),
            column("Run", ".status.run"),
            column("Decision", ".status.decision"),
            json!({"name": "Seen", "type": "date", "jsonPath": ".status.observedAt"}),
        ],
        selectable: Vec::new(),
        status: true,
    }
}

/// A text of at most `length`.
fn text(length: usize) -> Value {
    json!({"type": "string", "maxLength": length})
}

/// Every field that any of a kind's intents has; what a `want` needs is checked when it is taken,
/// and refused with a reason.
fn intent(wants: &[&str]) -> Value {
    let mut fields = Map::new();
    fields.insert("group".into(), json!({"type": "string", "minLength": 1, "maxLength": 253}));
    fields.insert("by".into(), json!({"type": "string", "minLength": 1, "maxLength": 1_024}));
    fields.insert("want".into(), json!({"type": "string", "enum": wants}));
    let any = |names: &[&str]| wants.iter().any(|want| names.contains(want));
    let mut add = |name: &str, schema: Value, of: &[&str]| {
        if any(of) {
            fields.insert(name.into(), schema);
        }
    };
    add("reason", text(4_096), &["failover", "switchover", "failback", "pause", "import"]);
    add("breakGlass", text(4_096), &["failover"]);
    let entries = json!({"type": "array", "maxItems": 10_000, "items": text(LIMIT)});
    add("entries", entries, &["import"]);
    add("facts", text(LIMIT), &["import"]);
    let stands = json!({"type": "string", "enum": ["ours", "theirs"]});
    add("stands", stands, &["import"]);
    add("run", text(253), &["approve", "cancel"]);
    let duration = json!({"type": "string", "maxLength": 32, "pattern": "^([0-9]+(ms|s|m|h|d))+$"});
    add("acceptLoss", duration, &["failover", "approve"]);
    add("acceptUnfenced", json!({"type": "boolean"}), &["approve"]);
    add("keepTrying", json!({"type": "boolean"}), &["approve"]);
    json!({
        "type": "object",
        "required": ["group", "by", "want"],
        "properties": fields,
        "x-kubernetes-validations": [never_changed("an intent")],
    })
}

fn never_changed(what: &str) -> Value {
    json!({"rule": "self == oldSelf", "message": format!("{what} is never changed")})
}

fn record() -> Resource {
    let number = json!({"type": "integer", "format": "int64", "minimum": 0});
    let spec = json!({
        "type": "object",
        "required": ["group", "seq", "block", "bytes"],
        "properties": {
            "group": {"type": "string", "minLength": 1, "maxLength": 232},
            "seq": number,
            "block": number,
            "bytes": text(LIMIT),
        },
        "x-kubernetes-validations": [never_changed("a record")],
    });
    let named = "self.metadata.name.startsWith(self.spec.group + '-') && \
                 self.metadata.name.size() == self.spec.group.size() + 21 && \
                 int(self.metadata.name.substring(self.spec.group.size() + 1)) == self.spec.seq";
    let message = "a record's name is its group and its number in twenty digits";
    Resource {
        kind: "FailoverRecord",
        plural: "failoverrecords",
        short: "frec",
        schema: object(spec, &[json!({"rule": named, "message": message})]),
        columns: vec![
            column("Group", ".spec.group"),
            json!({"name": "Seq", "type": "integer", "jsonPath": ".spec.seq"}),
        ],
        selectable: vec![".spec.group", ".spec.block"],
        status: false,
    }
}
