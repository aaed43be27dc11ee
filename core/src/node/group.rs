//! One group as one replica sees it: its chain, its signals, what is known of its world, its run.

use std::sync::Arc;

use crate::bugs::{self, Bug};
use crate::decide::{Decision, Member, RegionEvent};
use crate::health::{IsolationWatch, Steady};
use crate::model::{Author, GroupName, Mono, Now, Region, ReplicaId, RunId, Site, Span, Wall};
use crate::op::{Answer, Call, Fault, Op, StoreOp};
use crate::plan::{Facts, Incomplete, PlanKind};
use crate::policy::Policy;
use crate::run::{Desk, Ended, Heard, Ledger, Reader, Run, Seat, StepCall};

use super::calls::{Calls, GroupOwner, Owner, STORE};
use super::canaries::Canaries;
use super::facts::StoredFacts;
use super::known::Known;
use super::notices::Notices;
use super::sampler::{Frame, Sampler};
use super::survey::{Look, Survey};

/// What the store held up for longer rests on what was seen too long ago: no call is sent on it.
const LATE: Span = Span::secs(20);

/// One group as one replica sees it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) index: usize,
    pub(super) policy: Policy,
    /// Its chain and its run.
    pub(super) desk: Desk,
    /// When what was last written to the chain was first sent.
    wrote_at: Option<Mono>,
    /// When this replica first looked.
    pub(super) watching_since: Option<Wall>,
    /// When it last began to lead.
    pub(super) leading_since: Option<Mono>,
    pub(super) sampler: Sampler,
    pub(super) survey: Survey,
    pub(super) canaries: Canaries,
    pub(super) known: Known,
    pub(super) facts: StoredFacts,
    pub(super) notices: Notices,
    /// Whether this replica has followed what somebody wanted of the group.
    pub(super) told: bool,
    pub(super) isolation: IsolationWatch,
    /// Since when the active site's verdict is what it is.
    pub(super) serving: Steady,
    /// Whether the active site was confirmed not to serve, since it last did with no run open.
    pub(super) was_down: bool,
    /// The run that was open, and only prepared, while the active site served for the confirm time:
    /// what it was opened for is over.
    pub(super) outlived: Option<RunId>,
    /// Since when the passive site's verdict is what it is.
    pub(super) ready: Steady,
    /// Which active site `serving` and `ready` were last observed for, in this lead.
    pub(super) observed: Option<Site>,
    /// What this group alone would do.
    pub(super) proposed: Option<Member>,
    /// What is to be done, in view of all groups.
    pub(super) decision: Option<Decision>,
    /// The Region event that this group asks people about, for all groups in it.
    pub(super) speaks_of: Option<RegionEvent>,
    /// Whether the active site is dead while a run waits for it that a failover may replace.
    pub(super) stranded: bool,
    /// What kept the last decision from being followed.
    pub(super) obstacle: Option<Incomplete>,
    /// When something is due next, as of the last turn or answer.
    pub(super) wakes: Option<Mono>,
}

/// What a group is told of the replica it lives in.
pub(super) struct Host<'a> {
    pub(super) id: &'a ReplicaId,
    pub(super) now: Now,
    /// Whether this replica leads now.
    pub(super) leads: bool,
    /// Whether it begins what nobody asked for.
    pub(super) unasked: bool,
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

    /// Hands out calls of a run's steps.
    pub(super) fn send_steps(&mut self, group: usize, calls: Vec<StepCall>) {
        for StepCall { slot, timeout, op } in calls {
            self.send(group, GroupOwner::Step(slot), timeout, op);
        }
    }

    /// Who sits at a group's desk.
    pub(super) fn seat(&self) -> Seat<'_> {
        Seat { id: self.id, now: self.now, leads: self.leads }
    }

    pub(super) fn author(&self) -> Author {
        Author::Controller(self.id.clone())
    }
}

