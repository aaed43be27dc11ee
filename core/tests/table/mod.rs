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

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(crate) use check::{Topic, Verdict};
use serde::Deserialize;
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
    files(below)?.iter().map(|path| check::read(path)).collect()
}

fn files(below: &str) -> Result<Vec<PathBuf>, String> {
    let own = ["bases.yaml", "policy.yaml", "unreached.yaml"];
    let folder = folder().join(below);
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ext| ext == "yaml"));
    paths.retain(|path| own.iter().all(|name| !path.ends_with(name)));
    paths.sort();
    Ok(paths)
}

fn bases() -> Result<Bases, String> {
    let text = std::fs::read_to_string(folder().join("bases.yaml")).map_err(|e| e.to_string())?;
    let bases: Bases = serde_saphyr::from_str(&text).map_err(|e| format!("bases.yaml: {e}"))?;
    let abouts = bases.bases.iter().map(|(name, base)| (name, &base.about));
    let mut abouts = abouts.chain(bases.scenes.iter().map(|(name, scene)| (name, &scene.about)));
    match abouts.find(|(_, about)| about.trim().is_empty()) {
        Some((name, _)) => Err(format!("bases.yaml: {name} does not say what it is about")),
        None => Ok(bases),
    }
}

/// Plays all rows of the files.
///
/// # Errors
/// Why `bases.yaml` cannot be used.
pub(crate) fn check(topics: &[Topic]) -> Result<Verdict, String> {
    Ok(check::check(&bases()?, topics))
}

/// What people see of one row of every file.
///
/// # Errors
/// Why `bases.yaml` cannot be used.
pub(crate) fn seen(topics: &[Topic]) -> Result<String, String> {
    Ok(check::seen(&bases()?, topics))
}

/// A reason that no row reaches.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unreached {
    /// The decision and its reason, as one text.
    reason: String,
    /// Why no row can.
    why: String,
}

/// Every reason that there can be, and those that `unreached.yaml` says no row reaches.
///
/// # Errors
/// Why that file cannot be used.
pub(crate) fn reasons() -> Result<(BTreeSet<String>, Vec<String>), String> {
    let path = folder().join("unreached.yaml");
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    let listed: Vec<Unreached> =
        serde_saphyr::from_str(&text).map_err(|e| format!("unreached.yaml: {e}"))?;
    if let Some(bare) = listed.iter().find(|unreached| unreached.why.trim().is_empty()) {
        return Err(format!("unreached.yaml: {} does not say why", bare.reason));
    }
    let all = reason::every().into_iter().collect();
    Ok((all, listed.into_iter().map(|unreached| unreached.reason).collect()))
}

/// A file of `decisions/wrong`: its name, what must be told of it, and what is.
pub(crate) type Wrong = (String, String, Vec<String>);

/// Plays the files that are wrong on purpose, each by itself.
///
/// # Errors
/// Why they cannot be found.
pub(crate) fn wrong() -> Result<Vec<Wrong>, String> {
    let mut all = Vec::new();
    let bases = bases()?;
    for path in files("wrong")? {
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
        let expected: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("#: ")).collect();
        let told = match check::read(&path) {
            Ok(topic) => check::check(&bases, &[topic]).wrong,
            Err(error) => vec![error],
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        all.push((name.unwrap_or_default(), expected.join("\n"), told));
    }
    Ok(all)
}
