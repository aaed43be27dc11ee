//! `bowline drill rehearse`: plays a policy many times in a simulated world, and forecasts what a
//! failover would be like.

mod forecast;
mod play;
mod table;

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use bowline_core::policy::{self, Policy};
use bowline_sim::story::Scenario;
use clap::Args;

use super::demo::Output;
use super::exit::Exit;
use forecast::Forecast;

/// `bowline drill rehearse`.
#[derive(Clone, Debug, Args)]
#[command(long_about = "\
Forecast RTO, RPO and the outage users see, by playing a policy many times in a simulated world.

Each run is another seed: other latencies, other boot times, other users. The story lets Bowline act
by itself at any hour; where your policy asks a human, add the time that the answer takes. Nothing
real is touched.")]
pub struct RehearseArgs {
    /// The policy's file; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    pub policy: PathBuf,
    /// Which group, where the file holds several.
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// How many times to play it.
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub runs: u32,
    /// The first seed; the others follow it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// What goes wrong; `bowline demo --list` names the scenarios.
    #[arg(long, value_name = "NAME", default_value = "region-lost")]
    #[arg(value_parser = super::scenario)]
    pub scenario: &'static Scenario,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
}

/// Runs `bowline drill rehearse`; `out` is for data, `err` for everything else.
///
/// # Errors
/// A file that cannot be read, a group that is not in it, or an output that cannot be written. A
/// policy that is refused is no error but [`Exit::Usage`], a bad end [`Exit::Failed`].
pub fn run(args: &RehearseArgs, out: &mut impl Write, err: &mut impl Write) -> Result<Exit> {
    let loaded =
        match policy::load(&args.policy.display().to_string(), &super::policy::read(&args.policy)?)
        {
            Ok(loaded) => loaded,
            Err(problems) => {
                writeln!(err, "{problems}\n")?;
                return Ok(Exit::Usage);
            }
        };
    if !loaded.warnings.list.is_empty() {
        writeln!(err, "{}\n", loaded.warnings)?;
    }
    let policy = chosen(&loaded.policies, args.group.as_deref())?;
    let seeds: Vec<u64> = (0..args.runs).map(|n| args.seed.wrapping_add(u64::from(n))).collect();
    let played = play::all(args.scenario, policy, &seeds);
    let forecast = Forecast::of(policy.group.as_str(), args.scenario, &played);
    match args.output {
        Output::Text => table::write(&forecast, out)?,
        Output::Json => {
            serde_json::to_writer_pretty(&mut *out, &forecast)?;
            writeln!(out)?;
        }
    }
    Ok(if forecast.good() { Exit::Done } else { Exit::Failed })
}

fn chosen<'a>(policies: &'a [Policy], group: Option<&str>) -> Result<&'a Policy> {
    let names = || policies.iter().map(|p| p.group.to_string()).collect::<Vec<_>>().join(", ");
    match (group, policies) {
        (None, [only]) => Ok(only),
        (None, _) => bail!("the file holds several groups: say which with --group: {}", names()),
        (Some(name), _) => policies
            .iter()
            .find(|policy| policy.group.as_str() == name)
            .with_context(|| format!("the file holds no group {name}, but {}", names())),
    }
}
