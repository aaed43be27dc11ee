//! What tests of a group need: a small world that is as it should be, a group that has looked at
//! it, and a replica that leads it.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::calls::{Calls, GroupOwner, Owner};
use super::group::{Group, Host};
use super::sampler::Frame;
use super::survey::Look;
use crate::model::{
    Claim, Mono, Now, ObjectRef, ReplicaId, RunId, Site, Span, StepId, Wall, WorkloadRef,
};
use crate::op::{
    Answer, Call, CloudWatchOp, ElbOp, FactsView, Fault, HealthCheck, HealthCheckKind, HttpSeen,
    KubeOp, Op, ProbeOp, RdsOp, Route53Op, StoreOp, Stored, TargetHealth, ZoneInfo,
};
use crate::plan::{Plan, PlanKind, failover, planned_move};
use crate::policy::{Lever, Policy};
use crate::run::{Ended, Entry, Record, Seat, Trigger};
use crate::step::{Held, Hold, HoldId, Question, QuestionKind};
use crate::testing::{Book, Ground, instance, opened};

/// The shop in peacetime, read once.
static GROUND: LazyLock<Ground> = LazyLock::new(Ground::shop);

/// What a world answers to a call.
pub(super) type Reply = Result<Answer, Fault>;

/// The shop's group, its survey answered by a world.
pub(super) fn looked(world: impl Fn(&Op) -> Reply) -> Group {
    looked_by(GROUND.policy.clone(), world)
}

/// The group of a policy, its survey answered by a world.
pub(super) fn looked_by(policy: Policy, world: impl Fn(&Op) -> Reply) -> Group {
    let mut group = Group::new(1, policy);
    let now = Now { mono: Mono(1), wall: Wall(1_000_000) };
    // Target groups are looked up once their load balancer is known.
    for round in 0..3 {
        let now = Now { mono: Mono(1 + round * 20_000), ..now };
        for (index, op) in group.survey.due(&group.policy, &group.known, now) {
            let look: Look = group.survey.look(index).unwrap().clone();
            if look == Look::ClusterClaim(Site::Standby) {
                group.known.asks_for_claim();
            }
            let answer = match world(&op) {
                Err(Fault::Invalid(_)) => continue,
                other => other,
            };
            group.known.take(index, &look, now, answer);
        }
    }
    group
}

/// The shop as it should be.
pub(super) fn fit(op: &Op) -> Reply {
    let ground = &*GROUND;
    let site = |region: &str| {
        let home = ground.policy.home.scope.region.as_str() == region;
        if home { Site::Home } else { Site::Standby }
    };
    match op {
        Op::Elb(scope, ElbOp::Find(_)) => {
            let found = &ground.facts.load_balancers[&site(scope.region.as_str())];
            Ok(Answer::LoadBalancer(found.values().next().cloned()))
        }
        Op::Elb(_, ElbOp::TargetGroups { .. }) => Ok(Answer::TargetGroups(vec!["tg".into()])),
        Op::Elb(_, ElbOp::TargetHealth(_)) => {
            Ok(Answer::Targets(TargetHealth { total: 4, healthy: 4 }))
        }
        Op::Rds(scope, RdsOp::Describe(id)) => {
            let site = site(scope.region.as_str());
            let source = (site == Site::Standby).then_some("shop-home");
            Ok(Answer::Instance(instance(id.as_str(), site, &format!("db-{site}"), source)))
        }
        Op::CloudWatch(_, CloudWatchOp::Points { .. }) => Ok(Answer::Points(Vec::new())),
        Op::Kube(_, KubeOp::Ready) => Ok(Answer::Ok),
        Op::Route53(_, Route53Op::CheckStatus(_)) => Ok(Answer::CheckStatus { healthy: 8, of: 8 }),
        Op::Probe(ProbeOp::Http(_)) => Ok(Answer::Http(HttpSeen {
            status: 200,
            site: None,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
        })),
        Op::Kube(_, KubeOp::Fence(_)) => Ok(Answer::Fence(None)),
        Op::Kube(_, KubeOp::Workload(_)) => Ok(Answer::Workload(crate::op::WorkloadView {
            version: "1".into(),
            wanted: 3,
            ready: 3,
            pods: 3,
            note: None,
            claims_volumes: false,
        })),
        Op::Kube(_, KubeOp::Pool(_)) => {
            let limits = [("cpu".into(), 0)].into();
            Ok(Answer::Pool(crate::op::PoolView { version: "1".into(), limits, note: None }))
        }
        Op::Route53(_, Route53Op::Zone(_)) => Ok(Answer::Zone(ZoneInfo {
            apex: "example.com".into(),
            private: false,
            name_servers: vec!["ns1.example".into()],
        })),
        Op::Route53(_, Route53Op::HealthCheck(id)) => Ok(Answer::HealthCheck(HealthCheck {
            id: id.clone(),
            kind: HealthCheckKind::Calculated { threshold: 1, children: 0 },
            disabled: false,
            inverted: false,
        })),
        Op::Route53(_, Route53Op::Records { name, .. }) => Ok(Answer::Records(sets(ground, name))),
        other => Err(Fault::Invalid(format!("not in this world: {other:?}"))),
    }
}

