//! One replica of Bowline as a machine: what comes in, what goes out, when to wake it.
//!
//! The node knows no clock and makes no call. In production a small loop hands it replies and the
//! time and spawns its calls; in the simulator a heap ordered by virtual time does. There is no
//! second driver: probes, lease renewals and journal appends are calls like any other.

mod begin;
mod calls;
mod canaries;
mod check;
mod collect;
mod facts;
mod group;
mod imagine;
mod intents;
mod known;
mod lead;
mod notices;
#[cfg(test)]
mod play_tests;
mod preview;
mod sampler;
mod situation;
mod status;
mod survey;
#[cfg(test)]
mod testing;
mod words;

pub use check::{Extra, Finding, Verdict, extra_findings, extras};
pub use preview::{PlannedCall, Preview, Prospect, StepPreview, Walk};
pub use status::{
    AskStatus, ClaimStatus, GroupStatus, RunStatus, SignalStatus, SiteStatus, StepStatus,
};

use crate::decide::{Decision, FleetRules, FleetState, HoldWhy, RegionEvent, fleet};
use crate::lease::{Lease, LeaseCall, LeaseInput, LeaseTimes};
use crate::model::{GroupName, Mono, Now, ReplicaId, Span};
use crate::op::{Answer, Call, CallId, Fault, IntentObject, Op, StoreOp};
use crate::policy::{Action, Conflict, Policy, conflicts};
use crate::run::{Phase, Reader};

use calls::{Calls, Owner, STORE};
use group::{Group, Host};
use sampler::Sampler;

/// What is handed to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// What became of a call.
    Reply {
        /// Which call.
        id: CallId,
        /// Its answer or fault.
        result: Result<Answer, Fault>,
    },
    /// The time asked for by [`Node::wake_at`] has come.
    Wake,
    /// The policies that are in force, all of them.
    Policies(Vec<Policy>),
    /// Stop cleanly: hand over, and release the lease.
    Stop,
}

/// What a node is told about itself when it starts.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its name; unique among all processes that ever use the store, restarts included.
    pub id: ReplicaId,
    /// The lease's times.
    pub lease: LeaseTimes,
}

/// Whose turn it is after an input: a group's, when something that it decides from may be new.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Touched {
    Nobody,
    /// By its position.
    Group(usize),
    All,
}

impl Touched {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Nobody, some) | (some, Self::Nobody) => some,
            _ => Self::All,
        }
    }
}

/// One replica of Bowline.
#[derive(Debug)]
pub struct Node {
    id: ReplicaId,
    lease: Lease,
    led: bool,
    /// The one group that it does anything for, and begins nothing that nobody asked for.
    only_told: Option<GroupName>,
    reader: Reader,
    /// The time of the last input.
    now: Mono,
    calls: Calls,
    groups: Vec<Group>,
    /// How many groups were adopted so far; it numbers them.
    adopted: usize,
    /// Groups that were not adopted: what they list is another's already.
    refused: Vec<Conflict>,
    intents: Vec<IntentObject>,
    intents_due: Mono,
    /// How often a leader reads them: as often as it renews its lease.
    intents_every: Span,
    reading_intents: bool,
}

impl Node {
    /// A node that has seen nothing yet.
    #[must_use]
    pub fn new(config: NodeConfig) -> Self {
        Self {
            lease: Lease::new(config.id.clone(), config.lease),
            id: config.id,
            led: false,
            only_told: None,
            reader: Reader::default(),
            now: Mono(0),
            calls: Calls::default(),
            groups: Vec::new(),
            adopted: 0,
            refused: Vec::new(),
            intents: Vec::new(),
            intents_due: Mono(0),
            intents_every: config.lease.retry,
            reading_intents: false,
        }
    }

    /// The same node, but it does something for one group only, and begins nothing by itself,
    /// whatever the policies allow: a process that a human started for one thing (break-glass) does
    /// that and no more.
    #[must_use]
    pub fn only_told(self, group: GroupName) -> Self {
        Self { only_told: Some(group), ..self }
    }

