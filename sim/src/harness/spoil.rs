//! Calls of a run that come to one fault: the first of a kind, or all of it for a while.

use bowline_core::model::{Mono, Span};
use bowline_core::op::{Fault, Op, StoreOp};
use bowline_core::plan::PlanKind;
use bowline_core::run::{Entry, Record};

use super::flight::Slot;
use super::{Replica, Simulation};

/// What a call comes to, as the edges say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Refused for its rate.
    Throttled,
    /// It certainly did nothing, and may work later.
    Transient,
    /// Nobody knows, and it did nothing.
    LostBefore,
    /// Nobody knows, and it had its effect.
    LostAfter,
    /// The credentials do not allow it.
    Denied,
    /// It is never accepted.
    Invalid,
    /// What it would change is said to be otherwise, or busy.
    Conflict,
    /// What it would change is said not to be there.
    NotFound,
}

impl Trouble {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Throttled,
        Self::Transient,
        Self::LostBefore,
        Self::LostAfter,
        Self::Denied,
        Self::Invalid,
        Self::Conflict,
        Self::NotFound,
    ];

    /// Whether it says something of what the call is about: beside a world in which it is not so,
    /// it is an error of that service, and no trouble on the way.
    #[must_use]
    pub fn tells_of_the_world(self) -> bool {
        matches!(self, Self::Conflict | Self::NotFound)
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::LostBefore => "unknown, not had",
            Self::LostAfter => "unknown, had",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::NotFound => "not found",
        }
    }

    pub(super) fn fault(self) -> Fault {
        let said = || "as the story wants it".to_owned();
        match self {
            Self::Throttled => Fault::Throttled { after: None },
            Self::Transient => Fault::Transient(said()),
            Self::LostBefore | Self::LostAfter => Fault::Unknown(said()),
            Self::Denied => Fault::Denied(said()),
            Self::Invalid => Fault::Invalid(said()),
            Self::Conflict => Fault::Conflict(said()),
            Self::NotFound => Fault::NotFound(said()),
        }
    }
}

/// Which calls come to what, once a run of a kind is open.
#[derive(Clone, Copy, Debug)]
pub struct Spoil {
    /// In a run of which kind.
    pub run: PlanKind,
    /// Tells what kind of call one is.
    pub name: fn(&Op) -> &'static str,
    /// Which kind of call.
    pub call: &'static str,
    /// What it comes to.
    pub trouble: Trouble,
    /// Every one for so long, from the first on; `None`: the first alone.
    pub lasts: Option<Span>,
}

/// A spoil, and how far it is.
#[derive(Clone, Debug)]
pub(super) struct Spoiling {
    spoil: Spoil,
    open: bool,
    first: Option<Mono>,
    times: u32,
}

impl Spoiling {
    pub(super) fn new(spoil: Spoil) -> Self {
        Self { spoil, open: false, first: None, times: 0 }
    }

    /// What this call comes to, if it is one of those.
    pub(super) fn meets(&mut self, op: &Op, now: Mono) -> Option<Trouble> {
        let spoil = self.spoil;
        let meant = self.open && (spoil.name)(op) == spoil.call;
        // The record that opens the run is not one of its calls yet.
        self.open |= opens(op, spoil.run);
        let over = match (self.first, spoil.lasts) {
            (Some(first), Some(lasts)) => now >= first + lasts,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !meant || over {
            return None;
        }
        self.first.get_or_insert(now);
        self.times += 1;
        Some(spoil.trouble)
    }
}

fn opens(op: &Op, run: PlanKind) -> bool {
    let Op::Store(StoreOp::Append { seq, bytes, .. }) = op else { return false };
    let opened = |record: &Record| matches!(record, Record::Opened { kind, .. } if *kind == run);
    Entry::parse(*seq, bytes).is_ok_and(|entry| entry.records.iter().any(opened))
}

impl<R: Replica> Simulation<R> {
    /// Plans that calls come to a fault.
    pub fn plan_spoil(&mut self, spoil: Spoil) {
        self.spoiling = Some(Spoiling::new(spoil));
    }

    /// How many calls came to it.
    #[must_use]
    pub fn spoilt_calls(&self) -> u32 {
        self.spoiling.as_ref().map_or(0, |spoiling| spoiling.times)
    }

    /// What a call that arrives comes to, if that is planned.
    pub(super) fn spoilt(&mut self, slot: Slot, now: Mono) -> Option<Trouble> {
        let spoiling = self.spoiling.as_mut()?;
        spoiling.meets(&self.flights.get(slot).call.op, now)
    }
}
