//! One change batch: all or nothing, and every DELETE exact.
//!
//! DELETE old and CREATE new is the compare-and-swap that the `records` lever rests on, so this is
//! where it must be right. Rules: API reference of `ChangeResourceRecordSets` and developer guide.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::bugs::{self, Bug};
use bowline_core::model::Host;
use bowline_core::op::{Failover, Fault, RecordSet, RecordType};

/// The sets of a zone, by name.
pub(super) type View = BTreeMap<Host, Arc<[RecordSet]>>;

/// The names that a batch touches, and all their sets after it.
pub(super) type Touched = Vec<(Host, Arc<[RecordSet]>)>;

/// Most `ResourceRecord` elements in a batch (service quotas).
pub(super) const MAX_ELEMENTS: usize = 1_000;

/// Most characters in the values of a batch (service quotas).
pub(super) const MAX_CHARACTERS: usize = 32_000;

/// What a batch makes of each name it touches.
///
/// # Errors
/// [`Fault::Conflict`] when it does not fit what is there; [`Fault::Invalid`] when it never could.
pub(super) fn plan(
    apex: &Host,
    view: &View,
    delete: &[RecordSet],
    create: &[RecordSet],
) -> Result<Touched, Fault> {
    within_limits(delete, create)?;
    let mut touched: BTreeMap<&Host, Vec<RecordSet>> = BTreeMap::new();
    for set in delete.iter().chain(create) {
        let present = || view.get(&set.name).map(|sets| sets.to_vec()).unwrap_or_default();
        touched.entry(&set.name).or_insert_with(present);
    }
    for set in delete {
        if let Some(sets) = touched.get_mut(&set.name) {
            remove(sets, set)?;
        }
    }
    for set in create {
        well_formed(apex, set)?;
        if let Some(sets) = touched.get_mut(&set.name) {
            insert(sets, set)?;
        }
    }
    touched.values().try_for_each(|sets| fit_together(sets))?;
    Ok(touched.into_iter().map(|(name, sets)| (name.clone(), sets.into())).collect())
}

fn within_limits(delete: &[RecordSet], create: &[RecordSet]) -> Result<(), Fault> {
    let all = || delete.iter().chain(create);
    if all().next().is_none() {
        return Err(invalid("an empty batch"));
    }
    let elements: usize = all().map(|set| set.values.len()).sum();
    let values = all().flat_map(|set| &set.values);
    let characters: usize = values.map(|value| value.chars().count()).sum();
    if elements > MAX_ELEMENTS {
        return Err(invalid(&format!("{elements} ResourceRecord elements, limit {MAX_ELEMENTS}")));
    }
    if characters > MAX_CHARACTERS {
        return Err(invalid(&format!("{characters} characters, limit {MAX_CHARACTERS}")));
    }
    Ok(())
}

/// Takes out the set that is equal in every field.
fn remove(sets: &mut Vec<RecordSet>, set: &RecordSet) -> Result<(), Fault> {
    if let Some(found) = sets.iter().position(|present| present == set) {
        sets.remove(found);
        return Ok(());
    }
    if bugs::on(Bug::Upserts) {
        sets.retain(|present| !same_key(present, set));
        return Ok(());
    }
    let known = sets.iter().any(|present| same_key(present, set));
    let why = if known { "the values provided do not match" } else { "it was not found" };
    Err(conflict("delete", set, why))
}

fn insert(sets: &mut Vec<RecordSet>, set: &RecordSet) -> Result<(), Fault> {
    if bugs::on(Bug::Upserts) {
        sets.retain(|present| !same_key(present, set));
    }
    if sets.iter().any(|present| same_key(present, set)) {
        return Err(conflict("create", set, "it already exists"));
    }
    sets.push(set.clone());
    Ok(())
}

fn same_key(a: &RecordSet, b: &RecordSet) -> bool {
    a.kind == b.kind && a.set_identifier == b.set_identifier
}

/// What a set must be by itself.
fn well_formed(apex: &Host, set: &RecordSet) -> Result<(), Fault> {
    let (name, zone) = (set.name.as_str(), apex.as_str());
    if name != zone && name.strip_suffix(zone).is_none_or(|rest| !rest.ends_with('.')) {
        return Err(refused(set, "is not in the zone"));
    }
    let wrong = match (&set.alias, set.ttl_secs, set.values.is_empty()) {
        (Some(_), None, true) | (None, Some(_), false) => None,
        (Some(_), ..) => Some("an alias has neither TTL nor values"),
        (None, ..) => Some("needs a TTL and values, or an alias"),
    };
    if let Some(wrong) = wrong {
        return Err(refused(set, wrong));
    }
    if set.failover.is_some() != set.set_identifier.is_some() {
        return Err(refused(set, "a routing policy needs a SetIdentifier, and only it has one"));
    }
    if set.failover.is_none() && set.health_check.is_some() {
        return Err(refused(set, "a simple record has no health check"));
    }
    let bare = set.alias.is_none() && set.health_check.is_none();
    if set.failover == Some(Failover::Primary) && bare {
        return Err(refused(set, "a primary that is no alias needs a health check"));
    }
    Ok(())
}

/// What the sets of one name must be beside each other.
fn fit_together(sets: &[RecordSet]) -> Result<(), Fault> {
    for (index, set) in sets.iter().enumerate() {
        for other in &sets[..index] {
            let cname = set.kind == RecordType::Cname || other.kind == RecordType::Cname;
            if set.kind != other.kind {
                if cname {
                    return Err(conflict("keep", set, "a CNAME has no neighbours"));
                }
            } else if set.failover == other.failover {
                return Err(conflict("keep", set, "there is a set with the same role"));
            } else if set.failover.is_none() || other.failover.is_none() {
                return Err(conflict("keep", set, "routing policies cannot be mixed"));
            }
        }
    }
    Ok(())
}

fn name_of(set: &RecordSet) -> String {
    let identifier = set.set_identifier.as_deref().unwrap_or("-");
    format!("{} {:?} ({identifier})", set.name, set.kind)
}

fn conflict(verb: &str, set: &RecordSet, why: &str) -> Fault {
    Fault::Conflict(format!("InvalidChangeBatch: tried to {verb} {}, but {why}", name_of(set)))
}

fn refused(set: &RecordSet, why: &str) -> Fault {
    invalid(&format!("{}: {why}", name_of(set)))
}

fn invalid(why: &str) -> Fault {
    Fault::Invalid(format!("InvalidChangeBatch: {why}"))
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
