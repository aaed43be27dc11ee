//! The command line: what can be asked of Bowline, and how it answers. Standard output is data,
//! standard error everything else; [`exit`] lists the exit codes.

pub mod act;
pub mod check;
pub mod demo;
pub mod exit;
pub mod export;
pub mod journal;
mod lines;
pub mod paint;
pub mod plan;
#[cfg(test)]
mod played;
pub mod policy;
mod reading;
mod records;
pub mod rehearse;
mod report;
pub mod serve;
pub mod simulate;
pub mod status;
pub mod target;
pub mod words;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use exit::Exit;
use paint::Paint;

/// Bowline moves an application from one AWS Region to another when the first one fails, and brings
/// it home again.
///
/// New here? `bowline demo` plays the whole story in a simulated world: it needs no account, no
/// cluster and no configuration, and touches nothing.
#[derive(Debug, Parser)]
#[command(name = "bowline", version, propagate_version = true, after_help = exit::HELP)]
#[command(arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked of Bowline.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch Bowline save an application in a simulated world.
    Demo(demo::DemoArgs),
    /// Show who serves, who writes, what is waited for, and the next command.
    Status(status::StatusArgs),
    /// Show what a move would do, call by call. Changes nothing.
    Plan(plan::PlanArgs),
    /// Look at everything a failover needs. Changes nothing.
    Check(check::CheckArgs),
    /// Show a group's journal, or verify and replay it.
    Journal(journal::JournalArgs),
    /// Keep a directory as a copy of the store, for break-glass. Changes nothing else.
    Export(export::ExportArgs),
    /// Find out how a failover would go, before one is needed.
    Drill(DrillArgs),
    /// Prove the promises in simulated worlds where everything goes wrong.
    Simulate(simulate::SimulateArgs),
    /// Check failover policies, or print their schema. Changes nothing.
    Policy(policy::PolicyArgs),
    /// The commands that want something of a group.
    #[command(flatten)]
    Act(act::Wish),
    /// Be a replica of the controller, until told to stop.
    Run(serve::RunArgs),
    /// Print the custom resources, admission policy and roles that a cluster needs.
    Crd(serve::CrdArgs),
}

/// `bowline drill`.
#[derive(Debug, Args)]
pub struct DrillArgs {
    /// Which drill.
    #[command(subcommand)]
    pub command: DrillCommand,
}

/// The drills.
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// Forecast RTO, RPO and the outage users see, by playing a policy many times in a simulated
    /// world. Touches nothing real.
    Rehearse(rehearse::RehearseArgs),
}

/// The program: reads the arguments, does what they say, and tells how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.command {
        // A replica logs from many threads: nobody may hold what they write to.
        Command::Run(args) => serve::run(args),
        Command::Act(wish) => act::run(wish, &mut io::stdout(), &mut io::stderr()),
        // A trial that panics says so on its own thread.
        Command::Simulate(args) => simulate::run(args, &mut io::stdout(), &mut io::stderr()),
        Command::Journal(args) => journal::run(args, Paint::of_stdout(), &mut io::stdout()),
        command => dispatch(command, &mut io::stdout().lock(), &mut io::stderr().lock()),
    };
    done.unwrap_or_else(|error| failed(&cli.command, &error)).into()
}

/// How a command ended that could not say so itself.
fn failed(command: &Command, error: &anyhow::Error) -> Exit {
    // Whoever reads has seen enough, as with `bowline demo | head`.
    if reads(command) && is_broken_pipe(error) {
        return Exit::Done;
    }
    // Not `eprintln!`, which panics when nobody listens there either.
    let _ = writeln!(io::stderr(), "error: {error:#}");
    Exit::Usage
}

/// Whether a command is done when nobody reads on: one that wants something is not.
fn reads(command: &Command) -> bool {
    match command {
        Command::Run(_) => false,
        Command::Act(wish) => wish.only_looks(),
        Command::Journal(args) => !matches!(args.command, journal::JournalCommand::Import(_)),
        _ => true,
    }
}

