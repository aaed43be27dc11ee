//! The leader lease as a `coordination.k8s.io/v1` Lease. Who may write when is decided in
//! `bowline_core::lease`; here a write only carries the resourceVersion that it is based on.

use serde::Deserialize;
use serde_json::{Value, json};

use bowline_core::model::{ReplicaId, Span, Version};
use bowline_core::op::{Answer, Fault, LeaseOp, LeaseSpec, LeaseView};

use super::intents::instant;
use super::objects::Metadata;
use super::path;
use super::site::written;
use super::store::ClusterStore;
use super::wire::Verb;

/// The Lease's name.
pub const LEASE: &str = "bowline";

#[derive(Deserialize)]
struct Lease {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    holder_identity: Option<String>,
    // As the API has them, `int32`: what is larger or negative is no lease.
    lease_duration_seconds: u32,
    lease_transitions: u32,
    renew_time: Option<String>,
}

impl ClusterStore {
    /// Makes one call for the lease.
    ///
    /// # Errors
    /// What the API server or the way to it said.
    pub(crate) async fn lease(&self, op: &LeaseOp) -> Result<Answer, Fault> {
        match op {
            LeaseOp::Read => match self.wire.get::<Lease>(&self.lease_path(true)).await {
                Err(Fault::NotFound(_)) => Ok(Answer::Lease(None)),
                other => Ok(Answer::Lease(Some(view(other?)))),
            },
            LeaseOp::Write { version, lease } => self.write_lease(version.as_ref(), lease).await,
        }
    }

    async fn write_lease(
        &self,
        version: Option<&Version>,
        lease: &LeaseSpec,
    ) -> Result<Answer, Fault> {
        let verb = if version.is_some() { Verb::Replace } else { Verb::Create };
        let path = self.lease_path(version.is_some());
        written(&self.wire.write(verb, &path, &body(version, lease)).await?)
    }

    fn lease_path(&self, named: bool) -> String {
        let api = "/apis/coordination.k8s.io/v1";
        path::namespaced(api, self.namespace.as_str(), "leases", named.then_some(LEASE))
    }
}

fn view(seen: Lease) -> LeaseView {
    let holder = seen.spec.holder_identity.filter(|name| !name.is_empty());
    LeaseView {
        version: seen.metadata.version(),
        lease: LeaseSpec {
            holder: holder.map(ReplicaId::new),
            duration: Span::secs(seen.spec.lease_duration_seconds.into()),
            transitions: seen.spec.lease_transitions.into(),
            renewed: instant(seen.spec.renew_time.as_deref()),
        },
    }
}

fn body(version: Option<&Version>, lease: &LeaseSpec) -> Value {
    let renewed = jiff::Timestamp::from_millisecond(lease.renewed.0).unwrap_or_default();
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": LEASE, "resourceVersion": version},
        "spec": {
            "holderIdentity": lease.holder,
            // Whole seconds, and at least one: more is safe, less is not.
            "leaseDurationSeconds": lease.duration.as_millis().div_ceil(1_000).max(1),
            "leaseTransitions": lease.transitions,
            "renewTime": format!("{renewed:.6}"),
        },
    })
}

#[cfg(test)]
mod tests {
    use bowline_core::model::Wall;

    use super::*;

    fn spec(holder: Option<&str>) -> LeaseSpec {
        LeaseSpec {
            holder: holder.map(ReplicaId::from),
            duration: Span::millis(1_500),
            transitions: 3,
            renewed: Wall(1_795_255_200_123),
        }
    }

    #[test]
    fn a_lease_reads_back_with_its_duration_rounded_up() {
        for holder in [Some("bowline-0"), None] {
            let mut written = body(Some(&"7".into()), &spec(holder));
            assert_eq!(written["spec"]["renewTime"], "2026-11-21T10:00:00.123000Z");
            written["metadata"]["uid"] = json!("u");
            let seen = view(serde_json::from_value(written).unwrap());
            let expected = LeaseSpec { duration: Span::secs(2), ..spec(holder) };
            assert_eq!(seen, LeaseView { version: "7".into(), lease: expected });
        }
    }

    #[test]
    fn an_empty_holder_is_no_holder() {
        let text = json!({"metadata": {"resourceVersion": "1"}, "spec": {"holderIdentity": ""}});
        assert_eq!(view(serde_json::from_value(text).unwrap()).lease.holder, None);
    }
}
