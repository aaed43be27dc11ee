//! A run as its records tell it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ledger::Departure;
use super::record::Trigger;
use crate::bugs::{self, Bug};
use crate::model::{Cluster, Epoch, Ordered, Place, RunId, Site, StepId, Wall};
use crate::plan::{Class, Effect, PlanKind, Step};
use crate::step::{Acted, Hold, HoldId, Outputs, Question};

/// One execution of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The epoch it was opened under; what is left over is named after it.
    pub epoch: Epoch,
    /// What it is for.
    pub kind: PlanKind,
    /// The site that loses traffic.
    pub from: Site,
    /// Who started it.
    pub trigger: Trigger,
    /// When it was opened.
    pub opened_at: Wall,
    /// When the active site's health was first bad, for a failover.
    pub fault_at: Option<Wall>,
    /// The evidence it was opened on, in words.
    pub evidence: Vec<String>,
    /// How far it is.
    pub phase: Phase,
    /// When the move itself was planned.
    pub moving_since: Option<Wall>,
    /// Whether a step that cannot be undone was started.
    pub committed: bool,
    /// Its steps, in the order they were planned.
    pub steps: Ordered<StepId, StepRun>,
    /// What its finished steps made known.
    pub outputs: BTreeMap<StepId, Outputs>,
    /// Whether a human cancelled it, or it took away from the site that users are at: nothing
    /// begins it again by itself.
    pub weighs: bool,
    /// The automatic failover before it, which counts again if it goes back having only claimed.
    #[serde(skip)]
    pub(super) failover_before: Option<Departure>,
    /// The entry by which the group had last done something for good before the run did.
    #[serde(skip)]
    pub(super) deed_before: u64,
    /// The group's holds that it touched, as they were before it did; `None`: there was none.
    pub touched: BTreeMap<HoldId, Option<Hold>>,
    /// When it was closed.
    pub closed_at: Option<Wall>,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Only preparing: the decision has not fallen.
    Prewarm,
    /// The move itself.
    Moving,
    /// Going back.
    Unwinding {
        /// Why.
        why: String,
    },
    /// Over, but for its standing steps.
    Closed(Ended),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ended {
    /// The traffic moved and everything after it was done.
    Moved,
    /// It was undone, for this reason.
    Unwound(String),
}

/// A step as its records tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRun {
    /// The step.
    pub step: Step,
    /// How far it is.
    pub state: StepState,
    /// When it was planned.
    pub planned_at: Wall,
    /// Calls that were recorded.
    pub attempts: u32,
    /// The last of them.
    pub acted: Option<Acted>,
    /// When it ended.
    pub done_at: Option<Wall>,
    /// Its last line.
    pub note: String,
    /// What it asked, and when.
    pub asked: Option<(Question, Wall)>,
    /// What was answered.
    pub answered: Option<Reply>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepState {
    /// Nothing of it was recorded.
    Pending,
    /// A call was recorded and no end: it may have happened.
    Started,
    /// The world was seen as wanted.
    Done,
    /// It ended by its deadline, unconfirmed.
    Unknown,
    /// The run went back before it was done.
    Abandoned,
}

/// A human's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// Who said it.
    pub by: String,
    /// When.
    pub at: Wall,
    /// How much replication time may be lost, in milliseconds.
    pub accept_loss_ms: Option<u64>,
}

impl StepRun {
    /// A step of which nothing was recorded yet.
    #[must_use]
    pub fn new(step: Step, planned_at: Wall) -> Self {
        Self {
            step,
            state: StepState::Pending,
            planned_at,
            attempts: 0,
            acted: None,
            done_at: None,
            note: String::new(),
            asked: None,
            answered: None,
        }
    }

    /// Whether others may build on it.
    #[must_use]
    pub fn ended(&self) -> bool {
        matches!(self.state, StepState::Done | StepState::Unknown)
    }

    /// Whether it still has to be done.
    #[must_use]
    pub fn open(&self) -> bool {
        matches!(self.state, StepState::Pending | StepState::Started)
    }

    /// The question that waits for an answer.
    #[must_use]
    pub fn unanswered(&self) -> Option<&(Question, Wall)> {
        self.asked.as_ref().filter(|_| self.open() && self.answered.is_none())
    }
}

impl Run {
    /// The site that gains traffic.
    #[must_use]
    pub fn to(&self) -> Site {
        self.from.other()
    }

    /// Whether it is over, but for standing steps.
    #[must_use]
    pub fn closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// Whether it leaves a site that had failed before it was opened, by whosever word.
    #[must_use]
    pub fn leaves_what_failed(&self) -> bool {
        self.kind == PlanKind::Failover && self.fault_at.is_some_and(|fault| fault < self.opened_at)
    }

    /// Whether it leaves a site that failed, by policy and not by a human's order.
    #[must_use]
    pub fn is_automatic_failover(&self) -> bool {
        self.kind == PlanKind::Failover && self.trigger == Trigger::Automatic
    }

    /// Whether the move is planned, and none of its steps began to change anything: who looked,
    /// asked, claimed or gave up did not, and what prepared for the move does not count.
    #[must_use]
    pub fn only_planned(&self) -> bool {
        self.only_planned_but(|_| false)
    }

