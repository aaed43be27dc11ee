//! The process's rate budgets ([`bowline_core::op::Budgets`]), as the calls to AWS see them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bowline_core::model::{Mono, Region, RoleArn};
use bowline_core::op::{self, Fault, Op, Share};
use tokio::time::Instant;

pub(super) use bowline_core::op::Counter;

/// The budgets of all accounts.
#[derive(Debug)]
pub(super) struct Budgets {
    began: Instant,
    all: Mutex<op::Budgets>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { began: Instant::now(), all: Mutex::default() }
    }
}

impl Budgets {
    /// The budget of one call that a role makes in a Region.
    pub(super) fn pace<'a>(
        &'a self,
        role: Option<&'a RoleArn>,
        region: &'a Region,
        counter: Counter,
    ) -> Pace<'a> {
        self.share(Share::new(role, Some(region), counter))
    }

    /// The budget of a call; `None` where AWS is not asked.
    pub(super) fn of<'a>(&'a self, op: &'a Op) -> Option<Pace<'a>> {
        Share::of(op).map(|share| self.share(share))
    }

    fn share<'a>(&'a self, share: Share<'a>) -> Pace<'a> {
        Pace { budgets: self, share, begun: AtomicBool::new(false) }
    }

    fn now(&self) -> Mono {
        Mono(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn all(&self) -> MutexGuard<'_, op::Budgets> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The budget of one call, which may make several requests.
pub(super) struct Pace<'a> {
    budgets: &'a Budgets,
    share: Share<'a>,
    begun: AtomicBool,
}

impl Pace<'_> {
    /// Takes a turn for one request that only looks.
    pub(super) fn look(&self) -> Result<(), Fault> {
        self.take(false)
    }

    /// Takes a turn for one request. What the first one began is ended: only that may be refused.
    pub(super) fn take(&self, mutates: bool) -> Result<(), Fault> {
        let now = self.budgets.now();
        if self.begun.load(Ordering::Relaxed) {
            self.budgets.all().go_on(&self.share, now);
            return Ok(());
        }
        self.budgets.all().take(&self.share, now, mutates)?;
        self.begun.store(true, Ordering::Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_look_that_was_begun_is_ended_and_others_wait_for_it() {
        let (budgets, region) = (Budgets::default(), Region::new("eu-west-1"));
        let pace = || budgets.pace(None, &region, Counter::Elb);
        let pages = pace();
        assert!((0..25).all(|_| pages.look().is_ok()));
        let next = pace();
        let turn = next.look().unwrap_err().turn().unwrap();
        assert_eq!(turn.as_millis(), 1_200, "the five over it and its own");
        tokio::time::advance(Duration::from_millis(turn.as_millis())).await;
        assert!(next.look().is_ok());
        assert!(budgets.pace(None, &region, Counter::Rds).look().is_ok());
    }
}
