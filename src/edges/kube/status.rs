//! What people read of a group in the cluster: the `status` of its FailoverGroup, and the finalizer
//! that keeps a deleted group until everything it holds is released.

use serde::Deserialize;
use serde_json::{Value, json};

use bowline_core::model::{Answer3, GroupName};
use bowline_core::node::GroupStatus;
use bowline_core::op::Fault;

use super::path;
use super::store::{API, ClusterStore};
use super::wire::Verb;

/// The finalizer of a group that holds something or has an obligation.
pub const FINALIZER: &str = "bowline.dev/holds";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Seen {
    metadata: SeenMetadata,
    status: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SeenMetadata {
    resource_version: String,
    deletion_timestamp: Option<String>,
    finalizers: Vec<String>,
}

impl ClusterStore {
    /// Replaces a group's status, and keeps or drops its finalizer. A read, then what differs.
    ///
    /// # Errors
    /// What the API server or the way to it said.
    pub(crate) async fn publish(&self, status: &GroupStatus) -> Result<(), Fault> {
        let path = self.group_path(&status.group);
        let seen: Seen = self.wire.get(&path).await?;
        let mut version = seen.metadata.resource_version;
        let (present, deleting) =
            (&seen.metadata.finalizers, seen.metadata.deletion_timestamp.is_some());
        if let Some(wanted) = finalizers(present, unfinished(status), deleting) {
            let metadata = json!({"resourceVersion": version, "finalizers": wanted});
            let patch = json!({"metadata": metadata});
            let written = self.wire.write(Verb::Merge, &path, &patch).await?;
            if deleting && wanted.is_empty() {
                // It was the last that kept the group: there is nothing left to tell of.
                return Ok(());
            }
            let newer = written["metadata"]["resourceVersion"].as_str();
            newer.unwrap_or_default().clone_into(&mut version);
        }
        let status = rendered(status, &seen.status)?;
        let patch = json!({"metadata": {"resourceVersion": version}, "status": status});
        self.wire.write(Verb::Merge, &format!("{path}/status"), &patch).await.map(drop)
    }

    /// What a leader last said of a group, as it was published.
    ///
    /// # Errors
    /// What the API server or the way to it said.
    pub(crate) async fn published(&self, group: &GroupName) -> Result<Option<String>, Fault> {
        let seen: Seen = match self.wire.get(&self.group_path(group)).await {
            Err(Fault::NotFound(_)) => return Ok(None),
            other => other?,
        };
        Ok(seen.status["detail"].as_str().map(str::to_owned))
    }

    fn group_path(&self, group: &GroupName) -> String {
        let (namespace, name) = (self.namespace.as_str(), Some(group.as_str()));
        path::namespaced(API, namespace, "failovergroups", name)
    }
}

/// Whether a group that vanished now would leave something behind: open holds, a run, obligations.
fn unfinished(status: &GroupStatus) -> bool {
    !status.holds.is_empty() || status.run.is_some()
}

/// The finalizers a group shall have; `None`: those it has. None is added to a group that is being
/// deleted (the API server refuses that), and what others put there stays.
fn finalizers(present: &[String], unfinished: bool, deleting: bool) -> Option<Vec<String>> {
    let there = present.iter().any(|one| one == FINALIZER);
    match (unfinished, there) {
        (true, false) if !deleting => {
            Some(present.iter().cloned().chain([FINALIZER.to_owned()]).collect())
        }
        (false, true) => Some(present.iter().filter(|one| *one != FINALIZER).cloned().collect()),
        _ => None,
    }
}

/// The status as `kubectl` shows it, and in `detail` as Bowline reads it back.
fn rendered(status: &GroupStatus, old: &Value) -> Result<Value, Fault> {
    let detail = serde_json::to_string(status).map_err(|e| Fault::Invalid(e.to_string()))?;
    let run = status.run.as_ref();
    let asks = run.and_then(|run| run.asks.first());
    Ok(json!({
        "observedAt": status.at.to_string(),
        "leader": status.leader,
        "active": status.active,
        "armed": if status.armed { "yes" } else { "no" },
        "decision": status.decision,
        "next": status.next,
        "run": run.map(|run| run.run.clone()),
        "phase": run.map(|run| run.phase.clone()),
        "asks": asks.map(|ask| ask.why.clone()),
        "holds": status.holds.len(),
        "conditions": conditions(status, old),
        "detail": detail,
    }))
}

fn conditions(status: &GroupStatus, old: &Value) -> Vec<Value> {
    let verdict = |answer: Option<Answer3>| match answer {
        Some(Answer3::Yes) => "True",
        Some(Answer3::No) => "False",
        Some(Answer3::Unknown) | None => "Unknown",
    };
    let truth = |yes: bool| if yes { "True" } else { "False" };
    let serving = status.sites.iter().find_map(|site| site.serving);
    let ready = status.sites.iter().find(|site| site.ready.is_some());
    let not_ready = ready.map(|site| site.not_ready.join("; ")).unwrap_or_default();
    let asks = status.run.as_ref().and_then(|run| run.asks.first());
    let all = [
        ("Serving", verdict(serving), status.decision.clone()),
        ("Ready", verdict(ready.and_then(|site| site.ready)), not_ready),
        ("Armed", truth(status.armed), String::new()),
        ("RunOpen", truth(status.run.is_some()), String::new()),
        ("AsksHuman", truth(asks.is_some()), asks.map(|a| a.why.clone()).unwrap_or_default()),
    ];
    let condition = |(kind, now, message): (&str, &str, String)| {
        let before = old["conditions"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["type"] == kind && one["status"] == now));
        let since = before.and_then(|one| one["lastTransitionTime"].as_str());
        json!({
            "type": kind,
            "status": now,
            "reason": kind,
            "message": message,
            "lastTransitionTime": since.map_or_else(|| seconds(status), str::to_owned),
        })
    };
    all.into_iter().map(condition).collect()
}

