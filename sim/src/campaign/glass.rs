//! Break-glass in a trial: a process with a directory of its own, beside whatever the controller
//! does.

use bowline_core::model::{GroupName, Mono, Site, Span};
use bowline_core::node::Input;
use bowline_core::run::{Entry, Intent, Ledger, Record, Refusal, Stands};

use super::schedule::Glass;
use super::trial::{Hand, Trial, json};
use crate::faults::{Spell, Trouble};

/// How long after an import that was refused somebody does what the refusal says.
const AGAIN: Span = Span::mins(2);

/// A break-glass process, and what is known of it.
#[derive(Debug, Default)]
pub(super) struct GlassRun {
    ledger: Ledger,
    /// How many entries its store had when it was looked at.
    read: u64,
    stopped: bool,
    /// Whether it claimed the group.
    claimed: bool,
    /// When its journal is sent again, if it was not taken.
    again: Option<Mono>,
    /// Whether its journal was refused since both tell of a move that cannot be of both.
    two_moves: bool,
}

impl Trial {
    pub(super) fn plan_glass(&mut self, glass: &Glass) {
        let ledger = Ledger::default().read_with(&self.simulation.world.reader);
        self.glass = Some(GlassRun { ledger, ..GlassRun::default() });
        let (began, seat) = (self.began, self.replicas);
        let (from, until) = (began, Some(began + glass.from));
        self.simulation.plan(Spell { from, until, trouble: Trouble::Crashed(seat) });
        self.simulation.keep_apart(seat);
        self.hands.push((began + glass.export, Hand::Export(glass.journal)));
        self.hands.push((began + glass.until, Hand::Stop));
        self.hands.push((began + glass.import, Hand::Import));
        let intent = Intent::Failover {
            accept_loss: Some(glass.accept_loss),
            reason: "nobody knows what the controller does".into(),
            break_glass: Some("it does not answer me".into()),
        };
        let at = began + glass.from + Span::mins(1);
        let group = self.policies[0].group.clone();
        self.simulation.plan_intent_apart(at, group, "on-call", json(&intent));
    }

    /// The command that hosts such a process leaves as soon as its run is over.
    pub(super) fn watch_glass(&mut self) {
        let store = &self.simulation.world.apart.store;
        let Some(glass) = self.glass.as_mut().filter(|glass| glass.read != store.stored()) else {
            return;
        };
        glass.read = store.stored();
        let open = glass.ledger.open_run().is_some();
        let chain = store.chain(&self.policies[0].group);
        let known = usize::try_from(glass.ledger.head).unwrap_or(usize::MAX);
        let own = format!("bowline-{}.", self.replicas);
        for bytes in chain.iter().skip(known) {
            let Ok(entry) = glass.ledger.apply(glass.ledger.head + 1, bytes) else { break };
            glass.claimed |= entry.records.iter().any(|record| {
                matches!(record, Record::Claimed { by, .. } if by.as_str().starts_with(&own))
            });
        }
        if open && glass.ledger.open_run().is_none() {
            self.stop_glass();
        }
    }

    pub(super) fn stop_glass(&mut self) {
        if let Some(glass) = self.glass.as_mut().filter(|glass| !glass.stopped) {
            glass.stopped = true;
            self.simulation.hand(self.replicas, Input::Stop);
        }
    }

    /// Whether nothing of the process is left to be imported. A newer claim of the controller's
    /// does not say that it knows what the process did under an older one.
    pub(super) fn knows_glass(&self) -> bool {
        let ours = &self.ledgers[&self.policies[0].group];
        !self.glass.as_ref().is_some_and(|glass| glass.claimed) || !ours.imported.is_empty()
    }

    /// What the controller said to the process' journal.
    pub(super) fn hear_of_glass(&mut self, group: &GroupName, entry: &Entry) {
        if *group != self.policies[0].group {
            return;
        }
        let mut refused = entry.records.iter().filter_map(|record| match record {
            Record::IntentTaken { intent: Some(Intent::Import { .. }), refused, .. } => {
                refused.as_ref()
            }
            _ => None,
        });
        if let (Some(refusal), Some(glass)) = (refused.next_back(), &mut self.glass) {
            glass.two_moves = matches!(refusal, Refusal::TwoMoves { .. });
        }
    }

    /// Its journal is to become part of the controller's.
    pub(super) fn import(&mut self, now: Mono) {
        let group = self.policies[0].group.clone();
        let reason = "the other process is over";
        let stands = self.truth();
        let intent = self.simulation.world.apart.store.import(&group, reason, stands);
        self.say(now, &group, &intent);
        if let Some(glass) = &mut self.glass {
            glass.again = Some(now + AGAIN);
        }
    }

    /// Which journal is true, once somebody was asked: the one by which the newest writer writes.
    fn truth(&self) -> Option<Stands> {
        let glass = self.glass.as_ref().filter(|glass| glass.two_moves)?;
        let newest = self.newest_writer()?;
        let tells = |ledger: &Ledger| ledger.leads_to() == newest;
        let ours = &self.ledgers[&self.policies[0].group];
        Some(match tells(&glass.ledger) && !tells(ours) {
            true => Stands::Theirs,
            false => Stands::Ours,
        })
    }

    /// The site whose instance became the writer last; without a database, where DNS leads. A
    /// human sees both in AWS, whatever a replica thinks.
    fn newest_writer(&self) -> Option<Site> {
        let (world, now) = (&self.simulation.world, self.simulation.now());
        let became = |site: Site| {
            let member = world.rds.member(world.groups()[0].door(site)?, now)?;
            member.writer.then_some((member.held.branch, site))
        };
        let writer = Site::BOTH.into_iter().filter_map(became).max().map(|(_, site)| site);
        writer.or_else(|| world.answer(0, 0, 0, now).site)
    }

    /// A journal that was not taken is sent again, after a run in its way was cancelled or with the
    /// word of who looked which of two moves is true: what the refusal says.
    pub(super) fn import_again(&mut self, now: Mono) {
        let group = self.policies[0].group.clone();
        let ledger = &self.ledgers[&group];
        let due = |glass: &GlassRun| glass.again.is_some_and(|at| at <= now);
        if self.knows_glass() || !self.glass.as_ref().is_some_and(due) {
            return;
        }
        let two_moves = self.glass.as_ref().is_some_and(|glass| glass.two_moves);
        let in_its_way = ledger.open_run().filter(|run| !run.committed && !two_moves);
        match in_its_way.map(|run| run.id.clone()) {
            Some(run) => {
                self.say(now, &group, &Intent::Cancel { run });
                self.hands.push((now + Span::secs(20), Hand::Import));
                self.hands.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
                if let Some(glass) = &mut self.glass {
                    glass.again = None;
                }
            }
            None => self.import(now),
        }
    }
}
