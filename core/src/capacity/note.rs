//! The annotation on a held object: taking it over, adding to it, leaving it.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bugs::{self, Bug};
use crate::model::{Claim, GroupName, HoldNote, NoteOwner};
use crate::op::Fault;
use crate::step::Context;

/// Why an annotation cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "annotation bowline.dev/holds is not Bowline's ({0}); remove it by hand if nobody holds it"
)]
pub struct BadNote(String);

impl From<BadNote> for Fault {
    fn from(bad: BadNote) -> Self {
        Self::Invalid(bad.to_string())
    }
}

/// Reads an annotation.
pub(super) fn parse<V: DeserializeOwned>(
    text: Option<&Arc<str>>,
) -> Result<Option<HoldNote<V>>, BadNote> {
    text.map(|text| serde_json::from_str(text).map_err(|e| BadNote(e.to_string()))).transpose()
}

/// Writes an annotation.
pub(super) fn render<V: Serialize>(note: &HoldNote<V>) -> Arc<str> {
    // A note is a map of strings and numbers, which always has a JSON form.
    serde_json::to_string(note).unwrap_or_default().into()
}

/// How an object's annotation stands towards what we want of it.
pub(super) enum Standing<V> {
    /// It says that we hold the object, under our claim and as we want it.
    Ours(HoldNote<V>),
    /// It must first be written like this.
    Write(HoldNote<V>),
    /// A newer or foreign claim of our own group is on it.
    Fenced(Claim),
}

/// Compares the annotation with what we want; `present` is the object's value now.
pub(super) fn stand<V: Clone + PartialEq>(
    cx: &Context<'_>,
    note: Option<HoldNote<V>>,
    present: &V,
    wants: &V,
) -> Standing<V> {
    let mut note =
        note.unwrap_or_else(|| HoldNote { baseline: present.clone(), owners: Default::default() });
    let ours = NoteOwner { claim: cx.claim.clone(), wants: wants.clone() };
    match note.owners.get(cx.group) {
        Some(owner) if *owner == ours => return Standing::Ours(note),
        Some(owner) if cx.claim.yields_to(&owner.claim) && !bugs::on(Bug::HoldClaimOverruled) => {
            return Standing::Fenced(owner.claim.clone());
        }
        _ => {}
    }
    note.owners.insert(cx.group.clone(), ours);
    Standing::Write(note)
}

/// The note without us; `None` when we were the last one out.
pub(super) fn leave<V>(mut note: HoldNote<V>, group: &GroupName) -> Option<HoldNote<V>> {
    note.owners.remove(group);
    (!note.owners.is_empty()).then_some(note)
}