/// The status' time in whole seconds, as conditions are stamped.
fn seconds(status: &GroupStatus) -> String {
    let text = status.at.to_string();
    text.split_once('.').map_or_else(|| text.clone(), |(whole, _)| format!("{whole}Z"))
}

#[cfg(test)]
mod tests {
    use bowline_core::model::{Site, Wall};

    use super::*;
    use crate::edges::testing::group_status;

    fn status(holds: &[&str]) -> GroupStatus {
        GroupStatus {
            leader: Some("one".into()),
            active: Site::Standby,
            database: true,
            holds: holds.iter().map(|hold| (*hold).to_owned()).collect(),
            ..group_status(Wall(1_700_000_000_500))
        }
    }

    #[test]
    fn a_group_that_holds_something_is_kept_until_it_is_released() {
        let other = || vec!["example.com/other".to_owned()];
        let both = || [other(), vec![FINALIZER.to_owned()]].concat();
        assert!(unfinished(&status(&["home/Deployment shop/web"])));
        assert!(!unfinished(&status(&[])));
        assert_eq!(finalizers(&other(), true, false), Some(both()));
        assert_eq!(finalizers(&both(), true, true), None, "deleted, and kept");
        assert_eq!(finalizers(&both(), false, true), Some(other()), "what others put there stays");
        assert_eq!(finalizers(&other(), true, true), None, "the API server would refuse it");
        assert_eq!(finalizers(&[], false, false), None);
    }

    #[test]
    fn what_is_published_reads_back_and_kubectl_has_its_columns() {
        let published = status(&["home/Deployment shop/web"]);
        let rendered = rendered(&published, &Value::Null).unwrap();
        let detail = rendered["detail"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<GroupStatus>(detail).unwrap(), published);
        assert_eq!((&rendered["active"], &rendered["armed"]), (&json!("standby"), &json!("no")));
    }

    #[test]
    fn a_condition_keeps_its_time_while_it_does_not_change() {
        let old = json!({"conditions": [
            {"type": "Armed", "status": "False", "lastTransitionTime": "2020-01-01T00:00:00Z"},
            {"type": "RunOpen", "status": "True", "lastTransitionTime": "2020-01-01T00:00:00Z"},
        ]});
        let now = conditions(&status(&[]), &old);
        let time = |kind: &str| {
            let found = now.iter().find(|one| one["type"] == kind).unwrap();
            found["lastTransitionTime"].as_str().unwrap().to_owned()
        };
        assert_eq!(time("Armed"), "2020-01-01T00:00:00Z");
        assert_eq!(time("RunOpen"), "2023-11-14T22:13:20Z", "it has just become False");
    }
}
