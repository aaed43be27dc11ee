//! `bowline journal show` and `replay`: what a group did, and whether anybody changed it since.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use bowline_core::model::GroupName;
use bowline_core::op::Stored;
use bowline_core::run::{BadEntry, Entry, Ledger};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::act::{self, ImportArgs, Wish};
use super::exit::Exit;
use super::paint::{Paint, Tone};
use super::reading::{self, Output};
use super::target::StoreArgs;
use super::words::counted;
use super::{records, report};

/// `bowline journal`.
#[derive(Args, Clone, Debug)]
pub struct JournalArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: JournalCommand,
}

/// What `bowline journal` can do.
#[derive(Subcommand, Clone, Debug)]
pub enum JournalCommand {
    /// Show what a group did, entry by entry. As JSON: the exact bytes, with their hashes.
    Show(ShowArgs),
    /// Verify the journal's hash chain and replay it: the state it leads to, or the entry that
    /// somebody changed. Exit code 1: it is damaged.
    Replay(ReplayArgs),
    /// Take over the journal of a process that acted beside this store, which ends break-glass.
    Import(ImportArgs),
}

/// `bowline journal show`.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// The group.
    pub group: String,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `bowline journal replay`.
#[derive(Args, Clone, Debug)]
pub struct ReplayArgs {
    /// The group.
    #[arg(required_unless_present = "file")]
    pub group: Option<String>,
    /// A file that `journal show -o json` wrote, instead of a store; `-` reads standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "group")]
    pub file: Option<PathBuf>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// A journal as a document.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Document {
    group: GroupName,
    entries: Vec<Line>,
}

/// One entry of a document: its exact bytes are what is hashed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    seq: u64,
    sha256: String,
    bytes: String,
}

/// Runs `bowline journal`.
///
/// # Errors
/// A store or a file that cannot be read, a group that is not there.
pub fn run(args: &JournalArgs, paint: Paint, out: &mut impl Write) -> Result<Exit> {
    match &args.command {
        JournalCommand::Show(args) => show(args, paint, out),
        JournalCommand::Replay(args) => replay(args, paint, out),
        JournalCommand::Import(args) => {
            act::run(&Wish::Import(args.clone()), out, &mut std::io::stderr())
        }
    }
}

fn show(args: &ShowArgs, paint: Paint, out: &mut impl Write) -> Result<Exit> {
    let (group, chain, _) = from_store(&args.store, &args.group)?;
    if args.output == Output::Json {
        reading::document(&Document::new(group, &chain), out)?;
        return Ok(Exit::Done);
    }
    let mut ledger = Ledger::default();
    for stored in &chain {
        match ledger.apply(stored.seq, &stored.bytes) {
            Ok(entry) => told(&entry, &ledger, paint, out)?,
            Err(bad) => {
                let words = damage(&chain, &bad);
                writeln!(out, "{}", paint.text(Tone::Bad, &words))?;
                return Ok(Exit::Failed);
            }
        }
    }
    Ok(Exit::Done)
}

/// An entry's records, one line each.
fn told(entry: &Entry, ledger: &Ledger, paint: Paint, out: &mut impl Write) -> Result<()> {
    let lines = records::lines(entry, ledger);
    let stamp = paint.text(Tone::Faint, &format!("{:>5}  {}", entry.seq, entry.at));
    if lines.is_empty() {
        writeln!(out, "{stamp}  {}", counted(entry.records.len(), "further call"))?;
    }
    for line in lines {
        let topic = paint.text(Tone::Faint, &format!("{:<6}", line.topic));
        writeln!(out, "{stamp}  {topic} {}", paint.text(line.tone, &line.text))?;
    }
    Ok(())
}

fn replay(args: &ReplayArgs, paint: Paint, out: &mut impl Write) -> Result<Exit> {
    let (group, chain, read) = match (&args.file, &args.group) {
        (Some(file), _) => from_file(file)?,
        (None, Some(group)) => from_store(&args.store, group)?,
        (None, None) => bail!("name a group, or give --file"),
    };
    let mut ledger = Ledger::default();
    let applied = chain.iter().try_for_each(|one| ledger.apply(one.seq, &one.bytes).map(drop));
    let damage = match applied {
        Err(bad) => Some(damage(&chain, &bad)),
        Ok(()) => read.and_then(|(head, hash)| differs(&chain, head, &hash)),
    };
    if args.output == Output::Json {
        let document = json!({"group": group, "damage": damage, "state": ledger});
        reading::document(&document, out)?;
    } else {
        state(&group, &ledger, paint, out)?;
        if let Some(damage) = &damage {
            writeln!(out, "{}", paint.text(Tone::Bad, damage))?;
        }
    }
    Ok(if damage.is_some() { Exit::Failed } else { Exit::Done })
}

