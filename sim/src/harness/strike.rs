//! Killing a replica at one exact call: just before the call arrives in the world, just after it
//! was answered there and before anybody hears of it, when it is heard, or with the call still on
//! its way; and what the call comes to. Which call is said by its number, or by what it writes.
//!
//! Calls that change something are counted as they arrive, so that a story which was recorded once
//! can be played again up to the n-th of them, to the last message.

use std::ops::ControlFlow;

use bowline_core::model::{GroupName, Mono, Now, Span};
use bowline_core::op::{Fault, Op, StoreOp};
use bowline_core::run::Entry;
use serde::{Deserialize, Serialize};

use super::flight::Slot;
use super::spoil::Trouble as SpoilTrouble;
use super::{Item, Replica, Simulation};
use crate::coverage::RecordKind;
use crate::faults::{Spell, Trouble};

/// On which side of a call's effect its sender dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The call is lost: nothing happened.
    Before,
    /// It happened, or was refused, and no answer is heard.
    After,
    /// Its answer is heard, and what follows from it is on its way.
    Heard,
    /// It is held up on its way and happens so much later, whoever leads by then.
    Late(Span),
}

/// When a replica is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// At the how-manieth call that changes something, counted from 1.
    pub nth: u64,
    /// On which side of it.
    pub side: Side,
    /// What the call comes to, if it arrives; `None`: what comes of it by itself.
    pub comes_to: Option<SpoilTrouble>,
    /// How long its seat stays empty.
    pub away: Span,
}

/// When a replica is killed by what it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// In an append to whose chain.
    pub group: GroupName,
    /// Of which record: the first such append.
    pub writing: RecordKind,
    /// On which side of it.
    pub side: Side,
    /// How long its seat stays empty.
    pub away: Span,
    /// It must be back by then.
    pub before: Mono,
}

impl Death {
    fn meets(&self, op: &Op, now: Mono) -> bool {
        let Op::Store(StoreOp::Append { group, seq, bytes }) = op else { return false };
        let writes = |entry: Entry| {
            entry.records.iter().any(|record| RecordKind::from(record) == self.writing)
        };
        let in_time = now + self.away <= self.before;
        in_time && *group == self.group && Entry::parse(*seq, bytes).is_ok_and(writes)
    }
}

/// A call that changes something, as it arrived in the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// The how-manieth, counted from 1.
    pub nth: u64,
    /// When.
    pub at: Mono,
    /// From which seat.
    pub seat: usize,
    /// What.
    pub op: Op,
    /// What came of it; `None`: nobody was there to answer.
    pub result: Option<Result<(), Fault>>,
}

/// Arrivals, counted, and what is planned at one of them.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    arrived: u64,
    planned: Option<Strike>,
    deaths: Vec<Death>,
    /// The call that was held up: it arrives for the second time, and is not counted again.
    held_up: Option<Slot>,
    /// The call whose sender dies when it hears of it, and for how long.
    hearing: Option<(Slot, Span)>,
    /// The arrivals so far, if somebody wants them.
    log: Option<Vec<Arrival>>,
}

/// Whether a call counts: it changes the world, the store, or what people know. The lease is
/// renewed every few seconds whatever is done, and says nothing of what is.
fn counts(op: &Op) -> bool {
    op.mutates() && !matches!(op, Op::Lease(_))
}

impl<R: Replica> Simulation<R> {
    /// Plans that the sender of a call dies at it.
    pub fn plan_strike(&mut self, strike: Strike) {
        self.strikes.planned = Some(strike);
    }

    /// Plans that whoever writes something dies of it. A process with a store of its own does not.
    pub fn plan_death(&mut self, death: Death) {
        self.strikes.deaths.push(death);
    }

    /// Writes down every call that changes something from now on.
    pub fn log_arrivals(&mut self) {
        self.strikes.log.get_or_insert_default();
    }

    /// What was written down.
    #[must_use]
    pub fn arrivals(&self) -> &[Arrival] {
        self.strikes.log.as_deref().unwrap_or_default()
    }