fn dispatch(command: &Command, out: &mut impl Write, err: &mut impl Write) -> Result<Exit> {
    match command {
        Command::Demo(args) => demo::run(args, Paint::of_stdout(), out),
        Command::Drill(DrillArgs { command: DrillCommand::Rehearse(args) }) => {
            rehearse::run(args, out, err)
        }
        Command::Simulate(args) => simulate::run(args, out, err),
        Command::Policy(args) => match policy::run(args, out, err)? {
            policy::Outcome::Valid => Ok(Exit::Done),
            policy::Outcome::Refused => Ok(Exit::Usage),
        },
        Command::Act(wish) => act::run(wish, out, err),
        Command::Status(args) => status::run(args, Paint::of_stdout(), out),
        Command::Plan(args) => plan::run(args, Paint::of_stdout(), out, err),
        Command::Check(args) => check::run(args, Paint::of_stdout(), out),
        Command::Journal(args) => journal::run(args, Paint::of_stdout(), out),
        Command::Export(args) => export::run(args, out),
        Command::Run(args) => serve::run(args),
        Command::Crd(args) => serve::crd(args, out),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    };
    error.chain().any(io)
}

/// A scenario by its name, for the command line; otherwise the list of them.
fn scenario(name: &str) -> Result<&'static bowline_sim::story::Scenario, String> {
    bowline_sim::story::find(name).ok_or_else(|| {
        let list: String = bowline_sim::story::SCENARIOS.iter().map(demo::listed).collect();
        format!("there is no such scenario; these there are:\n{list}")
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use proptest::prelude::*;

    use super::*;

    /// Every command with its subcommands, as they are typed.
    fn commands() -> Vec<Vec<String>> {
        fn below(command: &clap::Command, path: &[String], all: &mut Vec<Vec<String>>) {
            for sub in command.get_subcommands() {
                let path = [path, &[sub.get_name().to_owned()]].concat();
                below(sub, &path, all);
                all.push(path);
            }
        }
        let mut all = Vec::new();
        below(&Cli::command(), &["bowline".to_owned()], &mut all);
        all
    }

    /// Options of any command, values that some of them take, and anything else.
    fn arguments() -> impl Strategy<Value = Vec<String>> {
        let command = Cli::command();
        let mut known: Vec<String> = ["shop", "-", "--", "5s", "dir:/nowhere", "json", "1..9", "0"]
            .map(str::to_owned)
            .into();
        let options = |command: &clap::Command| -> Vec<String> {
            command
                .get_arguments()
                .filter_map(|arg| arg.get_long())
                .map(|o| format!("--{o}"))
                .collect()
        };
        for sub in command.get_subcommands() {
            known.extend(options(sub));
            known.extend(sub.get_subcommands().flat_map(options));
        }
        let one = prop_oneof![4 => prop::sample::select(known), 1 => "\\PC{0,12}"];
        (prop::sample::select(commands()), prop::collection::vec(one, 0..6))
            .prop_map(|(command, rest)| [command, rest].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn whatever_is_typed_is_understood_or_refused_with_words(typed in arguments()) {
            if let Err(error) = Cli::try_parse_from(&typed) {
                prop_assert!(!error.to_string().trim().is_empty(), "{typed:?}");
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(is_broken_pipe(&closed.context("writing")));
        assert!(!is_broken_pipe(&anyhow::anyhow!("something else")));
    }

    #[test]
    fn a_closed_pipe_ends_only_what_reads() {
        let ends = |words: &str| {
            let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
            let typed = ["bowline"].into_iter().chain(words.split(' '));
            failed(&Cli::try_parse_from(typed).unwrap().command, &closed)
        };
        for words in ["status", "journal show shop", "arm shop"] {
            assert_eq!(ends(words), Exit::Done, "{words}");
        }
        let import = "journal import shop --from dir:/copy --reason back";
        for words in ["failover shop", "arm shop --yes", "cancel shop", import, "run"] {
            assert_eq!(ends(words), Exit::Usage, "{words}");
        }
    }
}
