//! What people see of a run and of the claims that were found.

use super::*;
use crate::node::testing::{Bench, down, fit, looked};
use crate::op::{Answer, Fault, FenceView, KubeOp, Op};
use crate::run::Record;
use crate::step::QuestionKind;
use crate::testing::claim;

fn status(bench: &Bench) -> GroupStatus {
    bench.group.status(Some("a".into()), bench.now)
}

#[test]
fn s10_a_question_shows_what_a_yes_may_lose_or_that_nobody_knows() {
    let asked = |kind, loss_ms| {
        let run = status(&Bench::fit().asking(kind, loss_ms)).run.unwrap();
        let [ask] = &run.asks[..] else { panic!("{run:?}") };
        assert_eq!((ask.step.as_str(), ask.why.as_str()), ("approval", "why"));
        assert!(ask.command.starts_with("bowline approve shop --run r1"), "{}", ask.command);
        (ask.loss_ms, ask.loss_unknown)
    };
    assert_eq!(asked(QuestionKind::AcceptLoss, Some(61_000)), (Some(61_000), false));
    assert_eq!(asked(QuestionKind::AcceptLoss, Some(u64::MAX)), (None, true));
    assert_eq!(asked(QuestionKind::Approve, None), (None, false));
}

#[test]
fn a_run_shows_how_far_it_is_and_its_steps_as_long_as_it_has_anything_to_do() {
    let phase = |bench: &Bench| status(bench).run.map(|run| run.phase);
    assert_eq!(phase(&Bench::fit()), None);
    assert_eq!(phase(&Bench::fit().prewarming()), Some("prewarm".into()));
    let moving = Bench::fit().failing_over();
    let waits = "moving; waits, since users may be served where it leaves";
    assert_eq!(phase(&moving), Some(waits.into()), "nobody knows");
    let moving = moving.sampled(down);
    let run = status(&moving).run.unwrap();
    assert_eq!((run.run.as_str(), run.phase.as_str()), ("r1", "moving"));
    let standing = run.steps.iter().filter(|step| step.standing).map(|step| step.step.to_string());
    assert!(standing.collect::<Vec<_>>().contains(&"fence.standing".to_owned()));
    assert_eq!(run.steps[0].state, StepState::Pending);
    let back = moving.told(vec![Record::Unwinding { why: "cancelled".into() }]);
    assert_eq!(phase(&back), Some("unwinding: cancelled".into()));
    let left = Bench::fit().failed_over_but(&["fence.standing"]);
    assert_eq!(phase(&left), Some("moved; obligations are left".into()));
    assert_eq!(phase(&Bench::fit().failed_over()), None);
}

#[test]
fn a_step_that_is_open_shows_what_it_last_said() {
    let mut bench = Bench::fit().recorded().failing_over();
    bench.now.wall = Wall(2_000);
    bench.group.decision = Some(Decision::Hold(crate::decide::HoldWhy::RunOpen));
    bench.turns(|_| Err(Fault::Transient("503".into())));
    let run = status(&bench).run.unwrap();
    let open: Vec<_> = run.steps.iter().filter(|step| !step.note.is_empty()).collect();
    assert!(!open.is_empty(), "{run:?}");
    for step in open {
        assert_eq!(bench.group.desk.note(&step.step), Some(&*step.note));
    }
}

#[test]
fn s1_claims_are_shown_with_their_places_and_which_is_somebody_elses() {
    let stranger = |op: &Op| match op {
        Op::Kube(_, KubeOp::Fence(_)) => {
            let (version, claim) = ("1".into(), claim(9, "shop-9-failover"));
            Ok(Answer::Fence(Some(FenceView { version, claim })))
        }
        _ => fit(op),
    };
    let mut bench = Bench::of(looked(stranger)).failing_over();
    bench.group.known.gate_claim = Some(claim(1, "r1"));
    let claims = status(&bench).claims;
    let found: Vec<_> = claims.iter().map(|found| (found.place.as_str(), found.foreign)).collect();
    assert_eq!(found, [("home's cluster", true), ("standby's cluster", true), ("the gate", false)]);
    assert_eq!(claims[0].claim, "epoch=9 run=shop-9-failover");
}

#[test]
fn each_site_is_asked_what_it_is_for() {
    let mut bench = Bench::fit().sampled(fit);
    for site in Site::BOTH {
        let replication = bench.group.known.replication.entry(site).or_default();
        replication.described(Wall(900_000), true);
        replication.point(Wall(960_000), Some(1_000));
    }
    let status = status(&bench);
    let [home, standby] = &status.sites[..] else { panic!("{status:?}") };
    assert_eq!((home.serving, home.ready), (Some(Answer3::Yes), None));
    assert_eq!((standby.serving, standby.ready), (None, Some(Answer3::Yes)));
    let behind = |site: &SiteStatus| site.replication.and_then(|sample| sample.behind_ms);
    assert_eq!((behind(home), behind(standby)), (None, Some(1_000)), "of the passive one");
    assert_eq!((home.reach, standby.signals.len()), (Reach::Answers, 4));
}
