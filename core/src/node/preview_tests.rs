//! A look ahead against a small world that answers and never changes.

use super::*;
use crate::databases::rds::{CloseDoor, Fence, Member, Promote, Rename, Reopen, ResourceRef};
use crate::model::{Answer3, Mono, ResourceId, Wall};
use crate::node::testing::{Bench, fit, looked};
use crate::op::{InstanceEvent, KubeOp, PoolView, RdsOp, RecordSet, Route53Op, WorkloadView};
use crate::plan::{failover, planned_move};
use crate::step::QuestionKind;
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

fn question() -> Question {
    let (why, otherwise) = ("why".into(), "nothing".into());
    Question { kind: QuestionKind::Approve, why, loss_ms: None, otherwise }
}

#[test]
fn a_step_tells_its_region_what_it_waits_for_and_what_it_asks() {
    let ground = Ground::shop();
    let survey = crate::plan::Survey { question: Some(question()), ..ground.survey(Site::Home) };
    let mut asks = preview(&ground, PlanKind::Failover);
    asks.plan = failover(&survey).unwrap();
    let steps = walk(asks, |op| peace(&ground, op));
    let of = |id: &str| steps.iter().find(|step| step.step.as_str() == id).unwrap();
    assert_eq!(of("promote").region, Some("eu-central-1".into()));
    assert_eq!(of("fence").region, Some("eu-west-1".into()));
    assert_eq!(of("shift.Z0123456789").region, None, "Route 53 is of no Region");
    assert_eq!(does(&steps, "approval"), &Prospect::Asks { question: question() });
    let note = "target and lever know the claim".into();
    assert_eq!(does(&steps, "claimed"), &Prospect::AsWanted { note });
}

#[test]
fn a_step_about_an_instance_that_another_makes_is_told_later() {
    let ground = Ground::shop();
    let mut preview = preview(&ground, PlanKind::Failover);
    let Effect::Promote(promote) = &preview.plan.steps["promote"].effect else { panic!() };
    let member = |resource| Member { resource, ..promote.member.clone() };
    let effects = |resource: ResourceRef| {
        let member = member(resource);
        let to = member.instance.clone();
        let Effect::Fence(fence) = preview.plan.steps["fence"].effect.clone() else { panic!() };
        [
            Effect::Promote(Promote { member: member.clone() }),
            Effect::Fence(Fence { member: member.clone(), ..fence }),
            Effect::CloseDoor(CloseDoor { member: member.clone(), opens_until: None }),
            Effect::Reopen(Reopen {
                member: member.clone(),
                groups: Vec::new(),
                outlasts: false,
                claims: Vec::new(),
            }),
            Effect::Rename(Rename { member, to }),
        ]
    };
    let made = effects(ResourceRef::CreatedBy("rebuild.home".into()));
    let known = effects(ResourceRef::Known(ResourceId::new("db-standby")));
    for (made, known) in made.into_iter().zip(known) {
        assert_eq!(created_by(&known), None);
        preview.plan.steps["promote"].effect = made;
        let steps = walk(preview.clone(), |op| peace(&ground, op));
        let note = "the instance that rebuild.home makes".into();
        assert_eq!(does(&steps, "promote"), &Prospect::Later { note }, "{known:?}");
    }
}

#[test]
fn what_a_procedure_says_is_told_with_the_calls_before_it() {
    let call = PlannedCall { words: "scale".into(), holds: true, now: None, op: fence_read() };
    let (none, one) = (Vec::new, || vec![call.clone()]);
    let calls = |then: Option<&str>| Prospect::Calls { calls: one(), then: then.map(Into::into) };
    let wait = || Ok(Judgement::wait(Span::secs(5), "pods"));
    let fault = Err(Fault::Transient("503".into()));
    let why = "neither as before nor as after".to_owned();
    for (judged, before, told) in [
        (Ok(Judgement::Ask(Box::new(question()))), one(), Prospect::Asks { question: question() }),
        (Ok(Judgement::Disagrees(why.clone())), one(), Prospect::Refused { why }),
        (fault.clone(), none(), Prospect::Unknown { why: "not available: 503".into() }),
        (fault, one(), calls(None)),
        (Ok(Judgement::done("is so")), none(), Prospect::AsWanted { note: "is so".into() }),
        (Ok(Judgement::done("is so")), one(), calls(None)),
        (wait(), none(), Prospect::Later { note: "start waits: pods".into() }),
        (wait(), one(), calls(Some("pods"))),
    ] {
        let words = format!("{judged:?} after {} calls", before.len());
        assert_eq!(prospect(&"start".into(), judged, before), told, "{words}");
    }
}

fn fence_read() -> Op {
    Op::Kube(Ground::shop().policy.home.cluster, KubeOp::Fence("shop".into()))
}

