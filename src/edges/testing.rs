//! What tests of several modules begin with.

use bowline_core::model::{Site, Wall};
use bowline_core::node::GroupStatus;
use proptest::prelude::{Just, Strategy, any};
use proptest::prop_oneof;
use proptest::strategy::Union;

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

/// Runs a future to its end where there is no runtime.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Whatever a service may answer: a status, and a body that is anything or nearly one of these.
pub(crate) fn answers<const N: usize>(like: [Vec<u8>; N]) -> impl Strategy<Value = (u16, Vec<u8>)> {
    let anything = proptest::collection::vec(any::<u8>(), 0..200).boxed();
    let nearly = like.into_iter().map(|text| damaged(text).boxed());
    let body = Union::new(std::iter::once(anything).chain(nearly));
    (prop_oneof![Just(200_u16), 200..600_u16], body)
}

/// A text with parts cut out, doubled or replaced by arbitrary bytes: nearly an answer.
fn damaged(text: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let place = 0..text.len();
    (place.clone(), place, proptest::collection::vec(any::<u8>(), 0..8), any::<bool>()).prop_map(
        move |(one, other, bytes, double)| {
            let (from, to) = (one.min(other), one.max(other));
            let rest = if double { from } else { to };
            [&text[..from], &bytes, &text[rest..]].concat()
        },
    )
}
