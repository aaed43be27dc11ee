//! The lab's own parts of the world, each a process of its own so that it can be frozen with the
//! Region it belongs to. It knows nothing of Bowline's service and must not decide anything.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod app;
mod ask;
mod aws;
mod call;
mod checker;
mod data;
mod dns;
mod forward;
mod front;
mod seed;
mod service;
mod users;
mod webhook;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The lab's doubles. Each runs in the foreground, tells what it does on standard error, and ends
/// on SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "bowline-doubles", version)]
struct Cli {
    #[command(subcommand)]
    double: Double,
}

/// Which one to run.
#[derive(Debug, Subcommand)]
enum Double {
    /// Plays the databases of both Regions and their metrics; never frozen.
    Data(data::Arguments),
    /// Plays one Region's RDS and CloudWatch endpoint, and the way to its databases.
    Front(front::Arguments),
    /// Plays the application of one site.
    App(app::Arguments),
    /// Plays people who order steadily; prints what they saw on SIGTERM.
    Users(users::Arguments),
    /// Probes the targets of Route 53's health checks and posts what the checkers see.
    Checker(checker::Arguments),
    /// Answers DNS questions from the emulated zones by Route 53's rules.
    Dns(dns::Arguments),
    /// Fills the emulators with load balancers, a zone and health checks; prints what was made.
    Seed(seed::Arguments),
    /// Asks a DNS server one question and prints its answer.
    Ask(ask::Arguments),
    /// Takes notices and writes them into its log.
    Webhook(webhook::Arguments),
    /// Gives load balancers and other listeners addresses of their own.
    Forward(forward::Arguments),
}

fn main() -> ExitCode {
    match run(Cli::parse().double) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bowline-doubles: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(double: Double) -> Result<()> {
    match double {
        Double::Data(arguments) => service::run("data", data::run(arguments)),
        Double::Front(arguments) => service::run("front", front::run(arguments)),
        Double::App(arguments) => service::run("app", app::run(arguments)),
        Double::Users(arguments) => users::run(arguments),
        Double::Ask(arguments) => service::run("ask", ask::run(arguments)),
        Double::Seed(arguments) => service::run("seed", seed::run(arguments)),
        Double::Checker(arguments) => service::run("checker", checker::run(arguments)),
        Double::Dns(arguments) => service::run("dns", dns::run(arguments)),
        Double::Webhook(arguments) => service::run("webhook", webhook::run(arguments)),
        Double::Forward(arguments) => service::run("forward", forward::run(arguments)),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
