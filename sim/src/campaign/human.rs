//! The human on call: answers what runs ask, and once all is well brings everything home.

use std::collections::BTreeMap;

use bowline_core::model::{GroupName, Now, RunId, Site, Span, Wall};
use bowline_core::run::{Intent, Ledger};
use bowline_core::step::QuestionKind;

use crate::part;

/// How long after it was said something is said again, if it is still wanted.
const AGAIN: Span = Span::mins(3);

/// How long a question waits at most once all is well.
const SOON: Span = Span::mins(1);

/// What was wanted so often in vain is gone about otherwise.
const PATIENCE: u8 = 4;

/// How long everything is left alone before a human does what the controller might do by itself.
const ALONE: Span = Span::mins(10);

/// The least that is accepted where nobody knows how much may be lost.
const ANY_LOSS: Span = Span::mins(60);

/// The human on call.
#[derive(Clone, Debug)]
pub(super) struct OnCall {
    /// How long an answer takes; `None`: there is none before all is well.
    pub(super) takes: Option<Span>,
    /// Since when all is well.
    pub(super) healed: Wall,
    /// When each group was last told something.
    said: BTreeMap<GroupName, Wall>,
    /// How often each run was told yes.
    yes: BTreeMap<RunId, u8>,
    /// How often each group was to be armed.
    arms: BTreeMap<GroupName, u8>,
}

impl OnCall {
    pub(super) fn new(takes: Option<Span>, heals: bowline_core::model::Mono) -> Self {
        Self {
            takes,
            healed: part::wall(heals),
            said: BTreeMap::new(),
            yes: BTreeMap::new(),
            arms: BTreeMap::new(),
        }
    }

    /// What is said now about each group.
    pub(super) fn says(
        &mut self,
        now: Now,
        ledgers: &BTreeMap<GroupName, Ledger>,
    ) -> Vec<(GroupName, Intent)> {
        let mut said = Vec::new();
        for (group, ledger) in ledgers {
            if self.said.get(group).is_some_and(|at| now.wall.since(*at) < AGAIN) {
                continue;
            }
            if let Some(intent) = self.wants(now.wall, ledger) {
                let intent = self.weary(intent, group, ledger);
                self.said.insert(group.clone(), now.wall);
                said.push((group.clone(), intent));
            }
        }
        said
    }

    /// Nobody says yes to the same run for ever, or wants a group armed that cannot be.
    fn weary(&mut self, wish: Intent, group: &GroupName, ledger: &Ledger) -> Intent {
        let again = |times: &mut u8| {
            *times = times.saturating_add(1);
            *times > PATIENCE
        };
        match &wish {
            Intent::Approve { run, .. } if again(self.yes.entry(run.clone()).or_default()) => {
                let undone = ledger.open_run().filter(|open| !open.committed);
                undone.map_or(wish, |open| Intent::Cancel { run: open.id.clone() })
            }
            Intent::Arm if again(self.arms.entry(group.clone()).or_default()) => {
                Intent::Switchover { reason: "it cannot be armed: the standby is made anew".into() }
            }
            _ => wish,
        }
    }

    fn wants(&self, now: Wall, ledger: &Ledger) -> Option<Intent> {
        let well = now.since(self.healed);
        let takes = match (self.takes, well > Span::ZERO) {
            (Some(takes), false) => takes,
            (Some(takes), true) => takes.min(SOON),
            (None, true) => SOON,
            (None, false) => return None,
        };
        if let Some(yes) = approve(now, takes, ledger) {
            return Some(yes);
        }
        if well > SOON && ledger.paused.is_some() {
            return Some(Intent::Resume);
        }
        if well <= SOON || ledger.busy_run().is_some() {
            return None;
        }
        let idle = ledger.run.as_ref().and_then(|run| run.closed_at).unwrap_or(self.healed);
        let alone = now.since(idle.max(self.healed)) > ALONE;
        let reason = || "all is well again".into();
        match ledger.active {
            Site::Standby if alone => Some(Intent::Failback { reason: reason() }),
            Site::Home if !ledger.armed => Some(Intent::Arm),
            _ => None,
        }
    }
}

/// A yes to the first question that has waited for so long.
pub(super) fn approve(now: Wall, takes: Span, ledger: &Ledger) -> Option<Intent> {
    let run = ledger.open_run()?;
    let (_, question, asked) = run.asks().next()?;
    if now.since(asked) < takes {
        return None;
    }
    let loses = question.kind == QuestionKind::AcceptLoss;
    let accept_loss = loses.then(|| question.loss().unwrap_or(ANY_LOSS));
    Some(Intent::yes(run.id.clone(), question, accept_loss))
}
