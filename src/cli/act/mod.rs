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

#[cfg(test)]
mod tests;

use std::io::{IsTerminal, Write};

use anyhow::Result;
use clap::Args;

use super::check::{self, CheckArgs};
use super::exit::Exit;
use super::paint::Paint;
use super::reading::{self, Output};
use super::target::{StoreArgs, quoted};
use crate::service::{self, LogFormat};

pub(super) use follow::Follower;

pub use intents::{
    ApproveArgs, ArmArgs, CancelArgs, FailoverArgs, ImportArgs, MoveArgs, PauseArgs, ResumeArgs,
    Wish,
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

/// Runs an acting command; `out` is for data, `err` for everything else.
///
/// # Errors
/// Wrong usage or bad input: nothing was tried. What was tried and failed is an [`Exit`].
pub fn run(wish: &Wish, out: &mut impl Write, err: &mut impl Write) -> Result<Exit> {
    if let Wish::Arm(args) = wish
        && wish.only_looks()
    {
        return dry(args, out, err);
    }
    let args = wish.args();
    if std::env::var_os("BOWLINE_LOG").is_some() {
        service::init_log(LogFormat::Text);
    }
    let paint = if std::io::stderr().is_terminal() { Paint::of_stdout() } else { Paint::OFF };
    let told = reading::block_on(async {
        let session = session::open(wish).await?;
        watch::play(wish, session, paint, (&mut *out, &mut *err)).await
    })?;
    let folder = args.store.store.is_some();
    let next = ask::next(wish, &told, folder);
    Ok(outcome::tell(wish, &told, next.as_deref(), paint, (out, err)))
}

/// What keeps a group from being armed, and the command that arms it.
fn dry(args: &ArmArgs, out: &mut impl Write, err: &mut impl Write) -> Result<Exit> {
    // The first command over a directory finds none.
    let options = args.act.store.hosting()?;
    reading::block_on(async { Ok(service::store(&options).await.map(drop)?) })?;
    let (group, output, store) =
        (Some(args.group.clone()), args.act.output, args.act.store.clone());
    let exit = check::run(&CheckArgs { group, output, store }, Paint::of_stdout(), out)?;
    let (name, again) = (quoted(&args.group), args.act.store.again());
    writeln!(err, "Nothing was changed. Arm it with: bowline arm {name} --yes{again}")?;
    Ok(exit)
}
