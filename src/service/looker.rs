//! A replica that only looks: the same node, behind edges that let nothing through that changes
//! anything. It never leads. What it saw is what `plan` and `check` tell.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bowline_core::lease::LeaseTimes;
use bowline_core::model::{GroupName, Now, ReplicaId};
use bowline_core::node::{Input, Node, NodeConfig};
use bowline_core::op::{Answer, Call, CallId, Fault, Op, StoreOp};
use bowline_core::policy::Policy;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::clock::Clock;
use crate::edges::Remote;
use crate::edges::read_only::ReadOnly;

/// How long one look of a plan's step may take.
const LOOK: Duration = Duration::from_secs(8);

/// How long to look on when everything was answered once: metrics and rules come after instances
/// and load balancers.
const SETTLE: Duration = Duration::from_millis(1_500);

/// What became of a call.
type Reply = (CallId, Result<Answer, Fault>);

/// A node that only looks.
pub struct Looker {
    node: Node,
    clock: Clock,
    remote: Arc<dyn Remote>,
    replies: (UnboundedSender<Reply>, UnboundedReceiver<Reply>),
    /// Reads of chains that are on their way.
    reads: BTreeSet<(CallId, GroupName)>,
    /// Groups whose chain was read to its end.
    read: BTreeSet<GroupName>,
}

impl Looker {
    /// A node that has seen nothing yet, over edges that may do anything.
    #[must_use]
    pub fn new(remote: Arc<dyn Remote>, policies: Vec<Policy>) -> Self {
        Self::at(Clock::new(), remote, policies)
    }

    fn at(clock: Clock, remote: Arc<dyn Remote>, policies: Vec<Policy>) -> Self {
        let mut looker = Self {
            node: Node::new(NodeConfig { id: nobody(), lease: LeaseTimes::default() }),
            clock,
            remote: Arc::new(ReadOnly::new(remote)),
            replies: unbounded_channel(),
            reads: BTreeSet::new(),
            read: BTreeSet::new(),
        };
        looker.remote.adopt(&policies);
        looker.handle(Input::Policies(policies));
        looker
    }

    /// The node, with what it saw.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// What time it is for the node.
    #[must_use]
    pub fn now(&self) -> Now {
        self.clock.now()
    }

    /// Looks until everything about a group was answered, or for so long. Gives what is missing.
    pub async fn look(&mut self, group: &GroupName, patience: Duration) -> Vec<String> {
        let until = Instant::now() + patience;
        let mut settled: Option<Instant> = None;
        loop {
            let missing = self.missing(group);
            match (missing.is_empty(), settled) {
                (true, None) => settled = Some((Instant::now() + SETTLE).min(until)),
                (true, Some(at)) if at <= Instant::now() => return missing,
                (true, Some(_)) => {}
                (false, _) if until <= Instant::now() => return missing,
                (false, _) => settled = None,
            }
            self.turn(settled.unwrap_or(until)).await;
        }
    }

    /// What was not answered yet.
    fn missing(&self, group: &GroupName) -> Vec<String> {
        let mut missing = self.node.missing(group);
        if !self.read.contains(group) {
            missing.insert(0, format!("the journal of {group}: not read to its end"));
        }
        missing
    }

    /// Looks that belong to no group's survey, all at once.
    pub async fn ask(&self, ops: Vec<Op>) -> Vec<(Op, Result<Answer, Fault>)> {
        let deadline = Instant::now() + LOOK;
        let mut asked = Vec::new();
        for op in ops {
            let (remote, of) = (Arc::clone(&self.remote), op.clone());
            let task = tokio::spawn(async move { remote.perform(&of, deadline).await });
            asked.push((op, task));
        }
        let mut answers = Vec::new();
        for (op, task) in asked {
            let answer = match task.await {
                Ok(answer) => answer,
                Err(e) => Err(Fault::Transient(e.to_string())),
            };
            answers.push((op, answer));
        }
        answers
    }

    /// Waits for the next reply or wake, and hands it to the node.
    async fn turn(&mut self, until: Instant) {
        let wake = self.node.wake_at().map(|at| self.clock.instant(at));
        let rest = Instant::now() + Duration::from_millis(1);
        let next = wake.map_or(until, |wake| wake.min(until)).max(rest);
        match timeout_at(next, self.replies.1.recv()).await {
            Ok(Some((id, result))) => {
                self.heard(id, &result);
                self.handle(Input::Reply { id, result });
            }
            Ok(None) | Err(_) => self.handle(Input::Wake),
        }
    }

    fn heard(&mut self, id: CallId, result: &Result<Answer, Fault>) {
        let Some(read) = self.reads.iter().find(|(call, _)| *call == id).cloned() else { return };
        self.reads.remove(&read);
        if matches!(result, Ok(Answer::Entries(entries)) if entries.is_empty()) {
            self.read.insert(read.1);
        }
    }

    fn handle(&mut self, input: Input) {
        let mut calls = Vec::new();
        self.node.handle(self.clock.now(), input, &mut calls);
        calls.into_iter().for_each(|call| self.send(call));
    }

    fn send(&mut self, call: Call) {
        if let Op::Store(StoreOp::Read { group, .. }) = &call.op {
            self.reads.insert((call.id, group.clone()));
        }
        let deadline = self.clock.instant(call.deadline);
        let (remote, replies) = (Arc::clone(&self.remote), self.replies.0.clone());
        tokio::spawn(async move {
            let result = remote.perform(&call.op, deadline).await;
            // Nobody listens any more when the command is over.
            let _ = replies.send((call.id, result));
        });
    }
}

/// A name for somebody who never writes it anywhere.
fn nobody() -> ReplicaId {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    ReplicaId::new(format!("looking-{:x}-{:x}", since.as_millis(), std::process::id()))
}

#[cfg(test)]
#[path = "looker_tests.rs"]
mod tests;
