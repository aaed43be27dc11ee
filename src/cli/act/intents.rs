//! The acting commands' arguments, and the intent that each writes.

use std::sync::Arc;

use anyhow::{Result, bail};
use bowline_core::model::{GroupName, RunId, Span};
use bowline_core::run::{Intent, Ledger, Stands};
use clap::{Args, Subcommand, ValueEnum};

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
    /// That the old writer may still be running, where that is asked.
    #[arg(long)]
    pub accept_unfenced: bool,
    /// That it is meant for a step that is overdue, and for nothing else.
    #[arg(long, conflicts_with_all = ["accept_loss", "accept_unfenced"])]
    pub keep_trying: bool,
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

/// `bowline journal import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The group.
    pub group: String,
    /// The directory that somebody acted over.
    #[arg(long, value_name = "dir:PATH")]
    pub from: String,
    /// Which journal is true, where the two tell of moves that cannot both be: said by somebody
    /// who looked which database instance is the newest writer, and where DNS leads.
    #[arg(long, value_enum, value_name = "ours|theirs")]
    pub stands: Option<Truth>,
    /// Why, for the report.
    #[arg(long, default_value = "break-glass is over")]
    pub reason: String,
    /// The rest.
    #[command(flatten)]
    pub act: ActArgs,
}

/// A journal that is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Truth {
    /// The store's.
    Ours,
    /// The one that is imported.
    Theirs,
}

impl From<Truth> for Stands {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Ours => Self::Ours,
            Truth::Theirs => Self::Theirs,
        }
    }
}

/// A journal that is to be imported.
#[derive(Clone, Debug, Default)]
pub(super) struct Foreign {
    /// The exact bytes of the entries that are not here.
    pub(super) entries: Vec<Arc<str>>,
    /// Those of the peacetime facts beside it.
    pub(super) facts: Option<Arc<str>>,
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
    /// `bowline journal import`: a foreign journal taken over.
    #[command(skip)]
    Import(ImportArgs),
}

/// What a wish is about, found before anything is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The group.
    pub(super) group: GroupName,
    /// The run, where one was named.
    pub(super) run: Option<RunId>,
}

impl Target {
    /// Checks that there is such a group.
    ///
    /// # Errors
    /// There is none; with those that there are.
    pub(super) fn exists(&self, groups: &[GroupName]) -> Result<()> {
        if groups.contains(&self.group) {
            return Ok(());
        }
        let names: Vec<_> = groups.iter().map(GroupName::as_str).collect();
        let there = if names.is_empty() { "none".into() } else { names.join(", ") };
        bail!("there is no group {}; there is {there}", self.group)
    }
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
            Self::Import(args) => &args.act,
        }
    }

    /// Whether it is the look before a wish, which wants nothing yet.
    pub(in crate::cli) fn only_looks(&self) -> bool {
        matches!(self, Self::Arm(args) if !args.yes)
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
            Self::Import(_) => "import",
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
            Self::Import(args) => (&args.group, None),
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

    /// The intent; `None` when no run is open that it could be about. `foreign` is the journal that
    /// is to be imported.
    pub(super) fn intent(
        &self,
        target: &Target,
        ledger: &Ledger,
        foreign: &Foreign,
    ) -> Option<Intent> {
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
            Self::Approve(args) => {
                let ApproveArgs { accept_loss, accept_unfenced, keep_trying, .. } = *args;
                Intent::Approve { run: run()?, accept_loss, accept_unfenced, keep_trying }
            }
            Self::Cancel(_) => Intent::Cancel { run: run()? },
            Self::Pause(args) => Intent::Pause { reason: args.reason.clone() },
            Self::Resume(_) => Intent::Resume,
            Self::Arm(_) => Intent::Arm,
            Self::Import(args) => {
                let Foreign { entries, facts } = foreign.clone();
                let (stands, reason) = (args.stands.map(Stands::from), args.reason.clone());
                Intent::Import { entries, facts, stands, reason }
            }
        })
    }
}

/// Whether a text is the name of a run of this group: `GROUP-EPOCH-KIND`.
fn is_run_of(text: &str, group: &GroupName) -> bool {
    let rest = text.strip_prefix(group.as_str()).and_then(|rest| rest.strip_prefix('-'));
    let epoch = rest.and_then(|rest| rest.split_once('-')).map(|(epoch, _)| epoch);
    epoch.is_some_and(|epoch| epoch.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::journal::JournalCommand;
    use crate::cli::{Cli, Command};

    fn wish(words: &str) -> Wish {
        let words = std::iter::once("bowline").chain(words.split(' '));
        match Cli::try_parse_from(words).unwrap().command {
            Command::Act(wish) => wish,
            other => panic!("{other:?}"),
        }
    }

    fn target(words: &str) -> (String, Option<String>) {
        let groups = ["shop".into(), "shop-2-eu".into()];
        let Target { group, run } = wish(words).target(&groups);
        (group.to_string(), run.map(|run| run.to_string()))
    }

    #[test]
    fn a_run_is_named_alone_or_with_its_group() {
        let run = Some("shop-1-failover".to_owned());
        assert_eq!(target("approve shop"), ("shop".into(), None));
        assert_eq!(target("approve shop-1-failover"), ("shop".into(), run.clone()));
        assert_eq!(target("cancel shop --run shop-1-failover"), ("shop".into(), run));
        assert_eq!(target("approve shop-2-eu"), ("shop-2-eu".into(), None), "a group comes first");
        assert_eq!(target("failover shop-1-failover").1, None, "no run is failed over");
    }

    #[test]
    fn what_needs_a_run_wants_nothing_when_none_is_open() {
        let (ledger, groups) = (Ledger::default(), ["shop".into()]);
        for words in ["approve shop", "cancel shop"] {
            let wish = wish(words);
            assert_eq!(
                wish.intent(&wish.target(&groups), &ledger, &Foreign::default()),
                None,
                "{words}"
            );
        }
        let glass = wish("failover shop --controller-is-dead gone --accept-loss 30s");
        let Some(Intent::Failover { accept_loss, break_glass, .. }) =
            glass.intent(&glass.target(&groups), &ledger, &Foreign::default())
        else {
            panic!("a failover")
        };
        assert_eq!((accept_loss, break_glass.as_deref()), (Some(Span::secs(30)), Some("gone")));
    }

    #[test]
    fn an_import_says_which_journal_is_true_only_where_somebody_does() {
        for (told, word) in [
            ("", None),
            (" --stands ours", Some(Stands::Ours)),
            (" --stands theirs", Some(Stands::Theirs)),
        ] {
            let words = format!("journal import shop --from dir:glass --store dir:x{told}");
            let parsed = Cli::try_parse_from(std::iter::once("bowline").chain(words.split(' ')));
            let Command::Journal(journal) = parsed.unwrap().command else { panic!("{words}") };
            let JournalCommand::Import(args) = journal.command else { panic!("{words}") };
            let import = Wish::Import(args);
            let target = import.target(&["shop".into()]);
            let intent = import.intent(&target, &Ledger::default(), &Foreign::default());
            let Some(Intent::Import { stands, .. }) = intent else { panic!("{intent:?}") };
            assert_eq!(stands, word);
        }
        let typed = "bowline journal import shop --from dir:glass --stands mine".split(' ');
        assert!(Cli::try_parse_from(typed).is_err());
    }
}
