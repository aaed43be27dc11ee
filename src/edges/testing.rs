//! What tests of several modules begin with.

use bowline_core::model::{Site, Wall};
use bowline_core::node::GroupStatus;
use proptest::prelude::{Strategy, any};

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

/// A text with parts cut out, doubled or replaced by arbitrary bytes: nearly an answer.
pub(crate) fn damaged(text: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let place = 0..text.len();
    (place.clone(), place, proptest::collection::vec(any::<u8>(), 0..8), any::<bool>()).prop_map(
        move |(one, other, bytes, double)| {
            let (from, to) = (one.min(other), one.max(other));
            let rest = if double { from } else { to };
            [&text[..from], &bytes, &text[rest..]].concat()
        },
    )
}
