//! One site's signals, and the verdict *serving*. Nothing here acts. The verdict follows from the
//! windows and the time alone; it is made with each sample, and kept until the time changes it.
//!
//! - **no**: signals of at least `quorum` different kinds have each said down for the whole
//!   `confirm` time, one of them user-facing, and none vetoes;
//! - **yes**: a user-facing signal says up, and no user-facing one says down;
//! - **unknown**: otherwise.
//!
//! Signals of one kind share their blind spots: together they count once, down as soon as one of
//! them is.
//!
//! A veto is a `route53Check` or a `progress` that says up. The demand for a user-facing signal
//! among the down ones keeps a Region whose APIs alone fail, while it serves its users, where it
//! is.

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::window::{Outcome, Reading, Sample, Sign, Window};
use crate::bugs::{self, Bug};
use crate::model::{Answer3, Mono, Now, ObjectName, Span, Wall};
use crate::policy::HealthPolicy;

/// Route 53's checkers ask every 30 s at most and want three failures; what they found is asked for
/// some time later.
const NOTICED: Span = Span::mins(2);

/// A site's signals.
#[derive(Clone, Debug)]
pub struct SiteHealth {
    signals: Vec<Signal>,
    quorum: u32,
    confirm: Span,
    kept: Option<Kept>,
    suspected: Option<Mono>,
}

/// The verdict as it was made with the last sample. It is asked for with every answer that comes,
/// and hardly ever another.
#[derive(Clone, Copy, Debug)]
struct Kept {
    serving: Serving,
    /// It holds from here …
    from: Mono,
    /// … until just before here.
    until: Option<Mono>,
}

impl Kept {
    fn holds(&self, now: Mono) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// One signal at one site.
#[derive(Clone, Debug)]
struct Signal {
    name: ObjectName,
    kind: Kind,
    window: Window,
}

/// The verdict whether a site serves its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    /// The verdict.
    pub verdict: Answer3,
    /// Why.
    pub why: ServingWhy,
    /// A quorum says down, whether or not for long enough and whether or not vetoed.
    pub suspect: Option<Suspect>,
    /// Fresh evidence to the contrary, if there is any.
    pub veto: Option<Veto>,
    /// What is seen from outside Bowline's network; `None` when the policy has no such signal.
    pub outside: Option<Sign>,
    /// Whether that has been *down* for the whole confirm time.
    pub outside_lasts: bool,
    /// The first bad sample over all signals that say down now: evidence counts as of then (S10).
    pub first_bad: Option<Now>,
    /// How many kinds of signals say down.
    pub down: u32,
}

impl Serving {
    /// Whether a vantage outside Bowline's network says down.
    #[must_use]
    pub fn outside_down(&self) -> bool {
        self.outside == Some(Sign::Down)
    }
}

/// Why *serving* is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ServingWhy {
    /// Yes: users are seen to be served.
    Serves,
    /// No: a quorum said down for the whole confirm time.
    QuorumDown,
    /// Unknown: a quorum says down, and the confirm time runs.
    Confirming,
    /// Unknown: a quorum says down, and fresh evidence says the contrary.
    Vetoed(Veto),
    /// Unknown: some signals say down, but too few, or none that tells of users.
    TooFewDown,
    /// Unknown: no user-facing signal says anything.
    NoEvidence,
}

/// Evidence that a site serves although a quorum says down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Veto {
    /// Route 53's checkers reach it.
    Outside,
    /// Requests are still served.
    Progress,
}

/// A quorum says down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Since when the quorum has been there.
    pub since: Now,
    /// When the confirm time is over, if it stays so.
    pub confirmed_at: Mono,
}

/// What one signal contributed to a verdict, for people and reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KindEvidence {
    /// The policy's name of the signal.
    pub name: ObjectName,
    /// Its kind.
    pub kind: Kind,
    /// What it says.
    pub sign: Sign,
    /// Since when it says down.
    pub down_since: Option<Wall>,
    /// Its first bad sample of the present episode.
    pub first_bad: Option<Wall>,
    /// Good samples among the last `of`.
    pub good: u32,
    /// Bad samples among the last `of`.
    pub bad: u32,
    /// How many samples are looked at.
    pub of: u32,
    /// How long ago it was last sampled.
    pub age: Option<Span>,
}

impl SiteHealth {
    /// Empty windows for every signal of the policy, in the policy's order.
    #[must_use]
    pub fn new(policy: &HealthPolicy) -> Self {
        let signals = policy.signals.iter().map(|signal| Signal {
            name: signal.name.clone(),
            kind: Kind::of(&signal.probe),
            window: Window::new(signal.every, signal.down, signal.up),
        });
        let (signals, quorum) = (signals.collect(), policy.quorum.max(1));
        Self { signals, quorum, confirm: policy.confirm, kept: None, suspected: None }
    }

    /// Takes a sample of the signal with this position in the policy; an unknown position is
    /// ignored.
    pub fn push(&mut self, signal: usize, sample: Sample) {
        if let Some(signal) = self.signals.get_mut(signal) {
            signal.window.push(sample);
            self.keep(sample.at.mono);
        }
    }