/// Home does not serve, and everything of it answers that.
pub(super) fn down(op: &Op) -> Reply {
    match op {
        Op::Elb(scope, ElbOp::TargetHealth(_)) if scope.region.as_str() == "eu-west-1" => {
            Ok(Answer::Targets(TargetHealth { total: 4, healthy: 0 }))
        }
        Op::Route53(_, Route53Op::CheckStatus(id)) if id.as_str().starts_with("1111") => {
            Ok(Answer::CheckStatus { healthy: 0, of: 8 })
        }
        Op::Probe(ProbeOp::Http(probe)) if probe.connect.as_str().starts_with("home") => {
            Err(Fault::Transient("connection refused".into()))
        }
        _ => fit(op),
    }
}

fn sets(ground: &Ground, name: &crate::model::Host) -> Vec<crate::op::RecordSet> {
    let sets = ground.facts.zones.values().flat_map(|zone| &zone.sets);
    let armed = sets.filter(|armed| armed.set.name == *name);
    armed
        .map(|armed| {
            let own = super::collect::own_check(&ground.policy, armed.site);
            let mut armed = armed.clone();
            armed.own_check = own.or(armed.own_check);
            let Lever::Records(lever) = &ground.policy.lever else { unreachable!() };
            armed.when_active(Site::Home, &lever.closed_health_check)
        })
        .collect()
}

/// A replica that leads the shop, whose chain is what it was told.
pub(super) struct Bench {
    pub(super) group: Group,
    pub(super) now: Now,
    id: ReplicaId,
    book: Book,
    calls: Calls,
    out: Vec<Call>,
}

impl Bench {
    /// A group that has looked at a world, with an empty chain.
    pub(super) fn of(group: Group) -> Self {
        let now = Now { mono: Mono(50_000), wall: Wall(1_000_000) };
        let (book, calls, out) = (Book::default(), Calls::default(), Vec::new());
        let mut bench = Self { group, now, id: "a".into(), book, calls, out };
        bench.hears(Vec::new());
        bench
    }

    /// The shop as it should be, with nothing in its chain.
    pub(super) fn fit() -> Self {
        Self::of(looked(fit))
    }

    /// Its chain says this too.
    pub(super) fn told(mut self, records: Vec<Record>) -> Self {
        let entry = self.entry(records);
        self.hears(vec![entry]);
        self.hears(Vec::new());
        self
    }

    fn hears(&mut self, entries: Vec<Stored>) {
        self.group.desk.begin_to_lead();
        assert!(self.group.desk.read(self.now.mono).is_some());
        let seat = Seat { id: &self.id, now: self.now, leads: true };
        self.group.desk.heard(&seat, Ok(Answer::Entries(entries)), false);
    }

    /// A failover by policy that is about to be executed.
    pub(super) fn failing_over(self) -> Self {
        self.failing_over_by(failover(&GROUND.survey(Site::Home)).unwrap())
    }

    /// A failover that a human ordered, and that is about to be executed.
    pub(super) fn ordered(self) -> Self {
        self.ordered_after(None)
    }

    /// The same, of what had failed then.
    pub(super) fn ordered_after(self, fault_at: Option<Wall>) -> Self {
        let trigger = Trigger::Human { by: "ann".into(), reason: "flood".into() };
        let (kind, from, evidence) = (PlanKind::Failover, Site::Home, Vec::new());
        let opened = Record::Opened { kind, from, trigger, fault_at, evidence };
        self.moving(opened, failover(&GROUND.survey(Site::Home)).unwrap())
    }

