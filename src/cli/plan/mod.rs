//! `bowline plan`: what a move would do, call by call, without doing any of it.

mod render;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bowline_core::node::{Preview, Prospect, StepPreview, Walk};
use bowline_core::plan::PlanKind;
use bowline_core::policy::Policy;
use clap::Args;
use serde::Serialize;

use super::exit::Exit;
use super::paint::Paint;
use super::reading::{self, Output};
use super::target::StoreArgs;
use crate::edges::Remote;
use crate::service::{self, Looker};

/// `bowline plan`.
#[derive(Args, Clone, Debug)]
#[command(long_about = "\
Show what a move would do, without doing any of it: every step with its class, Region, timeout and
needs, and the exact calls it would make, with what they would change as it is now.

The plan is made by the code that a controller runs, from what a replica that only looks sees now.
What cannot be told before earlier steps are done is said.

Exit codes: 0 the move could be begun; 1 something did not answer, so that the plan is not complete;
2 wrong usage; 3 the move would be refused now.")]
pub struct PlanArgs {
    /// The group.
    pub group: String,
    /// Which move.
    #[command(flatten)]
    pub kind: KindArgs,
    /// How long to wait for everything to answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub patience: u64,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Which move.
#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
pub struct KindArgs {
    /// The unplanned move away from the active site.
    #[arg(long)]
    pub failover: bool,
    /// The planned move to standby.
    #[arg(long)]
    pub switchover: bool,
    /// The planned move home.
    #[arg(long)]
    pub failback: bool,
}

impl KindArgs {
    fn kind(self) -> PlanKind {
        match self {
            Self { failover: true, .. } => PlanKind::Failover,
            Self { switchover: true, .. } => PlanKind::Switchover,
            _ => PlanKind::Failback,
        }
    }
}

/// A plan as it is told.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    #[serde(flatten)]
    preview: Preview,
    /// Looks that were not answered.
    missing: Vec<String>,
    steps: Vec<StepPreview>,
}

/// What came of it.
enum Planned {
    Told(Box<Told>),
    /// There is no such move: why, and what was not answered.
    Refused(String, Vec<String>),
}

/// Runs `bowline plan`.
///
/// # Errors
/// A store or a policy that cannot be read, a group that is not there.
pub fn run(
    args: &PlanArgs,
    paint: Paint,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<Exit> {
    let patience = Duration::from_secs(args.patience);
    let planned = reading::block_on(async {
        let (options, store) = reading::open(&args.store).await?;
        let policies = reading::policies(&options, &store).await?;
        let policy = reading::named(policies, Some(&args.group))?.pop().context("no policy")?;
        let edges = Arc::new(service::edges(&options).await?);
        Ok(plan(edges, policy, args.kind.kind(), patience).await)
    })?;
    let told = match planned {
        Planned::Told(told) => told,
        Planned::Refused(why, missing) => {
            writeln!(err, "refused: {why}")?;
            missing.iter().try_for_each(|what| writeln!(err, "  not answered: {what}"))?;
            return Ok(if missing.is_empty() { Exit::Refused } else { Exit::Failed });
        }
    };
    match args.output {
        Output::Json => reading::document(&told, out)?,
        Output::Text => write!(out, "{}", render::text(&told, paint))?,
    }
    Ok(told.exit())
}

/// Looks, plans, and goes over the plan's steps.
async fn plan(
    remote: Arc<dyn Remote>,
    policy: Policy,
    kind: PlanKind,
    patience: Duration,
) -> Planned {
    let group = policy.group.clone();
    let mut looker = Looker::new(remote, vec![policy]);
    let missing = looker.look(&group, patience).await;
    let now = looker.now();
    let preview = match looker.node().preview(&group, kind, now) {
        Ok(preview) => preview,
        Err(refusal) => return Planned::Refused(refusal.to_string(), missing),
    };
    let mut walk = Walk::new(preview, now);
    loop {
        let wants = walk.wants();
        if wants.is_empty() {
            break;
        }
        for (look, answer) in looker.ask(wants).await {
            walk.answer(look, answer);
        }
    }
    let (preview, steps) = walk.found();
    Planned::Told(Box::new(Told { preview, missing, steps }))
}

impl Told {
    fn exit(&self) -> Exit {
        let refused = |step: &StepPreview| matches!(step.does, Prospect::Refused { .. });
        let unknown = |step: &StepPreview| matches!(step.does, Prospect::Unknown { .. });
        if !self.preview.obstacles.is_empty() || self.steps.iter().any(refused) {
            return Exit::Refused;
        }
        let whole = self.missing.is_empty() && !self.steps.iter().any(unknown);
        if whole { Exit::Done } else { Exit::Failed }
    }
}

#[cfg(test)]
mod tests;
