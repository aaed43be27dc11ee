//! Makes a schedule that breaks a promise as small as it can: the fewest events that still break
//! the same promise, each as short as may be.

use bowline_core::model::Span;

use super::aim::Aim;
use super::schedule::{Happening, Schedule};

/// What became of a schedule that was made small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// The smallest that was found.
    pub schedule: Schedule,
    /// How many trials that took.
    pub trials: u32,
}

/// Makes a schedule small. `fails` plays one and says whether it still breaks the same promise; it
/// is asked at most `most` times.
pub fn shrink(schedule: &Schedule, most: u32, fails: impl FnMut(&Schedule) -> bool) -> Shrunk {
    let mut work = Work { best: schedule.clone(), left: most, fails };
    loop {
        let before = work.best.clone();
        work.fewer_events();
        work.simpler_settings();
        work.shorter();
        if work.best == before || work.left == 0 {
            return Shrunk { schedule: work.best, trials: most - work.left };
        }
    }
}

struct Work<F> {
    best: Schedule,
    left: u32,
    fails: F,
}

impl<F: FnMut(&Schedule) -> bool> Work<F> {
    /// Keeps a smaller schedule if it still fails.
    fn keep(&mut self, smaller: Schedule) -> bool {
        if self.left == 0 || smaller == self.best {
            return false;
        }
        self.left -= 1;
        let fails = (self.fails)(&smaller);
        if fails {
            self.best = smaller;
        }
        fails
    }

    /// Delta debugging: leaves out ever smaller parts of the list.
    fn fewer_events(&mut self) {
        let mut part = self.best.events.len().div_ceil(2);
        while part > 0 {
            let mut at = 0;
            while at < self.best.events.len() {
                let mut smaller = self.best.clone();
                let end = (at + part).min(smaller.events.len());
                smaller.events.drain(at..end);
                if !self.keep(smaller) {
                    at += part;
                }
            }
            part = if part == 1 { 0 } else { part.div_ceil(2) };
        }
    }

    fn simpler_settings(&mut self) {
        if self.best.pairs > 1 {
            self.keep(Schedule { pairs: 1, ..self.best.clone() });
        }
        for groups in 1..self.best.groups {
            if self.keep(Schedule { groups, ..self.best.clone() }) {
                break;
            }
        }
        if self.best.replicas > 2 {
            self.keep(Schedule { replicas: 2, ..self.best.clone() });
        }
        if self.best.approve {
            self.keep(Schedule { approve: false, ..self.best.clone() });
        }
        self.keep(Schedule { on_call: None, ..self.best.clone() });
        for twist in self.best.twists.clone() {
            let mut smaller = self.best.clone();
            smaller.twists.retain(|kept| *kept != twist);
            self.keep(smaller);
        }
    }

    /// Half as long, and once nothing is left to be halved, in whole seconds.
    fn shorter(&mut self) {
        for index in 0..self.best.events.len() {
            for smaller in [halved as fn(&Happening) -> Option<Happening>, rounded] {
                while let Some(event) = smaller(&self.best.events[index]) {
                    let mut schedule = self.best.clone();
                    schedule.events[index] = event;
                    if !self.keep(schedule) {
                        break;
                    }
                }
            }
        }
    }
}

fn halved(event: &Happening) -> Option<Happening> {
    let mut event = event.clone();
    match &mut event {
        Happening::Fault { lasts, .. }
        | Happening::Strike { lasts, .. }
        | Happening::Dies { lasts, .. }
        | Happening::Aim(Aim { lasts, .. })
            if *lasts > Span::secs(1) =>
        {
            *lasts = Span(lasts.as_millis() / 2);
            Some(event)
        }
        _ => None,
    }
}

fn rounded(event: &Happening) -> Option<Happening> {
    let whole = |span: Span| Span::secs(span.as_secs().max(1));
    let mut rounded = event.clone();
    match &mut rounded {
        Happening::Fault { from, lasts, .. } => (*from, *lasts) = (whole(*from), whole(*lasts)),
        Happening::Wish { at, .. } => *at = whole(*at),
        Happening::Strike { lasts, .. }
        | Happening::Dies { lasts, .. }
        | Happening::Aim(Aim { lasts, .. }) => *lasts = whole(*lasts),
        Happening::Glass(_) => {}
    }
    (rounded != *event).then_some(rounded)
}
