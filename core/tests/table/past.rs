//! The journal that a row's `past` tells, as the bytes of a chain.

use std::sync::Arc;

use bowline_core::model::{Author, Claim, Epoch, GroupName, RunId, Site, Span, StepId, Wall};
use bowline_core::op::Stored;
use bowline_core::plan::{Class, Effect, Milestone, OnTimeout, Plan, PlanKind, Step};
use bowline_core::run::{Ended, Entry, Intent, Ledger, Record, Trigger};
use bowline_core::step::Mark;

use super::shape::{Event, Past};

/// A group's chain, and what it says.
pub(super) struct Journal {
    pub(super) ledger: Ledger,
    pub(super) entries: Vec<Stored>,
    /// When each was written.
    times: Vec<Wall>,
    group: GroupName,
}

/// The journal of a past. `zero` is the wall time of the row's 0s.
pub(super) fn journal(group: &GroupName, past: &[Past], zero: Wall) -> Result<Journal, String> {
    let (ledger, group) = (Ledger::default(), group.clone());
    let mut journal = Journal { ledger, entries: Vec::new(), times: Vec::new(), group };
    for told in past {
        sensible(told)?;
        let at = Wall(zero.0 + told.at.0);
        if journal.times.last().is_some_and(|last| at < *last) {
            return Err(format!(
                "past: what is told of {} lies before what is told above",
                told.at
            ));
        }
        journal.tell(told, at).map_err(|e| format!("past: at {}: {e}", told.at))?;
    }
    Ok(journal)
}

/// A word that says nothing of its event is a slip.
fn sensible(told: &Past) -> Result<(), String> {
    let failover = matches!(told.event, Event::FailedOver | Event::FailingOver);
    let slip = |what: &str| Err(format!("past: {what} says nothing of {:?}", told.event));
    if told.by_hand && !failover && told.event != Event::CameHome {
        return slip("byHand");
    }
    if told.had_failed && !(failover && told.by_hand) {
        return slip("hadFailed");
    }
    if told.unfenced && told.event != Event::FailedOver {
        return slip("unfenced");
    }
    if told.obligations > 0 && told.event != Event::FailedOver {
        return slip("obligations");
    }
    Ok(())
}

impl Journal {
    /// The entries that are there at an instant.
    pub(super) fn written(&self, now: Wall) -> &[Stored] {
        &self.entries[..self.times.partition_point(|at| *at <= now)]
    }

    fn append(&mut self, at: Wall, records: Vec<Record>) -> Result<(), String> {
        let claimed = records.iter().find_map(|record| match record {
            Record::Claimed { claim, .. } => Some(claim.clone()),
            _ => None,
        });
        let seq = self.ledger.head + 1;
        let entry = Entry {
            seq,
            prev: Arc::clone(&self.ledger.hash),
            at,
            by: Author::Controller("earlier".into()),
            claim: claimed.or_else(|| self.ledger.claim.clone()),
            records,
        };
        let bytes = entry.bytes();
        self.ledger.apply(seq, &bytes).map_err(|e| e.to_string())?;
        self.entries.push(Stored { seq, bytes });
        self.times.push(at);
        Ok(())
    }

    fn tell(&mut self, told: &Past, at: Wall) -> Result<(), String> {
        match told.event {
            Event::Armed => self.append(at, vec![Record::Armed]),
            Event::Paused => self.append(at, vec![Record::Paused { reason: "deploy".into() }]),
            Event::Resumed => self.append(at, vec![Record::Resumed]),
            Event::Prewarm => self.run(at, told, PlanKind::Failover, (Vec::new(), false)),
            Event::FailingOver => {
                let to = self.ledger.active.other();
                let shift = step(vec![Mark::Active(to)], false);
                let steps = vec![("shift.web", shift)];
                self.run(at, told, PlanKind::Failover, (steps, true))
            }
            Event::FailedOver => self.failed_over(at, told),
            Event::SwitchedOver => self.planned(at, told, PlanKind::Switchover),
            Event::CancelledFailback => self.cancelled(at, told),
            Event::CameHome => self.planned(at, told, PlanKind::Failback),
        }
    }

