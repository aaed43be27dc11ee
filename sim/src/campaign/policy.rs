//! The policy of a campaign, and how fast its world is.

use std::fmt;

use bowline_core::model::Span;
use bowline_core::policy::{Policy, examples, load};

use crate::aws::rds::{Takes, Times};

/// The text of `sim/campaigns/quick.yaml`.
const QUICK: &str = include_str!("../../campaigns/quick.yaml");

/// A policy with the pace that its world needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// How a schedule names it: `quick`, `shop`, or the text of a FailoverGroup.
    pub source: String,
    /// The policy.
    pub policy: Policy,
    /// How long what RDS does by itself takes.
    pub rds: Times,
    /// The shortest and the longest time in which things go wrong.
    pub safety: (Span, Span),
    /// Within so long after that, everything is at home again.
    pub home_within: Span,
}

/// Why there is no such story: what is wrong with the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStory(String);

impl fmt::Display for UnknownStory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UnknownStory {}

impl Story {
    /// The policy made for campaigns: a round trip is over within the hour, and RDS is quick.
    ///
    /// # Errors
    /// None, unless the policy in the source tree is not valid.
    pub fn quick() -> Result<Self, UnknownStory> {
        Self::read("quick")
    }

    /// `quick`, `shop`, or the text of one FailoverGroup.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(source: &str) -> Result<Self, UnknownStory> {
        let text = match source {
            "quick" => QUICK,
            "shop" => examples::SHOP,
            text => text,
        };
        let loaded = load("the policy", text).map_err(|bad| UnknownStory(bad.to_string()))?;
        let policy = loaded.policies.into_iter().next();
        let policy = policy.ok_or_else(|| UnknownStory("the text holds no policy".into()))?;
        let quick = source == "quick";
        Ok(Self {
            source: source.into(),
            policy,
            rds: if quick { QUICK_RDS } else { Times::default() },
            safety: match quick {
                true => (Span::mins(6), Span::mins(20)),
                false => (Span::mins(20), Span::mins(60)),
            },
            home_within: if quick { Span::mins(150) } else { Span::mins(480) },
        })
    }
}

/// A small database: everything that takes minutes takes seconds.
const QUICK_RDS: Times = Times {
    promotion: Takes::secs(15, 40),
    rename: Takes::secs(2, 10),
    replica: Takes::secs(20, 60),
    reboot: Takes::secs(2, 8),
    backup: Takes::secs(20, 60),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_of_campaigns_are_valid() {
        let quick = Story::quick().unwrap();
        assert_eq!(quick.policy.health.confirm, Span::secs(60));
        assert_eq!(Story::read("shop").unwrap().policy, examples::shop());
        assert_eq!(Story::read(examples::MINIMAL).unwrap().policy, examples::minimal());
        assert!(Story::read("kind: Pod").is_err());
    }
}
