//! A whole node over time, in a small world that answers at once: what it asks in which rhythm,
//! whose answers reach whom, and when it wants to be woken.

use super::testing::{Reply, fit, kinds};
use super::*;
use crate::model::{Site, Wall};
use crate::op::{LeaseOp, LeaseSpec, LeaseView, Stored};
use crate::policy::{examples, load};
use crate::run::{Entry, Intent, Record};
use crate::testing::Book;

/// A node, its clock, and what stands for the management cluster.
struct Play {
    node: Node,
    now: Now,
    /// The chains, by group.
    chains: Vec<(GroupName, Vec<Stored>)>,
    intents: Vec<IntentObject>,
    /// Whether the store says nothing to who reads intents.
    silent: bool,
    /// The append that says a step's call is begun, if its reply is held back.
    held: Option<Option<CallId>>,
    /// Whether somebody else holds the lease.
    other_leads: bool,
    leases: u64,
    wakes: u64,
    made: Vec<(Mono, Op)>,
}

impl Play {
    /// A node that knows no group yet.
    fn new() -> Self {
        Self {
            node: Node::new(NodeConfig { id: "a".into(), lease: LeaseTimes::default() }),
            now: Now { mono: Mono(1_000), wall: Wall(1_000_000) },
            chains: Vec::new(),
            intents: Vec::new(),
            silent: false,
            held: None,
            other_leads: false,
            leases: 0,
            wakes: 0,
            made: Vec::new(),
        }
    }

    /// It is told its policies.
    fn with(mut self, policies: Vec<Policy>) -> Self {
        self.input(Input::Policies(policies));
        self
    }

    /// A node with the shop.
    fn shop() -> Self {
        Self::new().with(vec![examples::shop()])
    }

    fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        self.node.handle(self.now, input, &mut out);
        while !out.is_empty() {
            let Call { id, op, .. } = out.remove(0);
            self.made.push((self.now.mono, op.clone()));
            if self.held == Some(None) && begins(&op) {
                self.held = Some(Some(id));
            } else if let Some(result) = self.reply(&op) {
                self.node.handle(self.now, Input::Reply { id, result }, &mut out);
            }
        }
    }

    fn reply(&mut self, op: &Op) -> Option<Reply> {
        self.leases += 1;
        let version = self.leases.to_string().as_str().into();
        Some(match op {
            Op::Lease(LeaseOp::Read) if self.other_leads => {
                let (holder, duration) = (Some("other".into()), Span::secs(15));
                let lease = LeaseSpec { holder, duration, transitions: 1, renewed: self.now.wall };
                Ok(Answer::Lease(Some(LeaseView { version, lease })))
            }
            Op::Lease(LeaseOp::Read) => Ok(Answer::Lease(None)),
            Op::Lease(_) => Ok(Answer::Written(version)),
            Op::Notify(_) => Ok(Answer::Ok),
            Op::Store(StoreOp::Intents) if self.silent => return None,
            Op::Store(op) => Ok(self.store(op, version)),
            other => fit(other),
        })
    }

    fn store(&mut self, op: &StoreOp, version: crate::model::Version) -> Answer {
        match op {
            StoreOp::Read { group, after } => {
                let chain = self.chain(group).iter().filter(|entry| entry.seq > *after);
                Answer::Entries(chain.cloned().collect())
            }
            StoreOp::Append { group, seq, bytes } => {
                let entry = Stored { seq: *seq, bytes: bytes.clone() };
                self.chain(&group.clone()).push(entry);
                Answer::Ok
            }
            StoreOp::Intents => Answer::Intents(self.intents.clone()),
            StoreOp::Facts { .. } => Answer::Facts(None),
            StoreOp::PutFacts { .. } => Answer::Written(version),
        }
    }

    fn chain(&mut self, group: &GroupName) -> &mut Vec<Stored> {
        let at = self.chains.iter().position(|(name, _)| name == group).unwrap_or_else(|| {
            self.chains.push((group.clone(), Vec::new()));
            self.chains.len() - 1
        });
        &mut self.chains[at].1
    }

    /// The kinds of all records of the shop's chain.
    fn records(&mut self) -> Vec<String> {
        let chain = self.chain(&"shop".into()).clone();
        let parsed = chain.iter().map(|entry| Entry::parse(entry.seq, &entry.bytes).unwrap());
        parsed.flat_map(|entry| kinds(&entry.records)).collect()
    }

    /// Lets this many seconds pass; the node is woken when it wants to be.
    fn pass(&mut self, secs: u64) {
        let end = self.now.mono + Span::secs(secs);
        while self.now.mono < end {
            let wake = self.node.wake_at().unwrap_or(end).max(self.now.mono + Span::millis(1));
            let by = wake.min(end).since(self.now.mono);
            self.now = Now { mono: self.now.mono + by, wall: self.now.wall + by };
            self.input(Input::Wake);
            self.wakes += 1;
        }
    }

    /// When calls of a kind were made, in milliseconds between one and the next.
    fn gaps(&self, of: impl Fn(&Op) -> bool) -> Vec<u64> {
        let times: Vec<_> = self.made.iter().filter(|(_, op)| of(op)).map(|(at, _)| *at).collect();
        times.windows(2).map(|two| two[1].since(two[0]).as_millis()).collect()
    }

    fn says(&mut self, uid: &str, intent: &Intent) {
        let (group, by, at) = ("shop".into(), "ann".into(), self.now.wall);
        let bytes = serde_json::to_string(intent).unwrap().into();
        self.intents.push(IntentObject { uid: uid.into(), group, by, at, bytes });
    }
}

