//! The checks by name: those that the tests run, the deepest that a machine with 16 GiB takes, and
//! those that must fail.

use crate::chain::{self, ChainModel};
use crate::check::{Limits, Verdict, exhaust};
use crate::lease::{self, LeaseModel, ONE_LEADER, times};
use crate::run::{self, ONCE, Promise, Rds, Route, RunModel};

/// One check: a model with its bounds.
#[derive(Clone)]
pub enum Check {
    /// Of the lease.
    Lease(LeaseModel),
    /// Of the chain.
    Chain(ChainModel),
    /// Of a run.
    Run(RunModel),
}

impl Check {
    /// What is checked, with its bounds.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Lease(model) => model.name(),
            Self::Chain(model) => model.name(),
            Self::Run(model) => model.name(),
        }
    }

    /// Visits every state, and looks from each for a way to an end.
    #[must_use]
    pub fn play(&self, limits: Limits) -> Verdict {
        match self.clone() {
            Self::Lease(model) => exhaust(model.name(), model, limits),
            Self::Chain(model) => exhaust(model.name(), model, limits),
            Self::Run(model) => exhaust(model.name(), model, limits),
        }
    }
}

/// What the tests check: under two minutes, all together.
#[must_use]
pub fn quick() -> Vec<Check> {
    vec![
        Check::Lease(LeaseModel::new(lease::Bounds { adrift: 0, ..lease::Bounds::small() })),
        Check::Chain(ChainModel::new(chain::Bounds::small())),
        Check::Run(RunModel::new(run::Bounds::small(Route::Gate))),
        Check::Run(RunModel::new(late_door())),
    ]
}

/// As deep as a machine with 16 GiB and two cores takes it in an hour.
#[must_use]
pub fn deep() -> Vec<Check> {
    let run = |bounds| Check::Run(RunModel::new(bounds));
    let chain = |bounds| Check::Chain(ChainModel::new(bounds));
    let lease = |bounds| Check::Lease(LeaseModel::new(bounds));
    let gate = run::Bounds::small(Route::Gate);
    let batch = run::Bounds::small(Route::Batch);
    let fenced = run::Bounds::small(Route::Fenced);
    let three = run::Bounds { replicas: 3, leads: 3, once: true, prompt: true, ..gate };
    let writers = chain::Bounds { writers: 3, wishes: 1, ..chain::Bounds::small() };
    let small = lease::Bounds::small;
    vec![
        run(gate),
        run(batch),
        run(run::Bounds { cancels: 1, ..gate }),
        run(run::Bounds { crashes: 1, pauses: 1, ..gate }),
        run(run::Bounds { crashes: 1, pauses: 1, skew_secs: 60, ..gate }),
        run(run::Bounds { losses: 1, pauses: 1, ..gate }),
        run(run::Bounds { doubles: 1, ..gate }),
        run(fenced),
        run(run::Bounds { route: Route::Fenced, ..late_door() }),
        run(run::Bounds { route: Route::Short, once: false, ..three }),
        run(three),
        chain(writers),
        chain(chain::Bounds { wishes: 2, timeouts: 0, doubles: 0, ..writers }),
        lease(lease::Bounds { adrift: 0, ..lease::Bounds::skewed() }),
        lease(small()),
        lease(lease::Bounds { adrift: 0, rare: true, times: times(2, 1, 1), ..small() }),
        lease(lease::Bounds::three(times(2, 1, 1))),
    ]
}

/// The call that closes the old writer's door is given up and still on its way; the run is
/// cancelled, and sees the door open.
fn late_door() -> run::Bounds {
    let small = run::Bounds::small(Route::Door);
    run::Bounds { leads: 1, cancels: 1, losses: 1, pauses: 1, ..small }
}

/// Mistakes, each with a promise that it breaks.
#[must_use]
pub fn mistakes() -> Vec<(Check, &'static str)> {
    let mut all = Vec::new();
    let lease = |bounds, mistake| (Check::Lease(LeaseModel { bounds, mistake }), ONE_LEADER);
    let small = lease::Bounds::small;
    all.push(lease(small(), lease::Mistake::BlindStore));
    let outlasts = lease::Bounds { times: times(3, 4, 1), ..small() };
    all.push(lease(outlasts, lease::Mistake::None));
    let skewed = lease::Bounds { rates: vec![1, 2], times: times(6, 4, 1), ..small() };
    all.push(lease(skewed, lease::Mistake::None));

    let chain = |mistake, promise| {
        let bounds = chain::Bounds::small();
        (Check::Chain(ChainModel { bounds, mistake }), promise)
    };
    all.push(chain(chain::Mistake::Overwrites, chain::CREATE_ONLY));
    all.push(chain(chain::Mistake::Forgets, chain::ACCEPTED));
    let bounds = chain::Bounds { timeouts: 0, doubles: 0, ..chain::Bounds::small() };
    let rebases = ChainModel { bounds, mistake: chain::Mistake::Rebases };
    all.push((Check::Chain(rebases), chain::LOST));

    let small = run::Bounds::small(Route::Gate);
    let run = |bounds, mistake, promise| (Check::Run(RunModel::wrong(bounds, mistake)), promise);
    let of = |promise: Promise| promise.name();
    all.push(run(small, run::Mistake::StoreOverwrites, of(Promise::Chain)));
    all.push(run(small, run::Mistake::StoreRebases, run::ONE_CHAIN));
    all.push(run(small, run::Mistake::GateOverwrites, of(Promise::Stale)));
    all.push(run(small, run::Mistake::ActsBeforeItsRecord, of(Promise::Recorded)));
    let cancels = run::Bounds { cancels: 1, leads: 1, ..small };
    all.push(run(cancels, run::Mistake::UnwindsWhatIsCommitted, run::BACK));
    all.push(run(cancels, run::Mistake::TakesBackWhatWasSent, run::UNWOUND));
    all.push(run(late_door(), run::Mistake::TrustsAnOpenDoor, run::UNWOUND));
    // Patience alone cannot stop a call that is doubled on its way: RDS must refuse the second.
    let repeats = run::Bounds { rds: Rds::Repeats, doubles: 1, leads: 1, ..small };
    all.push(run(repeats, run::Mistake::None, ONCE));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { threads: 2, generated: 20_000_000 };

    #[test]
    fn s5_s6_every_bounded_check_is_exhausted_and_everything_can_end() {
        for check in quick() {
            let played = check.play(LIMITS);
            println!("{played}");
            assert!(played.holds(), "{played}");
        }
    }

    #[test]
    fn every_mistake_is_found_by_the_promise_that_names_it() {
        for (check, promise) in mistakes() {
            let verdict = check.play(LIMITS);
            println!("{verdict}");
            assert!(verdict.way_to(promise).is_some(), "{promise}: {verdict}");
        }
    }
}
