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

impl Message {
    /// Whether it asks what another one does. One about a run asks word by word what was recorded;
    /// before a run the rest tells what is seen just now.
    fn asks_the_same(&self, other: &Self) -> bool {
        self.title == other.title && (self.run.is_none() || self.body == other.body)
    }
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
        if self.ask.as_ref().is_none_or(|(asked, _)| !asked.asks_the_same(&message)) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Wall;
    use crate::policy::examples;

    fn at(secs: u64) -> Now {
        Now { mono: Mono(secs * 1_000), wall: Wall(0) }
    }

    fn message(title: &str) -> Message {
        Message { kind: "ask", run: None, title: title.into(), body: "body".into() }
    }

    /// The shop, whose people are told over one channel.
    fn shop() -> Policy {
        let policy = examples::shop();
        assert_eq!(policy.notify.len(), 1);
        policy
    }

    fn due(notices: &mut Notices, secs: u64) -> Vec<(u64, String)> {
        let by = Author::Controller("a".into());
        let calls = notices.due(&shop(), &by, at(secs)).into_iter();
        let told = calls.map(|(number, _, op)| match op {
            Op::Notify(notice) => (number, notice.title),
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    #[test]
    fn everybody_is_told_once_and_each_notice_has_a_number_of_its_own() {
        let mut notices = Notices::default();
        for title in ["one", "two", "three"] {
            notices.tell(&shop(), &message(title), at(1).mono);
        }
        assert_eq!(notices.wake_at(&shop()), Some(at(1).mono));
        assert_eq!(due(&mut notices, 0), [], "not before its time");
        let told = due(&mut notices, 1);
        assert_eq!(
            told.iter().map(|(_, title)| &**title).collect::<Vec<_>>(),
            ["one", "two", "three"]
        );
        assert_eq!(due(&mut notices, 2), [], "they are on their way");
        for (number, _) in told {
            notices.reply(number, true, at(2).mono);
        }
        assert_eq!(due(&mut notices, 600), []);
        assert_eq!(notices.wake_at(&shop()), None);
    }

    #[test]
    fn a_notice_that_fails_is_sent_again_after_a_pause_five_times_in_all() {
        let mut notices = Notices::default();
        notices.tell(&shop(), &message("one"), at(0).mono);
        for attempt in 0..5 {
            let now = attempt * 10;
            if attempt > 0 {
                assert_eq!(due(&mut notices, now - 1), []);
            }
            let told = due(&mut notices, now);
            assert_eq!(told.len(), 1, "attempt {attempt}");
            notices.reply(told[0].0, false, at(now).mono);
        }
        assert_eq!(due(&mut notices, 3_600), [], "it is given up");
    }

    #[test]
    fn a_question_is_repeated_as_the_policy_says_until_it_is_gone() {
        let mut notices = Notices::default();
        let repeat = shop().notify[0].repeat.as_millis() / 1_000;
        let ask = |notices: &mut Notices, secs: u64, title: Option<&str>| {
            notices.asking(&shop(), title.map(message), at(secs).mono);
            let told = due(notices, secs);
            told.iter().for_each(|(number, _)| notices.reply(*number, true, at(secs).mono));
            told.into_iter().map(|(_, title)| title).collect::<Vec<_>>()
        };
        assert_eq!(ask(&mut notices, 0, Some("A?")), ["A?"]);
        assert_eq!(notices.wake_at(&shop()), Some(at(repeat).mono));
        assert_eq!(ask(&mut notices, repeat - 1, Some("A?")), [""; 0]);
        assert_eq!(ask(&mut notices, repeat, Some("A?")), ["A?"]);
        assert_eq!(ask(&mut notices, repeat + 1, Some("B?")), ["B?"], "another one, at once");
        assert_eq!(ask(&mut notices, repeat + 2, None), [""; 0]);
        assert_eq!(notices.wake_at(&shop()), None);
        assert_eq!(ask(&mut notices, repeat + 3, Some("B?")), ["B?"], "it is asked anew");
    }

    #[test]
    fn a_second_question_of_the_same_step_is_told_at_once() {
        let told = |run: Option<&str>| {
            let mut notices = Notices::default();
            let bodies = ["keep looking?", "go on unfenced?"].map(|body| {
                let run = run.map(Into::into);
                let message = Message { run, body: body.into(), ..message("r1 asks (fence)") };
                notices.asking(&shop(), Some(message), at(1).mono);
                due(&mut notices, 1).len()
            });
            bodies.iter().sum::<usize>()
        };
        assert_eq!(told(Some("r1")), 2);
        assert_eq!(told(None), 1, "before a run the rest is what is seen just now");
    }
}
