//! The simulated half of `cargo xtask bench`: `bench SEEDS`. What each figure means is in
//! `docs/benchmarks.md`.
#[path = "shared/computed.rs"]
mod computed;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bowline_core::model::{Mono, Now, Site, Span, StepId};
use bowline_core::op::{Answer, Op, RdsOp, StoreOp};
use bowline_core::plan::{Effect, PlanKind};
use bowline_core::policy::examples;
use bowline_core::run::{Entry, Phase, Record, Run, StepRun, StepState};
use bowline_sim::aws::route53::SERVERS;
use bowline_sim::harness::{Event, Watch};
use bowline_sim::part;
use bowline_sim::story::{Stage, find};
use bowline_sim::world::World;
use computed::computed;

/// Ways of losing home, each another path through the plan.
const LOST: [&str; 3] = ["region-lost", "database-lost", "targets-lost"];

fn main() -> Result<(), Box<dyn Error>> {
    let seeds = std::env::args().nth(1).map_or(Ok(20), |text| text.parse())?;
    for name in LOST {
        moves(name, seeds)?;
    }
    round_trips(seeds)
}

/// Plays the failover of a scenario with many seeds.
fn moves(name: &str, seeds: u64) -> Result<(), Box<dyn Error>> {
    let scenario = find(name).ok_or("no such scenario")?;
    let (mut ratios, mut waits, mut computes) = (Vec::new(), Vec::new(), Vec::new());
    let mut over = BTreeMap::<String, u64>::new();
    for seed in 1..=seeds {
        let mut stage = Stage::new(scenario, &examples::shop(), seed);
        let Some(moved) = Move::play(&mut stage) else {
            return Err(format!("{name} {seed}: no failover").into());
        };
        let path = Path::of(&moved);
        ratios.push(path.took.as_millis() as f64 / path.critical.as_millis().max(1) as f64);
        for (step, extra) in path.over {
            *over.entry(step).or_default() += extra.as_millis();
        }
        waits.extend(moved.effect.first.map(|(virt, _)| virt.as_millis() as f64));
        computes.extend(moved.effect.first.map(|(_, real)| real.as_secs_f64() * 1e3));
    }
    told(&format!("{name}: execution / critical path"), &mut ratios, "");
    let mut over: Vec<_> = over.into_iter().map(|(step, ms)| (ms / seeds, step)).collect();
    over.sort_by(|one, other| other.cmp(one));
    let words: Vec<_> = over.iter().take(6).map(|(ms, step)| format!("{step} {ms} ms")).collect();
    println!("    beyond it, on average: {}", words.join(", "));
    told(&format!("{name}: decision -> first effect, virtual"), &mut waits, " ms");
    told(&format!("{name}: decision -> first effect, computing"), &mut computes, " ms");
    Ok(())
}

fn told(what: &str, values: &mut [f64], unit: &str) {
    values.sort_by(f64::total_cmp);
    let at = |percent: usize| match values.len() {
        0 => f64::NAN,
        count => values[((count * percent).div_ceil(100)).clamp(1, count) - 1],
    };
    let (p50, p90, p99) = (at(50), at(90), at(99));
    println!("{what}: p50 {p50:.3}{unit}, p90 {p90:.3}{unit}, p99 {p99:.3}{unit}");
}

/// Plays whole round trips, as fast as this core can.
fn round_trips(seeds: u64) -> Result<(), Box<dyn Error>> {
    let (policy, scenario) = (examples::shop(), find("region-lost").ok_or("no such scenario")?);
    let (began, mut steps, mut bad) = (computed(), 0, 0);
    for seed in 1..=seeds {
        let mut stage = Stage::new(scenario, &policy, seed);
        stage.play();
        steps += stage.simulation.steps();
        bad += u64::from(!stage.document().good());
    }
    let took = (computed() - began).as_secs_f64();
    let (rate, each) = (seeds as f64 / took * 60.0, took * 1e9 / steps as f64);
    println!(
        "round trips: {rate:.0} a minute, {} of 10000; {bad} of {seeds} bad; {} events each, \
         {each:.0} ns an event",
        format_args!("{:.3}", rate / 10_000.0),
        steps / seeds
    );
    Ok(())
}

/// A failover as it went, and as the world saw it.
struct Move {
    run: Run,
    truth: BTreeMap<StepId, Mono>,
    effect: FirstEffect,
}

impl Move {
    /// Plays until the failover is over.
    fn play(stage: &mut Stage) -> Option<Self> {
        let group = stage.policies()[0].group.clone();
        let effect = Rc::new(RefCell::new(FirstEffect::default()));
        stage.watch(Box::new(Shared(Rc::clone(&effect))));
        let (mut truth, mut told) = (BTreeMap::new(), Vec::new());
        while stage.step(&mut told) {
            told.clear();
            let Some(run) = stage.ledgers().get(&group).and_then(|ledger| ledger.run.as_ref())
            else {
                continue;
            };
            if run.kind == PlanKind::Failover && matches!(run.phase, Phase::Closed(_)) {
                let (run, effect) = (run.clone(), effect.borrow().clone());
                return run.committed.then_some(Self { run, truth, effect });
            }
            let now = stage.simulation.now();
            for (id, step) in run.runnable() {
                let effect = &step.step.effect;
                let world = &stage.simulation.world;
                if !truth.contains_key(id) && is_so(effect, run.to(), world, now) {
                    truth.insert(id.clone(), now.mono);
                }
            }
        }
        None
    }
}

