//! `bowline status`: who serves, who writes, what is waited for, and the next command. From the
//! journal, which needs no controller, and from what a leader last published.

mod headline;
mod render;
mod view;

use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bowline_core::model::Wall;
use clap::Args;

use super::exit::Exit;
use super::paint::Paint;
use super::reading::{self, Output};
use super::target::StoreArgs;
use crate::edges::Store;
use crate::service::RunOptions;
use view::GroupView;

/// How often `--watch` looks.
const EVERY: Duration = Duration::from_secs(2);

/// `bowline status`.
#[derive(Args, Clone, Debug)]
#[command(long_about = "\
Show how groups are. The first line of each says who serves, who writes, what is waited for, and the
next command.

It is told from the group's journal, which needs no controller, and from what the leading controller
last published; how old that is, is said.

Exit codes: 0 nothing is under way; 4 a run is under way; 5 a run waits for a human; 1 a journal is
damaged; 2 wrong usage, or the store does not answer. Of several groups, the one that wants most
attention counts.")]
pub struct StatusArgs {
    /// The group; absent: all.
    pub group: Option<String>,
    /// Look again and again, until interrupted: a terminal is redrawn, anything else gets what
    /// changed.
    #[arg(long)]
    pub watch: bool,
    /// How to print; with `--watch`, JSON is one document a line.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Runs `bowline status`.
///
/// # Errors
/// A store that cannot be read, a group that is not there.
pub fn run(args: &StatusArgs, paint: Paint, out: &mut impl Write) -> Result<Exit> {
    reading::block_on(async {
        let (options, store) = reading::open(&args.store).await?;
        if args.watch {
            return watch(args, (&options, &store), paint, out).await;
        }
        let views = look(args, (&options, &store)).await?;
        match args.output {
            Output::Json => reading::document(&views, out)?,
            Output::Text => write!(out, "{}", shown(&views, args, paint)?)?,
        }
        Ok(exit(&views))
    })
}

async fn look(
    args: &StatusArgs,
    (options, store): (&RunOptions, &Store),
) -> Result<Vec<GroupView>> {
    let mut views = Vec::new();
    for group in reading::groups((options, store), args.group.as_deref()).await? {
        let chain = reading::chain(store, &group).await?;
        let published = reading::answered(store.published(&group)).await;
        let again = args.store.again();
        views.push(GroupView::new(group, &chain, published, (now(), &again)));
    }
    Ok(views)
}

fn text(views: &[GroupView], paint: Paint) -> String {
    views.iter().map(|view| render::text(view, paint)).collect::<Vec<_>>().join("\n")
}

/// There is no group: why, and what to do.
fn nothing(from: &StoreArgs) -> String {
    match &from.store {
        Some(store) if from.policy.is_empty() => {
            format!("no groups: {store} has no records; name what is in force: --policy FILE\n")
        }
        Some(store) => format!("no groups: {store} has no records, and no policy names one\n"),
        None => format!("no groups: apply a FailoverGroup in namespace {}\n", from.namespace),
    }
}

async fn watch(
    args: &StatusArgs,
    from: (&RunOptions, &Store),
    paint: Paint,
    out: &mut impl Write,
) -> Result<Exit> {
    let redraws = std::io::stdout().is_terminal();
    let mut told = String::new();
    loop {
        // A store that does not answer now may answer later: whoever watches wants to see that.
        let (news, shown) = match look(args, from).await {
            Ok(views) => (render::gist(&views), shown(&views, args, paint)?),
            Err(error) => (format!("{error:#}"), format!("{error:#}\n")),
        };
        if redraws && args.output == Output::Text {
            write!(out, "\x1b[H\x1b[2J{shown}")?;
        } else if news != told {
            write!(out, "{shown}")?;
        }
        out.flush()?;
        told = news;
        tokio::time::sleep(EVERY).await;
    }
}

fn shown(views: &[GroupView], args: &StatusArgs, paint: Paint) -> Result<String> {
    Ok(match args.output {
        Output::Text if views.is_empty() => nothing(&args.store),
        Output::Text => text(views, paint),
        Output::Json => serde_json::to_string(views)? + "\n",
    })
}

fn exit(views: &[GroupView]) -> Exit {
    let worst = |exit: Exit| views.iter().any(|view| view.exit() == exit);
    let order = [Exit::Failed, Exit::Waits, Exit::Running];
    order.into_iter().find(|exit| worst(*exit)).unwrap_or(Exit::Done)
}

fn now() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