/// Whether a step says that it is about to make a call.
fn begins(op: &Op) -> bool {
    matches!(op, Op::Store(StoreOp::Append { bytes, .. }) if bytes.contains("\"started\""))
}

fn intents(op: &Op) -> bool {
    matches!(op, Op::Store(StoreOp::Intents))
}

/// A group that has nothing in common with the shop.
fn mart() -> Policy {
    let text = examples::SHOP.replace("shop", "mart").replace("1111-", "8888-");
    let loaded = load("mart", &text).unwrap_or_else(|problems| panic!("{problems}"));
    loaded.policies.into_iter().next().unwrap()
}

#[test]
fn a_leader_reads_what_is_wanted_every_two_seconds_and_one_read_at_a_time() {
    let mut play = Play::shop();
    play.pass(60);
    assert!(play.node.leads(play.now.mono) && !play.node.stopped());
    assert_eq!(play.node.leader(), Some(&"a".into()));
    let gaps = play.gaps(intents);
    assert!(gaps.len() >= 28 && gaps.iter().all(|gap| *gap == 2_000), "{gaps:?}");
    let silent = Play { silent: true, ..Play::new() };
    let mut silent = silent.with(vec![examples::shop()]);
    silent.pass(60);
    assert!(silent.wakes < 600, "{} times", silent.wakes);
    let gaps = &silent.gaps(intents)[..];
    assert!(gaps.len() >= 10 && gaps.iter().all(|gap| *gap == 5_000), "{gaps:?}");
}

#[test]
fn a_node_is_woken_when_something_is_due_and_rests_meanwhile() {
    let mut play = Play::shop();
    play.pass(120);
    let rounds = |every: u64, of: fn(&Op) -> bool| {
        let gaps = play.gaps(of);
        assert!(gaps.iter().all(|gap| *gap == 0 || *gap == every * 1_000), "{gaps:?}");
        assert!(!gaps.is_empty());
    };
    rounds(15, |op| matches!(op, Op::Kube(_, crate::op::KubeOp::Fence(_))));
    rounds(10, |op| matches!(op, Op::Elb(_, crate::op::ElbOp::TargetHealth(_))));
    rounds(60, |op| matches!(op, Op::Store(StoreOp::Facts { .. })));
    rounds(10, |op| matches!(op, Op::Store(StoreOp::Read { .. })));
    let serving = Decision::Hold(HoldWhy::Serving);
    assert_eq!(play.node.decision(&"shop".into()), Some(&serving));
    assert!(play.wakes < 600, "{} times", play.wakes);
}

#[test]
fn what_is_wanted_is_done_as_soon_as_it_is_read_and_once() {
    let mut play = Play::shop();
    play.pass(30);
    assert_eq!(play.records(), [""; 0]);
    play.says("u1", &Intent::Pause { reason: "deploy".into() });
    play.pass(2);
    assert_eq!(play.records(), ["IntentTaken", "Paused"]);
    assert!(play.node.ledger(&"shop".into()).unwrap().paused.is_some());
    play.pass(30);
    assert_eq!(play.records().len(), 2);
}

