//! What was worked out before: a replica's next turn, a chain's next entry.
//!
//! What comes of an event depends on the print of whom it happens to and on the event alone, and
//! the same comes back many thousand times. That two of one print behave alike is what the model
//! relies on anyway when it counts states.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::replica::{Message, Replica};
use super::stored::Stored;

/// What became of a replica, and what it sent.
pub(super) type Moved = (Arc<Replica>, Arc<[Arc<Message>]>);

/// What a model remembers.
#[derive(Default)]
pub(super) struct Memory {
    /// What became of replicas, by the print of each and of what happened to it.
    pub(super) moves: Shelves<Moved>,
    /// One replica for each print.
    pub(super) replicas: Shelves<Arc<Replica>>,
    /// What became of a chain, by its print and that of what was appended.
    pub(super) chains: Shelves<Arc<Stored>>,
}

/// Things by their prints.
pub(super) struct Shelves<T>([Mutex<HashMap<u64, T>>; 32]);

impl<T> Default for Shelves<T> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl<T: Clone> Shelves<T> {
    /// What was made for this print; it is made now if it was not before.
    pub(super) fn recall(&self, print: u64, make: impl FnOnce() -> T) -> T {
        let shelf = &self.0[usize::try_from(print % 32).unwrap_or_default()];
        let known = open(shelf).get(&print).cloned();
        known.unwrap_or_else(|| {
            let made = make();
            open(shelf).entry(print).or_insert(made).clone()
        })
    }
}

/// What is on a shelf is whole, whoever panicked beside it.
fn open<T>(shelf: &Mutex<T>) -> MutexGuard<'_, T> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}