    fn failing_over_by(self, plan: Plan) -> Self {
        self.moving(opened(PlanKind::Failover, Site::Home), plan)
    }

    /// A run that opens so is about to be executed.
    pub(super) fn moving(self, opened: Record, plan: Plan) -> Self {
        let mut records = self.begun(opened);
        records.push(Record::Planned { plan: Box::new(plan), moves: true });
        self.told(records)
    }

    /// A run that only prepares.
    pub(super) fn prewarming(self) -> Self {
        self.begins(opened(PlanKind::Failover, Site::Home))
    }

    /// How the next run begins: the first is `r1`.
    fn begun(&self, opened: Record) -> Vec<Record> {
        let epoch = self.group.ledger().epoch().next();
        vec![
            Record::Claimed {
                claim: Claim::new(epoch, RunId::new(format!("r{epoch}"))),
                by: "a".into(),
            },
            opened,
        ]
    }

    /// A failover that asks a human.
    pub(super) fn asking(self, kind: QuestionKind, loss_ms: Option<u64>) -> Self {
        let (why, otherwise) = ("why".into(), "nothing".into());
        let question = Question { kind, why, loss_ms, otherwise };
        let asks = Some(question.clone());
        let plan = failover(&crate::plan::Survey { question: asks, ..GROUND.survey(Site::Home) });
        self.failing_over_by(plan.unwrap())
            .told(vec![Record::Asked { step: "approval".into(), question }])
    }

    /// A switchover that is about to be executed.
    pub(super) fn switching_over(self) -> Self {
        let plan = planned_move(&GROUND.survey(Site::Home)).unwrap();
        self.moving(opened(PlanKind::Switchover, Site::Home), plan)
    }

    /// A switchover that is over.
    pub(super) fn switched_over(self) -> Self {
        self.switching_over().over(&[])
    }

    /// The open run holds a workload.
    pub(super) fn holding(self, site: Site, workload: &WorkloadRef) -> Self {
        let hold = Some(Box::new(hold(site, workload)));
        let op = Box::new(Op::Store(StoreOp::Intents));
        self.told(vec![Record::Started { step: "start".into(), attempt: 1, op, hold }])
    }

    /// A call of a step is about to be made.
    pub(super) fn started(self, step: &str) -> Self {
        let op = Box::new(Op::Store(crate::op::StoreOp::Intents));
        self.told(vec![Record::Started { step: step.into(), attempt: 1, op, hold: None }])
    }

    /// A step is done.
    pub(super) fn done(self, step: &str) -> Self {
        self.told(vec![done(step.into())])
    }

    /// Its peacetime facts are recorded.
    pub(super) fn recorded(mut self) -> Self {
        let bytes = serde_json::to_string(&GROUND.facts).unwrap().into();
        let view = FactsView { version: "1".into(), bytes };
        self.group.facts.have_read(Ok(Answer::Facts(Some(view))));
        self
    }

    /// A failover by policy that is over, with nothing left to do.
    pub(super) fn failed_over(self) -> Self {
        self.failed_over_but(&[])
    }

    /// A failover by policy that is over but for these steps.
    pub(super) fn failed_over_but(self, open: &[&str]) -> Self {
        self.failing_over().over(open)
    }

    /// The open run is over, but for these steps.
    fn over(self, open: &[&str]) -> Self {
        let steps = self.group.ledger().run.iter().flat_map(|run| run.steps.keys().cloned());
        let steps = steps.filter(|step| !open.contains(&step.as_str()));
        let closed = Record::Closed { ended: Ended::Moved };
        let records = steps.map(done).chain([closed]).collect();
        self.told(records)
    }

    /// Home's signals, and standby's, are what a world says for a minute and a half.
    pub(super) fn sampled(self, world: impl Fn(&Op) -> Reply) -> Self {
        self.sampled_times(18, world)
    }

