//! The table: every crash point of a case, on every side, with every crew, and how it ended.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bowline_core::model::{Site, Span};
use bowline_core::policy::Policy;

use super::case::Case;
use super::play::{Crew, Played, Plot};
use super::points::{Point, points};
use crate::coverage::Counter;
use crate::harness::{Side, SpoilTrouble, Strike};

/// A call that is held up arrives so much later: the lease was another's after fifteen seconds, and
/// the new leader has looked at the world.
const LATE: Side = Side::Late(Span::secs(25));

/// The sides on which a leader dies. Only who took over can be crossed by a call held up.
fn sides(crew: Crew) -> &'static [Side] {
    match crew {
        Crew::Alone => &[Side::Before, Side::After],
        Crew::Pair => &[Side::Before, Side::After, LATE],
    }
}

/// What the call came to at which its sender died, if not what comes of it by itself, and on which
/// side of hearing it. Once for each kind of step of a phase; who takes over is whoever died.
fn outcomes() -> impl Iterator<Item = (Side, Option<SpoilTrouble>)> {
    let faults = SpoilTrouble::ALL.into_iter().map(Some);
    let all = faults.flat_map(|fault| [(Side::After, fault), (Side::Heard, fault)]);
    std::iter::once((Side::Heard, None)).chain(all)
}

/// One death, and how the case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who was there to lead.
    pub crew: Crew,
    /// Where.
    pub point: Point,
    /// On which side of the call.
    pub side: Side,
    /// What the call came to; `None`: what comes of it by itself.
    pub comes_to: Option<SpoilTrouble>,
    /// How it ended.
    pub end: End,
}

/// How a case ended, beside the one in which all went well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// What a human had to say that nobody had to say otherwise.
    pub said: Vec<String>,
    /// Whether no run was begun, or it was sent back: by then nothing was to be done any more.
    pub never_begun: bool,
    /// What is wrong with it; empty: nothing.
    pub wrong: Vec<String>,
}

/// All deaths of a case.
#[derive(Clone, Debug)]
pub struct Table {
    /// The case.
    pub case: Case,
    /// One row for each death.
    pub rows: Vec<Row>,
    /// What is wrong although nobody died; empty: nothing.
    pub unharmed: Vec<String>,
}

impl Table {
    /// Plays a case once with nobody dying, and once for each of its points on each side, with
    /// each crew.
    #[must_use]
    pub fn of(case: &Case, shop: &Policy, counter: Option<&Counter>) -> Self {
        let mut table = Self { case: *case, rows: Vec::new(), unharmed: Vec::new() };
        for crew in Crew::BOTH {
            let plot = Plot { case, shop, crew, counter };
            let whole = plot.play(None, None);
            table.unharmed.extend(unharmed(crew, &whole));
            let mut met = BTreeSet::new();
            for point in points(case, &case.policy(shop), &whole.arrivals) {
                let strike =
                    |(side, comes_to)| Strike { nth: point.nth, side, comes_to, away: crew.away() };
                let plain = sides(crew).iter().map(|side| strike((*side, None)));
                table.rows.extend(plain.map(|strike| row(&plot, (&point, strike), &whole)));
                let first = point.effect.is_some_and(|kind| met.insert((point.phase, kind)));
                if crew == Crew::Pair && first {
                    let rows = outcomes().map(|of| row(&plot, (&point, strike(of)), &whole));
                    table.rows.extend(rows);
                }
            }
        }
        table
    }

    /// Deaths whose end is wrong.
    pub fn wrong(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| !row.end.wrong.is_empty())
    }
}

/// What is wrong with a case in which nobody died.
pub(super) fn unharmed(crew: Crew, whole: &Played) -> Vec<String> {
    let mut wrong: Vec<_> =
        whole.broken.iter().map(|broken| format!("{crew:?}: {broken}")).collect();
    if !whole.ended {
        wrong.push(format!("{crew:?}: it did not come to its end"));
    }
    wrong.extend(whole.said.iter().map(|said| format!("{crew:?}: a human had to say {said}")));
    wrong
}

fn row(plot: &Plot<'_>, (point, strike): (&Point, Strike), whole: &Played) -> Row {
    let (case, crew) = (plot.case, plot.crew);
    let Strike { side, comes_to, .. } = strike;
    let played = plot.play(Some(strike), Some(&whole.picture));
    let nobody = "nobody died: the story before the call is another";
    let missed = (!played.struck).then_some(nobody);
    let end = End::of(case, played, whole, missed);
    Row { crew, point: point.clone(), side, comes_to, end }
}

/// Whether no run was begun, where none needs to be.
fn never_begun(case: &Case, played: &Played, whole: &Played) -> bool {
    !played.began && whole.began && !case.leaves
}

/// What is wrong with how a case ended, beside one in which all went well.
fn differs(case: &Case, played: &Played, whole: &Played) -> Vec<String> {
    let mut wrong = played.broken.clone();
    if !played.ended {
        wrong.push("it did not come to its end".into());
    }
    if !never_begun(case, played, whole) {
        wrong.extend(whole.picture.differences(&played.picture));
    } else if case.ends_at != Site::Home || !played.picture.is_peace() {
        wrong.push(format!("no run was begun, and yet it is not as in peace:\n{}", played.picture));
    }
    for (what, times) in &played.irreversible {
        let usual = whole.irreversible.get(what).copied().unwrap_or_default();
        if *times > usual {
            wrong.push(format!("{what}: {times} times, not {usual}"));
        }
    }
    wrong
}

fn word(side: Side, comes_to: Option<SpoilTrouble>) -> String {
    let word = match side {
        Side::Before => "before".into(),
        Side::After => "after".into(),
        Side::Heard => "heard".into(),
        Side::Late(by) => format!("{by} late"),
    };
    match comes_to {
        None => word,
        Some(fault) => format!("{word} ({})", fault.word()),
    }
}

impl End {
    /// How `played` ended beside `whole`; `missed` is what was to happen in it and did not.
    pub(super) fn of(case: &Case, played: Played, whole: &Played, missed: Option<&str>) -> Self {
        let mut wrong = differs(case, &played, whole);
        wrong.extend(missed.map(Into::into));
        Self { never_begun: never_begun(case, &played, whole), said: played.said, wrong }
    }

    pub(super) fn how(&self) -> String {
        match (self.wrong.as_slice(), self.said.as_slice()) {
            ([], []) if self.never_begun => "no run was begun: the alarm was over".into(),
            ([], []) => "same end".into(),
            ([], said) => format!("same end, a human said {}", said.join(", ")),
            (wrong, _) => format!("WRONG: {}", wrong.join("; ")),
        }
    }
}

/// One line for each point and way of ending, with the sides and crews that ended so.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for wrong in &self.unharmed {
            writeln!(f, "{}: nobody died: WRONG: {wrong}", self.case.name)?;
        }
        let mut lines: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for row in &self.rows {
            let key = (row.crew, row.point.nth, row.end.how());
            lines.entry(key).or_default().push(word(row.side, row.comes_to));
        }
        for ((crew, nth, how), sides) in &lines {
            let mut rows = self.rows.iter();
            let Some(row) = rows.find(|row| row.crew == *crew && row.point.nth == *nth) else {
                continue;
            };
            let Point { phase, step, op, .. } = &row.point;
            let (case, sides) = (self.case.name, sides.join(", "));
            let crew = match crew {
                Crew::Alone => "started again",
                Crew::Pair => "taken over",
            };
            let phase = phase.word();
            writeln!(f, "{case} | {phase} | {step} | {op} | {sides} | {crew} | {how}")?;
        }
        Ok(())
    }
}
