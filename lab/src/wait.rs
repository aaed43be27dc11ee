//! Waiting for something to become true, always against a deadline.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Shortest pause between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// How much longer the pause is than the look before it took: looks share the machine with what
/// they look at.
const SHARE: u32 = 4;

/// What a look found.
pub enum Look<T> {
    /// It is there.
    There(T),
    /// Not yet; says what was seen instead.
    NotYet(String),
}

/// Looks again and again until the thing is there. An error of the look ends the waiting at once;
/// so does the deadline, with what was seen last.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Look<T>>,
) -> Result<T> {
    let ends = Instant::now() + limit;
    loop {
        let began = Instant::now();
        match look()? {
            Look::There(value) => return Ok(value),
            Look::NotYet(seen) if Instant::now() >= ends => {
                bail!("{what}: not within {:.0} s; last seen: {seen}", limit.as_secs_f32())
            }
            Look::NotYet(_) => thread::sleep(PAUSE.max(began.elapsed() * SHARE)),
        }
    }
}

/// Looks until something is so, and tells how long it took: for tests, which are over otherwise.
///
/// # Panics
/// At the limit, with what was seen last.
pub fn wait_for(what: &str, limit_secs: u64, mut look: impl FnMut() -> (bool, String)) -> Duration {
    let began = Instant::now();
    let found = until(what, Duration::from_secs(limit_secs), || {
        let (there, seen) = look();
        Ok(if there { Look::There(()) } else { Look::NotYet(seen) })
    });
    if let Err(error) = found {
        panic!("{error:#}");
    }
    println!("{what}: {:.1} s", began.elapsed().as_secs_f32());
    began.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_until_the_thing_is_there() {
        let mut left = 3;
        let found = until("x", Duration::from_secs(9), || {
            left -= 1;
            Ok(if left == 0 { Look::There("found") } else { Look::NotYet(left.to_string()) })
        });
        assert_eq!(found.unwrap(), "found");
    }

    #[test]
    fn the_deadline_tells_what_was_seen_last() {
        let never = || Ok(Look::<()>::NotYet("3 of 4".to_owned()));
        let error = until("nodes", Duration::from_millis(150), never).unwrap_err().to_string();
        assert!(error.starts_with("nodes: not within") && error.ends_with("3 of 4"), "{error}");
    }

    #[test]
    fn an_error_ends_the_waiting_at_once() {
        let dead = || bail!("it died");
        let error = until::<()>("x", Duration::from_secs(99), dead).unwrap_err();
        assert_eq!(error.to_string(), "it died");
    }
}
