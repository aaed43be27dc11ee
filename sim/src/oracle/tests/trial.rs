//! A world whose oracle looks on, and hands to record things with.

use std::sync::Arc;

use bowline_core::capacity::ClaimCluster;
use bowline_core::levers::gates::Flip;
use bowline_core::model::{Author, Claim, Cluster, Epoch, Place, Site, Span, StepId};
use bowline_core::op::{Call, CallId, KubeOp, Op, Route53Op};
use bowline_core::plan::{Class, Effect, Milestone, OnTimeout, Plan, PlanKind, Step};
use bowline_core::policy::Policy;
use bowline_core::run::{Ended, Entry, Record, Trigger};

use super::super::{Oracle, Verdict};
use crate::faults::Trouble;
use crate::harness::{Event, Watch};
use crate::part::at;
use crate::world::Outcome;
use crate::world::bench::Bench;

pub(super) struct Trial {
    pub(super) bench: Bench,
    oracle: Oracle,
    claim: Option<Claim>,
    chain: Vec<(Arc<str>, Arc<str>)>,
}

impl Trial {
    pub(super) fn new(policies: Vec<Policy>) -> Self {
        let bench = Bench::new(policies.clone(), 1);
        let oracle = Oracle::new(&policies, &bench.world);
        Self { bench, oracle, claim: None, chain: Vec::new() }
    }

    pub(super) fn shop() -> Self {
        Self::new(vec![bowline_core::policy::examples::shop()])
    }

    /// The promises that are broken by now.
    pub(super) fn broken(&self) -> Vec<&'static str> {
        let verdicts = self.oracle.verdicts(&self.bench.world, at(self.bench.now));
        let broken = |(name, verdict)| (verdict != Verdict::Held).then_some(name);
        verdicts.into_iter().filter_map(broken).collect()
    }

    pub(super) fn breaks(&self, promise: &str) -> bool {
        self.broken().contains(&promise)
    }

    /// Why a promise is broken, in words.
    pub(super) fn why(&self, promise: &str) -> String {
        let verdicts = self.oracle.verdicts(&self.bench.world, at(self.bench.now));
        match &verdicts[promise] {
            Verdict::Held => panic!("{promise} was held"),
            Verdict::Broken(why) => why.clone(),
        }
    }

    fn tell(&mut self, event: &Event<'_>) {
        self.oracle.seen(at(self.bench.now), &self.bench.world, event);
    }

    fn tell_news(&mut self) {
        let news: Vec<_> = self.bench.world.drain_news().collect();
        news.iter().for_each(|news| self.tell(&Event::News(news)));
    }

    /// Performs a call without any record of it.
    pub(super) fn act(&mut self, op: &Op) -> Outcome {
        self.act_from(0, op)
    }

    /// Performs a call of this seat's replica.
    pub(super) fn act_from(&mut self, seat: usize, op: &Op) -> Outcome {
        let outcome = self.bench.call(op);
        if let Outcome::Answered(result) = &outcome {
            self.tell(&Event::Performed { seat, op, result });
        }
        self.tell_news();
        outcome
    }

    /// Records the start of a call and performs it.
    pub(super) fn act_recorded(&mut self, op: &Op) -> Outcome {
        self.store(vec![started(op)]);
        self.act(op)
    }

    /// Tells of a call that was accepted, though the world as it is refuses it.
    pub(super) fn act_as_accepted(&mut self, op: &Op) {
        let result = Ok(bowline_core::op::Answer::Ok);
        self.tell(&Event::Performed { seat: 0, op, result: &result });
    }

    pub(super) fn sent(&mut self, op: Op, waits: Span) {
        self.sent_from(0, op, waits);
    }

    pub(super) fn sent_from(&mut self, seat: usize, op: Op, waits: Span) {
        let call = Call { id: CallId(1), deadline: self.bench.now + waits, op };
        self.tell(&Event::Sent { seat, call: &call });
    }

    pub(super) fn begin(&mut self, trouble: &Trouble) {
        self.bench.begin(trouble);
        self.tell(&Event::Began(trouble));
        self.tell_news();
    }

    pub(super) fn end(&mut self, trouble: &Trouble) {
        self.bench.end(trouble);
        self.tell(&Event::Ended(trouble));
        self.tell_news();
    }

    pub(super) fn pass(&mut self, span: Span) {
        let end = self.bench.now + span;
        while let Some(next) = self.bench.world.next().filter(|next| *next <= end) {
            self.bench.now = self.bench.now.max(next);
            self.bench.world.advance(at(self.bench.now), &mut self.bench.rng);
            self.tell_news();
        }
        self.bench.now = end;
    }

    pub(super) fn kill(&mut self, site: Site) {
        let region = self.bench.region(site);
        self.begin(&Trouble::RegionDead(region));
    }

    pub(super) fn revive(&mut self, site: Site) {
        let region = self.bench.region(site);
        self.end(&Trouble::RegionDead(region));
    }

    /// Appends an entry to the first group's chain.
    pub(super) fn store(&mut self, records: Vec<Record>) {
        let group = self.bench.policy.group.clone();
        self.store_for(group.as_str(), records);
    }

    pub(super) fn store_for(&mut self, group: &str, records: Vec<Record>) {
        self.store_by(Author::Human("test".into()), group, records);
    }

    pub(super) fn store_by(&mut self, by: Author, group: &str, records: Vec<Record>) {
        let mine = self.chain.iter().rev().find(|(name, _)| **name == *group);
        let last = mine.map(|(_, bytes)| Arc::clone(bytes));
        let seq = self.bench.world.store.chain(&group.into()).len() as u64 + 1;
        let bytes = self.entry((seq, last), by, records);
        self.chain.push((group.into(), Arc::clone(&bytes)));
        self.store_bytes(group, seq, bytes);
    }

    /// Appends an entry to the first group's journal in the directory of a break-glass process.
    pub(super) fn store_apart(&mut self, records: Vec<Record>) {
        use bowline_core::op::StoreOp;
        let group = self.bench.policy.group.clone();
        let chain = self.bench.world.apart.store.chain(&group);
        let (seq, last) = (chain.len() as u64 + 1, chain.last().cloned());
        let bytes = self.entry((seq, last), Author::Human("test".into()), records);
        let op = Op::Store(StoreOp::Append { group, seq, bytes });
        self.bench.world.perform_apart(&op, at(self.bench.now), &mut self.bench.rng);
        self.tell_news();
    }

    /// The bytes of an entry behind the last one, under the claim that was made last.
    fn entry(
        &mut self,
        (seq, last): (u64, Option<Arc<str>>),
        by: Author,
        records: Vec<Record>,
    ) -> Arc<str> {
        for record in &records {
            if let Record::Claimed { claim, .. } = record {
                self.claim = Some(claim.clone());
            }
        }
        let prev = last.map_or_else(|| "".into(), |last| Entry::hash(&last));
        let (at, claim) = (at(self.bench.now).wall, self.claim.clone());
        Entry { seq, prev, at, by, claim, records }.bytes()
    }

    pub(super) fn store_bytes(&mut self, group: &str, seq: u64, bytes: Arc<str>) {
        use bowline_core::op::StoreOp;
        let outcome = self.act(&Op::Store(StoreOp::Append { group: group.into(), seq, bytes }));
        assert_eq!(outcome, Outcome::Answered(Ok(bowline_core::op::Answer::Ok)));
    }

    /// Claims an epoch, opens a run and plans its move.
    pub(super) fn open(&mut self, epoch: u64, kind: PlanKind, from: Site, trigger: Trigger) {
        self.store(opening(epoch, kind, from, trigger));
        self.store(vec![planned(kind, from)]);
    }

    /// Something is begun for the planned move: a call is recorded, and sent.
    pub(super) fn act_for_it(&mut self) {
        let call = self.record_call("act");
        self.sent(call, Span::secs(10));
    }

    /// Records a call of a step; gives it.
    pub(super) fn record_call(&mut self, step: &str) -> Op {
        let cluster = self.bench.policy.standby.cluster.clone();
        let group = self.bench.policy.group.clone();
        let claim = KubeOp::Claim { group, version: None, claim: claim(1) };
        let call = Op::Kube(cluster, claim);
        self.store(vec![started_of(step, &call)]);
        call
    }

    pub(super) fn close(&mut self) {
        self.store(vec![Record::Closed { ended: Ended::Moved }]);
    }

    /// Exchanges roles of all names' sets, recorded.
    pub(super) fn shift(&mut self) {
        for (name, zone) in self.bench.world.groups()[0].names.clone() {
            let change = self.bench.exchange(&name, &zone);
            self.act_recorded(&change);
            self.pass(Span::secs(1));
        }
    }

    /// Deletes the sets of a role of the first name, recorded.
    pub(super) fn delete(&mut self, role: bowline_core::op::Failover) {
        let (name, zone) = self.bench.world.groups()[0].names[0].clone();
        let sets = self.bench.world.route53.sets(&zone, &name).to_vec();
        let delete = sets.into_iter().filter(|set| set.failover == Some(role)).collect();
        let change = Route53Op::Change { zone, delete, create: Vec::new() };
        self.act_recorded(&Op::Route53(None, change));
    }
}

