//! What is seen of the world, as values.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::Wall;

/// Yes, no or unknown. Unknown is a value: never an error, and never "down".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer3 {
    /// Proven so.
    Yes,
    /// Proven not so.
    No,
    /// Not proven either way.
    Unknown,
}

impl fmt::Display for Answer3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
        })
    }
}

/// One point of a metric: what was counted or measured, and when by the service's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The start of the point's period.
    pub at: Wall,
    /// The value in thousandths of the metric's own unit; negative values are kept as they came.
    pub thousandths: i64,
}

/// One replication sample of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// When it was measured, by the service's clock.
    pub at: Wall,
    /// Milliseconds behind the source; `None` when the engine reported nonsense (−1 or NaN).
    pub behind_ms: Option<u64>,
    /// Whether the instance said that it was streaming from its source at that time.
    pub streaming: bool,
}

/// ARN of an ALB or NLB.
pub type LoadBalancerArn = std::sync::Arc<str>;

/// ARN of a target group.
pub type TargetGroupArn = std::sync::Arc<str>;
