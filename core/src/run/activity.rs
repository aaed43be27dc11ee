//! What a replica remembers of a step between two looks. It may be lost at any instant.

use crate::model::{Mono, Span, Wall};
use crate::op::{Answer, Fault, Op};
use crate::step::{Hold, HoldId, Seen};

/// A step that is being worked on.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    /// Since when this replica works on it.
    pub(super) since: Mono,
    /// The answer that gave it its time once more.
    pub(super) renewed: Option<Wall>,
    /// Since when the world has been as wanted without a break, and for how long it must be.
    pub(super) steady: Option<(Mono, Span)>,
    /// Looks that failed in a row.
    pub(super) failures: u32,
    /// What it does now.
    pub(super) doing: Now,
    /// What it last said or met, for people.
    pub(super) note: String,
    /// Whether a standing step found something else than it was planned for: for people to mend.
    pub(super) at_odds: bool,
    /// Whether the last call was refused for sure: it changed nothing, so that nothing of it is yet
    /// to show.
    pub(super) refused: bool,
    /// Until when what was looked at again counts, if the call waits for its record.
    pub(super) fresh: Option<Mono>,
    /// Since when it would act at a site that answers again, and waits.
    pub(super) spares: Option<Mono>,
    /// The hold that the call on its way takes.
    pub(super) takes: Option<HoldId>,
    /// The id of the last change that was accepted.
    pub(super) change: Option<String>,
    /// Tells replies to an earlier look from those to this one.
    pub(super) generation: u64,
}

/// What a step does now.
#[derive(Clone, Debug)]
pub(super) enum Now {
    /// Nothing: it is to look.
    Idle,
    /// It waits for the answers of a look.
    Looking(Look),
    /// It would act, and waits for the answers of a look at what must still be so.
    Confirming(Box<Confirming>),
    /// It waits until a record is in the store; then, if it has a call, that is sent.
    Recording(Option<Op>),
    /// It waits for the outcome of a call that changes something.
    Acting,
    /// It looks again then.
    Until(Mono),
}

/// What would be done, once every step that must still be so was looked at again.
#[derive(Clone, Debug)]
pub(super) struct Confirming {
    /// The call, the hold that it takes, and a line for people.
    pub(super) act: (Op, Option<Box<Hold>>, String),
    /// How many steps were found as they were.
    pub(super) met: usize,
    /// The look at the next.
    pub(super) look: Look,
    /// When the first look began: what was seen is as old as that.
    pub(super) since: Mono,
}

/// The answers of a look as they come in.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// Answers by position. Until one comes, its place says so.
    seen: Vec<Result<Answer, Fault>>,
    /// How many are missing.
    missing: usize,
    /// Which are there.
    there: Vec<bool>,
}

impl Look {
    /// Makes place for the answers of further calls; the position of the first.
    pub(super) fn reserve(&mut self, calls: usize) -> usize {
        let first = self.seen.len();
        self.seen.resize_with(first + calls, || Err(Fault::Unknown("no answer yet".into())));
        self.there.resize(first + calls, false);
        self.missing += calls;
        first
    }

    /// Takes one answer; a second one to the same call is ignored.
    pub(super) fn take(&mut self, slot: usize, result: Result<Answer, Fault>) {
        if !self.lacks(slot) {
            return;
        }
        self.seen[slot] = result;
        self.there[slot] = true;
        self.missing -= 1;
    }

    /// Whether the answer at this position was asked for and is missing.
    fn lacks(&self, slot: usize) -> bool {
        self.there.get(slot) == Some(&false)
    }

    /// Whether every answer that was asked for is there.
    pub(super) fn complete(&self) -> bool {
        self.missing == 0
    }

    /// What was seen.
    pub(super) fn seen(&self) -> Seen<'_> {
        Seen(&self.seen)
    }
}

impl Activity {
    /// A step that begins; its looks are numbered from behind `generation`.
    pub(super) fn new(now: Mono, generation: u64) -> Self {
        Self {
            since: now,
            renewed: None,
            steady: None,
            failures: 0,
            doing: Now::Idle,
            note: String::new(),
            at_odds: false,
            refused: false,
            fresh: None,
            spares: None,
            takes: None,
            change: None,
            generation,
        }
    }

    /// Whether the answer to a call of this generation would be heard.
    pub(super) fn awaits(&self, index: usize) -> bool {
        match &self.doing {
            Now::Looking(look) => look.lacks(index),
            Now::Confirming(confirming) => confirming.look.lacks(index),
            Now::Acting => true,
            Now::Idle | Now::Recording(_) | Now::Until(_) => false,
        }
    }

    /// What decides how it goes on from `due`, told without counters that only grow.
    pub(super) fn gist(&self, timeout: Option<Span>, due: Mono) -> String {
        let doing = match &self.doing {
            Now::Until(at) if *at <= due => "due".to_owned(),
            Now::Until(at) => format!("in {}", at.since(due)),
            Now::Confirming(confirming) => {
                let Confirming { act, met, look, since } = &**confirming;
                format!("{act:?} {met} {look:?} for {}", due.since(*since))
            }
            other => format!("{other:?}"),
        };
        // What it met is recorded only when its time is over.
        let overdue = timeout.map(|timeout| (due.since(self.since) >= timeout, &self.note));
        let steady = self.steady.map(|(since, hold)| (since + hold).since(due));
        let failures = self.failures.min(3);
        let (change, renewed, refused) = (&self.change, self.renewed, self.refused);
        let fresh = self.fresh.map(|until| until.since(due));
        let more = format!("{change:?} {renewed:?} {refused} {fresh:?} {:?}", self.takes);
        format!("{doing} {overdue:?} {steady:?} {failures} {more}")
    }

    /// Looks again after a pause that grows with the failures in a row: 1, 2, 4, then 5 s.
    /// Throttled calls wait at least as long as the service said.
    pub(super) fn back_off(&mut self, now: Mono, fault: &Fault) {
        let pause = Span::secs(1 << self.failures.min(3)).min(Span::secs(5));
        let asked = fault.turn().unwrap_or(Span::ZERO);
        self.failures += 1;
        self.note = fault.to_string();
        self.doing = Now::Until(now + pause.max(asked));
    }
}
