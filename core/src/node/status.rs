//! A group's status for people: who serves, who writes, what is waited for, the evidence.

use serde::Serialize;

use crate::health::KindEvidence;
use crate::model::{Answer3, GroupName, Now, Site, StepId, Wall};
use crate::run::{Ended, Ledger, Phase, Report, StepState};

use super::group::Group;
use super::{Node, words};

/// A group as one replica sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupStatus {
    /// The group.
    pub group: GroupName,
    /// When it was looked at.
    pub at: Wall,
    /// The replica that leads.
    pub leader: Option<String>,
    /// Which site serves.
    pub active: Site,
    /// Whether the group is as a failover needs it.
    pub armed: bool,
    /// Why automatic action is held, if it is.
    pub paused: Option<String>,
    /// What was decided last, in words.
    pub decision: String,
    /// Both sites, home first.
    pub sites: Vec<SiteStatus>,
    /// The last run, if it has anything left to do.
    pub run: Option<RunStatus>,
    /// The last run's report.
    pub report: Option<Report>,
    /// Open holds.
    pub holds: Vec<String>,
    /// Instances that stay for their owner to delete.
    pub leftovers: Vec<String>,
    /// Why the journal cannot be used, if it cannot.
    pub broken: Option<String>,
}

/// One site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteStatus {
    /// Which.
    pub site: Site,
    /// Whether it serves (asked of the active one).
    pub serving: Option<Answer3>,
    /// Whether it could take over (asked of the passive one).
    pub ready: Option<Answer3>,
    /// What keeps it from being ready.
    pub not_ready: Vec<String>,
    /// What every signal says.
    pub signals: Vec<SignalStatus>,
}

/// One signal of a site.
pub type SignalStatus = KindEvidence;

/// A run that has something left to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Its name.
    pub run: String,
    /// How far it is.
    pub phase: String,
    /// What it asks.
    pub asks: Vec<String>,
    /// Its steps.
    pub steps: Vec<StepStatus>,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepStatus {
    /// Its name.
    pub step: StepId,
    /// How far it is.
    pub state: StepState,
    /// What it last said or met.
    pub note: String,
    /// Whether it is an obligation that the run ends without.
    pub standing: bool,
}

impl Node {
    /// A group's status; `None` when it has no such group.
    #[must_use]
    pub fn status(&self, group: &GroupName, now: Now) -> Option<GroupStatus> {
        let group = self.group(group)?;
        let leader = self.leader().map(ToString::to_string);
        Some(group.status(leader, now))
    }

    /// A group's ledger; `None` when it has no such group.
    #[must_use]
    pub fn ledger(&self, group: &GroupName) -> Option<&Ledger> {
        self.group(group).map(Group::ledger)
    }
}

impl Group {
    fn status(&self, leader: Option<String>, now: Now) -> GroupStatus {
        let ledger = self.ledger();
        GroupStatus {
            group: self.policy.group.clone(),
            at: now.wall,
            leader,
            active: ledger.active,
            armed: ledger.armed,
            paused: ledger.paused.as_ref().map(|(why, since)| format!("{why} (since {since})")),
            decision: words::decision(self),
            sites: Site::BOTH.map(|site| self.site_status(site, now)).into(),
            run: ledger.busy_run().map(|_| self.run_status()).unwrap_or_default(),
            report: Report::of(ledger),
            holds: ledger.holds.keys().map(ToString::to_string).collect(),
            leftovers: ledger.leftovers.iter().map(|left| left.instance.to_string()).collect(),
            broken: self.chain.broken().map(ToString::to_string),
        }
    }

    fn site_status(&self, site: Site, now: Now) -> SiteStatus {
        let active = site == self.active();
        let ready = (!active).then(|| self.readiness(now));
        SiteStatus {
            site,
            serving: active.then(|| self.sampler.serving(site, now.mono).verdict),
            ready: ready.as_ref().map(|ready| ready.verdict),
            not_ready: ready.iter().flat_map(words::not_ready).collect(),
            signals: self.sampler.site(site).evidence(now.mono),
        }
    }

    fn run_status(&self) -> Option<RunStatus> {
        let run = self.ledger().run.as_ref()?;
        let note = |id: &StepId, step: &crate::run::StepRun| match self.execution.note(id) {
            Some(note) if step.open() => note.to_owned(),
            _ => step.note.clone(),
        };
        Some(RunStatus {
            run: run.id.to_string(),
            phase: match &run.phase {
                Phase::Prewarm => "prewarm".into(),
                Phase::Moving => "moving".into(),
                Phase::Unwinding { why } => format!("unwinding: {why}"),
                Phase::Closed(Ended::Moved) => "moved; obligations are left".into(),
                Phase::Closed(Ended::Unwound(why)) => format!("unwound: {why}"),
            },
            asks: run.asks().map(|(step, q, _)| format!("{step}: {}", q.why)).collect(),
            steps: run
                .steps
                .iter()
                .map(|(id, step)| StepStatus {
                    step: id.clone(),
                    state: step.state,
                    note: note(id, step),
                    standing: step.step.standing,
                })
                .collect(),
        })
    }
}
