//! The one primitive of the file store: a file that is there complete and durable, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use bowline_core::op::Fault;

use super::certain;

/// What became of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Created {
    /// It is ours.
    Ours,
    /// Somebody had it already; nothing was changed.
    Taken,
}

/// Why a file was not created.
#[derive(Debug)]
pub(super) struct Failed {
    /// What went wrong.
    pub(super) error: io::Error,
    /// Whether the file may be there all the same.
    maybe: bool,
}

impl Failed {
    /// As the node understands it.
    pub(super) fn fault(&self, folder: &Path) -> Fault {
        if self.maybe {
            return Fault::Unknown(format!("{}: {}", folder.display(), self.error));
        }
        certain(folder, &self.error)
    }
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Creates `folder/name` with `bytes`: written and synced under another name first, then linked to
/// its own, which fails if the name is taken; then the folder is synced.
pub(super) fn create(folder: &Path, name: &str, bytes: &[u8]) -> Result<Created, Failed> {
    let certain = |error| Failed { error, maybe: false };
    let draft = Draft::write(folder, bytes).map_err(certain)?;
    match fs::hard_link(&draft.0, folder.join(name)) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => return Ok(Created::Taken),
        other => other.map_err(certain)?,
    }
    sync_folder(folder).map_err(|error| Failed { error, maybe: true })?;
    Ok(Created::Ours)
}

/// Replaces `folder/name`: whoever reads it sees the old bytes or the new ones, never a part.
pub(super) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = Draft::write(folder, bytes)?;
    fs::rename(&draft.0, folder.join(name))?;
    sync_folder(folder)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A file under a name that no reader looks at; removed when dropped.
struct Draft(PathBuf);

impl Draft {
    fn write(folder: &Path, bytes: &[u8]) -> io::Result<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".draft-{}-{number}", process::id()));
        // One left behind by a process that had our number is nobody's any more.
        let _ = fs::remove_file(&path);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let draft = Self(path);
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What cannot be removed is passed over by every reader.
        let _ = fs::remove_file(&self.0);
    }
}
