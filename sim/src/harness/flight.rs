//! Calls on their way, in slots that are used again.
//!
//! Calls and answers are large, and there are millions of them: each is written into its slot once,
//! and what is over is left there until the slot is needed.

use bowline_core::op::{Answer, Call, Fault};

/// Names a slot.
pub(super) type Slot = u32;

/// What a call gave.
pub(super) type Given = Result<Answer, Fault>;

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
    pub(super) given: Option<Given>,
}

/// All calls on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights {
    slots: Vec<Flight>,
    free: Vec<Slot>,
}

impl Flights {
    pub(super) fn add(&mut self, seat: usize, incarnation: u32, call: Call) -> Slot {
        match self.free.pop() {
            Some(slot) => {
                let flight = &mut self.slots[slot as usize];
                flight.seat = seat;
                flight.incarnation = incarnation;
                flight.call = call;
                slot
            }
            None => self.open(Flight { seat, incarnation, call, given: None }),
        }
    }

    fn open(&mut self, flight: Flight) -> Slot {
        self.slots.push(flight);
        (self.slots.len() - 1) as Slot
    }

    /// A second copy of a message.
    pub(super) fn copy(&mut self, slot: Slot) -> Slot {
        let flight = self.slots[slot as usize].clone();
        self.open(flight)
    }

    /// A message that is still on its way.
    pub(super) fn get(&mut self, slot: Slot) -> &mut Flight {
        &mut self.slots[slot as usize]
    }

    /// Ends a flight, with what the call gave.
    pub(super) fn end(&mut self, slot: Slot) -> Option<Given> {
        self.free.push(slot);
        self.slots[slot as usize].given.take()
    }

    /// How many are on their way.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
