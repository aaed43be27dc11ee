//! Looks at addresses that have nothing to do with either site: when none answers, Bowline is the
//! one cut off.

use crate::health::{Contact, Reach};
use crate::model::{Mono, Span};
use crate::op::{Answer, Fault, HttpProbe, Op, ProbeOp};
use crate::policy::{Canary, Policy};

/// How often each is asked.
const EVERY: Span = Span::secs(10);

/// How long an answer may take.
const TIMEOUT: Span = Span::secs(3);

/// The canaries of a group.
#[derive(Debug, Default)]
pub(super) struct Canaries {
    contacts: Vec<Contact>,
    due: Mono,
}

impl Canaries {
    pub(super) fn new(policy: &Policy) -> Self {
        let contacts = vec![Contact::default(); policy.health.canaries.len()];
        Self { contacts, due: Mono(0) }
    }

    /// The questions that are due: which canary, and the call.
    pub(super) fn due(&mut self, policy: &Policy, now: Mono) -> Vec<(usize, Op)> {
        if self.wake_at().is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.due = now + EVERY;
        policy.health.canaries.iter().map(question).enumerate().collect()
    }

    /// How long the node waits for an answer.
    pub(super) fn timeout(&self) -> Span {
        TIMEOUT + Span::millis(500)
    }

    /// Takes an answer of any status, or why there is none; whether it tells anything new.
    pub(super) fn take(&mut self, canary: usize, result: &Result<Answer, Fault>) -> bool {
        let before = self.reach();
        if let Some(contact) = self.contacts.get_mut(canary) {
            contact.observe(result);
        }
        self.reach() != before
    }

    /// Silent when all of them are.
    pub(super) fn reach(&self) -> Reach {
        let all = |wanted| self.contacts.iter().all(|contact| contact.reach() == wanted);
        let any = |wanted| self.contacts.iter().any(|contact| contact.reach() == wanted);
        if !self.contacts.is_empty() && all(Reach::Silent) {
            Reach::Silent
        } else if any(Reach::Answers) {
            Reach::Answers
        } else {
            Reach::NotAsked
        }
    }

    /// When they are asked next.
    pub(super) fn wake_at(&self) -> Option<Mono> {
        (!self.contacts.is_empty()).then_some(self.due)
    }
}

fn question(canary: &Canary) -> Op {
    Op::Probe(ProbeOp::Http(HttpProbe {
        connect: canary.host.clone(),
        addresses: Vec::new(),
        tls: canary.tls,
        port: canary.port,
        host: canary.host.clone(),
        path: canary.path.clone(),
        writes: false,
        site_header: None,
        timeout: TIMEOUT,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::examples;

    fn two() -> (Policy, Canaries) {
        let mut policy = examples::shop();
        let canary =
            |host: &str| Canary { tls: true, host: host.into(), port: 443, path: "/".into() };
        policy.health.canaries = vec![canary("a.example"), canary("b.example")];
        let canaries = Canaries::new(&policy);
        (policy, canaries)
    }

    #[test]
    fn s4_canaries_are_silent_only_when_all_of_them_are() {
        let (_, mut canaries) = two();
        assert_eq!(canaries.reach(), Reach::NotAsked);
        let lost = Err(Fault::Unknown("timed out".into()));
        assert!((0..3).all(|_| !canaries.take(0, &lost)), "that alone is no news");
        assert_eq!(canaries.reach(), Reach::NotAsked, "the other one may yet answer");
        assert!(canaries.take(1, &Ok(Answer::Ok)));
        assert_eq!(canaries.reach(), Reach::Answers);
        assert_eq!([(); 3].map(|()| canaries.take(1, &lost)), [false, false, true]);
        assert_eq!(canaries.reach(), Reach::Silent);
    }

    #[test]
    fn each_is_asked_in_its_rhythm_and_none_where_there_is_none() {
        let (policy, mut canaries) = two();
        assert_eq!(canaries.due(&policy, Mono(5)).len(), 2);
        assert_eq!(canaries.due(&policy, Mono(6)), []);
        assert_eq!(canaries.wake_at(), Some(Mono(10_005)));
        assert_eq!(canaries.due(&policy, Mono(10_004)), []);
        assert_eq!(canaries.due(&policy, Mono(10_005)).len(), 2);
        assert_eq!(canaries.timeout(), Span::millis(3_500), "its own time, and half a second");
        let none = examples::shop();
        let mut canaries = Canaries::new(&none);
        assert_eq!((canaries.due(&none, Mono(5)), canaries.wake_at()), (Vec::new(), None));
        assert_eq!(canaries.reach(), Reach::NotAsked);
    }
}