/// Whether the world is as a step waits for it to be, whatever anybody knows of it. Steps that wait
/// for nothing in the world are so at once.
fn is_so(effect: &Effect, to: Site, world: &World, now: Now) -> bool {
    match effect {
        Effect::Promote(promote) => {
            let member = &promote.member;
            let describe = RdsOp::Describe(member.instance.clone());
            let mut rng = fastrand::Rng::with_seed(0);
            let found = world.rds.clone().perform(&member.scope.region, &describe, now, &mut rng);
            let Ok(Answer::Instance(found)) = found else { return false };
            found.available() && found.source.is_none()
        }
        Effect::CapacityReady(wanted) => wanted.workloads.iter().all(|(workload, count)| {
            let view =
                world.cluster(&wanted.cluster).and_then(|cluster| cluster.workload(workload));
            view.is_some_and(|v| v.ready * 100 >= count * wanted.minimum_percent)
        }),
        Effect::Front(_) => {
            let group = bowline_sim::aws::rds::DoorId { group: 0, site: to };
            world.app.serves(group).reads
        }
        Effect::Insync(_) | Effect::Answers(_) | Effect::Serves(_) => {
            (0..SERVERS).all(|server| world.answer(0, 0, server, now).site == Some(to))
        }
        _ => true,
    }
}

/// The critical path of a move.
struct Path {
    took: Span,
    critical: Span,
    over: Vec<(String, Span)>,
}

impl Path {
    /// The longest way through the steps up to the last of them that is not an obligation. A step
    /// weighs the time from when all that it needs was done until the world was as it waits for,
    /// plus what the plan has it hold; a fence that ended unknown weighs its deadline.
    fn of(moved: &Move) -> Self {
        let (run, mut ends) = (&moved.run, BTreeMap::<&StepId, u64>::new());
        let began = run.moving_since.map_or(Mono(0), part::mono);
        let done = |step: &StepRun| step.done_at.map_or(began, part::mono);
        let (mut critical, mut last, mut over) = (0, began, Vec::new());
        for (id, step) in run.steps.iter().filter(|(_, step)| step.done_at.is_some()) {
            let needs = || step.step.needs.iter().filter_map(|need| run.steps.get(need));
            let ready = needs().map(done).max().unwrap_or(began).max(began);
            let weight = weight(step, moved.truth.get(id).copied(), ready);
            let start = step.step.needs.iter().filter_map(|need| ends.get(need)).max();
            let end = start.copied().unwrap_or_default() + weight.as_millis();
            ends.insert(id, end);
            if !step.step.standing {
                (critical, last) = (critical.max(end), last.max(done(step)));
                let extra = done(step).since(ready).as_millis().saturating_sub(weight.as_millis());
                over.push((id.to_string(), Span(extra)));
            }
        }
        Self { took: last.since(began), critical: Span(critical), over }
    }
}

fn weight(step: &StepRun, truth: Option<Mono>, ready: Mono) -> Span {
    let hold = match &step.step.effect {
        Effect::Serves(serves) => serves.hold,
        Effect::Fence(_) if step.state == StepState::Unknown => {
            return step.step.timeout.unwrap_or_default();
        }
        // What RDS does to the old writer is a chain of changes: it weighs what it took.
        Effect::Fence(_) => {
            return step.done_at.map_or(Span::ZERO, |at| part::mono(at).since(ready));
        }
        _ => Span::ZERO,
    };
    truth.map_or(Span::ZERO, |truth| truth.since(ready)) + hold
}

/// From the decision to move until the first call that changes the world: virtual time, and the
/// time this machine computed meanwhile, the simulated world's share included.
#[derive(Clone, Debug, Default)]
struct FirstEffect {
    decided: Option<(Mono, Instant)>,
    first: Option<(Span, Duration)>,
}

struct Shared(Rc<RefCell<FirstEffect>>);

impl Watch for Shared {
    fn seen(&mut self, at: Now, _: &World, event: &Event<'_>) {
        let Event::Sent { call, .. } = event else { return };
        let mut this = self.0.borrow_mut();
        match (&call.op, this.decided) {
            (Op::Store(StoreOp::Append { seq, bytes, .. }), None) => {
                let plans = |record: &Record| matches!(record, Record::Planned { moves: true, .. });
                let entry = Entry::parse(*seq, bytes).ok();
                if entry.is_some_and(|entry| entry.records.iter().any(plans)) {
                    this.decided = Some((at.mono, Instant::now()));
                }
            }
            (Op::Store(_) | Op::Lease(_) | Op::Notify(_), _) => {}
            (op, Some((decided, clock))) if op.mutates() && this.first.is_none() => {
                this.first = Some((at.mono.since(decided), clock.elapsed()));
            }
            _ => {}
        }
    }
}
