//! One replica at work on one group: it reads and writes the group's chain, claims a run that
//! another replica left, and executes while it may.
//!
//! It is turned to in this order: [`Desk::read`], [`Desk::take_over`], what was decided meanwhile
//! is [pushed](Desk::push), [`Desk::execute`], [`Desk::write`]. It decides nothing about beginning
//! a run. It makes no call itself and remembers nothing that a crash may not take. Model checking
//! is about this very type: `model/`.

use super::chain::{Chain, Outcome};
use super::doing::{Allowed, Doing, Slot};
use super::execute::Execution;
use super::ledger::Ledger;
use super::reader::Reader;
use super::record::{BadEntry, Record};
use super::state::{Phase, StepRun};
use crate::bugs::{self, Bug};
use crate::model::{Author, Claim, Epoch, GroupName, Mono, Now, ReplicaId, Span, StepId};
use crate::op::{Answer, Fault, Op, StoreOp};
use crate::plan::{Undo, unwind};
use crate::step::{Held, Hold};

/// How often a chain is read by those who do not write it, and by the leader to notice that
/// somebody else does.
const READ_CHAIN: Span = Span::secs(10);

/// How long an append of unknown outcome rests before it is read back.
const DOUBT: Span = Span::millis(500);

/// One replica's work on one group.
#[derive(Clone, Debug)]
pub struct Desk {
    group: GroupName,
    chain: Chain,
    execution: Execution,
    /// A newer or foreign claim that a step met.
    fenced_by: Option<Claim>,
    /// Whether the chain was read since this replica began to lead.
    current: bool,
    /// When the run is gone over next.
    work: Work,
    read_due: Mono,
    doubt_until: Option<Mono>,
}

/// When a run is gone over next: when something came in that it waits for, or its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// Now.
    Due,
    /// It was gone over; when its time comes is not looked up yet.
    Done,
    /// At this time; `None`: not by time.
    At(Option<Mono>),
    /// Not before whatever is in the way is gone; it is asked again whenever something comes in.
    Held,
}

impl Work {
    fn due(self, now: Mono) -> bool {
        match self {
            Self::Due | Self::Done | Self::Held => true,
            Self::At(at) => at.is_some_and(|at| at <= now),
        }
    }
}

/// Who sits at the desk.
#[derive(Clone, Copy, Debug)]
pub struct Seat<'a> {
    /// The replica.
    pub id: &'a ReplicaId,
    /// What time it is.
    pub now: Now,
    /// Whether it believes that it leads.
    pub leads: bool,
}

/// A call that a step of the run wants made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepCall {
    /// Names the reply.
    pub slot: Slot,
    /// How long to wait for it.
    pub timeout: Span,
    /// The call.
    pub op: Op,
}

/// What followed from a reply of the store.
#[derive(Debug, Default)]
pub struct Heard {
    /// What became of the chain.
    pub outcome: Outcome,
    /// The store's call that must follow at once.
    pub next: Option<StoreOp>,
    /// Calls whose records are in the store now.
    pub calls: Vec<StepCall>,
}

impl Desk {
    /// A desk at which nothing was read yet.
    #[must_use]
    pub fn new(group: GroupName) -> Self {
        Self {
            chain: Chain::new(group.clone()),
            group,
            execution: Execution::default(),
            fenced_by: None,
            current: false,
            work: Work::Due,
            read_due: Mono(0),
            doubt_until: None,
        }
    }

    /// The same desk, at which entries are read with others.
    #[must_use]
    pub fn read_with(self, reader: &Reader) -> Self {
        Self { chain: self.chain.read_with(reader), ..self }
    }

