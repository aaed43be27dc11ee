//! What is on record against whom, and what goes wrong in the world meanwhile.

use std::collections::BTreeMap;

use bowline_core::model::{Mono, Now, Region, Span};

use super::leader::Holder;
use super::starts::blinds;
use super::{PROMISES, Verdict, Verdicts};
use crate::faults::{Evidence, Trouble};
use crate::world::World;

/// The world at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// The world.
    pub(super) world: &'a World,
    /// The instant.
    pub(super) now: Now,
}

/// The record.
#[derive(Clone, Debug, Default)]
pub(super) struct Court {
    broken: BTreeMap<&'static str, String>,
    /// Troubles that are there.
    pub(super) troubles: Vec<Trouble>,
    /// Since when the vantage outside Bowline's network lies.
    pub(super) lying_since: Option<Mono>,
    /// From when until when it last lied.
    pub(super) lied: Option<(Mono, Mono)>,
    /// When Bowline's own looks last failed or lied, if they do not any more.
    pub(super) blind_until: Option<Mono>,
    /// Whether every trouble so far was a Region that died.
    pub(super) only_dead: bool,
    /// Whether every trouble so far was what it looked like.
    pub(super) honest: bool,
    /// Who holds the lease.
    pub(super) lease: Option<Holder>,
    /// When the last one ended.
    pub(super) calm_since: Mono,
    /// When the last one ended that was more than the loss of a whole Region.
    pub(super) more_until: Mono,
    /// Which Regions that were lost were there again, and when.
    pub(super) revived: Vec<(Region, Mono)>,
    /// When each that is over ended.
    pub(super) ends: Vec<Mono>,
    /// Automatic failovers: when, of which group, from which Region.
    pub(super) automatic: Vec<(Mono, usize, Region)>,
}

impl Court {
    pub(super) fn new(world: &World) -> Self {
        let calm_since = world.began();
        Self { calm_since, only_dead: true, honest: true, ..Self::default() }
    }

    /// A promise is broken. The first time counts.
    pub(super) fn breaks(&mut self, promise: &'static str, now: Now, why: impl Into<String>) {
        self.broken.entry(promise).or_insert_with(|| format!("{}: {}", now.wall, why.into()));
    }

    pub(super) fn has_broken(&self, promise: &str) -> bool {
        self.broken.contains_key(promise)
    }

    pub(super) fn began(&mut self, trouble: &Trouble, now: Now) {
        if lies_outside(trouble) {
            self.lying_since = self.lying_since.or(Some(now.mono));
        }
        self.only_dead &= matches!(trouble, Trouble::RegionDead(_));
        self.honest &= !trouble.plays_on_calls();
        self.troubles.push(trouble.clone());
    }

    pub(super) fn ended(&mut self, trouble: &Trouble, now: Now) {
        if let Some(index) = self.troubles.iter().position(|present| present == trouble) {
            self.troubles.remove(index);
        }
        if let Some(since) = self.lying_since
            && !self.troubles.iter().any(lies_outside)
        {
            (self.lying_since, self.lied) = (None, Some((since, now.mono)));
        }
        if blinds(trouble) {
            self.blind_until = Some(now.mono);
        }
        self.calm_since = now.mono;
        self.ends.push(now.mono);
        match trouble {
            Trouble::RegionDead(region) => self.revived.push((region.clone(), now.mono)),
            _ => self.more_until = now.mono,
        }
    }

    /// Whether nothing has gone wrong for so long.
    pub(super) fn calm_for(&self, span: Span, now: Now) -> bool {
        self.troubles.is_empty() && now.mono.since(self.calm_since) >= span
    }

    pub(super) fn verdicts(&self) -> Verdicts {
        let verdict = |name| match self.broken.get(name) {
            Some(why) => Verdict::Broken(why.clone()),
            None => Verdict::Held,
        };
        PROMISES.iter().map(|(name, _)| (*name, verdict(name))).collect()
    }
}

/// Whether a trouble has Route 53's checkers say what is not so.
fn lies_outside(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::FalseAlarm(Evidence::Route53Check(_)))
}
