//! Calls on their way, in slots that are used again.

use bowline_core::op::{Answer, Call, Fault};

/// Names a slot.
pub(super) type Slot = u32;

/// A call on its way there, or its reply on the way back.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// From which seat.
    pub(super) seat: usize,
    /// From which of the replicas that sat there.
    pub(super) incarnation: u32,
    /// The call.
    pub(super) call: Call,
    /// What it gave, once it was there.
    pub(super) result: Option<Result<Answer, Fault>>,
}

/// All calls on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    slots: Vec<Option<Flight>>,
    free: Vec<Slot>,
}

impl Flights {
    pub(super) fn add(&mut self, flight: Flight) -> Slot {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(flight);
            return slot;
        }
        self.slots.push(Some(flight));
        (self.slots.len() - 1) as Slot
    }

    /// A call that is still on its way.
    pub(super) fn get(&mut self, slot: Slot) -> Option<&mut Flight> {
        self.slots.get_mut(slot as usize)?.as_mut()
    }

    /// Ends a flight.
    pub(super) fn take(&mut self, slot: Slot) -> Option<Flight> {
        let flight = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(flight)
    }

    /// How many are on their way.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
