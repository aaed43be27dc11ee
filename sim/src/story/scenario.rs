//! The scenarios: what goes wrong, and what people do.

use bowline_core::model::{Region, RunId, Site, Span};
use bowline_core::policy::{Mode, Policy};
use bowline_core::run::Intent;

use crate::aws::rds::Engine;
use crate::faults::{Evidence, Reach, Trouble};

/// A scenario. Times are counted from the start of the replicas; a group is armed after three
/// minutes.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Whether traffic moves at all; a false alarm ends with nothing moved.
    pub moves: bool,
    /// How many groups there are; they share clusters, a NodePool and a zone.
    pub groups: usize,
    /// Changes to the policy.
    pub policy: fn(&mut Policy),
    /// What happens.
    pub script: fn(&Policy) -> Script,
}

/// What happens in a scenario.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// Troubles: from, until, what.
    pub troubles: Vec<(Span, Option<Span>, Trouble)>,
    /// What people want: when, what.
    pub intents: Vec<(Span, Intent)>,
    /// What happens once a run has come to a step.
    pub cue: Option<Cue>,
    /// A process that acts while the controller is dead.
    pub break_glass: Option<BreakGlass>,
    /// The databases' engine, where it matters.
    pub engine: Option<Engine>,
    /// When the story ends, at rest or not; without one, in half a day.
    pub until: Option<Span>,
}

/// Something that happens once, when a record of a step is first stored.
#[derive(Clone, Copy, Debug)]
pub struct Cue {
    /// How the step's name begins.
    pub step: &'static str,
    /// How long after.
    pub after: Span,
    /// What.
    pub then: Then,
}

/// What happens on a cue.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// The leader, by its seat, is in trouble for so long.
    Leader(fn(usize) -> Trouble, Span),
    /// The world is, for so long.
    World(fn(&Policy) -> Trouble, Span),
    /// Somebody wants something about the run.
    Intent(fn(&RunId) -> Intent),
}

/// Break-glass: every replica is gone for a while, and a human moves the application with a process
/// and a directory of its own.
#[derive(Clone, Copy, Debug)]
pub struct BreakGlass {
    /// When the directory was last made from the store.
    pub export: Span,
    /// Whether the journal was exported too; facts always are.
    pub journal: bool,
    /// From when until when the replicas are gone.
    pub gone: (Span, Span),
    /// From when until when the process runs; it is told to fail over a minute after it began.
    pub runs: (Span, Span),
    /// When its journal is imported.
    pub import: Span,
}

/// When trouble begins.
const TROUBLE: Span = Span::mins(6);

/// How long a Region is gone.
const GONE: Span = Span::mins(45);

