//! What users saw: how many orders were acknowledged and where, and when none were.

use std::collections::BTreeMap;

use bowline_core::model::Wall;
use serde::Serialize;

/// What became of one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// This site acknowledged it.
    Acknowledged(String),
    /// It was not acknowledged; it may have been accepted.
    Failed(String),
}

/// Counts what users see.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    sites: BTreeMap<String, u64>,
    failed: u64,
    last: Option<Seen>,
    /// When the outage that goes on began, and with which error.
    since: Option<(Wall, String)>,
    outages: Vec<Outage>,
}

/// A time in which no order was acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outage {
    /// When the first order was sent that failed.
    from: Wall,
    /// When the first one was sent that succeeded again; absent if it still goes on.
    to: Option<Wall>,
    secs: f64,
    first_error: String,
}

/// What users saw in all.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    acknowledged: u64,
    failed: u64,
    sites: BTreeMap<String, u64>,
    outages: Vec<Outage>,
    longest_outage_secs: f64,
}

impl Meter {
    /// Notes an order that was sent at `at`; words for people if something changed.
    pub(super) fn note(&mut self, at: Wall, seen: Seen) -> Option<String> {
        let changed = match (&self.last, &seen) {
            (Some(Seen::Failed(_)), Seen::Failed(_)) => false,
            (last, seen) => last.as_ref() != Some(seen),
        };
        let words = match &seen {
            Seen::Acknowledged(site) => {
                *self.sites.entry(site.clone()).or_default() += 1;
                if let Some((from, first_error)) = self.since.take() {
                    self.outages.push(outage(from, Some(at), at, first_error));
                }
                format!("{site} takes orders")
            }
            Seen::Failed(error) => {
                self.failed += 1;
                self.since.get_or_insert_with(|| (at, error.clone()));
                format!("orders fail: {error}")
            }
        };
        self.last = Some(seen);
        changed.then_some(words)
    }

    /// What users saw until now.
    pub(super) fn summary(&self, now: Wall) -> Summary {
        let open = self.since.clone().map(|(from, error)| outage(from, None, now, error));
        let outages: Vec<_> = self.outages.iter().cloned().chain(open).collect();
        Summary {
            acknowledged: self.sites.values().sum(),
            failed: self.failed,
            sites: self.sites.clone(),
            longest_outage_secs: outages.iter().map(|outage| outage.secs).fold(0.0, f64::max),
            outages,
        }
    }
}

fn outage(from: Wall, to: Option<Wall>, until: Wall, first_error: String) -> Outage {
    let millis = u32::try_from(until.since(from).as_millis()).unwrap_or(u32::MAX);
    Outage { from, to, secs: f64::from(millis) / 1_000.0, first_error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(site: &str) -> Seen {
        Seen::Acknowledged(site.into())
    }

    fn bad(error: &str) -> Seen {
        Seen::Failed(error.into())
    }

    #[test]
    fn an_outage_lasts_from_the_first_failure_to_the_next_success() {
        let mut meter = Meter::default();
        let story = [(0, ok("home")), (250, bad("a")), (500, bad("b")), (9_000, ok("standby"))];
        let told: Vec<_> =
            story.into_iter().filter_map(|(at, seen)| meter.note(Wall(at), seen)).collect();
        assert_eq!(told, ["home takes orders", "orders fail: a", "standby takes orders"]);
        let summary = meter.summary(Wall(10_000));
        assert_eq!((summary.acknowledged, summary.failed), (2, 2));
        assert_eq!(summary.outages.len(), 1);
        assert_eq!(summary.outages[0].first_error, "a");
        assert!((summary.longest_outage_secs - 8.75).abs() < 1e-9);
    }

    #[test]
    fn an_outage_that_goes_on_is_told_too() {
        let mut meter = Meter::default();
        meter.note(Wall(0), bad("a"));
        let summary = meter.summary(Wall(3_000));
        assert_eq!((summary.outages[0].to, summary.outages[0].secs), (None, 3.0));
    }
}
