//! Whole plans of the example shop, written out in `whole.txt`: whoever changes a plan sees what
//! else changes, and a reviewer too.

use std::fmt::Write;

use super::*;
use crate::model::{JobRef, ObjectRef, WorkloadRef};
use crate::policy::examples;
use crate::step::{Held, Hold, HoldId, Mark};

/// A step a line: what it waits for, what it does where, how long it may take and what then.
fn told(title: &str, plan: &Plan) -> String {
    let mut text = format!("# {title}: {:?}, {} to {}\n", plan.kind, plan.from, plan.to);
    for (id, step) in &plan.steps {
        let needs: Vec<_> = step.needs.iter().map(StepId::as_str).collect();
        let (kind, limit) = (step.effect.kind(), step.timeout.map(|limit| limit.to_string()));
        let standing = if step.standing { ", standing" } else { "" };
        let limit = limit.unwrap_or_else(|| "no limit".into());
        let Step { class, touches, on_timeout, .. } = step;
        let _ = write!(text, "{id} <- [{}]: {kind:?} at {touches:?}", needs.join(" "));
        let _ = write!(text, ", {class:?}, {limit} then {on_timeout:?}{standing}");
        let _ = writeln!(text, "{}", step.marks.iter().map(mark).collect::<String>());
    }
    text
}

fn mark(mark: &Mark) -> String {
    match mark {
        Mark::Released(hold) => format!("; released {hold}"),
        other => format!("; {other:?}"),
    }
}

fn workload_hold(site: Site, wants: u32) -> Hold {
    let ground = Ground::shop();
    let workload: WorkloadRef = ground.policy.capacity.workloads[0].object.clone();
    let id = HoldId::object(site, &ObjectRef::Workload(workload.clone()));
    let cluster = ground.policy.site(site).cluster.clone();
    Hold { id, site, held: Held::Workload { cluster, workload, baseline: 12, wants } }
}

/// The shop, in which this is held.
fn holding(hold: Hold) -> Ground {
    let mut ground = Ground::shop();
    ground.holds.insert(hold.id.clone(), hold);
    ground
}

fn door(site: Site) -> Hold {
    let ground = Ground::shop();
    let member = ground.facts.member(site).unwrap();
    let held = Held::Writer {
        scope: ground.policy.site(site).scope.clone(),
        instance: member.instance.clone(),
        resource: member.resource.clone(),
        baseline: vec!["sg-app".into()],
        closed: "sg-closed".into(),
    };
    Hold { id: HoldId::instance(site, &member.resource), site, held }
}

fn job_and_pool(site: Site) -> [Hold; 2] {
    let ground = Ground::shop();
    let cluster = ground.policy.site(site).cluster.clone();
    let job: JobRef = ground.policy.capacity.jobs[0].object.clone();
    let pool = ground.policy.capacity.pools[0].clone();
    let of_job = HoldId::object(site, &ObjectRef::Job(job.clone()));
    let of_pool = HoldId::object(site, &ObjectRef::NodePool(pool.name.clone()));
    let held = Held::Job { cluster: cluster.clone(), job, baseline: false, wants: true };
    let (pool, limits) = (pool.name, pool.limits);
    let pool = Held::Pool { cluster, pool, baseline: limits.clone(), wants: limits };
    [Hold { id: of_job, site, held }, Hold { id: of_pool, site, held: pool }]
}

fn all() -> String {
    let mut ground = Ground::shop();
    let mut text = String::new();
    let question = Question {
        kind: QuestionKind::Approve,
        why: "?".into(),
        loss_ms: None,
        otherwise: "nothing".into(),
    };
    let mut survey = ground.survey(Site::Home);
    survey.question = Some(question);
    text += &told("a failover that a human approves", &failover(&survey).unwrap());
    survey.question = None;
    text += &told("a switchover", &planned_move(&survey).unwrap());
    survey.replica_streams = true;
    text += &told("a switchover to a replica that streams", &planned_move(&survey).unwrap());
    text += &told("a prewarm", &prewarm(&survey).unwrap());
    let hold = workload_hold(Site::Home, 0);
    ground.holds.insert(hold.id.clone(), hold);
    let survey = ground.survey(Site::Standby);
    text += &told("a failover home, web held there", &failover(&survey).unwrap());
    text += &told("a failback, web held at home", &planned_move(&survey).unwrap());
    let [job, pool] = job_and_pool(Site::Standby);
    let changes = [
        Undo::Release(workload_hold(Site::Home, 0)),
        Undo::Restore(workload_hold(Site::Standby, 6)),
        Undo::Restore(job),
        Undo::Restore(pool),
        Undo::Release(door(Site::Home)),
        Undo::Restore(door(Site::Standby)),
    ];
    text + &told("unwinding", &unwind(PlanKind::Switchover, Site::Home, &changes, &[]))
}

#[test]
fn the_plans_of_the_shop_are_what_is_written_down() {
    let told = all();
    for (line, (is, written)) in (1..).zip(told.lines().zip(include_str!("whole.txt").lines())) {
        assert_eq!(is, written, "core/src/plan/tests/whole.txt:{line}; all of it:\n{told}");
    }
    assert_eq!(told.lines().count(), include_str!("whole.txt").lines().count(), "\n{told}");
}

