//! Schedules: drawn alike, replayed alike, read back alike, and made small.

use bowline_core::model::Span;

use super::*;
use crate::faults::Trouble;

fn quick() -> Story {
    Story::quick().unwrap()
}