    /// The same node, which reads journals with others: those that are simulated together.
    #[must_use]
    pub fn read_with(self, reader: Reader) -> Self {
        Self { reader, ..self }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ReplicaId {
        &self.id
    }

    /// Whether it leads now.
    #[must_use]
    pub fn leads(&self, now: Mono) -> bool {
        self.lease.leads(now).is_some()
    }

    /// Who holds the lease, as far as it knows.
    #[must_use]
    pub fn leader(&self) -> Option<&ReplicaId> {
        self.lease.holder()
    }

    /// Whether a clean stop is over.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.lease.stopped()
    }

    /// Takes one input and hands out the calls that follow from it.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Call>) {
        self.now = now.mono;
        let mut touched = match input {
            Input::Reply { id, result } => match self.calls.take(id) {
                Some(owner) => self.reply(now, owner, result, out),
                None => return,
            },
            Input::Wake if self.led => Touched::All,
            Input::Wake => self.due(now.mono),
            Input::Policies(policies) => {
                self.adopt(policies);
                Touched::All
            }
            Input::Stop => {
                let call = self.lease.handle(now, LeaseInput::Stop);
                self.send_lease(call, out);
                Touched::All
            }
        };
        while let Some(owner) = self.calls.expired(now.mono) {
            let fault = Fault::Unknown("no answer in time".into());
            touched = touched.and(self.reply(now, owner, Err(fault), out));
        }
        if self.lease.wake_at().is_some_and(|at| at <= now.mono) {
            let call = self.lease.handle(now, LeaseInput::Wake);
            self.send_lease(call, out);
        }
        match touched.and(self.notice_leadership(now.mono)) {
            Touched::Nobody => {}
            Touched::Group(index) => self.poll(now, index, out),
            Touched::All => (0..self.groups.len()).for_each(|index| self.poll(now, index, out)),
        }
        self.read_intents(now, out);
    }

    /// When it wants [`Input::Wake`] next, at the latest.
    #[must_use]
    pub fn wake_at(&self) -> Option<Mono> {
        let groups = self.groups.iter().filter_map(|group| group.wakes);
        let intents = (self.led && !self.reading_intents).then_some(self.intents_due);
        let leads_until = self.lease.leads(self.now).map(|until| until.0).filter(|_| self.led);
        let own = [self.calls.wake_at(), self.lease.wake_at(), intents, leads_until];
        groups.chain(own.into_iter().flatten()).min()
    }

    /// The groups whose time has come.
    fn due(&self, now: Mono) -> Touched {
        let due = |(index, group): (usize, &Group)| {
            group.wakes.is_some_and(|at| at <= now).then_some(Touched::Group(index))
        };
        let due = self.groups.iter().enumerate().filter_map(due);
        due.fold(Touched::Nobody, Touched::and)
    }

    /// Hands a reply to who waits for it; says whom it concerns.
    fn reply(
        &mut self,
        now: Now,
        owner: Owner,
        result: Result<Answer, Fault>,
        out: &mut Vec<Call>,
    ) -> Touched {
        match owner {
            Owner::Lease(ticket) => {
                let call = self.lease.handle(now, LeaseInput::Reply { ticket, result });
                self.send_lease(call, out);
                Touched::Nobody
            }
            Owner::Intents => {
                self.reading_intents = false;
                match result {
                    Ok(Answer::Intents(intents)) if intents != self.intents => {
                        self.intents = intents;
                        Touched::All
                    }
                    _ => Touched::Nobody,
                }
            }
            Owner::Group(index, owner) => {
                let leads = self.led && self.leads(now.mono);
                let position = self.groups.iter().position(|group| group.index == index);
                let Some(position) = position else { return Touched::Nobody };
                let unasked = self.only_told.is_none();
                let (group, calls) = (&mut self.groups[position], &mut self.calls);
                let mut host = Host { id: &self.id, now, leads, unasked, calls, out };
                let concerns = group.reply(&mut host, owner, result);
                if concerns {
                    return Touched::Group(position);
                }
                group.wakes = group.wake_at(self.led, now.mono);
                Touched::Nobody
            }
        }
    }

    fn send_lease(&mut self, call: Option<LeaseCall>, out: &mut Vec<Call>) {
        if let Some(LeaseCall { ticket, deadline, op }) = call {
            self.calls.send(deadline, Owner::Lease(ticket), Op::Lease(op), out);
        }
    }

    fn notice_leadership(&mut self, now: Mono) -> Touched {
        let leads = self.leads(now);
        let touched = if leads == self.led { Touched::Nobody } else { Touched::All };
        if leads && !self.led {
            self.groups.iter_mut().for_each(|group| group.begin_to_lead(now));
            self.intents_due = now;
        }
        self.led = leads;
        touched
    }

    fn poll(&mut self, now: Now, index: usize, out: &mut Vec<Call>) {
        if self.led {
            self.decide(now, index);
        }
        let Some(group) = self.groups.get_mut(index) else { return };
        let (leads, unasked) = (self.led, self.only_told.is_none());
        let mut host = Host { id: &self.id, now, leads, unasked, calls: &mut self.calls, out };
        group.desk.take_back(&host.seat());
        group.take_intent(&host, &self.intents);
        group.poll(&mut host);
        group.wakes = group.wake_at(self.led, now.mono);
    }

    /// Decides about a group; the fleet may hold what it alone would do.
    fn decide(&mut self, now: Now, index: usize) {
        let Some(group) = self.groups.get_mut(index).filter(|group| group.desk.current()) else {
            return;
        };
        let mut member = group.propose(now);
        if self.only_told.is_some() {
            member.decision = on_command_only(member.decision);
        }
        let decision = member.decision.clone();
        group.proposed = Some(member);
        let (decision, event) = match decision {
            Decision::FailOver | Decision::AskHuman(_) => self.fleet(now, index),
            other => (Some(other), None),
        };
        let group = &mut self.groups[index];
        (group.decision, group.speaks_of) = (decision, event);
    }

    /// The decision about a group in view of all others, and the Region event that it asks about:
    /// the first of the groups that are held asks for all.
    fn fleet(&self, now: Now, index: usize) -> (Option<Decision>, Option<RegionEvent>) {
        let members: Vec<_> = self.groups.iter().filter_map(|g| g.proposed.clone()).collect();
        let under_way = |group: &&Group| {
            group.ledger().open_run().is_some_and(|run| {
                // What only prepares is no failover: it would keep its own group waiting. Nor is
                // one that goes back, or has moved and makes a standby again of the site that it
                // left.
                let moves = group.active() == run.from && run.phase == Phase::Moving;
                run.is_automatic_failover() && moves
            })
        };
        let state = FleetState {
            under_way: self.groups.iter().filter(under_way).count(),
            begun: self.groups.iter().filter_map(Group::failed_over_from).collect(),
            evacuate: Default::default(),
        };
        let all = fleet(now.wall, members, &state, &FleetRules::default());
        let name = &self.groups[index].policy.group;
        let event = all.events.into_iter().find(|event| {
            let held = Decision::Hold(HoldWhy::RegionEvent(event.region.clone()));
            let first = all.decisions.iter().find(|(_, decision)| *decision == held);
            first.is_some_and(|(group, _)| group == name)
        });
        let own = all.decisions.into_iter().find(|(group, _)| group == name);
        (own.map(|(_, decision)| decision), event)
    }

    fn read_intents(&mut self, now: Now, out: &mut Vec<Call>) {
        if !self.led || self.reading_intents || self.intents_due > now.mono {
            return;
        }
        self.reading_intents = true;
        self.intents_due = now.mono + self.intents_every;
        let op = Op::Store(StoreOp::Intents);
        self.calls.send(now.mono + STORE, Owner::Intents, op, out);
    }

    /// Takes the policies in force. A group whose policy is as before goes on as before, wherever
    /// it stands in the list; one whose policy changed looks at its world anew, and its journal is
    /// read again. Calls name a group by a number that is never used again.
    ///
    /// Of two that list the same thing the one whose policy is as before stays, then one that is
    /// here already; the other is refused, and goes on by the policy that it had, if it had one.
    fn adopt(&mut self, mut policies: Vec<Policy>) {
        if let Some(only) = &self.only_told {
            policies.retain(|policy| policy.group == *only);
        }
        let policies = self.settle_conflicts(policies);
        let mut old = std::mem::take(&mut self.groups);
        for policy in policies {
            let same = old.iter().position(|group| group.policy == policy);
            let group = match same {
                Some(position) => old.swap_remove(position),
                None => {
                    self.adopted += 1;
                    let mut new = Group::new(self.adopted, policy).read_with(&self.reader);
                    new.leading_since = self.led.then_some(self.now);
                    new
                }
            };
            self.groups.push(group);
        }
        let checks = self.groups.iter().map(|group| Sampler::checks(&group.policy)).sum();
        self.groups.iter_mut().for_each(|group| group.sampler.share(&group.policy, checks));
    }

    /// The policies to go by, in their order, so that no two list the same thing.
    fn settle_conflicts(&mut self, policies: Vec<Policy>) -> Vec<Policy> {
        let before = |name: &GroupName| {
            self.groups.iter().map(|group| &group.policy).find(|policy| policy.group == *name)
        };
        let mut by_age: Vec<_> = policies.clone();
        by_age.sort_by_key(|policy| match before(&policy.group) {
            Some(same) if same == policy => 0,
            Some(_) => 1,
            None => 2,
        });
        let named = |refused: &[Conflict], policy: &Policy| {
            refused.iter().any(|no| no.group == policy.group)
        };
        let refused = conflicts(&by_age);
        by_age.retain(|policy| !named(&refused, policy));
        by_age.extend(refused.iter().filter_map(|no| before(&no.group).cloned()));
        let clash = conflicts(&by_age);
        by_age.retain(|policy| !named(&clash, policy));
        self.refused = refused;
        let kept = |told: &Policy| by_age.iter().find(|kept| kept.group == told.group).cloned();
        policies.iter().filter_map(kept).collect()
    }

    /// The groups that were refused when policies were last taken.
    #[must_use]
    pub fn refused(&self) -> &[Conflict] {
        &self.refused
    }

    /// A group, by name.
    fn group(&self, name: &GroupName) -> Option<&Group> {
        self.groups.iter().find(|group| group.policy.group == *name)
    }
}

