//! What a campaign amounts to, for people and for programs.

use std::io::{self, Write};

use bowline_sim::coverage::Coverage;
use serde::Serialize;

use super::campaign::Played;

/// A campaign in one document.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// Trials played.
    trials: u64,
    /// Those that broke a promise.
    broken: u64,
    /// Their seeds, each with the first promise that was broken.
    broken_seeds: Vec<(u64, String)>,
    /// Runs that moved the traffic.
    moves: u64,
    /// Completed moves away and home again.
    round_trips: u64,
    /// … in a minute of real time.
    round_trips_per_minute: u64,
    /// Things that happened.
    events: u64,
    /// Hours of virtual time.
    virtual_hours: u64,
    /// Seconds of real time.
    seconds: u64,
    /// How many cells of the coverage were reached.
    cells: usize,
    /// … of so many that can be.
    cells_possible: usize,
    /// The others.
    cells_missed: Vec<String>,
    /// The first trial that broke a promise.
    failure: Option<Failure>,
}

/// A trial that broke a promise.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    /// Its seed.
    pub(super) seed: u64,
    /// The promise.
    pub(super) promise: String,
    /// When and how it was broken.
    pub(super) why: String,
    /// The file with the small schedule that still breaks it.
    pub(super) file: String,
    /// How many events are left in it.
    pub(super) events: usize,
    /// How many trials it took to make it small.
    pub(super) trials: u32,
    /// The small one, told.
    pub(super) timeline: String,
}

impl Summary {
    pub(super) fn of(played: &Played, failure: Option<Failure>) -> Self {
        let mut broken_seeds = played.seeds.clone();
        broken_seeds.sort();
        Self {
            trials: played.trials,
            broken: played.broken,
            broken_seeds,
            moves: played.moves,
            round_trips: played.round_trips,
            round_trips_per_minute: played.pace() as u64,
            events: played.events,
            virtual_hours: played.virtual_ms / 3_600_000,
            seconds: played.took.as_secs(),
            cells: played.coverage.hits(),
            cells_possible: Coverage::possible(),
            cells_missed: played.coverage.missed().map(|cell| format!("{cell:?}")).collect(),
            failure,
        }
    }

    /// Tells people; with what was never reached, if they want to know.
    pub(super) fn write(&self, out: &mut impl Write, missed: bool) -> io::Result<()> {
        if let Some(failure) = &self.failure {
            writeln!(out, "{}", failure.timeline)?;
            let Failure { seed, promise, why, file, events, trials, .. } = failure;
            writeln!(out, "seed {seed} broke {promise}: {why}")?;
            writeln!(out, "made small in {trials} trials, {events} events are left")?;
            writeln!(out, "play it again: bowline simulate --replay {file}\n")?;
        }
        for (seed, promise) in &self.broken_seeds {
            writeln!(out, "seed {seed}: {promise}")?;
        }
        writeln!(
            out,
            "{} trials, {} broke a promise; {} moves, {} round trips ({} a minute)",
            self.trials, self.broken, self.moves, self.round_trips, self.round_trips_per_minute
        )?;
        let (events, hours, seconds) = (self.events, self.virtual_hours, self.seconds);
        writeln!(
            out,
            "{events} events in {hours} hours of virtual time, {seconds} s of real time"
        )?;
        let (hit, possible) = (self.cells, self.cells_possible);
        writeln!(out, "coverage: {hit} of {possible} cells (docs/proof.md)")?;
        if missed {
            self.cells_missed.iter().try_for_each(|cell| writeln!(out, "never: {cell}"))?;
        }
        Ok(())
    }
}
