//! A look ahead against a small world that answers and never changes.

use super::*;
use crate::model::{Mono, Wall};
use crate::op::{InstanceEvent, KubeOp, PoolView, RdsOp, RecordSet, Route53Op, WorkloadView};
use crate::plan::{failover, planned_move};
use crate::testing::{Ground, claim};

/// The shop's plan of a kind, with nothing held.
fn preview(ground: &Ground, kind: PlanKind) -> Preview {
    let active = if kind == PlanKind::Failback { Site::Standby } else { Site::Home };
    let survey = ground.survey(active);
    let plan = match kind {
        PlanKind::Failover => failover(&survey),
        _ => planned_move(&survey),
    };
    let plan = plan.unwrap();
    Preview {
        group: "shop".into(),
        kind,
        from: plan.from,
        to: plan.to,
        claim: claim(7, "shop-7"),
        accept: None,
        facts_at: None,
        obstacles: Vec::new(),
        plan,
        holds: BTreeMap::new(),
        regions: regions(&ground.policy),
    }
}

/// Everything is as in peacetime: home runs twelve of each, standby none.
fn peace(ground: &Ground, op: &Op) -> Result<Answer, Fault> {
    assert!(!op.mutates(), "a look changes nothing: {op:?}");
    match op {
        Op::Kube(_, KubeOp::Fence(_)) => Ok(Answer::Fence(None)),
        Op::Kube(cluster, KubeOp::Workload(_)) => {
            let at_home = *cluster == ground.policy.home.cluster;
            let wanted = if at_home { 12 } else { 0 };
            Ok(Answer::Workload(WorkloadView {
                version: "5".into(),
                wanted,
                ready: wanted,
                pods: wanted,
                note: None,
                claims_volumes: false,
            }))
        }
        Op::Kube(_, KubeOp::Pool(_)) => {
            let limits = [("cpu".into(), 0)].into();
            Ok(Answer::Pool(PoolView { version: "6".into(), limits, note: None }))
        }
        Op::Kube(_, KubeOp::Job(_)) => Err(Fault::NotFound("no job".into())),
        Op::Rds(_, RdsOp::Describe(id)) => instance(ground, id),
        Op::Rds(..) => Ok(Answer::Events(Vec::<InstanceEvent>::new())),
        Op::Route53(_, Route53Op::Records { name, .. }) => Ok(Answer::Records(sets(ground, name))),
        _ => Err(Fault::Transient("nothing is there".into())),
    }
}

fn instance(ground: &Ground, id: &crate::model::InstanceId) -> Result<Answer, Fault> {
    let members = [(Site::Home, None), (Site::Standby, Some("shop-home"))];
    let found = members.into_iter().find(|(site, _)| {
        ground.policy.site(*site).database.as_ref().is_some_and(|own| own.instance == *id)
    });
    let Some((site, source)) = found else { return Err(Fault::NotFound(id.to_string())) };
    Ok(Answer::Instance(crate::testing::instance(id.as_str(), site, &format!("db-{site}"), source)))
}

fn sets(ground: &Ground, name: &crate::model::Host) -> Vec<RecordSet> {
    let armed = ground.facts.zones.values().flat_map(|zone| &zone.sets);
    armed.map(|armed| armed.set.clone()).filter(|set| set.name == *name).collect()
}

fn walk(preview: Preview, mut world: impl FnMut(&Op) -> Result<Answer, Fault>) -> Vec<StepPreview> {
    let now = Now { mono: Mono(0), wall: Wall(1_000_000) };
    let mut walk = Walk::new(preview, now);
    loop {
        let wants = walk.wants();
        if wants.is_empty() {
            return walk.found().1;
        }
        for op in wants {
            let answer = world(&op);
            walk.answer(op, answer);
        }
    }
}

fn does<'a>(steps: &'a [StepPreview], id: &str) -> &'a Prospect {
    &steps.iter().find(|step| step.step.as_str() == id).unwrap_or_else(|| panic!("{id}")).does
}

fn calls(steps: &[StepPreview], id: &str) -> Vec<String> {
    match does(steps, id) {
        Prospect::Calls { calls, .. } => calls.iter().map(|call| call.words.clone()).collect(),
        other => panic!("{id}: {other:?}"),
    }
}

