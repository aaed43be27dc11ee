//! The durable store as files, for break-glass, local use and the demo: the same records, facts,
//! intents and lease without a cluster.
//!
//! ```text
//! DIR/bowline-store                 what this directory is
//! DIR/records/GROUP/SEQ.json        a chain's entries
//! DIR/facts/GROUP/VERSION.json      peacetime facts; the largest version counts
//! DIR/lease/VERSION.json            the lease; likewise
//! DIR/intents/UID.json              what people want
//! DIR/status/GROUP.json             what a leader last said of a group; no record, and replaced
//! ```
//! Everything is one primitive, `publish::create`: a file that appears under its name complete
//! and durable, or not at all, and only if nobody took the name. What changes (facts, the lease) is
//! a sequence of such files, so a write over an old version finds its name taken.

mod intents;
mod publish;
mod status;
mod versions;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use bowline_core::model::GroupName;
use bowline_core::op::{Answer, FactsView, Fault, LeaseOp, LeaseSpec, LeaseView, StoreOp, Stored};

use publish::{Created, create};
use versions::Versions;

/// The file that says what the directory is.
const MARK: &str = "bowline-store";

/// The most entries that one read gives; the reader asks again after the last.
const PAGE: usize = 500;

/// A store in a directory.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
}

// === Opening ===

impl FileStore {
    /// The store in a directory that is one already.
    ///
    /// # Errors
    /// A directory that cannot be read or is no store.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Fault> {
        let store = Self { folder: folder.into() };
        store.present().map(|()| store)
    }

    /// The store in a directory, made if it is absent or empty.
    ///
    /// # Errors
    /// A directory that cannot be made, or that holds other things.
    pub fn open_or_create(folder: impl Into<PathBuf>) -> Result<Self, Fault> {
        let store = Self { folder: folder.into() };
        let made = fs::create_dir_all(&store.folder).and_then(|()| store.make());
        made.map_err(|e| certain(&store.folder, &e))?;
        Ok(store)
    }

    fn make(&self) -> io::Result<()> {
        if self.folder.join(MARK).exists() {
            return Ok(());
        }
        let strange = fs::read_dir(&self.folder)?.flatten().any(|entry| {
            !["records", "facts", "lease", "intents", "status"]
                .contains(&&*entry.file_name().to_string_lossy())
        });
        if strange {
            let words = "the directory holds other things; give an empty one";
            return Err(io::Error::new(ErrorKind::InvalidInput, words));
        }
        for part in ["records", "facts", "lease", "intents"] {
            ensure(&self.folder.join(part))?;
        }
        // Last: a store that was cut off while it was made is made again.
        match create(&self.folder, MARK, b"bowline store v1\n") {
            Ok(_) => Ok(()),
            Err(failed) => Err(failed.error),
        }
    }

    /// A directory that vanished (an unmounted disk) must not look like an empty store.
    fn present(&self) -> Result<(), Fault> {
        match fs::metadata(self.folder.join(MARK)) {
            Ok(_) => Ok(()),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                Err(Fault::NotFound(format!("{} is no bowline store", self.folder.display())))
            }
            Err(e) => Err(certain(&self.folder, &e)),
        }
    }
}

// === Calls ===

impl FileStore {
    /// Makes one call; it blocks.
    ///
    /// # Errors
    /// A full disk or a vanished directory is a fault, and leaves nothing half-written.
    pub(crate) fn perform(&self, op: &StoreOp) -> Result<Answer, Fault> {
        self.present()?;
        match op {
            StoreOp::Read { group, after } => self.read(group, *after).map(Answer::Entries),
            StoreOp::Append { group, seq, bytes } => self.append(group, *seq, bytes),
            StoreOp::Intents => self.intents().map(Answer::Intents),
            StoreOp::Facts { group } => self.facts(group),
            StoreOp::PutFacts { group, version, bytes } => {
                let written = self.facts_of(group)?.write(version.as_ref(), bytes.as_bytes());
                written.map(Answer::Written)
            }
        }
    }

