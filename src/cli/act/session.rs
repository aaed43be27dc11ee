//! The store that a command is about, and the replica that the command hosts over a directory.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bowline_core::model::GroupName;
use bowline_core::policy::{self, Lever, Policy};

use super::ActArgs;
use crate::edges::Store;
use crate::service::{self, Hosted, StoreOptions};

/// How long a controller may take to look at an intent: it reads them every two seconds.
const CONTROLLER: Duration = Duration::from_secs(15);

/// The same for a replica of our own: a lease that a dead process left expires first, and a site
/// that does not answer must have been asked.
const OWN: Duration = Duration::from_secs(60);

/// What a command works with.
pub(super) struct Session {
    /// Where intents are left and the journal is read.
    pub(super) store: Store,
    /// The replica in this process, over a directory.
    pub(super) hosted: Option<Hosted>,
    /// The groups there are.
    pub(super) groups: Vec<GroupName>,
    /// Those of them whose lever carries no claim that stops an older claimant for sure.
    pub(super) without_fence: Vec<GroupName>,
    /// Who wants what is wanted; a cluster knows better.
    pub(super) by: String,
    /// How long an intent may lie there.
    pub(super) patience: Duration,
}

/// Opens the store, and hosts a replica where that is a directory.
///
/// # Errors
/// Arguments or policies that cannot be used, a store that cannot be reached.
pub(super) async fn open(args: &ActArgs) -> Result<Session> {
    let options = args.store.hosting()?;
    match &options.store {
        StoreOptions::Cluster { namespace, .. } => {
            if args.by.is_some() {
                bail!("--by goes with --store dir:PATH; a cluster knows who asks");
            }
            let store = service::store(&options).await?;
            let groups = in_cluster(&store, namespace.as_str()).await?;
            Ok(Session {
                store,
                hosted: None,
                groups,
                without_fence: Vec::new(),
                by: String::new(),
                patience: CONTROLLER,
            })
        }
        StoreOptions::Folder { policies, .. } => {
            let policies = from_files(policies)?;
            let gated = policies.iter().filter(|policy| matches!(policy.lever, Lever::Gates(_)));
            let without_fence = gated.map(|policy| policy.group.clone()).collect();
            let groups = policies.iter().map(|policy| policy.group.clone()).collect();
            let (hosted, store) = match args.detach {
                true => (None, service::store(&options).await?),
                false => {
                    service::host(&options).await.map(|(hosted, store)| (Some(hosted), store))?
                }
            };
            let patience = if hosted.is_some() { OWN } else { CONTROLLER };
            let by = by(args);
            Ok(Session { store, hosted, groups, without_fence, by, patience })
        }
    }
}

async fn in_cluster(store: &Store, namespace: &str) -> Result<Vec<GroupName>> {
    let Store::Cluster(store) = store else { return Ok(Vec::new()) };
    let listed = tokio::time::timeout(CONTROLLER, store.groups()).await;
    let listed = listed.context("the management cluster does not answer")?;
    let listed = listed.with_context(|| format!("FailoverGroups of namespace {namespace}"))?;
    let name = |object: &serde_json::Value| object["metadata"]["name"].as_str().map(GroupName::new);
    Ok(listed.iter().filter_map(name).collect())
}

/// The policies of these files, all of them good.
pub(in crate::cli) fn from_files(files: &[PathBuf]) -> Result<Vec<Policy>> {
    let mut policies = Vec::new();
    for file in files {
        let text = crate::cli::policy::read(file)?;
        match policy::load(&file.display().to_string(), &text) {
            Ok(loaded) => policies.extend(loaded.policies),
            Err(problems) => bail!("{} is refused\n\n{problems}", file.display()),
        }
    }
    Ok(policies)
}

/// Who sits in front of the directory: nobody checks it, so that the report says what is known.
fn by(args: &ActArgs) -> String {
    let named = args.by.clone().filter(|by| !by.is_empty());
    let user = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.or_else(user).unwrap_or_else(|| "somebody at the directory".into())
}
