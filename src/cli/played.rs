//! Journals for tests: written by the node itself while it plays a story.

use std::path::Path;

use bowline_core::model::GroupName;
use bowline_core::node::GroupStatus;
use bowline_core::op::Stored;
use bowline_core::policy::examples;
use bowline_sim::story::{Stage, find};

/// A story played until something is so.
pub(super) fn play(scenario: &str, until: impl Fn(&Stage) -> bool) -> Stage {
    let mut stage = Stage::new(find(scenario).unwrap(), &examples::shop(), 1);
    let mut told = Vec::new();
    while !until(&stage) {
        assert!(stage.step(&mut told), "the story {scenario} ended before it was so");
    }
    stage
}

/// The shop's group.
pub(super) fn shop() -> GroupName {
    "shop".into()
}

/// The shop's journal.
pub(super) fn chain(stage: &Stage) -> Vec<Stored> {
    let chain = stage.simulation.world.store.chain(&shop());
    let stored = |(bytes, seq): (&std::sync::Arc<str>, u64)| Stored { seq, bytes: bytes.clone() };
    chain.iter().zip(1..).map(stored).collect()
}

/// What the leader would publish now.
pub(super) fn status(stage: &Stage) -> GroupStatus {
    GroupStatus { report: None, ..stage.status(&shop()).unwrap() }
}

/// Writes a journal as a directory store keeps it.
pub(super) fn folder(folder: &Path, chain: &[Stored]) {
    let store = crate::edges::files::FileStore::open_or_create(folder).unwrap();
    for stored in chain {
        let (seq, bytes) = (stored.seq, stored.bytes.clone());
        let op = bowline_core::op::StoreOp::Append { group: shop(), seq, bytes };
        store.perform(&op).unwrap();
    }
}