    /// The state that the chain tells.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.chain.ledger()
    }

    /// Why the chain cannot be used, if it cannot.
    #[must_use]
    pub fn broken(&self) -> Option<&BadEntry> {
        self.chain.broken()
    }

    /// Whether nothing is on its way to the store or waits to be written.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.chain.settled()
    }

    /// Whether the chain was read since this replica began to lead.
    #[must_use]
    pub fn current(&self) -> bool {
        self.current
    }

    /// Whether it is not known what became of the last write to the chain.
    #[must_use]
    pub fn in_doubt(&self) -> bool {
        self.chain.in_doubt()
    }

    /// Whether a call that changes something is on its way.
    #[must_use]
    pub fn acting(&self) -> bool {
        self.execution.acting()
    }

    /// Whether the move of the open run is planned, and nothing of it was begun but claims, or what
    /// the store held up for so long that it was not sent.
    #[must_use]
    pub fn only_planned(&self) -> bool {
        let run = self.ledger().open_run();
        run.is_some_and(|run| run.only_planned_but(|step| self.is_unsent(step)))
    }

    /// The same, where what prepares the site that gains traffic may have begun, and so may what
    /// another replica had recorded: whether that was sent, it alone knew.
    #[must_use]
    pub fn only_prepared(&self) -> bool {
        let Some(run) = self.ledger().open_run() else { return false };
        let blind = [Bug::HeirsBeganIt, Bug::TakesOverBlindly].into_iter().any(bugs::on);
        let heir = run.epoch != self.ledger().epoch() && !blind;
        let open = |id: &StepId| run.steps.get(id).is_some_and(StepRun::open);
        run.only_prepared_but(|id| match heir {
            true => open(id) && !self.execution.calls.has_sent(id),
            false => self.is_unsent(id),
        })
    }

    /// Whether another replica has recorded more than that.
    #[must_use]
    pub fn may_have_begun(&self) -> bool {
        let run = self.ledger().open_run();
        run.is_some_and(|run| !run.only_prepared_but(|step| self.is_unsent(step)))
    }

    /// Whether a call of this step was recorded under the claim that stands, and was not sent.
    fn is_unsent(&self, step: &StepId) -> bool {
        self.execution.calls.is_unsent(self.ledger().epoch(), step)
    }

    /// Whether an answer to this call of a step would be heard.
    #[must_use]
    pub fn awaits(&self, slot: &Slot) -> bool {
        self.execution.awaits(slot)
    }

    /// What a step last said or met, for people.
    #[must_use]
    pub fn note(&self, step: &StepId) -> Option<&str> {
        self.execution.note(step)
    }

    /// The standing steps that found something else than they were planned for, and what.
    pub fn at_odds(&self) -> impl Iterator<Item = (&StepId, &str)> {
        self.execution.at_odds()
    }

    /// Whether the replica may act for the group: it leads, has read the chain, and the claim is
    /// its.
    #[must_use]
    pub fn may_act(&self, seat: &Seat<'_>) -> bool {
        seat.leads && self.current && self.is_claimant(seat) && self.fence().is_none()
    }

    /// Whether the claim that stands is this replica's.
    fn is_claimant(&self, seat: &Seat<'_>) -> bool {
        let claimant = self.ledger().claimant.as_ref();
        claimant == Some(seat.id) || bugs::on(Bug::TakeoverWithoutEpoch)
    }

    /// The claim that a step met, unless the chain has come to know it (by an import, or by reading
    /// what another replica wrote).
    #[must_use]
    pub fn fence(&self) -> Option<&Claim> {
        self.fenced_by.as_ref().filter(|met| !self.knows(met))
    }

    /// Whether a claim is not above the one that stands in the chain.
    #[must_use]
    pub fn knows(&self, claim: &Claim) -> bool {
        self.ledger().claim.as_ref().is_some_and(|standing| !standing.yields_to(claim))
    }

    /// When something is due next, but for replies: reading the chain, and for a leader the run.
    pub fn wake_at(&self, leads: bool) -> impl Iterator<Item = Mono> {
        let read = match self.chain.in_doubt() {
            true => self.doubt_until,
            false => self.chain.settled().then_some(self.read_due),
        };
        let run = match self.work {
            _ if !leads => None,
            Work::At(at) => at,
            Work::Held => None,
            Work::Due | Work::Done => self.execution.wake_at(self.ledger()),
        };
        read.into_iter().chain(run)
    }

    /// What two desks have in common that behave alike, if neither is turned to before `due`, nor
    /// reads its chain unasked before `reads`: counters that only grow are left out, and instants
    /// told as seen from then. For whoever compares states.
    #[must_use]
    pub fn gist(&self, due: Mono, reads: Mono) -> String {
        let Self { chain, execution, fenced_by, current, work, read_due, doubt_until, .. } = self;
        let (chain, work) = (chain.gist(), work.due(due));
        let execution = execution.gist(self.ledger(), due);
        let (read, doubt) = (read_due.since(reads), doubt_until.map(|at| at.since(reads)));
        format!("{chain} | {execution} | {fenced_by:?} {current} {work} {read} {doubt:?}")
    }
}

