//! One group as one replica sees it: its chain, its signals, what is known of its world, its run.

use crate::bugs::{self, Bug};
use crate::decide::{Decision, Member};
use crate::health::{IsolationWatch, Steady};
use crate::model::{Author, Claim, Mono, Now, Region, ReplicaId, Site, Span};
use crate::op::{Answer, Call, Fault, Op, StoreOp};
use crate::plan::{Incomplete, PlanKind};
use crate::policy::Policy;
use crate::run::{Chain, Ended, Execution, Ledger};

use super::calls::{Calls, GroupOwner, Owner, STORE};
use super::canaries::Canaries;
use super::facts::StoredFacts;
use super::known::Known;
use super::notices::Notices;
use super::sampler::{Frame, Sampler};
use super::survey::Survey;

/// How often a chain is read by those who do not write it, and by the leader to notice that
/// somebody else does.
const READ_CHAIN: Span = Span::secs(10);

/// How long an append of unknown outcome rests before it is read back.
const DOUBT: Span = Span::millis(500);

/// One group as one replica sees it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) index: usize,
    pub(super) policy: Policy,
    pub(super) chain: Chain,
    pub(super) execution: Execution,
    pub(super) sampler: Sampler,
    pub(super) survey: Survey,
    pub(super) canaries: Canaries,
    pub(super) known: Known,
    pub(super) facts: StoredFacts,
    pub(super) notices: Notices,
    pub(super) isolation: IsolationWatch,
    /// Since when the active site's verdict is what it is.
    pub(super) serving: Steady,
    /// Whether the active site was confirmed not to serve, since it last did with no run open.
    pub(super) was_down: bool,
    /// Since when the passive site's verdict is what it is.
    pub(super) ready: Steady,
    /// What this group alone would do.
    pub(super) proposed: Option<Member>,
    /// What is to be done, in view of all groups.
    pub(super) decision: Option<Decision>,
    /// What kept the last decision from being followed.
    pub(super) obstacle: Option<Incomplete>,
    /// A newer or foreign claim that a step met.
    pub(super) fenced_by: Option<Claim>,
    /// Whether the chain was read since this replica began to lead.
    pub(super) current: bool,
    /// When the run is gone over next.
    pub(super) work: Work,
    read_due: Mono,
    doubt_until: Option<Mono>,
}

/// When a run is gone over next: when something came in that it waits for, or its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Now.
    Due,
    /// It was gone over; when its time comes is not looked up yet.
    Done,
    /// At this time; `None`: not by time.
    At(Option<Mono>),
}

impl Work {
    pub(super) fn due(self, now: Mono) -> bool {
        match self {
            Self::Due | Self::Done => true,
            Self::At(at) => at.is_some_and(|at| at <= now),
        }
    }
}

/// What a group is told of the replica it lives in.
pub(super) struct Host<'a> {
    pub(super) id: &'a ReplicaId,
    pub(super) now: Now,
    /// Whether this replica leads now.
    pub(super) leads: bool,
    pub(super) calls: &'a mut Calls,
    pub(super) out: &'a mut Vec<Call>,
}

impl Host<'_> {
    /// Hands out a call for a group.
    pub(super) fn send(&mut self, group: usize, owner: GroupOwner, timeout: Span, op: Op) {
        let deadline = self.now.mono + timeout;
        self.calls.send(deadline, Owner::Group(group, owner), op, self.out);
    }

    fn store(&mut self, group: usize, owner: GroupOwner, op: StoreOp) {
        self.send(group, owner, STORE, Op::Store(op));
    }

    pub(super) fn author(&self) -> Author {
        Author::Controller(self.id.clone())
    }
}

impl Group {
    pub(super) fn new(index: usize, policy: Policy) -> Self {
        Self {
            index,
            chain: Chain::new(policy.group.clone()),
            execution: Execution::default(),
            sampler: Sampler::new(&policy),
            survey: Survey::new(&policy),
            canaries: Canaries::new(&policy),
            known: Known::default(),
            facts: StoredFacts::default(),
            notices: Notices::default(),
            isolation: IsolationWatch::default(),
            serving: Steady::default(),
            was_down: false,
            ready: Steady::default(),
            proposed: None,
            decision: None,
            obstacle: None,
            fenced_by: None,
            current: false,
            work: Work::Due,
            read_due: Mono(0),
            doubt_until: None,
            policy,
        }
    }

