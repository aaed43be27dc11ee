//! Instants as the SDK has them, and ours.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use bowline_core::model::Wall;

/// What time it is.
pub(super) fn now() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Our instant as the SDK wants it.
pub(super) fn from_wall(at: Wall) -> DateTime {
    DateTime::from_millis(at.0)
}

/// The SDK's instant as ours; `None` when it is beyond all reason.
pub(super) fn to_wall(at: &DateTime) -> Option<Wall> {
    at.to_millis().ok().map(Wall)
}
