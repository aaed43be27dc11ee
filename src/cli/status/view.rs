//! What `status` tells of a group, as data: the journal's facts, and what was published beside
//! them. Where the two differ, the journal is right.

use anyhow::Result;
use bowline_core::model::{GroupName, Site, Span, Wall};
use bowline_core::node::{GroupStatus, RunStatus};
use bowline_core::op::Stored;
use bowline_core::run::{Ledger, Leftover, Phase};
use serde::Serialize;

use super::headline;
use crate::cli::exit::Exit;
use crate::service::PUBLISHED_EVERY;

/// A group as `status` tells it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupView {
    /// The group.
    pub(super) group: GroupName,
    /// Who serves, who writes, what is waited for, and the next command.
    pub(super) headline: String,
    /// The next command; absent: there is nothing to do.
    pub(super) next: Option<String>,
    /// Which site serves.
    pub(super) active: Site,
    /// Where somebody writes; absent: nobody for certain, or there is no database.
    pub(super) writer: Option<Site>,
    /// Whether the group is as a failover needs it.
    pub(super) armed: bool,
    /// Why automatic action is held, if it is.
    pub(super) paused: Option<String>,
    /// The last run, if it has anything left to do.
    pub(super) run: Option<RunStatus>,
    /// Open holds.
    pub(super) holds: Vec<String>,
    /// Sites whose old writer is not confirmed stopped.
    pub(super) quarantined: Vec<Site>,
    /// What stays for its owner to delete.
    pub(super) leftovers: Vec<Leftover>,
    /// The journal it rests on.
    pub(super) journal: JournalView,
    /// What a leader last published.
    pub(super) published: Published,
}

/// The journal that a status rests on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JournalView {
    /// Its last entry.
    pub(super) head: u64,
    /// That entry's hash.
    pub(super) hash: String,
    /// The claim that stands.
    pub(super) claim: Option<String>,
    /// Why it cannot be used, if it cannot.
    pub(super) broken: Option<String>,
}

/// What a leader last published, and how old it is.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Published {
    /// The status; absent: nobody ever reported, or it cannot be read.
    pub(super) status: Option<GroupStatus>,
    /// How old it is, in seconds.
    pub(super) age_secs: Option<u64>,
    /// Why it does not tell how things are now: it is old, missing, or cannot be read.
    pub(super) unusable: Option<String>,
}

impl GroupView {
    /// Tells a group from its journal and what was published, at an instant. `again` is what must
    /// be typed behind a command to reach the same store.
    pub(super) fn new(
        group: GroupName,
        chain: &[Stored],
        published: Result<Option<GroupStatus>>,
        (now, again): (Wall, &str),
    ) -> Self {
        let mut ledger = Ledger::default();
        let applied = chain.iter().try_for_each(|one| ledger.apply(one.seq, &one.bytes).map(drop));
        let broken = applied.err().map(|bad| bad.to_string());
        let published = Published::new(published, now);
        let run = run(&ledger, &group, published.fresh());
        let mut view = Self {
            headline: String::new(),
            next: None,
            active: ledger.active,
            writer: writer(&ledger, published.status.as_ref()),
            armed: ledger.armed,
            paused: ledger.paused.as_ref().map(|(why, since)| format!("{why} (since {since})")),
            run,
            holds: ledger.holds.keys().map(ToString::to_string).collect(),
            quarantined: ledger.quarantined.iter().copied().collect(),
            leftovers: ledger.leftovers.clone(),
            journal: JournalView {
                head: ledger.head,
                hash: ledger.hash.to_string(),
                claim: ledger.claim.as_ref().map(ToString::to_string),
                broken,
            },
            published,
            group,
        };
        view.next = headline::next(&view, &ledger).map(|command| format!("{command}{again}"));
        view.headline = headline::headline(&view, &ledger);
        view
    }

    /// The exit code that tells how the group is.
    pub(super) fn exit(&self) -> Exit {
        match &self.run {
            _ if self.journal.broken.is_some() => Exit::Failed,
            Some(run) if !run.asks.is_empty() => Exit::Waits,
            Some(run) if !over(run) => Exit::Running,
            _ => Exit::Done,
        }
    }
}

/// Whether nothing of a run is left but its standing steps.
pub(super) fn over(run: &RunStatus) -> bool {
    run.phase.starts_with("moved;") || run.phase.starts_with("unwound:")
}

impl Published {
    fn new(found: Result<Option<GroupStatus>>, now: Wall) -> Self {
        let status = match found {
            Err(error) => {
                let unusable = Some(format!("the published status cannot be read: {error:#}"));
                return Self { unusable, ..Self::default() };
            }
            Ok(None) => {
                let unusable = Some("no controller has ever reported".into());
                return Self { unusable, ..Self::default() };
            }
            Ok(Some(status)) => status,
        };
        let age = now.since(status.at).as_secs();
        let old = age > 3 * PUBLISHED_EVERY.as_secs();
        let unusable = old.then(|| format!("no controller has reported for {}", Span::secs(age)));
        Self { status: Some(status), age_secs: Some(age), unusable }
    }

    /// The status, if it tells how things are now.
    pub(super) fn fresh(&self) -> Option<&GroupStatus> {
        self.status.as_ref().filter(|_| self.unusable.is_none())
    }
}

/// The run's records, with what a controller that works on it last said of its open steps.
fn run(ledger: &Ledger, group: &GroupName, fresh: Option<&GroupStatus>) -> Option<RunStatus> {
    ledger.busy_run()?;
    let mut run = RunStatus::of(ledger, group)?;
    let Some(seen) = fresh.and_then(|status| status.run.as_ref()) else { return Some(run) };
    if seen.run == run.run {
        for step in run.steps.iter_mut().filter(|step| step.note.is_empty()) {
            if let Some(found) = seen.steps.iter().find(|one| one.step == step.step) {
                step.note.clone_from(&found.note);
            }
        }
    }
    Some(run)
}

/// Whose member is the writer; nobody's while the old one is fenced and no other promoted.
fn writer(ledger: &Ledger, published: Option<&GroupStatus>) -> Option<Site> {
    if published.is_some_and(|status| !status.database) {
        return None;
    }
    let writer = ledger.writer.unwrap_or(Site::Home);
    let moving = ledger.open_run().is_some_and(|run| run.phase == Phase::Moving);
    (!(moving && ledger.fenced.contains(&writer))).then_some(writer)
}
