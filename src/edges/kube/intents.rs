//! What people want, as create-only objects of three kinds: RBAC on the kind decides who may start
//! a run, who may approve, and who may pause or cancel (ADR 0010).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use bowline_core::model::{GroupName, Wall};
use bowline_core::op::{Fault, IntentObject};
use bowline_core::run::Intent;

use super::objects::{List, Metadata};
use super::store::{API_VERSION, ClusterStore};
use super::wire::Verb;

/// A kind of intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IntentKind {
    /// Its `kind`.
    pub(crate) kind: &'static str,
    /// Its resource.
    pub(crate) plural: &'static str,
    /// The intents it may hold, by their `want`.
    pub(crate) wants: &'static [&'static str],
}

/// All kinds of intents.
pub(crate) const KINDS: [IntentKind; 3] = [
    IntentKind {
        kind: "FailoverRun",
        plural: "failoverruns",
        wants: &["failover", "switchover", "failback"],
    },
    IntentKind { kind: "FailoverApproval", plural: "failoverapprovals", wants: &["approve"] },
    IntentKind {
        kind: "FailoverControl",
        plural: "failovercontrols",
        wants: &["cancel", "pause", "resume", "arm", "import"],
    },
];

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    spec: Map<String, Value>,
}

impl ClusterStore {
    /// Every intent, oldest first. Three kinds are three lists side by side; all of them or none.
    pub(crate) async fn intents(&self) -> Result<Vec<IntentObject>, Fault> {
        let [runs, approvals, controls] = &KINDS;
        let lists = tokio::try_join!(self.list(runs), self.list(approvals), self.list(controls))?;
        let mut all = [lists.0, lists.1, lists.2].concat();
        all.sort_by(|a, b| (a.at, &a.uid).cmp(&(b.at, &b.uid)));
        Ok(all)
    }

    async fn list(&self, kind: &IntentKind) -> Result<Vec<IntentObject>, Fault> {
        let seen: List<Item> = self.wire.get(&self.resource(kind.plural)).await?;
        Ok(seen.items.into_iter().map(|item| item.intent(kind)).collect())
    }

    /// Says what a human wants; gives the object's uid. The requesting user becomes its `by`.
    ///
    /// # Errors
    /// What the API server said: RBAC's no is [`Fault::Denied`].
    pub async fn intend(&self, group: &GroupName, intent: &Intent) -> Result<String, Fault> {
        let by = self.whoami().await?;
        let mut spec = match serde_json::to_value(intent) {
            Ok(Value::Object(spec)) => spec,
            _ => return Err(Fault::Invalid("an intent without fields".into())),
        };
        spec.retain(|_, value| !value.is_null());
        let want = spec.get("want").and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = KINDS.iter().find(|kind| kind.wants.contains(&want.as_str()));
        let kind = kind.ok_or_else(|| Fault::Invalid(format!("no kind holds `{want}`")))?;
        spec.insert("group".into(), json!(group));
        spec.insert("by".into(), json!(by));
        let object = json!({
            "apiVersion": API_VERSION,
            "kind": kind.kind,
            "metadata": {"generateName": format!("{group}-{want}-")},
            "spec": spec,
        });
        let made = self.wire.write(Verb::Create, &self.resource(kind.plural), &object).await?;
        let uid = made["metadata"]["uid"].as_str();
        uid.map(str::to_owned).ok_or_else(|| Fault::Unknown("an answer without a uid".into()))
    }

    /// The user that the API server takes us for.
    ///
    /// # Errors
    /// What the API server or the way to it said.
    pub async fn whoami(&self) -> Result<String, Fault> {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let seen = self.wire.write(Verb::Create, path, &review).await?;
        let user = seen["status"]["userInfo"]["username"].as_str();
        user.map(str::to_owned).ok_or_else(|| Fault::Denied("the API server knows no user".into()))
    }
}

impl Item {
    /// What the node makes of it: an object whose `want` is not its kind's is passed on as nothing
    /// that can be followed, so that no kind gives rights that RBAC gave on another.
    fn intent(mut self, kind: &IntentKind) -> IntentObject {
        let text = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        let group = text(self.spec.remove("group")).unwrap_or_default();
        let by = text(self.spec.remove("by")).unwrap_or_default();
        let want = self.spec.get("want").and_then(Value::as_str).unwrap_or_default();
        let bytes = if kind.wants.contains(&want) {
            Value::Object(self.spec).to_string()
        } else {
            json!({"not a want of": kind.kind, "want": want}).to_string()
        };
        IntentObject {
            uid: self.metadata.uid.into(),
            group: GroupName::new(group),
            by,
            at: instant(self.metadata.creation_timestamp.as_deref()),
            bytes: bytes.into(),
        }
    }
}

/// A timestamp of the API server's.
pub(crate) fn instant(text: Option<&str>) -> Wall {
    let at = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
    Wall(at.map_or(0, jiff::Timestamp::as_millisecond))
}

#[cfg(test)]
mod tests {
    use bowline_core::run::Stands;

    use super::*;

    fn item(spec: Value) -> Item {
        let created = "2026-11-21T10:00:00Z";
        let metadata = json!({"name": "n", "uid": "u-1", "creationTimestamp": created});
        serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap()
    }

    #[test]
    fn every_intent_has_exactly_one_kind_and_reads_back() {
        let (run, reason) = ("shop-1-failover".into(), "fire".to_owned());
        let intents = [
            Intent::Failover {
                accept_loss: Some("5s".parse().unwrap()),
                reason: reason.clone(),
                break_glass: Some("it does not answer".into()),
            },
            Intent::Switchover { reason: reason.clone() },
            Intent::Failback { reason: reason.clone() },
            Intent::Approve { run, accept_loss: None, accept_unfenced: false, keep_trying: false },
            Intent::Cancel { run: "shop-1-failover".into() },
            Intent::Pause { reason: reason.clone() },
            Intent::Resume,
            Intent::Arm,
            Intent::Import {
                entries: vec!["{}".into()],
                facts: Some("{}".into()),
                stands: Some(Stands::Theirs),
                reason,
            },
        ];
        for intent in intents {
            let mut spec = serde_json::to_value(&intent).unwrap();
            let want = spec["want"].as_str().unwrap().to_owned();
            let kinds: Vec<_> = KINDS.iter().filter(|k| k.wants.contains(&&*want)).collect();
            assert_eq!(kinds.len(), 1, "{want}");
            spec["group"] = json!("shop");
            spec["by"] = json!("ada");
            let object = item(spec).intent(kinds[0]);
            assert_eq!((object.group.as_str(), object.by.as_str()), ("shop", "ada"));
            assert_eq!(serde_json::from_str::<Intent>(&object.bytes).unwrap(), intent);
            assert_eq!((&*object.uid, object.at), ("u-1", Wall(1_795_255_200_000)));
        }
    }

    #[test]
    fn a_right_on_one_kind_is_none_on_another() {
        let spec = json!({"group": "shop", "by": "eve", "want": "failover", "reason": "x"});
        let object = item(spec).intent(&KINDS[2]);
        assert!(serde_json::from_str::<Intent>(&object.bytes).is_err(), "{}", object.bytes);
    }
}
