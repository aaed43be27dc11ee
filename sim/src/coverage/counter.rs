//! Who counts: a watcher of chains and calls, and a look at what the leader decides.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use bowline_core::decide::Decision;
use bowline_core::model::{GroupName, Now, StepId};
use bowline_core::node::Node;
use bowline_core::op::{Answer, Call, Fault, Op, StoreOp};
use bowline_core::plan::{EffectKind, Plan};
use bowline_core::run::{Entry, Ledger, Phase, Record, Run};
use bowline_core::step::QuestionKind as Asks;

use super::Coverage;
use super::cell::{At, Came, Cell, Decided, End, Purpose, Side};
use super::kinds::{PhaseKind, RecordKind};
use super::universe::universe;
use crate::faults::Trouble;
use crate::harness::{Event, Simulation, Watch};
use crate::world::{News, World};

/// Counts what happens in one simulation after the other. A clone counts into the same.
#[derive(Clone, Debug, Default)]
pub struct Counter(Rc<RefCell<Tally>>);

impl Counter {
    /// Somebody who looks on and counts, in a simulation that has not begun: what was remembered of
    /// the one before is forgotten, and what was counted is not.
    #[must_use]
    pub fn watch(&self) -> Box<dyn Watch> {
        self.0.borrow_mut().groups.clear();
        Box::new(self.clone())
    }

    /// Looks at what the leader decides about these groups. Call it after every event, or as often
    /// as decisions are to be seen.
    pub fn look<'a>(
        &self,
        simulation: &Simulation<Node>,
        groups: impl IntoIterator<Item = &'a GroupName>,
    ) {
        let Some((_, leader)) = simulation.leader() else { return };
        let mut tally = self.0.borrow_mut();
        for group in groups {
            if let Some(decision) = leader.decision(group) {
                tally.decided(group, decision);
            }
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        self.0.borrow().hits.clone()
    }
}

impl Watch for Counter {
    fn seen(&mut self, at: Now, world: &World, event: &Event<'_>) {
        let mut tally = self.0.borrow_mut();
        match event {
            Event::Sent { seat, call } if call.op.mutates() => tally.sent(*seat, call),
            Event::Performed { seat, op, result } if op.mutates() => {
                tally.performed(*seat, op, result);
            }
            Event::Heard { seat, op, result } => tally.heard(*seat, op, result),
            Event::News(News::Stored(group, seq)) => {
                let bytes = usize::try_from(*seq)
                    .ok()
                    .and_then(|seq| world.store.chain(group).get(seq.checked_sub(1)?));
                if let Some(bytes) = bytes {
                    tally.stored(group, *seq, bytes);
                }
            }
            Event::News(News::StoredApart(group, _)) => {
                tally.groups.entry(group.clone()).or_default().beside = true;
            }
            Event::Began(Trouble::Crashed(seat)) => tally.died(*seat, at),
            _ => {}
        }
    }
}

/// What is counted, and what must be remembered for it.
#[derive(Debug, Default)]
struct Tally {
    hits: Coverage,
    groups: BTreeMap<GroupName, Group>,
}

/// A group as its chain tells it.
#[derive(Debug, Default)]
struct Group {
    ledger: Ledger,
    purposes: BTreeMap<StepId, Purpose>,
    /// Calls of steps that have not ended.
    calls: BTreeMap<StepId, Open>,
    /// The last append.
    append: Option<Append>,
    decided: Option<Decision>,
    /// Whether a process beside the controller ever wrote a journal of its own.
    beside: bool,
}

/// A step's call.
#[derive(Debug)]
struct Open {
    op: Op,
    at: At,
    /// What came of it where it went.
    came: Option<Came>,
    /// Whether its sender heard of it, or is dead.
    heard: bool,
}

impl Open {
    fn new(op: Op, at: At) -> Self {
        Self { op, at, came: None, heard: at == At::Had }
    }
}

/// An append on its way.
#[derive(Debug)]
struct Append {
    seat: usize,
    seq: u64,
    records: Vec<RecordKind>,
    /// `None`: its sender has heard of it.
    at: Option<At>,
}

impl Tally {
    fn hit(&mut self, cell: Cell) {
        self.hits.hit(cell);
    }

    fn decided(&mut self, group: &GroupName, decision: &Decision) {
        let known = self.groups.entry(group.clone()).or_default();
        if known.decided.as_ref() == Some(decision) {
            return;
        }
        known.decided = Some(decision.clone());
        self.hit(Cell::Decided(match decision {
            Decision::Hold(why) => Decided::Hold(why.into()),
            Decision::Prewarm => Decided::Prewarm,
            Decision::StandDown => Decided::StandDown,
            Decision::FailOver => Decided::FailOver,
            Decision::FailBack => Decided::FailBack,
            Decision::AskHuman(ask) => Decided::Ask((&ask.action).into(), (&ask.why).into()),
        }));
    }