/// What is left of a decision when nothing may be begun that nobody asked for.
fn on_command_only(decision: Decision) -> Decision {
    let action = match decision {
        Decision::FailOver => Action::Failover,
        Decision::FailBack => Action::Failback,
        Decision::Prewarm => Action::Prewarm,
        Decision::AskHuman(ask) => ask.action,
        Decision::Hold(_) | Decision::StandDown => return decision,
    };
    Decision::Hold(HoldWhy::Manual(action))
}

#[cfg(test)]
mod tests {
    use super::testing::Bench;
    use super::*;
    use crate::decide::{Ask, AskWhy, Member};
    use crate::model::Wall;
    use crate::policy::examples;

    #[test]
    fn whoever_something_is_new_for_is_looked_at_and_nobody_else() {
        use Touched::{All, Group, Nobody};
        for (one, other, both) in [
            (Nobody, Nobody, Nobody),
            (Nobody, Group(1), Group(1)),
            (Group(1), Nobody, Group(1)),
            (Group(1), Group(1), Group(1)),
            (Group(1), Group(2), All),
            (Group(1), All, All),
            (All, Nobody, All),
        ] {
            assert_eq!(one.and(other), both, "{one:?} and {other:?}");
        }
    }

    #[test]
    fn s4_who_does_only_what_it_is_told_begins_nothing_and_ends_what_is_to_end() {
        let ask = Ask { action: Action::Failback, why: AskWhy::Approval };
        for (decision, action) in [
            (Decision::FailOver, Action::Failover),
            (Decision::FailBack, Action::Failback),
            (Decision::Prewarm, Action::Prewarm),
            (Decision::AskHuman(ask), Action::Failback),
        ] {
            assert_eq!(on_command_only(decision), Decision::Hold(HoldWhy::Manual(action)));
        }
        for decision in [Decision::StandDown, Decision::Hold(HoldWhy::Serving)] {
            assert_eq!(on_command_only(decision.clone()), decision);
        }
    }

