//! How health is judged, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::forms;
use crate::model::Span;

/// How health is judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthSpec {
    /// What is looked at, each with exactly one kind. Required, at least one.
    #[schemars(length(min = 1))]
    pub signals: Vec<SignalSpec>,
    /// How many kinds must say down. Required: it is your decision.
    #[schemars(range(min = 1, max = 100))]
    pub quorum: u32,
    /// For how long they must say so; longer than the 43 s and 45 s stalls that moved others.
    /// Default: 60s.
    #[serde(default = "default_confirm")]
    #[schemars(extend("pattern" = forms::POSITIVE))]
    pub confirm: Span,
    /// Web addresses that have nothing to do with either site, such as
    /// `https://checkip.amazonaws.com`. When none of them gives any answer, Bowline is the one cut
    /// off, and holds. Default: none; then both sites and AWS must be silent together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub canaries: Vec<String>,
    /// For how long home must be fit before anything moves back. Default: 10m.
    #[serde(default = "default_stable_for")]
    #[schemars(extend("pattern" = forms::POSITIVE))]
    pub stable_for: Span,
}

/// One signal: exactly one of `albTargets`, `http`, `route53Check`, `clusterApi`, `regionApi`,
/// `writeProbe` and `progress`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignalSpec {
    /// The policy's own name of it. Required.
    #[schemars(extend("pattern" = forms::LABEL))]
    pub name: String,
    /// Target health behind a load balancer, as its API tells. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alb_targets: Option<AlbTargetsSpec>,
    /// An HTTP request through a load balancer's own addresses. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSpec>,
    /// A health check of Route 53: the vantage outside Bowline's network. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route53_check: Option<Route53CheckSpec>,
    /// The cluster's API server: `{}`. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_api: Option<Nothing>,
    /// Several AWS APIs of the Region against those of the other one: `{}`. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_api: Option<Nothing>,
    /// A write (`POST`) through a load balancer's own addresses. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_probe: Option<HttpSpec>,
    /// Requests still served, as the load balancer counts them. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressSpec>,
    /// How often it is looked at. Default: 10s.
    #[serde(default = "default_every")]
    #[schemars(extend("pattern" = forms::POSITIVE))]
    pub every: Span,
    /// When it says down. Default: need 3 of 5 samples.
    #[serde(default = "default_down")]
    pub down: KOfNSpec,
    /// When it says up. Default: need 5 of 5 samples.
    #[serde(default = "default_up")]
    pub up: KOfNSpec,
}

/// `need` of the last `of` samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KOfNSpec {
    /// The window, in samples. Required.
    #[schemars(range(min = 1, max = 100))]
    pub of: u32,
    /// How many of them. Required.
    #[schemars(range(min = 1, max = 100))]
    pub need: u32,
}

/// A kind without settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Target health behind a load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AlbTargetsSpec {
    /// Which load balancer, by the policy's name. Required.
    #[schemars(extend("pattern" = forms::LABEL))]
    pub load_balancer: String,
    /// Below this share of healthy targets a sample is bad. Default: 50.
    #[serde(default = "default_healthy_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub minimum_healthy_percent: u32,
}

/// Requests still served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProgressSpec {
    /// Which load balancer, by the policy's name. Required.
    #[schemars(extend("pattern" = forms::LABEL))]
    pub load_balancer: String,
}

/// An HTTP request through a load balancer's own addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpSpec {
    /// Which load balancer, by the policy's name. Required.
    #[schemars(extend("pattern" = forms::LABEL))]
    pub load_balancer: String,
    /// The `Host` header and the TLS name. Required.
    #[schemars(extend("pattern" = forms::HOST))]
    pub host: String,
    /// The path. Default: /.
    #[serde(default = "default_path")]
    #[schemars(extend("pattern" = forms::PATH))]
    pub path: String,
    /// The statuses that are good: one, or a range such as 200-299. Default: 200-299.
    #[serde(default = "default_expect")]
    #[schemars(extend("pattern" = forms::STATUSES))]
    pub expect: String,
    /// How long to wait for the answer. Default: 3s.
    #[serde(default = "default_timeout")]
    #[schemars(extend("pattern" = forms::POSITIVE))]
    pub timeout: Span,
    /// `https` or `http`. Default: https.
    #[serde(default)]
    pub scheme: SchemeSpec,
    /// The port. Default: 443, or 80 for http.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<u16>,
}

/// How to talk to a load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SchemeSpec {
    /// With TLS.
    #[default]
    Https,
    /// In the clear.
    Http,
}

/// Route 53 health checks of the two sites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route53CheckSpec {
    /// The check of the home site. Required.
    #[schemars(extend("pattern" = forms::HEALTH_CHECK))]
    pub home: String,
    /// The check of the standby site. Required.
    #[schemars(extend("pattern" = forms::HEALTH_CHECK))]
    pub standby: String,
}

fn default_confirm() -> Span {
    Span::secs(60)
}

fn default_stable_for() -> Span {
    Span::mins(10)
}

fn default_every() -> Span {
    Span::secs(10)
}

fn default_down() -> KOfNSpec {
    KOfNSpec { of: 5, need: 3 }
}

fn default_up() -> KOfNSpec {
    KOfNSpec { of: 5, need: 5 }
}

fn default_healthy_percent() -> u32 {
    50
}

fn default_path() -> String {
    "/".to_owned()
}

fn default_expect() -> String {
    "200-299".to_owned()
}

fn default_timeout() -> Span {
    Span::secs(3)
}