// === a turn, in its order ===

impl Desk {
    /// This replica began to lead: what it knows of the chain may be old.
    pub fn begin_to_lead(&mut self) {
        self.current = false;
        self.fenced_by = None;
        self.read_due = Mono(0);
        self.execution.forget();
        self.work = Work::Due;
    }

    /// The call that reads the chain, when it is due.
    pub fn read(&mut self, now: Mono) -> Option<StoreOp> {
        if self.chain.in_doubt() && self.doubt_until.is_none() {
            self.doubt_until = Some(now + DOUBT);
        }
        let doubt_over = self.doubt_until.is_some_and(|at| at <= now);
        let due = if self.chain.in_doubt() { doubt_over } else { self.read_due <= now };
        let op = if due { self.chain.read() } else { None };
        if op.is_some() {
            (self.read_due, self.doubt_until) = (now + READ_CHAIN, None);
        }
        op
    }

    /// Claims a run that another replica left, under the new `epoch`: whatever that one still sends
    /// is refused wherever claims are compared. `alone`: nobody else's claim is known of.
    pub fn take_over(
        &mut self,
        seat: &Seat<'_>,
        alone: bool,
        epoch: impl FnOnce(&Ledger) -> Epoch,
    ) {
        let Some(run) = self.ledger().busy_run() else { return };
        if self.is_claimant(seat) || !alone || !self.leading(seat) || bugs::on(Bug::NoTakeover) {
            return;
        }
        let claim = Claim::new(epoch(self.ledger()), run.id.clone()).made_by(seat.id);
        self.chain.push(Record::Claimed { claim, by: seat.id.clone() });
    }

    /// Takes back what passed the point of no return in the chain, and was never sent from here:
    /// before anything is decided, or answered to a human.
    pub fn take_back(&mut self, seat: &Seat<'_>) {
        let stands = [Bug::UnsentIsForGood, Bug::RefusedRecordsStand].into_iter().any(bugs::on);
        if stands || !self.leading(seat) || !self.is_claimant(seat) {
            return;
        }
        let open = self.ledger().open_run();
        let withheld = open.and_then(|run| run.withheld(|step| self.is_unsent(step))).cloned();
        withheld.into_iter().for_each(|step| self.chain.push(Record::Withheld { step }));
    }

    /// Whether the replica leads, knows the chain, and has nothing on its way there.
    #[must_use]
    pub fn leading(&self, seat: &Seat<'_>) -> bool {
        seat.leads && self.current && self.chain.settled()
    }

    /// Wants a record written, behind those that wait already.
    pub fn push(&mut self, record: Record) {
        self.chain.push(record);
    }

    /// How a hold is let go. What nobody knows of a call that closed a door is known in time: when
    /// it can take effect no more.
    #[must_use]
    pub fn release(&self, hold: Hold) -> Undo {
        let door = matches!(hold.held, Held::Writer { .. });
        let may_come = self.execution.calls.may_come(self.ledger(), &hold.id);
        match door && may_come && !bugs::on(Bug::TrustsAnOpenDoor) {
            true => Undo::Outlast(hold),
            false => Undo::Release(hold),
        }
    }

    /// What must be undone to leave the world as the open run found it.
    #[must_use]
    pub fn undo(&self) -> Vec<Undo> {
        let how = |undo| match undo {
            Undo::Release(hold) => self.release(hold),
            other => other,
        };
        self.ledger().undo().into_iter().map(how).collect()
    }

