//! The decision about one group. Rules only, in the order in which they count; the fleet's view
//! comes after ([`super::fleet`]).
//!
//! 1. Somebody else's claim, an open run, Bowline's own isolation: hold.
//! 2. *serving* yes: end a false alarm, come home if away, else hold. Unknown: prewarm if suspect,
//!    else hold. No: fail over.
//! 3. What would be started passes through gates (each a function below, worst first), and last
//!    through the policy's mode for the action.

use super::reason::{Ask, AskWhy, Decision, HoldWhy, Would};
use super::situation::{OpenRun, Situation};
use super::windows::blocked_until;
use crate::bugs::{self, Bug};
use crate::health::{Isolation, Sign, Veto};
use crate::model::{Answer3, Site, Span};
use crate::policy::{Action, Mode};

/// What is to be started now, and why.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Decision {
    if let Some(why) = not_ours_to_start(situation) {
        return Decision::Hold(why);
    }
    match situation.serving.verdict {
        Answer3::Yes => while_serving(situation),
        Answer3::Unknown => while_unknown(situation),
        Answer3::No => in_mode(situation.modes.failover, Action::Failover, failover(situation)),
    }
}

/// What comes before any verdict.
fn not_ours_to_start(situation: &Situation<'_>) -> Option<HoldWhy> {
    if situation.foreign_claim {
        return Some(HoldWhy::ForeignClaim);
    }
    if situation.run == OpenRun::Planned {
        return Some(HoldWhy::RunOpen);
    }
    match situation.isolation {
        Isolation::Isolated => Some(HoldWhy::Isolated),
        Isolation::JustBack => Some(HoldWhy::JustBack),
        Isolation::Connected | Isolation::Partitioned(_) => None,
    }
}

fn while_serving(situation: &Situation<'_>) -> Decision {
    match (situation.run, situation.active) {
        (OpenRun::Prewarm, _) if situation.paused => Decision::Hold(HoldWhy::Paused),
        (OpenRun::Prewarm, _) => Decision::StandDown,
        (_, Site::Home) => Decision::Hold(HoldWhy::Serving),
        (_, Site::Standby) => {
            in_mode(situation.modes.failback, Action::Failback, failback(situation))
        }
    }
}

fn while_unknown(situation: &Situation<'_>) -> Decision {
    let serving = &situation.serving;
    match (serving.suspect, serving.veto) {
        (Some(_), Some(veto)) => Decision::Hold(HoldWhy::Vetoed(veto)),
        _ if situation.run == OpenRun::Prewarm => Decision::Hold(HoldWhy::Prewarmed),
        (Some(_), None) => in_mode(situation.modes.prewarm, Action::Prewarm, prewarm(situation)),
        (None, _) => Decision::Hold(HoldWhy::ServingUnknown(serving.why)),
    }
}

/// Passes a decision through the policy's mode. What is held anyway says why it is; a mode only
/// adds.
fn in_mode(mode: Mode, action: Action, decision: Decision) -> Decision {
    let would = match &decision {
        Decision::Hold(_) => return decision,
        Decision::AskHuman(ask) => Would::Asked(*ask),
        Decision::Prewarm | Decision::FailOver | Decision::FailBack | Decision::StandDown => {
            Would::Started(action)
        }
    };
    match (mode, action) {
        (Mode::Automatic, _) => decision,
        (Mode::Observe, _) => Decision::Hold(HoldWhy::WouldHave(would)),
        (Mode::Approve | Mode::Manual, Action::Prewarm) => Decision::Hold(HoldWhy::Confirming),
        (Mode::Manual, _) => Decision::Hold(HoldWhy::Manual(action)),
        (Mode::Approve, _) => match would {
            Would::Asked(_) => decision,
            Would::Started(_) => ask(action, AskWhy::Approval),
        },
    }
}

fn ask(action: Action, why: AskWhy) -> Decision {
    Decision::AskHuman(Ask { action, why })
}

// === failover ===

/// Whether the active site is to be left, modes aside.
fn failover(situation: &Situation<'_>) -> Decision {
    if let Some(why) = failover_held(situation) {
        return Decision::Hold(why);
    }
    let gates = [
        passive_gate(situation),
        armed_gate(situation),
        outside_gate(situation),
        flapping_gate(situation),
        window_gate(situation),
        // The last: it is asked in a run, which the others must allow.
        evidence_gate(situation),
    ];
    match gates.into_iter().flatten().next() {
        Some(why) => ask(Action::Failover, why),
        None => Decision::FailOver,
    }
}

/// What no approval could help, or is no failover at all.
fn failover_held(situation: &Situation<'_>) -> Option<HoldWhy> {
    if situation.paused {
        Some(HoldWhy::Paused)
    } else if !situation.home_has_served {
        Some(HoldWhy::NeverServed)
    } else if situation.ready == Answer3::No {
        Some(HoldWhy::PassiveNotReady(situation.active.other()))
    } else if situation.serving.outside == Some(Sign::Up) {
        Some(HoldWhy::Vetoed(Veto::Outside))
    } else if situation.serving.outside_down() && !outside_lasts(situation) {
        Some(HoldWhy::Confirming)
    } else {
        None
    }
}

