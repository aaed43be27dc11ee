//! Telling people: when a run starts, asks, ends; an ask again and again until it is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Author, Mono, Now, RunId, Span};
use crate::op::{Notice, Op};
use crate::policy::Policy;

/// How long a notice may take, and how long until a failed one is tried again.
const TIMEOUT: Span = Span::secs(10);

/// How often a failed notice is tried again before it is given up.
const TRIES: u32 = 5;

/// What people are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// `runStarted`, `ask`, `runEnded`, `alert`.
    pub(super) kind: &'static str,
    /// The run.
    pub(super) run: Option<RunId>,
    /// One line.
    pub(super) title: String,
    /// The rest.
    pub(super) body: String,
}

/// Notices on their way.
#[derive(Debug, Default)]
pub(super) struct Notices {
    last: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// The ask that is repeated until it is gone: per target, when it was last told.
    ask: Option<(Message, Vec<Option<Mono>>)>,
}

#[derive(Debug)]
struct Waiting {
    message: Message,
    target: usize,
    due: Mono,
    tries: u32,
    in_flight: bool,
}

impl Notices {
    /// Tells everybody once.
    pub(super) fn tell(&mut self, policy: &Policy, message: &Message, now: Mono) {
        for target in 0..policy.notify.len() {
            self.queue(target, message.clone(), now);
        }
    }

    fn queue(&mut self, target: usize, message: Message, due: Mono) {
        self.last += 1;
        let waiting = Waiting { message, target, due, tries: 0, in_flight: false };
        self.waiting.insert(self.last, waiting);
    }

    /// What is asked now; told at once when it is new, and again as the policy says.
    pub(super) fn asking(&mut self, policy: &Policy, message: Option<Message>, now: Mono) {
        let Some(message) = message else {
            self.ask = None;
            return;
        };
        if self.ask.as_ref().is_none_or(|(asked, _)| asked.title != message.title) {
            self.ask = Some((message, vec![None; policy.notify.len()]));
        }
        let Some((message, told)) = &mut self.ask else { return };
        let message = message.clone();
        let mut due = Vec::new();
        for (target, (notify, told)) in policy.notify.iter().zip(told).enumerate() {
            if told.is_none_or(|at| now >= at + notify.repeat) {
                *told = Some(now);
                due.push(target);
            }
        }
        due.into_iter().for_each(|target| self.queue(target, message.clone(), now));
    }

    /// The calls that are due: number, time-out, call.
    pub(super) fn due(&mut self, policy: &Policy, by: &Author, now: Now) -> Vec<(u64, Span, Op)> {
        let ready = |w: &Waiting| !w.in_flight && w.due <= now.mono;
        let call = |(number, waiting): (&u64, &mut Waiting)| {
            waiting.in_flight = true;
            let notice = Notice {
                group: policy.group.clone(),
                run: waiting.message.run.clone(),
                target: waiting.target,
                kind: Arc::from(waiting.message.kind),
                title: waiting.message.title.clone(),
                body: waiting.message.body.clone(),
                by: by.clone(),
            };
            (*number, TIMEOUT, Op::Notify(notice))
        };
        self.waiting.iter_mut().filter(|(_, w)| ready(w)).map(call).collect()
    }

    /// What became of a notice.
    pub(super) fn reply(&mut self, number: u64, told: bool, now: Mono) {
        let Some(waiting) = self.waiting.get_mut(&number) else { return };
        waiting.in_flight = false;
        waiting.tries += 1;
        waiting.due = now + TIMEOUT;
        if told || waiting.tries >= TRIES {
            self.waiting.remove(&number);
        }
    }

    /// When the next notice is due.
    pub(super) fn wake_at(&self, policy: &Policy) -> Option<Mono> {
        let waiting = self.waiting.values().filter(|w| !w.in_flight).map(|w| w.due);
        let told = self.ask.iter().flat_map(|(_, told)| policy.notify.iter().zip(told));
        let again = told.filter_map(|(notify, told)| told.map(|at| at + notify.repeat));
        waiting.chain(again).min()
    }
}
