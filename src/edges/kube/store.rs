//! The durable store as custom resources: records, facts, and the lease, in one namespace of the
//! management cluster.
//!
//! A record is `GROUP-SEQ` (twenty digits), created and never changed: creating the next name *is*
//! the compare-and-swap. Reads go to the quorum (no resourceVersion). Records carry the number of
//! the block of [`BLOCK`] they belong to, and one read gives what of one block comes after the
//! number asked for: it stays small however long the chain grows, and the reader asks again after
//! the last.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use bowline_core::model::{GroupName, ObjectName, Version};
use bowline_core::op::{Answer, FactsView, Fault, StoreOp, Stored};

use super::objects::{ConfigMap, List};
use super::path;
use super::site::written;
use super::wire::{Verb, Wire};

/// The API group and version of Bowline's resources.
pub const API_VERSION: &str = "bowline.dev/v1alpha1";

/// Where they are.
pub(crate) const API: &str = "/apis/bowline.dev/v1alpha1";

/// Records in a block.
const BLOCK: u64 = 64;

/// The largest entry or facts, in bytes: etcd takes 1.5 MiB, and a ConfigMap 1 MiB.
pub const LIMIT: usize = 1 << 20;

/// The key of the ConfigMap that holds the facts.
const FACTS: &str = "facts";

/// The store in one namespace.
#[derive(Clone)]
pub struct ClusterStore {
    pub(crate) wire: Wire,
    pub(crate) namespace: ObjectName,
}

#[derive(Deserialize)]
struct Record {
    spec: RecordSpec,
}

#[derive(Deserialize)]
struct RecordSpec {
    seq: u64,
    bytes: Arc<str>,
}

impl ClusterStore {
    /// The store in a namespace, which must exist and have Bowline's resources (`bowline crd`).
    #[must_use]
    pub fn new(wire: Wire, namespace: ObjectName) -> Self {
        Self { wire, namespace }
    }

    /// Makes one call.
    ///
    /// # Errors
    /// What the API server or the way to it said.
    pub(crate) async fn perform(&self, op: &StoreOp) -> Result<Answer, Fault> {
        match op {
            StoreOp::Read { group, after } => self.read(group, *after).await,
            StoreOp::Append { group, seq, bytes } => self.append(group, *seq, bytes).await,
            StoreOp::Intents => self.intents().await.map(Answer::Intents),
            StoreOp::Facts { group } => self.facts(group).await,
            StoreOp::PutFacts { group, version, bytes } => {
                self.put_facts(group, version.as_ref(), bytes).await
            }
        }
    }

    /// The path of a kind of Bowline's resources in this namespace.
    pub(crate) fn resource(&self, plural: &str) -> String {
        path::namespaced(API, self.namespace.as_str(), plural, None)
    }

    async fn read(&self, group: &GroupName, after: u64) -> Result<Answer, Fault> {
        let fields = format!("spec.group={group},spec.block={}", block(after.saturating_add(1)));
        let records = self.resource("failoverrecords");
        let path = format!("{records}?fieldSelector={}", path::segment(&fields));
        let seen: List<Record> = self.wire.get(&path).await?;
        let specs = seen.items.into_iter().map(|record| record.spec);
        let mut entries: Vec<_> = specs
            .filter(|spec| spec.seq > after)
            .map(|spec| Stored { seq: spec.seq, bytes: spec.bytes })
            .collect();
        entries.sort_by_key(|entry| entry.seq);
        Ok(Answer::Entries(entries))
    }

    async fn append(&self, group: &GroupName, seq: u64, bytes: &str) -> Result<Answer, Fault> {
        small_enough(bytes)?;
        let record = json!({
            "apiVersion": API_VERSION,
            "kind": "FailoverRecord",
            "metadata": {
                "name": record_name(group, seq),
                "labels": {"bowline.dev/group": group},
            },
            "spec": {"group": group, "seq": seq, "block": block(seq), "bytes": bytes},
        });
        let records = self.resource("failoverrecords");
        self.wire.write(Verb::Create, &records, &record).await.map(|_| Answer::Ok)
    }

    async fn facts(&self, group: &GroupName) -> Result<Answer, Fault> {
        let seen: ConfigMap = match self.wire.get(&self.facts_path(group, true)).await {
            Err(Fault::NotFound(_)) => return Ok(Answer::Facts(None)),
            other => other?,
        };
        let version = seen.metadata.version();
        let bytes = seen.data.get(FACTS).map_or("", String::as_str).into();
        Ok(Answer::Facts(Some(FactsView { version, bytes })))
    }

    async fn put_facts(
        &self,
        group: &GroupName,
        version: Option<&Version>,
        bytes: &str,
    ) -> Result<Answer, Fault> {
        small_enough(bytes)?;
        let mut metadata = json!({
            "name": facts_name(group),
            "labels": {"app.kubernetes.io/managed-by": "bowline", "bowline.dev/group": group},
        });
        let verb = match version {
            None => Verb::Create,
            Some(version) => {
                metadata["resourceVersion"] = json!(version);
                Verb::Replace
            }
        };
        let body = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {FACTS: bytes},
        });
        let path = self.facts_path(group, version.is_some());
        written(&self.wire.write(verb, &path, &body).await?)
    }

    fn facts_path(&self, group: &GroupName, named: bool) -> String {
        let name = facts_name(group);
        let name = named.then_some(name.as_str());
        path::namespaced("/api/v1", self.namespace.as_str(), "configmaps", name)
    }

    /// Every `FailoverGroup` of the namespace, as the API server gives it.
    ///
    /// # Errors
    /// What the API server or the way to it said.
    pub async fn groups(&self) -> Result<Vec<Value>, Fault> {
        let seen: List<Value> = self.wire.get(&self.resource("failovergroups")).await?;
        Ok(seen.items)
    }
}

fn small_enough(bytes: &str) -> Result<(), Fault> {
    match bytes.len() {
        size if size > LIMIT => Err(Fault::Invalid(format!("{size} bytes, limit {LIMIT}"))),
        _ => Ok(()),
    }
}

/// The block of a sequence number; the first entry is 1.
fn block(seq: u64) -> u64 {
    seq.saturating_sub(1) / BLOCK
}

/// The name of a chain's entry: names sort as their numbers do.
pub(crate) fn record_name(group: &GroupName, seq: u64) -> String {
    format!("{group}-{seq:020}")
}

fn facts_name(group: &GroupName) -> String {
    format!("bowline-facts-{group}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_their_numbers_do() {
        let shop = GroupName::from("shop");
        assert_eq!(record_name(&shop, 7), "shop-00000000000000000007");
        let mut names: Vec<_> = [100, 9, u64::MAX, 10].map(|n| record_name(&shop, n)).into();
        names.sort();
        assert_eq!(names, [9, 10, 100, u64::MAX].map(|n| record_name(&shop, n)));
    }

    #[test]
    fn the_entry_after_the_last_of_a_block_is_the_first_of_the_next() {
        assert_eq!([1, BLOCK, BLOCK + 1].map(block), [0, 0, 1]);
        assert_eq!(block(0), 0);
    }
}
