//! Rate budgets: what AWS gives an account per second is shared with everybody else in it, so a
//! process sends no more than its share of an API's quota.
//!
//! Nothing waits here: over budget is [`Fault::Throttled`] with the time until the next turn, and
//! whoever is told so comes back then. Turns are handed out one by one, so that those who wait do
//! not all come back at once, for one token. A look leaves some of a bucket for changes: watching
//! never keeps a failover from being sent.

use super::{Fault, Op, Route53Op};
use crate::model::{Mono, Region, RoleArn, Span};

/// Quotas that AWS counts apart. Sources: `docs/aws.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
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

/// A process's share of a quota: how many calls at once, and how often one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quota {
    /// The bucket's size.
    burst: u32,
    /// What part of it looks leave for changes.
    spare: u32,
    /// How long one token takes.
    every: Span,
}

impl Counter {
    /// Our share.
    fn quota(self) -> Quota {
        let (burst, spare, every_ms) = match self {
            // Five a second is the older documented limit; today's is a bucket of 50 with 10/s.
            Self::Route53 => (20, 8, 200),
            // AWS' is 4 with 1/s. Nobody else is likely to ask, but requests that set out a second
            // apart may come in closer together.
            Self::CheckStatus => (3, 0, 1_100),
            // Half of a bucket of 40 with 10/s.
            Self::Elb => (20, 0, 200),
            // No documented limit; a run makes a few calls a second at most.
            Self::Rds => (20, 8, 200),
            // A cautious guess: surely below what AWS gives an account.
            Self::CloudWatch => (20, 0, 100),
            Self::Eks => (5, 0, 1_000),
        };
        Quota { burst, spare, every: Span::millis(every_ms) }
    }
}

/// Tokens, known by the instant at which all of them will be there.
#[derive(Clone, Debug)]
struct Bucket {
    quota: Quota,
    full_at: Mono,
    /// The last turn that a look was told.
    told: Mono,
}

impl Bucket {
    fn full(quota: Quota, now: Mono) -> Self {
        Self { quota, full_at: now, told: now }
    }

    /// Takes a token, or says how long until there is one that was told to nobody else.
    fn take(&mut self, now: Mono, mutates: bool) -> Result<(), Span> {
        let Quota { burst, spare, every } = self.quota;
        let usable = if mutates { burst } else { burst - spare };
        let full_at = self.full_at.max(now) + every;
        let missing = full_at.since(now + every.times(u64::from(usable)));
        if missing == Span::ZERO {
            self.full_at = full_at;
            return Ok(());
        }
        if mutates {
            return Err(missing);
        }
        self.told = (now + missing).max(self.told + every);
        Err(self.told.since(now))
    }

    /// Takes a token that need not be there yet: whoever comes next waits for it.
    fn owe(&mut self, now: Mono) {
        self.full_at = self.full_at.max(now) + self.quota.every;
    }
}

/// Whose quota a call is counted against: AWS counts per account and Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share<'a> {
    counter: Counter,
    region: Option<&'a Region>,
    account: Option<&'a str>,
}

impl<'a> Share<'a> {
    /// The quota of calls that one role makes; without a Region, those of a service that has one
    /// endpoint for all.
    #[must_use]
    pub fn new(role: Option<&'a RoleArn>, region: Option<&'a Region>, counter: Counter) -> Self {
        Self { counter, region, account: role.and_then(account) }
    }

    /// The quota that a call is counted against; `None` where AWS is not asked.
    #[must_use]
    pub fn of(op: &'a Op) -> Option<Self> {
        let (scope, counter) = match op {
            Op::Route53(role, op) => {
                let status = matches!(op, Route53Op::CheckStatus(_));
                let counter = if status { Counter::CheckStatus } else { Counter::Route53 };
                return Some(Self::new(role.as_ref(), None, counter));
            }
            Op::Elb(scope, _) => (scope, Counter::Elb),
            Op::Rds(scope, _) => (scope, Counter::Rds),
            Op::CloudWatch(scope, _) => (scope, Counter::CloudWatch),
            _ => return None,
        };
        Some(Self::new(scope.role.as_ref(), Some(&scope.region), counter))
    }
}

