//! Calls on their way to the world, and replies on their way back.

use std::ops::ControlFlow;

use bowline_core::model::{Now, Span};
use bowline_core::op::{Call, Fault, Op};

use super::flight::{Given, Slot};
use super::spoil::Trouble as SpoilTrouble;
use super::{Event, Item, Replica, Simulation, digest, latency};
use crate::faults::{Fate, Place, Weather};
use crate::part;
use crate::world::Outcome;

/// How soon an edge says that a call is over budget.
const OVER_BUDGET: Span = Span::millis(1);

/// Either way of a message through the weather.
type Way = fn(&Weather, usize, &Op, Place<'_>, &mut fastrand::Rng) -> Fate;

impl<R: Replica> Simulation<R> {
    /// Lets a replica's calls set out.
    pub(super) fn send(&mut self, seat: usize, out: &mut Vec<Call>) {
        let incarnation = self.seats[seat].incarnation;
        for mut call in out.drain(..) {
            // Who looks on counts as the world does.
            call.deadline = self.seats[seat].clock.when(call.deadline);
            if let Err(fault) = self.seats[seat].pace(&call.op, self.now) {
                let slot = self.flights.add(seat, incarnation, call);
                self.answer(slot, Err(fault), OVER_BUDGET);
                continue;
            }
            self.note(4, seat as u64, digest::op_class(&call.op) << 24 ^ call.id.0);
            if !self.watchers.is_empty() {
                self.tell(part::at(self.now), &Event::Sent { seat, call: &call });
            }
            let lasts = latency::draw(&call.op, &mut self.network);
            let slot = self.flights.add(seat, incarnation, call);
            self.route(slot, Weather::outward, lasts, Item::Arrives(slot));
        }
    }

    /// Lets a message go on as the weather wants it.
    fn route(&mut self, slot: Slot, way: Way, lasts: Span, item: Item) {
        if self.weather.fair() {
            return self.items.set(self.now + lasts, item);
        }
        let flight = self.flights.get(slot);
        let place = self.world.place(&flight.call.op, part::at(self.now));
        match way(&self.weather, flight.seat, &flight.call.op, place, &mut self.network) {
            Fate::Arrives(late) => self.items.set(self.now + lasts + late, item),
            Fate::Twice(again) => {
                let copy = self.flights.copy(slot);
                self.items.set(self.now + lasts, item);
                let twin = self.twin(copy, item);
                self.items.set(self.now + lasts + again, twin);
            }
            Fate::Refused(fault) => self.answer(slot, Err(fault), lasts),
            Fate::Vanishes => self.lose(slot),
        }
    }

    /// The second copy of a message. Who looks on is told of a call that is sent twice.
    fn twin(&mut self, copy: Slot, item: Item) -> Item {
        let Item::Arrives(_) = item else { return Item::Returns(copy) };
        let Self { flights, watchers, world, now, .. } = self;
        let event = Event::Copied(&flights.get(copy).call.op);
        watchers.iter_mut().for_each(|watcher| watcher.seen(part::at(*now), world, &event));
        Item::Arrives(copy)
    }

    /// Nobody will answer. An edge that has a time-out of its own says so when it is over.
    fn lose(&mut self, slot: Slot) {
        match latency::patience(&self.flights.get(slot).call.op) {
            Some(patience) => {
                self.answer(slot, Err(Fault::Unknown("timed out".into())), patience);
            }
            None => drop(self.flights.end(slot)),
        }
    }

    fn answer(&mut self, slot: Slot, given: Given, lasts: Span) {
        self.flights.get(slot).given = Some(given);
        self.items.set(self.now + lasts, Item::Returns(slot));
    }

    /// A call is in the world: it has its effect, and its answer sets out.
    pub(super) fn arrive(&mut self, slot: Slot, now: Now) {
        let ControlFlow::Continue(struck) = self.at_the_door(slot, now) else { return };
        let trouble = struck.or_else(|| self.spoilt(slot, now.mono));
        let flight = self.flights.get(slot);
        let (seat, op) = (flight.seat, &flight.call.op);
        if let Some(trouble) = trouble.filter(|trouble| *trouble != SpoilTrouble::LostAfter) {
            let lasts = latency::draw(op, &mut self.network);
            self.answer(slot, Err(trouble.fault()), lasts);
            self.tell_performed(slot, now);
            return self.was_answered(slot, now);
        }
        let mut outcome = if self.apart == Some(seat) {
            self.world.perform_apart(op, now, &mut self.nature)
        } else {
            self.world.perform(op, now, &mut self.nature)
        };
        // What is kept apart is no cache's business.
        let own = self.apart == Some(seat) && matches!(op, Op::Store(_) | Op::Lease(_));
        if let (Outcome::Answered(given), false) = (&mut outcome, self.weather.fair() || own) {
            let place = self.world.place(op, now);
            self.weather.age((op, place), given, now.mono, &mut self.network);
        }
        let Outcome::Answered(given) = outcome else {
            self.note(1, seat as u64, 0);
            self.went_through(slot, now);
            return self.lose(slot);
        };
        let class = digest::op_class(op) << 16 ^ digest::result_class(&given);
        let lasts = latency::draw(op, &mut self.network);
        flight.given = Some(given);
        self.note(1, seat as u64, class);
        self.tell_performed(slot, now);
        self.tell_news(now);
        self.went_through(slot, now);
        if let Some(trouble) = trouble {
            self.flights.get(slot).given = Some(Err(trouble.fault()));
        }
        if !self.weather.fair() {
            self.distort(slot);
        }
        self.route(slot, Weather::homeward, lasts, Item::Returns(slot));
    }

    fn distort(&mut self, slot: Slot) {
        let flight = self.flights.get(slot);
        let place = self.world.place(&flight.call.op, part::at(self.now));
        if let Some(given) = &mut flight.given {
            self.weather.distort(&flight.call.op, place, given);
        }
    }

    fn tell_performed(&mut self, slot: Slot, now: Now) {
        if self.watchers.is_empty() {
            return;
        }
        let Self { flights, watchers, world, .. } = self;
        let flight = flights.get(slot);
        let Some(result) = &flight.given else { return };
        let event = Event::Performed { seat: flight.seat, op: &flight.call.op, result };
        watchers.iter_mut().for_each(|watcher| watcher.seen(now, world, &event));
    }

    /// The flight is over, and its slot not used again yet.
    fn tell_heard(&mut self, slot: Slot, given: &Given, now: Now) {
        let Self { flights, watchers, world, .. } = self;
        let flight = flights.get(slot);
        if !flight.call.op.mutates() {
            return;
        }
        let event = Event::Heard { seat: flight.seat, op: &flight.call.op, result: given };
        watchers.iter_mut().for_each(|watcher| watcher.seen(now, world, &event));
    }

    pub(super) fn come_back(&mut self, slot: Slot, now: Now) {
        let flight = self.flights.get(slot);
        let (seat, incarnation, id) = (flight.seat, flight.incarnation, flight.call.id);
        let Some(given) = self.flights.end(slot) else { return };
        if self.seats[seat].incarnation != incarnation {
            return;
        }
        let dies = self.dies_hearing(slot);
        self.note(2, seat as u64, id.0);
        self.tell_heard(slot, &given, now);
        let mut out = std::mem::take(&mut self.out);
        self.seats[seat].reply(now, id, given, &mut out);
        self.send(seat, &mut out);
        self.out = out;
        if let Some(away) = dies {
            self.strike((seat, away), now);
        }
    }
}
