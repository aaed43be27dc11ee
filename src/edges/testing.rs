//! What tests of several modules begin with.

use bowline_core::model::{Site, Wall};
use bowline_core::node::GroupStatus;

/// The status of a group that is at peace and about which nothing else is known.
pub(crate) fn group_status(at: Wall) -> GroupStatus {
    GroupStatus {
        group: "shop".into(),
        at,
        leader: None,
        active: Site::Home,
        database: false,
        armed: false,
        paused: None,
        decision: "the active site serves".into(),
        next: None,
        sites: Vec::new(),
        run: None,
        report: None,
        holds: Vec::new(),
        leftovers: Vec::new(),
        claims: Vec::new(),
        head: 0,
        hash: String::new(),
        broken: None,
    }
}
