//! The ready pods of the application's Deployment, by its cluster's API.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};

use super::Arguments;

/// Longest time for the API's answer.
const LIMIT: Duration = Duration::from_secs(2);

/// Where its pods are looked up.
pub(super) struct Pods {
    deployments: Api<Deployment>,
    name: String,
}

impl Pods {
    /// Fails on a kubeconfig that cannot be read or has no such context.
    pub(super) async fn new(arguments: &Arguments) -> Result<Self> {
        let file = arguments.kubeconfig.display();
        let all = Kubeconfig::read_from(&arguments.kubeconfig)
            .with_context(|| format!("cannot read the kubeconfig {file}"))?;
        let context = arguments.context.clone();
        let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(all, &options).await;
        let mut config = config.with_context(|| format!("the kubeconfig {file} cannot be used"))?;
        config.default_retry = false;
        let client = Client::try_from(config).context("no client for the cluster")?;
        let deployments = Api::namespaced(client, &arguments.namespace);
        Ok(Self { deployments, name: arguments.deployment.clone() })
    }

    /// How many are ready; none of a Deployment that is not there.
    pub(super) async fn ready(&self) -> Result<u32> {
        let asked = tokio::time::timeout(LIMIT, self.deployments.get_opt(&self.name)).await;
        let found = asked.context("the cluster's API does not answer")??;
        let ready = found.and_then(|deployment| deployment.status?.ready_replicas);
        Ok(u32::try_from(ready.unwrap_or(0)).unwrap_or(0))
    }
}
