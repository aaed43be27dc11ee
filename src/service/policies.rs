//! The policies in force, read again and again. A policy that is refused changes nothing: the group
//! goes on under the last good one, and the refusal is told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bowline_core::model::GroupName;
use bowline_core::policy::{Policy, Problems, load, load_object};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

use super::driver::Event;
use super::shared::Shared;
use crate::edges::kube::ClusterStore;

/// How often policies are read.
const EVERY: Duration = Duration::from_secs(10);

/// How long one read of them may take: a connection that was lost without a word never answers.
const READ: Duration = Duration::from_secs(8);

/// Where policies are.
pub(crate) enum Source {
    /// `FailoverGroup`s of the management cluster.
    Cluster(ClusterStore),
    /// Files.
    Files(Vec<PathBuf>),
}

/// What one read found: by name, a policy or what is wrong with it.
type Found = BTreeMap<String, Result<Vec<Policy>, Problems>>;

impl Source {
    /// Reads them, within a deadline.
    async fn read(&self) -> Result<Found, String> {
        let late = |_| format!("no answer within {} s", READ.as_secs());
        timeout(READ, self.found()).await.map_err(late)?
    }

    async fn found(&self) -> Result<Found, String> {
        match self {
            Self::Cluster(store) => {
                let objects = store.groups().await.map_err(|fault| fault.to_string())?;
                let named = |object: &serde_json::Value| {
                    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
                };
                let loaded = objects.iter().map(|object| {
                    (named(object), load_object(object).map(|loaded| loaded.policies))
                });
                Ok(loaded.collect())
            }
            Self::Files(files) => {
                let mut found = Found::new();
                for file in files {
                    let name = file.display().to_string();
                    let text = tokio::fs::read_to_string(file).await;
                    let text = text.map_err(|e| format!("{name}: {e}"))?;
                    let loaded = load(&name, &text).map(|loaded| loaded.policies);
                    found.insert(name, loaded);
                }
                Ok(found)
            }
        }
    }
}

/// The policies as last found good.
#[derive(Default)]
struct InForce {
    good: BTreeMap<String, Vec<Policy>>,
    refused: BTreeMap<String, String>,
    told: Option<Vec<Policy>>,
    /// Groups in the order in which they came: a new one does not move the others.
    order: Vec<GroupName>,
}

impl InForce {
    /// Takes what a read found; gives all policies if they are others than before.
    fn take(&mut self, found: Found) -> Option<Vec<Policy>> {
        self.good.retain(|name, _| found.contains_key(name));
        self.refused.retain(|name, _| found.contains_key(name));
        for (name, loaded) in found {
            match loaded {
                Ok(policies) => {
                    self.refused.remove(&name);
                    self.good.insert(name, policies);
                }
                Err(problems) => self.refuse(name, &problems),
            }
        }
        let all = self.ordered();
        if self.told.as_ref() == Some(&all) {
            return None;
        }
        self.told = Some(all.clone());
        Some(all)
    }

    /// Every good policy, one for a group.
    fn ordered(&mut self) -> Vec<Policy> {
        let mut by_name: BTreeMap<_, _> =
            self.good.values().flatten().map(|policy| (policy.group.clone(), policy)).collect();
        self.order.retain(|group| by_name.contains_key(group));
        let known: BTreeSet<_> = self.order.iter().cloned().collect();
        self.order.extend(by_name.keys().filter(|group| !known.contains(*group)).cloned());
        self.order.iter().filter_map(|group| by_name.remove(group).cloned()).collect()
    }

    fn refuse(&mut self, name: String, problems: &Problems) {
        let words = problems.to_string();
        if self.refused.get(&name) == Some(&words) {
            return;
        }
        let kept =
            if self.good.contains_key(&name) { "the last good one stays" } else { "ignored" };
        tracing::error!(group = %name, "policy refused, {kept}:\n{words}");
        self.refused.insert(name, words);
    }
}

/// Reads policies until nobody wants them any more.
pub(super) async fn follow(source: Source, shared: Arc<Shared>, events: UnboundedSender<Event>) {
    let mut in_force = InForce::default();
    let mut failed = String::new();
    while !events.is_closed() {
        match source.read().await {
            Ok(found) => {
                failed.clear();
                let changed = in_force.take(found);
                shared.snapshot().refused = in_force.refused.keys().cloned().collect();
                if let Some(policies) = changed {
                    let names: Vec<_> = policies.iter().map(|p| p.group.to_string()).collect();
                    tracing::info!("policies in force: {}", names.join(", "));
                    let _ = events.send(Event::Policies(policies));
                }
            }
            Err(words) if words != failed => {
                tracing::warn!("policies cannot be read, the last ones stay: {words}");
                failed = words;
            }
            Err(_) => {}
        }
        let before_the_first = in_force.told.is_none();
        sleep(if before_the_first { EVERY / 10 } else { EVERY }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::kube::Wire;

    const GOOD: &str = include_str!("../../policies/shop.yaml");

    fn found(text: &str) -> Found {
        Found::from([("shop".to_owned(), load("shop", text).map(|loaded| loaded.policies))])
    }

    #[test]
    fn a_refused_policy_leaves_the_last_good_one_in_force() {
        let mut in_force = InForce::default();
        let first = in_force.take(found(GOOD)).unwrap();
        assert_eq!(first.len(), 1);
        assert_eq!(in_force.take(found(GOOD)), None, "nothing changed");
        assert_eq!(in_force.take(found("kind: FailoverGroup")), None);
        assert_eq!(in_force.refused.len(), 1);
        let slower = GOOD.replace("coolDown: 15m", "coolDown: 16m");
        assert_ne!(in_force.take(found(&slower)).unwrap(), first);
        assert!(in_force.refused.is_empty());
        assert_eq!(in_force.take(Found::new()), Some(Vec::new()), "a deleted one is gone");
    }

    #[test]
    fn a_new_group_does_not_move_the_others() {
        let mut in_force = InForce::default();
        in_force.take(found(GOOD));
        let mut both = found(GOOD);
        let other = GOOD.replace("  name: shop\n", "  name: a-shop\n");
        both.insert("a-shop".into(), load("a-shop", &other).map(|loaded| loaded.policies));
        let names: Vec<_> = in_force.take(both).unwrap().into_iter().map(|p| p.group).collect();
        assert_eq!(names, ["shop".into(), "a-shop".into()]);
    }

    #[tokio::test]
    async fn files_that_cannot_be_read_are_no_empty_list() {
        let source = Source::Files(vec!["/nowhere/policy.yaml".into()]);
        assert!(source.read().await.is_err());
    }

    #[tokio::test]
    async fn an_api_server_that_says_nothing_is_given_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        let config = kube::Config::new(format!("http://{address}").parse().unwrap());
        let wire = Wire::new(kube::Client::try_from(config).unwrap());
        let source = Source::Cluster(ClusterStore::new(wire, "bowline".into()));
        let read = tokio::spawn(async move { source.read().await.err() });
        let _connection = silent.accept().await.unwrap();
        tokio::time::pause();
        assert_eq!(read.await.unwrap().unwrap(), "no answer within 8 s");
    }
}
