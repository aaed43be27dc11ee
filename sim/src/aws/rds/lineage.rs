//! Which acknowledged writes exist, and who has them: branches of a log, and positions on them.
//!
//! Users write at rates, so no single write is kept. A branch is what one writer accepted since it
//! became one: a curve of positions over time. A promotion forks a new branch off the promoted
//! instance's position; what the old branch holds beyond the fork is missing from the new one.

use bowline_core::model::Mono;

/// Thousandths of a write: at a rate of whole writes a second, positions are exact by the
/// millisecond.
pub type Position = u64;

/// One write.
pub const WRITE: Position = 1_000;

/// A branch of a database's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BranchId(pub usize);

/// Everything up to a position of a branch, and of its ancestors up to each fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The branch.
    pub branch: BranchId,
    /// Up to where.
    pub position: Position,
}

/// What one writer accepted since it became one.
#[derive(Clone, Debug)]
struct Branch {
    parent: Option<Held>,
    knots: Vec<Knot>,
}

/// From this instant on the branch grows at this rate.
#[derive(Clone, Copy, Debug)]
struct Knot {
    at: Mono,
    position: Position,
    per_sec: u64,
}

impl Knot {
    fn position(&self, at: Mono) -> Position {
        self.position + at.since(self.at).as_millis() * self.per_sec
    }
}

/// The log of one database with all its branches.
#[derive(Clone, Debug)]
pub struct Lineage {
    branches: Vec<Branch>,
}

impl Lineage {
    /// A log with one empty branch.
    #[must_use]
    pub fn new(now: Mono) -> Self {
        Self { branches: vec![branch(None, now)] }
    }

    /// The first branch.
    #[must_use]
    pub fn root(&self) -> BranchId {
        BranchId(0)
    }

    /// Begins a branch that has everything `held` has.
    pub fn fork(&mut self, held: Held, now: Mono) -> BranchId {
        self.branches.push(branch(Some(held), now));
        BranchId(self.branches.len() - 1)
    }

    /// The branch grows at this rate from now on.
    pub fn set_rate(&mut self, branch: BranchId, per_sec: u64, now: Mono) {
        let last = self.last(branch);
        if last.per_sec != per_sec {
            let position = last.position(now);
            self.branches[branch.0].knots.push(Knot { at: now, position, per_sec });
        }
    }

    /// The branch takes one write.
    pub fn write(&mut self, branch: BranchId, now: Mono) {
        let last = self.last(branch);
        let position = last.position(now) + WRITE;
        self.branches[branch.0].knots.push(Knot { at: now, position, ..last });
    }

    /// How far the branch was at an instant.
    #[must_use]
    pub fn position(&self, branch: BranchId, at: Mono) -> Position {
        self.knot(branch, at).map_or(0, |knot| knot.position(at))
    }

    /// When the last write at or before an instant was taken; the branch's beginning if none was.
    #[must_use]
    pub fn last_write(&self, branch: BranchId, at: Mono) -> Mono {
        match self.knot(branch, at) {
            Some(knot) if knot.per_sec > 0 => at,
            Some(knot) => knot.at,
            None => self.branches[branch.0].knots[0].at,
        }
    }

    /// Writes acknowledged on all branches by an instant.
    #[must_use]
    pub fn acknowledged(&self, at: Mono) -> Position {
        (0..self.branches.len()).map(|id| self.position(BranchId(id), at)).sum()
    }

    /// Writes acknowledged from `since` to `until` that are not in `held`.
    #[must_use]
    pub fn missing(&self, held: Held, since: Mono, until: Mono) -> Position {
        self.between(self.from(held, since), |branch| self.position(branch, until))
    }

    /// How much of what `old` holds is not in `new`.
    #[must_use]
    pub fn beyond(&self, old: Held, new: Held) -> Position {
        self.between(|branch| self.part_of(new, branch), |branch| self.part_of(old, branch))
    }

    /// Writes that one holds and the other does not, acknowledged from `since` to `until`.
    #[must_use]
    pub fn lost(&self, old: Held, new: Held, (since, until): (Mono, Mono)) -> Position {
        let to = |branch| self.position(branch, until).min(self.part_of(old, branch));
        self.between(self.from(new, since), to)
    }

    /// On each branch, what is later than `since` and not in `held` begins here.
    fn from(&self, held: Held, since: Mono) -> impl Fn(BranchId) -> Position {
        move |branch| self.position(branch, since).max(self.part_of(held, branch))
    }

    /// How much there is on all branches from one position of each to another.
    fn between(
        &self,
        from: impl Fn(BranchId) -> Position,
        to: impl Fn(BranchId) -> Position,
    ) -> Position {
        let branches = (0..self.branches.len()).map(BranchId);
        branches.map(|branch| to(branch).saturating_sub(from(branch))).sum()
    }

    /// How much of a branch is in `held`.
    #[must_use]
    pub fn part_of(&self, held: Held, branch: BranchId) -> Position {
        let mut step = Some(held);
        while let Some(held) = step {
            if held.branch == branch {
                return held.position;
            }
            step = self.branches[held.branch.0].parent;
        }
        0
    }

    fn last(&self, branch: BranchId) -> Knot {
        let knots = &self.branches[branch.0].knots;
        knots[knots.len() - 1]
    }

    /// The knot in force at an instant.
    fn knot(&self, branch: BranchId, at: Mono) -> Option<&Knot> {
        let knots = &self.branches[branch.0].knots;
        let after = knots.partition_point(|knot| knot.at <= at);
        knots[..after].last()
    }
}