    /// Claims, opens and plans a run.
    fn run(
        &mut self,
        at: Wall,
        told: &Past,
        kind: PlanKind,
        (steps, moves): (Vec<(&str, Step)>, bool),
    ) -> Result<(), String> {
        if let Some(open) = self.ledger.open_run() {
            return Err(format!("run {} is open already", open.id));
        }
        let from = self.ledger.active;
        if (kind == PlanKind::Failback) != (from == Site::Standby) && kind != PlanKind::Failover {
            return Err(format!("a {} cannot begin at {from}", kind.word()));
        }
        let epoch = self.ledger.epoch().next();
        let run = RunId::new(format!("{}-{epoch}-{}", self.group, kind.word()));
        let human = told.by_hand || kind == PlanKind::Switchover;
        let trigger = match human {
            true => Trigger::Human { by: "ana".into(), reason: "drill".into() },
            false => Trigger::Automatic,
        };
        let steps = steps.into_iter().map(|(id, step)| (StepId::new(id), step)).collect();
        let plan = Box::new(Plan { kind, from, to: from.other(), steps });
        let claimed = Record::Claimed { claim: Claim::new(epoch, run), by: "earlier".into() };
        let fault_at = told.had_failed.then(|| at - Span::mins(1));
        let opened = Record::Opened { kind, from, trigger, fault_at, evidence: Vec::new() };
        self.append(at, vec![claimed, opened, Record::Planned { plan, moves }])
    }

    fn failed_over(&mut self, at: Wall, told: &Past) -> Result<(), String> {
        let (from, to) = (self.ledger.active, self.ledger.active.other());
        let stopping: Vec<_> = (0..told.obligations).map(|n| format!("losing.{n}")).collect();
        let mut steps = vec![
            ("fence", step(vec![Mark::Fenced(from)], false)),
            ("promote", step(vec![Mark::Writer(to)], false)),
            ("shift.web", step(vec![Mark::Active(to)], false)),
        ];
        if told.unfenced {
            steps.push(("fence.standing", step(vec![Mark::Fenced(from)], true)));
        }
        steps.extend(stopping.iter().map(|id| (id.as_str(), step(Vec::new(), true))));
        self.run(at, told, PlanKind::Failover, (steps, true))?;
        let ends = [done("fence", told.unfenced), done("promote", false), done("shift.web", false)];
        let closed = Record::Closed { ended: Ended::Moved };
        self.append(at, ends.into_iter().chain([closed]).collect())
    }

    fn cancelled(&mut self, at: Wall, told: &Past) -> Result<(), String> {
        self.run(at, told, PlanKind::Failback, (vec![("near", step(Vec::new(), false))], true))?;
        let run = self.ledger.open_run().map(|run| run.id.clone()).ok_or("no run")?;
        let (uid, by) = ("cancel-1".into(), "ana".into());
        let intent = Some(Intent::Cancel { run });
        let why = String::from("cancelled by ana");
        let taken = Record::IntentTaken { uid, by, intent, refused: None };
        let closed = Record::Closed { ended: Ended::Unwound(why.clone()) };
        self.append(at, vec![taken, Record::Unwinding { why }, closed])
    }

    fn planned(&mut self, at: Wall, told: &Past, kind: PlanKind) -> Result<(), String> {
        let (from, to) = (self.ledger.active, self.ledger.active.other());
        let mut rebuilt = vec![Mark::Rebuilt(from)];
        if kind == PlanKind::Failback {
            rebuilt.push(Mark::Armed);
        }
        let steps = vec![
            ("fence", step(vec![Mark::Fenced(from)], false)),
            ("promote", step(vec![Mark::Writer(to)], false)),
            ("shift.web", step(vec![Mark::Active(to)], false)),
            ("rebuilt", step(rebuilt, false)),
        ];
        self.run(at, told, kind, (steps, true))?;
        let ends = ["fence", "promote", "shift.web", "rebuilt"].map(|id| done(id, false));
        let closed = Record::Closed { ended: Ended::Moved };
        self.append(at, ends.into_iter().chain([closed]).collect())
    }
}

/// A step that is told by its marks alone: what it does is not the table's.
fn step(marks: Vec<Mark>, standing: bool) -> Step {
    Step {
        effect: Effect::Milestone(Milestone { note: "told by the table".into() }),
        needs: Vec::new(),
        still: Vec::new(),
        touches: bowline_core::model::Place::Nowhere,
        class: Class::Reversible,
        timeout: Some(Span::mins(20)),
        on_timeout: OnTimeout::Ask,
        standing,
        marks,
    }
}

fn done(step: &str, unknown: bool) -> Record {
    let (outputs, note) = (Default::default(), "told by the table".into());
    Record::Done { step: StepId::new(step), outputs, note, unknown }
}

/// A claim that the journal does not know.
pub(super) fn foreign(group: &GroupName, ledger: &Ledger) -> Claim {
    let epoch = Epoch(ledger.epoch().0 + 1);
    Claim::new(epoch, RunId::new(format!("{group}-{epoch}-failover")))
}