    pub(super) fn ledger(&self) -> &Ledger {
        self.chain.ledger()
    }

    pub(super) fn active(&self) -> Site {
        self.ledger().active
    }

    /// The Region that the last failover left.
    pub(super) fn failed_over_from(&self) -> Option<Region> {
        let run = self.ledger().run.as_ref().filter(|run| run.kind == PlanKind::Failover)?;
        Some(self.policy.site(run.from).scope.region.clone())
    }

    /// Whether this replica may act for the group: it leads, has read the chain, and the claim is
    /// its.
    pub(super) fn may_act(&self, host: &Host<'_>) -> bool {
        host.leads && self.current && self.is_claimant(host) && self.fence().is_none()
    }

    /// Whether the claim that stands is this replica's.
    pub(super) fn is_claimant(&self, host: &Host<'_>) -> bool {
        let claimant = self.ledger().claimant.as_ref();
        claimant == Some(host.id) || bugs::on(Bug::TakeoverWithoutEpoch)
    }

    /// Does everything that is due.
    pub(super) fn poll(&mut self, host: &mut Host<'_>) {
        self.look(host);
        self.read(host);
        if host.leads && self.current {
            self.lead(host);
        }
        self.write(host);
        self.work = match self.work {
            Work::Done => Work::At(self.execution.wake_at(self.ledger())),
            // It could not be gone over; whatever is in the way ends with a reply of the chain.
            due if due.due(host.now.mono) => Work::At(None),
            later => later,
        };
    }

    /// Samples and surveys.
    fn look(&mut self, host: &mut Host<'_>) {
        let frame =
            Frame { known: &self.known, active: self.chain.ledger().active, leads: host.leads };
        if self.sampler.wake_at().is_some_and(|due| due <= host.now.mono) {
            for asking in self.sampler.due(&self.policy, &frame, host.now) {
                let owner = GroupOwner::Sample(asking.slot);
                host.send(self.index, owner, asking.timeout, asking.op);
            }
        }
        if self.survey.wake_at().is_some_and(|due| due <= host.now.mono) {
            for (index, op) in self.survey.due(&self.policy, &self.known, host.now) {
                host.send(self.index, GroupOwner::Survey(index), self.survey.timeout(), op);
            }
        }
        for (canary, op) in self.canaries.due(&self.policy, host.now.mono) {
            host.send(self.index, GroupOwner::Canary(canary), self.canaries.timeout(), op);
        }
        if let Some(op) = self.facts.read(&self.policy.group, host.now.mono) {
            host.store(self.index, GroupOwner::Facts, op);
        }
    }

    fn read(&mut self, host: &mut Host<'_>) {
        let now = host.now.mono;
        if self.chain.in_doubt() && self.doubt_until.is_none() {
            self.doubt_until = Some(now + DOUBT);
        }
        let doubt_over = self.doubt_until.is_some_and(|at| at <= now);
        let due = if self.chain.in_doubt() { doubt_over } else { self.read_due <= now };
        if !due {
            return;
        }
        if let Some(op) = self.chain.read() {
            (self.read_due, self.doubt_until) = (now + READ_CHAIN, None);
            host.store(self.index, GroupOwner::Chain, op);
        }
    }

    /// Writes what waits; only a leader has anything to write.
    fn write(&mut self, host: &mut Host<'_>) {
        if !host.leads {
            self.chain.clear();
            return;
        }
        let by = host.author();
        if let Some(op) = self.chain.write(&by, host.now.wall) {
            host.store(self.index, GroupOwner::Chain, op);
        }
    }

    /// This replica began to lead: what it knows of the chain may be old.
    pub(super) fn begin_to_lead(&mut self) {
        self.current = false;
        self.fenced_by = None;
        self.read_due = Mono(0);
        self.execution.forget();
        self.work = Work::Due;
    }

