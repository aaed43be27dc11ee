//! `FailoverGroup` as a user writes it, and its JSON Schema.
//!
//! The schema is structural in the sense of custom resources: every node has a type, no shape is
//! one of several, and an alternative is one of several optional keys (`minProperties` and
//! `maxProperties` of 1). What a schema cannot say is checked in `resolve`.

mod automation;
mod capacity;
mod databases;
mod group;
mod health;
mod traffic;

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

pub use automation::{
    ActionSpec, AutomationSpec, BlockedWindowSpec, MethodSpec, ModeSpec, NotifySpec, PrewarmSpec,
    SecretKeySpec, VerifySpec, WebhookSpec, WriteProbeSpec,
};
pub use capacity::{
    CapacitySpec, FloorKindSpec, FloorSpec, NodePoolSpec, ReplicasSpec, RunSpec, StartSpec,
    WorkloadKindSpec, WorkloadSpec,
};
pub use databases::{DatabaseSpec, FenceSpec, OnUnknownSpec, ReadReplicaSpec};
pub use group::{
    API_VERSION, ClusterSpec, FailoverGroup, GroupSpec, KIND, LoadBalancerSpec, Metadata,
    SiteDatabaseSpec, SiteSpec, SitesSpec,
};
pub use health::{
    AlbTargetsSpec, HealthSpec, HttpSpec, KOfNSpec, Nothing, ProgressSpec, Route53CheckSpec,
    SchemeSpec, SignalSpec,
};
pub use traffic::{GatesSpec, NameSpec, RecordsSpec, TrafficSpec};

/// The schema for editors: a whole document, unknown fields refused.
#[must_use]
pub fn json_schema() -> Value {
    EDITOR.clone()
}

/// The schema of `spec` for a custom resource definition. It does not refuse unknown fields, which
/// a structural schema cannot: an API server prunes them, or refuses them when asked to be strict.
#[must_use]
pub fn structural_schema() -> Value {
    let mut spec = EDITOR["properties"]["spec"].clone();
    open(&mut spec);
    spec
}

/// The editor's schema, made once.
pub(super) static EDITOR: LazyLock<Value> = LazyLock::new(|| {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<FailoverGroup>().to_value();
    plain(&mut schema);
    schema
});

/// Turns what schemars writes for options and enums into plain types.
fn plain(node: &mut Value) {
    let Value::Object(map) = node else { return };
    map.remove("title");
    map.retain(|key, _| key != "format");
    unwrap_option(map);
    join_words(map);
    map.values_mut().for_each(plain);
}

/// An optional field is simply not required; `null` is no value of it.
fn unwrap_option(map: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = map.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(shapes)) = map.remove("anyOf") else { return };
    let some = shapes.into_iter().find(|shape| shape["type"] != "null");
    if let Some(Value::Object(shape)) = some {
        for (key, value) in shape {
            map.entry(key).or_insert(value);
        }
    }
}

/// Documented words come as one shape each; they are one list of words.
fn join_words(map: &mut Map<String, Value>) {
    let Some(Value::Array(shapes)) = map.remove("oneOf") else { return };
    let words = shapes.iter().map(|shape| shape["const"].clone());
    map.insert("enum".to_owned(), words.collect());
    map.insert("type".to_owned(), "string".into());
}

/// Removes what a structural schema must not have beside `properties`.
fn open(node: &mut Value) {
    let Value::Object(map) = node else { return };
    let closed = map.get("additionalProperties") == Some(&false.into());
    if closed || map.contains_key("properties") {
        map.remove("additionalProperties");
    }
    map.values_mut().for_each(open);
}

#[cfg(test)]
mod tests;