/// Whether the vantage outside has said down for the confirm time. In a partition it is the only
/// one that is not cut off, so it must last like all the others: what passes in less is no outage.
fn outside_lasts(situation: &Situation<'_>) -> bool {
    situation.serving.outside_lasts || bugs::on(Bug::NoConfirm)
}

/// The passive site must be known to be ready, and must not hold a writer that may still be
/// running.
fn passive_gate(situation: &Situation<'_>) -> Option<AskWhy> {
    let passive = situation.active.other();
    // A run that begins would bury the obligations of the one before: they come first.
    if situation.quarantine == Some(passive) || situation.obligations > 0 {
        return Some(AskWhy::Quarantine(passive));
    }
    (situation.ready != Answer3::Yes).then_some(AskWhy::PassiveUnknown(passive))
}

fn armed_gate(situation: &Situation<'_>) -> Option<AskWhy> {
    (!situation.armed && !bugs::on(Bug::Unarmed)).then_some(AskWhy::Unarmed)
}

/// Automatic failover needs a down from outside Bowline's network: a partition must not move it.
fn outside_gate(situation: &Situation<'_>) -> Option<AskWhy> {
    if situation.serving.outside_down() || bugs::on(Bug::OwnEyesSuffice) {
        return None;
    }
    match (situation.isolation, situation.serving.outside) {
        (Isolation::Partitioned(site), Some(_)) if site == situation.active => {
            Some(AskWhy::Partitioned(site))
        }
        (_, Some(_)) => Some(AskWhy::OutsideUnknown),
        (_, None) => Some(AskWhy::NoOutsideView),
    }
}

fn evidence_gate(situation: &Situation<'_>) -> Option<AskWhy> {
    let grade = situation.evidence;
    (!grade.suffices()).then_some(AskWhy::Evidence(grade))
}

/// S8. A wall clock that was set back keeps the window open: it asks once too often, never too
/// seldom.
fn flapping_gate(situation: &Situation<'_>) -> Option<AskWhy> {
    let until = situation.last_failover? + situation.block_after_failover;
    let blocked = situation.now < until && !bugs::on(Bug::NoBlockWindow);
    blocked.then_some(AskWhy::BlockWindow { until })
}

fn window_gate(situation: &Situation<'_>) -> Option<AskWhy> {
    let until = blocked_until(situation.blocked_windows, Action::Failover, situation.now)?;
    Some(AskWhy::BlockedWindow { until })
}

// === prewarm ===

/// Whether nodes are to be started at standby while the confirm time runs. It takes what failover
/// takes of the site it goes to; the rest is for the verdict to show.
fn prewarm(situation: &Situation<'_>) -> Decision {
    let blocked = || blocked_until(situation.blocked_windows, Action::Prewarm, situation.now);
    let passive = situation.active.other();
    let why = if situation.paused {
        HoldWhy::Paused
    } else if passive == Site::Home {
        HoldWhy::Confirming
    } else if !situation.home_has_served {
        HoldWhy::NeverServed
    } else if situation.ready == Answer3::No {
        HoldWhy::PassiveNotReady(passive)
    } else if situation.ready == Answer3::Unknown {
        HoldWhy::PassiveUnknown(passive)
    } else if !situation.armed {
        HoldWhy::Unarmed
    } else if let Some(until) = blocked() {
        HoldWhy::Blocked { action: Action::Prewarm, until }
    } else {
        return Decision::Prewarm;
    };
    Decision::Hold(why)
}

// === failback ===

/// Whether to come home, modes aside. Nothing presses, so what is not as it should be is waited
/// for.
fn failback(situation: &Situation<'_>) -> Decision {
    let blocked = || blocked_until(situation.blocked_windows, Action::Failback, situation.now);
    let left = situation.stable_for.as_millis().saturating_sub(situation.ready_for.as_millis());
    let why = if situation.paused {
        HoldWhy::Paused
    } else if situation.switched_over {
        HoldWhy::SwitchedOver
    } else if let Some(site) = situation.quarantine {
        HoldWhy::FenceUnconfirmed(site)
    } else if situation.obligations > 0 {
        HoldWhy::Obligations(situation.obligations)
    } else if situation.ready == Answer3::No {
        HoldWhy::PassiveNotReady(Site::Home)
    } else if situation.ready == Answer3::Unknown {
        HoldWhy::PassiveUnknown(Site::Home)
    } else if left > 0 {
        HoldWhy::NotStableYet { left: Span::millis(left) }
    } else if let Some(until) = blocked() {
        HoldWhy::Blocked { action: Action::Failback, until }
    } else if situation.failback_undone {
        // S8: what was an outage for users once is not tried again and again.
        return ask(Action::Failback, AskWhy::Undone);
    } else {
        return Decision::FailBack;
    };
    Decision::Hold(why)
}
