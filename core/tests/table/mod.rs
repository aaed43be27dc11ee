//! The decision table: rows that people write (`core/tests/decisions/*.yaml`), played by the node
//! that ships.
//!
//! ```text
//! row ─▶ group: policy, journal, world over time ─▶ play: Node::handle on virtual time ─▶ check
//!                                                      │ every call
//!                                                      ▼
//!                                                   answers: what the row says is so then
//! ```
//!
//! A row says what the world answers, and when. Which samples are taken, what they are worth, what
//! the windows, the readiness, the evidence and the fleet make of it is computed by the shipped
//! code. Nothing of that is here.

mod answers;
mod check;
mod group;
mod past;
mod play;
mod reason;
mod shape;
mod value;

use std::path::{Path, PathBuf};

pub(crate) use check::{Topic, Verdict};
use shape::Bases;

/// The folder of the table.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/decisions")
}

/// The files of a folder that hold rows, in the order of their names.
///
/// # Errors
/// The file that cannot be read, with the place and the reason.
pub(crate) fn topics(below: &str) -> Result<Vec<Topic>, String> {
    let own = ["bases.yaml", "policy.yaml", "unreached.yaml"];
    let folder = folder().join(below);
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "yaml"));
    paths.retain(|path| own.iter().all(|name| !path.ends_with(name)));
    paths.sort();
    paths.iter().map(|path| check::read(path)).collect()
}

fn bases() -> Result<Bases, String> {
    let text = std::fs::read_to_string(folder().join("bases.yaml")).map_err(|e| e.to_string())?;
    serde_saphyr::from_str(&text).map_err(|e| format!("bases.yaml: {e}"))
}

/// Plays all rows of the files.
///
/// # Errors
/// Why `bases.yaml` cannot be used.
pub(crate) fn check(topics: &[Topic]) -> Result<Verdict, String> {
    Ok(check::check(&bases()?, topics))
}
