//! A group's status for people: who serves, who writes, what is waited for, the evidence.

use serde::{Deserialize, Serialize};

use crate::decide::Decision;
use crate::health::{KindEvidence, Reach};
use crate::model::{Answer3, Claim, GroupName, Lag, Now, Site, Span, StepId, Wall};
use crate::run::{Ended, Ledger, Phase, Report, Run, StepRun, StepState};
use crate::step::Question;

use super::group::Group;
use super::{Node, words};

/// A group as one replica sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether the group has a database, so that somebody writes.
    pub database: bool,
    /// Whether the group is as a failover needs it.
    pub armed: bool,
    /// Why automatic action is held, if it is.
    pub paused: Option<String>,
    /// What was decided last, in words.
    pub decision: String,
    /// The command that answers what is asked or ends what is held, if there is one.
    pub next: Option<String>,
    /// Both sites, home first.
    pub sites: Vec<SiteStatus>,
    /// The last run, if it has anything left to do.
    pub run: Option<RunStatus>,
    /// The last run's report. It is made from the journal, so nobody reads it back from here.
    #[serde(skip_deserializing)]
    pub report: Option<Report>,
    /// Open holds.
    pub holds: Vec<String>,
    /// Instances that stay for their owner to delete.
    pub leftovers: Vec<String>,
    /// The claims found in the world: at the lever, and in the clusters.
    pub claims: Vec<ClaimStatus>,
    /// Sequence number of the last journal entry that it rests on.
    pub head: u64,
    /// That entry's hash: who reads the journal later can tell whether it is the same one.
    pub hash: String,
    /// Why the journal cannot be used, if it cannot.
    pub broken: Option<String>,
}

/// A claim found in the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimStatus {
    /// Where: `standby's cluster`, `_bowline.shop.example.com`, `the gate`.
    pub place: String,
    /// What it says.
    pub claim: String,
    /// Whether the journal does not know it.
    pub foreign: bool,
}

/// One site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiteStatus {
    /// Which.
    pub site: Site,
    /// Whether it answers Bowline at all.
    pub reach: Reach,
    /// Whether it serves (asked of the active one).
    pub serving: Option<Answer3>,
    /// Whether it could take over (asked of the passive one).
    pub ready: Option<Answer3>,
    /// What keeps it from being ready.
    pub not_ready: Vec<String>,
    /// The newest sample of its replica (asked of the passive one): what a failover's evidence
    /// would be made of. A sample from before anybody asked whether it streams is none.
    #[serde(default)]
    pub replication: Option<Lag>,
    /// What every signal says.
    pub signals: Vec<SignalStatus>,
}

/// One signal of a site.
pub type SignalStatus = KindEvidence;

/// A run that has something left to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Its name.
    pub run: String,
    /// How far it is.
    pub phase: String,
    /// What it asks.
    pub asks: Vec<AskStatus>,
    /// Its steps.
    pub steps: Vec<StepStatus>,
}

/// A question that waits for a human.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AskStatus {
    /// Which step asks.
    pub step: StepId,
    /// Since when.
    pub since: Wall,
    /// Why: the evidence.
    pub why: String,
    /// Replication time that a yes may lose, in milliseconds; absent: none can be, or nobody knows.
    pub loss_ms: Option<u64>,
    /// Whether it is not known how much may be lost.
    pub loss_unknown: bool,
    /// What happens if nobody answers.
    pub otherwise: String,
    /// The command that says yes.
    pub command: String,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl RunStatus {
    /// What a run's records say; the steps' notes are those that were recorded.
    #[must_use]
    pub fn of(ledger: &Ledger, group: &GroupName) -> Option<Self> {
        let run = ledger.run.as_ref()?;
        Some(Self {
            run: run.id.to_string(),
            phase: phase(&run.phase),
            asks: run
                .asks()
                .map(|(step, q, at)| AskStatus::of(run, group, (step, q, at)))
                .collect(),
            steps: run.steps.iter().map(|(id, step)| StepStatus::of(id, step)).collect(),
        })
    }
}