/// The account of a role: the fifth part of its ARN.
fn account(role: &RoleArn) -> Option<&str> {
    role.as_str().split(':').nth(4)
}

/// The bucket of a share that something was asked of.
#[derive(Clone, Debug)]
struct Used {
    counter: Counter,
    region: Option<Region>,
    account: Option<Box<str>>,
    bucket: Bucket,
}

impl Used {
    fn is(&self, share: &Share<'_>) -> bool {
        self.counter == share.counter
            && self.region.as_ref() == share.region
            && self.account.as_deref() == share.account
    }
}

/// The buckets of all accounts that a process makes calls in: a few.
#[derive(Clone, Debug, Default)]
pub struct Budgets {
    used: Vec<Used>,
}

impl Budgets {
    /// Takes a turn for one request.
    ///
    /// # Errors
    /// [`Fault::Throttled`] when there is none: the request is not to be sent, and may be asked for
    /// again when the fault says.
    pub fn take(&mut self, share: &Share<'_>, now: Mono, mutates: bool) -> Result<(), Fault> {
        let taken = self.bucket(share, now).take(now, mutates);
        taken.map_err(|missing| Fault::Throttled { after: Some(missing) })
    }

    /// Takes a turn for a request that goes on with what another one began. It is always to be
    /// sent: a look in pages that could be refused halfway would begin again, and never end.
    pub fn go_on(&mut self, share: &Share<'_>, now: Mono) {
        self.bucket(share, now).owe(now);
    }

