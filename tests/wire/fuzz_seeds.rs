//! The seeds of the fuzz targets whose code is the edges', the command line's and the resolver's.
//! The core's are played in `core/tests/fuzz_seeds.rs`.

#[expect(unreachable_pub, reason = "the fuzz crate, whose file it is, hands them out")]
#[path = "../../fuzz/src/edges.rs"]
mod edges;
#[expect(unreachable_pub, reason = "the core's test includes it, too")]
#[path = "../../fuzz/src/seeds.rs"]
mod seeds;

use std::path::{Path, PathBuf};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

#[test]
fn every_target_has_seeds_that_reach_what_it_is_for() {
    seeds::play(&fuzz(), "answers", edges::answers);
    seeds::play(&fuzz(), "commands", edges::commands);
    seeds::play(&fuzz(), "dns", edges::dns);
}

/// What is refused is refused for its answer, not since it is no call any more.
#[test]
fn every_seed_of_an_answer_is_one_to_a_call() {
    for seed in std::fs::read_dir(fuzz().join("seeds/answers")).unwrap().map(Result::unwrap) {
        let call = edges::exchange(&std::fs::read(seed.path()).unwrap()).is_some();
        assert_eq!(call, seed.file_name() != "no-call", "{}", seed.path().display());
    }
}