    fn sent(&mut self, seat: usize, call: &Call) {
        if let Op::Store(StoreOp::Append { group, seq, bytes }) = &call.op {
            let entry = Entry::parse(*seq, bytes);
            let records = entry.map(|entry| entry.records.iter().map(RecordKind::from).collect());
            let records = records.unwrap_or_default();
            let append = Append { seat, seq: *seq, records, at: Some(At::Sent) };
            let before = self.groups.entry(group.clone()).or_default().append.replace(append);
            // Who sends another one has given up waiting for an answer to the one before.
            if before.is_some_and(|before| before.seat == seat && before.at.is_some()) {
                self.hit(Cell::Append(Came::Nothing));
            }
        }
        self.of_step(&call.op, |open| {
            (open.at, open.came, open.heard) = (At::Sent, None, false);
        });
    }

    fn performed(&mut self, seat: usize, op: &Op, result: &Result<Answer, Fault>) {
        let came = Came::from(result);
        if let (Some(append), Came::Answer) = (self.appending(seat, op), came) {
            append.at = Some(At::Had);
        }
        self.of_step(op, |open| {
            open.came = Some(came);
            if came == Came::Answer {
                open.at = At::Had;
            }
        });
    }

    fn heard(&mut self, seat: usize, op: &Op, result: &Result<Answer, Fault>) {
        let came = Came::from(result);
        if let Some(append) = self.appending(seat, op) {
            append.at = None;
            self.hit(Cell::Append(came));
        }
        let hear = |open: &mut Open| (open.came, open.heard) = (Some(came), true);
        if let Some(kind) = self.of_step(op, hear) {
            self.hit(Cell::Call(kind, came));
        }
    }

    /// The append that this is, if its sender waits for it.
    fn appending(&mut self, seat: usize, op: &Op) -> Option<&mut Append> {
        let Op::Store(StoreOp::Append { group, seq, .. }) = op else { return None };
        let append = self.groups.get_mut(group)?.append.as_mut()?;
        (append.seat == seat && append.seq == *seq && append.at.is_some()).then_some(append)
    }

    /// Does something to the open call that this is; what kind of step it belongs to.
    fn of_step(&mut self, op: &Op, act: impl Fn(&mut Open)) -> Option<EffectKind> {
        if matches!(op, Op::Store(_) | Op::Lease(_) | Op::Notify(_)) {
            return None;
        }
        for group in self.groups.values_mut() {
            if let Some((step, open)) = group.calls.iter_mut().find(|(_, open)| open.op == *op) {
                act(open);
                let run = group.ledger.run.as_ref()?;
                return run.steps.get(step).map(|step| step.step.effect.kind());
            }
        }
        None
    }

    fn stored(&mut self, name: &GroupName, seq: u64, bytes: &str) {
        let mut group = self.groups.remove(name).unwrap_or_default();
        let before = group.ledger.run.clone();
        if let Ok(entry) = group.ledger.apply(seq, bytes) {
            for record in &entry.records {
                self.hit(Cell::Stored(record.into()));
                self.record(&mut group, record, before.as_ref());
            }
            let imports = |record: &Record| matches!(record, Record::Imported { .. });
            if !entry.records.iter().any(imports) {
                self.turned(before.as_ref(), group.ledger.run.as_ref());
            }
        }
        self.groups.insert(name.clone(), group);
    }

    fn turned(&mut self, before: Option<&Run>, after: Option<&Run>) {
        let Some(after) = after else { return };
        let kind = |run: &Run| PhaseKind::from(&run.phase);
        if before.is_none_or(|before| before.id != after.id || before.phase != after.phase) {
            self.hit(Cell::Turned(before.map(kind), kind(after)));
        }
    }

    fn record(&mut self, group: &mut Group, record: &Record, before: Option<&Run>) {
        match record {
            Record::Opened { .. } => group.opened(),
            Record::Planned { plan, moves } => group.planned(plan, *moves),
            Record::Started { step, op, .. } => {
                self.unheard(group, step);
                group.calls.insert(step.clone(), Open::new((**op).clone(), At::Recorded));
            }
            Record::Done { step, unknown, .. } => {
                self.unheard(group, step);
                let acted = group.calls.remove(step).is_some();
                let end = match (unknown, acted) {
                    (true, _) => End::Unknown,
                    (false, true) => End::Done,
                    (false, false) => End::AsFound,
                };
                self.ended(group, step, end);
            }
            Record::Withheld { step } => drop(group.calls.remove(step)),
            Record::Asked { step, question } if question.kind == Asks::Overdue => {
                self.ended(group, step, End::Overdue);
            }
            Record::Asked { step, question } => {
                let kind = group.kind(step);
                kind.into_iter().for_each(|k| self.hit(Cell::Asked(k, (&question.kind).into())));
            }
            Record::Unwinding { why } => self.unwinding(group, why, before),
            Record::Imported { entries, .. } => group.imported(entries),
            Record::IntentTaken { intent, refused, .. } => match (intent, refused) {
                (_, Some(refusal)) => self.hit(Cell::Refused(refusal.into())),
                (Some(intent), None) => self.hit(Cell::Followed(intent.into())),
                (None, None) => {}
            },
            _ => {}
        }
    }

