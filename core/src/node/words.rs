//! What a node says to people.

use crate::databases::evidence::{Evidence, Grade};
use crate::decide::{Ask, Decision, HoldWhy, RegionEvent, words};
use crate::health::{Ready, Sign};
use crate::model::{Now, StepId};
use crate::policy::{Action, Policy};
use crate::run::{Ended, Ledger, Phase, Record, Run, Trigger};
use crate::step::Question;

use super::group::Group;
use super::notices::Message;

/// Why a run that only prepared is sent back: nobody was without service for the confirm time.
pub(super) const FALSE_ALARM: &str = "a false alarm: the active site serves";

/// Why a run is sent back whose reason was real, and is over.
pub(super) const SERVES_AGAIN: &str = "the outage is over: the active site serves again";

/// Why a failover that a human ordered during an outage goes back.
pub(super) const ORDER_OUTLIVED: &str = "the outage that a human ordered or approved it in is \
    over: the active site serves again; order it anew to leave that site all the same";

/// Why a failover whose decision was stored too late goes back.
pub(super) const OUTDATED: &str = "it was decided on what is not so any more";

/// Why a run is opened that only goes back.
pub(super) const LEFT_BEHIND: &str = "what was left behind is released";

/// Why a run is over in whose place a human ordered a failover.
pub(super) const GIVES_WAY: &str = "a failover was ordered in its place";

/// Why a run that only prepared is over when another fault comes.
pub(super) const OUTLIVED: &str = "what it was opened for is over; a new run begins in its place";

/// What is said of a run that claims and begins nothing.
pub(super) const HESITATES: &str = "; waits, since users may be served where it leaves";

/// A decision in one line.
pub(super) fn decision(group: &Group) -> String {
    let decided = match &group.decision {
        Some(decision) => words::decision(decision, &group.policy.group),
        None => "nothing is decided: this replica does not lead".into(),
    };
    match &group.obstacle {
        Some(obstacle) => format!("{decided}; but {obstacle}"),
        None => decided,
    }
}

/// The command that answers what is asked or ends what is held; `None`: there is nothing to do.
pub(super) fn next(group: &Group) -> Option<String> {
    let name = &group.policy.group;
    if group.stranded {
        return Some(words::command(Action::Failover, name));
    }
    let asked = group
        .ledger()
        .open_run()
        .and_then(|run| run.asks().next().map(|(_, question, _)| question.command(name, &run.id)));
    asked.or_else(|| match group.decision.as_ref()? {
        Decision::AskHuman(ask) => Some(words::command(ask.action, name)),
        Decision::Hold(HoldWhy::Manual(action)) => Some(words::command(*action, name)),
        Decision::Hold(HoldWhy::SwitchedOver) => Some(words::command(Action::Failback, name)),
        Decision::Hold(HoldWhy::Paused) => Some(format!("bowline resume {name}")),
        Decision::Hold(HoldWhy::ForeignClaim) => Some(format!("bowline journal import {name}")),
        Decision::Hold(HoldWhy::Unarmed) => Some(format!("bowline arm {name}")),
        _ => None,
    })
}

/// What keeps a site from being ready.
pub(super) fn not_ready(ready: &Ready) -> Vec<String> {
    ready.reasons.iter().map(|(reason, how)| words::ready(*reason, *how)).collect()
}

/// What the active site's signals say, one line each.
pub(super) fn evidence(group: &Group, now: Now) -> Vec<String> {
    let line = |kind: &crate::health::KindEvidence| {
        let since = kind.down_since.map(|at| format!(" since {at}")).unwrap_or_default();
        let sign = match kind.sign {
            Sign::Up => "up",
            Sign::Down => "down",
            Sign::Unknown => "unknown",
        };
        format!(
            "{}: {sign}{since} ({} good, {} bad of {})",
            kind.name, kind.good, kind.bad, kind.of
        )
    };
    group.sampler.site(group.active()).evidence(now.mono).iter().map(line).collect()
}

/// Why a failover wants a yes.
pub(super) fn failover_reason(group: &Group, evidence: Option<&Evidence>) -> String {
    let site = group.active();
    let data = match evidence {
        None => String::new(),
        Some(evidence) => format!("; {}", replication(evidence)),
    };
    format!("the {site} site does not serve{data}")
}

fn replication(evidence: &Evidence) -> String {
    let loss = match evidence.loss_ms {
        Some(ms) => format!("up to {}.{:03} s of writes may be lost", ms / 1_000, ms % 1_000),
        None => "how many writes would be lost is not known".into(),
    };
    let grade = match evidence.grade {
        Grade::Good => "replication was fresh and near",
        Grade::Missing => "no replication sample from before the fault",
        Grade::Stale => "the last replication sample before the fault is too old",
        Grade::NotStreaming => "the replica was not streaming",
        Grade::TooFarBehind => "the replica was further behind than the policy allows",
    };
    format!("{grade}: {loss}")
}

