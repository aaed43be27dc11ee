//! Plans of every kind, and plans that must be refused.

use std::collections::BTreeSet;

use super::*;
use crate::capacity::SetWorkload;
use crate::model::{Place, Site, Span, StepId, Wall};
use crate::step::{Question, QuestionKind};
use crate::testing::Ground;

mod whole;

fn ids(plan: &Plan) -> Vec<&str> {
    plan.steps.keys().map(StepId::as_str).collect()
}

/// Every step that must be done before this one.
fn before(plan: &Plan, id: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut todo = vec![id.to_owned()];
    while let Some(id) = todo.pop() {
        for need in plan.steps.get(id.as_str()).into_iter().flat_map(|step| &step.needs) {
            if found.insert(need.to_string()) {
                todo.push(need.to_string());
            }
        }
    }
    found
}

fn clean(plan: &Plan) {
    assert_eq!(lint(plan, &BTreeSet::new()), []);
}

#[test]
fn every_kind_of_plan_is_without_danger() {
    let ground = Ground::shop();
    for active in Site::BOTH {
        clean(&failover(&ground.survey(active)).unwrap());
        clean(&planned_move(&ground.survey(active)).unwrap());
        clean(&prewarm(&ground.survey(active)).unwrap());
    }
}

#[test]
fn s1_a_failover_fences_before_it_promotes_and_promotes_before_it_shifts() {
    let ground = Ground::shop();
    let plan = failover(&ground.survey(Site::Home)).unwrap();
    assert!(before(&plan, "promote").contains("fence"));
    assert!(before(&plan, "shift.Z0123456789").contains("promote"));
    assert!(before(&plan, "start.shop.web").contains("promote"));
    assert!(!before(&plan, "start.shop.cache").contains("promote"));
}

#[test]
fn s1_a_door_that_an_earlier_run_opened_is_closed_until_no_call_of_that_one_can_come() {
    let mut ground = Ground::shop();
    let asked = Wall(1_000_000);
    let until = |ground: &Ground| {
        let survey = ground.survey(Site::Home);
        let plans = [failover(&survey).unwrap(), planned_move(&survey).unwrap()];
        let steps = plans.iter().flat_map(|plan| plan.steps.values());
        let doors = steps.filter_map(|step| match &step.effect {
            Effect::Fence(fence) => Some(fence.opens_until),
            Effect::CloseDoor(close) => Some(close.opens_until),
            _ => None,
        });
        let doors: Vec<_> = doors.collect();
        assert!(doors.len() > 3 && doors.iter().all(|until| *until == doors[0]), "{doors:?}");
        doors[0]
    };
    assert_eq!(until(&ground), None);
    ground.reopened.insert(Site::Standby, asked);
    assert_eq!(until(&ground), None, "that door is the other one");
    ground.reopened.insert(Site::Home, asked);
    assert_eq!(until(&ground), Some(asked + Span::mins(6)));
}

#[test]
fn s9_a_failover_waits_for_nothing_of_the_failed_site_beyond_a_short_deadline() {
    let ground = Ground::shop();
    let plan = failover(&ground.survey(Site::Home)).unwrap();
    let failed = plan.steps.values().filter(|step| step.touches == Place::Site(Site::Home));
    for step in failed.filter(|step| !step.standing) {
        assert!(step.timeout.unwrap() <= Span::secs(60), "{step:?}");
        assert_ne!(step.on_timeout, OnTimeout::Fail, "{step:?}");
    }
}

#[test]
fn s10_a_question_stands_before_everything_that_cannot_be_undone() {
    let ground = Ground::shop();
    let mut survey = ground.survey(Site::Home);
    survey.question = Some(Question {
        kind: QuestionKind::AcceptLoss,
        why: "?".into(),
        loss_ms: Some(1),
        otherwise: "nothing".into(),
    });
    let plan = failover(&survey).unwrap();
    for id in ["fence", "promote", "losing.shop.web", "shift.Z0123456789"] {
        assert!(before(&plan, id).contains("approval"), "{id}");
    }
    assert!(!before(&plan, "pool.dr").contains("approval"), "capacity does not wait for people");
}