    /// Takes what became of a call.
    pub(super) fn reply(
        &mut self,
        host: &mut Host<'_>,
        owner: GroupOwner,
        result: Result<Answer, Fault>,
    ) {
        match owner {
            GroupOwner::Chain => self.chain_reply(host, result),
            GroupOwner::Facts => self.facts.have_read(result),
            GroupOwner::PutFacts => self.facts.written(result),
            GroupOwner::Survey(index) => {
                if let Some(look) = self.survey.look(index) {
                    if matches!(look, super::survey::Look::Records(..)) {
                        self.sampler.heard_of_aws(&result);
                    }
                    self.known.take(index, look, host.now, result);
                }
            }
            GroupOwner::Sample(slot) => drop(self.sampler.take(&self.policy, slot, result)),
            GroupOwner::Canary(canary) => self.canaries.take(canary, &result),
            GroupOwner::Step(slot) => {
                self.execution.reply(&slot, host.now, result);
                self.work = Work::Due;
            }
            GroupOwner::Notice(number) => {
                self.notices.reply(number, result.is_ok(), host.now.mono);
            }
        }
    }

    fn chain_reply(&mut self, host: &mut Host<'_>, result: Result<Answer, Fault>) {
        self.work = Work::Due;
        let reading = matches!(result, Ok(Answer::Entries(_)));
        let before = self.ledger().head;
        let (outcome, next) = self.chain.reply(result);
        if let Some(op) = next {
            host.store(self.index, GroupOwner::Chain, op);
        }
        if reading {
            // An answer may hold only a part of what is there: current is who got nothing new.
            self.current = self.current || (host.leads && self.ledger().head == before);
            self.read_due = if self.ledger().head == before { self.read_due } else { Mono(0) };
        }
        if outcome.lost || !self.is_claimant(host) {
            self.execution.forget();
        }
        let may_act = self.may_act(host);
        for record in &outcome.accepted {
            if let Some(crate::run::Doing::Call { slot, timeout, op }) =
                self.execution.recorded(record, may_act)
            {
                host.send(self.index, GroupOwner::Step(slot), timeout, op);
            }
        }
        if host.leads {
            outcome.accepted.iter().for_each(|record| self.announce(record, host.now));
        }
        self.notice_moves(&outcome.entries);
    }

    /// When the traffic or a member moved, what was gathered about it belongs to another time.
    fn notice_moves(&mut self, entries: &[crate::run::Entry]) {
        let rebuilt = |record: &crate::run::Record| match record {
            crate::run::Record::Done { outputs, .. } => outputs.contains_key("resource"),
            _ => false,
        };
        if entries.iter().flat_map(|entry| &entry.records).any(rebuilt) {
            let passive = self.active().other();
            self.known.forget_replication(passive);
        }
        // A planned move silences the site that it leaves: once that is undone, what was seen of it
        // is no evidence of a fault.
        let ends = |record: &crate::run::Record| {
            matches!(record, crate::run::Record::Closed { ended: Ended::Unwound(_) })
        };
        let planned = self.ledger().run.as_ref().is_some_and(|run| run.kind != PlanKind::Failover);
        let forgets = planned && !bugs::on(Bug::OwnSilenceIsDown);
        if forgets && entries.iter().flat_map(|entry| &entry.records).any(ends) {
            self.sampler.forget(&self.policy, self.active());
        }
    }

    /// When something is due next.
    pub(super) fn wake_at(&self, leads: bool, now: Mono) -> Option<Mono> {
        let read = match self.chain.in_doubt() {
            true => self.doubt_until,
            false => self.chain.settled().then_some(self.read_due),
        };
        let canaries = self.canaries.wake_at();
        let looks = [self.sampler.wake_at(), self.survey.wake_at(), self.facts.wake_at(), read];
        let looks = looks.into_iter().chain([canaries]).flatten();
        if !leads {
            return looks.min();
        }
        let changes = self.sampler.site(self.active()).changes_at(now);
        let run = match self.work {
            Work::At(at) => at,
            Work::Due | Work::Done => self.execution.wake_at(self.ledger()),
        };
        let own = [changes, run, self.notices.wake_at(&self.policy)];
        looks.chain(own.into_iter().flatten()).min()
    }
}
