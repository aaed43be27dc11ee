//! `bowline run` and `bowline crd`: the service itself, and what its clusters must have before it.

use std::io::Write;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use clap::Args;

use super::exit::Exit;
use super::target::StoreArgs;
use crate::edges::kube::crd;
use crate::service::{self, LogFormat, RunOptions};

/// `bowline run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Where the store is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The replica's name; absent: the host's.
    #[arg(long)]
    pub name: Option<String>,
    /// Where `/livez`, `/readyz` and `/metrics` are served.
    #[arg(long, default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// How log lines look: `text` or `json`.
    #[arg(long, default_value = "text")]
    pub log: LogFormat,
}

/// `bowline crd`.
#[derive(Debug, Args)]
pub struct CrdArgs {
    /// Print what a site's cluster needs; else what the management cluster needs.
    #[arg(long)]
    pub site: bool,
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// What kept it from starting, or which critical task ended.
pub fn run(args: &RunArgs) -> Result<Exit> {
    let options = options(args)?;
    service::init_log(options.log);
    let runtime = tokio::runtime::Runtime::new().context("starting tokio")?;
    let ran = runtime.block_on(service::run(options));
    // A plugin of a kubeconfig may hang: nobody waits for it any more.
    runtime.shutdown_background();
    ran?;
    Ok(Exit::Done)
}

/// Prints custom resources, admission policy and roles as a YAML stream.
///
/// # Errors
/// What `out` says.
pub fn crd(args: &CrdArgs, out: &mut impl Write) -> Result<Exit> {
    let cluster = if args.site { crd::For::Site } else { crd::For::Management };
    crd::print(cluster, out)?;
    Ok(Exit::Done)
}

fn options(args: &RunArgs) -> Result<RunOptions> {
    let mut options = args.store.hosting()?;
    options.name.clone_from(&args.name);
    (options.listen, options.log) = (args.listen, args.log);
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crds_of_both_kinds_of_cluster_are_printed() {
        for site in [false, true] {
            let mut out = Vec::new();
            crd(&CrdArgs { site }, &mut out).unwrap();
            assert!(String::from_utf8(out).unwrap().starts_with("---\n"));
        }
    }
}