impl Group {
    pub(super) fn new(index: usize, policy: Policy) -> Self {
        Self {
            index,
            desk: Desk::new(policy.group.clone()),
            wrote_at: None,
            watching_since: None,
            leading_since: None,
            sampler: Sampler::new(&policy),
            survey: Survey::new(&policy),
            canaries: Canaries::new(&policy),
            known: Known::default(),
            facts: StoredFacts::default(),
            notices: Notices::default(),
            told: false,
            isolation: IsolationWatch::default(),
            serving: Steady::default(),
            outlived: None,
            was_down: false,
            ready: Steady::default(),
            observed: None,
            proposed: None,
            decision: None,
            speaks_of: None,
            stranded: false,
            obstacle: None,
            wakes: None,
            policy,
        }
    }

    /// The same group, whose chain is read with others.
    pub(super) fn read_with(self, reader: &Reader) -> Self {
        Self { desk: self.desk.read_with(reader), ..self }
    }

    /// This replica leads from now on: nobody observed in between.
    pub(super) fn begin_to_lead(&mut self, now: Mono) {
        self.desk.begin_to_lead();
        self.leading_since = Some(now);
        self.observed = None;
    }

    pub(super) fn ledger(&self) -> &Ledger {
        self.desk.ledger()
    }

    /// The group's peacetime facts: those of the store, or what came with an imported journal.
    pub(super) fn facts(&self) -> Option<&Facts> {
        self.facts.get().or(self.ledger().facts.as_deref())
    }

    pub(super) fn active(&self) -> Site {
        self.ledger().active
    }

    /// The Region that the last failover left, and when: also once the group is on its way back, or
    /// there again.
    pub(super) fn failed_over_from(&self) -> Option<(GroupName, Region, Wall)> {
        let left = self.ledger().last_failover()?;
        let region = self.policy.site(left.from).scope.region.clone();
        Some((self.policy.group.clone(), region, left.at))
    }

    /// Does everything that is due.
    pub(super) fn poll(&mut self, host: &mut Host<'_>) {
        self.watching_since.get_or_insert(host.now.wall);
        self.look(host);
        if let Some(op) = self.desk.read(host.now.mono) {
            host.store(self.index, GroupOwner::Chain, op);
        }
        if self.follows_up(host.leads) {
            self.lead(host);
        } else {
            // Who decides has judged it. Who may lead only after a cut must know of it then.
            self.judge_isolation(host.now);
        }
        if let Some(op) = self.desk.write(&host.seat()) {
            self.wrote_at = Some(host.now.mono);
            host.store(self.index, GroupOwner::Chain, op);
        }
        self.desk.rest();
    }

    /// Whether there is more to do than to look: who has not read its chain since it leads does
    /// what a follower does.
    fn follows_up(&self, leads: bool) -> bool {
        leads && self.desk.current()
    }

