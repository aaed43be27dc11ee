//! What a story amounts to: one document for people and programs.

use std::collections::BTreeMap;

use bowline_core::model::{GroupName, Site};
use bowline_core::run::{Ledger, Report};
use serde::Serialize;

use super::stage::Stage;
use crate::oracle::Verdict;

/// Where a story ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Ended {
    /// The application serves at home, armed, with nothing left over but renamed instances.
    Home,
    /// The standby serves.
    Standby,
    /// It serves at home, but something is left open: a run, a hold, or the group is not armed.
    Unfinished,
}

/// A story in one document.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Each promise: `held` or `broken`.
    pub promises: BTreeMap<&'static str, &'static str>,
    /// Why broken promises are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
    /// The report of every run, in the order in which they began.
    pub runs: Vec<Report>,
    /// Where it ended.
    pub ended: Ended,
    /// Instances that stay for their owner to delete.
    pub leftovers: Vec<String>,
    /// Why nothing more was done, in words: a false alarm's reason.
    pub decision: Vec<String>,
    /// What users saw.
    pub users: Vec<UsersSaw>,
}

/// What the users of one group saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsersSaw {
    /// The group.
    pub group: GroupName,
    /// Milliseconds of outage that readers saw, weighted by their share.
    pub reads_failed_ms: u64,
    /// The same for writers.
    pub writes_failed_ms: u64,
    /// The longest time in which no reader was served, in milliseconds.
    pub longest_total_ms: u64,
}

impl Document {
    /// Whether every promise held and the application ended at home.
    #[must_use]
    pub fn good(&self) -> bool {
        self.ended == Ended::Home && self.promises.values().all(|verdict| *verdict == "held")
    }
}

impl Stage {
    /// The story in one document.
    #[must_use]
    pub fn document(&self) -> Document {
        let (scenario, seed) = self.title();
        let verdicts = self.verdicts();
        let word = |verdict: &Verdict| match verdict {
            Verdict::Held => "held",
            Verdict::Broken(_) => "broken",
        };
        let why = |(promise, verdict): (&&str, &Verdict)| match verdict {
            Verdict::Broken(why) => Some(format!("{promise}: {why}")),
            Verdict::Held => None,
        };
        let left = self.ledgers().values().flat_map(|ledger| &ledger.leftovers);
        let groups = self.policies().iter().map(|policy| &policy.group);
        Document {
            scenario: scenario.into(),
            seed,
            promises: verdicts.iter().map(|(promise, v)| (*promise, word(v))).collect(),
            broken: verdicts.iter().filter_map(why).collect(),
            runs: self.reports(),
            ended: self.ended(),
            leftovers: left.map(|left| left.instance.to_string()).collect(),
            decision: groups.filter_map(|g| self.status(g)).map(|s| s.decision).collect(),
            users: self.users(),
        }
    }

    /// What users saw so far, group by group.
    #[must_use]
    pub fn users(&self) -> Vec<UsersSaw> {
        let (world, now) = (&self.simulation.world, self.simulation.now().mono);
        let saw = |(index, policy): (usize, &bowline_core::policy::Policy)| {
            let view = world.users.view(index, now);
            UsersSaw {
                group: policy.group.clone(),
                reads_failed_ms: view.reads.weighted.as_millis(),
                writes_failed_ms: view.writes.weighted.as_millis(),
                longest_total_ms: view.reads.longest_total.as_millis(),
            }
        };
        self.policies().iter().enumerate().map(saw).collect()
    }

    /// Where the story is now.
    #[must_use]
    pub fn ended(&self) -> Ended {
        if self.at_rest() {
            Ended::Home
        } else if self.ledgers().values().any(|ledger| ledger.active == Site::Standby) {
            Ended::Standby
        } else {
            Ended::Unfinished
        }
    }

    /// The report of every run, from the chains' bytes.
    #[must_use]
    pub fn reports(&self) -> Vec<Report> {
        let mut reports = Vec::new();
        for policy in self.policies() {
            let mut ledger = Ledger::default();
            for bytes in self.simulation.world.store.chain(&policy.group) {
                let mut next = ledger.clone();
                if next.apply(ledger.head + 1, bytes).is_err() {
                    break;
                }
                let run = |ledger: &Ledger| ledger.run.as_ref().map(|run| run.id.clone());
                if run(&next) != run(&ledger) {
                    reports.extend(Report::of(&ledger));
                }
                ledger = next;
            }
            reports.extend(Report::of(&ledger));
        }
        reports.sort_by_key(|report| report.opened_at);
        reports
    }
}
