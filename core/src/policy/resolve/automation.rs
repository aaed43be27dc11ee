//! What may be done without a human, when not, and who is told.

use std::sync::Arc;

use croner::Cron;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::model::ObjectName;
use crate::policy::code::Code;
use crate::policy::report::Report;
use crate::policy::schema::{
    ActionSpec, AutomationSpec, BlockedWindowSpec, GroupSpec, ModeSpec, NotifySpec, PrewarmSpec,
};
use crate::policy::types::{Action, Automation, BlockedWindow, Mode, Notify};

/// What may be done without a human.
pub(super) fn resolve(report: &mut Report<'_>, spec: &GroupSpec) -> Automation {
    check_told(report, spec);
    let written = &spec.automation;
    let mut windows = Vec::new();
    for (index, found) in written.blocked_windows.iter().enumerate() {
        windows.extend(window(report, found, &format!("spec.automation.blockedWindows[{index}]")));
    }
    Automation {
        failover: mode(written.failover),
        failback: mode(written.failback),
        prewarm: prewarm(written.prewarm),
        block_after_failover: written.block_after_failover,
        blocked_windows: windows,
    }
}

/// Those who are told.
pub(super) fn notify(written: &[NotifySpec]) -> Vec<Notify> {
    let one = |written: &NotifySpec| {
        let from = &written.webhook.url_from;
        Notify {
            secret: ObjectName::new(&from.secret),
            key: Arc::from(from.key.as_str()),
            repeat: written.repeat_until_answered,
        }
    };
    written.iter().map(one).collect()
}

fn mode(written: ModeSpec) -> Mode {
    match written {
        ModeSpec::Automatic => Mode::Automatic,
        ModeSpec::Approve => Mode::Approve,
        ModeSpec::Manual => Mode::Manual,
        ModeSpec::Observe => Mode::Observe,
    }
}

fn prewarm(written: PrewarmSpec) -> Mode {
    match written {
        PrewarmSpec::Automatic => Mode::Automatic,
        PrewarmSpec::Manual => Mode::Manual,
        PrewarmSpec::Observe => Mode::Observe,
    }
}

/// Somebody must be told, unless everything is manual or observe.
fn check_told(report: &mut Report<'_>, spec: &GroupSpec) {
    let AutomationSpec { failover, failback, prewarm, .. } = spec.automation;
    let acts = |mode: ModeSpec| matches!(mode, ModeSpec::Automatic | ModeSpec::Approve);
    let loud = [
        ("failover", acts(failover)),
        ("failback", acts(failback)),
        ("prewarm", prewarm == PrewarmSpec::Automatic),
    ];
    let reason = loud
        .into_iter()
        .find(|(name, acts)| *acts && report.sound(&format!("spec.automation.{name}")));
    if let Some((name, _)) = reason.filter(|_| spec.notify.is_empty()) {
        let message = format!("nobody is told, and `{name}` acts or asks by itself");
        let remedy = "add `notify: [{webhook: {urlFrom: {secret: …, key: …}}}]`, or make every \
                      action manual or observe"
            .to_owned();
        report.error(Code::NobodyTold, "spec.notify", message, remedy);
    }
}

fn window(
    report: &mut Report<'_>,
    written: &BlockedWindowSpec,
    path: &str,
) -> Option<BlockedWindow> {
    let cron = cron(report, &written.cron, &format!("{path}.cron"));
    let time_zone = time_zone(report, &written.time_zone, &format!("{path}.timeZone"));
    Some(BlockedWindow {
        cron: cron?,
        length: written.length,
        time_zone: time_zone?,
        actions: written.actions.iter().map(|action| resolve_action(*action)).collect(),
    })
}

fn resolve_action(written: ActionSpec) -> Action {
    match written {
        ActionSpec::Failover => Action::Failover,
        ActionSpec::Failback => Action::Failback,
        ActionSpec::Prewarm => Action::Prewarm,
    }
}

fn cron(report: &mut Report<'_>, text: &str, path: &str) -> Option<Cron> {
    let fields = text.split_whitespace().count();
    let read = if fields == 5 {
        text.parse::<Cron>().map_err(|e| e.to_string())
    } else {
        Err(format!("it has {fields} fields"))
    };
    match read {
        Ok(cron) => Some(cron),
        Err(why) => {
            let message = format!("\"{}\" is no recurring time: {why}", text.escape_debug());
            let remedy =
                "write minute, hour, day, month and weekday: \"0 8 * * MON-FRI\"".to_owned();
            report.error(Code::BlockedWindow, path, message, remedy);
            None
        }
    }
}

/// A zone of the database that is built in: the core reads no files.
fn time_zone(report: &mut Report<'_>, name: &str, path: &str) -> Option<TimeZone> {
    let zone = TimeZoneDatabase::bundled().get(name).ok();
    if zone.is_none() {
        let message = format!("there is no time zone \"{}\"", name.escape_debug());
        let remedy = "write its IANA name, such as Europe/Berlin or UTC".to_owned();
        report.error(Code::BlockedWindow, path, message, remedy);
    }
    zone
}