    /// Makes one call for the lease; it blocks.
    ///
    /// # Errors
    /// As [`FileStore::perform`].
    pub(crate) fn lease(&self, op: &LeaseOp) -> Result<Answer, Fault> {
        self.present()?;
        let versions = Versions::new(self.folder.join("lease"));
        match op {
            LeaseOp::Read => {
                let Some((version, bytes)) = versions.read()? else {
                    return Ok(Answer::Lease(None));
                };
                let lease: LeaseSpec = parse("lease", &bytes)?;
                Ok(Answer::Lease(Some(LeaseView { version, lease })))
            }
            LeaseOp::Write { version, lease } => {
                versions.write(version.as_ref(), &render(lease)?).map(Answer::Written)
            }
        }
    }

    fn read(&self, group: &GroupName, after: u64) -> Result<Vec<Stored>, Fault> {
        let folder = self.folder.join("records").join(file_name(group.as_str())?);
        let mut seqs = numbers(&folder)?;
        seqs.retain(|seq| *seq > after);
        let entry = |seq: &u64| {
            let text = read_text(&folder.join(number_name(*seq)))?;
            Ok(Stored { seq: *seq, bytes: Arc::from(text) })
        };
        seqs.iter().take(PAGE).map(entry).collect()
    }

    fn append(&self, group: &GroupName, seq: u64, bytes: &str) -> Result<Answer, Fault> {
        let folder = self.folder.join("records").join(file_name(group.as_str())?);
        ensure(&folder).map_err(|e| certain(&folder, &e))?;
        if seq == 0 || seq > 1 && !folder.join(number_name(seq - 1)).exists() {
            return Err(Fault::Invalid(format!("{group}-{seq} would leave a gap")));
        }
        match create(&folder, &number_name(seq), bytes.as_bytes()) {
            Ok(Created::Ours) => Ok(Answer::Ok),
            Ok(Created::Taken) => Err(Fault::Conflict(format!("{group}-{seq} exists"))),
            Err(failed) => Err(failed.fault(&folder)),
        }
    }

    fn facts(&self, group: &GroupName) -> Result<Answer, Fault> {
        let found = self.facts_of(group)?.read()?;
        let view = found.map(|(version, bytes)| FactsView { version, bytes: bytes.into() });
        Ok(Answer::Facts(view))
    }

    fn facts_of(&self, group: &GroupName) -> Result<Versions, Fault> {
        Ok(Versions::new(self.folder.join("facts").join(file_name(group.as_str())?)))
    }
}

// === Files ===

/// A name as one file's or folder's: nothing in it may lead elsewhere.
fn file_name(name: &str) -> Result<&str, Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Fault::Invalid(format!("{name:?} is no name of a group")));
    }
    Ok(name)
}

/// Makes a folder below one that exists; its name is durable when this returns.
fn ensure(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(e),
        Ok(()) => folder.parent().map_or(Ok(()), publish::sync_folder),
    }
}

fn number_name(number: u64) -> String {
    format!("{number:020}.json")
}

/// The numbers that name a folder's files, in order; none if there is no such folder.
fn numbers(folder: &Path) -> Result<Vec<u64>, Fault> {
    let listed = match fs::read_dir(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|e| certain(folder, &e))?,
    };
    let mut found = Vec::new();
    for entry in listed {
        let name = entry.map_err(|e| certain(folder, &e))?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".json"));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

fn read_text(path: &Path) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(|e| certain(path, &e))
}

fn parse<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|e| Fault::Invalid(format!("{what}: {e}")))
}

fn render(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|e| Fault::Invalid(e.to_string()))
}

/// The fault of an error that certainly changed nothing.
fn certain(path: &Path, error: &io::Error) -> Fault {
    let words = format!("{}: {error}", path.display());
    match error.kind() {
        ErrorKind::NotFound => Fault::NotFound(words),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Fault::Denied(words),
        ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::NotADirectory => {
            Fault::Invalid(words)
        }
        _ => Fault::Transient(words),
    }
}

#[cfg(test)]
mod tests;