    /// Sends the open run back, unless it has passed its point of no return.
    pub fn unwind(&mut self, why: String) {
        let ledger = self.ledger();
        let Some(run) = ledger.open_run().filter(|run| !run.committed) else { return };
        if matches!(run.phase, Phase::Unwinding { .. }) || self.execution.acting() {
            return;
        }
        let plan = Box::new(unwind(run.kind, run.from, &self.undo(), &run.clusters()));
        self.chain.push(Record::Unwinding { why });
        self.chain.push(Record::Planned { plan, moves: false });
    }

    /// Goes over the run, if that is due and the replica may act: the calls that look, while what
    /// is to be recorded waits for [`Desk::write`].
    pub fn execute(&mut self, seat: &Seat<'_>, allowed: Allowed) -> Vec<StepCall> {
        if allowed == Allowed::Nothing || !(self.leading(seat) && self.may_act(seat)) {
            // What is overdue meanwhile must not wake a replica that may do nothing about it.
            self.work = Work::Held;
            return Vec::new();
        }
        if self.execution.allow(allowed) {
            self.work = Work::Due;
        }
        if !self.work.due(seat.now.mono) {
            return Vec::new();
        }
        self.work = Work::Done;
        let mut calls = Vec::new();
        for doing in self.execution.poll(&self.group, self.chain.ledger(), seat.now) {
            match doing {
                Doing::Call { slot, timeout, op } => calls.push(StepCall { slot, timeout, op }),
                Doing::Write(record) => self.chain.push(record),
                Doing::Unwind(why) => {
                    // What else was to be recorded belongs to steps that are abandoned now.
                    self.chain.clear();
                    self.unwind(why);
                    break;
                }
                Doing::Fenced(claim) => self.fenced_by = Some(claim),
            }
        }
        calls
    }

    /// The call that writes what waits; only a leader has anything to write.
    pub fn write(&mut self, seat: &Seat<'_>) -> Option<StoreOp> {
        if !seat.leads {
            self.chain.clear();
            return None;
        }
        self.chain.write(&Author::Controller(seat.id.clone()), seat.now.wall)
    }

    /// The turn is over: looks up when the run is gone over next.
    pub fn rest(&mut self) {
        if self.work == Work::Done {
            self.work = Work::At(self.execution.wake_at(self.chain.ledger()));
        }
    }
}

// === what came in ===

impl Desk {
    /// Takes what became of the call to the store. `held_up`: what it wrote has waited for so long
    /// that no call is to be sent on it, nor is it to be written if it certainly was not.
    pub fn heard(
        &mut self,
        seat: &Seat<'_>,
        result: Result<Answer, Fault>,
        held_up: bool,
    ) -> Heard {
        self.work = Work::Due;
        let reading = matches!(result, Ok(Answer::Entries(_)));
        let before = self.ledger().head;
        let (mut outcome, mut next) = self.chain.reply(result);
        if held_up && !bugs::on(Bug::RefusedRecordsStand) && self.chain.forgo() {
            (outcome.lost, next) = (true, None);
        }
        if reading {
            // An answer may hold only a part of what is there: current is who got nothing new.
            self.current = self.current || (seat.leads && self.ledger().head == before);
            self.read_due = if self.ledger().head == before { self.read_due } else { Mono(0) };
        }
        if outcome.lost || !self.is_claimant(seat) {
            self.execution.forget();
        }
        let imports = |record: &Record| matches!(record, Record::Imported { .. });
        if outcome.entries.iter().flat_map(|entry| &entry.records).any(imports) {
            // Under the same claim somebody else may have sent what was not sent from here.
            self.execution.calls.doubt();
        }
        let may_act = self.may_act(seat);
        let (mut calls, at) = (Vec::new(), (self.ledger().epoch(), seat.now.mono));
        for record in &outcome.accepted {
            if let Some(Doing::Call { slot, timeout, op }) =
                self.execution.recorded(record, at, may_act, held_up)
            {
                calls.push(StepCall { slot, timeout, op });
            }
        }
        Heard { outcome, next, calls }
    }

    /// Takes what became of a step's call.
    pub fn answered(&mut self, slot: &Slot, now: Now, result: Result<Answer, Fault>) {
        self.execution.reply(slot, now, result);
        self.work = Work::Due;
    }
}
