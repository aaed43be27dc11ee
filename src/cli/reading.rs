//! What commands that only read have in common: a store that is opened and never made, the groups
//! in it, a journal read to its end, and the policies in force.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use bowline_core::model::GroupName;
use bowline_core::op::{Answer, FactsView, Fault, StoreOp, Stored};
use bowline_core::policy::{self, Policy};
use clap::ValueEnum;
use serde::Serialize;
use tokio::time::timeout;

use super::target::StoreArgs;
use crate::edges::Store;
use crate::edges::files::FileStore;
use crate::service::{self, RunOptions, StoreOptions};

/// How long one read of the store may take.
const READ: Duration = Duration::from_secs(8);

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document on standard output.
    Json,
}

/// Runs what needs the network.
///
/// # Errors
/// What it says.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().context("starting tokio")?;
    let done = runtime.block_on(work);
    // A call that is given up may hang on a disk: nobody waits for it any more.
    runtime.shutdown_background();
    done
}

/// The store that the arguments name. A directory that is none is an error, not a new one.
///
/// # Errors
/// Arguments that do not go together, or a store that cannot be used.
pub(super) async fn open(args: &StoreArgs) -> Result<(RunOptions, Store)> {
    let options = args.options()?;
    if let StoreOptions::Folder { folder, .. } = &options.store {
        FileStore::open(folder)?;
    }
    let store = service::store(&options).await?;
    Ok((options, store))
}

/// The groups that a command is about: the one named, or all there are.
///
/// # Errors
/// A store that does not answer; a name that nobody has.
pub(super) async fn groups(
    (options, store): (&RunOptions, &Store),
    named: Option<&str>,
) -> Result<Vec<GroupName>> {
    let mut there = answered(store.group_names()).await?;
    if let StoreOptions::Folder { policies, .. } = &options.store {
        there.extend(from_files(policies)?.into_iter().map(|policy| policy.group));
    }
    there.sort();
    there.dedup();
    let Some(named) = named else { return Ok(there) };
    if let Some(found) = there.iter().find(|group| group.as_str() == named) {
        return Ok(vec![found.clone()]);
    }
    let names: Vec<_> = there.iter().map(ToString::to_string).collect();
    match names.is_empty() {
        true => bail!("there is no group {named}: the store knows none at all"),
        false => bail!("there is no group {named}; there are: {}", names.join(", ")),
    }
}

/// A group's journal, from its first entry to its present end.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn chain(store: &Store, group: &GroupName) -> Result<Vec<Stored>> {
    let mut chain: Vec<Stored> = Vec::new();
    loop {
        let after = chain.last().map_or(0, |entry| entry.seq);
        let op = StoreOp::Read { group: group.clone(), after };
        match answered(store.perform(&op)).await? {
            Answer::Entries(found) if found.is_empty() => return Ok(chain),
            Answer::Entries(found) => chain.extend(found),
            _ => bail!("the store gave something that is no journal"),
        }
    }
}

/// A group's peacetime facts.
///
/// # Errors
/// A store that does not answer.
pub(super) async fn facts(store: &Store, group: &GroupName) -> Result<Option<FactsView>> {
    match answered(store.perform(&StoreOp::Facts { group: group.clone() })).await? {
        Answer::Facts(facts) => Ok(facts),
        _ => bail!("the store gave something that is no facts"),
    }
}

/// What the store answers, within a deadline.
///
/// # Errors
/// What it said instead.
pub(super) async fn answered<T>(call: impl Future<Output = Result<T, Fault>>) -> Result<T> {
    match timeout(READ, call).await {
        Ok(answer) => Ok(answer.context("the store")?),
        Err(_) => bail!("the store does not answer within {} s", READ.as_secs()),
    }
}

/// A group's policy: a FailoverGroup of the cluster, or from the files named.
///
/// # Errors
/// No such policy, or one that is refused, with every problem.
pub(super) async fn policies(options: &RunOptions, store: &Store) -> Result<Vec<Policy>> {
    match (&options.store, store) {
        (StoreOptions::Folder { policies, .. }, _) if policies.is_empty() => {
            bail!("--store dir: needs the group's policy: give --policy FILE")
        }
        (StoreOptions::Folder { policies, .. }, _) => from_files(policies),
        (_, Store::Cluster(store)) => {
            let objects = answered(store.groups()).await?;
            let mut all = Vec::new();
            for object in &objects {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                let loaded = policy::load_object(object);
                all.extend(loaded.map_err(|wrong| anyhow!("group {name}:\n{wrong}"))?.policies);
            }
            Ok(all)
        }
        (StoreOptions::Cluster { .. }, Store::Files(_)) => Ok(Vec::new()),
    }
}

/// The policies of these files, all of them good.
///
/// # Errors
/// A file that cannot be read, or a policy that is refused, with every problem.
pub(super) fn from_files(files: &[PathBuf]) -> Result<Vec<Policy>> {
    let mut all = Vec::new();
    for file in files {
        let text = super::policy::read(file)?;
        let loaded = policy::load(&file.display().to_string(), &text);
        all.extend(loaded.map_err(|wrong| anyhow!("a policy is refused:\n{wrong}"))?.policies);
    }
    Ok(all)
}

/// The policies a command is about.
///
/// # Errors
/// A name that no policy has.
pub(super) fn named(policies: Vec<Policy>, name: Option<&str>) -> Result<Vec<Policy>> {
    let Some(name) = name else { return Ok(policies) };
    let names: Vec<_> = policies.iter().map(|policy| policy.group.to_string()).collect();
    let found: Vec<_> = policies.into_iter().filter(|one| one.group.as_str() == name).collect();
    if found.is_empty() {
        bail!("there is no policy for group {name}; there are: {}", names.join(", "));
    }
    Ok(found)
}

/// Prints one JSON document.
///
/// # Errors
/// What `out` says.
pub(super) fn document(value: &impl Serialize, out: &mut impl Write) -> Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    Ok(writeln!(out)?)
}