    /// Samples and surveys.
    fn look(&mut self, host: &mut Host<'_>) {
        let frame =
            Frame { known: &self.known, active: self.desk.ledger().active, leads: host.leads };
        if self.sampler.wake_at().is_some_and(|due| due <= host.now.mono) {
            for asking in self.sampler.due(&self.policy, &frame, host.now) {
                let owner = GroupOwner::Sample(asking.slot);
                host.send(self.index, owner, asking.timeout, asking.op);
            }
        }
        if self.survey.wake_at().is_some_and(|due| due <= host.now.mono) {
            for (index, op) in self.survey.due(&self.policy, &self.known, host.now) {
                if self.survey.look(index) == Some(&Look::ClusterClaim(Site::Standby)) {
                    self.known.asks_for_claim();
                }
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

    /// Takes what became of a call; says whether there may be something new to do. To a follower
    /// most answers say what was known. A leader's decision and run also depend on the time.
    pub(super) fn reply(
        &mut self,
        host: &mut Host<'_>,
        owner: GroupOwner,
        result: Result<Answer, Fault>,
    ) -> bool {
        match owner {
            GroupOwner::Chain => return self.chain_reply(host, result) || host.leads,
            GroupOwner::Facts => return self.facts.have_read(result) || host.leads,
            GroupOwner::PutFacts => self.facts.written(result),
            GroupOwner::Survey(index) => {
                if self.survey.waits(index, host.now.mono, result.as_ref().err()) {
                    return false;
                }
                let Some(look) = self.survey.look(index) else { return false };
                if matches!(look, Look::Records(..)) {
                    self.sampler.heard_of_aws(&result);
                }
                let news = self.known.take(index, look, host.now, result);
                return news | self.sampler.has_news() || host.leads;
            }
            GroupOwner::Sample(slot) => {
                // Of a round that asks several, the last answer makes the sample.
                let sampled = self.sampler.take(&self.policy, slot, host.now.mono, result);
                return self.sampler.has_news() || (host.leads && sampled);
            }
            GroupOwner::Canary(canary) => {
                return self.canaries.take(canary, &result) || host.leads;
            }
            GroupOwner::Step(slot) => self.desk.answered(&slot, host.now, result),
            GroupOwner::Notice(number) => {
                self.notices.reply(number, result.is_ok(), host.now.mono);
            }
        }
        true
    }

    fn chain_reply(&mut self, host: &mut Host<'_>, result: Result<Answer, Fault>) -> bool {
        let nothing = matches!(&result, Ok(Answer::Entries(entries)) if entries.is_empty());
        let settled = self.desk.current() && !self.desk.in_doubt();
        let waited = self.wrote_at.map_or(Span::ZERO, |at| host.now.mono.since(at));
        let held_up = waited > LATE;
        let Heard { outcome, next, calls } = self.desk.heard(&host.seat(), result, held_up);
        if let Some(op) = next {
            host.store(self.index, GroupOwner::Chain, op);
        }
        host.send_steps(self.index, calls);
        if host.leads {
            outcome.accepted.iter().for_each(|record| self.announce(record, host.now));
        }
        self.notice_moves(&outcome.entries);
        !(nothing && settled && self.desk.settled())
    }

    /// When the traffic or a member moved, what was gathered about it belongs to another time.
    fn notice_moves(&mut self, entries: &[Arc<crate::run::Entry>]) {
        let rebuilt = |record: &crate::run::Record| match record {
            crate::run::Record::Done { outputs, .. } => outputs.contains_key("resource"),
            _ => false,
        };
        if entries.iter().flat_map(|entry| &entry.records).any(rebuilt) {
            let passive = self.active().other();
            self.known.forget_replication(passive);
        }
        // A planned move silences the site that it leaves, and a failover that comes so far does:
        // once that is undone, what was seen of it is no evidence of a fault.
        let ends = |record: &crate::run::Record| {
            matches!(record, crate::run::Record::Closed { ended: Ended::Unwound(_) })
        };
        let silences = |run: &Run| run.kind != PlanKind::Failover || run.stopped_anything();
        let forgets =
            self.ledger().run.as_ref().is_some_and(silences) && !bugs::on(Bug::OwnSilenceIsDown);
        if forgets && entries.iter().flat_map(|entry| &entry.records).any(ends) {
            self.sampler.forget(&self.policy, self.active());
        }
    }

    /// When something is due next.
    pub(super) fn wake_at(&self, leads: bool, now: Mono) -> Option<Mono> {
        let canaries = self.canaries.wake_at();
        let looks = [self.sampler.wake_at(), self.survey.wake_at(), self.facts.wake_at(), canaries];
        let looks = looks.into_iter().flatten().chain(self.desk.wake_at(leads));
        if !self.follows_up(leads) {
            return looks.min();
        }
        let changes = self.sampler.site(self.active()).changes_at(now);
        let own = [changes, self.notices.wake_at(&self.policy)];
        looks.chain(own.into_iter().flatten()).min()
    }
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