#[test]
fn a_failover_is_told_step_by_step_with_its_exact_calls() {
    let ground = Ground::shop();
    let preview = preview(&ground, PlanKind::Failover);
    let planned = preview.plan.steps.len();
    let steps = walk(preview, |op| peace(&ground, op));
    assert_eq!(steps.len(), planned, "every step is told");
    assert_eq!(calls(&steps, "claim.gaining").len(), 1);
    let shop = ground.policy.standby.database.as_ref().unwrap().instance.clone();
    assert_eq!(calls(&steps, "promote"), [format!("promote {shop}")]);
    let home = ground.policy.home.database.as_ref().unwrap().instance.clone();
    assert_eq!(calls(&steps, "fence"), [format!("close {home}"), format!("restart {home}")]);
    let web = calls(&steps, "start.shop.web");
    assert_eq!(web.len(), 2, "taken, then scaled: {web:?}");
    assert!(web[1].contains("0 → 12"), "{web:?}");
    let shift = steps.iter().find(|step| step.step.as_str().starts_with("shift.")).unwrap();
    let Prospect::Calls { calls, .. } = &shift.does else { panic!("{shift:?}") };
    let Op::Route53(_, Route53Op::Change { delete, create, .. }) = &calls[0].op else { panic!() };
    assert_eq!((delete.len(), create.len()), (5, 5), "the fence record with them");
    assert_eq!(does(&steps, "verify"), &Prospect::Looks);
}

#[test]
fn what_a_call_changes_is_told_as_it_is_before_it() {
    let ground = Ground::shop();
    let steps = walk(preview(&ground, PlanKind::Failover), |op| peace(&ground, op));
    let Prospect::Calls { calls, .. } = does(&steps, "fence") else { panic!() };
    let Some(Answer::Instance(found)) = &calls[0].now else { panic!("{calls:?}") };
    assert_eq!(found.settings.security_groups, ["sg-app".into()]);
    assert!(calls[0].holds && !calls[1].holds);
}

#[test]
fn a_step_that_undoes_an_earlier_one_is_judged_in_the_world_that_one_leaves() {
    let mut ground = Ground::shop();
    ground.facts.at = Wall(1);
    let survey = Ground::survey(&ground, Site::Home);
    let survey = crate::plan::Survey { replica_streams: true, ..survey };
    let plan = planned_move(&survey).unwrap();
    let mut preview = preview(&ground, PlanKind::Switchover);
    preview.plan = plan;
    let steps = walk(preview, |op| peace(&ground, op));
    let home = ground.policy.home.database.as_ref().unwrap().instance.clone();
    assert_eq!(calls(&steps, "close"), [format!("close {home}")]);
    assert_eq!(calls(&steps, "fence"), [format!("restart {home}")], "closed by then");
    assert_eq!(calls(&steps, "rename.home").len(), 1);
    assert_eq!(calls(&steps, "rebuild.home").len(), 1, "its identifier is free by then");
}

#[test]
fn a_dead_home_is_unknown_and_the_rest_is_told_all_the_same() {
    let ground = Ground::shop();
    let home = ground.policy.home.clone();
    let steps = walk(preview(&ground, PlanKind::Failover), |op| {
        let dead = match op {
            Op::Kube(cluster, _) => *cluster == home.cluster,
            Op::Rds(scope, _) => *scope == home.scope,
            _ => false,
        };
        if dead { Err(Fault::Transient("no answer in time".into())) } else { peace(&ground, op) }
    });
    assert!(matches!(does(&steps, "fence"), Prospect::Unknown { .. }));
    assert!(matches!(does(&steps, "claim.losing"), Prospect::Unknown { .. }));
    assert_eq!(calls(&steps, "promote").len(), 1);
}

#[test]
fn somebody_elses_claim_is_refused_not_overwritten() {
    let ground = Ground::shop();
    let theirs = claim(9, "shop-9-failover");
    let steps = walk(preview(&ground, PlanKind::Failover), |op| match op {
        Op::Kube(_, KubeOp::Fence(_)) => Ok(Answer::Fence(Some(crate::op::FenceView {
            version: "3".into(),
            claim: theirs.clone(),
        }))),
        _ => peace(&ground, op),
    });
    let Prospect::Refused { why } = does(&steps, "claim.gaining") else { panic!() };
    assert!(why.contains("shop-9-failover"), "{why}");
}
