//! Plays a schedule to its end, whatever the end is.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bowline_core::model::Span;

use super::outcome::{Outcome, PANIC};
use super::policy::UnknownStory;
use super::schedule::Schedule;
use super::trial::Trial;

/// Plays a schedule to its end. A panic is a broken promise too, by the name of `panic`.
///
/// # Errors
/// When its policy is none.
pub fn play(schedule: &Schedule) -> Result<Outcome, UnknownStory> {
    Ok(to_the_end(Trial::new(schedule)?, |_| {}))
}

/// Plays a trial to its end, and shows it after each event.
pub(crate) fn to_the_end(mut trial: Trial, mut look: impl FnMut(&Trial)) -> Outcome {
    // The trial is dropped after a panic: nobody sees what it left half done.
    let played = catch_unwind(AssertUnwindSafe(|| {
        while trial.step().is_some() {
            look(&trial);
        }
        trial.outcome()
    }));
    played.unwrap_or_else(|payload| panicked(&*payload))
}

/// What came of a trial that ended in a panic.
fn panicked(payload: &(dyn Any + Send)) -> Outcome {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    let why = text.unwrap_or_else(|| "without a word".into());
    Outcome {
        broken: vec![(PANIC.into(), why)],
        digest: 0,
        round_trips: 0,
        moves: 0,
        lasted: Span::ZERO,
        events: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_words() {
        for (payload, words) in [
            (Box::new("as a literal") as Box<dyn Any + Send>, "as a literal"),
            (Box::new("as a text".to_owned()), "as a text"),
            (Box::new(7_u8), "without a word"),
        ] {
            assert_eq!(panicked(&*payload).broken, [(PANIC.to_owned(), words.to_owned())]);
        }
    }
}
