//! The last status that a leader published: `DIR/status/GROUP.json`, replaced as a whole. It is no
//! record: nobody decides by it, and losing it loses nothing.

use std::fs;
use std::io::ErrorKind;

use bowline_core::model::GroupName;
use bowline_core::op::Fault;

use super::publish::replace;
use super::{FileStore, certain, ensure, file_name, read_text};

impl FileStore {
    /// Replaces a group's published status; it blocks.
    ///
    /// # Errors
    /// A directory that cannot be written; the old status is then still there.
    pub(crate) fn publish(&self, group: &GroupName, bytes: &[u8]) -> Result<(), Fault> {
        self.present()?;
        let folder = self.folder.join("status");
        ensure(&folder).map_err(|e| certain(&folder, &e))?;
        let name = format!("{}.json", file_name(group.as_str())?);
        replace(&folder, &name, bytes).map_err(|e| certain(&folder, &e))
    }

    /// A group's published status, if there is one; it blocks.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub(crate) fn published(&self, group: &GroupName) -> Result<Option<String>, Fault> {
        self.present()?;
        let path = self.folder.join("status").join(format!("{}.json", file_name(group.as_str())?));
        match read_text(&path) {
            Ok(text) => Ok(Some(text)),
            Err(Fault::NotFound(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The groups that have a journal here; it blocks.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub(crate) fn groups(&self) -> Result<Vec<GroupName>, Fault> {
        self.present()?;
        let folder = self.folder.join("records");
        let listed = match fs::read_dir(&folder) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|e| certain(&folder, &e))?,
        };
        let mut groups = Vec::new();
        for entry in listed {
            let name = entry.map_err(|e| certain(&folder, &e))?.file_name();
            groups.extend(name.to_str().filter(|name| file_name(name).is_ok()).map(GroupName::new));
        }
        groups.sort();
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_status_is_replaced_as_a_whole_and_its_absence_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open_or_create(folder.path().join("store")).unwrap();
        let shop = GroupName::from("shop");
        assert_eq!(store.published(&shop).unwrap(), None);
        store.publish(&shop, b"{\"active\":\"home\",\"long\":\"yes\"}").unwrap();
        store.publish(&shop, b"{\"active\":\"standby\"}").unwrap();
        assert_eq!(store.published(&shop).unwrap().unwrap(), "{\"active\":\"standby\"}");
        let kept = fs::read_dir(folder.path().join("store/status")).unwrap().count();
        assert_eq!(kept, 1, "no draft is left behind");
        assert!(FileStore::open_or_create(folder.path().join("store")).is_ok());
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open_or_create(folder.path()).unwrap();
        assert!(store.publish(&"../x".into(), b"{}").is_err());
        assert!(store.published(&"../x".into()).is_err());
    }
}
