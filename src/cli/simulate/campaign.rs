//! Plays seeds on several threads until all are played, one breaks a promise, or the time is up.

use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bowline_sim::campaign::{Faults, Outcome, Schedule, Story, generate};
use bowline_sim::coverage::{self, Coverage};

/// How often a terminal is told how far it is, and how often anything else.
const TOLD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// What is to be played.
pub(super) struct Order<'a> {
    /// Which seeds.
    pub(super) seeds: Range<u64>,
    /// What may go wrong.
    pub(super) faults: &'a Faults,
    /// In which world.
    pub(super) story: &'a Story,
    /// On how many threads.
    pub(super) jobs: usize,
    /// Whether it goes on after a broken promise.
    pub(super) keep_going: bool,
    /// For how long at most.
    pub(super) at_most: Option<Duration>,
}

/// What was played.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Trials.
    pub(super) trials: u64,
    /// Those that broke a promise.
    pub(super) broken: u64,
    /// Their seeds with the first promise that was broken.
    pub(super) seeds: Vec<(u64, String)>,
    /// Runs that moved the traffic.
    pub(super) moves: u64,
    /// Completed moves away and home again.
    pub(super) round_trips: u64,
    /// Things that happened.
    pub(super) events: u64,
    /// Virtual time, in milliseconds.
    pub(super) virtual_ms: u64,
    /// Real time.
    pub(super) took: Duration,
    /// What was reached in it.
    pub(super) coverage: Coverage,
    /// The one with the smallest seed that broke a promise.
    pub(super) first: Option<(Schedule, Outcome)>,
}

/// A trial that was played.
struct Trial {
    schedule: Schedule,
    outcome: Outcome,
    coverage: Coverage,
}

/// Plays all seeds, and tells `err` how far it is.
pub(super) fn play_all(order: &Order<'_>, err: &mut impl Write) -> Played {
    let (began, next, stop) = (Instant::now(), AtomicU64::new(0), AtomicBool::new(false));
    let (tell, told) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..order.jobs {
            let (next, stop, tell) = (&next, &stop, tell.clone());
            scope.spawn(move || {
                while let Some(seed) = take(order, next, stop) {
                    // Nobody listens any more only if the whole program is going down.
                    let _ = tell.send(one(order, seed));
                }
            });
        }
        drop(tell);
        gather(order, (&told, &stop), began, err)
    })
}

fn take(order: &Order<'_>, next: &AtomicU64, stop: &AtomicBool) -> Option<u64> {
    let offset = next.fetch_add(1, Ordering::Relaxed);
    let seed = order.seeds.start.checked_add(offset)?;
    (!stop.load(Ordering::Relaxed) && order.seeds.contains(&seed)).then_some(seed)
}

fn one(order: &Order<'_>, seed: u64) -> Option<Trial> {
    let schedule = generate(seed, order.faults, order.story);
    // The schedule's policy was read before.
    let (outcome, coverage) = coverage::trial(&schedule).ok()?;
    Some(Trial { schedule, outcome, coverage })
}

/// Gathers what comes until all threads are done.
fn gather(
    order: &Order<'_>,
    (told, stop): (&Receiver<Option<Trial>>, &AtomicBool),
    began: Instant,
    err: &mut impl Write,
) -> Played {
    let mut played = Played::default();
    let mut progress = Progress::new(order, began);
    loop {
        match told.recv_timeout(Duration::from_millis(200)) {
            Ok(Some(trial)) => played.take(trial),
            Ok(None) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        played.took = began.elapsed();
        let late = order.at_most.is_some_and(|most| played.took >= most);
        if late || (played.broken > 0 && !order.keep_going) {
            stop.store(true, Ordering::Relaxed);
        }
        progress.tell(&played, err);
    }
    progress.wipe(err);
    played
}

impl Played {
    fn take(&mut self, trial: Trial) {
        let Trial { schedule, outcome, coverage } = trial;
        self.coverage.merge(&coverage);
        self.trials += 1;
        self.moves += u64::from(outcome.moves);
        self.round_trips += u64::from(outcome.round_trips);
        self.events += outcome.events;
        self.virtual_ms += outcome.lasted.as_millis();
        if let Some(promise) = outcome.first() {
            self.broken += 1;
            self.seeds.push((schedule.seed, promise.into()));
            let earlier = |(first, _): &(Schedule, Outcome)| first.seed > schedule.seed;
            if self.first.as_ref().is_none_or(earlier) {
                self.first = Some((schedule, outcome));
            }
        }
    }

    /// Round trips in a minute of real time.
    pub(super) fn pace(&self) -> f64 {
        let secs = self.took.as_secs_f64();
        if secs > 0.0 { self.round_trips as f64 / secs * 60.0 } else { 0.0 }
    }
}

/// Tells how far it is, now and then.
struct Progress {
    of: u64,
    terminal: bool,
    last: Instant,
}

impl Progress {
    fn new(order: &Order<'_>, began: Instant) -> Self {
        let of = order.seeds.end - order.seeds.start;
        Self { of, terminal: std::io::stderr().is_terminal(), last: began }
    }

    fn tell(&mut self, played: &Played, err: &mut impl Write) {
        let every = if self.terminal { TOLD.0 } else { TOLD.1 };
        if self.last.elapsed() < every {
            return;
        }
        self.last = Instant::now();
        let (begin, end) = if self.terminal { ("\r", "") } else { ("", "\n") };
        let (trials, of, trips, pace) = (played.trials, self.of, played.round_trips, played.pace());
        let broken = played.broken;
        let far = format!("{trials} of {of} trials, {trips} round trips ({pace:.0} a minute)");
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(err, "{begin}{far}, {broken} broken{end}");
        let _ = err.flush();
    }

    fn wipe(&self, err: &mut impl Write) {
        if self.terminal {
            let _ = write!(err, "\r{:78}\r", "");
        }
    }
}
