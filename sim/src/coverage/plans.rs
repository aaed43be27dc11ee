//! Which steps there are in which plans: the builders of the core are asked for every plan that
//! they make, with every lever, with and without a database, from either site.

use std::collections::{BTreeMap, BTreeSet};

use bowline_core::lease::LeaseTimes;
use bowline_core::model::{Epoch, Site, Span, StepId};
use bowline_core::node::{Node, NodeConfig};
use bowline_core::plan::{
    Class, Effect, EffectKind, Facts, Incomplete, OnTimeout, Plan, PlanKind, Step, Survey, Undo,
    failover, planned_move, prewarm, unwind,
};
use bowline_core::policy::{OnUnknown, Policy, examples};
use bowline_core::step::{Held, Hold, HoldId, Question, QuestionKind};

use super::cell::Purpose;
use crate::campaign::Twist;
use crate::harness::Simulation;
use crate::world::{World, WorldSpec};

/// What is known of a step of one kind in plans of one purpose: what holds of any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// One of them may find everything as wanted.
    pub finds: bool,
    /// One of them makes calls that change something.
    pub acts: bool,
    /// One of them is given up by its deadline, and the run goes on.
    pub proceeds: bool,
    /// One of them asks when it takes too long.
    pub asks: bool,
    /// One of them sends the run back when it takes too long.
    pub sends_back: bool,
    /// One of them can be cut off by an unwinding.
    pub abandoned: bool,
}

/// All steps there are.
pub type Steps = BTreeMap<(Purpose, EffectKind), Traits>;

/// Asks the builders for every plan.
///
/// # Errors
/// [`Incomplete`] when the facts of a simulated peace do not suffice for a plan.
pub fn steps() -> Result<Steps, Incomplete> {
    let mut all = Steps::new();
    for policy in policies() {
        let facts = facts(&policy)?;
        for active in Site::BOTH {
            for streams in [false, true] {
                add_plans(&mut all, &policy, &facts, (active, streams))?;
            }
        }
    }
    Ok(all)
}

/// A policy for each lever, with a database and without, proceeding and asking without a fence.
fn policies() -> Vec<Policy> {
    let shop = examples::shop();
    let mut asking = shop.clone();
    if let Some(database) = &mut asking.database {
        database.on_unknown = OnUnknown::Ask;
    }
    let mut gates = shop.clone();
    Twist::Gates.apply(&mut gates);
    vec![shop, asking, gates, examples::minimal()]
}

/// The facts that a controller records in a simulated peace.
fn facts(policy: &Policy) -> Result<Facts, Incomplete> {
    let mut rng = fastrand::Rng::with_seed(1);
    let world = World::build(&WorldSpec::new(vec![policy.clone()]), &mut rng);
    let end = world.began() + Span::mins(5);
    let recruit = |_, _| Node::new(NodeConfig { id: "peace".into(), lease: LeaseTimes::default() });
    let mut simulation = Simulation::new(world, vec![policy.clone()], 1, 1, Box::new(recruit));
    simulation.run_while(end, |simulation| simulation.world.store.facts(&policy.group).is_none());
    let facts = simulation.world.store.facts(&policy.group);
    let facts = facts.and_then(|facts| serde_json::from_str(&facts.bytes).ok());
    facts.ok_or_else(|| Incomplete("facts of a simulated peace".into()))
}

fn add_plans(
    all: &mut Steps,
    policy: &Policy,
    facts: &Facts,
    (active, streams): (Site, bool),
) -> Result<(), Incomplete> {
    let question = Question {
        kind: QuestionKind::Approve,
        why: String::new(),
        loss_ms: None,
        otherwise: String::new(),
    };
    let (none, mut holds, reopened) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    for question in [None, Some(question)] {
        for _ in 0..2 {
            let survey = Survey {
                policy,
                facts,
                epoch: Epoch(1),
                active,
                existing: &none,
                holds: &holds,
                reopened: &reopened,
                evidence: None,
                replica_streams: streams,
                question: question.clone(),
            };
            let mut plans = vec![(failover(&survey)?, true), (planned_move(&survey)?, true)];
            if active == Site::Home {
                plans.push((prewarm(&survey)?, false));
            }
            let taken: Vec<_> = plans.iter().flat_map(|(plan, _)| taken(plan)).collect();
            for (plan, moves) in &plans {
                add(all, plan, Purpose::of(plan.kind, *moves, false));
            }
            for hold in &taken {
                let undo = [Undo::Release(hold.clone()), Undo::Restore(hold.clone())];
                for undo in undo {
                    let plan = unwind(PlanKind::Switchover, active, &[undo], &[]);
                    add(all, &plan, Purpose::Unwinding);
                }
            }
            // The second time round the passive site is held as a run away from it left it.
            holds = taken
                .into_iter()
                .map(|mut hold| {
                    hold.site = active.other();
                    let id = rename(&hold.id, hold.site);
                    (id, hold)
                })
                .collect();
        }
    }
    Ok(())
}

/// The same hold at another site.
fn rename(id: &HoldId, site: Site) -> HoldId {
    let text = id.to_string();
    let object = text.split_once('/').map_or("", |(_, object)| object);
    serde_json::from_value(format!("{site}/{object}").into()).unwrap_or_else(|_| id.clone())
}

