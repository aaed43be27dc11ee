//! The seeds of the fuzz targets (`fuzz/seeds`): each is taken, or refused, as its name says, so
//! that fuzzing begins behind what refuses nearly everything.

#[expect(unreachable_pub, reason = "the fuzz crate, whose file it is, hands them out")]
#[path = "../../fuzz/src/parsers.rs"]
mod parsers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

type Target = fn(&[u8]) -> bool;

/// Targets whose code is the core's. `dns` is fuzzed in `fuzz/` alone: it is the resolver's code.
const TARGETS: [(&str, Target); 7] = [
    ("chain", parsers::chain),
    ("entry", parsers::entry),
    ("import", parsers::import),
    ("object", parsers::object),
    ("policy", parsers::policy),
    ("replies", parsers::replies),
    ("texts", parsers::texts),
];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names(folder: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(fuzz().join(folder)).expect("the folder is there");
    let paths = files.map(|file| file.expect("it can be listed").path());
    let stem = |path: PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    paths.filter_map(stem).collect()
}

/// A seed whose name begins with `no-` is one that must be refused.
#[test]
fn every_target_has_seeds_that_reach_what_it_is_for() {
    for (name, target) in TARGETS {
        let seeds = std::fs::read_dir(fuzz().join("seeds").join(name)).unwrap();
        let mut taken = 0;
        for seed in seeds.map(Result::unwrap) {
            let wanted = !seed.file_name().to_string_lossy().starts_with("no-");
            let found = target(&std::fs::read(seed.path()).unwrap());
            assert_eq!(found, wanted, "{}", seed.path().display());
            taken += u32::from(found);
        }
        assert!(taken >= 2, "{name}: {taken} seeds are taken");
    }
}

#[test]
fn every_target_is_a_program_with_seeds() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let all: BTreeSet<_> = targets.into_iter().chain(["dns".to_owned()]).collect();
    assert_eq!(names("fuzz_targets"), all);
    assert_eq!(names("seeds"), all);
}
