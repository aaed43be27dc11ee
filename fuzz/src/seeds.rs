//! What tests ask of seeds: each is taken, or refused, as its name says, so that fuzzing begins
//! behind what refuses nearly everything.

use std::path::{Path, PathBuf};

/// What a target does with bytes, and whether it took them.
pub type Target = fn(&[u8]) -> bool;

/// Plays every seed of a target. One whose name begins with `no-` must be refused.
///
/// # Panics
/// A seed that was taken or refused against its name, or fewer than two that were taken.
pub fn play(fuzz: &Path, name: &str, target: Target) {
    let folder = fuzz.join("seeds").join(name);
    let files = std::fs::read_dir(&folder).expect("the folder is there");
    let paths: Vec<PathBuf> = files.map(|file| file.expect("it can be listed").path()).collect();
    let taken = |path: &&PathBuf| target(&std::fs::read(path).expect("it can be read"));
    let (taken, refused): (Vec<_>, Vec<_>) = paths.iter().partition(taken);
    let no = |path: &Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("no-"))
    };
    let wrong = taken.iter().filter(|path| no(path)).chain(refused.iter().filter(|path| !no(path)));
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "taken or refused against their names: {wrong:#?}");
    assert!(taken.len() >= 2, "{name}: {} seeds are taken", taken.len());
}
