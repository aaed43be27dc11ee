//! What many trials together were.
use std::time::Duration;

use bowline_sim::campaign::{Outcome, Schedule, UnknownStory, play};
use bowline_sim::coverage::{Coverage, trial};
use serde::{Deserialize, Serialize};

/// Of so many trials one is counted: a cell that nobody can hit is a panic there.
const COUNTED: u64 = 10;

/// What all trials together were.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Sum {
    pub(crate) trials: u64,
    pub(crate) trips: u64,
    moves: u64,
    events: u64,
    minutes: u64,
    /// Each trial that broke a promise: its seed, which one, and how.
    pub(crate) bad: Vec<(u64, String, String)>,
    /// All trials' digests together: the same trials give the same number.
    digest: u64,
    pub(crate) computed: Duration,
    /// What the counted trials came to.
    #[serde(skip)]
    coverage: Coverage,
}

impl Sum {
    /// Plays a trial, and adds it.
    pub(crate) fn play(&mut self, schedule: &Schedule) -> Result<Outcome, UnknownStory> {
        let outcome = if schedule.seed.is_multiple_of(COUNTED) {
            let (outcome, coverage) = trial(schedule)?;
            self.coverage.merge(&coverage);
            outcome
        } else {
            play(schedule)?
        };
        self.add(schedule.seed, &outcome);
        Ok(outcome)
    }

    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.trials += 1;
        self.digest ^= outcome.digest;
        self.trips += u64::from(outcome.round_trips);
        self.moves += u64::from(outcome.moves);
        self.events += outcome.events;
        self.minutes += outcome.lasted.as_secs() / 60;
        let first = outcome.broken.first();
        self.bad.extend(first.map(|(promise, why)| (seed, promise.clone(), why.clone())));
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.trials += other.trials;
        self.trips += other.trips;
        self.moves += other.moves;
        self.events += other.events;
        self.minutes += other.minutes;
        self.bad.extend(other.bad);
        self.digest ^= other.digest;
        self.computed += other.computed;
        self.coverage.merge(&other.coverage);
    }

    /// The figures in one line.
    pub(crate) fn line(&self) -> String {
        let Self { trials, trips, moves, bad, .. } = self;
        format!("{trials} trials, {moves} moves, {trips} round trips, {} bad", bad.len())
    }

    /// What it cost, and what a trial is made of.
    pub(crate) fn tell(&self) {
        let (trials, took) = (self.trials.max(1), self.computed.as_secs_f64());
        println!(
            "{}; {took:.1} s on a core: {:.0} trials and {:.0} round trips a minute",
            self.line(),
            trials as f64 / took * 60.0,
            self.trips as f64 / took * 60.0
        );
        println!(
            "a trial: {} virtual minutes, {} events of {:.0} ns; all digests together: {:016x}",
            self.minutes / trials,
            self.events / trials,
            took * 1e9 / self.events.max(1) as f64,
            self.digest
        );
        let (hits, possible) = (self.coverage.hits(), Coverage::possible());
        println!("every tenth trial was counted: {hits} of {possible} cells");
    }

    /// Whether every promise held, in at least so many round trips.
    pub(crate) fn verdict(&self, trips: u64) -> Result<(), String> {
        match self.bad.len() {
            0 if self.trips < trips => {
                Err(format!("{} round trips, and {trips} were wanted", self.trips))
            }
            0 => Ok(()),
            bad => Err(format!("{bad} of {} trials broke a promise", self.trials)),
        }
    }
}
