//! Rate budgets: what AWS gives an account per second is shared with everybody else in it, so a
//! call that would be over our share is not sent.
//!
//! Nothing waits here: over budget is [`Fault::Throttled`] with the time until the next turn. A
//! look leaves some of the bucket for changes: watching never keeps a failover from being sent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bowline_core::model::{Region, RoleArn, Span};
use bowline_core::op::Fault;
use tokio::time::Instant;

/// A quota: how many calls at once, and how often one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    /// The bucket's size.
    pub(super) burst: u32,
    /// What part of it looks leave for changes.
    pub(super) spare: u32,
    /// How long one token takes.
    pub(super) every: Duration,
}

/// Quotas that AWS counts apart. Sources: `docs/aws.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Counter {
    /// Route 53 but for the next.
    Route53,
    /// `GetHealthCheckStatus`.
    CheckStatus,
    /// ELBv2's `Describe*`.
    Elb,
    /// RDS.
    Rds,
    /// CloudWatch's `GetMetricData`.
    CloudWatch,
    /// EKS' `DescribeCluster`.
    Eks,
}

impl Counter {
    /// Our share.
    pub(super) fn quota(self) -> Quota {
        let (burst, spare, every_ms) = match self {
            // Five a second is the older documented limit; today's is a bucket of 50 with 10/s.
            Self::Route53 => (20, 8, 200),
            // All of it: nobody else is likely to ask.
            Self::CheckStatus => (4, 0, 1_000),
            // Half of a bucket of 40 with 10/s.
            Self::Elb => (20, 0, 200),
            // No documented limit; a run makes a few calls a second at most.
            Self::Rds => (20, 8, 200),
            // A cautious guess: surely below what AWS gives an account.
            Self::CloudWatch => (20, 0, 100),
            Self::Eks => (5, 0, 1_000),
        };
        Quota { burst, spare, every: Duration::from_millis(every_ms) }
    }
}

/// Tokens, known by the instant at which all of them will be there.
#[derive(Debug)]
struct Bucket {
    quota: Quota,
    full_at: Instant,
}

impl Bucket {
    /// Takes a token, or says how long until there is one.
    fn take(&mut self, now: Instant, mutates: bool) -> Result<(), Duration> {
        let Quota { burst, spare, every } = self.quota;
        let usable = if mutates { burst } else { burst - spare };
        let full_at = self.full_at.max(now) + every;
        let missing = full_at.duration_since(now).saturating_sub(every * usable);
        if missing > Duration::ZERO {
            return Err(missing);
        }
        self.full_at = full_at;
        Ok(())
    }
}

/// Whose quota a call is counted against: AWS counts per account and Region.
type Key = (Option<Arc<str>>, Region, Counter);

/// The buckets of all accounts.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    buckets: Mutex<BTreeMap<Key, Bucket>>,
}

impl Budgets {
    /// The budget of calls that one role makes in one Region.
    pub(super) fn pace(
        &self,
        role: Option<&RoleArn>,
        region: &Region,
        counter: Counter,
    ) -> Pace<'_> {
        Pace { budgets: self, key: (role.and_then(account), region.clone(), counter) }
    }

    fn take(&self, key: &Key, now: Instant, mutates: bool) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Bucket { quota: key.2.quota(), full_at: now };
        buckets.entry(key.clone()).or_insert_with(new).take(now, mutates)
    }
}

/// The account of a role: the fifth part of its ARN.
fn account(role: &RoleArn) -> Option<Arc<str>> {
    role.as_str().split(':').nth(4).map(Arc::from)
}

/// One quota, as the calls that it covers see it.
pub(super) struct Pace<'a> {
    budgets: &'a Budgets,
    key: Key,
}

impl Pace<'_> {
    /// Takes a turn for one request that only looks.
    pub(super) fn look(&self) -> Result<(), Fault> {
        self.take(false)
    }

    /// Takes a turn for one request.
    pub(super) fn take(&self, mutates: bool) -> Result<(), Fault> {
        self.budgets.take(&self.key, Instant::now(), mutates).map_err(|missing| {
            let millis = u64::try_from(missing.as_millis()).unwrap_or(u64::MAX);
            Fault::Throttled { after: Some(Span::millis(millis.max(1))) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { burst: 4, spare: 1, every: Duration::from_secs(1) };

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_bucket_is_emptied_and_fills_at_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket { quota: QUOTA, full_at: start };
        for _ in 0..4 {
            assert_eq!(bucket.take(start, true), Ok(()));
        }
        assert_eq!(bucket.take(start, true), Err(ms(1_000)));
        assert_eq!(bucket.take(start + ms(400), true), Err(ms(600)), "a refusal takes nothing");
        assert_eq!(bucket.take(start + ms(1_000), true), Ok(()));
        assert_eq!(bucket.take(start + ms(1_000), true), Err(ms(1_000)));
        let later = start + Duration::from_secs(3_600);
        let taken = (0..10).filter(|_| bucket.take(later, true).is_ok()).count();
        assert_eq!(taken, 4, "it never holds more than its size");
    }

    #[test]
    fn looks_never_keep_a_change_from_being_sent() {
        let start = Instant::now();
        let mut bucket = Bucket { quota: QUOTA, full_at: start };
        let looks = (0..10).filter(|_| bucket.take(start, false).is_ok()).count();
        assert_eq!(looks, 3);
        assert_eq!(bucket.take(start, true), Ok(()));
        assert_eq!(bucket.take(start, true), Err(ms(1_000)));
    }

    #[test]
    fn over_a_long_time_no_more_is_sent_than_the_quota_allows() {
        for counter in [Counter::Route53, Counter::CheckStatus, Counter::Elb, Counter::Rds] {
            let quota = counter.quota();
            let start = Instant::now();
            let mut bucket = Bucket { quota, full_at: start };
            let span = quota.every * 100;
            let tries = (0..10_000_u32).map(|n| start + span * n / 10_000);
            let sent = tries.filter(|at| bucket.take(*at, true).is_ok()).count();
            let allowed = usize::try_from(quota.burst).unwrap() + 100;
            assert!((allowed - 1..=allowed).contains(&sent), "{counter:?}: {sent} of {allowed}");
        }
    }

    #[test]
    fn accounts_regions_and_counters_have_buckets_of_their_own() {
        let budgets = Budgets::default();
        let role =
            |account: &str, name: &str| RoleArn::new(format!("arn:aws:iam::{account}:role/{name}"));
        let (a, b) = (role("111111111111", "dns"), role("222222222222", "dns"));
        let region = Region::new("us-east-1");
        let now = Instant::now();
        let spent = |role: Option<&RoleArn>, counter: Counter| {
            let pace = budgets.pace(role, &region, counter);
            (0..100).filter(|_| budgets.take(&pace.key, now, false).is_ok()).count()
        };
        assert_eq!(spent(Some(&a), Counter::CheckStatus), 4);
        assert_eq!(spent(Some(&role("111111111111", "other")), Counter::CheckStatus), 0);
        assert_eq!(spent(Some(&b), Counter::CheckStatus), 4);
        assert_eq!(spent(None, Counter::CheckStatus), 4);
        assert!(spent(Some(&a), Counter::Route53) >= 4);
        let pace = budgets.pace(None, &Region::new("us-west-2"), Counter::CheckStatus);
        let refused = (0..5).find_map(|_| pace.look().err());
        assert!(
            matches!(refused, Some(Fault::Throttled { after: Some(after) }) if after.0 > 0),
            "{refused:?}"
        );
    }
}
