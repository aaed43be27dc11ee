//! Which store a command is about, and how the parts around it are reached: the arguments that
//! `bowline run` and every command over a store share.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::service::{RunOptions, StoreOptions};

/// The namespace when none is named.
const NAMESPACE: &str = "bowline";

/// Where the store is, and how it and the sites are reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Store and access")]
pub struct StoreArgs {
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
    #[arg(long, default_value = NAMESPACE)]
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
}

impl StoreArgs {
    /// What the arguments mean, for commands that read a store. A directory may come without
    /// policies.
    ///
    /// # Errors
    /// A store that is neither `dir:PATH` nor absent, or arguments that do not go together.
    pub fn options(&self) -> Result<RunOptions> {
        let mut options = RunOptions::new(self.location()?);
        options.kubeconfig.clone_from(&self.kubeconfig);
        options.secrets.clone_from(&self.secrets);
        options.endpoints.clone_from(&self.endpoints);
        Ok(options)
    }

    /// What the arguments mean, for commands that host a replica: a directory needs policies.
    ///
    /// # Errors
    /// As [`StoreArgs::options`]; a directory without policies.
    pub fn hosting(&self) -> Result<RunOptions> {
        let options = self.options()?;
        if matches!(&options.store, StoreOptions::Folder { policies, .. } if policies.is_empty()) {
            bail!("--store dir: needs at least one --policy FILE");
        }
        Ok(options)
    }

    /// The same arguments again, ready to be typed into a shell behind another command; each with a
    /// space before it.
    #[must_use]
    pub fn again(&self) -> String {
        let named = [("--store", &self.store), ("--context", &self.context)];
        let named = named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
        let namespace = Some(&self.namespace).filter(|namespace| *namespace != NAMESPACE);
        let namespace = namespace.map(|namespace| ("--namespace", namespace.clone()));
        let file = |path: &PathBuf| path.display().to_string();
        let policies = self.policy.iter().map(|path| ("--policy", file(path)));
        let files = [
            ("--kubeconfig", &self.kubeconfig),
            ("--secrets", &self.secrets),
            ("--endpoints", &self.endpoints),
        ];
        let files = files.into_iter().filter_map(|(name, path)| Some((name, file(path.as_ref()?))));
        let all = named.chain(namespace).chain(policies).chain(files);
        all.map(|(name, value)| format!(" {name} {}", quoted(&value))).collect()
    }

    fn location(&self) -> Result<StoreOptions> {
        let Some(store) = &self.store else {
            if !self.policy.is_empty() {
                bail!(
                    "--policy goes with --store dir:PATH; a cluster's policies are its \
                     FailoverGroups"
                );
            }
            let (context, namespace) = (self.context.clone(), self.namespace.as_str().into());
            return Ok(StoreOptions::Cluster { context, namespace });
        };
        let folder = folder(store)?;
        Ok(StoreOptions::Folder { folder, policies: self.policy.clone() })
    }
}

/// The directory that `dir:PATH` names.
///
/// # Errors
/// Anything else.
pub fn folder(store: &str) -> Result<PathBuf> {
    match store.strip_prefix("dir:").filter(|folder| !folder.is_empty()) {
        Some(folder) => Ok(folder.into()),
        None => {
            bail!("--store {store}: write dir:PATH, or leave it out for the management cluster")
        }
    }
}

/// A word as a POSIX shell reads it back unchanged.
#[must_use]
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        store: StoreArgs,
    }

    fn parsed(args: &[&str]) -> StoreArgs {
        Alone::try_parse_from(std::iter::once(&"x").chain(args)).unwrap().store
    }

    #[test]
    fn a_replica_over_a_directory_needs_policies_and_a_cluster_has_its_own() {
        let folder = parsed(&["--store", "dir:/tmp/x", "--policy", "a.yaml"]);
        assert!(matches!(folder.hosting().unwrap().store, StoreOptions::Folder { .. }));
        assert!(matches!(parsed(&[]).hosting().unwrap().store, StoreOptions::Cluster { .. }));
        let alone = parsed(&["--store", "dir:/tmp/x"]);
        assert!(alone.options().is_ok(), "what only reads needs no policy");
        assert!(alone.hosting().is_err());
        for wrong in [&["--policy", "a.yaml"][..], &["--store", "x"], &["--store", "dir:"]] {
            assert!(parsed(wrong).options().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_same_arguments_can_be_typed_again() {
        let args = ["--store", "dir:/tmp/my store", "--policy", "it's.yaml", "--namespace", "dr"];
        let again = parsed(&args).again();
        assert_eq!(again, r" --store 'dir:/tmp/my store' --namespace dr --policy 'it'\''s.yaml'");
        assert_eq!(parsed(&[]).again(), "", "defaults are not said");
    }
}