fn branch(parent: Option<Held>, now: Mono) -> Branch {
    Branch { parent, knots: vec![Knot { at: now, position: 0, per_sec: 0 }] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROOT: BranchId = BranchId(0);

    fn held(branch: BranchId, writes: u64) -> Held {
        Held { branch, position: writes * WRITE }
    }

    /// A writer with ten writes a second, and after ten seconds a branch off so many of them.
    fn forked(writes: u64) -> (Lineage, BranchId) {
        let mut log = Lineage::new(Mono(0));
        log.set_rate(ROOT, 10, Mono(0));
        let new = log.fork(held(ROOT, writes), Mono(10_000));
        (log, new)
    }

    #[test]
    fn positions_grow_with_the_rate() {
        let mut log = Lineage::new(Mono(0));
        log.set_rate(ROOT, 50, Mono(1_000));
        log.set_rate(ROOT, 0, Mono(3_000));
        for (at, writes) in [(0, 0), (1_000, 0), (2_000, 50), (3_000, 100), (9_000, 100)] {
            assert_eq!(log.position(ROOT, Mono(at)), writes * WRITE, "{at}");
        }
        assert_eq!(log.position(ROOT, Mono(1_500)), 25 * WRITE);
    }

    #[test]
    fn a_single_write_counts_as_one() {
        let mut log = Lineage::new(Mono(0));
        log.write(ROOT, Mono(10));
        log.set_rate(ROOT, 1, Mono(10));
        log.write(ROOT, Mono(1_010));
        assert_eq!(log.position(ROOT, Mono(1_010)), 3 * WRITE);
        assert_eq!(log.last_write(ROOT, Mono(5_000)), Mono(5_000), "it keeps growing");
    }

    #[test]
    fn the_last_write_of_an_idle_branch_is_when_it_went_idle() {
        let mut log = Lineage::new(Mono(5));
        assert_eq!(log.last_write(ROOT, Mono(1)), Mono(5));
        log.set_rate(ROOT, 9, Mono(10));
        log.set_rate(ROOT, 0, Mono(70));
        assert_eq!(log.last_write(ROOT, Mono(40)), Mono(40));
        assert_eq!(log.last_write(ROOT, Mono(400)), Mono(70));
    }

    #[test]
    fn a_fork_misses_what_had_not_arrived() {
        let (mut log, new) = forked(80);
        log.set_rate(ROOT, 0, Mono(10_000));
        log.set_rate(new, 5, Mono(10_000));
        let (now, all) = (Mono(12_000), Held { branch: new, position: 10 * WRITE });
        assert_eq!(log.acknowledged(now), 110 * WRITE);
        assert_eq!(log.missing(all, Mono(0), now), 20 * WRITE);
        assert_eq!(log.missing(held(ROOT, 100), Mono(0), now), 10 * WRITE, "the old one");
    }

    #[test]
    fn writes_of_an_unfenced_old_writer_are_missing_too() {
        let (log, new) = forked(100);
        let missing = |until| log.missing(Held { branch: new, position: 0 }, Mono(0), Mono(until));
        assert_eq!((missing(10_000), missing(13_000)), (0, 30 * WRITE));
    }

    #[test]
    fn what_an_old_writer_took_after_it_was_left_is_not_lost_again() {
        let (mut log, new) = forked(90);
        log.set_rate(new, 10, Mono(10_000));
        let (since, until) = (Mono(10_000), Mono(20_000));
        let lost = |behind| log.lost(held(new, 100), held(new, behind), (since, until));
        assert_eq!((lost(100), lost(70)), (0, 30 * WRITE), "of the branch that is left");
        let lost = |old| log.lost(held(ROOT, old), held(new, 0), (Mono(0), Mono(10_000)));
        assert_eq!((lost(100), lost(95)), (10 * WRITE, 5 * WRITE), "what the old one has");
    }

    #[test]
    fn nothing_is_missing_after_a_fork_of_everything() {
        let mut log = Lineage::new(Mono(0));
        log.set_rate(ROOT, 10, Mono(0));
        log.set_rate(ROOT, 0, Mono(5_000));
        let mut last = ROOT;
        for n in 1..4u64 {
            let now = Mono(5_000 * n);
            let position = log.position(last, now);
            last = log.fork(Held { branch: last, position }, now);
            log.set_rate(last, 3, now);
            log.set_rate(last, 0, now + bowline_core::model::Span::secs(2));
        }
        let end = Mono(60_000);
        let held = Held { branch: last, position: log.position(last, end) };
        assert_eq!(log.missing(held, Mono(0), end), 0);
        assert_eq!(log.acknowledged(end), (50 + 3 * 6) * WRITE);
    }

    #[test]
    fn what_is_missing_can_be_asked_for_a_time_of_acknowledgement() {
        let (log, new) = forked(80);
        let held = Held { branch: new, position: 0 };
        let (fork, now) = (Mono(10_000), Mono(11_000));
        assert_eq!(log.missing(held, Mono(0), fork), 20 * WRITE, "before the fork");
        assert_eq!(log.missing(held, fork, now), 10 * WRITE, "after it");
    }

    proptest! {
        #[test]
        fn held_and_missing_are_everything(
            rates in proptest::collection::vec(0u64..100, 2..6), arrived in 0u64..=100,
        ) {
            let mut log = Lineage::new(Mono(0));
            let (mut now, mut tip) = (Mono(0), ROOT);
            for rate in rates {
                log.set_rate(tip, rate, now);
                now = Mono(now.0 + 7_777);
                let position = log.position(tip, now) * arrived / 100;
                tip = log.fork(Held { branch: tip, position }, now);
            }
            let held = Held { branch: tip, position: 0 };
            let has: u64 = (0..=tip.0).map(|id| log.part_of(held, BranchId(id))).sum();
            prop_assert_eq!(has + log.missing(held, Mono(0), now), log.acknowledged(now));
        }
    }
}