impl AskStatus {
    fn of(run: &Run, group: &GroupName, asked: (&StepId, &Question, Wall)) -> Self {
        let (step, question, since) = asked;
        Self {
            step: step.clone(),
            since,
            why: question.why.clone(),
            loss_ms: question.loss().map(Span::as_millis),
            loss_unknown: question.loss_ms.is_some() && question.loss().is_none(),
            otherwise: question.otherwise.clone(),
            command: question.command(group, &run.id),
        }
    }
}

impl StepStatus {
    fn of(id: &StepId, step: &StepRun) -> Self {
        let (state, standing) = (step.state, step.step.standing);
        Self { step: id.clone(), state, note: step.note.clone(), standing }
    }
}

fn phase(phase: &Phase) -> String {
    match phase {
        Phase::Prewarm => "prewarm".into(),
        Phase::Moving => "moving".into(),
        Phase::Unwinding { why } => format!("unwinding: {why}"),
        Phase::Closed(Ended::Moved) => "moved; obligations are left".into(),
        Phase::Closed(Ended::Unwound(why)) => format!("unwound: {why}"),
    }
}

impl Node {
    /// A group's status; `None` when it has no such group.
    #[must_use]
    pub fn status(&self, group: &GroupName, now: Now) -> Option<GroupStatus> {
        let group = self.group(group)?;
        let leader = self.leader().map(ToString::to_string);
        Some(group.status(leader, now))
    }

    /// What is decided about a group, in view of all groups; `None` while this replica does not
    /// lead, or has no such group.
    #[must_use]
    pub fn decision(&self, group: &GroupName) -> Option<&Decision> {
        self.group(group).filter(|_| self.led)?.decision.as_ref()
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
            database: self.policy.database.is_some(),
            armed: ledger.armed,
            paused: ledger.paused.as_ref().map(|(why, since)| format!("{why} (since {since})")),
            decision: words::decision(self),
            next: words::next(self),
            sites: Site::BOTH.map(|site| self.site_status(site, now)).into(),
            run: ledger.busy_run().map(|_| self.run_status(now)).unwrap_or_default(),
            report: Report::of(ledger),
            holds: ledger.holds.keys().map(ToString::to_string).collect(),
            leftovers: ledger.leftovers.iter().map(|left| left.instance.to_string()).collect(),
            claims: self.claims(),
            head: ledger.head,
            hash: ledger.hash.to_string(),
            broken: self.desk.broken().map(ToString::to_string),
        }
    }

    fn site_status(&self, site: Site, now: Now) -> SiteStatus {
        let active = site == self.active();
        let ready = (!active).then(|| self.readiness(now));
        let samples = self.known.replication.get(&site).filter(|_| !active);
        let replication = samples.and_then(|samples| samples.latest().copied());
        SiteStatus {
            replication: replication.filter(|sample| sample.streaming),
            site,
            reach: self.sampler.contact(site).reach(),
            serving: active.then(|| self.sampler.serving(site, now.mono).verdict),
            ready: ready.as_ref().map(|ready| ready.verdict),
            not_ready: ready.iter().flat_map(words::not_ready).collect(),
            signals: self.sampler.site(site).evidence(now.mono),
        }
    }

    /// What the records say, with what open steps last said or met.
    fn run_status(&self, now: Now) -> Option<RunStatus> {
        let mut status = RunStatus::of(self.ledger(), &self.policy.group)?;
        if self.hesitates(now) {
            status.phase.push_str(words::HESITATES);
        }
        for step in &mut status.steps {
            let open = matches!(step.state, StepState::Pending | StepState::Started);
            if let Some(note) = self.desk.note(&step.step).filter(|_| open) {
                note.clone_into(&mut step.note);
            }
        }
        Some(status)
    }

    fn claims(&self) -> Vec<ClaimStatus> {
        let foreign = self.foreign_claim();
        let status = |(place, claim): (String, Claim)| ClaimStatus {
            place,
            foreign: foreign == Some(&claim),
            claim: claim.to_string(),
        };
        self.known.placed_claims().map(status).collect()
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
