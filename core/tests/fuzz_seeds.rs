//! The seeds of the fuzz targets of the core (`fuzz/seeds`), and that every target has some.

#[expect(unreachable_pub, reason = "the fuzz crate, whose file it is, hands them out")]
#[path = "../../fuzz/src/parsers.rs"]
mod parsers;
#[expect(unreachable_pub, reason = "a test of the edges includes it, too")]
#[path = "../../fuzz/src/seeds.rs"]
mod seeds;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Targets whose code is the core's.
const TARGETS: [(&str, seeds::Target); 7] = [
    ("chain", parsers::chain),
    ("entry", parsers::entry),
    ("import", parsers::import),
    ("object", parsers::object),
    ("policy", parsers::policy),
    ("replies", parsers::replies),
    ("texts", parsers::texts),
];

/// The others, whose seeds `tests/wire/fuzz_seeds.rs` plays.
const OTHERS: [&str; 3] = ["answers", "commands", "dns"];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names(folder: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(fuzz().join(folder)).expect("the folder is there");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    paths.filter_map(stem).collect()
}

#[test]
fn every_target_has_seeds_that_reach_what_it_is_for() {
    TARGETS.iter().for_each(|(name, target)| seeds::play(&fuzz(), name, *target));
}

#[test]
fn every_target_is_a_program_with_seeds() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let all: BTreeSet<_> = targets.into_iter().chain(OTHERS.map(str::to_owned)).collect();
    assert_eq!(names("fuzz_targets"), all);
    assert_eq!(names("seeds"), all);
}