/// The state that a journal leads to.
fn state(group: &GroupName, ledger: &Ledger, paint: Paint, out: &mut impl Write) -> Result<()> {
    let entries = match ledger.head {
        1 => "1 entry".to_owned(),
        head => format!("{head} entries"),
    };
    let title = format!("{group}: {entries} verified and replayed");
    writeln!(out, "{}", paint.text(Tone::Strong, &title))?;
    let claim = ledger.claim.as_ref().map_or("none".into(), ToString::to_string);
    let yes = |yes| if yes { "yes" } else { "no" };
    report::field(out, "active", &ledger.active.to_string())?;
    report::field(out, "armed", yes(ledger.armed))?;
    report::field(out, "claim", &claim)?;
    if let Some((why, since)) = &ledger.paused {
        report::field(out, "paused", &format!("{why} (since {since})"))?;
    }
    for hold in ledger.holds.keys() {
        report::field(out, "hold", &hold.to_string())?;
    }
    for (run, kind, ended) in &ledger.history {
        report::field(out, "earlier", &format!("{run}: {}, {ended:?}", kind.word()))?;
    }
    report::field(out, "sha256", &ledger.hash)?;
    if let Some(of_run) = bowline_core::run::Report::of(ledger) {
        report::write(&of_run, paint, out)?;
    }
    Ok(())
}

/// Which entry somebody changed, in words.
fn damage(chain: &[Stored], bad: &BadEntry) -> String {
    let hash = |seq: u64| {
        let found = chain.iter().find(|stored| stored.seq == seq);
        found.map(|stored| Entry::hash(&stored.bytes))
    };
    match bad {
        BadEntry::BrokenChain { seq } => {
            let changed = seq - 1;
            let now = hash(changed).unwrap_or_default();
            let named = chain.iter().find(|stored| stored.seq == *seq);
            let named = named.and_then(|stored| Entry::parse(*seq, &stored.bytes).ok());
            let named = named.map(|entry| entry.prev).unwrap_or_default();
            format!(
                "damaged: entry {changed} was changed after entry {seq} was written: its sha256 is \
                 {now}, and entry {seq} names {named}"
            )
        }
        other => format!("damaged: {other}"),
    }
}

/// Whether the entry that somebody saw at this number was another one.
fn differs(chain: &[Stored], head: u64, hash: &str) -> Option<String> {
    let stored = chain.iter().find(|stored| stored.seq == head)?;
    let now = Entry::hash(&stored.bytes);
    (*now != *hash).then(|| {
        format!("damaged: entry {head} was changed: its sha256 is {now}, and was once {hash}")
    })
}

/// A group's journal, and what somebody once saw of it: number and hash of an entry.
type Journal = (GroupName, Vec<Stored>, Option<(u64, String)>);

fn from_store(args: &StoreArgs, group: &str) -> Result<Journal> {
    reading::block_on(async {
        let (options, store) = reading::open(args).await?;
        let mut groups = reading::groups((&options, &store), Some(group)).await?;
        let group = groups.pop().context("no such group")?;
        let chain = reading::chain(&store, &group).await?;
        // What a leader last read is the only witness of the last entry: none after it names it.
        let seen = reading::answered(store.published(&group)).await.ok().flatten();
        let seen = seen.filter(|seen| seen.head > 0).map(|seen| (seen.head, seen.hash));
        Ok((group, chain, seen))
    })
}

fn from_file(file: &Path) -> Result<Journal> {
    let text = super::policy::read(file)?;
    let read: Document = serde_json::from_str(&text)
        .with_context(|| format!("{} is no journal as `show -o json` writes it", file.display()))?;
    let stored = |line: &Line| Stored { seq: line.seq, bytes: line.bytes.as_str().into() };
    let last = read.entries.last().map(|line| (line.seq, line.sha256.clone()));
    Ok((read.group, read.entries.iter().map(stored).collect(), last))
}

impl Document {
    fn new(group: GroupName, chain: &[Stored]) -> Self {
        let line = |stored: &Stored| Line {
            seq: stored.seq,
            sha256: Entry::hash(&stored.bytes).to_string(),
            bytes: stored.bytes.to_string(),
        };
        Self { group, entries: chain.iter().map(line).collect() }
    }
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
