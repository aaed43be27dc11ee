//! Real replicas under every kind of trouble: whatever they do, no promise may break.

use bowline_core::lease::LeaseTimes;
use bowline_core::model::{Mono, Site, Span};
use bowline_core::node::Node;
use bowline_core::policy::{Mode, Policy, examples};

use super::super::{Oracle, Verdict};
use crate::faults::{Evidence, Rates, Reach, Spell, Trouble};
use crate::harness::{Simulation, replicas};
use crate::store::Condition;
use crate::world::{World, WorldSpec};

/// Replicas in a sweep.
const REPLICAS: usize = 3;

/// When the trouble begins, how long it lasts, and when everything is looked at.
const FROM: Span = Span::mins(6);
const LASTS: Span = Span::mins(20);
const END: Span = Span::mins(45);

struct Sweep {
    simulation: Simulation<Node>,
    oracle: Oracle,
    began: Mono,
}

fn automatic() -> Policy {
    let mut policy = examples::shop();
    policy.automation.failover = Mode::Automatic;
    policy.automation.failback = Mode::Automatic;
    policy
}

impl Sweep {
    fn new(policy: &Policy, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::build(&WorldSpec::new(vec![policy.clone()]), &mut rng);
        let (began, oracle) = (world.began(), Oracle::new(std::slice::from_ref(policy), &world));
        let policies = vec![policy.clone()];
        let recruit = replicas((LeaseTimes::default(), world.reader.clone()));
        let mut simulation = Simulation::new(world, policies, rng.u64(..), REPLICAS, recruit);
        simulation.watch(Box::new(oracle.clone()));
        let arm = began + Span::mins(3);
        simulation.plan_intent(arm, policy.group.clone(), "ada", r#"{"want":"arm"}"#);
        Self { simulation, oracle, began }
    }

    fn plan(&mut self, from: Span, lasts: Span, trouble: Trouble) {
        let from = self.began + from;
        self.simulation.plan(Spell { from, until: Some(from + lasts), trouble });
    }

    fn trouble(&mut self, trouble: Trouble) {
        self.plan(FROM, LASTS, trouble);
    }

    /// Every replica in turn, again and again, from before the trouble until after it.
    fn one_by_one(&mut self, lasts: Span, trouble: impl Fn(usize) -> Trouble) {
        for n in 0..40 {
            let from = Span::secs(330 + 47 * n as u64);
            self.plan(from, lasts, trouble(n % REPLICAS));
        }
    }

    fn play(&mut self) -> Vec<String> {
        self.simulation.run_until(self.began + END);
        let verdicts = self.oracle.verdicts(&self.simulation.world, self.simulation.now());
        let broken = |(name, verdict)| match verdict {
            Verdict::Held => None,
            Verdict::Broken(why) => Some(format!("{name}: {why}")),
        };
        verdicts.into_iter().filter_map(broken).collect()
    }

    fn moved(&self) -> bool {
        self.simulation.world.groups()[0].answers.iter().any(|told| told.site != Some(Site::Home))
    }
}

fn home() -> bowline_core::model::Region {
    examples::shop().home.scope.region
}

/// Plays a sweep; no promise may break.
fn sweep(trouble: impl Fn(&mut Sweep)) -> Sweep {
    let mut sweep = Sweep::new(&automatic(), 1);
    trouble(&mut sweep);
    let broken = sweep.play();
    assert!(broken.is_empty(), "{broken:#?}");
    sweep
}

#[test]
fn real_replicas_keep_every_promise_when_a_region_dies() {
    let end = sweep(|sweep| sweep.trouble(Trouble::RegionDead(home())));
    assert!(end.moved(), "traffic was moved within 39 minutes");
}

#[test]
fn real_replicas_keep_every_promise_when_calls_go_wrong() {
    let rates = Rates {
        lost_before: 30,
        lost_after: 30,
        throttled: 20,
        transient: 30,
        twice: 30,
        delayed: 50,
        delay: Span::secs(8),
        ..Rates::default()
    };
    sweep(|sweep| {
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.plan(Span::mins(5), Span::mins(40), Trouble::Calls(rates));
    });
}

#[test]
fn real_replicas_keep_every_promise_when_they_crash_one_by_one() {
    sweep(|sweep| {
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.one_by_one(Span::secs(20), Trouble::Crashed);
    });
}

#[test]
fn real_replicas_keep_every_promise_when_they_stand_still_one_by_one() {
    sweep(|sweep| {
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.one_by_one(Span::secs(40), Trouble::Paused);
    });
}

#[test]
fn real_replicas_keep_every_promise_when_they_lose_their_store_one_by_one() {
    sweep(|sweep| {
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.one_by_one(Span::secs(30), |seat| Trouble::Cut {
            seat: Some(seat),
            from: Reach::Management,
        });
    });
}

#[test]
fn real_replicas_keep_every_promise_with_clocks_that_disagree() {
    sweep(|sweep| {
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.plan(Span::mins(1), END, Trouble::Skewed(0, -40_000));
        sweep.plan(Span::mins(1), END, Trouble::Skewed(2, 40_000));
    });
}

#[test]
fn real_replicas_change_nothing_while_the_store_is_full() {
    sweep(|sweep| {
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.plan(FROM, Span::mins(5), Trouble::Store(Condition::Full));
    });
}

#[test]
fn real_replicas_keep_every_promise_without_capacity() {
    let cluster = examples::shop().standby.cluster;
    sweep(|sweep| {
        let (cluster, pool) = (cluster.clone(), "dr".into());
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.trouble(Trouble::NoCapacity { cluster, pool, available: 1 });
    });
}

#[test]
fn real_replicas_keep_every_promise_against_a_gitops_controller() {
    let cluster = examples::shop().standby.cluster;
    sweep(|sweep| {
        let (cluster, every) = (cluster.clone(), Span::mins(3));
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.trouble(Trouble::GitOps { cluster, every });
    });
}

#[test]
fn s4_nothing_moves_while_home_serves_and_something_says_otherwise() {
    let region = home();
    let check = "11111111-2222-3333-4444-555555555555";
    for trouble in [
        Trouble::ApisDown(region.clone()),
        Trouble::Cut { seat: None, from: Reach::Region(region.clone()) },
        Trouble::Cut { seat: None, from: Reach::AllBeyond },
        Trouble::Cut { seat: None, from: Reach::All },
        Trouble::Blind,
        Trouble::FalseAlarm(Evidence::AlbTargets(region.clone())),
        Trouble::FalseAlarm(Evidence::Http(region.clone())),
        Trouble::FalseAlarm(Evidence::Route53Check(check.into())),
        Trouble::FalseAlarm(Evidence::ClusterApi(region.clone())),
        Trouble::RegionsApart,
    ] {
        let mut sweep = Sweep::new(&automatic(), 3);
        sweep.trouble(trouble.clone());
        let broken = sweep.play();
        assert!(broken.is_empty(), "{trouble:?}: {broken:#?}");
        assert!(!sweep.moved(), "{trouble:?}");
    }
}

#[test]
fn real_replicas_give_the_same_story_for_the_same_seed() {
    let digest = |seed| {
        let mut sweep = Sweep::new(&automatic(), seed);
        sweep.trouble(Trouble::RegionDead(home()));
        sweep.play();
        sweep.simulation.digest()
    };
    assert_eq!(digest(5), digest(5));
    assert_ne!(digest(5), digest(6));
}
