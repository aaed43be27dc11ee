//! Sentences for decisions, verdicts and their reasons: the one place where they become words.
//! Nothing is decided here, and nothing else may write such a sentence.

use super::fleet::RegionEvent;
use super::reason::{Ask, AskWhy, Decision, HoldWhy, Would};
use super::situation::EvidenceGrade;
use crate::health::{ReadyReason, ServingWhy, Veto};
use crate::model::{Answer3, GroupName};
use crate::policy::Action;

/// The command that starts an action by hand.
#[must_use]
pub fn command(action: Action, group: &GroupName) -> String {
    match action {
        Action::Failover => format!("bowline failover {group}"),
        Action::Failback => format!("bowline failback {group}"),
        Action::Prewarm => format!("bowline status {group}"),
    }
}

/// A decision about a group.
#[must_use]
pub fn decision(decision: &Decision, group: &GroupName) -> String {
    match decision {
        Decision::Hold(why) => hold(why, group),
        Decision::Prewarm => "home is suspect: starting nodes at standby".into(),
        Decision::StandDown => "a false alarm: releasing what was started at standby".into(),
        Decision::FailOver => "the active site does not serve: failing over".into(),
        Decision::FailBack => "home is fit again: failing back".into(),
        Decision::AskHuman(question) => ask(question, group),
    }
}

/// What a human is asked, with the command that says yes.
#[must_use]
pub fn ask(ask: &Ask, group: &GroupName) -> String {
    format!(
        "{}: {}; to go on: {}",
        action(ask.action),
        ask_why(ask.why),
        command(ask.action, group)
    )
}

/// What a human is asked of a Region event, once for all groups in it.
#[must_use]
pub fn region_event(event: &RegionEvent) -> String {
    let names: Vec<_> = event.groups.iter().map(GroupName::as_str).collect();
    let (count, region) = (names.len(), &event.region);
    format!(
        "{count} groups in {region} are in trouble together: {}; shall they leave it?",
        names.join(", ")
    )
}

/// Why nothing is started.
#[must_use]
pub fn hold(why: &HoldWhy, group: &GroupName) -> String {
    match why {
        HoldWhy::ServingUnknown(why) => format!("nothing starts on unknown: {}", serving(*why)),
        HoldWhy::Vetoed(veto) => format!("signals say down, but {}", veto_words(*veto)),
        HoldWhy::Paused => {
            format!("automatic action is paused; to end that: bowline resume {group}")
        }
        HoldWhy::Manual(what) => {
            format!("{} is manual here; to start it: {}", action(*what), command(*what, group))
        }
        HoldWhy::WouldHave(would) => would_have(would),
        HoldWhy::PassiveNotReady(site) => {
            format!("{site} is not ready, and no other site could serve: everything stays as it is")
        }
        HoldWhy::PassiveUnknown(site) => format!("it is not known whether {site} is ready"),
        HoldWhy::FenceUnconfirmed(site) => {
            format!("the old writer at {site} is not confirmed stopped; that is being retried")
        }
        HoldWhy::Obligations(open) => {
            format!("{open} obligation(s) of the last run are not carried out yet")
        }
        HoldWhy::NotStableYet { left } => {
            format!("home must stay ready for {left} more before anything moves back")
        }
        HoldWhy::SwitchedOver => {
            let command = command(Action::Failback, group);
            format!("standby serves because somebody switched over; to come home: {command}")
        }
        HoldWhy::Blocked { action: what, until } => {
            format!("{} is held by a blocked window until {until}", action(*what))
        }
        HoldWhy::RegionEvent(region) => {
            format!(
                "many groups in {region} are in trouble together: one question is asked for all"
            )
        }
        HoldWhy::Serving
        | HoldWhy::Confirming
        | HoldWhy::Prewarmed
        | HoldWhy::Isolated
        | HoldWhy::JustBack
        | HoldWhy::ForeignClaim
        | HoldWhy::RunOpen
        | HoldWhy::NeverServed
        | HoldWhy::Unarmed
        | HoldWhy::OverBudget => plain_hold(why).into(),
    }
}

