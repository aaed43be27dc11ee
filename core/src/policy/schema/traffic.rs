//! What moves the traffic, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::forms;

/// The lever: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct TrafficSpec {
    /// Failover records, exchanged in one atomic batch per zone. No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<RecordsSpec>,
    /// One bit that drives two health checks made beforehand. Only in the simulator for now.
    /// No default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<GatesSpec>,
}

/// The `records` lever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordsSpec {
    /// The role of the account that holds the zones. Default: Bowline's own credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = forms::ROLE_ARN))]
    pub role_arn: Option<String>,
    /// The Route 53 health check that is always unhealthy; the passive site's records carry it.
    /// Required.
    #[schemars(extend("pattern" = forms::HEALTH_CHECK))]
    pub closed_health_check_id: String,
    /// The names that move. Required, at least one.
    #[schemars(length(min = 1))]
    pub names: Vec<NameSpec>,
}

/// The `gates` lever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GatesSpec {
    /// The role of the account that holds the object. Default: Bowline's own credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("pattern" = forms::ROLE_ARN))]
    pub role_arn: Option<String>,
    /// The object that holds the bit, `s3://BUCKET/KEY`, in a Region that is neither site's.
    /// Required.
    #[schemars(extend("pattern" = forms::S3_OBJECT))]
    pub object: String,
    /// Home's health check, which follows the bit. Required.
    #[schemars(extend("pattern" = forms::HEALTH_CHECK))]
    pub home_health_check_id: String,
    /// Standby's health check: home's, inverted. Required.
    #[schemars(extend("pattern" = forms::HEALTH_CHECK))]
    pub standby_health_check_id: String,
    /// The names whose records carry the checks. Required, at least one.
    #[schemars(length(min = 1))]
    pub names: Vec<NameSpec>,
}

/// A name that moves with the group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameSpec {
    /// The DNS name. Required.
    #[schemars(extend("pattern" = forms::HOST))]
    pub name: String,
    /// The id of its hosted zone. Required.
    #[schemars(extend("pattern" = forms::ZONE))]
    pub hosted_zone_id: String,
    /// The load balancer it leads to, by the policy's name; both sites must have it. Required.
    #[schemars(extend("pattern" = forms::LABEL))]
    pub load_balancer: String,
}
