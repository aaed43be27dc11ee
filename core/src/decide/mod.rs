//! Provisional: replaced by the decide branch.
#![allow(missing_docs)]
use crate::health::{Isolation, Ready, Serving};
use crate::model::{Answer3, Site, Span};
use crate::policy::Mode;
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Hold(Why),
    Prewarm,
    FailOver,
    FailBack,
    StandDown(Why),
    AskHuman(Why),
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Fine,
    Unarmed,
    Paused,
    RunOpen,
    Isolated,
    Unknown,
    NotReady,
    Confirming,
    NoOutside,
    Manual,
    Blocked,
    Obligations,
    Home,
    Incomplete,
    Foreign,
    ServesAgain,
}
impl Decision {
    pub fn incomplete(_: &crate::plan::Incomplete) -> Self {
        Self::Hold(Why::Incomplete)
    }
}
pub struct Situation {
    pub active: Site,
    pub armed: bool,
    pub paused: bool,
    pub run_open: bool,
    pub prewarm: bool,
    pub uncommitted_failover: bool,
    pub obligations: bool,
    pub foreign: bool,
    pub isolation: Isolation,
    pub serving: Serving,
    pub serves_for: Span,
    pub confirm: Span,
    pub ready: Ready,
    pub ready_for: Span,
    pub stable_for: Span,
    pub failover: Mode,
    pub failback: Mode,
    pub blocked: bool,
}
pub fn decide(s: &Situation) -> Decision {
    use Decision::*;
    if s.paused {
        return Hold(Why::Paused);
    }
    if s.foreign {
        return Hold(Why::Foreign);
    }
    if (s.prewarm || s.uncommitted_failover)
        && s.serving.verdict == Answer3::Yes
        && s.serves_for >= s.confirm
    {
        return StandDown(Why::ServesAgain);
    }
    if s.run_open && !s.prewarm {
        return Hold(Why::RunOpen);
    }
    if s.isolation.holds() || matches!(s.isolation, Isolation::Partitioned(_)) {
        return Hold(Why::Isolated);
    }
    if s.active == Site::Standby {
        if s.obligations {
            return Hold(Why::Obligations);
        }
        if s.failback == Mode::Manual {
            return Hold(Why::Manual);
        }
        if s.serving.verdict == Answer3::Yes
            && s.ready.verdict == Answer3::Yes
            && s.ready_for >= s.stable_for
        {
            return FailBack;
        }
        return Hold(Why::Home);
    }
    if !s.armed {
        return Hold(Why::Unarmed);
    }
    if s.serving.suspect.is_none() {
        return Hold(if s.serving.verdict == Answer3::Yes { Why::Fine } else { Why::Unknown });
    }
    if s.serving.verdict != Answer3::No {
        return if s.prewarm || s.serving.veto.is_some() { Hold(Why::Confirming) } else { Prewarm };
    }
    if s.ready.verdict == Answer3::No {
        return Hold(Why::NotReady);
    }
    if s.ready.verdict == Answer3::Unknown {
        return AskHuman(Why::NotReady);
    }
    if s.blocked {
        return AskHuman(Why::Blocked);
    }
    if s.failover == Mode::Manual {
        return AskHuman(Why::Manual);
    }
    if !s.serving.outside_down() {
        return AskHuman(Why::NoOutside);
    }
    FailOver
}
