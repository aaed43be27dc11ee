//! What the checkers of one health check make of their probes together.

use crate::dns::checkers_agree;

/// The checkers' verdicts.
#[derive(Debug)]
pub(super) struct Tally {
    threshold: u32,
    checkers: Vec<Checker>,
}

/// One checker: its verdict turns after `threshold` probes in a row that say otherwise.
#[derive(Debug, Clone)]
struct Checker {
    healthy: bool,
    otherwise: u32,
}

impl Tally {
    /// `checkers` of them; all begin with healthy, as Route 53's do.
    pub(super) fn new(checkers: u32, threshold: u32) -> Self {
        let checker = Checker { healthy: true, otherwise: 0 };
        Self { threshold, checkers: vec![checker; checkers as usize] }
    }

    /// Notes a probe of one of them.
    pub(super) fn note(&mut self, number: u32, well: bool) {
        let Some(checker) = self.checkers.get_mut(number as usize) else { return };
        checker.otherwise = if well == checker.healthy { 0 } else { checker.otherwise + 1 };
        if checker.otherwise >= self.threshold {
            *checker = Checker { healthy: well, otherwise: 0 };
        }
    }

    /// Whether enough of them say healthy.
    pub(super) fn healthy(&self) -> bool {
        let well = self.checkers.iter().filter(|checker| checker.healthy).count();
        checkers_agree(well, self.checkers.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checker_turns_after_as_many_probes_in_a_row_as_the_threshold_says() {
        let mut tally = Tally::new(1, 3);
        for well in [false, false, true, false, false] {
            tally.note(0, well);
            assert!(tally.healthy(), "not three in a row");
        }
        tally.note(0, false);
        assert!(!tally.healthy());
        tally.note(0, true);
        tally.note(0, true);
        assert!(!tally.healthy(), "back takes as many");
        tally.note(0, true);
        assert!(tally.healthy());
    }

    #[test]
    fn one_checker_of_eight_is_not_enough_and_two_are() {
        let mut tally = Tally::new(8, 1);
        (0..6).for_each(|number| tally.note(number, false));
        assert!(tally.healthy(), "two of eight still see it");
        tally.note(6, false);
        assert!(!tally.healthy());
        tally.note(99, true);
        assert!(!tally.healthy(), "nobody has that number");
    }
}
