//! Spells of trouble that begin and end, and what they do to replicas.

use bowline_core::model::Now;
use bowline_core::node::Input;

use super::{Event, Replica, Simulation};
use crate::faults::Trouble;

impl<R: Replica> Simulation<R> {
    pub(super) fn begin(&mut self, index: usize, now: Now) {
        let trouble = self.spells[index].trouble.clone();
        self.note(5, index as u64, 0);
        match &trouble {
            Trouble::Crashed(seat) => self.seats[*seat].crash(),
            Trouble::Paused(seat) => self.seats[*seat].pause(),
            Trouble::Skewed(seat, by_ms) => self.seats[*seat].clock.skew_ms += *by_ms,
            Trouble::Drifts(seat, ppm) => self.seats[*seat].drift(*ppm, now.mono),
            other if other.plays_on_calls() => self.weather.begin(other),
            other => self.world.begin(other, now, &mut self.nature),
        }
        self.tell(now, &Event::Began(&trouble));
        self.tell_news(now);
    }

    pub(super) fn end(&mut self, index: usize, now: Now) {
        let trouble = self.spells[index].trouble.clone();
        self.note(6, index as u64, 0);
        match &trouble {
            Trouble::Crashed(seat) => self.restart(*seat),
            Trouble::Paused(seat) => self.resume(*seat, now),
            Trouble::Skewed(seat, by_ms) => self.seats[*seat].clock.skew_ms -= *by_ms,
            Trouble::Drifts(seat, ppm) => self.seats[*seat].drift(-*ppm, now.mono),
            other if other.plays_on_calls() => self.weather.end(other),
            other => self.world.end(other, now, &mut self.nature),
        }
        self.tell(now, &Event::Ended(&trouble));
        self.tell_news(now);
    }

    /// One reason less to be gone; when it was the last one, somebody new sits down.
    fn restart(&mut self, seat: usize) {
        if self.seats[seat].recovers() {
            self.start(seat);
        }
    }

    pub(super) fn start(&mut self, seat: usize) {
        let replica = (self.recruit)(seat, self.seats[seat].incarnation);
        self.seats[seat].seat(replica);
        self.hand(seat, Input::Policies(self.policies.clone()));
    }

    fn resume(&mut self, seat: usize, now: Now) {
        let mut out = std::mem::take(&mut self.out);
        self.seats[seat].resume(now, &mut out);
        self.send(seat, &mut out);
        self.out = out;
    }
}