#[test]
fn who_does_not_lead_looks_and_does_nothing() {
    let follower = Play { other_leads: true, ..Play::new() };
    let mut play = follower.with(vec![examples::shop()]);
    play.says("u1", &Intent::Resume);
    play.pass(60);
    assert!(!play.node.leads(play.now.mono));
    assert_eq!(play.node.leader(), Some(&"other".into()));
    assert_eq!((play.gaps(intents).len(), play.records().len()), (0, 0));
    assert!(play.wakes < 600, "{} times", play.wakes);
    assert_eq!(play.node.decision(&"shop".into()), None);
    let status = play.node.status(&"shop".into(), play.now).unwrap();
    assert_eq!(status.decision, "nothing is decided: this replica does not lead");
    assert_eq!(status.leader.as_deref(), Some("other"));
    assert!(
        status.sites[0].signals.iter().any(|signal| signal.good > 0),
        "it samples all the same"
    );
}

#[test]
fn a_leader_that_is_stopped_leads_no_more_and_says_when_it_is_over() {
    let mut play = Play::shop();
    play.pass(20);
    assert!(play.node.leads(play.now.mono) && !play.node.stopped());
    play.input(Input::Stop);
    assert!(play.node.stopped() && !play.node.leads(play.now.mono));
    play.made.clear();
    play.pass(20);
    assert!(!play.made.iter().any(|(_, op)| intents(op)));
}

#[test]
fn a_group_whose_policy_stays_goes_on_and_one_whose_policy_changed_begins_anew() {
    let mut play = Play::shop();
    play.pass(30);
    play.says("u1", &Intent::Pause { reason: "deploy".into() });
    play.pass(2);
    let (shop, mart) = (examples::shop(), mart());
    let known = |play: &Play| play.node.missing(&"shop".into()).is_empty();
    assert!(known(&play));
    let reads = play.made.len();
    play.input(Input::Policies(vec![mart.clone(), shop.clone()]));
    assert_eq!(play.node.refused(), []);
    assert!(known(&play), "its place in the list does not matter");
    let again = |(_, op): &&(Mono, Op)| format!("{op:?}").contains("Deployment shop/web");
    assert_eq!(play.made[reads..].iter().filter(again).count(), 0);
    let changed = Policy { cool_down: Span::secs(1), ..shop };
    let mut out = Vec::new();
    play.node.handle(play.now, Input::Policies(vec![changed]), &mut out);
    assert!(!known(&play), "its world is looked at anew");
    assert!(play.node.ledger(&"mart".into()).is_none());
    // An answer to a call of the group that was here before is nobody's.
    assert!(out.iter().any(|call| matches!(call.op, Op::Store(StoreOp::Read { .. }))));
}

#[test]
fn answers_reach_the_group_whose_calls_they_answer() {
    let mut play = Play::new().with(vec![examples::shop(), mart()]);
    let mut book = Book::default();
    book.write(vec![Record::Armed]);
    let armed = Stored { seq: 1, bytes: book.entries[0].clone() };
    play.chain(&"mart".into()).push(armed);
    play.pass(30);
    let of = |name: &str| play.node.ledger(&name.into()).map(|ledger| ledger.armed);
    assert_eq!((of("shop"), of("mart"), of("other")), (Some(false), Some(true), None));
    let active = play.node.status(&"mart".into(), play.now).map(|status| status.active);
    assert_eq!(active, Some(Site::Home));
}

#[test]
fn s1_a_leader_whose_lease_ran_out_sends_nothing_although_its_record_is_stored() {
    let sends = |after: Span| {
        let begun = Play { held: Some(None), ..Play::new() };
        let mut play = begun.with(vec![examples::shop()]);
        play.pass(90);
        let (accept_loss, reason) = (Some(Span::secs(600)), "flood".into());
        play.says("u1", &Intent::Failover { accept_loss, reason, break_glass: None });
        play.pass(5);
        let Some(Some(id)) = play.held else { panic!("{:?}", play.records()) };
        let now = Now { mono: play.now.mono + after, wall: play.now.wall + after };
        let mut out = Vec::new();
        let result = Ok(Answer::Ok);
        play.node.handle(now, Input::Reply { id, result }, &mut out);
        out.iter().any(|call| call.op.mutates() && !matches!(call.op, Op::Lease(_) | Op::Store(_)))
    };
    assert!(sends(Span::ZERO), "its record is stored, and it leads");
    assert!(!sends(Span::secs(15)), "somebody else may lead by now");
}