    /// A node with these groups, of which those from `first` on want to fail over now.
    fn wanting(groups: impl IntoIterator<Item = Group>, first: usize) -> Node {
        let mut node = Node::new(NodeConfig { id: "a".into(), lease: LeaseTimes::default() });
        node.groups = groups.into_iter().collect();
        for (index, group) in node.groups.iter_mut().enumerate() {
            group.policy.group = format!("group-{index}").as_str().into();
            group.proposed = (index >= first).then(|| Member {
                group: group.policy.group.clone(),
                region: "us-east-1".into(),
                decision: Decision::FailOver,
                trouble: Some(Wall(1)),
                recovered: None,
            });
        }
        node
    }

    #[test]
    fn s8_a_failover_waits_while_as_many_are_under_way_as_may_be() {
        let last = |under_way: usize, over: fn() -> Bench| {
            let groups =
                (0..5).map(|n| if n < under_way { Bench::fit().failing_over() } else { over() });
            let groups = groups.chain([Bench::fit()]).map(|bench| bench.group);
            wanting(groups, 5).fleet(Bench::fit().now, 5).0
        };
        let waits = Some(Decision::Hold(HoldWhy::OverBudget));
        assert_eq!(last(5, Bench::fit), waits);
        assert_eq!(last(4, Bench::fit), Some(Decision::FailOver));
        assert_eq!(last(4, || Bench::fit().failed_over()), Some(Decision::FailOver), "it is over");
        assert_eq!(last(4, || Bench::fit().ordered()), Some(Decision::FailOver), "a human's");
        assert_eq!(last(4, || Bench::fit().prewarming()), Some(Decision::FailOver), "it prepares");
    }

