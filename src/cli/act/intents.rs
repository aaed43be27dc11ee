//! The acting commands' arguments, and the intent that each writes.

use bowline_core::model::{GroupName, RunId, Span};
use bowline_core::run::{Intent, Ledger};
use clap::{Args, Subcommand};

use super::ActArgs;

/// `bowline failover`.
#[derive(Args, Clone, Debug)]
pub struct FailoverArgs {
    /// The group that is to move.
    pub group: String,
    /// Why, for the report.
    #[arg(long, default_value = "by hand")]
    pub reason: String,
    /// How much of the last writes may be lost, such as `30s`; needed where the evidence of
    /// replication does not suffice.
    #[arg(long, value_name = "DURATION")]
    pub accept_loss: Option<Span>,
    /// Break glass: act although a controller may have acted for the group, since it is known to
    /// be dead.
    #[arg(long, value_name = "REASON")]
    pub controller_is_dead: Option<String>,
    /// The rest.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `bowline switchover` and `bowline failback`.
#[derive(Args, Clone, Debug)]
pub struct MoveArgs {
    /// The group that is to move.
    pub group: String,
    /// Why, for the report.
    #[arg(long, default_value = "by hand")]
    pub reason: String,
    /// The rest.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `bowline approve`.
#[derive(Args, Clone, Debug)]
pub struct ApproveArgs {
    /// The group, or its run.
    #[arg(value_name = "GROUP|RUN")]
    pub target: String,
    /// The run; absent: the group's open one.
    #[arg(long)]
    pub run: Option<String>,
    /// How much of the last writes may be lost, where that is asked.
    #[arg(long, value_name = "DURATION")]
    pub accept_loss: Option<Span>,
    /// The rest.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `bowline cancel`.
#[derive(Args, Clone, Debug)]
pub struct CancelArgs {
    /// The group, or its run.
    #[arg(value_name = "GROUP|RUN")]
    pub target: String,
    /// The run; absent: the group's open one.
    #[arg(long)]
    pub run: Option<String>,
    /// The rest.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `bowline pause`.
#[derive(Args, Clone, Debug)]
pub struct PauseArgs {
    /// The group.
    pub group: String,
    /// Why, for those who wonder later.
    #[arg(long)]
    pub reason: String,
    /// The rest.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `bowline resume`.
#[derive(Args, Clone, Debug)]
pub struct ResumeArgs {
    /// The group.
    pub group: String,
    /// The rest.
    #[command(flatten)]
    pub act: ActArgs,
}

/// `bowline arm`.
#[derive(Args, Clone, Debug)]
pub struct ArmArgs {
    /// The group.
    pub group: String,
    /// Do it; else only what is missing is told.
    #[arg(long)]
    pub yes: bool,
    /// The rest.
    #[command(flatten)]
    pub act: ActArgs,
}

/// What a command wants.
#[derive(Clone, Debug, Subcommand)]
pub enum Wish {
    /// Move away from the active site, which failed.
    Failover(FailoverArgs),
    /// Move to the standby without losing anything.
    Switchover(MoveArgs),
    /// Come home without losing anything.
    Failback(MoveArgs),
    /// Say yes to what a run asks.
    Approve(ApproveArgs),
    /// Undo a run that has not passed its point of no return.
    Cancel(CancelArgs),
    /// Hold all automatic action of a group; what runs goes on.
    Pause(PauseArgs),
    /// Let automatic action go on.
    Resume(ResumeArgs),
    /// Record a group's peacetime settings and arm it for failover; tells only, without `--yes`.
    Arm(ArmArgs),
}

/// What a wish is about, found before anything is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The group.
    pub(super) group: GroupName,
    /// The run, where one was named.
    pub(super) run: Option<RunId>,
}

impl Wish {
    /// What every acting command takes.
    #[must_use]
    pub fn args(&self) -> &ActArgs {
        match self {
            Self::Failover(args) => &args.act,
            Self::Switchover(args) | Self::Failback(args) => &args.act,
            Self::Approve(args) => &args.act,
            Self::Cancel(args) => &args.act,
            Self::Pause(args) => &args.act,
            Self::Resume(args) => &args.act,
            Self::Arm(args) => &args.act,
        }
    }

    /// The command's name.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Failover(_) => "failover",
            Self::Switchover(_) => "switchover",
            Self::Failback(_) => "failback",
            Self::Approve(_) => "approve",
            Self::Cancel(_) => "cancel",
            Self::Pause(_) => "pause",
            Self::Resume(_) => "resume",
            Self::Arm(_) => "arm",
        }
    }

    /// What was named on the command line; a run's name begins with its group's.
    pub(super) fn target(&self, groups: &[GroupName]) -> Target {
        let (named, run) = match self {
            Self::Failover(args) => (&args.group, None),
            Self::Switchover(args) | Self::Failback(args) => (&args.group, None),
            Self::Approve(args) => (&args.target, args.run.as_deref()),
            Self::Cancel(args) => (&args.target, args.run.as_deref()),
            Self::Pause(args) => (&args.group, None),
            Self::Resume(args) => (&args.group, None),
            Self::Arm(args) => (&args.group, None),
        };
        let group = GroupName::new(named.as_str());
        let may_be_run = matches!(self, Self::Approve(_) | Self::Cancel(_)) && run.is_none();
        if may_be_run
            && !groups.contains(&group)
            && let Some(of) = groups.iter().find(|group| is_run_of(named, group))
        {
            return Target { group: of.clone(), run: Some(RunId::new(named.as_str())) };
        }
        Target { group, run: run.map(RunId::new) }
    }

    /// The intent; `None` when no run is open that it could be about.
    pub(super) fn intent(&self, target: &Target, ledger: &Ledger) -> Option<Intent> {
        let run = || {
            let open = ledger.open_run().map(|run| run.id.clone());
            target.run.clone().or(open)
        };
        Some(match self {
            Self::Failover(args) => {
                let (reason, break_glass) = (args.reason.clone(), args.controller_is_dead.clone());
                Intent::Failover { accept_loss: args.accept_loss, reason, break_glass }
            }
            Self::Switchover(args) => Intent::Switchover { reason: args.reason.clone() },
            Self::Failback(args) => Intent::Failback { reason: args.reason.clone() },
            Self::Approve(args) => Intent::Approve { run: run()?, accept_loss: args.accept_loss },
            Self::Cancel(_) => Intent::Cancel { run: run()? },
            Self::Pause(args) => Intent::Pause { reason: args.reason.clone() },
            Self::Resume(_) => Intent::Resume,
            Self::Arm(_) => Intent::Arm,
        })
    }
}

/// Whether a text is the name of a run of this group: `GROUP-EPOCH-KIND`.
fn is_run_of(text: &str, group: &GroupName) -> bool {
    let rest = text.strip_prefix(group.as_str()).and_then(|rest| rest.strip_prefix('-'));
    let epoch = rest.and_then(|rest| rest.split_once('-')).map(|(epoch, _)| epoch);
    epoch.is_some_and(|epoch| epoch.parse::<u64>().is_ok())
}
