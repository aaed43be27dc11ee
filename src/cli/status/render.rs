//! A status for people: the headline, the sites with their evidence, the run, what is held.

use std::fmt::Write;

use bowline_core::health::Reach;
use bowline_core::model::{Answer3, Lag, Site, Span};
use bowline_core::node::{AskStatus, GroupStatus, RunStatus, SiteStatus};
use bowline_core::run::StepState;
use comfy_table::{ContentArrangement, Table, presets};

use super::view::GroupView;
use crate::cli::demo::sites::signal;
use crate::cli::paint::{Paint, Tone};
use crate::cli::words::{counted, lasts};

/// How wide the table of sites may be.
const WIDTH: u16 = 110;

/// A group's status.
pub(super) fn text(view: &GroupView, paint: Paint) -> String {
    let mut out = paint.text(tone(view), &view.headline) + "\n";
    if let Some(status) = &view.published.status {
        out.push_str(&sites(status));
    }
    if let Some(run) = &view.run {
        out.push_str(&of_run(run, paint));
    }
    let mut field = |name: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "  {name:<10} {text}");
        }
    };
    field("armed", if view.armed { "yes" } else { "no" });
    field("paused", view.paused.as_deref().unwrap_or_default());
    let old: Vec<_> = view.quarantined.iter().map(ToString::to_string).collect();
    field("quarantine", &old.join(", "));
    view.holds.iter().for_each(|hold| field("hold", hold));
    for left in &view.leftovers {
        field("left over", &format!("{} at {} (yours to delete)", left.instance, left.site));
    }
    for claim in view.published.status.iter().flat_map(|status| &status.claims) {
        let foreign = if claim.foreign { ", which the journal does not know" } else { "" };
        field("claim", &format!("{}: {}{foreign}", claim.place, claim.claim));
    }
    field("journal", &journal(view));
    field("reported", &reported(view));
    out
}

fn tone(view: &GroupView) -> Tone {
    let asks = view.run.as_ref().is_some_and(|run| !run.asks.is_empty());
    match (&view.journal.broken, asks) {
        (Some(_), _) => Tone::Bad,
        (None, true) => Tone::Unsure,
        (None, false) => Tone::Strong,
    }
}

/// Both sites: verdicts and the evidence they rest on.
fn sites(status: &GroupStatus) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(["", "serving", "ready", "answers", "evidence"]);
    for site in &status.sites {
        table.add_row(row(site, status.active, status.database));
    }
    let lines = table.lines().map(|line| format!("  {}\n", line.trim_end()));
    lines.collect()
}

fn unmeasured() -> String {
    "no replication measured yet".into()
}

fn replica(sample: &Lag) -> String {
    match sample.behind_ms {
        Some(behind) => format!("replica {} behind at {}", Span::millis(behind), sample.at),
        None => format!("replica's lag unknown at {}", sample.at),
    }
}

fn row(site: &SiteStatus, active: Site, database: bool) -> [String; 5] {
    let verdict = |answer: Option<Answer3>| answer.map_or("-".into(), |a| a.to_string());
    let answers = match site.reach {
        Reach::Answers => "yes",
        Reach::Silent => "no",
        Reach::NotAsked => "-",
    };
    let mut evidence: Vec<_> = site.signals.iter().map(signal).collect();
    evidence.extend(site.not_ready.iter().cloned());
    if database && site.site != active {
        evidence.push(site.replication.as_ref().map_or_else(unmeasured, replica));
    }
    let name = if site.site == active { format!("{} *", site.site) } else { site.site.to_string() };
    [name, verdict(site.serving), verdict(site.ready), answers.into(), evidence.join(", ")]
}

fn of_run(run: &RunStatus, paint: Paint) -> String {
    let done = run.steps.iter().filter(|step| !is_open(step.state)).count();
    let all = counted(run.steps.len(), "step");
    let mut out = format!("  {:<10} {}: {}, {done} of {all} done\n", "run", run.run, run.phase);
    for step in run.steps.iter().filter(|step| step.state == StepState::Started) {
        let standing = if step.standing { " (obligation)" } else { "" };
        let _ = writeln!(out, "  {:<10} {}{standing}: {}", "", step.step, step.note);
    }
    run.asks.iter().for_each(|ask| out.push_str(&of_ask(ask, paint)));
    out
}

/// The question, what is lost, what happens otherwise, and the exact command.
fn of_ask(ask: &AskStatus, paint: Paint) -> String {
    let lost = match (ask.loss_ms, ask.loss_unknown) {
        (Some(ms), _) => format!("up to {} of writes", lasts(ms)),
        (None, true) => "nobody knows how much".into(),
        (None, false) => "nothing".into(),
    };
    let asks = paint.text(Tone::Unsure, &format!("{}, since {}: {}", ask.step, ask.since, ask.why));
    let lines = [
        ("asks", asks),
        ("lost", lost),
        ("otherwise", ask.otherwise.clone()),
        ("to go on", ask.command.clone()),
    ];
    lines.iter().map(|(name, text)| format!("  {name:<10} {text}\n")).collect()
}

fn is_open(state: StepState) -> bool {
    matches!(state, StepState::Pending | StepState::Started)
}

fn journal(view: &GroupView) -> String {
    let claim = view.journal.claim.as_deref().unwrap_or("no claim yet");
    match view.journal.head {
        0 => "empty".into(),
        head => {
            let hash: String = view.journal.hash.chars().take(12).collect();
            format!("entry {head}, sha256 {hash}…; {claim}")
        }
    }
}

fn reported(view: &GroupView) -> String {
    let by = view.published.status.as_ref().and_then(|status| status.leader.clone());
    match (&view.published.unusable, view.published.age_secs) {
        (Some(why), _) => why.clone(),
        (None, Some(age)) => {
            format!("{age} s ago by {}", by.unwrap_or_else(|| "nobody who leads".into()))
        }
        (None, None) => String::new(),
    }
}

/// What of all views is worth telling again when it changes: no ages.
pub(super) fn gist(views: &[GroupView]) -> String {
    let one = |view: &GroupView| {
        let digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let run = view.run.as_ref().map(|run| {
            let steps = run.steps.iter().map(|step| (&step.step, step.state));
            (&run.phase, run.asks.len(), steps.collect::<Vec<_>>())
        });
        let sites = view.published.status.iter().flat_map(|status| &status.sites);
        let verdicts: Vec<_> = sites.map(|site| (site.serving, site.ready, site.reach)).collect();
        format!("{} {run:?} {verdicts:?} {:?} {}", digits(&view.headline), view.holds, view.armed)
    };
    views.iter().map(one).collect::<Vec<_>>().join("\n")
}
