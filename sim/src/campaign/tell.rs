//! A trial told as a timeline that people can read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::rc::Rc;

use bowline_core::decide;
use bowline_core::model::{GroupName, Mono, Now, Site};
use bowline_core::run::{Entry, Record};

use super::policy::UnknownStory;
use super::schedule::{Happening, Schedule};
use super::trial::Trial;
use crate::harness::{Event, Watch};
use crate::world::{News, World};

/// The longest line.
const WIDTH: usize = 160;

/// What the world did, as it is seen.
#[derive(Clone, Default)]
struct Seen(Rc<RefCell<Vec<(Mono, String)>>>);

impl Watch for Seen {
    fn seen(&mut self, at: Now, world: &World, event: &Event<'_>) {
        let line = match event {
            Event::Began(trouble) => format!("world    {trouble:?}"),
            Event::Ended(trouble) => format!("world    over: {trouble:?}"),
            Event::News(News::Answers(group, servers)) => {
                let led = |site| servers.iter().filter(|told| told.site == Some(site)).count();
                let (home, standby) = (led(Site::Home), led(Site::Standby));
                let name = &world.groups()[*group].name;
                format!("dns      {name}: {home} servers lead to home, {standby} to standby")
            }
            Event::News(News::Reverted(zone)) => {
                format!("dns      somebody else put the sets of {zone} back")
            }
            Event::News(News::Serves(group, site, access)) => {
                let name = &world.groups()[*group].name;
                let word = |yes| if yes { "yes" } else { "no" };
                let (reads, writes) = (word(access.reads), word(access.writes));
                format!("users    {name} at {site}: reads {reads}, writes {writes}")
            }
            _ => return,
        };
        self.0.borrow_mut().push((at.mono, line));
    }
}

/// Plays a schedule and tells it, from its first event to what came of it.
///
/// # Errors
/// When its policy is none.
pub fn tell(schedule: &Schedule) -> Result<String, UnknownStory> {
    let mut trial = Trial::new(schedule)?;
    let (began, seen) = (trial.began(), Seen::default());
    trial.watch(Box::new(seen.clone()));
    let (mut text, mut decided) = (head(schedule), BTreeMap::new());
    while let Some(stored) = trial.step() {
        for (at, line) in seen.0.borrow_mut().drain(..) {
            put(&mut text, began, at, &line);
        }
        let now = trial.simulation.now().mono;
        for (group, entry) in stored {
            for line in lines(&group, &entry) {
                put(&mut text, began, now, &line);
            }
        }
        for line in decisions(&trial, schedule.replicas, &mut decided) {
            put(&mut text, began, now, &line);
        }
    }
    let outcome = trial.outcome();
    let _ = writeln!(text, "{} moves, {} round trips", outcome.moves, outcome.round_trips);
    for (promise, why) in &outcome.broken {
        let _ = writeln!(text, "BROKEN {promise}: {why}");
    }
    Ok(text)
}

/// What the leader decides and did not decide before; how long it has still to wait is no news.
fn decisions(
    trial: &Trial,
    replicas: usize,
    before: &mut BTreeMap<GroupName, String>,
) -> Vec<String> {
    let simulation = &trial.simulation;
    let leader = simulation.leader().filter(|(seat, _)| *seat < replicas);
    let Some((_, leader)) = leader else { return Vec::new() };
    let mut lines = Vec::new();
    for group in trial.groups() {
        let Some(decided) = leader.decision(group) else { continue };
        let words = decide::words::decision(decided, group);
        let news: String = words.chars().filter(|letter| !letter.is_ascii_digit()).collect();
        if before.get(group) != Some(&news) {
            lines.push(format!("{group} decides: {words}"));
            before.insert(group.clone(), news);
        }
    }
    lines
}

fn head(schedule: &Schedule) -> String {
    let mut text = format!(
        "seed {}, {} group(s), {} replicas, {:?}; all is well from {} on\n",
        schedule.seed, schedule.groups, schedule.replicas, schedule.engine, schedule.heals
    );
    for event in schedule.events.iter().filter(|e| !matches!(e, Happening::Fault { .. })) {
        let _ = writeln!(text, "  {event:?}");
    }
    text
}

fn put(text: &mut String, began: Mono, at: Mono, line: &str) {
    let ms = at.since(began).as_millis();
    let (minutes, seconds) = (ms / 60_000, ms % 60_000);
    let line: String = line.chars().take(WIDTH).collect();
    let _ = writeln!(text, "{minutes:>4}:{:06.3} {line}", seconds as f64 / 1_000.0);
}

/// One line for each record of an entry.
fn lines(group: &GroupName, entry: &Entry) -> Vec<String> {
    let mut lines = Vec::new();
    for record in &entry.records {
        lines.push(format!("{group} #{:<3} {}: {}", entry.seq, entry.by, words(record)));
        if let Record::Imported { after, entries, .. } = record {
            let theirs = (after + 1..).zip(entries).filter_map(|(n, e)| Entry::parse(n, e).ok());
            for entry in theirs {
                let told = self::lines(group, &entry).into_iter();
                lines.extend(told.map(|line| format!("  | {} {line}", entry.at)));
            }
        }
    }
    lines
}

fn words(record: &Record) -> String {
    match record {
        Record::Claimed { claim, by } => format!("{by} claims {claim}"),
        Record::Opened { kind, from, trigger, .. } => {
            format!("opens a {} away from {from} ({trigger:?})", kind.word())
        }
        Record::Planned { plan, moves: true } => {
            format!("plans a move of {} steps", plan.steps.len())
        }
        Record::Planned { plan, moves: false } => format!("plans {} steps", plan.steps.len()),
        Record::Started { step, attempt, .. } => format!("{step} starts, attempt {attempt}"),
        Record::Done { step, note, unknown: false, .. } => format!("{step} done: {note}"),
        Record::Done { step, note, unknown: true, .. } => format!("{step} ends unknown: {note}"),
        Record::Withheld { step } => format!("{step} was not sent"),
        Record::Asked { step, question } => format!("{step} ASKS: {}", question.why),
        Record::Answered { step, by, .. } => format!("{by} says yes to {step}"),
        Record::Unwinding { why } => format!("goes back: {why}"),
        Record::Closed { ended } => format!("the run is over: {ended:?}"),
        Record::IntentTaken { by, intent, refused: None, .. } => format!("{by} wants {intent:?}"),
        Record::IntentTaken { by, intent, refused: Some(why), .. } => {
            format!("{by} wanted {intent:?}, refused: {why}")
        }
        Record::Imported { entries, stands, .. } => {
            let word = stands.map(|stands| format!(", {} stands", stands.word()));
            format!("imports {} entries{}", entries.len(), word.unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}
