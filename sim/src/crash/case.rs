//! The cases: a short story for every kind of run there is. Each has one end, whoever dies in it.

use bowline_core::model::{Site, Span};
use bowline_core::plan::PlanKind;
use bowline_core::policy::{Mode, Policy};
use bowline_core::run::{Ledger, Phase as RunPhase, Run};

use crate::campaign::Twist;
use crate::faults::Trouble;
use crate::story::home;

/// A case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Which effects are this case's: those of these phases. What leads up to them is another's.
    pub phases: &'static [Phase],
    /// Where the application is in the end.
    pub ends_at: Site,
    /// Whether its trouble is one to leave home for.
    pub leaves: bool,
    /// Changes to the policy.
    pub(super) policy: fn(&mut Policy),
    /// What goes wrong, counted from the start of the replicas.
    pub(super) troubles: fn(&Policy) -> Vec<Wrong>,
    /// What a human wants, one after the other.
    pub(super) wishes: &'static [Wish],
}

/// From when, until when (`None`: for ever), what.
pub(super) type Wrong = (Span, Option<Span>, Trouble);

/// A part of a group's life that effects belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// No run, or none that has begun.
    Peace,
    /// Preparing, while the confirm time runs.
    Prewarm,
    /// The unplanned move.
    Failover,
    /// The planned move away from home.
    Switchover,
    /// The planned move home.
    Failback,
    /// A run that goes back.
    Unwinding,
    /// Obligations of a run that is over: the old site is reached again.
    Obligations,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 7] = [
        Self::Peace,
        Self::Prewarm,
        Self::Failover,
        Self::Switchover,
        Self::Failback,
        Self::Unwinding,
        Self::Obligations,
    ];

    /// The phase that a group is in.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Self {
        let moving = |run: &Run| match run.kind {
            PlanKind::Failover => Self::Failover,
            PlanKind::Switchover => Self::Switchover,
            PlanKind::Failback => Self::Failback,
        };
        match &ledger.run {
            None => Self::Peace,
            Some(run) => match run.phase {
                RunPhase::Prewarm => Self::Prewarm,
                RunPhase::Moving => moving(run),
                RunPhase::Unwinding { .. } => Self::Unwinding,
                RunPhase::Closed(_) if run.busy() => Self::Obligations,
                RunPhase::Closed(_) => Self::Peace,
            },
        }
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Peace => "peace",
            Self::Prewarm => "prewarm",
            Self::Failover => "failover",
            Self::Switchover => "switchover",
            Self::Failback => "failback",
            Self::Unwinding => "unwinding",
            Self::Obligations => "obligations",
        }
    }
}

/// Something that a human wants once something is so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) once: Once,
    pub(super) want: Want,
}

/// When a human wants it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Once {
    /// The group is armed.
    Armed,
    /// The site serves, and nothing is under way.
    Serves(Site),
    /// A step was started.
    Started(&'static str),
    /// So long after the beginning: a trouble has begun by then.
    After(Span),
}

/// What a human wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Switchover,
    Failback,
    Cancel,
    Failover,
}

/// When trouble begins: the group is armed by then.
const TROUBLE: Span = Span::mins(4);

/// When trouble begins that befalls a group that was switched over.
const LATER: Span = Span::mins(40);

/// How long a lost Region is gone: a failover is over by then, whoever dies in it.
const GONE: Span = Span::mins(25);

/// How long it is gone where nobody dies in the failover.
const SHORT: Span = Span::mins(15);

/// Too short for the confirm time, and long enough for nodes to be started.
const FALSE_ALARM: Span = Span::secs(45);

/// Everything that leads up to a failover and to its end.
const AWAY: &[Phase] = &[Phase::Peace, Phase::Prewarm, Phase::Failover, Phase::Obligations];

