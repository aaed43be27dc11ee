//! The loop around the node: replies, policies, the wake time and the wish to stop go in, calls go
//! out. It decides nothing; the simulator's heap does the same without it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bowline_core::model::{Answer3, GroupName};
use bowline_core::node::{GroupStatus, Input, Node, SiteStatus};
use bowline_core::op::{Answer, Call, CallId, Fault};
use bowline_core::policy::Policy;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, timeout_at};

use super::clock::Clock;
use super::first_look::FirstLook;
use super::journal::Journal;
use super::shared::{Shared, Snapshot};
use crate::edges::Remote;

/// How often the snapshot is written, at least.
const BEAT: Duration = Duration::from_secs(1);

/// The least time between two wakes, should the node ask for a time that is over.
const REST: Duration = Duration::from_millis(1);

/// What comes in.
#[derive(Debug)]
pub(super) enum Event {
    /// A call ended.
    Reply {
        /// Which.
        id: CallId,
        /// Its outcome.
        result: Result<Answer, Fault>,
        /// How long it took.
        took: Duration,
    },
    /// The policies in force, all of them.
    Policies(Vec<Policy>),
    /// Stop cleanly.
    Stop,
}

/// The loop's state.
pub(super) struct Driver {
    pub(super) node: Node,
    pub(super) clock: Clock,
    pub(super) remote: Arc<dyn Remote>,
    pub(super) events: UnboundedSender<Event>,
    pub(super) journal: Journal,
    pub(super) first_look: FirstLook,
    pub(super) shared: Arc<Shared>,
    pub(super) groups: Vec<GroupName>,
    pub(super) read: BTreeSet<GroupName>,
    pub(super) led: bool,
}

impl Driver {
    /// Runs until a clean stop is over, or until `grace` after it was asked for. Gives whether the
    /// stop was clean.
    pub(super) async fn run(
        mut self,
        mut incoming: UnboundedReceiver<Event>,
        grace: Duration,
    ) -> bool {
        let mut beat = Instant::now();
        let mut give_up = None;
        while !(give_up.is_some() && self.node.stopped()) {
            let next = self.next(beat, give_up);
            let event = match timeout_at(next, incoming.recv()).await {
                Ok(Some(event)) => Some(event),
                Ok(None) => return false,
                Err(_) => None,
            };
            if matches!(event, Some(Event::Stop)) && give_up.is_none() {
                tracing::info!("stopping: the lease is released");
                give_up = Some(Instant::now() + grace);
            }
            self.turn(event);
            if give_up.is_some_and(|at| at <= Instant::now()) {
                return self.node.stopped();
            }
            if beat <= Instant::now() {
                self.publish();
                beat = Instant::now() + BEAT;
            }
        }
        true
    }

    /// When the loop turns at the latest.
    fn next(&self, beat: Instant, give_up: Option<Instant>) -> Instant {
        let wake = self.node.wake_at().map(|at| self.clock.instant(at));
        let soonest = [wake, Some(beat), give_up].into_iter().flatten().min().unwrap_or(beat);
        soonest.max(Instant::now() + REST)
    }

    fn turn(&mut self, event: Option<Event>) {
        let adopts = matches!(event, Some(Event::Policies(_)));
        let input = match event {
            None => Input::Wake,
            Some(Event::Stop) => Input::Stop,
            Some(Event::Policies(policies)) => self.adopt(policies),
            Some(Event::Reply { id, result, took }) => {
                let read = self.journal.replied(id, &result, took, &self.shared.metrics);
                if let Some(group) = read.filter(|group| !self.read.contains(group)) {
                    tracing::info!(%group, "journal read");
                    self.read.insert(group);
                    self.publish();
                }
                self.first_look.replied(id);
                Input::Reply { id, result }
            }
        };
        let mut calls = Vec::new();
        self.node.handle(self.clock.now(), input, &mut calls);
        calls.into_iter().for_each(|call| self.send(call));
        if adopts {
            self.leave_out_conflicts();
        }
        self.notice_leadership();
        self.shared.turn();
    }

    fn adopt(&mut self, policies: Vec<Policy>) -> Input {
        self.groups = policies.iter().map(|policy| policy.group.clone()).collect();
        let groups = &self.groups;
        self.read.retain(|group| groups.contains(group));
        self.remote.adopt(&policies);
        self.first_look.begin(Instant::now());
        self.shared.snapshot().has_policies = true;
        self.publish();
        Input::Policies(policies)
    }

    /// A group that lists what another has is not looked after: said once, and not waited for.
    fn leave_out_conflicts(&mut self) {
        let conflicts = self.node.refused();
        conflicts.iter().for_each(|no| tracing::error!(group = %no.group, "{no}"));
        self.groups.retain(|group| !conflicts.iter().any(|no| no.group == *group));
        self.shared.snapshot().conflicts = conflicts.len();
        self.publish();
    }

    /// Each call is a task of its own. One that panics gives no reply: the node times it out.
    fn send(&mut self, call: Call) {
        self.journal.sends(&call);
        self.first_look.sends(&call, Instant::now());
        let deadline = self.clock.instant(call.deadline);
        let (remote, events) = (Arc::clone(&self.remote), self.events.clone());
        tokio::spawn(async move {
            let began = Instant::now();
            let result = remote.perform(&call.op, deadline).await;
            // Nobody listens any more when the process stops.
            let _ = events.send(Event::Reply { id: call.id, result, took: began.elapsed() });
        });
    }

    fn notice_leadership(&mut self) {
        let leads = self.node.leads(self.clock.now().mono);
        if leads != self.led {
            self.led = leads;
            let now = if leads { "leads" } else { "follows" };
            tracing::info!(replica = %self.node.id(), "{now}");
            self.publish();
        }
    }

    fn publish(&self) {
        let now = self.clock.now();
        let groups: Vec<_> =
            self.groups.iter().filter_map(|group| self.node.status(group, now)).collect();
        let unread = self.groups.iter().filter(|group| !self.read.contains(*group));
        let mut snapshot = self.shared.snapshot();
        report_changes(&snapshot, &groups);
        snapshot.unread = unread.cloned().collect();
        (snapshot.groups, snapshot.leads) = (groups, self.led);
        snapshot.looked = self.first_look.over(Instant::now());
    }
}

/// A line for every decision, and every verdict, that is another than before.
fn report_changes(before: &Snapshot, groups: &[GroupStatus]) {
    for group in groups {
        let old = before.groups.iter().find(|old| old.group == group.group);
        let name = &group.group;
        if !group.decision.is_empty() && old.is_none_or(|old| old.decision != group.decision) {
            tracing::info!(group = %name, "decided: {}", group.decision);
        }
        for (old, site) in old.iter().flat_map(|old| old.sites.iter().zip(&group.sites)) {
            report_verdict(name, (&old.serving, &site.serving), site, "serving");
            report_verdict(name, (&old.ready, &site.ready), site, "ready");
        }
    }
}

fn report_verdict(
    group: &GroupName,
    (was, is): (&Option<Answer3>, &Option<Answer3>),
    site: &SiteStatus,
    question: &'static str,
) {
    let Some(answer) = is.filter(|_| was != is) else { return };
    tracing::info!(%group, site = %site.site, "{question}: {answer}");
}
