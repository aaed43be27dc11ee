//! What is due when, in the order it was asked for.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bowline_core::model::{Mono, Span};

/// Things that are due at instants. Two that are due at the same instant come in the order in which
/// they were set, so that a world is the same each time.
#[derive(Clone, Debug)]
pub struct Timers<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    set: u64,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    at: Mono,
    nth: u64,
    due: T,
}

impl<T> Entry<T> {
    fn key(&self) -> (Mono, u64) {
        (self.at, self.nth)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), set: 0 }
    }
}

impl<T> Timers<T> {
    /// Makes `due` come at `at`.
    pub fn set(&mut self, at: Mono, due: T) {
        self.heap.push(Reverse(Entry { at, nth: self.set, due }));
        self.set += 1;
    }

    /// When the next thing is due.
    #[must_use]
    pub fn next(&self) -> Option<Mono> {
        self.heap.peek().map(|entry| entry.0.at)
    }

    /// Takes the next thing if it is due by `now`, with its own instant.
    pub fn pop(&mut self, now: Mono) -> Option<(Mono, T)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.due))
    }

    /// Makes everything outstanding come so much later.
    pub fn delay(&mut self, by: Span) {
        let later =
            |Reverse(entry): Reverse<Entry<T>>| Reverse(Entry { at: entry.at + by, ..entry });
        self.heap = std::mem::take(&mut self.heap).into_iter().map(later).collect();
    }

    /// How many things are outstanding.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is outstanding.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_instant_keeps_the_order_of_setting() {
        let mut timers = Timers::default();
        for (at, due) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b'), (9, 'z')] {
            timers.set(Mono(at), due);
        }
        assert_eq!(timers.next(), Some(Mono(1)));
        let mut seen = Vec::new();
        while let Some((at, due)) = timers.pop(Mono(5)) {
            seen.push((at.0, due));
        }
        assert_eq!(seen, [(1, 'a'), (1, 'b'), (5, 'c'), (5, 'd')]);
        assert_eq!(timers.len(), 1, "what is not due stays");
    }

    #[test]
    fn a_delay_keeps_order_and_distances() {
        let mut timers = Timers::default();
        timers.set(Mono(7), 'b');
        timers.set(Mono(5), 'a');
        timers.delay(Span(10));
        assert_eq!(timers.pop(Mono(14)), None);
        assert_eq!(timers.pop(Mono(20)), Some((Mono(15), 'a')));
        assert_eq!(timers.pop(Mono(20)), Some((Mono(17), 'b')));
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut timers = Timers::default();
        assert!(timers.is_empty() && timers.next().is_none());
        timers.set(Mono(2), ());
        assert_eq!(timers.pop(Mono(1)), None);
        assert_eq!(timers.pop(Mono(2)), Some((Mono(2), ())));
    }
}