    /// The same, for so many times five seconds.
    pub(super) fn sampled_times(mut self, times: u32, world: impl Fn(&Op) -> Reply) -> Self {
        for _ in 0..times {
            let active = self.group.active();
            let frame = Frame { known: &self.group.known, active, leads: true };
            for asking in self.group.sampler.due(&self.group.policy, &frame, self.now) {
                let answer = world(&asking.op);
                self.group.sampler.take(&self.group.policy, asking.slot, self.now.mono, answer);
            }
            self.now =
                Now { mono: self.now.mono + Span::secs(5), wall: self.now.wall + Span::secs(5) };
        }
        self
    }

    /// The next entry of its chain, as the store has it.
    pub(super) fn entry(&mut self, records: Vec<Record>) -> Stored {
        self.book.write(records);
        let (seq, last) = (self.book.ledger.head, self.book.entries.len() - 1);
        Stored { seq, bytes: Arc::clone(&self.book.entries[last]) }
    }

    /// A run begins.
    pub(super) fn begins(self, opened: Record) -> Self {
        let begun = self.begun(opened);
        self.told(begun)
    }

    /// Goes over the run once, and hears what a world answers to its looks.
    pub(super) fn turns(&mut self, world: impl Fn(&Op) -> Reply) {
        self.sent();
        self.at(|group, host| group.lead(host));
        for (owner, op) in self.waiting() {
            self.at(|group, host| group.reply(host, owner, world(&op)));
        }
        self.at(|group, host| group.lead(host));
    }

    /// Who waits for the calls that were handed out.
    pub(super) fn waiting(&mut self) -> Vec<(GroupOwner, Op)> {
        let calls: Vec<_> = self.out.drain(..).collect();
        let owner = |call: Call| match self.calls.take(call.id) {
            Some(Owner::Group(_, owner)) => Some((owner, call.op)),
            _ => None,
        };
        calls.into_iter().filter_map(owner).collect()
    }

    /// Later by this much, with nothing looked at meanwhile.
    pub(super) fn later(mut self, by: Span) -> Self {
        self.now = Now { mono: self.now.mono + by, wall: self.now.wall + by };
        self
    }

    /// The open run is another replica's now.
    pub(super) fn claimed_by(self, id: &str) -> Self {
        let run = self.group.ledger().open_run().unwrap();
        let claim = Claim::new(self.group.ledger().epoch().next(), run.id.clone());
        let mut bench = self.told(vec![Record::Claimed { claim, by: id.into() }]);
        bench.rename(id);
        bench
    }

    /// It is another replica than the one that wrote the chain.
    pub(super) fn rename(&mut self, id: &str) {
        self.id = id.into();
    }

    /// The calls that were handed out since this was last asked.
    pub(super) fn sent(&mut self) -> Vec<Op> {
        self.out.drain(..).map(|call| call.op).collect()
    }

    /// The records that wait to be written.
    pub(super) fn written(&mut self) -> Vec<Record> {
        let seat = Seat { id: &self.id, now: self.now, leads: true };
        match self.group.desk.write(&seat) {
            Some(StoreOp::Append { bytes, seq, .. }) => Entry::parse(seq, &bytes).unwrap().records,
            None => Vec::new(),
            other => panic!("{other:?}"),
        }
    }

    /// Does something as this replica.
    pub(super) fn at<T>(&mut self, does: impl FnOnce(&mut Group, &mut Host<'_>) -> T) -> T {
        let Self { group, now, id, calls, out, .. } = self;
        let (leads, unasked) = (true, true);
        let mut host = Host { id, now: *now, leads, unasked, calls, out };
        does(group, &mut host)
    }
}

/// A workload that a run scaled from none to three.
pub(super) fn hold(site: Site, workload: &WorkloadRef) -> Hold {
    let cluster = GROUND.policy.site(site).cluster.clone();
    let (baseline, wants, workload) = (0, 3, workload.clone());
    let id = HoldId::object(site, &ObjectRef::Workload(workload.clone()));
    Hold { id, site, held: Held::Workload { cluster, workload, baseline, wants } }
}

fn done(step: StepId) -> Record {
    Record::Done { step, outputs: BTreeMap::new(), note: String::new(), unknown: false }
}

/// The kinds of records, in their order.
pub(super) fn kinds(records: &[Record]) -> Vec<String> {
    let word = |record: &Record| {
        let text = format!("{record:?}");
        let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
        text[..end].to_owned()
    };
    records.iter().map(word).collect()
}
