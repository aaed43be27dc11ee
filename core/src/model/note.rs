//! The annotation that Bowline writes on an object it holds: who holds it, and what to restore.
//!
//! It is on the object itself, under the object's own resourceVersion, so that two groups, or a
//! break-glass process beside a living controller, agree on the baseline and on who is last out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ids::{Claim, GroupName};

/// What one owner of a hold wants of the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteOwner<V> {
    /// Under which claim it took the hold.
    pub claim: Claim,
    /// The value it wants.
    pub wants: V,
}

/// Value of the annotation `bowline.dev/holds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldNote<V> {
    /// The value before the first owner came: what the last one out restores.
    pub baseline: V,
    /// The groups that hold the object now.
    pub owners: BTreeMap<GroupName, NoteOwner<V>>,
}
