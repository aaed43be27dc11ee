//! Something that changes, as a sequence of files that do not: version N is written over by
//! creating version N + 1, which only one writer can.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use bowline_core::model::Version;
use bowline_core::op::Fault;

use super::publish::{Created, create};
use super::{certain, ensure, number_name, numbers};

/// How many old versions are kept for readers that are about to open one.
const KEPT: usize = 8;

/// How often a reader looks again when the version it found was removed under its hands. Each time
/// somebody wrote at least [`KEPT`] versions meanwhile.
const LOOKS: usize = 3;

/// The versions of one thing.
pub(super) struct Versions {
    folder: PathBuf,
}

impl Versions {
    /// The versions in a folder, which need not exist yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The present version and its bytes, if there is one.
    pub(super) fn read(&self) -> Result<Option<(Version, String)>, Fault> {
        for _ in 0..LOOKS {
            let Some(last) = numbers(&self.folder)?.pop() else { return Ok(None) };
            let path = self.folder.join(number_name(last));
            match fs::read_to_string(&path) {
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(certain(&path, &e)),
                Ok(text) => return Ok(Some((Version::new(last.to_string()), text))),
            }
        }
        Err(Fault::Transient(format!("{} changes too fast", self.folder.display())))
    }

    /// Writes over the version that was read; `None`: there was none.
    pub(super) fn write(&self, over: Option<&Version>, bytes: &[u8]) -> Result<Version, Fault> {
        let over = match over {
            None => 0,
            Some(version) => version
                .as_str()
                .parse::<u64>()
                .map_err(|_| Fault::Invalid(format!("{version} is no version of a file")))?,
        };
        ensure(&self.folder).map_err(|e| certain(&self.folder, &e))?;
        let present = numbers(&self.folder)?.pop().unwrap_or(0);
        let stale = || Fault::Conflict(format!("based on version {over}, it is another"));
        if present != over {
            return Err(stale());
        }
        let next = over + 1;
        match create(&self.folder, &number_name(next), bytes) {
            Ok(Created::Taken) => return Err(stale()),
            Err(failed) => return Err(failed.fault(&self.folder)),
            Ok(Created::Ours) => {}
        }
        self.settle(next)
    }

    /// Between our look and our link others may have come so far that our name was free again, its
    /// first bearer removed. Then the largest is at least [`KEPT`] further on, readers go by that,
    /// and whether our bytes ever counted is not known.
    fn settle(&self, ours: u64) -> Result<Version, Fault> {
        let all = numbers(&self.folder).map_err(|e| Fault::Unknown(e.to_string()))?;
        let last = all.last().copied().unwrap_or(ours);
        if last >= ours + KEPT as u64 {
            return Err(Fault::Unknown(format!("version {ours} was written, and is {last} now")));
        }
        let old = all.len().saturating_sub(KEPT);
        for number in &all[..old] {
            // What stays is removed by a later writer.
            let _ = fs::remove_file(self.folder.join(number_name(*number)));
        }
        Ok(Version::new(ours.to_string()))
    }
}