    /// Whether the strike that was planned has been carried out.
    #[must_use]
    pub fn struck(&self) -> bool {
        self.strikes.planned.is_none()
    }

    /// A call arrives. Goes on, with what it comes to if that is planned, unless it must not have
    /// its effect (now).
    pub(super) fn at_the_door(
        &mut self,
        slot: Slot,
        now: Now,
    ) -> ControlFlow<(), Option<SpoilTrouble>> {
        let flight = self.flights.get(slot);
        let (seat, counted) = (flight.seat, counts(&flight.call.op));
        if !counted || self.strikes.held_up.take_if(|held| *held == slot).is_some() {
            return ControlFlow::Continue(None);
        }
        self.strikes.arrived += 1;
        let Strikes { arrived, planned, .. } = &self.strikes;
        let comes_to = planned.filter(|strike| strike.nth == *arrived).and_then(|s| s.comes_to);
        let Some((side, away)) = self.strikes_at(slot, now.mono, false) else {
            return ControlFlow::Continue(comes_to);
        };
        match side {
            Side::After => return ControlFlow::Continue(comes_to),
            Side::Heard => {
                self.strikes.hearing = Some((slot, away));
                return ControlFlow::Continue(comes_to);
            }
            Side::Before => drop(self.flights.end(slot)),
            Side::Late(by) => {
                self.strikes.held_up = Some(slot);
                self.items.set(now.mono + by, Item::Arrives(slot));
            }
        }
        self.strike((seat, away), now);
        ControlFlow::Break(())
    }

    /// A call had its effect, or nobody was there to have it.
    pub(super) fn went_through(&mut self, slot: Slot, now: Now) {
        let Self { flights, strikes, .. } = self;
        let flight = flights.get(slot);
        if !counts(&flight.call.op) {
            return;
        }
        let seat = flight.seat;
        if let Some(log) = &mut strikes.log {
            let result = flight.given.as_ref();
            let result = result.map(|given| given.as_ref().map(drop).map_err(Clone::clone));
            let (nth, at, op) = (strikes.arrived, now.mono, flight.call.op.clone());
            log.push(Arrival { nth, at, seat, op, result });
        }
        self.was_answered(slot, now);
    }

    /// A call was answered, whatever it came to.
    pub(super) fn was_answered(&mut self, slot: Slot, now: Now) {
        let seat = self.flights.get(slot).seat;
        if let Some((_, away)) = self.strikes_at(slot, now.mono, true) {
            self.strike((seat, away), now);
        }
    }

    /// An answer is heard. Says for how long its hearer is to be dead then, if at all.
    pub(super) fn dies_hearing(&mut self, slot: Slot) -> Option<Span> {
        self.strikes.hearing.take_if(|(call, _)| *call == slot).map(|(_, away)| away)
    }

    /// On which side of this call its sender dies, and for how long, if it does.
    fn strikes_at(&mut self, slot: Slot, now: Mono, has_arrived: bool) -> Option<(Side, Span)> {
        let Self { flights, strikes, apart, .. } = self;
        let now_is = |side: Side| has_arrived == (side == Side::After);
        let (arrived, nth) = (strikes.arrived, |strike: &mut Strike| now_is(strike.side));
        if let Some(strike) = strikes.planned.take_if(|s| s.nth == arrived && nth(s)) {
            return Some((strike.side, strike.away));
        }
        let flight = flights.get(slot);
        let refused = matches!(flight.given, Some(Err(_)));
        if *apart == Some(flight.seat) || has_arrived && refused {
            return None;
        }
        let mut deaths = strikes.deaths.iter();
        let meant = |death: &Death| now_is(death.side) && death.meets(&flight.call.op, now);
        let death = deaths.position(meant).map(|index| strikes.deaths.remove(index))?;
        Some((death.side, death.away))
    }

    pub(super) fn strike(&mut self, (seat, away): (usize, Span), now: Now) {
        let (index, until) = (self.spells.len(), now.mono + away);
        let trouble = Trouble::Crashed(seat);
        self.spells.push(Spell { from: now.mono, until: Some(until), trouble });
        self.items.set(until, Item::Ends(index));
        self.begin(index, now);
    }
}
