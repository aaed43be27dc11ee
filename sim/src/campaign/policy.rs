//! The policy of a campaign, and how fast its world is.

use std::fmt;
use std::sync::OnceLock;

use bowline_core::lease::LeaseTimes;
use bowline_core::model::Span;
use bowline_core::policy::{Policy, examples, load};

use crate::aws::rds::{Takes, Times};

/// The text of `sim/campaigns/quick.yaml`.
const QUICK: &str = include_str!("../../campaigns/quick.yaml");

/// The text of `sim/campaigns/brisk.yaml`.
const BRISK: &str = include_str!("../../campaigns/brisk.yaml");

/// The text of `sim/campaigns/swift.yaml`.
const SWIFT: &str = include_str!("../../campaigns/swift.yaml");

/// A policy with the pace that its world needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// How a schedule names it: `swift`, `brisk`, `quick`, `shop`, or the text of a FailoverGroup.
    pub source: String,
    /// The policy.
    pub policy: Policy,
    /// How long what RDS does by itself takes.
    pub rds: Times,
    /// The times of the replicas' lease.
    pub lease: LeaseTimes,
    /// When groups are armed.
    pub armed: Span,
    /// When the Region is lost, about.
    pub lost: Span,
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
    /// The story of the longest campaigns: as brisk, and looked at even more seldom.
    ///
    /// # Errors
    /// None, unless the policy in the source tree is not valid.
    pub fn swift() -> Result<Self, UnknownStory> {
        Self::read("swift")
    }

    /// The story of long campaigns: a round trip is over in a quarter of an hour, RDS is quick, and
    /// signals are looked at seldom.
    ///
    /// # Errors
    /// None, unless the policy in the source tree is not valid.
    pub fn brisk() -> Result<Self, UnknownStory> {
        Self::read("brisk")
    }

    /// Signals as often as people would have them: a round trip is over within the hour.
    ///
    /// # Errors
    /// None, unless the policy in the source tree is not valid.
    pub fn quick() -> Result<Self, UnknownStory> {
        Self::read("quick")
    }

    /// `swift`, `brisk`, `quick`, `shop`, or the text of one FailoverGroup.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(source: &str) -> Result<Self, UnknownStory> {
        // A campaign reads the same story for every seed.
        static OWN: [OnceLock<Result<Story, UnknownStory>>; 4] = [const { OnceLock::new() }; 4];
        let own = |nth: usize, text| OWN[nth].get_or_init(|| Self::load(source, text)).clone();
        match source {
            "brisk" => own(0, BRISK),
            "quick" => own(1, QUICK),
            "shop" => own(2, examples::SHOP),
            "swift" => own(3, SWIFT),
            text => Self::load(source, text),
        }
    }

    fn load(source: &str, text: &str) -> Result<Self, UnknownStory> {
        let loaded = load("the policy", text).map_err(|bad| UnknownStory(bad.to_string()))?;
        let policy = loaded.policies.into_iter().next();
        let policy = policy.ok_or_else(|| UnknownStory("the text holds no policy".into()))?;
        let minutes = |from, to| (Span::mins(from), Span::mins(to));
        let (armed, lost) = minutes(3, 5);
        let slow = Self {
            source: source.into(),
            policy,
            rds: Times::default(),
            lease: LeaseTimes::default(),
            armed,
            lost,
            safety: minutes(20, 60),
            home_within: Span::mins(480),
        };
        let brisk = |slow: Self| Self {
            rds: QUICK_RDS,
            armed: Span::secs(90),
            lost: Span::mins(3),
            safety: minutes(3, 9),
            home_within: Span::mins(150),
            ..slow
        };
        Ok(match source {
            "swift" => Self { lease: SELDOM, ..brisk(slow) },
            "brisk" => brisk(slow),
            "quick" => Self {
                rds: QUICK_RDS,
                safety: minutes(6, 20),
                home_within: Span::mins(150),
                ..slow
            },
            _ => slow,
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

/// A lease that is renewed less than half as often as usual.
const SELDOM: LeaseTimes =
    LeaseTimes { duration: Span::secs(24), renew_deadline: Span::secs(18), retry: Span::secs(5) };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policies_of_campaigns_are_valid() {
        for story in [Story::quick(), Story::brisk(), Story::swift()].map(Result::unwrap) {
            assert_eq!(story.policy.health.confirm, Span::secs(60));
            assert_eq!(Story::read(&story.source), Ok(story));
        }
        assert_eq!(Story::read("shop").unwrap().policy, examples::shop());
        assert_eq!(Story::read(examples::MINIMAL).unwrap().policy, examples::minimal());
        assert!(Story::read("kind: Pod").is_err());
    }
}
