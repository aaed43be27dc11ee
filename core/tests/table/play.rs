//! Plays a row: the node that ships, on virtual time, in the world that the row tells, up to the
//! instant of the decision. Its store takes no record, so that it decides and begins nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::decide::Decision;
use bowline_core::lease::LeaseTimes;
use bowline_core::model::{Mono, Now, Wall};
use bowline_core::node::{GroupStatus, Input, Node, NodeConfig};
use bowline_core::op::{Answer, Call, CallId, FactsView, LeaseOp, LeaseView, Notice, Op, StoreOp};

use super::answers::{Answers, Reply};
use super::group::{Group, distinct, told};
use super::shape::{Bases, Row};
use super::value::Offset;

/// When Bowline's process starts, unless the row says when.
const STARTS: Offset = Offset(-5 * 60_000);

/// For how long the world is as in the beginning while peacetime facts are recorded.
const PEACE: Offset = Offset(90_000);

/// The wall time of 0s, unless the row says which: Monday, 2026-07-06T12:00:00Z.
const NOON: Wall = Wall(1_783_339_200_000);

/// What came of a row.
pub(super) struct Played {
    pub(super) decision: Option<Decision>,
    pub(super) status: GroupStatus,
    /// What people were told of the group, oldest first.
    pub(super) told: Vec<Notice>,
}

/// Plays a row.
///
/// # Errors
/// What is wrong with the row itself, after the field that is wrong.
pub(super) fn play(bases: &Bases, row: &Row) -> Result<Played, String> {
    let told = told(row);
    distinct(&told)?;
    let zero = row.zero.map_or(NOON, |zero| Wall(zero.0));
    let groups = told.iter().enumerate();
    let groups = groups.map(|(index, told)| Group::new(bases, told, index, zero));
    let groups: Vec<_> = groups.collect::<Result<_, _>>()?;
    let starts = row.starts.unwrap_or(STARTS);
    if row.at <= starts {
        return Err(format!("at: {} lies before the process starts, {starts}", row.at));
    }
    if let Some(late) = groups.iter().filter_map(Group::last_change).find(|last| *last > row.at) {
        return Err(format!("then: {late} lies after the decision, at {}", row.at));
    }
    let answers = Answers::new(&groups, zero);
    let mut stage = Stage::new(&answers, starts);
    for group in groups.iter().filter(|group| !group.no_facts) {
        stage.facts.insert(group.name.as_str().into(), peacetime(bases, group)?);
    }
    stage.play(starts, row.at)?;
    for (index, group) in groups.iter().enumerate() {
        if let Some(name) = answers.unasked(index).first() {
            return Err(format!("then: nobody looks at {name} of group {}", group.name));
        }
    }
    stage.end(row.at)
}

/// A node, its clock, and what stands for the management cluster.
struct Stage<'a> {
    answers: &'a Answers<'a>,
    node: Node,
    starts: Offset,
    facts: BTreeMap<Arc<str>, Arc<str>>,
    leases: u64,
    told: Vec<Notice>,
    /// How often it was woken: a node that never rests would play for ever.
    wakes: u64,
}

impl<'a> Stage<'a> {
    fn new(answers: &'a Answers<'a>, starts: Offset) -> Self {
        let lease = LeaseTimes::default();
        let node = Node::new(NodeConfig { id: "table".into(), lease });
        let (facts, told) = (BTreeMap::new(), Vec::new());
        Self { answers, node, starts, facts, leases: 0, told, wakes: 0 }
    }

    fn now(&self, at: Offset) -> Now {
        let mono = u64::try_from(at.0 - self.starts.0).unwrap_or(0);
        Now { mono: Mono(mono), wall: Wall(self.answers.zero.0 + at.0) }
    }

