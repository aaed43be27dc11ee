//! Prometheus metrics. What happened is counted as it happens; how things are is written from the
//! last snapshot whenever somebody scrapes.

use std::time::Duration;

use bowline_core::model::Answer3;
use bowline_core::node::GroupStatus;
use bowline_core::op::{Fault, Op};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::shared::Snapshot;

/// One label.
type One = [(&'static str, &'static str); 1];
/// Labels whose values are made of names.
type Labels = Vec<(&'static str, String)>;

/// Upper bounds of call latencies, in seconds.
const SECONDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Counters and histograms.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    seconds: Family<One, Histogram, fn() -> Histogram>,
    faults: Family<Labels, Counter>,
    attempts: Family<Labels, Counter>,
    failures: Family<Labels, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            registry: Registry::with_prefix("bowline"),
            seconds: Family::new_with_constructor(histogram),
            faults: Family::default(),
            attempts: Family::default(),
            failures: Family::default(),
        };
        let to = &mut metrics.registry;
        to.register("call_seconds", "Time that remote calls took", metrics.seconds.clone());
        to.register("call_faults", "Remote calls that gave no answer", metrics.faults.clone());
        to.register("step_attempts", "Calls that steps recorded", metrics.attempts.clone());
        to.register("step_failures", "Calls of steps that failed", metrics.failures.clone());
        metrics
    }
}

impl Metrics {
    /// A call ended.
    pub(super) fn called(&self, edge: &'static str, took: Duration, fault: Option<&Fault>) {
        self.seconds.get_or_create(&[("edge", edge)]).observe(took.as_secs_f64());
        if let Some(fault) = fault {
            let labels = vec![("edge", edge.to_owned()), ("fault", class(fault).to_owned())];
            self.faults.get_or_create(&labels).inc();
        }
    }

    /// A step recorded a call.
    pub(super) fn attempted(&self, group: &str, step: &str) {
        let labels = vec![("group", group.to_owned()), ("step", step.to_owned())];
        self.attempts.get_or_create(&labels).inc();
    }

    /// A step's call failed.
    pub(super) fn failed(&self, group: &str, step: &str, fault: &Fault) {
        let labels = vec![
            ("group", group.to_owned()),
            ("step", step.to_owned()),
            ("fault", class(fault).to_owned()),
        ];
        self.failures.get_or_create(&labels).inc();
    }

    /// Everything, in the text format.
    ///
    /// # Errors
    /// None that a `String` gives.
    pub(super) fn render(&self, now: &Snapshot) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &state(now))?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// Gauges of one snapshot.
fn state(now: &Snapshot) -> Registry {
    let mut registry = Registry::with_prefix("bowline");
    let leads: Gauge = Gauge::default();
    leads.set(i64::from(now.leads));
    registry.register("leader", "Whether this replica leads", leads);
    let refused: Gauge = Gauge::default();
    refused.set(i64::try_from(now.refused.len() + now.conflicts).unwrap_or(i64::MAX));
    registry.register("policies_refused", "Groups whose policy is refused", refused);
    let gauges = [
        ("group_active", "Which site serves by the journal", active as Measure),
        ("group_verdict", "What is asked of a site: 1 yes, 0 no, -1 unknown", verdicts),
        ("group_armed", "Whether the group is as a failover needs it", armed),
        ("group_paused", "Whether automatic action is held", paused),
        ("group_journal_broken", "Whether the journal cannot be used", broken),
        ("runs_open", "Runs with something left to do", runs),
        ("run_asks", "Questions that wait for a human", asks),
        ("holds", "Holds that are open", holds),
        ("leftovers", "Instances that stay for their owner to delete", leftovers),
    ];
    for (name, help, measure) in gauges {
        let family: Family<Labels, Gauge> = Family::default();
        for group in &now.groups {
            for (mut labels, value) in measure(group) {
                labels.insert(0, ("group", group.group.to_string()));
                family.get_or_create(&labels).set(value);
            }
        }
        registry.register(name, help, family);
    }
    let groups: Gauge = Gauge::default();
    groups.set(i64::try_from(now.groups.len()).unwrap_or(i64::MAX));
    registry.register("groups", "Groups in force", groups);
    registry
}

