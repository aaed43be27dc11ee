//! `bowline export`: keeps a directory as a copy of the store, so that break-glass begins with
//! everything that was known. It copies what is new, and never what people want.

use std::io::Write;

use anyhow::{Context, Result, anyhow, bail};
use bowline_core::model::GroupName;
use bowline_core::op::{Answer, StoreOp};
use clap::Args;
use serde_json::json;

use super::act::Follower;
use super::exit::Exit;
use super::reading::{self, Output};
use super::target::{StoreArgs, folder};
use crate::edges::Store;
use crate::edges::files::FileStore;

/// `bowline export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The groups to copy; absent: all of them.
    pub groups: Vec<String>,
    /// The directory that is kept as a copy; made if it is absent.
    #[arg(long, value_name = "dir:PATH")]
    pub to: String,
    /// How to tell it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// What was copied of a group.
struct Copied {
    group: GroupName,
    entries: usize,
    head: u64,
    facts: bool,
}

/// Runs `bowline export`; `out` is for data.
///
/// # Errors
/// A store that cannot be read, or a directory that went its own way.
pub fn run(args: &ExportArgs, out: &mut impl Write) -> Result<Exit> {
    let copied = reading::block_on(copy_all(args))?;
    match args.output {
        Output::Text => copied.iter().try_for_each(|one| {
            let facts = if one.facts { "with its facts" } else { "no facts are recorded yet" };
            let (group, new, head) = (&one.group, one.entries, one.head);
            writeln!(out, "{group}: {new} new entries, {head} in all; {facts}")
        })?,
        Output::Json => {
            let document = copied.iter().map(|one| {
                json!({
                    "group": one.group,
                    "newEntries": one.entries,
                    "entries": one.head,
                    "facts": one.facts,
                })
            });
            writeln!(out, "{:#}", json!({"groups": document.collect::<Vec<_>>()}))?;
        }
    }
    Ok(Exit::Done)
}

async fn copy_all(args: &ExportArgs) -> Result<Vec<Copied>> {
    let to = folder(&args.to)?;
    let (options, from) = reading::open(&args.store).await?;
    let mut groups = Vec::new();
    for named in &args.groups {
        groups.extend(reading::groups((&options, &from), Some(named)).await?);
    }
    if groups.is_empty() {
        groups = reading::groups((&options, &from), None).await?;
    }
    let to = FileStore::open_or_create(to).map_err(|fault| anyhow!("{fault}"))?;
    let to = Store::Files(to);
    let mut copied = Vec::new();
    for group in groups {
        let one = copy(&from, &to, &group).await;
        copied.push(one.with_context(|| format!("group {group}"))?);
    }
    Ok(copied)
}

/// Copies what is new of a group's chain, then its facts: facts never tell of more than the chain.
async fn copy(from: &Store, to: &Store, group: &GroupName) -> Result<Copied> {
    let mut theirs = Follower::new(from.clone(), group.clone());
    let mut ours = Follower::new(to.clone(), group.clone());
    theirs.catch_up().await?;
    ours.catch_up().await?;
    let common = theirs.common(ours.entries());
    if common < ours.entries().len() {
        bail!(
            "the copy has entries of its own, from {} on: somebody acted there. Take them over \
             with `bowline journal import {group} --from dir:PATH`, and copy into a new directory",
            common + 1
        );
    }
    let new = &theirs.entries()[common..];
    for (seq, bytes) in (common as u64 + 1..).zip(new) {
        let (group, bytes) = (group.clone(), std::sync::Arc::clone(bytes));
        call(to, StoreOp::Append { group, seq, bytes }).await?;
    }
    let facts = copy_facts(from, to, group).await?;
    let (entries, head) = (new.len(), theirs.ledger.head);
    Ok(Copied { group: group.clone(), entries, head, facts })
}

async fn copy_facts(from: &Store, to: &Store, group: &GroupName) -> Result<bool> {
    let Some(theirs) = reading::facts(from, group).await? else { return Ok(false) };
    let ours = reading::facts(to, group).await?;
    if ours.as_ref().is_none_or(|ours| ours.bytes != theirs.bytes) {
        let (version, bytes) = (ours.map(|ours| ours.version), theirs.bytes);
        call(to, StoreOp::PutFacts { group: group.clone(), version, bytes }).await?;
    }
    Ok(true)
}

async fn call(store: &Store, op: StoreOp) -> Result<Answer> {
    reading::answered(store.perform(&op)).await
}

#[cfg(test)]
mod tests {
    use bowline_core::model::{Author, Claim, Epoch, Wall};
    use bowline_core::run::{Entry, Ledger, Record};

    use super::*;

    fn stores() -> (tempfile::TempDir, [Store; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let open =
            |name| Store::Files(FileStore::open_or_create(folder.path().join(name)).unwrap());
        let stores = ["from", "to"].map(open);
        (folder, stores)
    }

    async fn grow(store: &Store, reason: &str) {
        let mut follower = Follower::new(store.clone(), "shop".into());
        follower.catch_up().await.unwrap();
        let Ledger { head, hash, .. } = follower.ledger;
        let claim = Claim::new(Epoch(1), "shop-1-failover".into());
        let entry = Entry {
            seq: head + 1,
            prev: hash,
            at: Wall(0),
            by: Author::Human("ada".into()),
            claim: Some(claim),
            records: vec![Record::Paused { reason: reason.into() }],
        };
        let (group, seq, bytes) = ("shop".into(), head + 1, entry.bytes());
        call(store, StoreOp::Append { group, seq, bytes }).await.unwrap();
    }

    #[tokio::test]
    async fn a_copy_is_kept_fresh_and_has_the_same_chain_and_facts() {
        let (_folder, [from, to]) = stores();
        let group = GroupName::from("shop");
        grow(&from, "one").await;
        let first = copy(&from, &to, &group).await.unwrap();
        assert_eq!((first.entries, first.head, first.facts), (1, 1, false));
        grow(&from, "two").await;
        let put = StoreOp::PutFacts { group: group.clone(), version: None, bytes: "{}".into() };
        call(&from, put).await.unwrap();
        let second = copy(&from, &to, &group).await.unwrap();
        assert_eq!((second.entries, second.head, second.facts), (1, 2, true));
        assert_eq!(copy(&from, &to, &group).await.unwrap().entries, 0, "nothing is new");
        assert_eq!(&*reading::facts(&to, &group).await.unwrap().unwrap().bytes, "{}");
        let [mut a, mut b] = [&from, &to].map(|s| Follower::new(s.clone(), group.clone()));
        a.catch_up().await.unwrap();
        b.catch_up().await.unwrap();
        assert_eq!(a.ledger, b.ledger);
    }

    #[tokio::test]
    async fn a_copy_that_somebody_acted_in_is_not_written_over() {
        let (_folder, [from, to]) = stores();
        grow(&from, "one").await;
        copy(&from, &to, &"shop".into()).await.unwrap();
        grow(&to, "break-glass").await;
        let refused = copy(&from, &to, &"shop".into()).await.err().unwrap().to_string();
        assert!(
            refused.contains("from 2 on") && refused.contains("journal import shop"),
            "{refused}"
        );
    }
}
