//! What the policies in force say that an edge must know: whom a notice is for, and where the
//! secret is that leads there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use bowline_core::model::{GroupName, ObjectName};
use bowline_core::op::{Fault, Notice};
use bowline_core::policy::{Notify, Policy};

use super::kube::{Wire, secret_key};

/// Where secrets are.
#[derive(Clone, Default)]
pub enum Secrets {
    /// Nowhere: what needs one is refused.
    #[default]
    None,
    /// Secrets of the group's namespace in the management cluster.
    Cluster(Wire),
    /// Files `FOLDER/SECRET/KEY`, as a cluster mounts them.
    Folder(PathBuf),
}

impl Secrets {
    async fn read(&self, namespace: &ObjectName, target: &Notify) -> Result<String, Fault> {
        let (name, key) = (&target.secret, &*target.key);
        match self {
            Self::None => Err(Fault::Invalid(format!("there is no place for secret {name}"))),
            Self::Cluster(wire) => secret_key(wire, namespace, name, key).await,
            Self::Folder(folder) => {
                let words = format!("secret {name}, key {key}");
                let plain = |part: &str| !part.contains('/') && !part.starts_with('.');
                if !plain(name.as_str()) || !plain(key) {
                    return Err(Fault::Invalid(words));
                }
                let path = folder.join(name.as_str()).join(key);
                let read = tokio::fs::read_to_string(path).await;
                read.map_err(|e| Fault::NotFound(format!("{words}: {}", e.kind())))
            }
        }
    }
}

/// The groups' targets.
#[derive(Default)]
pub struct Registry {
    secrets: Secrets,
    targets: RwLock<BTreeMap<GroupName, (ObjectName, Vec<Notify>)>>,
}

impl Registry {
    /// A registry that knows no policy yet.
    #[must_use]
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets, targets: RwLock::default() }
    }

    /// Takes the policies in force, all of them.
    pub fn adopt(&self, policies: &[Policy]) {
        let target = |p: &Policy| (p.group.clone(), (p.namespace.clone(), p.notify.clone()));
        let targets = policies.iter().map(target).collect();
        *self.targets.write().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    /// The URL that a notice goes to: a secret.
    ///
    /// # Errors
    /// No such target, or a secret that cannot be read.
    pub(super) async fn url(&self, notice: &Notice) -> Result<String, Fault> {
        let (namespace, target) = self.target(notice)?;
        self.secrets.read(&namespace, &target).await
    }

    fn target(&self, notice: &Notice) -> Result<(ObjectName, Notify), Fault> {
        let targets = self.targets.read().unwrap_or_else(PoisonError::into_inner);
        let found = targets.get(&notice.group).and_then(|(namespace, all)| {
            Some((namespace.clone(), all.get(notice.target)?.clone()))
        });
        let words = || format!("group {} has no notify target {}", notice.group, notice.target);
        found.ok_or_else(|| Fault::NotFound(words()))
    }
}