pub(super) fn claim(epoch: u64) -> Claim {
    Claim::new(Epoch(epoch), format!("run-{epoch}").as_str().into())
}

pub(super) fn human() -> Trigger {
    Trigger::Human { by: "ada".into(), reason: "test".into() }
}

pub(super) fn opening(epoch: u64, kind: PlanKind, from: Site, trigger: Trigger) -> Vec<Record> {
    let claimed = Record::Claimed { claim: claim(epoch), by: "bowline-0".into() };
    vec![claimed, Record::Opened { kind, from, trigger, fault_at: None, evidence: Vec::new() }]
}

pub(super) fn planned(kind: PlanKind, from: Site) -> Record {
    let cluster = Cluster::Context("standby".into());
    let claim = Step { effect: Effect::ClaimCluster(ClaimCluster { cluster }), ..step(false) };
    let flip = Flip { role: None, object: "s3://gates/shop".into(), to: from.other() };
    let (effect, class) = (Effect::Flip(flip), Class::Irreversible);
    let shift = Step { effect, class, ..step(false) };
    let steps = [("claim", claim), ("act", step(false)), ("shift", shift), ("wait", step(true))];
    let steps = steps.map(|(id, step)| (StepId::new(id), step));
    let plan = Plan { kind, from, to: from.other(), steps: steps.into_iter().collect() };
    Record::Planned { plan: Box::new(plan), moves: true }
}

fn step(standing: bool) -> Step {
    Step {
        effect: Effect::Milestone(Milestone { note: "by hand".into() }),
        needs: Vec::new(),
        still: Vec::new(),
        touches: Place::Nowhere,
        class: Class::Reversible,
        timeout: None,
        on_timeout: OnTimeout::Ask,
        standing,
        marks: Vec::new(),
    }
}

pub(super) fn started(op: &Op) -> Record {
    started_of("act", op)
}

pub(super) fn started_of(step: &str, op: &Op) -> Record {
    Record::Started { step: step.into(), attempt: 1, op: Box::new(op.clone()), hold: None }
}

pub(super) fn done(step: &str) -> Record {
    let note = String::new();
    Record::Done { step: step.into(), outputs: Default::default(), note, unknown: false }
}