#[test]
fn a_planned_move_is_quiet_and_caught_up_before_it_promotes() {
    let ground = Ground::shop();
    let plan = planned_move(&ground.survey(Site::Standby)).unwrap();
    let before = before(&plan, "promote");
    for id in ["rebuild.home", "quiesce.shop.web", "close", "quiet", "caughtUp", "fence"] {
        assert!(before.contains(id), "{id} in {before:?}");
    }
    assert_eq!(plan.kind, PlanKind::Failback);
    // What was written until then must be there: to be near is not enough (S10).
    let Effect::CaughtUp(caught_up) = &plan.steps["caughtUp"].effect else { panic!("{plan:?}") };
    assert_eq!(caught_up.past, Some(StepId::new("quiet")));
}

#[test]
fn a_streaming_replica_is_not_rebuilt_before_the_move() {
    let ground = Ground::shop();
    let mut survey = ground.survey(Site::Home);
    survey.replica_streams = true;
    let plan = planned_move(&survey).unwrap();
    assert!(!ids(&plan).contains(&"rebuild.standby"), "{:?}", ids(&plan));
    assert!(ids(&plan).contains(&"rebuild.home"), "the other side is rebuilt afterwards");
    assert_eq!(plan.kind, PlanKind::Switchover);
}

#[test]
fn l2_a_failover_that_leads_home_goes_on_until_the_site_it_left_is_a_standby() {
    let ground = Ground::shop();
    let plan = failover(&ground.survey(Site::Standby)).unwrap();
    let armed = before(&plan, "armed");
    for id in ["verify", "fence.standing", "losing.shop.web", "rename.standby", "rebuild.standby"] {
        assert!(armed.contains(id), "{id} in {armed:?}");
    }
    for id in ["release.shop.web", "release.shop.invoices", "release.pool.dr", "nodesGone.dr"] {
        assert!(before(&plan, id).contains("rebuild.standby"), "{id}");
    }
    let shift = before(&plan, "verify");
    for step in plan.steps.iter().filter(|(id, _)| shift.contains(id.as_str())) {
        let waits = step.1.touches == Place::Site(Site::Standby) && !step.1.standing;
        assert!(!waits || step.1.timeout <= Some(Span::secs(60)), "S9: {step:?}");
    }
    let away = failover(&ground.survey(Site::Home)).unwrap();
    assert!(!ids(&away).contains(&"armed"), "the way home is a failback's");
}

#[test]
fn l2_a_failback_ends_armed_with_every_hold_released_and_its_nodes_gone() {
    let ground = Ground::shop();
    let plan = planned_move(&ground.survey(Site::Standby)).unwrap();
    let before = before(&plan, "armed");
    let all = ["release.shop.web", "release.shop.invoices", "release.pool.dr", "nodesGone.dr"];
    for id in all.into_iter().chain(["rebuild.standby"]) {
        assert!(before.contains(id), "{id} in {before:?}");
    }
}

#[test]
fn a_switchover_leaves_active_only_workloads_of_home_at_zero() {
    let ground = Ground::shop();
    let plan = planned_move(&ground.survey(Site::Home)).unwrap();
    assert!(ids(&plan).contains(&"release.shop.web"));
    assert!(!ids(&plan).contains(&"release.shop.worker"));
    assert!(!ids(&plan).contains(&"release.shop.invoices"));
}

#[test]
fn counts_are_resolved_from_homes_last_healthy_ones() {
    let ground = Ground::shop();
    let plan = failover(&ground.survey(Site::Home)).unwrap();
    let replicas = |id: &str| match &plan.steps.get(id).unwrap().effect {
        Effect::SetWorkload(SetWorkload { replicas, .. }) => *replicas,
        other => panic!("{other:?}"),
    };
    assert_eq!(replicas("start.shop.web"), 12);
    assert_eq!(replicas("start.shop.worker"), 6);
    assert_eq!(replicas("start.shop.cache"), 2);
}

#[test]
fn a_missing_fact_is_named_and_no_plan_is_made() {
    let mut ground = Ground::shop();
    ground.facts.replicas.clear();
    let missing = failover(&ground.survey(Site::Home)).unwrap_err();
    assert!(missing.to_string().contains("home's replicas of Deployment shop/web"), "{missing}");
    let mut ground = Ground::shop();
    ground.facts.zones.clear();
    assert!(failover(&ground.survey(Site::Home)).is_err());
}

