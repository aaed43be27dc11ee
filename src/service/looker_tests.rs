//! A replica that only looks, around the simulated world after some minutes of peace.

use std::sync::Mutex;

use bowline_core::model::Site;
use bowline_core::node::{Prospect, Verdict, Walk, extra_findings, extras};
use bowline_core::plan::PlanKind;
use bowline_core::policy::examples;
use bowline_core::run::Refusal;
use bowline_sim::faults::Trouble;
use bowline_sim::story::{Stage, find};
use bowline_sim::world::{Outcome, World};

use super::*;
use crate::edges::kube::Boxed;

/// A world that stands still while somebody looks at it.
struct Still(Mutex<World>, Now);

impl Remote for Still {
    fn perform<'a>(&'a self, op: &'a Op, deadline: Instant) -> Boxed<'a, Result<Answer, Fault>> {
        assert!(!op.mutates(), "nothing that changes anything comes so far: {op:?}");
        let outcome = {
            let mut world = self.0.lock().unwrap();
            world.perform(op, self.1, &mut fastrand::Rng::with_seed(7))
        };
        Box::pin(async move {
            match outcome {
                Outcome::Answered(result) => result,
                Outcome::Silent => {
                    tokio::time::sleep_until(deadline).await;
                    Err(Fault::Transient("no answer in time".into()))
                }
            }
        })
    }

    fn adopt(&self, _: &[Policy]) {}
}

/// The shop after some minutes: armed, serving at home.
fn armed() -> Stage {
    let mut stage = Stage::new(find("switchover").unwrap(), &examples::shop(), 1);
    let mut told = Vec::new();
    while !stage.ledgers().values().all(|ledger| ledger.armed) {
        assert!(stage.step(&mut told), "never armed");
    }
    stage
}

/// Somebody who looks at a story, at the story's own time of day.
fn looker(stage: Stage) -> (Looker, GroupName) {
    let policies = stage.policies().to_vec();
    let group = policies[0].group.clone();
    let now = stage.simulation.now();
    let remote = Arc::new(Still(Mutex::new(stage.simulation.world), now));
    (Looker::at(Clock::at(now.wall), remote, policies), group)
}

async fn walked(looker: &Looker, group: &GroupName) -> Vec<bowline_core::node::StepPreview> {
    let preview = looker.node().preview(group, PlanKind::Failover, looker.now()).unwrap();
    let mut walk = Walk::new(preview, looker.now());
    loop {
        let wants = walk.wants();
        if wants.is_empty() {
            return walk.found().1;
        }
        for (look, answer) in looker.ask(wants).await {
            walk.answer(look, answer);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn looking_is_complete_and_the_plan_has_every_call_of_a_failover() {
    let (mut looker, group) = looker(armed());
    assert_eq!(looker.look(&group, Duration::from_secs(20)).await, Vec::<String>::new());
    let steps = walked(&looker, &group).await;
    let calls = |id: &str| {
        let step = steps.iter().find(|step| step.step.as_str() == id);
        match &step.unwrap_or_else(|| panic!("{id}")).does {
            Prospect::Calls { calls, .. } => calls.len(),
            other => panic!("{id}: {other:?}"),
        }
    };
    for id in ["claim.gaining", "claim.losing", "fence", "promote", "pool.dr"] {
        assert!(calls(id) >= 1, "{id}");
    }
    let unknown: Vec<_> =
        steps.iter().filter(|step| matches!(step.does, Prospect::Unknown { .. })).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(!looker.node().leads(looker.now().mono), "who only looks never leads");
}

#[tokio::test(start_paused = true)]
async fn a_fit_group_passes_every_check() {
    let (mut looker, group) = looker(armed());
    looker.look(&group, Duration::from_secs(20)).await;
    let findings = looker.node().check(&group);
    let bad: Vec<_> = findings.iter().filter(|one| one.verdict > Verdict::Warning).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let apexes = looker.node().apexes(&group);
    assert_eq!(apexes.len(), 1);
    let more = extras(&examples::shop(), &apexes);
    let ops = more.iter().map(|(_, op)| op.clone()).collect();
    for ((extra, _), (_, answer)) in more.iter().zip(looker.ask(ops).await) {
        let finding = extra_findings(&examples::shop(), extra, &answer, |_| true);
        assert_eq!(finding.verdict, Verdict::Ok, "{finding:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_dead_home_is_named_and_the_plan_is_told_all_the_same() {
    let mut stage = armed();
    let region = stage.policies()[0].site(Site::Home).scope.region.clone();
    let (now, mut rng) = (stage.simulation.now(), fastrand::Rng::with_seed(7));
    stage.simulation.world.begin(&Trouble::RegionDead(region), now, &mut rng);
    let (mut looker, group) = looker(stage);
    let missing = looker.look(&group, Duration::from_secs(20)).await;
    assert!(missing.iter().any(|one| one.starts_with("home's cluster")), "{missing:?}");
    assert!(!missing.iter().any(|one| one.starts_with("standby's")), "{missing:?}");
    let steps = walked(&looker, &group).await;
    let does = |id: &str| &steps.iter().find(|step| step.step.as_str() == id).unwrap().does;
    assert!(matches!(does("fence"), Prospect::Unknown { .. }));
    assert!(matches!(does("promote"), Prospect::Calls { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_move_to_where_the_traffic_is_already_and_one_beside_an_open_run_are_not_begun() {
    let (mut looker, group) = looker(armed());
    looker.look(&group, Duration::from_secs(20)).await;
    let back = looker.node().preview(&group, PlanKind::Failback, looker.now());
    assert_eq!(back.unwrap_err(), Refusal::AlreadyThere(Site::Home));
    let free = looker.node().preview(&group, PlanKind::Switchover, looker.now()).unwrap();
    assert_eq!(free.obstacles, Vec::<String>::new());

    let mut stage = armed();
    let mut told = Vec::new();
    while stage.ledgers()[&group].open_run().is_none() {
        assert!(stage.step(&mut told), "nothing was begun");
    }
    let run = stage.ledgers()[&group].open_run().unwrap().id.clone();
    let (mut looker, group) = self::looker(stage);
    looker.look(&group, Duration::from_secs(20)).await;
    let beside = looker.node().preview(&group, PlanKind::Failover, looker.now()).unwrap();
    let open = Refusal::RunOpen(run).to_string();
    assert!(beside.obstacles.contains(&open), "{:?}", beside.obstacles);
}