/// The holds that a plan's steps take.
fn taken(plan: &Plan) -> Vec<Hold> {
    use bowline_core::model::ObjectRef;
    let object =
        |site, object: ObjectRef, held| Hold { id: HoldId::object(site, &object), site, held };
    let hold = |step: &Step| match &step.effect {
        Effect::SetWorkload(set) => {
            let (cluster, workload) = (set.cluster.clone(), set.workload.clone());
            let of = ObjectRef::Workload(workload.clone());
            let held = Held::Workload { cluster, workload, baseline: 1, wants: set.replicas };
            Some(object(set.site, of, held))
        }
        Effect::SetJob(set) => {
            let (cluster, job) = (set.cluster.clone(), set.job.clone());
            let held = Held::Job { cluster, job, baseline: false, wants: set.suspend };
            Some(object(set.site, ObjectRef::Job(set.job.clone()), held))
        }
        Effect::SetPool(set) => {
            let (cluster, pool) = (set.cluster.clone(), set.pool.clone());
            let of = ObjectRef::NodePool(pool.clone());
            let wants = set.limits.clone();
            Some(object(set.site, of, Held::Pool { cluster, pool, baseline: wants.clone(), wants }))
        }
        Effect::CloseDoor(close) => {
            let member = &close.member;
            let resource = "db-1".into();
            let held = Held::Writer {
                scope: member.scope.clone(),
                instance: member.instance.clone(),
                resource,
                baseline: Vec::new(),
                closed: member.closed.clone(),
            };
            Some(Hold {
                id: HoldId::instance(member.site, &"db-1".into()),
                site: member.site,
                held,
            })
        }
        _ => None,
    };
    plan.steps.values().filter_map(hold).collect()
}

fn add(all: &mut Steps, plan: &Plan, purpose: Purpose) {
    for (id, step) in &plan.steps {
        let behind = behind(plan, id);
        let known = all.entry((purpose, step.effect.kind())).or_default();
        let fence = matches!(step.effect, Effect::Fence(_));
        let moves = !matches!(purpose, Purpose::Prewarm | Purpose::Unwinding);
        let goes_back = moves && !behind && step.class != Class::Irreversible;
        let timed = step.timeout.is_some();
        let stuck = match step.on_timeout {
            OnTimeout::Ask => timed,
            OnTimeout::Fail => timed && (!goes_back || outlives(plan, id)),
            OnTimeout::Proceed => false,
        };
        known.finds |= finds(step, purpose);
        known.acts |= step.class != Class::ReadOnly;
        let yes = fence && step.on_timeout == OnTimeout::Ask;
        known.proceeds |= step.on_timeout == OnTimeout::Proceed || yes;
        known.asks |= !step.standing && (stuck || disagrees(step));
        // What a prewarm began is a part of the move once that begins, and is cut off when it was
        // a false alarm.
        let part = goes_back || purpose == Purpose::Prewarm;
        known.sends_back |= timed && step.on_timeout == OnTimeout::Fail && part;
        known.abandoned |= known.acts && part;
    }
}

/// Whether a step can find everything as wanted. A hold is taken by a call of its own, and what is
/// held again after a run was sent back still carries the claim of the run before; a claim is newer
/// than what is there, a lever is moved under it, and a restart must be seen. A run that has begun
/// to promote is never cut off: none finds that the one before it had promoted, or had begun with
/// what comes behind the promotion.
fn finds(step: &Step, purpose: Purpose) -> bool {
    match &step.effect {
        Effect::SetPool(_) | Effect::SetJob(_) => false,
        // What a run had only taken over, to let it go, it holds again when it goes back.
        Effect::SetWorkload(_) => purpose == Purpose::Unwinding,
        // In a failover the obligations at the lost site may have claimed its cluster before.
        Effect::ClaimCluster(_) => purpose == Purpose::Failover,
        Effect::ClaimZone(_) | Effect::ClaimGate(_) | Effect::Shift(_) | Effect::Flip(_) => false,
        Effect::Fence(fence) => fence.unless.is_some(),
        Effect::Promote(_) => false,
        // A hold that stands is in the world. One whose call never was had, only a run that goes
        // back may find.
        Effect::Release(_) => purpose == Purpose::Unwinding,
        // In a failover they come behind the promotion.
        Effect::Rename(_) | Effect::CreateReplica(_) => purpose != Purpose::Failover,
        _ => true,
    }
}

/// Whether the world can be neither as before a step nor as after it: an instance is another than
/// the recorded one, or a record set is. Nobody but Bowline puts another instance under a name in
/// the simulated world, and it does so only where it rebuilds.
fn disagrees(step: &Step) -> bool {
    use EffectKind::{CreateReplica, Promote, Rename, Shift};
    matches!(step.effect.kind(), CreateReplica | Promote | Rename | Shift)
}

/// Whether a step may still be open when one that cannot be undone is started: that one does not
/// need it.
fn outlives(plan: &Plan, id: &StepId) -> bool {
    let irreversible = plan.steps.iter().filter(|(_, step)| step.class == Class::Irreversible);
    let mut others = irreversible.filter(|(other, _)| *other != id);
    others.any(|(other, _)| !builds_on(plan, other, id))
}

/// Whether a step needs another, directly or not.
fn builds_on(plan: &Plan, id: &StepId, on: &StepId) -> bool {
    plan.steps
        .get(id)
        .is_some_and(|step| step.needs.iter().any(|need| need == on || builds_on(plan, need, on)))
}

/// Whether a step comes after one that cannot be undone.
fn behind(plan: &Plan, id: &StepId) -> bool {
    plan.steps.get(id).is_some_and(|step| {
        step.needs.iter().any(|need| {
            let irreversible = |step: &Step| step.class == Class::Irreversible;
            plan.steps.get(need).is_some_and(irreversible) || behind(plan, need)
        })
    })
}
