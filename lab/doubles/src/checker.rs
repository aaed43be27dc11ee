//! Route 53's checkers: several virtual ones probe each endpoint check's target, and what most of
//! them see is posted to the emulator, which has no prober of its own. CALCULATED and other checks
//! are left alone.

mod probe;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use aws_sdk_route53::types::{HealthCheck, HealthCheckConfig, HealthCheckType};
use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::aws;
use crate::call::Http;
use crate::service::{read, tell};
use probe::{Endpoint, probe};
use tally::Tally;

/// How often the list of checks is read.
const LIST_EVERY: Duration = Duration::from_secs(1);
/// Longest time to post a status.
const POST_LIMIT: Duration = Duration::from_secs(2);

/// What the checkers are told on their command line.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What they look at, a JSON file: `{"route53", "checkers", "everyMillis"}`.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// What they look at.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    /// Where the emulated Route 53 is.
    route53: String,
    /// How many checkers probe each target.
    checkers: u32,
    /// How often each does, instead of the 10 or 30 s that a check may ask for.
    every_millis: Option<u64>,
}

/// Runs them until they fail.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let config: Config = read(&arguments.config)?;
    if config.checkers == 0 {
        anyhow::bail!("`checkers` is 0: nobody would look; give at least 1");
    }
    let client = aws::route53(&config.route53);
    let mut running: BTreeMap<String, (HealthCheck, JoinHandle<()>)> = BTreeMap::new();
    loop {
        match aws::health_checks(&client).await {
            Ok(checks) => follow(&config, &mut running, checks),
            Err(error) => tell("checker", format!("Route 53: {error:#}")),
        }
        tokio::time::sleep(LIST_EVERY).await;
    }
}

/// Starts what is new or changed, and ends what is gone.
fn follow(
    config: &Config,
    running: &mut BTreeMap<String, (HealthCheck, JoinHandle<()>)>,
    checks: Vec<HealthCheck>,
) {
    running.retain(|_, (known, task)| {
        let stays = checks.contains(known);
        if !stays {
            task.abort();
        }
        stays
    });
    for check in checks {
        let probed = check.health_check_config.as_ref().is_some_and(is_probed);
        if probed && !running.contains_key(&check.id) {
            let task = tokio::spawn(watch(config.clone(), check.clone()));
            running.insert(check.id.clone(), (check, task));
        }
    }
}

/// Whether the checkers can probe it. TLS is not played: the emulated load balancers have none.
fn is_probed(config: &HealthCheckConfig) -> bool {
    use HealthCheckType::{Http, HttpStrMatch, Tcp};
    matches!(config.r#type, Http | HttpStrMatch | Tcp) && config.disabled != Some(true)
}

/// A status as the emulator takes it.
#[derive(Debug, Serialize)]
struct Status {
    status: &'static str,
    reason: Option<String>,
}

/// Looks at one check's target for ever, the checkers taking turns.
async fn watch(config: Config, check: HealthCheck) {
    let Some(settings) = check.health_check_config else { return };
    let url = format!("{}/_fakecloud/route53/health-checks/{}/status", config.route53, check.id);
    let http = Http::new(POST_LIMIT);
    let endpoint = Endpoint::new(&settings);
    let threshold = settings.failure_threshold.and_then(|n| u32::try_from(n).ok()).unwrap_or(3);
    let mut tally = Tally::new(config.checkers, threshold.max(1));
    let (results, mut heard) = tokio::sync::mpsc::channel(config.checkers as usize);
    let every = every(&config, &settings);
    for number in 0..config.checkers {
        // They begin one after the other, so that a change is seen before a whole interval.
        let begins = Instant::now() + every * number / config.checkers;
        tokio::spawn(one(number, endpoint.clone(), (begins, every), results.clone()));
    }
    drop(results);
    let mut told = None;
    while let Some((number, result)) = heard.recv().await {
        let reason = result.as_ref().err().map(|error| format!("{error:#}"));
        tally.note(number, result.is_ok());
        let healthy = tally.healthy();
        if told == Some(healthy) {
            continue;
        }
        let status = if healthy { "Success" } else { "Failure" };
        let shown = reason.as_deref().unwrap_or("all is well");
        tell("checker", format!("{}: {status}: {shown}", check.id));
        match http.post(&url, &Status { status, reason }).await {
            Ok(()) => told = Some(healthy),
            Err(error) => tell("checker", format!("{error:#}")),
        }
    }
}

fn every(config: &Config, settings: &HealthCheckConfig) -> Duration {
    let asked = settings.request_interval.and_then(|secs| u64::try_from(secs).ok()).unwrap_or(30);
    config.every_millis.map_or(Duration::from_secs(asked), Duration::from_millis)
}

/// One checker: probes on its own beat until nobody listens to it any more.
async fn one(
    number: u32,
    endpoint: Endpoint,
    (begins, every): (Instant, Duration),
    results: tokio::sync::mpsc::Sender<(u32, Result<()>)>,
) {
    let mut beat = interval_at(begins, every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let result = probe(&endpoint).await;
        if results.send((number, result)).await.is_err() {
            return;
        }
    }
}
