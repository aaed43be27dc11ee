//! The first line of a status, and the command to type next.

use bowline_core::health::Reach;
use bowline_core::model::Answer3;
use bowline_core::node::GroupStatus;
use bowline_core::run::{Ledger, Run, StepRun};

use super::view::{GroupView, over};

/// How many steps that are worked on are named.
const NAMED: usize = 2;

/// Who serves, who writes, what is waited for, and the next command, in one line.
pub(super) fn headline(view: &GroupView, ledger: &Ledger) -> String {
    let next = view.next.as_deref().unwrap_or("nothing to do");
    format!("{}: {}; {}; next: {next}", view.group, who(view), waits(view, ledger))
}

fn who(view: &GroupView) -> String {
    let active = view.active;
    let database = view.published.status.as_ref().is_none_or(|status| status.database);
    let (is, writes) = match serves(view) {
        Answer3::Yes => ("serves", " and writes"),
        Answer3::Unknown => ("is active", " and the writer"),
        Answer3::No => ("is active and does not serve", "; it is the writer"),
    };
    match view.writer {
        _ if !database => format!("{active} {is}"),
        Some(writer) if writer == active => format!("{active} {is}{writes}"),
        Some(writer) => format!("{active} {is}, {writer} writes"),
        None => format!("{active} {is}, nobody writes for certain"),
    }
}

/// Whether the active site serves, as was last reported; an old report of something good counts
/// for nothing.
fn serves(view: &GroupView) -> Answer3 {
    let said = |status: &GroupStatus| {
        let site = status.sites.iter().find(|site| site.site == view.active);
        site.and_then(|site| site.serving)
    };
    let last = view.published.status.as_ref().and_then(said);
    match view.published.fresh().and_then(said) {
        Some(now) => now,
        None => last.filter(|last| *last == Answer3::No).unwrap_or(Answer3::Unknown),
    }
}

/// What is waited for, and why nothing moves.
fn waits(view: &GroupView, ledger: &Ledger) -> String {
    if let Some(broken) = &view.journal.broken {
        return format!("the journal cannot be used: {broken}");
    }
    let what = run(view, ledger);
    let silent = view.published.unusable.clone();
    match (what, silent) {
        (Some(what), Some(silent)) => format!("{what}; {silent}"),
        (Some(what), None) => what,
        (None, Some(silent)) => silent,
        (None, None) => decision(view),
    }
}

/// What the run waits for, if there is one with anything left to do.
fn run(view: &GroupView, ledger: &Ledger) -> Option<String> {
    let status = view.run.as_ref()?;
    let name = &status.run;
    if let Some(ask) = status.asks.first() {
        return Some(format!("{name} waits for a human: {}", ask.why));
    }
    let run = ledger.run.as_ref()?;
    let steps = named(run, view);
    if over(status) {
        return Some(format!("{name} is over but for its obligations: {steps}"));
    }
    Some(match steps.is_empty() {
        true => format!("{name} is about to end"),
        false => format!("{name} waits for {steps}"),
    })
}

/// The steps that are worked on, with what they last said.
fn named(run: &Run, view: &GroupView) -> String {
    let open: Vec<_> = run.runnable().collect();
    let working: Vec<_> = match open.iter().any(|(_, step)| !step.step.standing) {
        true => open.into_iter().filter(|(_, step)| !step.step.standing).collect(),
        false => open,
    };
    let steps = view.run.iter().flat_map(|run| &run.steps);
    let notes: Vec<_> = steps.map(|step| (&step.step, step.note.as_str())).collect();
    let word = |(id, _): &(&bowline_core::model::StepId, &StepRun)| {
        let note = notes.iter().find(|(step, note)| step == id && !note.is_empty());
        note.map_or_else(|| id.to_string(), |(_, note)| format!("{id} ({note})"))
    };
    let mut words: Vec<_> = working.iter().take(NAMED).map(word).collect();
    if working.len() > NAMED {
        words.push(format!("{} more", working.len() - NAMED));
    }
    words.join(", ")
}

/// What the leader decided; and when Bowline cannot reach a site, that it is so.
fn decision(view: &GroupView) -> String {
    let Some(status) = view.published.fresh() else { return String::new() };
    let silent = status.sites.iter().filter(|site| site.reach == Reach::Silent);
    let silent: Vec<_> = silent.map(|site| site.site.to_string()).collect();
    match silent.is_empty() {
        true => status.decision.clone(),
        false => {
            let sites = silent.join(" and ");
            format!("{}; nothing of {sites} answers Bowline", status.decision)
        }
    }
}

/// The command to type next; `None`: there is nothing to do.
pub(super) fn next(view: &GroupView, ledger: &Ledger) -> Option<String> {
    let group = &view.group;
    if view.journal.broken.is_some() {
        return Some(format!("bowline journal replay {group}"));
    }
    let asked = view.run.as_ref().and_then(|run| run.asks.first());
    if let Some(ask) = asked {
        return Some(ask.command.clone());
    }
    if let Some(fresh) = view.published.fresh() {
        return fresh.next.clone();
    }
    if ledger.head == 0 && view.published.status.is_none() {
        return Some(format!("bowline check {group}"));
    }
    if ledger.paused.is_some() {
        return Some(format!("bowline resume {group}"));
    }
    // Nobody leads: whatever is to happen needs somebody who does.
    Some("bowline run".into())
}