    /// A signal is sampled at another pace than its policy says.
    pub fn pace(&mut self, signal: usize, every: Span) {
        if let Some(signal) = self.signals.get_mut(signal) {
            signal.window.pace(every);
        }
    }

    fn keep(&mut self, now: Mono) {
        let (serving, until) = (self.judge(now), self.next_change(now));
        if serving.suspect.is_some() {
            self.suspected = Some(now);
        }
        self.kept = Some(Kept { serving, from: now, until });
    }

    fn kept(&self, now: Mono) -> Option<&Kept> {
        self.kept.as_ref().filter(|kept| kept.holds(now))
    }

    /// The window of the signal with this position in the policy.
    #[must_use]
    pub fn window(&self, signal: usize) -> Option<&Window> {
        self.signals.get(signal).map(|signal| &signal.window)
    }

    /// The verdict at `now`. It allocates nothing.
    #[must_use]
    pub fn serving(&self, now: Mono) -> Serving {
        self.kept(now).map_or_else(|| self.judge(now), |kept| kept.serving)
    }

    /// The verdict as of the last sample; none without any.
    #[must_use]
    pub fn last(&self) -> Option<Serving> {
        self.kept.as_ref().map(|kept| kept.serving)
    }

    /// Whether the site looks as if it served, before enough samples said so for a verdict or a
    /// veto: of what is seen of users from inside, or from outside, something that was bad is good,
    /// and nothing is bad. Bowline itself may be cut off from a site that others reach.
    #[must_use]
    pub fn looks_served(&self, now: Mono) -> bool {
        let is = |signal: &Signal, outcome| signal.window.newest(now) == Some(outcome);
        let recovers = |signal: &Signal| is(signal, Outcome::Good) && signal.window.was_bad();
        let seen_from = |outside: bool| {
            let there = || self.users().filter(move |signal| signal.kind.outside() == outside);
            there().all(|signal| !is(signal, Outcome::Bad)) && there().any(recovers)
        };
        let serving = self.serving(now);
        let seen = serving.verdict == Answer3::Yes || serving.veto.is_some();
        let outside = || seen_from(true) && !bugs::on(Bug::OwnEyesSeeUsers);
        seen || seen_from(false) || outside()
    }

    /// Since when nothing that Bowline itself sees of users was good; `None` while nothing is bad.
    #[must_use]
    pub fn unserved_since(&self) -> Option<Now> {
        let own = self.users().filter(|signal| !signal.kind.outside());
        own.filter_map(|signal| signal.window.unbroken()).max_by_key(|at| at.mono)
    }

    /// What is seen of users.
    fn users(&self) -> impl Iterator<Item = &Signal> {
        self.signals.iter().filter(|signal| signal.kind.user_facing())
    }

    fn judge(&self, now: Mono) -> Serving {
        let tally = self.tally(now);
        let suspect = self.suspect(now);
        let (verdict, why) = match (suspect, tally.veto) {
            (Some(suspect), None) if now >= suspect.confirmed_at || bugs::on(Bug::NoConfirm) => {
                (Answer3::No, ServingWhy::QuorumDown)
            }
            (Some(_), None) => (Answer3::Unknown, ServingWhy::Confirming),
            (Some(_), Some(veto)) => (Answer3::Unknown, ServingWhy::Vetoed(veto)),
            (None, _) if tally.users_up && !tally.users_down => (Answer3::Yes, ServingWhy::Serves),
            (None, _) if tally.down != Kinds::default() => {
                (Answer3::Unknown, ServingWhy::TooFewDown)
            }
            (None, _) => (Answer3::Unknown, ServingWhy::NoEvidence),
        };
        Serving {
            verdict,
            why,
            suspect,
            veto: tally.veto,
            outside: tally.outside,
            outside_lasts: tally.outside == Some(Sign::Down)
                && tally.outside_since.is_some_and(|since| now >= since.mono + self.confirm),
            first_bad: tally.fault(),
            down: tally.down.count(),
        }
    }

    /// When a quorum last said down, as of the last sample.
    #[must_use]
    pub fn suspected(&self) -> Option<Mono> {
        self.suspected
    }

    /// When the verdict may change although no sample comes: a confirm time ends, or a window goes
    /// stale. Always after `now`.
    #[must_use]
    pub fn changes_at(&self, now: Mono) -> Option<Mono> {
        self.kept(now).map_or_else(|| self.next_change(now), |kept| kept.until)
    }

    fn next_change(&self, now: Mono) -> Option<Mono> {
        let stale = self.signals.iter().filter_map(|signal| signal.window.stale_at());
        let stale = stale.map(|at| at + Span::millis(1));
        let confirmed = self.suspect(now).map(|suspect| suspect.confirmed_at);
        let outside = self.signals.iter().filter(|signal| signal.kind.outside());
        let outside = outside.filter_map(|signal| signal.window.down_since(now));
        let outside = outside.map(|since| since.mono + self.confirm);
        stale.chain(confirmed).chain(outside).filter(|at| *at > now).min()
    }

