//! One signal at one site: its last samples, and what they say. It must stay cheap: a simulated
//! hour holds thousands of samples, so a sample is two shifts and a store, and nothing is
//! allocated.

use serde::{Deserialize, Serialize};

use crate::model::{Mono, Now, Span};
use crate::policy::KOfN;

/// What one look told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It speaks for the site.
    Good,
    /// It speaks against the site.
    Bad,
    /// It told nothing: the look itself failed.
    Silent,
}

/// One look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it was asked: what it says is no newer than that.
    pub at: Now,
    /// What it told.
    pub outcome: Outcome,
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sign {
    /// Enough of the last samples are good.
    Up,
    /// Enough of the last samples are bad.
    Down,
    /// Neither, or both, or nothing fresh.
    Unknown,
}

/// What a window says at an instant, with what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The sign.
    pub sign: Sign,
    /// Since when it has said [`Sign::Down`] without a break; present exactly when it says so now.
    pub down_since: Option<Now>,
    /// The first bad sample of the present episode: the oldest bad one of the window that first
    /// said Down, kept until the window says Up again; before it says Down, the oldest bad one in
    /// it.
    pub first_bad: Option<Now>,
    /// The last good sample before those that are bad now, however long ago.
    pub last_good: Option<Now>,
    /// Good samples among the last `down.of`.
    pub good: u32,
    /// Bad samples among the last `down.of`.
    pub bad: u32,
    /// How many samples the Down rule looks at.
    pub of: u32,
    /// How long ago the last sample was asked for, silent ones included.
    pub age: Option<Span>,
}

/// The last samples of one signal at one site.
///
/// Silent samples take a place in the window, so silence moves the sign towards Unknown. When both
/// rules hold (a policy may ask for few of many), the samples contradict each other: Unknown.
#[derive(Clone, Debug)]
pub struct Window {
    every: Span,
    down: KOfN,
    up: KOfN,
    /// Bit 0 is the newest sample.
    good: u64,
    bad: u64,
    /// When each sample was asked; the newest is at `newest`.
    times: Box<[Now]>,
    newest: usize,
    last: Option<Mono>,
    down_since: Option<Now>,
    episode: Option<Now>,
    unbroken: Option<Now>,
    last_good: Option<Now>,
}

impl Window {
    /// The longest window, in samples; longer ones are cut to it.
    pub const LONGEST: u32 = 64;

    /// An empty window of a signal that is sampled every `every`.
    #[must_use]
    pub fn new(every: Span, down: KOfN, up: KOfN) -> Self {
        let cut = |rule: KOfN| KOfN { of: rule.of.clamp(1, Self::LONGEST), need: rule.need };
        let (down, up) = (cut(down), cut(up));
        Self {
            every,
            down,
            up,
            good: 0,
            bad: 0,
            times: vec![Now::default(); down.of as usize].into_boxed_slice(),
            newest: 0,
            last: None,
            down_since: None,
            episode: None,
            unbroken: None,
            last_good: None,
        }
    }

    /// How long after its last sample the window says nothing any more: (`of` + 1) × `every`, with
    /// the larger `of` of the two rules. The one more `every` is the slack for a late answer.
    #[must_use]
    pub fn patience(&self) -> Span {
        self.every.times(u64::from(self.down.of.max(self.up.of)) + 1)
    }

    /// It is sampled every `every` from now on.
    pub fn pace(&mut self, every: Span) {
        self.every = every;
    }

    /// Takes a sample. One that was asked before the newest is dropped. After a break longer than
    /// [`Self::patience`] the older samples are forgotten, since they are about another time; the
    /// episode's first bad sample is not.
    pub fn push(&mut self, sample: Sample) {
        if let Some(last) = self.last {
            if sample.at.mono < last {
                return;
            }
            if sample.at.mono.since(last) > self.patience() {
                self.forget();
            }
        }
        self.last = Some(sample.at.mono);
        self.good = self.good << 1 | u64::from(sample.outcome == Outcome::Good);
        self.bad = self.bad << 1 | u64::from(sample.outcome == Outcome::Bad);
        self.newest = if self.newest + 1 == self.times.len() { 0 } else { self.newest + 1 };
        self.times[self.newest] = sample.at;
        match sample.outcome {
            Outcome::Good => (self.last_good, self.unbroken) = (Some(sample.at), None),
            Outcome::Bad => _ = self.unbroken.get_or_insert(sample.at),
            Outcome::Silent => {}
        }
        self.settle(sample.at);
    }

