//! The table of faults: every call that a run of a case makes comes to every fault that an edge can
//! give, once and for a minute, and the run comes to the same end all the same.
//!
//! The calls are those of the recorded run, and so of the plans: one that is new in a plan has its
//! rows the day it is written.

use std::collections::BTreeMap;
use std::fmt;

use bowline_core::model::Span;
use bowline_core::plan::PlanKind;
use bowline_core::policy::Policy;

use super::case::Case;
use super::play::{Crew, Played, Plot};
use super::points::{name, points};
use super::table::{End, unharmed};
use crate::harness::{Spoil, SpoilTrouble};

/// What a run looks at, whatever the step.
const LOOKS: [&str; 9] = [
    "read a cluster",
    "read Route 53",
    "read RDS",
    "read CloudWatch",
    "read ELB",
    "read gate",
    "read the store",
    "lease",
    "probe",
];

/// How long a trouble lasts that is not over with the first call.
const LASTS: Span = Span::mins(1);

/// One kind of call that came to one fault, and how the case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRow {
    /// Which call.
    pub call: &'static str,
    /// What it came to.
    pub trouble: SpoilTrouble,
    /// Whether all of them did for a minute, or the first alone.
    pub lasts: bool,
    /// How many calls came to it.
    pub times: u32,
    /// How it ended.
    pub end: End,
}

/// All faults of a case.
#[derive(Clone, Debug)]
pub struct FaultTable {
    /// The case.
    pub case: Case,
    /// One row for each call, fault and length.
    pub rows: Vec<FaultRow>,
    /// What is wrong although nothing was spoilt; empty: nothing.
    pub unharmed: Vec<String>,
}

impl FaultTable {
    /// Plays a case once with nothing spoilt, and once for each call and fault.
    #[must_use]
    pub fn of(case: &Case, run: PlanKind, shop: &Policy) -> Self {
        let plot = Plot { case, shop, crew: Crew::Pair, counter: None };
        let whole = plot.play(None, None);
        let mut rows = Vec::new();
        for (call, acts) in calls(case, shop, &whole) {
            // What a service says of an instance or a set would be a lie where it is not so: a look
            // would tell of another world.
            let told = |trouble: &SpoilTrouble| acts || !trouble.tells_of_the_world();
            for trouble in SpoilTrouble::ALL.into_iter().filter(told) {
                for lasts in [None, Some(LASTS)] {
                    let spoil = Spoil { run, name, call, trouble, lasts };
                    rows.push(row(&plot, spoil, &whole));
                }
            }
        }
        Self { case: *case, rows, unharmed: unharmed(Crew::Pair, &whole) }
    }

    /// Rows whose end is wrong.
    pub fn wrong(&self) -> impl Iterator<Item = &FaultRow> {
        self.rows.iter().filter(|row| !row.end.wrong.is_empty())
    }
}

/// The calls that a case's runs make: those that change something, as they were recorded, and the
/// looks. Each with whether it is a step's.
fn calls(case: &Case, shop: &Policy, whole: &Played) -> BTreeMap<&'static str, bool> {
    let points = points(case, &case.policy(shop), &whole.arrivals);
    let mut calls = BTreeMap::new();
    for point in &points {
        *calls.entry(point.op).or_default() |= point.effect.is_some();
    }
    let gates = calls.contains_key("write gate");
    let looks = LOOKS.iter().filter(|look| **look != "read gate" || gates);
    calls.extend(looks.map(|look| (*look, false)));
    calls
}

fn row(plot: &Plot<'_>, spoil: Spoil, whole: &Played) -> FaultRow {
    let (played, times) = plot.play_spoilt(spoil, &whole.picture);
    let missed = (times == 0).then_some("no call came to it");
    let end = End::of(plot.case, played, whole, missed);
    let Spoil { call, trouble, lasts, .. } = spoil;
    FaultRow { call, trouble, lasts: lasts.is_some(), times, end }
}

/// One line for each call, length and way of ending, with the faults that ended so.
impl fmt::Display for FaultTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for wrong in &self.unharmed {
            writeln!(f, "{}: nothing spoilt: WRONG: {wrong}", self.case.name)?;
        }
        let mut lines: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for row in &self.rows {
            let key = (row.call, row.lasts, row.end.how());
            lines.entry(key).or_default().push(format!("{} ({})", row.trouble.word(), row.times));
        }
        for ((call, lasts, how), troubles) in &lines {
            let lasts = if *lasts { "for a minute" } else { "once" };
            writeln!(f, "{} | {call} | {lasts} | {} | {how}", self.case.name, troubles.join(", "))?;
        }
        Ok(())
    }
}

/// The cases whose calls are spoilt, and in which run.
pub const FAULT_CASES: [(&str, PlanKind); 3] = [
    ("failover, home answers", PlanKind::Failover),
    ("failback after failover", PlanKind::Failback),
    ("failover by a gate", PlanKind::Failover),
];