    fn bucket(&mut self, share: &Share<'_>, now: Mono) -> &mut Bucket {
        let known = self.used.iter().position(|used| used.is(share));
        let index = known.unwrap_or_else(|| {
            let bucket = Bucket::full(share.counter.quota(), now);
            let (counter, region) = (share.counter, share.region.cloned());
            let account = share.account.map(Into::into);
            self.used.push(Used { counter, region, account, bucket });
            self.used.len() - 1
        });
        &mut self.used[index].bucket
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;
    use crate::op::{CloudWatchOp, ElbOp, LoadBalancerSelector, Metric, RdsOp, StoreOp};

    const QUOTA: Quota = Quota { burst: 4, spare: 1, every: Span::secs(1) };

    fn ms(n: u64) -> Span {
        Span::millis(n)
    }

    #[test]
    fn a_bucket_is_emptied_and_fills_at_its_rate() {
        let mut bucket = Bucket::full(QUOTA, Mono(0));
        for _ in 0..4 {
            assert_eq!(bucket.take(Mono(0), true), Ok(()));
        }
        assert_eq!(bucket.take(Mono(0), true), Err(ms(1_000)));
        assert_eq!(bucket.take(Mono(400), true), Err(ms(600)), "a refusal takes nothing");
        assert_eq!(bucket.take(Mono(1_000), true), Ok(()));
        assert_eq!(bucket.take(Mono(1_000), true), Err(ms(1_000)));
        let taken = (0..10).filter(|_| bucket.take(Mono(3_600_000), true).is_ok()).count();
        assert_eq!(taken, 4, "it never holds more than its size");
    }

    #[test]
    fn looks_never_keep_a_change_from_being_sent() {
        let mut bucket = Bucket::full(QUOTA, Mono(0));
        let looks = (0..10).filter(|_| bucket.take(Mono(0), false).is_ok()).count();
        assert_eq!(looks, 3);
        assert_eq!(bucket.take(Mono(0), true), Ok(()));
        assert_eq!(bucket.take(Mono(0), true), Err(ms(1_000)));
    }

    #[test]
    fn those_who_wait_are_told_turns_of_their_own_and_find_them() {
        let mut bucket = Bucket::full(QUOTA, Mono(0));
        let told: Vec<_> = (0..8).filter_map(|_| bucket.take(Mono(0), false).err()).collect();
        assert_eq!(told, [1_000, 2_000, 3_000, 4_000, 5_000].map(ms));
        for turn in told {
            assert_eq!(bucket.take(Mono(0) + turn, false), Ok(()), "{turn}");
        }
    }

    #[test]
    fn what_was_begun_is_ended_and_the_next_one_waits_for_it() {
        let mut bucket = Bucket::full(QUOTA, Mono(0));
        assert_eq!(bucket.take(Mono(0), false), Ok(()));
        (0..5).for_each(|_| bucket.owe(Mono(0)));
        assert_eq!(bucket.take(Mono(0), true), Err(ms(3_000)));
        assert_eq!(bucket.take(Mono(3_000), true), Ok(()));
    }

    #[test]
    fn over_a_long_time_no_more_is_sent_than_the_quota_allows() {
        for counter in [Counter::Route53, Counter::CheckStatus, Counter::Elb, Counter::Rds] {
            let quota = counter.quota();
            let mut bucket = Bucket::full(quota, Mono(0));
            let span = quota.every.times(100).as_millis();
            let tries = (0..10_000).map(|n| Mono(span * n / 10_000));
            let sent = tries.filter(|at| bucket.take(*at, true).is_ok()).count();
            let allowed = usize::try_from(quota.burst).unwrap() + 100;
            assert!((allowed - 1..=allowed).contains(&sent), "{counter:?}: {sent} of {allowed}");
        }
    }

    #[test]
    fn accounts_regions_and_counters_have_buckets_of_their_own() {
        let mut budgets = Budgets::default();
        let role =
            |account: &str, name: &str| RoleArn::new(format!("arn:aws:iam::{account}:role/{name}"));
        let (a, b) = (role("111111111111", "dns"), role("222222222222", "dns"));
        let region = Region::new("us-east-1");
        let mut spent = |role: Option<&RoleArn>, region: Option<&Region>, counter: Counter| {
            let share = Share::new(role, region, counter);
            (0..100).filter(|_| budgets.take(&share, Mono(0), false).is_ok()).count()
        };
        assert_eq!(spent(Some(&a), None, Counter::CheckStatus), 3);
        assert_eq!(spent(Some(&role("111111111111", "other")), None, Counter::CheckStatus), 0);
        assert_eq!(spent(Some(&b), None, Counter::CheckStatus), 3);
        assert_eq!(spent(None, None, Counter::CheckStatus), 3);
        assert!(spent(Some(&a), None, Counter::Route53) >= 4);
        assert_eq!(spent(Some(&a), Some(&region), Counter::Elb), 20);
        assert_eq!(spent(Some(&a), Some(&Region::new("us-west-2")), Counter::Elb), 20);
    }

    #[test]
    fn a_further_page_is_counted_too() {
        let mut budgets = Budgets::default();
        let share = Share::new(None, None, Counter::CheckStatus);
        (0..3).for_each(|_| budgets.go_on(&share, Mono(0)));
        let waits = Fault::Throttled { after: Some(Counter::CheckStatus.quota().every) };
        assert_eq!(budgets.take(&share, Mono(0), true), Err(waits));
    }

    #[test]
    fn a_call_is_counted_where_aws_counts_it() {
        let role = Some(RoleArn::new("arn:aws:iam::111111111111:role/bowline"));
        let region = Region::new("eu-west-1");
        let scope = || Scope { region: region.clone(), role: role.clone() };
        let find = ElbOp::Find(LoadBalancerSelector::Arn("arn:web".into()));
        let metric = Metric::ReplicaLag("shop".into());
        let points = CloudWatchOp::Points { metric, since: crate::model::Wall(0) };
        let check = Route53Op::CheckStatus("check".into());
        let here = |counter| Some(Share::new(role.as_ref(), Some(&region), counter));
        let everywhere = |counter| Some(Share::new(role.as_ref(), None, counter));
        for (op, share) in [
            (Op::Elb(scope(), find), here(Counter::Elb)),
            (Op::Rds(scope(), RdsOp::Describe("shop".into())), here(Counter::Rds)),
            (Op::CloudWatch(scope(), points), here(Counter::CloudWatch)),
            (Op::Route53(role.clone(), check), everywhere(Counter::CheckStatus)),
            (Op::Route53(role.clone(), Route53Op::Zone("Z".into())), everywhere(Counter::Route53)),
            (Op::Store(StoreOp::Intents), None),
        ] {
            assert_eq!(Share::of(&op), share, "{op:?}");
        }
    }
}
