//! Is Bowline itself the one that is cut off? It must not move anything then (S4), nor just after:
//! the signs gathered meanwhile are about Bowline's own network.
//!
//! - **isolated**: the canary targets are silent; or both sites and AWS (Route 53, management) are
//!   silent together;
//! - **just back**: no longer so, for less than the settling time;
//! - **partitioned** from one site: it is silent to Bowline, the other answers, and Route 53's
//!   checkers do not call it down;
//! - **connected**: anything else.

use serde::{Deserialize, Serialize};

use super::window::Sign;
use crate::model::{Mono, Site, Span};
use crate::op::{Answer, Fault};

/// Whether something was heard of one place lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reach {
    /// It answered something, if only a refusal.
    Answers,
    /// It was asked several times, and never answered.
    Silent,
    /// It was not asked often enough to tell.
    NotAsked,
}

/// Keeps whether one place answers at all, whatever it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    answered: bool,
    unanswered: u32,
    /// Answers in a row since it was silent.
    again: u32,
}

impl Contact {
    /// How many looks in a row must go unanswered before a place counts as silent, and must be
    /// answered before a silent one counts as heard again. So one look that gets through now and
    /// then, while all others do not, does not flap.
    pub const PATIENCE: u32 = 3;

    /// Takes the result of one look at the place.
    pub fn observe(&mut self, result: &Result<Answer, Fault>) {
        if matches!(result, Err(Fault::Transient(_) | Fault::Unknown(_))) {
            self.unanswered = self.unanswered.saturating_add(1);
            self.again = 0;
            return;
        }
        self.again += u32::from(self.unanswered >= Self::PATIENCE);
        if self.unanswered < Self::PATIENCE || self.again >= Self::PATIENCE {
            *self = Self { answered: true, unanswered: 0, again: 0 };
        }
    }

    /// Whether it answers.
    #[must_use]
    pub fn reach(&self) -> Reach {
        match self {
            Self { unanswered, .. } if *unanswered >= Self::PATIENCE => Reach::Silent,
            Self { answered: true, .. } => Reach::Answers,
            Self { answered: false, .. } => Reach::NotAsked,
        }
    }
}

/// What Bowline hears from each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vantage {
    /// Everything of the home site: probes, cluster, its Region's APIs.
    pub home: Reach,
    /// Everything of the standby site.
    pub standby: Reach,
    /// AWS outside both sites: Route 53's control plane, the management Region.
    pub aws: Reach,
    /// Canary targets that have nothing to do with either site, if there are any.
    pub canaries: Reach,
    /// What Route 53's checkers say of the home site.
    pub home_outside: Option<Sign>,
    /// What Route 53's checkers say of the standby site.
    pub standby_outside: Option<Sign>,
}

impl Vantage {
    fn reach(&self, site: Site) -> Reach {
        match site {
            Site::Home => self.home,
            Site::Standby => self.standby,
        }
    }

    fn outside(&self, site: Site) -> Option<Sign> {
        match site {
            Site::Home => self.home_outside,
            Site::Standby => self.standby_outside,
        }
    }

    /// Whether Bowline hears nothing from anywhere. With both sites silent it takes an answer from
    /// AWS to say that it is not Bowline: not having asked is not an answer.
    #[must_use]
    pub fn isolated(&self) -> bool {
        let sites = self.home == Reach::Silent && self.standby == Reach::Silent;
        self.canaries == Reach::Silent || (sites && self.aws != Reach::Answers)
    }

    /// The one site that Bowline does not hear while others may.
    #[must_use]
    pub fn partitioned(&self) -> Option<Site> {
        Site::BOTH.into_iter().find(|site| {
            self.reach(*site) == Reach::Silent
                && self.reach(site.other()) == Reach::Answers
                && self.outside(*site) != Some(Sign::Down)
        })
    }
}

/// Whether Bowline may trust its eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Isolation {
    /// It hears what it should.
    Connected,
    /// It hears nothing: it is the one cut off.
    Isolated,
    /// It was cut off a short while ago.
    JustBack,
    /// It is cut off from one site, which others may still reach.
    Partitioned(Site),
}

impl Isolation {
    /// Whether nothing automatic may start.
    #[must_use]
    pub fn holds(self) -> bool {
        matches!(self, Self::Isolated | Self::JustBack)
    }
}

/// Judges isolation over time, so that the first answer after it does not release what was gathered
/// during it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IsolationWatch {
    last_isolated: Option<Mono>,
    cut_off: bool,
}

impl IsolationWatch {
    /// Whether Bowline was cut off when it last judged.
    #[must_use]
    pub fn cut_off(&self) -> bool {
        self.cut_off
    }

    /// Whether Bowline was cut off at most so long ago: signs may still be from before.
    #[must_use]
    pub fn within(&self, settle: Span, now: Mono) -> bool {
        self.last_isolated.is_some_and(|last| now.since(last) < settle)
    }

    /// Judges the vantage at `now`. `settle` is how long after isolation nothing automatic starts:
    /// at least the policy's `confirm`, plus the longest window's patience, so that every sign was
    /// made anew.
    pub fn judge(&mut self, now: Mono, vantage: &Vantage, settle: Span) -> Isolation {
        self.cut_off = vantage.isolated();
        if self.cut_off {
            self.last_isolated = Some(now);
            return Isolation::Isolated;
        }
        if self.within(settle, now) {
            return Isolation::JustBack;
        }
        self.last_isolated = None;
        vantage.partitioned().map_or(Isolation::Connected, Isolation::Partitioned)
    }
}

#[cfg(test)]
mod tests;
