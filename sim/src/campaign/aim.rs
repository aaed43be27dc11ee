//! What goes wrong just when a run comes to a certain step.

use bowline_core::model::{Mono, Now, Place, Site, Span};
use bowline_core::plan::{EffectKind, OnTimeout};
use bowline_core::policy::Policy;
use bowline_core::run::{Ledger, Phase, Run, StepRun};
use serde::{Deserialize, Serialize};

use super::schedule::Wish;
use crate::coverage::{End, Purpose};
use crate::faults::{Api, Rates, Reach, Spell, Trouble};

/// How long after an API fell silent somebody cancels: a call of ten seconds was given up.
const CANCELLED: Span = Span::secs(25);

/// How long a silence is beyond the time that a step is given.
const BEYOND: Span = Span::secs(20);

/// What goes wrong when a run comes to a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Aim {
    /// A run of which group.
    pub group: usize,
    /// What the plan is for.
    pub of: Purpose,
    /// What the step does.
    pub at: EffectKind,
    /// Whether its call must be recorded; else it is enough that it may begin.
    pub started: bool,
    /// How many of its calls must be, beyond that.
    #[serde(default, skip_serializing_if = "is_none")]
    pub calls: u32,
    /// Only a step that would end so, should it take too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<End>,
    /// How long after.
    pub after: Span,
    /// For how long; a silence lasts until the step is overdue.
    pub lasts: Span,
    /// What.
    pub harm: Harm,
}

/// What goes wrong then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Harm {
    /// The leader dies.
    Crash,
    /// It stands still.
    Pause,
    /// Calls go wrong.
    Calls(Rates),
    /// The API that the step calls answers nothing.
    Silence,
    /// It answers nothing, and after some time a human cancels the run.
    SilenceAndCancel,
    /// A human says something.
    Say(Wish),
    /// Something else does, for longer than the step is given.
    Trouble(Trouble),
}

/// What follows from an aim.
pub(super) struct Hit {
    /// What goes wrong.
    pub(super) spell: Option<Spell>,
    /// What a human says, and when.
    pub(super) says: Option<(Mono, Wish)>,
}

impl Aim {
    /// The step that it is aimed at, if the run has come to it.
    fn step<'a>(&self, ledger: &'a Ledger) -> Option<&'a StepRun> {
        let run = ledger.run.as_ref()?;
        if purpose(run) != self.of {
            return None;
        }
        let calls = self.calls.max(u32::from(self.started));
        let meant = |step: &&StepRun| {
            let called = step.attempts >= calls;
            step.step.effect.kind() == self.at && called && self.would_end(run, step)
        };
        run.runnable().map(|(_, step)| step).find(meant)
    }

    /// Whether a step would end as wanted, should it take too long.
    fn would_end(&self, run: &Run, step: &StepRun) -> bool {
        let goes_back = step.step.on_timeout == OnTimeout::Fail && !run.committed;
        match self.ends {
            Some(End::SentBack) => step.step.timeout.is_some() && goes_back,
            Some(End::Overdue) => step.step.timeout.is_some() && !goes_back,
            _ => true,
        }
    }

    /// What follows, if the run has come to the step.
    pub(super) fn hits(
        &self,
        ledger: &Ledger,
        policy: &Policy,
        (now, leader): (Now, usize),
    ) -> Option<Hit> {
        let step = self.step(ledger)?;
        let from = now.mono + self.after;
        let overdue = step.step.timeout.map_or(self.lasts, |timeout| timeout + BEYOND);
        let silence = || Trouble::Cut { seat: None, from: needs(step, policy) };
        let (lasts, trouble) = match &self.harm {
            Harm::Crash => (self.lasts, Trouble::Crashed(leader)),
            Harm::Pause => (self.lasts, Trouble::Paused(leader)),
            Harm::Calls(rates) => (self.lasts, Trouble::Calls(*rates)),
            Harm::Silence => (overdue, silence()),
            Harm::Trouble(trouble) => (overdue.max(self.lasts), trouble.clone()),
            Harm::SilenceAndCancel => (CANCELLED + BEYOND, silence()),
            Harm::Say(wish) => return Some(Hit { spell: None, says: Some((from, *wish)) }),
        };
        let cancels = self.harm == Harm::SilenceAndCancel;
        let says = cancels.then_some((from + CANCELLED, Wish::Cancel));
        let spell = Spell { from, until: Some(from + lasts), trouble };
        Some(Hit { spell: Some(spell), says })
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(calls: &u32) -> bool {
    *calls == 0
}

/// What the plan is for whose steps can be worked on now.
fn purpose(run: &Run) -> Purpose {
    let unwinds = matches!(run.phase, Phase::Unwinding { .. });
    Purpose::of(run.kind, run.phase != Phase::Prewarm, unwinds)
}

/// What a step needs to reach.
fn needs(step: &StepRun, policy: &Policy) -> Reach {
    use EffectKind::{
        CapacityReady, CaughtUp, ClaimCluster, ClaimGate, Flip, Front, NodesGone, Release, SetJob,
        SetPool, SetWorkload,
    };
    let region = |site: Site| policy.site(site).scope.region.clone();
    match (step.step.effect.kind(), step.step.touches) {
        (ClaimGate | Flip, _) => Reach::Gates,
        (SetWorkload, Place::Site(site)) => Reach::Api(region(site), Api::Workloads),
        (SetJob, Place::Site(site)) => Reach::Api(region(site), Api::Jobs),
        (Front, Place::Site(site)) => Reach::Region(region(site)),
        (ClaimCluster | SetPool | CapacityReady | Release | NodesGone, Place::Site(site)) => {
            Reach::Api(region(site), Api::Kube)
        }
        (EffectKind::Position | EffectKind::ConnectionsGone | CaughtUp, Place::Site(site)) => {
            Reach::Api(region(site), Api::CloudWatch)
        }
        (_, Place::Site(site)) => Reach::Api(region(site), Api::Rds),
        (_, Place::Dns) => Reach::Dns,
        (_, Place::Management) => Reach::Management,
        (_, Place::Outside | Place::Nowhere) => Reach::AllBeyond,
    }
}