#[test]
fn s2_what_is_held_at_home_gets_peacetimes_count_at_least() {
    let ground = holding(workload_hold(Site::Home, 0));
    let plan = planned_move(&ground.survey(Site::Standby)).unwrap();
    let web = &ground.policy.capacity.workloads[0];
    let starts = &plan.steps[&StepId::new("start.shop.web")];
    let Effect::Release(release) = &starts.effect else { panic!("{starts:?}") };
    assert_eq!(release.at_least, ground.facts.replicas[web.object.to_string().as_str()]);
}

#[test]
fn s2_what_is_held_at_standby_is_set_again_as_the_policy_says() {
    let ground = holding(workload_hold(Site::Standby, 6));
    let plan = failover(&ground.survey(Site::Home)).unwrap();
    let starts = &plan.steps[&StepId::new("start.shop.web")];
    let Effect::SetWorkload(set) = &starts.effect else { panic!("{starts:?}") };
    assert_eq!((set.site, set.replicas), (Site::Standby, 12));
}

/// What is undone is made again what the hold says, not what the run wanted.
#[test]
fn l2_what_a_run_changed_is_made_again_what_it_was_held_at() {
    let [job, pool] = job_and_pool(Site::Standby);
    let restored = workload_hold(Site::Standby, 6);
    let changes = [Undo::Restore(restored), Undo::Restore(job), Undo::Restore(pool.clone())];
    let plan = unwind(PlanKind::Switchover, Site::Home, &changes, &[]);
    let effects: Vec<_> = plan.steps.values().map(|step| &step.effect).collect();
    let [Effect::SetWorkload(web), Effect::SetJob(job), Effect::SetPool(set)] = effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!((web.replicas, web.site, job.suspend), (6, Site::Standby, true));
    let Held::Pool { wants, .. } = pool.held else { panic!() };
    assert_eq!(set.limits, wants);
    let doors = [Undo::Release(door(Site::Home)), Undo::Restore(door(Site::Standby))];
    let plan = unwind(PlanKind::Switchover, Site::Home, &doors, &[]);
    assert_eq!(plan.steps.len(), 1, "a door that was closed before stays closed");
    let Effect::Reopen(reopen) = &plan.steps[0].effect else { panic!("{plan:?}") };
    assert_eq!(reopen.groups, ["sg-app".into()]);
}

/// Users are let in again at once; only the hold stays for longer.
#[test]
fn s7_who_goes_through_a_door_that_is_watched_does_not_wait_for_the_end_of_it() {
    let web = workload_hold(Site::Home, 0);
    let late = Undo::Outlast(door(Site::Home));
    let plan = unwind(PlanKind::Switchover, Site::Home, &[late, Undo::Release(web)], &[]);
    let [opens, watches, web] = [0, 1, 2].map(|place| plan.steps.get_index(place).unwrap());
    let outlasts = |step: &Step| match &step.effect {
        Effect::Reopen(reopen) => reopen.outlasts,
        other => panic!("{other:?}"),
    };
    assert_eq!((outlasts(opens.1), outlasts(watches.1)), (false, true));
    assert_eq!((&*opens.1.marks, &*opens.1.needs), ([].as_slice(), [].as_slice()));
    assert_eq!(watches.1.marks, [Mark::Released(door(Site::Home).id)]);
    assert_eq!((&watches.1.needs, &web.1.needs), (&vec![opens.0.clone()], &vec![opens.0.clone()]));
    assert!(watches.1.timeout > Some(Span::mins(6)), "{:?}", watches.1.timeout);
    assert_eq!(watches.1.on_timeout, OnTimeout::Ask, "no run goes back for it");
}

#[test]
fn a_group_without_a_database_moves_without_one() {
    let mut ground = Ground::shop();
    ground.policy = examples::minimal();
    ground.facts = crate::testing::facts(&ground.policy);
    for plan in [failover(&ground.survey(Site::Home)), planned_move(&ground.survey(Site::Home))] {
        let plan = plan.unwrap();
        for absent in ["fence", "promote", "position", "close", "caughtUp", "rebuild.home"] {
            assert!(!plan.steps.contains_key(absent), "{absent} in {:?}", ids(&plan));
        }
        // The site that is left may come back, and serve, until the other one does.
        let stops = plan.steps.keys().filter(|id| id.as_str().starts_with("losing."));
        assert!(stops.clone().all(|id| before(&plan, id.as_str()).contains("verify")));
        assert_eq!(stops.count() > 0, plan.kind == PlanKind::Failover);
        let moved = plan.steps.values().any(|step| step.marks.contains(&Mark::Active(plan.to)));
        assert!(moved);
        clean(&plan);
    }
    let home = failover(&ground.survey(Site::Standby)).unwrap();
    assert!(home.steps.contains_key("stopped") && !home.steps.contains_key("fence.standing"));
    clean(&home);
}
