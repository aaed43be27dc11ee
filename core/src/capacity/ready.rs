//! Whether a site has the capacity that traffic needs (S2).

use serde::{Deserialize, Serialize};

use super::fence::SOON;
use super::workloads;
use crate::bugs::{self, Bug};
use crate::model::{Cluster, WorkloadRef};
use crate::op::{Fault, Op};
use crate::step::{Context, Judgement, Procedure, Seen};

/// Waits until every workload has its share of ready pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityReady {
    /// In which cluster.
    pub cluster: Cluster,
    /// Each workload with the replicas asked for.
    pub workloads: Vec<(WorkloadRef, u32)>,
    /// The share that must be ready, 1–100.
    pub minimum_percent: u32,
}

impl Procedure for CapacityReady {
    fn observe(&self, _: &Context<'_>, seen: Seen<'_>) -> Vec<Op> {
        if !seen.is_empty() {
            return Vec::new();
        }
        self.workloads
            .iter()
            .map(|(workload, _)| workloads::read(&self.cluster, workload))
            .collect()
    }

    fn judge(&self, _: &Context<'_>, seen: Seen<'_>) -> Result<Judgement, Fault> {
        let (mut ready, mut asked, mut short) = (0, 0, Vec::new());
        for (index, (workload, wanted)) in self.workloads.iter().enumerate() {
            let view = seen.workload(index)?;
            let has = if bugs::on(Bug::ReadyCountsAsked) { view.wanted } else { view.ready };
            ready += has.min(*wanted);
            asked += wanted;
            if has < needed(*wanted, self.minimum_percent) {
                let reverted = match view.wanted < *wanted {
                    true => format!(" (its spec says {}: who else sets it?)", view.wanted),
                    false => String::new(),
                };
                short.push(format!("{workload} {has}/{wanted}{reverted}"));
            }
        }
        if bugs::on(Bug::MinimumOverAll) && ready >= needed(asked, self.minimum_percent) {
            short.clear();
        }
        let words = format!("{ready} of {asked} pods ready");
        Ok(if short.is_empty() {
            Judgement::done_with("got", format!("{ready}/{asked}"), words)
        } else {
            Judgement::wait(SOON, format!("{words}; short: {}", short.join(", ")))
        })
    }
}

/// How many of `wanted` are at least `percent`, rounded up.
pub(super) fn needed(wanted: u32, percent: u32) -> u32 {
    (wanted * percent).div_ceil(100)
}