#[test]
fn what_a_call_changes_is_shown_and_nothing_else_that_was_seen() {
    let ground = Ground::shop();
    let (policy, object) = (&ground.policy, "s3://gates/shop".into());
    let kube = |op| Op::Kube(policy.home.cluster.clone(), op);
    let workload = policy.capacity.workloads[0].object.clone();
    let scale =
        kube(KubeOp::Scale { workload: workload.clone(), version: "1".into(), replicas: 3 });
    let claims = kube(KubeOp::Claim { group: "shop".into(), version: None, claim: claim(7, "r7") });
    let gate = crate::op::GateView { version: "1".into(), open: Site::Home, claim: None };
    let flip = crate::op::GateOp::Write {
        object,
        version: None,
        open: Site::Standby,
        claim: claim(7, "r7"),
    };
    let id = policy.home.database.as_ref().unwrap().instance.clone();
    let reboot = Op::Rds(
        policy.home.scope.clone(),
        RdsOp::Reboot { instance: id.clone(), shut_at: Wall(0) },
    );
    let seen_workload = peace(&ground, &kube(KubeOp::Workload(workload))).unwrap();
    let (seen_instance, seen_gate) = (instance(&ground, &id).unwrap(), Answer::Gate(Some(gate)));
    let all =
        [Answer::Fence(None), seen_workload.clone(), seen_instance.clone(), seen_gate.clone()];
    for (call, wanted) in [
        (claims, Some(Answer::Fence(None))),
        (scale, Some(seen_workload)),
        (reboot, Some(seen_instance)),
        (Op::Gate(None, flip), Some(seen_gate)),
        (fence_read(), None),
    ] {
        let seen = all.iter().cloned().map(Ok);
        let others = seen.clone().filter(|one| one.as_ref().ok() != wanted.as_ref()).collect();
        if wanted.is_some() {
            assert_eq!(present(&call, seen.collect()), wanted, "{call:?}");
            assert_eq!(present(&call, others), None, "{call:?}");
        }
    }
}

// === which move ===

#[test]
fn a_preview_is_of_the_move_that_could_be_begun_from_what_is_recorded_or_else_from_what_is_seen() {
    let bench = Bench::fit();
    let plan = |bench: &Bench, kind| bench.group.preview(kind, bench.now);
    let failover = plan(&bench, PlanKind::Failover).unwrap();
    assert_eq!((failover.from, failover.plan.kind), (Site::Home, PlanKind::Failover));
    assert_eq!(failover.facts_at, None, "nothing was recorded");
    let accept = failover.accept.map(|question| question.kind);
    assert_eq!(accept, Some(QuestionKind::AcceptLoss), "nobody has measured replication");
    assert_eq!(failover.regions, ["eu-west-1".into(), "eu-central-1".into()]);
    let switchover = plan(&bench, PlanKind::Switchover).unwrap();
    assert_eq!((switchover.plan.kind, switchover.accept), (PlanKind::Switchover, None));
    assert_eq!(plan(&bench, PlanKind::Failback), Err(Refusal::AlreadyThere(Site::Home)));

    let away = Bench::fit().recorded().failed_over();
    let home = plan(&away, PlanKind::Failback).unwrap();
    assert_eq!((home.to, home.facts_at), (Site::Home, Some(Ground::shop().facts.at)));
    let there = Err(Refusal::AlreadyThere(Site::Standby));
    assert_eq!(plan(&away, PlanKind::Switchover), there);
}

#[test]
fn what_would_keep_a_move_from_being_begun_is_told_all_at_once() {
    let bench = Bench::fit();
    assert_eq!(bench.group.readiness(bench.now).verdict, Answer3::Yes);
    assert_eq!(bench.group.obstacles(bench.now), [""; 0]);
    let prewarmed = Bench::fit().prewarming();
    assert_eq!(prewarmed.group.obstacles(bench.now), [""; 0], "a prewarm gives way");
    let open = Bench::fit().failing_over();
    let told = open.group.obstacles(bench.now);
    assert_eq!(told[0], Refusal::RunOpen("r1".into()).to_string());
    let theirs = claim(9, "shop-9-failover");
    let stranger = Bench::of(looked(|op| match op {
        Op::Kube(_, KubeOp::Fence(_)) => Ok(Answer::Fence(Some(crate::op::FenceView {
            version: "3".into(),
            claim: theirs.clone(),
        }))),
        _ => fit(op),
    }));
    let told = stranger.group.obstacles(bench.now);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("somebody else's claim stands: epoch=9"), "{told:?}");
    assert!(told[1].starts_with("standby: "), "{told:?}");
    let dark = Bench::of(looked(|op| match op {
        Op::Kube(cluster, KubeOp::Fence(_))
            if *cluster == Ground::shop().policy.standby.cluster =>
        {
            Err(Fault::Transient("503".into()))
        }
        _ => fit(op),
    }));
    let told = dark.group.obstacles(bench.now);
    assert!(
        told[0].starts_with("whose claim stands in standby's cluster is not known"),
        "{told:?}"
    );
}

#[test]
fn an_obligation_that_is_open_is_in_the_way_and_told_by_its_name() {
    let left = Bench::fit().failed_over_but(&["fence.standing"]);
    let told = left.group.obstacles(left.now);
    assert!(told.contains(&"the obligation fence.standing is open".into()), "{told:?}");
}

#[test]
fn a_node_previews_its_groups_and_no_other() {
    let config = crate::node::NodeConfig { id: "a".into(), lease: Default::default() };
    let mut node = Node::new(config);
    let bench = Bench::fit();
    let now = bench.now;
    node.groups = vec![bench.group];
    let shop = node.preview(&"shop".into(), PlanKind::Failover, now).unwrap();
    assert_eq!((shop.group, shop.kind), ("shop".into(), PlanKind::Failover));
    let other = node.preview(&"other".into(), PlanKind::Failover, now);
    assert_eq!(other, Err(Refusal::NotReady("there is no group other".into())));
}