/// Every scenario, the demo's first.
pub const SCENARIOS: [Scenario; 13] = [
    Scenario {
        name: "region-lost",
        about: "everything in home's Region stops at once, and comes back 45 minutes later",
        moves: true,
        groups: 1,
        policy: automatic,
        script: |policy| trouble(Trouble::RegionDead(home(policy)), GONE),
    },
    Scenario {
        name: "leader-lost",
        about: "the Region is lost, and the leader dies right after it asked for the promotion",
        moves: true,
        groups: 1,
        policy: automatic,
        script: |policy| Script {
            // Its call is on its way.
            cue: Some(Cue {
                step: "promote",
                after: Span::millis(100),
                then: Then::Leader(Trouble::Crashed, Span::mins(1)),
            }),
            ..trouble(Trouble::RegionDead(home(policy)), GONE)
        },
    },
    Scenario {
        name: "targets-lost",
        about: "home's load balancers lose their targets; its APIs and its database work",
        moves: true,
        groups: 1,
        policy: automatic,
        script: |policy| trouble(Trouble::TargetsDown(home(policy)), GONE),
    },
    Scenario {
        name: "database-lost",
        about: "home's database stops; everything else there works",
        moves: true,
        groups: 1,
        policy: automatic,
        script: |policy| trouble(Trouble::DatabaseDown(home(policy)), GONE),
    },
    Scenario {
        name: "approve",
        about: "the Region is lost; policy wants a yes, and the human takes eight minutes",
        moves: true,
        groups: 1,
        policy: |policy| {
            automatic(policy);
            policy.automation.failover = Mode::Approve;
        },
        script: |policy| {
            let mut script = trouble(Trouble::RegionDead(home(policy)), GONE);
            let run = RunId::new(format!("{}-1-failover", policy.group));
            let yes = Intent::Approve {
                run,
                accept_loss: None,
                accept_unfenced: false,
                keep_trying: false,
            };
            script.intents.push((TROUBLE + Span::mins(8), yes));
            script
        },
    },
    Scenario {
        name: "switchover",
        about: "a human moves the application to standby, and home again two hours later",
        moves: true,
        groups: 1,
        policy: automatic,
        script: |_| Script {
            intents: vec![
                (TROUBLE, Intent::Switchover { reason: "maintenance at home".into() }),
                (Span::mins(150), Intent::Failback { reason: "maintenance is over".into() }),
            ],
            ..Script::default()
        },
    },
    Scenario {
        name: "break-glass",
        about: "the Region is lost while the controller is dead; a human moves the application",
        moves: true,
        groups: 1,
        policy: automatic,
        script: |policy| break_glass(policy, true),
    },
    Scenario {
        name: "two-groups",
        about: "the Region is lost under two groups that share clusters, a NodePool and a zone",
        moves: true,
        groups: 2,
        policy: automatic,
        script: |policy| trouble(Trouble::RegionDead(home(policy)), GONE),
    },
    Scenario {
        name: "apis-lost",
        about: "false alarm: home's APIs do not answer, but its users are served",
        moves: false,
        groups: 1,
        policy: automatic,
        script: |policy| trouble(Trouble::ApisDown(home(policy)), GONE),
    },
    Scenario {
        name: "partition",
        about: "false alarm: the network between Bowline and home's Region is cut",
        moves: false,
        groups: 1,
        policy: automatic,
        script: |policy| {
            let from = Reach::Region(home(policy));
            trouble(Trouble::Cut { seat: None, from }, GONE)
        },
    },
    Scenario {
        name: "one-kind-red",
        about: "false alarm: one kind of evidence says down for 45 minutes, and it is wrong",
        moves: false,
        groups: 1,
        policy: automatic,
        script: |policy| trouble(Trouble::FalseAlarm(Evidence::AlbTargets(home(policy))), GONE),
    },
    Scenario {
        name: "all-unknown",
        about: "false alarm: no look at anyone's health gets an answer",
        moves: false,
        groups: 1,
        policy: automatic,
        script: |_| trouble(Trouble::Blind, GONE),
    },
    Scenario {
        name: "cut-off",
        about: "false alarm: Bowline is cut off from everything but its store",
        moves: false,
        groups: 1,
        policy: automatic,
        script: |_| trouble(Trouble::Cut { seat: None, from: Reach::AllBeyond }, GONE),
    },
];

/// A scenario, by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

/// Everything by itself, at any hour.
pub(crate) fn automatic(policy: &mut Policy) {
    policy.automation.failover = Mode::Automatic;
    policy.automation.failback = Mode::Automatic;
    policy.automation.prewarm = Mode::Automatic;
    policy.automation.blocked_windows.clear();
}

/// Home's Region.
pub(crate) fn home(policy: &Policy) -> Region {
    policy.site(Site::Home).scope.region.clone()
}

fn trouble(trouble: Trouble, length: Span) -> Script {
    Script { troubles: vec![(TROUBLE, Some(TROUBLE + length), trouble)], ..Script::default() }
}

/// The Region is lost a moment after the controller was, and both come back before the journal of
/// the process that moved the application is imported.
pub(super) fn break_glass(policy: &Policy, journal: bool) -> Script {
    let glass = BreakGlass {
        export: Span::mins(5),
        journal,
        gone: (Span::secs(330), Span::mins(60)),
        runs: (Span::mins(15), Span::mins(45)),
        import: Span::mins(65),
    };
    Script { break_glass: Some(glass), ..trouble(Trouble::RegionDead(home(policy)), GONE) }
}

/// Gives a sibling group names of its own in the same zone.
pub(super) fn rename_hosts(policy: &mut Policy, n: usize) {
    use bowline_core::policy::{Lever, Probe};
    let rename = |host: &mut bowline_core::model::Host| {
        *host = format!("g{n}-{host}").as_str().into();
    };
    match &mut policy.lever {
        Lever::Records(lever) => lever.names.iter_mut().for_each(|name| rename(&mut name.name)),
        Lever::Gates(lever) => lever.names.iter_mut().for_each(|name| rename(&mut name.name)),
    }
    rename(&mut policy.verify.host);
    for signal in &mut policy.health.signals {
        if let Probe::Http(check) | Probe::WriteProbe(check) = &mut signal.probe {
            rename(&mut check.host);
        }
        if let Probe::Route53Check { home, standby } = &mut signal.probe {
            *home = format!("{home}-{n}").as_str().into();
            *standby = format!("{standby}-{n}").as_str().into();
        }
    }
}
