//! The group's database, as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::forms;
use crate::model::Span;

/// A database of the group: an RDS instance and its cross-Region read replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DatabaseSpec {
    /// The policy's own name of it. Required.
    #[schemars(extend("pattern" = forms::LABEL))]
    pub name: String,
    /// How it is replicated and promoted. Required.
    pub rds_read_replica: ReadReplicaSpec,
    /// How the old writer is stopped. Required.
    pub fence: FenceSpec,
}

/// An RDS read replica in the other Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadReplicaSpec {
    /// The most data, in replication time, that a move may lose without a human's word. Required:
    /// it is your decision.
    pub max_lag: Span,
    /// How old the last good replication sample before the fault may be; at least two metric
    /// periods and their delay, which is 3m. Default: 3m.
    #[serde(default = "default_lag_fresh")]
    pub lag_fresh: Span,
    /// How long a promotion may take before a human is asked. Default: 20m.
    #[serde(default = "default_promote_timeout")]
    #[schemars(extend("pattern" = forms::POSITIVE))]
    pub promote_timeout: Span,
}

/// How the old writer is stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FenceSpec {
    /// What to do when the old writer cannot be reached, so cannot be confirmed stopped: `proceed`
    /// (and go on trying), or `ask` a human. Required: it is your decision.
    pub on_unknown: OnUnknownSpec,
}

/// What to do when the fence ends unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnUnknownSpec {
    /// Go on; what the old writer still takes is counted and reported as loss.
    Proceed,
    /// Ask a human.
    Ask,
}

fn default_lag_fresh() -> Span {
    super::super::resolve::SHORTEST_LAG_FRESH
}

fn default_promote_timeout() -> Span {
    Span::mins(20)
}
