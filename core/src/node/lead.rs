//! What the leader does for a group: claim, decide, execute, keep the facts, tell people.

use crate::bugs::{self, Bug};
use crate::decide::{Ask, AskWhy, Decision, Member};
use crate::model::{Answer3, Claim, Now, Site};
use crate::op::Op;
use crate::plan::{PlanKind, unwind};
use crate::policy::Action;
use crate::run::{Doing, Ledger, Phase, Record};

use super::begin;
use super::calls::{GroupOwner, STORE};
use super::collect;
use super::group::{Group, Host, Work};
use super::notices::Message;
use super::words;

/// Whether what a survey finds of others' claims is overlooked: never.
fn overruling() -> bool {
    [Bug::ZoneClaimOverruled, Bug::ClusterClaimOverruled, Bug::HoldClaimOverruled]
        .into_iter()
        .any(bugs::on)
}

impl Group {
    /// The leader's part of [`Group::poll`].
    pub(super) fn lead(&mut self, host: &mut Host<'_>) {
        // Beside somebody else's claim nothing is claimed, executed or recorded as peace.
        let alone = self.foreign_claim().is_none();
        if self.chain.settled() && alone {
            self.take_over(host);
        }
        if self.chain.settled() {
            self.follow(host);
        }
        if self.chain.settled() && alone && self.may_act(host) {
            self.execute(host);
        }
        if alone {
            self.keep_facts(host);
        }
        for (number, timeout, op) in self.notices.due(&self.policy, &host.author(), host.now) {
            host.send(self.index, GroupOwner::Notice(number), timeout, op);
        }
    }

    /// Claims a run that another replica left, under a new epoch: whatever that one still sends is
    /// refused wherever claims are compared.
    fn take_over(&mut self, host: &Host<'_>) {
        let ledger = self.ledger();
        let Some(run) = ledger.busy_run() else { return };
        if self.is_claimant(host) || bugs::on(Bug::NoTakeover) {
            return;
        }
        let claim = Claim { epoch: self.next_epoch(), run: run.id.clone() };
        self.chain.push(Record::Claimed { claim, by: host.id.clone() });
    }

    /// An epoch above everything that was seen: in the store, at the lever, in the clusters.
    pub(super) fn next_epoch(&self) -> crate::model::Epoch {
        let seen = self.known.claims().map(|claim| claim.epoch).max();
        self.ledger().epoch().max(seen.unwrap_or_default()).next()
    }

    /// A claim in the world that this group's chain does not know.
    pub(super) fn foreign_claim(&self) -> Option<&Claim> {
        if overruling() {
            return None;
        }
        self.known.claims().find(|claim| !self.knows(claim)).or_else(|| self.fence())
    }

    /// The claim that a step met, unless the chain has come to know it (by an import, or by reading
    /// what another replica wrote).
    pub(super) fn fence(&self) -> Option<&Claim> {
        self.fenced_by.as_ref().filter(|met| !self.knows(met))
    }

    /// Whether a claim is not above the one that stands in the chain.
    fn knows(&self, claim: &Claim) -> bool {
        self.ledger().claim.as_ref().is_some_and(|standing| !standing.yields_to(claim))
    }

    /// What this group alone would do now; the fleet may hold it.
    pub(super) fn propose(&mut self, now: Now) -> Member {
        let serving = self.sampler.serving(self.active(), now.mono);
        self.serving.observe(now, serving.verdict);
        self.was_down |= serving.verdict == Answer3::No;
        self.was_down &= serving.verdict != Answer3::Yes || self.ledger().open_run().is_some();
        let ready = self.readiness(now).verdict;
        self.ready.observe(now, ready);
        let decision = crate::decide::decide(&self.situation(now, ready));
        Member {
            group: self.policy.group.clone(),
            region: self.policy.site(self.active()).scope.region.clone(),
            decision,
            trouble: serving.suspect.map(|suspect| suspect.since.wall),
        }
    }

