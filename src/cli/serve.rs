//! `bowline run` and `bowline crd`: the service itself, and what its clusters must have before it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::exit::Exit;
use crate::edges::kube::crd;
use crate::service::{self, LogFormat, RunOptions, StoreOptions};

/// `bowline run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Where the store is: `dir:PATH`, or the management cluster when absent.
    #[arg(long, value_name = "dir:PATH")]
    pub store: Option<String>,
    /// A policy file, read again when it changes; with `--store dir:` only.
    #[arg(long, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// The context of the management cluster; absent: the cluster it runs in, else the present one.
    #[arg(long)]
    pub context: Option<String>,
    /// The namespace of groups, records, intents and the lease.
    #[arg(long, default_value = "bowline")]
    pub namespace: String,
    /// The kubeconfig file; absent: `$KUBECONFIG`, else `~/.kube/config`.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Secrets as files `FOLDER/SECRET/KEY`, instead of Secrets of the management cluster.
    #[arg(long, value_name = "FOLDER")]
    pub secrets: Option<PathBuf>,
    /// Region × service → URL, and DNS servers, for VPC endpoints and the lab; absent: AWS' own.
    #[arg(long, value_name = "FILE")]
    pub endpoints: Option<PathBuf>,
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
    runtime.block_on(service::run(options))?;
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
    let mut options = RunOptions::new(store(args)?);
    options.kubeconfig.clone_from(&args.kubeconfig);
    options.secrets.clone_from(&args.secrets);
    options.endpoints.clone_from(&args.endpoints);
    options.name.clone_from(&args.name);
    (options.listen, options.log) = (args.listen, args.log);
    Ok(options)
}

fn store(args: &RunArgs) -> Result<StoreOptions> {
    let Some(store) = &args.store else {
        if !args.policy.is_empty() {
            bail!(
                "--policy goes with --store dir:PATH; a cluster's policies are its FailoverGroups"
            );
        }
        let (context, namespace) = (args.context.clone(), args.namespace.as_str().into());
        return Ok(StoreOptions::Cluster { context, namespace });
    };
    let Some(folder) = store.strip_prefix("dir:").filter(|folder| !folder.is_empty()) else {
        bail!("--store {store}: write dir:PATH, or leave it out for the management cluster");
    };
    if args.policy.is_empty() {
        bail!("--store dir: needs at least one --policy FILE");
    }
    Ok(StoreOptions::Folder { folder: folder.into(), policies: args.policy.clone() })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        run: RunArgs,
    }

    fn parsed(args: &[&str]) -> Result<RunOptions> {
        let args = std::iter::once(&"run").chain(args);
        options(&Alone::try_parse_from(args).unwrap().run)
    }

    #[test]
    fn a_directory_needs_policies_and_a_cluster_has_its_own() {
        let folder = parsed(&["--store", "dir:/tmp/x", "--policy", "a.yaml"]).unwrap();
        assert!(matches!(folder.store, StoreOptions::Folder { .. }));
        assert!(matches!(parsed(&[]).unwrap().store, StoreOptions::Cluster { .. }));
        for wrong in [&["--store", "dir:/tmp/x"][..], &["--policy", "a.yaml"], &["--store", "x"]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_crds_of_both_kinds_of_cluster_are_printed() {
        for site in [false, true] {
            let mut out = Vec::new();
            crd(&CrdArgs { site }, &mut out).unwrap();
            assert!(String::from_utf8(out).unwrap().starts_with("---\n"));
        }
    }
}