    #[test]
    fn s8_of_the_groups_of_a_region_event_the_first_one_asks_for_all() {
        let node = wanting((0..4).map(|_| Bench::fit().group), 1);
        let asks = |index| node.fleet(Bench::fit().now, index);
        let event = asks(1).1.expect("it asks");
        assert_eq!((event.region.as_str(), event.groups.len()), ("us-east-1", 3));
        for index in [1, 2, 3] {
            let (decision, speaks_of) = asks(index);
            assert_eq!(decision, Some(Decision::Hold(HoldWhy::RegionEvent("us-east-1".into()))));
            assert_eq!(speaks_of.is_some(), index == 1, "group {index}");
        }
    }

    #[test]
    fn s4_who_does_only_what_it_is_told_knows_one_group() {
        let config = NodeConfig { id: "a".into(), lease: LeaseTimes::default() };
        let mut node = Node::new(config).only_told("shop".into());
        let policies = vec![examples::shop(), Policy { group: "b".into(), ..examples::shop() }];
        let (now, mut out) = (Now { mono: Mono(1), wall: Wall(1) }, Vec::new());
        node.handle(now, Input::Policies(policies), &mut out);
        assert!(node.ledger(&"shop".into()).is_some() && node.ledger(&"b".into()).is_none());
        assert_eq!(node.refused(), [], "the other is not in its way");
    }

    #[test]
    fn of_two_groups_that_list_the_same_the_one_that_is_here_stays() {
        let lease = LeaseTimes::default();
        let mut node = Node::new(NodeConfig { id: "a".into(), lease });
        let (shop, other) =
            (examples::shop(), Policy { group: "a-shop".into(), ..examples::shop() });
        let (now, mut out) = (Now { mono: Mono(1), wall: Wall(1) }, Vec::new());
        node.handle(now, Input::Policies(vec![shop.clone()]), &mut out);
        assert_eq!(node.refused(), []);
        node.handle(now, Input::Policies(vec![other.clone(), shop.clone()]), &mut out);
        assert!(node.ledger(&"shop".into()).is_some() && node.ledger(&"a-shop".into()).is_none());
        let refused = node.refused()[0].to_string();
        assert!(refused.contains("a-shop is refused: Deployment shop/web"), "{refused}");
        node.handle(now, Input::Policies(vec![other]), &mut out);
        assert!(node.ledger(&"a-shop".into()).is_some() && node.refused().is_empty());
    }

    #[test]
    fn l1_a_group_is_not_thrown_out_by_another_ones_new_policy() {
        let mut node = Node::new(NodeConfig { id: "a".into(), lease: LeaseTimes::default() });
        let (now, mut out) = (Now { mono: Mono(1), wall: Wall(1) }, Vec::new());
        let shop = examples::shop();
        let apart = Policy { group: "a-shop".into(), ..examples::minimal() };
        node.handle(now, Input::Policies(vec![apart.clone(), shop.clone()]), &mut out);
        assert_eq!(node.refused(), []);
        // The first one's owner lists what is the other's by mistake.
        let slip = Policy { group: "a-shop".into(), ..shop.clone() };
        node.handle(now, Input::Policies(vec![slip, shop.clone()]), &mut out);
        assert_eq!(node.refused().len(), 1);
        let policy = |name: &str| node.group(&name.into()).map(|group| group.policy.clone());
        assert_eq!((policy("shop"), policy("a-shop")), (Some(shop), Some(apart)));
    }
}
