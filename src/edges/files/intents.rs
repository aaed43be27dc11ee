//! What people want, as files. There is no admission here: who may write the directory is believed.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use bowline_core::model::{GroupName, Wall};
use bowline_core::op::{Fault, IntentObject};
use bowline_core::run::Intent;

use super::publish::{Created, create};
use super::{FileStore, certain, file_name, parse, read_text, render};

/// A file's content.
#[derive(Deserialize, Serialize)]
struct Written {
    group: GroupName,
    by: String,
    at: Wall,
    intent: serde_json::Value,
}

impl FileStore {
    /// Every intent, oldest first.
    pub(super) fn intents(&self) -> Result<Vec<IntentObject>, Fault> {
        let folder = self.folder.join("intents");
        let mut all = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(|e| certain(&folder, &e))? {
            let name = entry.map_err(|e| certain(&folder, &e))?.file_name();
            let uid = name.to_str().and_then(|name| name.strip_suffix(".json"));
            if let Some(uid) = uid.filter(|uid| !uid.starts_with('.')) {
                all.push(intent(&folder, uid)?);
            }
        }
        all.sort_by(|a, b| (a.at, &a.uid).cmp(&(b.at, &b.uid)));
        Ok(all)
    }

    /// Says what a human wants; gives the intent's uid. It blocks.
    ///
    /// # Errors
    /// As for records.
    pub fn intend(&self, group: &GroupName, by: &str, intent: &Intent) -> Result<String, Fault> {
        file_name(group.as_str())?;
        let folder = self.folder.join("intents");
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let intent = serde_json::to_value(intent).map_err(|e| Fault::Invalid(e.to_string()))?;
        let written = Written { group: group.clone(), by: by.to_owned(), at, intent };
        // A process writes one intent in a nanosecond; another process has another number.
        let uid = format!("{}-{}", since.as_nanos(), std::process::id());
        match create(&folder, &format!("{uid}.json"), &render(&written)?) {
            Ok(Created::Ours) => Ok(uid),
            Ok(Created::Taken) => Err(Fault::Conflict(format!("intent {uid} exists"))),
            Err(failed) => Err(failed.fault(&folder)),
        }
    }
}

fn intent(folder: &Path, uid: &str) -> Result<IntentObject, Fault> {
    let written: Written = parse(uid, &read_text(&folder.join(format!("{uid}.json")))?)?;
    Ok(IntentObject {
        uid: uid.into(),
        group: written.group,
        by: written.by,
        at: written.at,
        bytes: written.intent.to_string().into(),
    })
}
