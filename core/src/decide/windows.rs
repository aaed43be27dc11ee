//! Blocked windows: recurring times during which automatic action is held. Wall time and time zones
//! only; daylight saving is croner's and jiff's business.

use jiff::{Timestamp, Zoned};

use crate::model::Wall;
use crate::policy::{Action, BlockedWindow};

/// When the last of the windows that now hold `action` ends; `None` when none does. A window begins
/// at the instant its cron names, which belongs to it, and ends `length` later, which does not.
#[must_use]
pub fn blocked_until(windows: &[BlockedWindow], action: Action, now: Wall) -> Option<Wall> {
    let holds = windows.iter().filter(|window| window.actions.contains(&action));
    holds.filter_map(|window| open_until(window, now)).max()
}

/// When the window's present occurrence ends, if there is one. A cron that never matched, and a
/// clock beyond the calendar, have none.
fn open_until(window: &BlockedWindow, now: Wall) -> Option<Wall> {
    let start = last_start(window, now)?;
    let end = start + window.length;
    (now < end).then_some(end)
}

/// The latest instant at or before `now` that the cron names.
fn last_start(window: &BlockedWindow, now: Wall) -> Option<Wall> {
    let at: Zoned = Timestamp::from_millisecond(now.0).ok()?.to_zoned(window.time_zone.clone());
    let start = window.cron.find_previous_occurrence(&at, true).ok()?;
    Some(Wall(start.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Span;
    use jiff::tz::TimeZone;

    fn window(cron: &str, length: Span, zone: &str, actions: &[Action]) -> BlockedWindow {
        BlockedWindow {
            cron: cron.parse().unwrap(),
            length,
            time_zone: TimeZone::get(zone).unwrap(),
            actions: actions.to_vec(),
        }
    }

    fn wall(text: &str) -> Wall {
        Wall(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    /// 08:00 to 10:00 on working days in Berlin: from 06:00 UTC in summer, from 07:00 in winter.
    fn mornings() -> [BlockedWindow; 1] {
        [window("0 8 * * MON-FRI", Span::mins(120), "Europe/Berlin", &[Action::Failback])]
    }

    fn until(windows: &[BlockedWindow], action: Action, now: &str) -> Option<String> {
        blocked_until(windows, action, wall(now)).map(|at| at.to_string())
    }

    #[test]
    fn a_window_holds_from_its_first_instant_until_just_before_its_last() {
        let held = |now| until(&mornings(), Action::Failback, now);
        assert_eq!(held("2026-07-06T05:59:59.999Z"), None);
        assert_eq!(held("2026-07-06T06:00:00Z").unwrap(), "2026-07-06T08:00:00.000Z");
        assert_eq!(held("2026-07-06T06:00:00.500Z").unwrap(), "2026-07-06T08:00:00.000Z");
        assert_eq!(held("2026-07-06T07:59:59.999Z").unwrap(), "2026-07-06T08:00:00.000Z");
        assert_eq!(held("2026-07-06T08:00:00Z"), None);
    }

    #[test]
    fn a_window_follows_its_time_zone_through_daylight_saving() {
        let held = |now| until(&mornings(), Action::Failback, now).is_some();
        assert!(!held("2026-01-05T06:30:00Z"));
        assert!(held("2026-01-05T08:59:00Z"));
    }

    #[test]
    fn a_window_holds_only_its_days_and_actions() {
        assert_eq!(until(&mornings(), Action::Failback, "2026-07-05T06:30:00Z"), None);
        assert_eq!(until(&mornings(), Action::Failover, "2026-07-06T06:30:00Z"), None);
    }

    #[test]
    fn of_several_open_windows_the_last_to_end_counts() {
        let both = [
            window("0 0 * * *", Span::mins(60), "UTC", &[Action::Failover]),
            window("30 0 * * *", Span::mins(90), "UTC", &[Action::Failover]),
        ];
        let held = |now| until(&both, Action::Failover, now);
        assert_eq!(held("2026-07-06T00:10:00Z").unwrap(), "2026-07-06T01:00:00.000Z");
        assert_eq!(held("2026-07-06T00:40:00Z").unwrap(), "2026-07-06T02:00:00.000Z");
    }

    #[test]
    fn a_window_longer_than_its_period_never_ends() {
        let always = [window("0 * * * *", Span::mins(61), "UTC", &[Action::Failover])];
        for now in ["2026-07-06T00:00:00Z", "2026-07-06T00:59:59Z", "2026-07-06T13:37:00Z"] {
            assert!(until(&always, Action::Failover, now).is_some(), "{now}");
        }
    }
}
