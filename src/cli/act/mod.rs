//! The commands that want something: a run started, a question answered, a run undone, automatic
//! action held.
//!
//! ```text
//! intent ─▶ store ─▶ whoever leads takes it into the chain ─▶ this command reads the chain
//! ```
//! A command changes nothing itself: it leaves an intent and tells what became of it, from the
//! chain alone. Over a directory it hosts a replica meanwhile, which leads if nobody else does.

mod ask;
mod follow;
mod intents;
mod outcome;
mod session;
mod watch;

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::paint::Paint;
use super::target::StoreArgs;

pub use intents::{
    ApproveArgs, ArmArgs, CancelArgs, FailoverArgs, MoveArgs, PauseArgs, ResumeArgs, Wish,
};

/// What every acting command takes.
#[derive(Args, Clone, Debug)]
pub struct ActArgs {
    /// Who wants it; with `--store dir:` only, where nobody else says. Absent: `$USER`.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Do not wait for the run: its name is all that is wanted. It needs a controller.
    #[arg(long)]
    pub detach: bool,
    /// How to tell it: text as it happens, or one JSON document at the end.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people: the run's name and its report on standard output, progress on standard error.
    #[default]
    Text,
    /// One JSON document on standard output, progress on standard error.
    Json,
}

/// Runs an acting command; `out` is for data, `err` for everything else.
///
/// # Errors
/// Wrong usage or bad input: nothing was tried. What was tried and failed is an [`Exit`].
pub fn run(wish: &Wish, out: &mut impl Write, err: &mut impl Write) -> Result<Exit> {
    let args = wish.args();
    let runtime = tokio::runtime::Runtime::new().context("starting tokio")?;
    let paint = if std::io::stderr().is_terminal() { Paint::of_stdout() } else { Paint::OFF };
    let told = runtime.block_on(async {
        let session = session::open(args).await?;
        watch::play(wish, session, paint, (&mut *out, &mut *err)).await
    });
    // A disk that hangs must not keep the process.
    runtime.shutdown_background();
    let told = told?;
    let folder = args.store.store.is_some();
    let next = ask::next(wish, &told, folder);
    outcome::tell(wish, &told, next.as_deref(), paint, (out, err))
}