/// Every case.
pub const CASES: [Case; 14] = [
    Case {
        name: "failover",
        about: "home's Region is lost; what is owed to it is done when it is back",
        phases: AWAY,
        ends_at: Site::Standby,
        leaves: true,
        policy: alone,
        troubles: region_lost,
        wishes: &[],
    },
    Case {
        name: "failover, home answers",
        about: "home's load balancers lose their targets: the old writer is fenced in the run",
        phases: &[Phase::Failover, Phase::Obligations],
        ends_at: Site::Standby,
        leaves: true,
        policy: alone,
        troubles: targets_lost,
        wishes: &[],
    },
    Case {
        name: "failback after failover",
        about: "home again after its Region was lost, by itself",
        phases: &[Phase::Failback],
        ends_at: Site::Home,
        leaves: true,
        policy: |policy| policy.automation.failback = Mode::Automatic,
        troubles: |policy| lost(policy, SHORT),
        wishes: &[],
    },
    Case {
        name: "switchover",
        about: "a human moves the application to standby",
        phases: &[Phase::Switchover],
        ends_at: Site::Standby,
        leaves: false,
        policy: alone,
        troubles: |_| Vec::new(),
        wishes: &[SWITCHOVER],
    },
    Case {
        name: "failback after switchover",
        about: "and home again",
        phases: &[Phase::Failback],
        ends_at: Site::Home,
        leaves: false,
        policy: alone,
        troubles: |_| Vec::new(),
        wishes: &[SWITCHOVER, FAILBACK],
    },
    Case {
        name: "unwound failover",
        about: "home serves again while a human is asked for the failover",
        phases: &[Phase::Failover, Phase::Unwinding],
        ends_at: Site::Home,
        leaves: false,
        policy: |policy| {
            alone(policy);
            policy.automation.failover = Mode::Approve;
            policy.automation.prewarm = Mode::Manual;
        },
        troubles: |policy| targets(policy, Span::mins(5)),
        wishes: &[],
    },
    Case {
        name: "unwound switchover",
        about: "a human cancels a switchover when home is closed already",
        phases: &[Phase::Unwinding],
        ends_at: Site::Home,
        leaves: false,
        policy: alone,
        troubles: |_| Vec::new(),
        wishes: &[SWITCHOVER, CANCEL],
    },
    Case {
        name: "unwound failback",
        about: "a human cancels the way home when standby is closed already",
        phases: &[Phase::Unwinding],
        ends_at: Site::Standby,
        leaves: false,
        policy: alone,
        troubles: |_| Vec::new(),
        wishes: &[SWITCHOVER, FAILBACK, CANCEL],
    },
    Case {
        name: "stand down",
        about: "a false alarm: nodes are started, and let go",
        phases: &[Phase::Prewarm, Phase::Unwinding],
        ends_at: Site::Home,
        leaves: false,
        policy: alone,
        troubles: |policy| targets(policy, FALSE_ALARM),
        wishes: &[],
    },
    Case {
        name: "failover by a gate",
        about: "home's Region is lost, and traffic is moved by a gate",
        phases: &[Phase::Failover],
        ends_at: Site::Standby,
        leaves: true,
        policy: by_a_gate,
        troubles: region_lost,
        wishes: &[],
    },
    Case {
        name: "switchover by a gate",
        about: "a human moves the application to standby, by a gate",
        phases: &[Phase::Switchover],
        ends_at: Site::Standby,
        leaves: false,
        policy: by_a_gate,
        troubles: |_| Vec::new(),
        wishes: &[SWITCHOVER],
    },
    Case {
        name: "failback by a gate",
        about: "and home again",
        phases: &[Phase::Failback],
        ends_at: Site::Home,
        leaves: false,
        policy: by_a_gate,
        troubles: |_| Vec::new(),
        wishes: &[SWITCHOVER, FAILBACK],
    },
    Case {
        name: "failover home",
        about: "standby's Region is lost while it is the active site; it becomes a standby again",
        phases: &[Phase::Failover, Phase::Obligations],
        ends_at: Site::Home,
        leaves: true,
        policy: alone,
        troubles: |policy| {
            let region = policy.standby.scope.region.clone();
            vec![(LATER, Some(LATER + GONE), Trouble::RegionDead(region))]
        },
        wishes: &[SWITCHOVER, FAILOVER],
    },
    Case {
        name: "unwound stateless failback",
        about: "without a database, a human cancels the way home when traffic is moving",
        phases: &[Phase::Unwinding],
        ends_at: Site::Standby,
        leaves: false,
        policy: |policy| {
            alone(policy);
            Twist::Stateless.apply(policy);
        },
        troubles: |_| Vec::new(),
        wishes: &[SWITCHOVER, FAILBACK, CANCEL_LATE],
    },
];

const SWITCHOVER: Wish = Wish { once: Once::Armed, want: Want::Switchover };
/// A move is cancelled when the door of the site that it leaves is being closed.
const CANCEL: Wish = Wish { once: Once::Started("close"), want: Want::Cancel };
/// … or, without a database, when traffic is moving.
const CANCEL_LATE: Wish = Wish { once: Once::Started("shift.Z0123456789"), want: Want::Cancel };
/// The active site is seen to be lost by then.
const FAILOVER: Wish = Wish { once: Once::After(Span::mins(45)), want: Want::Failover };
const FAILBACK: Wish = Wish { once: Once::Serves(Site::Standby), want: Want::Failback };

/// Nothing comes home by itself.
fn alone(policy: &mut Policy) {
    policy.automation.failback = Mode::Manual;
}

/// Nor by itself, and by a gate.
fn by_a_gate(policy: &mut Policy) {
    alone(policy);
    Twist::Gates.apply(policy);
}

fn region_lost(policy: &Policy) -> Vec<Wrong> {
    lost(policy, GONE)
}

fn lost(policy: &Policy, length: Span) -> Vec<Wrong> {
    vec![(TROUBLE, Some(TROUBLE + length), Trouble::RegionDead(home(policy)))]
}

fn targets_lost(policy: &Policy) -> Vec<Wrong> {
    targets(policy, GONE)
}

fn targets(policy: &Policy, length: Span) -> Vec<Wrong> {
    vec![(TROUBLE, Some(TROUBLE + length), Trouble::TargetsDown(home(policy)))]
}

impl Case {
    /// The case's policy: everything by itself, at any hour, with times as short as they may be.
    #[must_use]
    pub fn policy(&self, shop: &Policy) -> Policy {
        let mut policy = shop.clone();
        let automation = &mut policy.automation;
        automation.failover = Mode::Automatic;
        automation.prewarm = Mode::Automatic;
        automation.blocked_windows.clear();
        policy.health.stable_for = Span::mins(1);
        policy.verify.hold = Span::secs(15);
        policy.cool_down = Span::secs(30);
        (self.policy)(&mut policy);
        policy
    }
}