type Measure = fn(&GroupStatus) -> Vec<(Labels, i64)>;

fn one(value: usize) -> Vec<(Labels, i64)> {
    vec![(Vec::new(), i64::try_from(value).unwrap_or(i64::MAX))]
}

fn active(group: &GroupStatus) -> Vec<(Labels, i64)> {
    let site = |site: &bowline_core::node::SiteStatus| {
        (vec![("site", site.site.to_string())], i64::from(site.site == group.active))
    };
    group.sites.iter().map(site).collect()
}

fn verdicts(group: &GroupStatus) -> Vec<(Labels, i64)> {
    let mut all = Vec::new();
    for site in &group.sites {
        for (question, answer) in [("serving", site.serving), ("ready", site.ready)] {
            let labels = vec![("site", site.site.to_string()), ("question", question.to_owned())];
            all.extend(answer.map(|answer| (labels, number(answer))));
        }
    }
    all
}

fn number(answer: Answer3) -> i64 {
    match answer {
        Answer3::Yes => 1,
        Answer3::No => 0,
        Answer3::Unknown => -1,
    }
}

fn armed(group: &GroupStatus) -> Vec<(Labels, i64)> {
    one(usize::from(group.armed))
}

fn paused(group: &GroupStatus) -> Vec<(Labels, i64)> {
    one(usize::from(group.paused.is_some()))
}

fn broken(group: &GroupStatus) -> Vec<(Labels, i64)> {
    one(usize::from(group.broken.is_some()))
}

fn runs(group: &GroupStatus) -> Vec<(Labels, i64)> {
    one(usize::from(group.run.is_some()))
}

fn asks(group: &GroupStatus) -> Vec<(Labels, i64)> {
    one(group.run.as_ref().map_or(0, |run| run.asks.len()))
}

fn holds(group: &GroupStatus) -> Vec<(Labels, i64)> {
    one(group.holds.len())
}

fn leftovers(group: &GroupStatus) -> Vec<(Labels, i64)> {
    one(group.leftovers.len())
}

/// Which edge makes a call.
pub(super) fn edge(op: &Op) -> &'static str {
    match op {
        Op::Store(_) => "store",
        Op::Lease(_) => "lease",
        Op::Kube(..) => "kube",
        Op::Route53(..) => "route53",
        Op::Elb(..) => "elb",
        Op::Rds(..) => "rds",
        Op::CloudWatch(..) => "cloudwatch",
        Op::Gate(..) => "gate",
        Op::Probe(_) => "probe",
        Op::Notify(_) => "notify",
    }
}

/// A fault's class.
pub(super) fn class(fault: &Fault) -> &'static str {
    match fault {
        Fault::Transient(_) => "transient",
        Fault::Throttled { .. } => "throttled",
        Fault::Conflict(_) => "conflict",
        Fault::Fenced(_) => "fenced",
        Fault::NotFound(_) => "notFound",
        Fault::Denied(_) => "denied",
        Fault::Invalid(_) => "invalid",
        Fault::Unknown(_) => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_and_how_things_are_is_one_text() {
        let metrics = Metrics::default();
        let fault = Fault::Conflict("x".into());
        metrics.called("store", Duration::from_millis(7), Some(&fault));
        metrics.attempted("shop", "promote");
        metrics.failed("shop", "promote", &fault);
        let snapshot = Snapshot { leads: true, ..Snapshot::default() };
        let text = metrics.render(&snapshot).unwrap();
        for line in [
            "bowline_leader 1",
            "bowline_groups 0",
            "bowline_call_seconds_count{edge=\"store\"} 1",
            "bowline_call_faults_total{edge=\"store\",fault=\"conflict\"} 1",
            "bowline_step_attempts_total{group=\"shop\",step=\"promote\"} 1",
            "bowline_step_failures_total{group=\"shop\",step=\"promote\",fault=\"conflict\"} 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