    /// How long after Bowline was cut off every sign has been made anew: the confirm time after the
    /// longest window. See [`super::IsolationWatch::judge`].
    #[must_use]
    pub fn settles_in(&self) -> Span {
        let longest = self.signals.iter().map(|signal| signal.window.patience()).max();
        self.confirm + longest.unwrap_or_default()
    }

    /// How long who has just begun to ask outside may have no answer yet.
    #[must_use]
    pub fn outside_settles_in(&self) -> Span {
        let outside = self.signals.iter().filter(|signal| signal.kind.outside());
        outside.map(|signal| signal.window.patience()).max().unwrap_or_default()
    }

    /// What every signal says at `now`, in the policy's order.
    #[must_use]
    pub fn evidence(&self, now: Mono) -> Vec<KindEvidence> {
        self.signals.iter().map(|signal| signal.evidence(now)).collect()
    }

    /// Goes once over the signals.
    fn tally(&self, now: Mono) -> Tally {
        let mut tally = Tally::default();
        for signal in &self.signals {
            tally.add(signal.kind, &signal.window.read(now));
        }
        tally
    }

    /// The quorum that says down, by its earliest members: it has been there since its last member
    /// joined, and since the first user-facing one did.
    fn suspect(&self, now: Mono) -> Option<Suspect> {
        let since = |signal: &Signal| signal.window.down_since(now);
        let joined = self.signals.iter().filter_map(since).filter(|at| {
            let joined = |signal: &&Signal| since(signal).is_some_and(|on| on.mono <= at.mono);
            let before = self.signals.iter().filter(joined);
            before.fold(Kinds::default(), |all, signal| all.with(signal.kind)).count()
                >= self.quorum
        });
        let joined = joined.min_by_key(|at| at.mono)?;
        let users = self.signals.iter().filter(|signal| signal.kind.user_facing());
        let users = users.filter_map(since).min_by_key(|at| at.mono)?;
        let since = if users.mono > joined.mono { users } else { joined };
        Some(Suspect { since, confirmed_at: since.mono + self.confirm })
    }
}

impl Signal {
    fn evidence(&self, now: Mono) -> KindEvidence {
        let reading = self.window.read(now);
        KindEvidence {
            name: self.name.clone(),
            kind: self.kind,
            sign: reading.sign,
            down_since: reading.down_since.map(|at| at.wall),
            first_bad: reading.first_bad.map(|at| at.wall),
            good: reading.good,
            bad: reading.bad,
            of: reading.of,
            age: reading.age,
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kinds(u8);

impl Kinds {
    fn with(self, kind: Kind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    fn count(self) -> u32 {
        self.0.count_ones()
    }
}

/// What the signals say together.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    down: Kinds,
    users_up: bool,
    users_down: bool,
    veto: Option<Veto>,
    outside: Option<Sign>,
    outside_since: Option<Now>,
    outside_good: Option<Now>,
    first_bad: Option<Now>,
}

impl Tally {
    /// When the fault began: with the first bad sample, unless the site was reached from outside
    /// for longer than checkers take to notice. It served then, and Bowline alone was cut off.
    fn fault(&self) -> Option<Now> {
        let served = |at: &Now, first: Now| at.mono.since(first.mono) > NOTICED;
        let (first, outside) = (self.first_bad?, self.outside_good);
        let served = outside.filter(|at| served(at, first) && !bugs::on(Bug::OwnEyesDateTheFault));
        Some(served.unwrap_or(first))
    }

    fn add(&mut self, kind: Kind, reading: &Reading) {
        if kind.outside() {
            self.outside = Some(more_hopeful(self.outside, reading.sign));
            let since = [self.outside_since, reading.down_since].into_iter().flatten();
            self.outside_since = since.min_by_key(|at| at.mono);
            let good = [self.outside_good, reading.last_good].into_iter().flatten();
            self.outside_good = good.max_by_key(|at| at.mono);
        }
        match reading.sign {
            Sign::Up => {
                self.users_up |= kind.user_facing();
                if kind.vetoes() {
                    let veto = if kind.outside() { Veto::Outside } else { Veto::Progress };
                    self.veto = Some(self.veto.map_or(veto, |other| other.min(veto)));
                }
            }
            Sign::Down => {
                self.down = self.down.with(kind);
                self.users_down |= kind.user_facing();
                let first = [self.first_bad, reading.first_bad].into_iter().flatten();
                self.first_bad = first.min_by_key(|at| at.mono);
            }
            Sign::Unknown => {}
        }
    }
}

/// Of several outside vantages up counts before down, and down before unknown.
fn more_hopeful(one: Option<Sign>, other: Sign) -> Sign {
    match (one, other) {
        (Some(Sign::Up), _) | (_, Sign::Up) => Sign::Up,
        (Some(Sign::Down), _) | (_, Sign::Down) => Sign::Down,
        _ => Sign::Unknown,
    }
}

#[cfg(test)]
mod tests;
