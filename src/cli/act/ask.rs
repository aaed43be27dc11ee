//! What to do next: the command behind a refusal, a question, or a command that was left alone.

use bowline_core::model::{GroupName, Site};
use bowline_core::run::Refusal;

use super::Wish;
use super::outcome::{Ending, Told};
use crate::cli::target::quoted;

/// What to do next, in words and with the command; `None` when nothing is left to do.
pub(super) fn next(wish: &Wish, told: &Told, folder: bool) -> Option<String> {
    let again = wish.args().store.again();
    let group = quoted(told.group.as_str());
    let status = format!("Look at it with: bowline status {group}{again}");
    match &told.ending {
        Ending::Done(_) | Ending::Failed(_) => left(told, folder, &again),
        Ending::Running(_) => Some(status),
        Ending::Unanswered(_) => Some(unanswered(wish, &told.group, folder, &again)),
        Ending::Refused { refusal: Some(refusal), .. } => {
            remedy(wish, refusal, &told.group, &again)
        }
        Ending::Refused { refusal: None, .. } => Some(status),
        Ending::Waits { question, .. } => {
            let command = question.command(&told.group, told.run.as_ref()?);
            Some(format!("Say yes with: {command}{again}"))
        }
    }
}

/// The obligations that a run left.
fn left(told: &Told, folder: bool, again: &str) -> Option<String> {
    if told.obligations.is_empty() {
        return None;
    }
    let steps: Vec<_> = told.obligations.iter().map(ToString::to_string).collect();
    let steps = steps.join(", ");
    Some(match folder {
        true => format!(
            "Left to do: {steps}. Nobody does it unless a replica runs over this directory: \
             bowline run{again}"
        ),
        false => format!("Left to do: {steps}. The controller does it as soon as it can."),
    })
}

/// The command that was typed, with the run that a yes named.
fn typed(wish: &Wish, name: &str) -> String {
    let run = match wish {
        Wish::Approve(args) => args.run.as_ref().map(|run| format!(" --run {}", quoted(run))),
        _ => None,
    };
    format!("bowline {} {name}{}", wish.word(), run.unwrap_or_default())
}

/// What to do about a refusal.
fn remedy(wish: &Wish, refusal: &Refusal, group: &GroupName, again: &str) -> Option<String> {
    let name = quoted(group.as_str());
    Some(match refusal {
        Refusal::Unreadable(_) => {
            "The controller is another version than this program: bowline --version".into()
        }
        Refusal::RunOpen(run) => format!(
            "Wait for it: bowline status {name}{again}\n\
             Or undo it: bowline cancel {name} --run {}{again}",
            quoted(run.as_str())
        ),
        Refusal::NoSuchRun(_) | Refusal::NothingAsked(_) | Refusal::Committed(_) => {
            format!("Look at it with: bowline status {name}{again}")
        }
        Refusal::MoreLoss { needed } => {
            let accept = needed.map_or_else(|| "DURATION".into(), |needed| needed.to_string());
            let yes = typed(wish, &name);
            format!("If that may be lost: {yes} --accept-loss {accept}{again}")
        }
        Refusal::Unfenced(_) => {
            let yes = typed(wish, &name);
            format!("If you know it and go on: {yes} --accept-unfenced{again}")
        }
        Refusal::AlreadyThere(_) | Refusal::NotContinued { .. } => return None,
        Refusal::TooOld { .. } => "Say it again, if it is still wanted.".into(),
        Refusal::ForeignClaim(_) => foreign(wish, &name, again),
        Refusal::TwoMoves { ours, theirs, .. } => two_moves(wish, (*ours, *theirs), &name, again),
        Refusal::BadImport(_) => {
            format!("Look at it with: bowline journal show {name} --store DIR")
        }
        Refusal::NotReady(_) | Refusal::Incomplete(_) => {
            format!("See what is missing: bowline check {name}{again}")
        }
    })
}

/// Both journals tell of a move: somebody looks at the world, and says which is true.
fn two_moves(wish: &Wish, (ours, theirs): (Site, Site), name: &str, again: &str) -> String {
    let from = match wish {
        Wish::Import(args) => quoted(&args.from),
        _ => "dir:PATH".into(),
    };
    let import = format!("bowline journal import {name} --from {from} --reason WHY --stands");
    format!(
        "See in AWS which database instance is the newest writer, and where DNS leads.\n\
         If that is {theirs}, as theirs says: {import} theirs{again}\n\
         If it is {ours}, as ours says: {import} ours{again}"
    )
}

/// Somebody acted beside the journal: take over what they did, or go over their claim.
fn foreign(wish: &Wish, name: &str, again: &str) -> String {
    let import =
        format!("Take over what was done: bowline journal import {name} --from dir:PATH{again}");
    match wish {
        Wish::Failover(_) => format!(
            "{import}\nOr, if that controller is dead for sure: bowline failover {name} \
             --controller-is-dead REASON{again}"
        ),
        _ => import,
    }
}

/// No controller looked at an intent.
fn unanswered(wish: &Wish, group: &GroupName, folder: bool, again: &str) -> String {
    let name = quoted(group.as_str());
    if folder && wish.args().detach {
        return format!(
            "Leave out --detach to act from this process, or start a replica: bowline run{again}"
        );
    }
    if folder {
        return format!("See who leads: bowline status {name}{again}");
    }
    let see = "Is a controller running? kubectl -n bowline get lease,pods";
    match wish {
        Wish::Failover(_) => format!(
            "{see}\nIf it is dead, break the glass with the copy that `bowline export` kept:\n  \
             bowline failover {name} --store dir:PATH --policy FILE --controller-is-dead REASON \
             --accept-loss DURATION"
        ),
        _ => see.into(),
    }
}
