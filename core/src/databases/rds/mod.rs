//! RDS with a cross-Region read replica.
//!
//! RDS takes no token and cannot compare epochs, so every procedure looks at the instance first, by
//! its `DbiResourceId` where identifiers may have been reused, and sends one call at a time.
//! Promotion is the one irreversible call: RDS refuses it on an instance that is no replica, which
//! is what makes a second one harmless.

mod caught_up;
mod fence;
mod member;
mod promote;
mod quiesce;
mod rebuild;

pub use caught_up::CaughtUp;
pub use fence::{CloseDoor, Fence, Reopen};
pub use member::{Member, ResourceRef};
pub use promote::{Position, Promote};
pub use quiesce::ConnectionsGone;
pub use rebuild::{CreateReplica, Rename};

use crate::model::Span;

/// How soon to look again at something that RDS does in minutes. `DescribeDBInstances` is cheap.
const POLL: Span = Span::secs(5);

/// How long a rename or a creation may take to show.
const RENAME_SHOWS: Span = Span::mins(2);

/// How long a call may still take effect after its record: AWS takes a signed request for five
/// minutes. The rest is for clocks that differ.
pub(crate) const SIGNED: Span = Span::mins(6);

#[cfg(test)]
mod tests;
