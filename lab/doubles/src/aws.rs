//! Clients of the emulators, with the SDK that Bowline uses too: one look each, no retries.

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2 as elb;
use aws_sdk_route53 as route53;

/// Longest time for one call.
const CALL_LIMIT: Duration = Duration::from_secs(2);
/// Whatever the emulators take; they check none of it.
const KEY: &str = "test";

/// Builds one service's client; each SDK crate has types of its own for the same things.
macro_rules! client {
    ($sdk:ident, $endpoint:expr, $region:expr) => {{
        let limits = $sdk::config::timeout::TimeoutConfig::builder().operation_timeout(CALL_LIMIT);
        let config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new($region.to_owned()))
            .credentials_provider($sdk::config::Credentials::new(KEY, KEY, None, None, "lab"))
            .retry_config($sdk::config::retry::RetryConfig::disabled())
            .timeout_config(limits.build())
            .endpoint_url($endpoint)
            .build();
        $sdk::Client::from_conf(config)
    }};
}

/// Route 53 at `endpoint`.
pub(crate) fn route53(endpoint: &str) -> route53::Client {
    client!(route53, endpoint, "us-east-1")
}

/// Load balancers of `region` at `endpoint`.
pub(crate) fn load_balancers(endpoint: &str, region: &str) -> elb::Client {
    client!(elb, endpoint, region)
}

/// Health checks of Route 53, all pages.
pub(crate) async fn health_checks(
    client: &route53::Client,
) -> anyhow::Result<Vec<route53::types::HealthCheck>> {
    let (mut all, mut marker) = (Vec::new(), None);
    loop {
        let page = client.list_health_checks().set_marker(marker).send().await;
        let page = page.map_err(told)?;
        all.extend(page.health_checks);
        match page.next_marker {
            Some(next) if page.is_truncated => marker = Some(next),
            _ => return Ok(all),
        }
    }
}

/// An SDK's error with its causes: by itself it says `service error` only.
pub(crate) fn told<E: std::error::Error + Send + Sync + 'static>(error: E) -> anyhow::Error {
    let error = anyhow::Error::new(error);
    let text = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    anyhow::anyhow!(text)
}