#[test]
fn a_prewarm_touches_only_the_passive_site_and_its_steps_are_not_planned_twice() {
    let mut ground = Ground::shop();
    let first = prewarm(&ground.survey(Site::Home)).unwrap();
    assert!(first.steps.values().all(|step| step.touches == Place::Site(Site::Standby)));
    assert!(!ids(&first).contains(&"start.shop.web"), "nothing that needs the writer");
    ground.existing = first.steps.keys().cloned().collect();
    let second = failover(&ground.survey(Site::Home)).unwrap();
    assert!(second.steps.keys().all(|id| !first.steps.contains_key(id)));
    assert_eq!(lint(&second, &ground.existing), []);
}

/// Changes one step of a sound failover; the dangers that follow.
fn broken(change: impl FnOnce(&mut Plan)) -> Vec<Danger> {
    let ground = Ground::shop();
    let mut plan = failover(&ground.survey(Site::Home)).unwrap();
    change(&mut plan);
    lint(&plan, &BTreeSet::new())
}

#[test]
fn lint_refuses_a_promotion_without_a_fence() {
    let dangers = broken(|plan| {
        plan.steps.shift_remove("fence");
        plan.steps.shift_remove("fence.standing");
        plan.steps.get_mut("position").unwrap().needs.clear();
    });
    assert_eq!(dangers, [Danger::Unfenced("promote".into())]);
}

#[test]
fn lint_refuses_traffic_before_capacity_or_promotion() {
    let dangers = broken(|plan| {
        let shift = plan.steps.get_mut("shift.Z0123456789").unwrap();
        (shift.needs, shift.still) = (Vec::new(), Vec::new());
    });
    assert_eq!(dangers.len(), 3, "{dangers:?}");
    assert!(dangers.iter().all(|danger| matches!(danger, Danger::TooEarly(..))));
}

#[test]
fn lint_refuses_traffic_on_what_was_seen_some_time_ago() {
    let shift = "shift.Z0123456789";
    for (seen, so) in
        [("capacity", "capacity is ready"), ("front", "the gaining site was seen to serve")]
    {
        let dangers = broken(|plan| {
            plan.steps.get_mut(shift).unwrap().still.retain(|step| step.as_str() != seen);
        });
        assert_eq!(dangers, [Danger::NotSeenAgain(shift.into(), so)]);
    }
    for (odd, why) in [("position", "not needed"), ("promote", "changes something")] {
        let dangers = broken(|plan| {
            let step = plan.steps.get_mut(shift).unwrap();
            step.still.push(odd.into());
            step.needs.extend((why != "not needed").then(|| odd.into()));
        });
        assert_eq!(dangers, [Danger::NoLook(shift.into(), odd.into())], "{why}");
    }
}

#[test]
fn lint_refuses_waiting_for_the_failed_site() {
    let dangers = broken(|plan| {
        plan.steps.get_mut("fence").unwrap().timeout = Some(Span::mins(10));
    });
    assert_eq!(dangers, [Danger::Waits("fence".into())]);
    let limit =
        |timeout| broken(|plan| plan.steps.get_mut("fence").unwrap().timeout = Some(timeout));
    assert_eq!(limit(Span::secs(60)), []);
    assert_eq!(limit(Span::millis(60_001)), [Danger::Waits("fence".into())]);
}

#[test]
fn lint_refuses_unwinding_what_cannot_be_undone() {
    let dangers =
        broken(|plan| plan.steps.get_mut("promote").unwrap().on_timeout = OnTimeout::Fail);
    assert_eq!(dangers, [Danger::Unwinds("promote".into())]);
}

#[test]
fn lint_refuses_two_promotions_missing_steps_and_cycles() {
    let dangers = broken(|plan| {
        let again = plan.steps.get("promote").unwrap().clone();
        plan.steps.insert("again".into(), again);
    });
    assert_eq!(dangers, [Danger::Twice("again".into())]);
    let dangers = broken(|plan| drop(plan.steps.shift_remove("fence")));
    assert!(matches!(dangers.as_slice(), [Danger::Dangling(..), ..]), "{dangers:?}");
    let dangers = broken(|plan| {
        plan.steps.get_mut("fence").unwrap().needs.push("promote".into());
    });
    assert!(matches!(dangers.as_slice(), [Danger::Cycle(..)]), "{dangers:?}");
}