    /// What it says at `now`.
    #[must_use]
    pub fn read(&self, now: Mono) -> Reading {
        let sign = if self.fresh(now) { self.sign() } else { Sign::Unknown };
        let (good, bad) = (count(self.good, self.down.of), count(self.bad, self.down.of));
        Reading {
            sign,
            down_since: self.down_since(now),
            first_bad: self.episode.or_else(|| self.oldest_bad()),
            last_good: self.unbroken.and(self.last_good),
            good,
            bad,
            of: self.down.of,
            age: self.last.map(|last| now.since(last)),
        }
    }

    /// Since when it says [`Sign::Down`] without a break, if it does at `now`.
    #[must_use]
    pub fn down_since(&self, now: Mono) -> Option<Now> {
        self.down_since.filter(|_| self.fresh(now))
    }

    /// What the newest sample said, while it counts.
    #[must_use]
    pub fn newest(&self, now: Mono) -> Option<Outcome> {
        self.history().next().filter(|_| self.fresh(now))
    }

    /// Whether a sample was bad, in the present episode or among those that are looked at.
    #[must_use]
    pub fn was_bad(&self) -> bool {
        self.episode.is_some() || self.oldest_bad().is_some()
    }

    /// The first bad sample since the last good one.
    #[must_use]
    pub fn unbroken(&self) -> Option<Now> {
        self.unbroken
    }

    fn fresh(&self, now: Mono) -> bool {
        self.stale_at().is_some_and(|at| now <= at)
    }

    /// The last instant at which its samples still count.
    #[must_use]
    pub fn stale_at(&self) -> Option<Mono> {
        self.last.map(|last| last + self.patience())
    }

    /// The last outcomes, newest first, as far as they are kept; for people.
    pub fn history(&self) -> impl Iterator<Item = Outcome> + '_ {
        (0..self.down.of).map(|age| match (self.good >> age & 1, self.bad >> age & 1) {
            (1, _) => Outcome::Good,
            (_, 1) => Outcome::Bad,
            _ => Outcome::Silent,
        })
    }

    /// What the samples say, fresh or not.
    fn sign(&self) -> Sign {
        let down = self.down.need > 0 && count(self.bad, self.down.of) >= self.down.need;
        let up = self.up.need > 0 && count(self.good, self.up.of) >= self.up.need;
        match (up, down) {
            (true, false) => Sign::Up,
            (false, true) => Sign::Down,
            _ => Sign::Unknown,
        }
    }

    /// Brings `down_since` and `episode` up to date with the sample just taken.
    fn settle(&mut self, at: Now) {
        match self.sign() {
            Sign::Down => {
                self.down_since.get_or_insert(at);
                if self.episode.is_none() {
                    self.episode = self.oldest_bad();
                }
            }
            Sign::Up => {
                self.down_since = None;
                self.episode = None;
            }
            Sign::Unknown => self.down_since = None,
        }
    }

    /// When the oldest bad sample of the Down rule's window was asked.
    fn oldest_bad(&self) -> Option<Now> {
        let bad = self.bad & mask(self.down.of);
        if bad == 0 {
            return None;
        }
        let age = bad.ilog2() as usize;
        let len = self.times.len();
        Some(self.times[(self.newest + len - age) % len])
    }

    /// Empties the window.
    fn forget(&mut self) {
        self.good = 0;
        self.bad = 0;
        self.down_since = None;
        self.unbroken = None;
    }
}

/// The newest `of` places.
fn mask(of: u32) -> u64 {
    u64::MAX >> (u64::BITS - of)
}

/// How many of the newest `of` places are set.
fn count(bits: u64, of: u32) -> u32 {
    (bits & mask(of)).count_ones()
}

#[cfg(test)]
mod tests;
