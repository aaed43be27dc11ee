//! The deep campaign: `deep FILE TRIPS [JOBS]` plays seeds from 0 on, under all faults, until so
//! many round trips were made. Each thousand seeds become a line of FILE when they are over, so a
//! campaign that was stopped goes on where it was. Fails if a promise was broken.
//!
//! A file is about one state of the sources: `cargo xtask campaign` names it for them.
#[path = "shared/computed.rs"]
mod computed;
#[path = "shared/sum.rs"]
mod sum;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard};

use bowline_sim::campaign::{Faults, Story, UnknownStory, generate};
use computed::computed;
use serde::{Deserialize, Serialize};
use sum::Sum;

/// How many seeds a line is about.
const PART: u64 = 1_000;

/// So many lines apart it is told how far it is.
const TELL: u64 = 5;

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    /// The first of its seeds.
    from: u64,
    sum: Sum,
}

/// How far a campaign is.
struct Progress {
    file: File,
    /// Seeds from which a part was begun.
    begun: BTreeSet<u64>,
    sum: Sum,
    told: u64,
}

impl Progress {
    /// What the file tells of what was played before. A line that was cut off is played again.
    fn read(path: &str) -> io::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other?,
        };
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        let mut progress = Self { file, begun: BTreeSet::new(), sum: Sum::default(), told: 0 };
        for line in text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            if progress.begun.insert(line.from) {
                progress.sum.merge(line.sum);
            }
        }
        Ok(progress)
    }

    /// The next part that nobody plays.
    fn begin(&mut self) -> u64 {
        let free = (0..).map(|part| part * PART).find(|from| !self.begun.contains(from));
        let from = free.expect("there are more numbers than anybody plays");
        self.begun.insert(from);
        from
    }

    fn end(&mut self, line: Line) -> io::Result<()> {
        let text = serde_json::to_string(&line)?;
        self.file.write_all(format!("{text}\n").as_bytes())?;
        line.sum.bad.iter().for_each(|(seed, promise, why)| println!("{seed}: {promise}: {why}"));
        self.sum.merge(line.sum);
        self.told += 1;
        if self.told.is_multiple_of(TELL) {
            println!("{}", self.sum.line());
        }
        Ok(())
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().expect("nobody panics with it")
}

/// Plays the seeds of one part.
fn part(from: u64, story: &Story) -> Result<Sum, UnknownStory> {
    let (faults, before) = (Faults::all(), computed());
    let mut sum = Sum::default();
    for seed in from..from + PART {
        sum.play(&generate(seed, &faults, story))?;
    }
    sum.computed = computed() - before;
    Ok(sum)
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, trips, rest @ ..] = &args[..] else { return Err("say FILE TRIPS [JOBS]".into()) };
    let (trips, jobs) = (trips.parse::<u64>()?, rest.first().map_or(Ok(2), |n| n.parse::<u64>())?);
    let (story, progress) = (Story::swift()?, Mutex::new(Progress::read(file)?));
    let work = || -> Result<(), String> {
        while lock(&progress).sum.trips < trips {
            let from = lock(&progress).begin();
            let sum = part(from, &story).map_err(|e| e.to_string())?;
            lock(&progress).end(Line { from, sum }).map_err(|e| e.to_string())?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        all.into_iter().try_for_each(|one| one.join().expect("play catches panics"))
    })?;
    let sum = progress.into_inner()?.sum;
    for (seed, promise, why) in &sum.bad {
        println!("{seed}: {promise}: {why}");
    }
    sum.tell();
    Ok(sum.verdict(trips)?)
}