/// The reasons that need no more than their name. (The others never come here.)
fn plain_hold(why: &HoldWhy) -> &'static str {
    match why {
        HoldWhy::Serving => "the active site serves",
        HoldWhy::Confirming => "the active site is suspect; the confirm time runs",
        HoldWhy::Prewarmed => "standby is being warmed; the verdict is not in",
        HoldWhy::Isolated => "Bowline itself is cut off: nothing it sees can be trusted",
        HoldWhy::JustBack => {
            "Bowline was cut off until a short while ago: what it sees is being gathered anew"
        }
        HoldWhy::ForeignClaim => {
            "somebody else's claim stands: import their journal first (bowline journal import), \
             then Bowline goes on from there"
        }
        HoldWhy::RunOpen => "a run is under way",
        HoldWhy::NeverServed => {
            "home has never been seen to serve: its signals may be red because nothing runs yet"
        }
        HoldWhy::Unarmed => "the group is not armed (bowline arm)",
        HoldWhy::OverBudget => {
            "as many automatic failovers are under way as are allowed; this one waits"
        }
        _ => "",
    }
}

fn would_have(would: &Would) -> String {
    match would {
        Would::Started(what) => {
            format!("observing only: {} would have been started now", action(*what))
        }
        Would::Asked(ask) => format!(
            "observing only: a human would have been asked about {}: {}",
            action(ask.action),
            ask_why(ask.why)
        ),
    }
}

fn ask_why(why: AskWhy) -> String {
    match why {
        AskWhy::Approval => "the policy wants a human's approval".into(),
        AskWhy::NoOutsideView => {
            "the policy has no signal from outside Bowline's network (route53Check)".into()
        }
        AskWhy::OutsideUnknown => {
            "Route 53's checkers, outside Bowline's network, do not say down".into()
        }
        AskWhy::Partitioned(site) => {
            format!("Bowline may be cut off from {site} alone, and users may still be served there")
        }
        AskWhy::PassiveUnknown(site) => format!("it is not known whether {site} is ready"),
        AskWhy::Unarmed => "the group is not armed (bowline arm)".into(),
        AskWhy::Quarantine(site) => {
            format!("{site} is in quarantine: its old writer is not confirmed stopped")
        }
        AskWhy::Evidence(grade) => evidence(grade).into(),
        AskWhy::BlockWindow { until } => {
            format!("it failed over by itself a short while ago, and does not again until {until}")
        }
        AskWhy::BlockedWindow { until } => format!("a blocked window is open until {until}"),
        AskWhy::Undone => "the last one was undone; look why before the next".into(),
    }
}

/// How good the evidence of replication is.
#[must_use]
pub fn evidence(grade: EvidenceGrade) -> &'static str {
    match grade {
        EvidenceGrade::NoDatabase => "there is no database",
        EvidenceGrade::Good => "replication was fresh and within the limit at the fault",
        EvidenceGrade::Stale => "the last replication sample before the fault is too old",
        EvidenceGrade::Missing => "there is no replication sample from before the fault",
        EvidenceGrade::NotStreaming => "the replica was not streaming at the fault",
        EvidenceGrade::LagTooHigh => "the replica was further behind at the fault than allowed",
    }
}

/// Why *serving* is what it is.
#[must_use]
pub fn serving(why: ServingWhy) -> String {
    match why {
        ServingWhy::Serves => "users are served".into(),
        ServingWhy::QuorumDown => "a quorum said down for the whole confirm time".into(),
        ServingWhy::Confirming => "a quorum says down; the confirm time runs".into(),
        ServingWhy::Vetoed(veto) => format!("a quorum says down, but {}", veto_words(veto)),
        ServingWhy::TooFewDown => "some signals say down, but too few to count".into(),
        ServingWhy::NoEvidence => "no signal tells whether users are served".into(),
    }
}

fn veto_words(veto: Veto) -> &'static str {
    match veto {
        Veto::Outside => "Route 53's checkers reach the site",
        Veto::Progress => "requests are still being served",
    }
}

/// What keeps a site from being ready.
#[must_use]
pub fn ready(reason: ReadyReason, how: Answer3) -> String {
    let (what, bad) = match reason {
        ReadyReason::ClusterApi => ("its cluster's API server", "does not answer"),
        ReadyReason::Replica => ("its database member", "neither streams nor can be rebuilt"),
        ReadyReason::Floor => ("its capacity floor", "is not there"),
        ReadyReason::Listed => ("what the policy lists", "is not all there"),
        ReadyReason::OwnClaim => ("a claim found there", "is somebody else's"),
    };
    match how {
        Answer3::Unknown => format!("{what}: not known"),
        Answer3::No => format!("{what} {bad}"),
        Answer3::Yes => format!("{what} is as it should be"),
    }
}

/// The action's name.
#[must_use]
pub fn action(action: Action) -> &'static str {
    match action {
        Action::Failover => "failover",
        Action::Failback => "failback",
        Action::Prewarm => "prewarm",
    }
}
