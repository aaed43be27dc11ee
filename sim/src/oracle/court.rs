//! What is on record against whom, and what goes wrong in the world meanwhile.

use std::collections::BTreeMap;

use bowline_core::model::{Mono, Now, Region, Span};

use super::leader::Holder;
use super::{PROMISES, Verdict, Verdicts};
use crate::faults::Trouble;
use crate::world::World;

/// The world at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// The world.
    pub(super) world: &'a World,
    /// The instant.
    pub(super) now: Now,
}

/// A trouble, from when until when.
#[derive(Clone, Debug)]
pub(super) struct Spell {
    /// What is wrong.
    pub(super) trouble: Trouble,
    /// When it began.
    pub(super) since: Mono,
    /// When it ended, if it did.
    pub(super) until: Option<Mono>,
}

impl Spell {
    /// Whether it is there, or was so short a time ago.
    pub(super) fn within(&self, span: Span, now: Mono) -> bool {
        self.until.is_none_or(|until| now.since(until) < span)
    }
}

/// The record.
#[derive(Clone, Debug, Default)]
pub(super) struct Court {
    broken: BTreeMap<&'static str, String>,
    /// Troubles that are there or were, in the order in which they began.
    pub(super) spells: Vec<Spell>,
    /// Whether every trouble so far was a Region that died.
    pub(super) only_dead: bool,
    /// Who holds the lease.
    pub(super) lease: Option<Holder>,
    /// When the last one ended.
    pub(super) calm_since: Mono,
    /// When the last one ended that was more than the loss of a whole Region.
    pub(super) more_until: Mono,
    /// Automatic failovers: when, of which group, from which Region.
    pub(super) automatic: Vec<(Mono, usize, Region)>,
    /// Failovers of what had failed that humans ordered and that were not undone, alike.
    pub(super) ordered: Vec<(Mono, usize, Region)>,
}

impl Court {
    pub(super) fn new(world: &World) -> Self {
        let calm_since = world.began();
        Self { calm_since, only_dead: true, ..Self::default() }
    }

    /// A promise is broken. The first time counts.
    pub(super) fn breaks(&mut self, promise: &'static str, now: Now, why: impl Into<String>) {
        self.broken.entry(promise).or_insert_with(|| format!("{}: {}", now.wall, why.into()));
    }

    pub(super) fn has_broken(&self, promise: &str) -> bool {
        self.broken.contains_key(promise)
    }

    pub(super) fn began(&mut self, trouble: &Trouble, now: Now) {
        self.spells.push(Spell { trouble: trouble.clone(), since: now.mono, until: None });
        self.only_dead &= matches!(trouble, Trouble::RegionDead(_));
    }

    pub(super) fn ended(&mut self, trouble: &Trouble, now: Now) {
        let there = |spell: &&mut Spell| spell.until.is_none() && spell.trouble == *trouble;
        if let Some(spell) = self.spells.iter_mut().find(there) {
            spell.until = Some(now.mono);
        }
        self.calm_since = now.mono;
        if !matches!(trouble, Trouble::RegionDead(_)) {
            self.more_until = now.mono;
        }
    }

    /// Troubles that are there.
    pub(super) fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        self.spells.iter().filter(|spell| spell.until.is_none()).map(|spell| &spell.trouble)
    }

    /// Whether nothing has gone wrong for so long.
    pub(super) fn calm_for(&self, span: Span, now: Now) -> bool {
        self.troubles().next().is_none() && now.mono.since(self.calm_since) >= span
    }

    pub(super) fn verdicts(&self) -> Verdicts {
        let verdict = |name| match self.broken.get(name) {
            Some(why) => Verdict::Broken(why.clone()),
            None => Verdict::Held,
        };
        PROMISES.iter().map(|(name, _)| (*name, verdict(name))).collect()
    }
}