/// Why coming home is proposed.
pub(super) fn failback_ready(group: &Group) -> String {
    format!("the home site has been fit for {}", group.policy.health.stable_for)
}

/// What a run asks, with the command that answers.
pub(super) fn ask(policy: &Policy, run: &Run, step: &StepId, question: &Question) -> Message {
    let group = &policy.group;
    let command = question.command(group, &run.id);
    Message {
        kind: "ask",
        run: Some(run.id.clone()),
        title: format!("{group}: {} asks ({step})", run.id),
        body: format!("{}\nIf nobody answers: {}\n{command}", question.why, question.otherwise),
    }
}

/// Something that only a human can start, with the command that does.
pub(super) fn ask_decision(group: &Group, ask: &Ask, now: Now) -> Message {
    let name = &group.policy.group;
    let title = format!("{name}: {}", words::ask(ask, name));
    let seen = evidence(group, now).join("\n");
    Message { kind: "ask", run: None, title, body: format!("{seen}\n{OTHERWISE}") }
}

/// Many groups of a Region are in trouble together: one question for all of them, with the command
/// for each.
pub(super) fn region_event(group: &Group, event: &RegionEvent, now: Now) -> Message {
    let title = words::region_event(event);
    let mut lines = evidence(group, now);
    lines.extend(event.groups.iter().map(|name| words::command(Action::Failover, name)));
    Message { kind: "ask", run: None, title, body: format!("{}\n{OTHERWISE}", lines.join("\n")) }
}

/// Users may not be served, and nothing is being done.
pub(super) fn alarm(group: &Group, why: &HoldWhy, now: Now) -> Message {
    let name = &group.policy.group;
    let title = format!("{name}: {}", words::hold(why, name));
    let seen = evidence(group, now).join("\n");
    Message { kind: "alert", run: None, title, body: format!("{seen}\n{OTHERWISE}") }
}

/// What was decided and cannot be done, with what keeps it.
pub(super) fn stuck(group: &Group, now: Now) -> Message {
    let title = format!("{}: {}", group.policy.group, decision(group));
    let seen = evidence(group, now).join("\n");
    Message { kind: "alert", run: None, title, body: format!("{seen}\n{OTHERWISE}") }
}

/// The active site is dead, and a run waits for it.
pub(super) fn stranded(group: &Group, now: Now) -> Message {
    let (name, site) = (&group.policy.group, group.active());
    let waits = group.ledger().open_run().map_or_else(String::new, |run| run.id.to_string());
    let title = format!("{name}: {site} neither serves nor answers, and {waits} waits for it");
    let command = words::command(Action::Failover, name);
    let seen = evidence(group, now).join("\n");
    let body = format!("{seen}\n{OTHERWISE}\nA failover takes its place: {command}");
    Message { kind: "alert", run: None, title, body }
}

/// An obligation cannot be met, since what it is about is not what it was.
pub(super) fn at_odds(group: &Group, step: &StepId, why: &str) -> Message {
    let name = &group.policy.group;
    let title = format!("{name}: the obligation {step} cannot be met: {why}");
    let (site, serves) = (group.active().other(), group.active());
    let body = format!(
        "{serves} serves. Somebody put something else in the place of what was at {site}; Bowline \
         does not touch it, and nobody saw it stopped. See that nothing writes there, and put it \
         out of the way (rename or delete it): until then {site} takes no traffic."
    );
    Message { kind: "alert", run: None, title, body }
}

/// What happens if nobody answers before a run.
const OTHERWISE: &str = "If nobody answers: nothing moves.";

/// What people are told of a record, if anything.
pub(super) fn announcement(ledger: &Ledger, record: &Record) -> Option<Message> {
    let run = ledger.run.as_ref()?;
    let message = |kind, title: String, body: String| {
        Some(Message { kind, run: Some(run.id.clone()), title, body })
    };
    match record {
        Record::Opened { evidence, .. } if matches!(run.phase, Phase::Unwinding { .. }) => {
            let title = format!("{}: what is still held is released", run.id);
            message("runStarted", title, evidence.join("\n"))
        }
        Record::Opened { kind, from, trigger, evidence, .. } => {
            let by = match trigger {
                Trigger::Automatic => "by policy".into(),
                Trigger::Human { by, reason } => format!("by {by}: {reason}"),
            };
            let title = format!("{}: {} from {from} begins, {by}", run.id, kind.word());
            message("runStarted", title, evidence.join("\n"))
        }
        Record::Closed { ended } => {
            let how = match ended {
                Ended::Moved => format!("the {} site serves", ledger.active),
                Ended::Unwound(why) => format!("undone: {why}"),
            };
            message("runEnded", format!("{}: {how}", run.id), String::new())
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