    /// Does what was decided, and tells people what is asked.
    fn follow(&mut self, host: &mut Host<'_>) {
        let now = host.now;
        if self.serves_again(now) {
            self.unwind(words::SERVES_AGAIN.into());
        }
        let records = match &self.decision {
            Some(Decision::Prewarm) => begin::prewarm(self, host),
            Some(Decision::FailOver) => begin::automatic_failover(self, host),
            Some(Decision::FailBack) => begin::automatic_failback(self, host),
            Some(Decision::AskHuman(ask)) if asked_in_a_run(ask) => match ask.action {
                Action::Failback => begin::automatic_failback(self, host),
                _ => begin::automatic_failover(self, host),
            },
            Some(Decision::StandDown) => {
                let why = if self.was_down { words::SERVES_AGAIN } else { words::FALSE_ALARM };
                self.unwind(why.into());
                Ok(Vec::new())
            }
            Some(Decision::Hold(_) | Decision::AskHuman(_)) | None => Ok(Vec::new()),
        };
        self.obstacle = records.as_ref().err().cloned();
        records.into_iter().flatten().for_each(|record| self.chain.push(record));
        let asking = self.question(now);
        self.notices.asking(&self.policy, asking, now.mono);
    }

    /// Whether the site that an automatic failover is to leave has served again for the confirm
    /// time, while nothing that cannot be undone was started: it waits for a yes, or for capacity.
    fn serves_again(&self, now: Now) -> bool {
        let waits = self.ledger().open_run().is_some_and(|run| {
            let automatic = run.trigger == crate::run::Trigger::Automatic;
            automatic && !run.committed && run.kind == PlanKind::Failover && !begin::is_prewarm(run)
        });
        waits && self.serving.held_for(now, Answer3::Yes) >= self.policy.health.confirm
    }

    /// Sends the open run back, unless it has passed its point of no return.
    pub(super) fn unwind(&mut self, why: String) {
        let ledger = self.ledger();
        let Some(run) = ledger.open_run().filter(|run| !run.committed) else { return };
        if matches!(run.phase, Phase::Unwinding { .. }) || self.execution.acting() {
            return;
        }
        let plan = Box::new(unwind(run.kind, run.from, &ledger.undo()));
        self.chain.push(Record::Unwinding { why });
        self.chain.push(Record::Planned { plan, moves: false });
    }

    fn execute(&mut self, host: &mut Host<'_>) {
        if !self.work.due(host.now.mono) {
            return;
        }
        self.work = Work::Done;
        let doing = self.execution.poll(&self.policy.group, self.chain.ledger(), host.now);
        for doing in doing {
            match doing {
                Doing::Call { slot, timeout, op } => {
                    host.send(self.index, GroupOwner::Step(slot), timeout, op);
                }
                Doing::Write(record) => self.chain.push(record),
                Doing::Unwind(why) => {
                    // What else was to be recorded belongs to steps that are abandoned now.
                    self.chain.clear();
                    return self.unwind(why);
                }
                Doing::Fenced(claim) => self.fenced_by = Some(claim),
            }
        }
    }

    /// Records peacetime facts while home serves and nothing goes on.
    fn keep_facts(&mut self, host: &mut Host<'_>) {
        let ledger = self.ledger();
        let peace = ledger.active == Site::Home && ledger.busy_run().is_none();
        if !peace || self.serving.held_for(host.now, Answer3::Yes).as_millis() == 0 {
            return;
        }
        if !self.facts.wants(self.known.revision, host.now) {
            return;
        }
        let facts = collect::facts(&self.policy, &self.known, host.now.wall).ok();
        if let Some(op) = self.facts.write(&self.policy.group, facts, host.now) {
            host.send(self.index, GroupOwner::PutFacts, STORE, Op::Store(op));
        }
    }

    /// What people are asked now, if anything.
    fn question(&self, now: Now) -> Option<Message> {
        let ledger: &Ledger = self.ledger();
        if let Some(run) = ledger.open_run()
            && let Some((step, question, _)) = run.asks().next()
        {
            return Some(words::ask(&self.policy, run, step, question));
        }
        match &self.decision {
            // The run that begins with this asks by itself.
            Some(Decision::AskHuman(ask)) if asked_in_a_run(ask) && self.obstacle.is_none() => None,
            Some(Decision::AskHuman(ask)) => Some(words::ask_decision(self, ask, now)),
            Some(Decision::Hold(why)) if why.alarms() => Some(words::alarm(self, why, now)),
            _ => None,
        }
    }

    /// Tells people what a record means.
    pub(super) fn announce(&mut self, record: &Record, now: Now) {
        if let Some(message) = words::announcement(self.chain.ledger(), record) {
            self.notices.tell(&self.policy, &message, now.mono);
        }
    }
}

/// Whether a question is asked inside a run, while what can be undone is prepared. Others are asked
/// before anything is started.
fn asked_in_a_run(ask: &Ask) -> bool {
    matches!(ask.why, AskWhy::Approval | AskWhy::Evidence(_))
}