    /// The same, where a call of such a step is known not to have been sent.
    pub(super) fn only_planned_but(&self, unsent: impl Fn(&StepId) -> bool) -> bool {
        self.began_nothing(unsent, |_| false)
    }

    /// The same, where what prepares the site that gains traffic does not count either: users
    /// notice nothing of that.
    pub(super) fn only_prepared_but(&self, unsent: impl Fn(&StepId) -> bool) -> bool {
        let there = Place::Site(self.to());
        let undone = |step: &StepRun| step.step.class == Class::Reversible;
        self.began_nothing(unsent, |step| undone(step) && step.step.touches == there)
    }

    fn began_nothing(
        &self,
        unsent: impl Fn(&StepId) -> bool,
        does_not_count: impl Fn(&StepRun) -> bool,
    ) -> bool {
        let claims = |step: &StepRun| step.step.effect.claims() && !bugs::on(Bug::ClaimsBegin);
        let counts = |step: &StepRun| !claims(step) && !does_not_count(step);
        let began = |step: &StepRun| step.acted.is_some() && counts(step);
        let own = self.steps.iter().filter(|(_, step)| self.is_own(step));
        let began = own.filter(|(id, _)| !unsent(id)).any(|(_, step)| began(step));
        self.phase == Phase::Moving && !self.committed && !began
    }

    /// The steps of the move itself.
    fn own(&self) -> impl Iterator<Item = &StepRun> {
        self.steps.values().filter(|step| self.is_own(step))
    }

    pub(super) fn is_own(&self, step: &StepRun) -> bool {
        Some(step.planned_at) == self.moving_since
    }

    /// The clusters in which it claims: whoever acts in its place claims there, too.
    #[must_use]
    pub fn clusters(&self) -> Vec<Cluster> {
        let claimed = self.steps.values().filter_map(|step| match &step.step.effect {
            Effect::ClaimCluster(claim) => Some(claim.cluster.clone()),
            _ => None,
        });
        claimed.collect()
    }

    /// Whether it began to change anything at the site that loses traffic, but for a claim.
    #[must_use]
    pub fn stopped_anything(&self) -> bool {
        let there = Place::Site(self.from);
        let began = |step: &StepRun| step.acted.is_some() && !step.step.effect.claims();
        self.steps.values().any(|step| step.step.touches == there && began(step))
    }

    /// Whether a claim of the move was recorded by then.
    #[must_use]
    pub fn claimed_by(&self, limit: Wall) -> bool {
        let in_time = |step: &StepRun| step.acted.as_ref().is_some_and(|acted| acted.at <= limit);
        self.own().any(|step| step.step.effect.claims() && in_time(step))
    }

    /// Whether anything is left to do, standing steps included.
    #[must_use]
    pub fn busy(&self) -> bool {
        !self.closed() || self.standing().next().is_some()
    }

    /// Obligations that are left.
    pub fn standing(&self) -> impl Iterator<Item = (&StepId, &StepRun)> {
        self.steps.iter().filter(|(_, run)| run.step.standing && run.open())
    }

    /// Steps whose needs are met and that are not done.
    pub fn runnable(&self) -> impl Iterator<Item = (&StepId, &StepRun)> {
        let met = |run: &&StepRun| {
            run.step.needs.iter().all(|need| self.steps.get(need).is_some_and(StepRun::ended))
        };
        self.steps.iter().filter(move |(_, run)| run.open() && met(run))
    }

    /// Whether everything but standing steps is done.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.steps.values().all(|run| !run.open() || run.step.standing)
    }

    /// Questions that wait for an answer.
    pub fn asks(&self) -> impl Iterator<Item = (&StepId, &Question, Wall)> {
        self.steps.iter().filter_map(|(id, run)| run.unanswered().map(|(q, at)| (id, q, *at)))
    }

    /// Whether a step that cannot be undone has this name.
    #[must_use]
    pub(super) fn irreversible(&self, step: &StepId) -> bool {
        self.steps.get(step).is_some_and(|run| run.step.class == Class::Irreversible)
    }

    /// The steps that cannot be undone, and were begun or found done.
    fn for_good(&self) -> impl Iterator<Item = (&StepId, &StepRun)> {
        let did = |step: &StepRun| step.acted.is_some() || step.state == StepState::Done;
        let steps = self.steps.iter();
        steps.filter(move |(_, step)| step.step.class == Class::Irreversible && did(step))
    }

    /// Whether it did anything for good.
    pub(super) fn did_for_good(&self) -> bool {
        self.for_good().next().is_some()
    }

    /// A step that cannot be undone, and whose only call is known not to have been sent, if that is
    /// so of each that was begun.
    pub(super) fn withheld(&self, unsent: impl Fn(&StepId) -> bool) -> Option<&StepId> {
        let only = |step: &StepRun| step.state == StepState::Started && step.attempts == 1;
        let all = self.for_good().all(|(id, step)| only(step) && unsent(id));
        self.for_good().next().filter(|_| all).map(|(id, _)| id)
    }

    /// An output of one of its steps.
    #[must_use]
    pub fn output(&self, step: &str, name: &str) -> Option<&Arc<str>> {
        self.outputs.get(step).and_then(|outputs| outputs.get(name))
    }
}
