//! The store that a command is about, and the replica that the command hosts over a directory.

use std::time::Duration;

use anyhow::{Result, bail};
use bowline_core::model::GroupName;
use bowline_core::policy::{Lever, Policy};

use super::{ActArgs, Wish};
use crate::cli::reading;
use crate::edges::Store;
use crate::service::{self, Hosted, RunOptions, StoreOptions};

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
/// Arguments or policies that cannot be used, a store that cannot be reached, a group that is not
/// there.
pub(super) async fn open(wish: &Wish) -> Result<Session> {
    let options = wish.args().store.hosting()?;
    match &options.store {
        StoreOptions::Cluster { .. } => in_cluster(wish, &options).await,
        StoreOptions::Folder { policies, .. } => {
            let policies = reading::from_files(policies)?;
            over_folder(wish, &options, &policies).await
        }
    }
}

async fn in_cluster(wish: &Wish, options: &RunOptions) -> Result<Session> {
    if wish.args().by.is_some() {
        bail!("--by goes with --store dir:PATH; a cluster knows who asks");
    }
    let store = service::store(options).await?;
    let groups = reading::answered(store.group_names()).await?;
    wish.target(&groups).exists(&groups)?;
    let (by, without_fence) = (String::new(), Vec::new());
    Ok(Session { store, hosted: None, groups, without_fence, by, patience: CONTROLLER })
}

async fn over_folder(wish: &Wish, options: &RunOptions, policies: &[Policy]) -> Result<Session> {
    let groups: Vec<_> = policies.iter().map(|policy| policy.group.clone()).collect();
    let target = wish.target(&groups);
    target.exists(&groups)?;
    let gated = policies.iter().filter(|policy| matches!(policy.lever, Lever::Gates(_)));
    let without_fence = gated.map(|policy| policy.group.clone()).collect();
    let by = by(wish.args());
    if wish.args().detach {
        let store = service::store(options).await?;
        return Ok(Session {
            store,
            hosted: None,
            groups,
            without_fence,
            by,
            patience: CONTROLLER,
        });
    }
    let (hosted, store) = service::host(options, &target.group).await?;
    Ok(Session { store, hosted: Some(hosted), groups, without_fence, by, patience: OWN })
}

/// Who sits in front of the directory: nobody checks it, so that the report says what is known.
fn by(args: &ActArgs) -> String {
    let named = args.by.clone().filter(|by| !by.is_empty());
    let user = || ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.or_else(user).unwrap_or_else(|| "somebody at the directory".into())
}
