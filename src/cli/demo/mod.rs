//! `bowline demo`: plays a scenario in a simulated world, and tells it to whoever watches.

mod ending;
mod pace;
pub(super) mod sites;
mod teller;
mod world;

use std::io::Write;

use anyhow::Result;
use bowline_core::policy::examples;
use bowline_sim::story::{SCENARIOS, Scenario, Stage};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::exit::Exit;
use super::paint::Paint;
use pace::Pace;
pub use pace::Speed;
use teller::Teller;

/// `bowline demo`.
#[derive(Clone, Debug, Args)]
#[command(long_about = "\
Watch Bowline save an application in a simulated world.

A web shop with a database runs in two Regions. Something goes wrong with the first; three replicas
of the very code that ships notice, decide, move the shop to the second, and bring it home again.
Users behind caching resolvers tell how much of it they saw, and an oracle that looks at the world,
never at Bowline's memory, judges whether Bowline kept its promises.

Nothing real is touched. The same seed plays the same story.")]
pub struct DemoArgs {
    /// What goes wrong; `--list` names the scenarios.
    #[arg(long, value_name = "NAME", default_value = "region-lost")]
    #[arg(value_parser = super::scenario)]
    pub scenario: &'static Scenario,
    /// Another number is another story: other latencies, other boot times, other users.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many times faster than in life, or `max` for as fast as possible.
    ///
    /// At the default the story of two and a half hours takes a good minute. With `-o json`
    /// nobody watches, and it is always `max`.
    #[arg(long, value_name = "FACTOR|max", default_value = "120")]
    pub speed: Speed,
    /// How to tell it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// List the scenarios, and play none.
    #[arg(long)]
    pub list: bool,
}

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// Runs `bowline demo`; `out` is for data.
///
/// # Errors
/// An output that cannot be written. A story that ends badly is no error but [`Exit::Failed`].
pub fn run(args: &DemoArgs, paint: Paint, out: &mut impl Write) -> Result<Exit> {
    if args.list {
        list(args.output, out)?;
        return Ok(Exit::Done);
    }
    let mut stage = Stage::new(args.scenario, &examples::shop(), args.seed);
    let document = match args.output {
        Output::Json => {
            stage.play();
            let document = stage.document();
            serde_json::to_writer_pretty(&mut *out, &document)?;
            writeln!(out)?;
            document
        }
        Output::Text => tell(args, paint, &mut stage, out)?,
    };
    Ok(if document.good() { Exit::Done } else { Exit::Failed })
}

/// Plays the story for somebody who watches.
fn tell(
    args: &DemoArgs,
    paint: Paint,
    stage: &mut Stage,
    out: &mut impl Write,
) -> Result<bowline_sim::story::Document> {
    let mut pace = Pace::new(args.speed, stage.began());
    let mut teller = Teller::new(stage, paint);
    teller.opening(args.scenario, stage, out)?;
    let mut told = Vec::new();
    while stage.step(&mut told) {
        if teller.is_due(stage, &told) {
            pace.wait(stage.simulation.now().mono);
            teller.tell(stage, &mut told, out)?;
        }
    }
    let document = stage.document();
    let lasted = stage.simulation.now().mono.since(stage.began());
    ending::write(&document, lasted, paint, out)?;
    Ok(document)
}

fn list(output: Output, out: &mut impl Write) -> Result<()> {
    match output {
        Output::Text => SCENARIOS.iter().try_for_each(|one| write!(out, "{}", listed(one)))?,
        Output::Json => {
            let one = |s: &Scenario| json!({"name": s.name, "about": s.about, "moves": s.moves});
            writeln!(out, "{:#}", SCENARIOS.iter().map(one).collect::<Value>())?;
        }
    }
    Ok(())
}

/// A scenario's line in a list.
#[must_use]
pub fn listed(scenario: &Scenario) -> String {
    format!("  {:<14} {}\n", scenario.name, scenario.about)
}
