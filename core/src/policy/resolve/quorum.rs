//! Whether the dead Region can be told dead, and from whose vantage.

use std::collections::BTreeSet;

use super::health::{KINDS, kinds, path_of};
use crate::policy::code::Code;
use crate::policy::report::Report;
use crate::policy::schema::{GroupSpec, ModeSpec};
use crate::policy::suggest::listed;

/// The kinds that can still say *down* when every API of the Region is silent. The others ask one
/// of those APIs, and to them silence is unknown.
const SPEAK_OF_SILENCE: [&str; 4] = ["http", "regionApi", "route53Check", "writeProbe"];

/// Those of them that tell of what users get: without one of these down, a Region is not given up.
const FACE_USERS: [&str; 3] = ["http", "route53Check", "writeProbe"];

/// The kind that looks from outside Bowline's network.
const OUTSIDE: &str = "route53Check";

/// Checks the quorum and the vantage of what is automatic.
pub(super) fn check(report: &mut Report<'_>, spec: &GroupSpec) {
    // A signal whose kind cannot be read may be any kind.
    let legible =
        |index: usize| KINDS.iter().all(|kind| report.sound(&format!("{}.{kind}", path_of(index))));
    let signals = &spec.health.signals;
    if !report.sound("spec.health.signals") || !(0..signals.len()).all(legible) {
        return;
    }
    let kinds: BTreeSet<&str> = signals.iter().flat_map(kinds).collect();
    check_quorum(report, spec.health.quorum, &kinds);
    check_vantage(report, spec, &kinds);
}

fn check_quorum(report: &mut Report<'_>, quorum: u32, kinds: &BTreeSet<&str>) {
    let speaking = SPEAK_OF_SILENCE.iter().filter(|kind| kinds.contains(**kind)).count();
    if speaking >= quorum as usize {
        check_users(report, kinds);
        return;
    }
    let absent: Vec<&str> =
        SPEAK_OF_SILENCE.into_iter().filter(|kind| !kinds.contains(kind)).collect();
    let message = format!(
        "{quorum} kinds must say down, and only {speaking} can while the Region's APIs are silent"
    );
    let remedy = match absent.as_slice() {
        [] => format!("lower it to {speaking}"),
        absent => format!("add a signal of kind {}, or lower it", listed(absent, "or")),
    };
    report.error(Code::Quorum, "spec.health.quorum", message, remedy);
}

fn check_users(report: &mut Report<'_>, kinds: &BTreeSet<&str>) {
    if FACE_USERS.iter().any(|kind| kinds.contains(kind)) {
        return;
    }
    let message = "nothing can tell what users get while the Region's APIs are silent".to_owned();
    let remedy = format!("add a signal of kind {}", listed(&FACE_USERS, "or"));
    report.error(Code::Quorum, "spec.health.quorum", message, remedy);
}

fn check_vantage(report: &mut Report<'_>, spec: &GroupSpec, kinds: &BTreeSet<&str>) {
    if spec.automation.failover == ModeSpec::Automatic && !kinds.contains(OUTSIDE) {
        let message = "nothing looks from outside Bowline's own network, and a partition between \
                       Bowline and the Region would look like its death"
            .to_owned();
        let remedy = format!("add a signal of kind `{OUTSIDE}`, or write `approve`");
        report.error(Code::NoOutsideVantage, "spec.automation.failover", message, remedy);
    }
}