    /// A step goes on: if its call was sent and its sender lives, it gave up waiting.
    fn unheard(&mut self, group: &Group, step: &StepId) {
        let silent = |open: &Open| !open.heard && matches!(open.at, At::Sent | At::Had);
        if group.calls.get(step).is_some_and(silent)
            && let Some(kind) = group.kind(step)
        {
            self.hit(Cell::Call(kind, Came::Nothing));
        }
    }

    fn unwinding(&mut self, group: &mut Group, why: &str, before: Option<&Run>) {
        for step in std::mem::take(&mut group.calls).into_keys() {
            let open = before.and_then(|run| run.steps.get(&step)).is_some_and(|step| step.open());
            if open {
                self.ended(group, &step, End::Abandoned);
            }
        }
        let slow = why.split_once(" is not done after ").map(|(step, _)| StepId::new(step));
        if let Some(step) = slow {
            self.ended(group, &step, End::SentBack);
        }
    }

    fn ended(&mut self, group: &Group, step: &StepId, end: End) {
        if let (Some(purpose), Some(kind)) = (group.purposes.get(step), group.kind(step)) {
            let cell = Cell::Step(*purpose, kind, end);
            let own = end == End::AsFound && matches!(universe().get(&cell), Some(Some(_)));
            self.hit(if own && group.beside { Cell::FoundBeside } else { cell });
        }
    }

    /// The replica in a seat dies: what it worked on is cut off there.
    fn died(&mut self, seat: usize, _: Now) {
        let mut cut = Vec::new();
        for group in self.groups.values_mut() {
            let Some(append) = group.append.take_if(|append| append.seat == seat) else { continue };
            if let Some(at) = append.at {
                let records = append.records.iter();
                cut.extend(records.map(|record| Cell::DiedWriting(*record, at)));
            }
            let Some(run) = group.ledger.run.as_ref().filter(|run| run.busy()) else { continue };
            for (id, step) in run.runnable() {
                let (kind, call) = (step.step.effect.kind(), group.calls.get(id));
                let at = call.filter(|open| !open.heard).map_or(At::Looking, |open| open.at);
                cut.push(Cell::Died(kind, at));
                if let Some((open, came)) = call.and_then(|open| Some((open, open.came?))) {
                    let side = if open.heard { Side::Heard } else { Side::Unheard };
                    cut.push(Cell::DiedOf(kind, came, side));
                }
            }
            // Nobody will hear of these calls any more.
            for open in group.calls.values_mut() {
                (open.came, open.heard) = (None, true);
            }
        }
        cut.into_iter().for_each(|cell| self.hit(cell));
    }
}

impl Group {
    /// Takes over what another process began: its steps are not counted, and what becomes of them
    /// here is.
    fn imported(&mut self, entries: &[Arc<str>]) {
        let entries = entries.iter().filter_map(|bytes| {
            let seq = serde_json::from_str::<Entry>(bytes).ok()?.seq;
            Entry::parse(seq, bytes).ok()
        });
        for record in entries.flat_map(|entry| entry.records) {
            match record {
                Record::Opened { .. } => self.opened(),
                Record::Planned { plan, moves } => self.planned(&plan, moves),
                Record::Started { step, op, .. } => {
                    self.calls.insert(step, Open::new(*op, At::Had));
                }
                Record::Done { step, .. } | Record::Withheld { step } => {
                    drop(self.calls.remove(&step));
                }
                Record::Unwinding { .. } => self.calls.clear(),
                _ => {}
            }
        }
    }

    fn opened(&mut self) {
        self.purposes.clear();
        self.calls.clear();
    }

    fn planned(&mut self, plan: &Plan, moves: bool) {
        let run = self.ledger.run.as_ref();
        // A run that moves may find that it must undo something first.
        let undoes = run.is_some_and(|run| match run.phase {
            Phase::Unwinding { .. } => true,
            Phase::Moving => !moves,
            _ => false,
        });
        let purpose = Purpose::of(plan.kind, moves, undoes);
        self.purposes.extend(plan.steps.keys().map(|id| (id.clone(), purpose)));
    }

    fn kind(&self, step: &StepId) -> Option<EffectKind> {
        let run = self.ledger.run.as_ref()?;
        run.steps.get(step).map(|step| step.step.effect.kind())
    }
}