    fn play(&mut self, from: Offset, to: Offset) -> Result<(), String> {
        let groups = self.answers.groups.iter();
        let policies = groups.map(|group| group.policy.clone()).collect();
        self.input(from, Input::Policies(policies));
        let mut at = from;
        while at < to {
            let wake = self.node.wake_at().map_or(i64::MAX, |mono| {
                self.starts.0.saturating_add(i64::try_from(mono.0).unwrap_or(i64::MAX))
            });
            at = Offset(wake.max(at.0 + 1).min(to.0));
            self.input(at, Input::Wake);
            self.wakes += 1;
            if self.wakes > 1_000_000 {
                return Err("at: it is too far away to be played".into());
            }
        }
        // Once more, so that every group has seen what the others came to.
        self.input(to, Input::Wake);
        match self.node.refused().first() {
            Some(conflict) => Err(format!("policy: {conflict}")),
            None => Ok(()),
        }
    }

    fn input(&mut self, at: Offset, input: Input) {
        let now = self.now(at);
        let mut out = Vec::new();
        self.node.handle(now, input, &mut out);
        while let Some((id, op)) = in_order(&mut out) {
            let Some(result) = self.reply(&op, at) else { continue };
            self.node.handle(now, Input::Reply { id, result }, &mut out);
        }
    }

    fn reply(&mut self, op: &Op, at: Offset) -> Reply {
        match op {
            Op::Store(op) => self.store(op, at),
            Op::Lease(LeaseOp::Read) => Some(Ok(Answer::Lease(None::<LeaseView>))),
            Op::Lease(LeaseOp::Write { .. }) => {
                self.leases += 1;
                Some(Ok(Answer::Written(self.leases.to_string().as_str().into())))
            }
            Op::Notify(notice) => {
                self.told.push(notice.clone());
                Some(Ok(Answer::Ok))
            }
            op => self.answers.answer(op, at),
        }
    }

    fn store(&mut self, op: &StoreOp, at: Offset) -> Reply {
        Some(Ok(match op {
            StoreOp::Read { group, after } => {
                let group = self.answers.groups.iter().find(|own| own.name == *group)?;
                let upto = group.journal.written(self.now(at).wall);
                let entries = upto.iter().filter(|entry| entry.seq > *after);
                Answer::Entries(entries.cloned().collect())
            }
            // Neither yes nor no: the decision stays what it is, and nothing is begun.
            StoreOp::Append { .. } => return None,
            StoreOp::Intents => Answer::Intents(Vec::new()),
            StoreOp::Facts { group } => {
                let bytes = self.facts.get(group.as_str()).cloned();
                Answer::Facts(bytes.map(|bytes| FactsView { version: "1".into(), bytes }))
            }
            StoreOp::PutFacts { group, bytes, .. } => {
                self.facts.insert(group.as_str().into(), Arc::clone(bytes));
                Answer::Written("1".into())
            }
        }))
    }

    fn end(self, at: Offset) -> Result<Played, String> {
        let now = self.now(at);
        let name = &self.answers.groups[0].name;
        let status = self.node.status(name, now).ok_or("policy: the node has no such group")?;
        let told = self.told.into_iter().filter(|notice| notice.group == *name).collect();
        Ok(Played { decision: self.node.decision(name).cloned(), status, told })
    }
}

/// Peacetime facts of a group, as the node itself records them in a while of peace.
fn peacetime(bases: &Bases, group: &Group) -> Result<Arc<str>, String> {
    let peace = [group.in_peace(bases)?];
    let answers = Answers::new(&peace, NOON);
    let from = Offset(0);
    let mut stage = Stage::new(&answers, from);
    stage.play(from, Offset(from.0 + PEACE.0))?;
    let facts = stage.facts.remove(group.name.as_str());
    facts.ok_or_else(|| "policy: peacetime facts do not come about with it".to_owned())
}

fn in_order(calls: &mut Vec<Call>) -> Option<(CallId, Op)> {
    (!calls.is_empty()).then(|| calls.remove(0)).map(|call| (call.id, call.op))
}
