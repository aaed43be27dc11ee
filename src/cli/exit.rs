//! Exit codes: one list for every command, so that scripts can tell outcomes apart. Nothing else
//! may choose a number.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | done: what was asked is so |
//! | 1 | failed: it was tried and did not work, or a promise was broken |
//! | 2 | wrong usage or bad input: nothing was tried |
//! | 3 | refused: it was understood, and may not be done now |
//! | 4 | still running: it goes on without this command, or no controller looked at it yet |
//! | 5 | waits for a human: somebody must answer first |

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// What was asked is so.
    Done = 0,
    /// It was tried and did not work, or a promise was broken.
    Failed = 1,
    /// Wrong usage or bad input: nothing was tried.
    Usage = 2,
    /// Understood, and may not be done now.
    Refused = 3,
    /// It goes on without this command.
    Running = 4,
    /// Somebody must answer first.
    Waits = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The codes as `--help` shows them.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  failed, or a promise was broken
  2  wrong usage or bad input; nothing was tried
  3  refused
  4  still running
  5  waits for a human";
