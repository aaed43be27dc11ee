//! The seeds of the fuzz targets whose code is the edges' and the command line's. The core's are
//! played in `core/tests/fuzz_seeds.rs`.

#[expect(unreachable_pub, reason = "the fuzz crate, whose file it is, hands them out")]
#[path = "../../fuzz/src/edges.rs"]
mod edges;
#[expect(unreachable_pub, reason = "the core's test includes it, too")]
#[path = "../../fuzz/src/seeds.rs"]
mod seeds;

use std::path::Path;

#[test]
fn every_target_has_seeds_that_reach_what_it_is_for() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    seeds::play(&fuzz, "answers", edges::answers);
    seeds::play(&fuzz, "commands", edges::commands);
}
