//! What was written, turned into a policy: everything that a schema cannot say is checked here.
//!
//! A check that rests on a field which holds a stand-in is left out: its slip is told already.

mod automation;
mod capacity;
mod databases;
mod health;
mod quorum;
mod sites;
mod traffic;
mod verify;

pub use databases::SHORTEST_LAG_FRESH;

use super::code::Code;
use super::report::Report;
use super::schema::FailoverGroup;
use super::types::Policy;
use crate::model::{GroupName, Host, ObjectName, Site};

/// The policy of a group; `None` where a part has nothing to stand for it, which is told.
pub(crate) fn resolve(report: &mut Report<'_>, written: &FailoverGroup) -> Option<Policy> {
    let spec = &written.spec;
    sites::check_apart(report, &spec.sites);
    databases::check_members(report, spec);
    let home = sites::resolve(report, &spec.sites, Site::Home);
    let standby = sites::resolve(report, &spec.sites, Site::Standby);
    let lever = traffic::resolve(report, spec);
    let names = lever.as_ref().map(traffic::hosts).unwrap_or_default();
    let database = databases::resolve(report, spec);
    let capacity = capacity::resolve(report, &spec.capacity);
    let health = health::resolve(report, spec);
    let automation = automation::resolve(report, spec);
    let verify = verify::resolve(report, &spec.verify, &names);
    Some(Policy {
        group: GroupName::new(&written.metadata.name),
        namespace: ObjectName::new(&written.metadata.namespace),
        home: home?,
        standby: standby?,
        lever: lever?,
        database,
        capacity,
        health,
        automation,
        notify: automation::notify(&spec.notify),
        verify: verify?,
        cool_down: spec.cool_down,
    })
}

/// A DNS name in small letters, without its trailing dot.
fn host(text: &str) -> Host {
    Host::new(text.trim_end_matches('.').to_ascii_lowercase())
}

/// Tells every name that was there before; `names` are paths and names.
fn check_unique(report: &mut Report<'_>, what: &str, names: &[(String, String)]) {
    for (index, (path, name)) in names.iter().enumerate() {
        let earlier =
            names[..index].iter().find(|(other, known)| known == name && report.sound(other));
        let Some((other, _)) = earlier.filter(|_| report.sound(path)) else { continue };
        let message = format!("{what} `{name}` is here a second time, after {other}");
        report.error(Code::Duplicate, path, message, "rename or remove one of the two".to_owned());
    }
}

#[cfg(test)]
mod tests;
