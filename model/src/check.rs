//! Visiting every state of a model, and saying what was found.
//!
//! A check is either exhausted, refuted, or cut. It is cut only by the limit on generated states
//! that guards the machine's memory, and then it says so: it never passes as exhausted.

use std::fmt;
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path, Property};

use crate::ending::{CAN_END, Charted, Ends, Reach, Seeking};

/// What became of a check.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What was checked, with its bounds.
    pub name: String,
    /// States that differ.
    pub unique: usize,
    /// States that were generated, those that were known already included.
    pub generated: usize,
    /// The length of the longest way, in states.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// Whether the limit on generated states ended it.
    pub cut: bool,
    /// Promises that are broken, each with a way to it.
    pub broken: Vec<Broken>,
    /// What should happen on some way and does on none: the model says less than it seems to.
    pub never: Vec<&'static str>,
    /// From which states an end can be reached, when nothing else is wrong.
    pub reach: Option<Reach>,
}

/// A promise that is broken.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The promise.
    pub promise: &'static str,
    /// What happened, one after the other.
    pub way: Vec<String>,
}

impl Verdict {
    /// Whether every state was visited, no promise is broken, nothing is missing, and from every
    /// state an end can be reached.
    #[must_use]
    pub fn holds(&self) -> bool {
        let reached = |reach: &Reach| reach.stuck.is_empty() && reach.states == self.unique;
        self.whole() && self.reach.as_ref().is_some_and(reached)
    }

    fn whole(&self) -> bool {
        !self.cut && self.broken.is_empty() && self.never.is_empty()
    }

    /// The way to a broken promise.
    #[must_use]
    pub fn way_to(&self, promise: &str) -> Option<&[String]> {
        self.broken.iter().find(|broken| broken.promise == promise).map(|broken| &*broken.way)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            _ if !self.broken.is_empty() => "REFUTED",
            _ if self.cut => "CUT",
            _ if !self.never.is_empty() => "HOLLOW",
            _ => "exhausted",
        };
        let (unique, generated, depth) = (self.unique, self.generated, self.depth);
        let secs = self.took.as_secs_f64();
        write!(
            f,
            "{word:9} {unique:>9} unique of {generated:>10} generated, depth {depth:>3}, \
             {secs:>6.1} s  {}",
            self.name
        )?;
        if let Some(Reach { over, excused, stuck, .. }) = &self.reach {
            let stuck = stuck.len();
            write!(f, "\n  ends: {over} over, {excused} excused, {stuck} stuck")?;
        }
        self.never.iter().try_for_each(|what| write!(f, "\n  never: {what}"))?;
        self.broken.iter().try_for_each(|broken| write!(f, "\n{broken}"))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  broken: {}", self.promise)?;
        let steps = self.way.iter().enumerate();
        steps.into_iter().try_for_each(|(n, step)| write!(f, "\n  {:>4}. {step}", n + 1))
    }
}

/// A model that can say in words what happens.
pub trait Tells: Model {
    /// What `action` is in `state`.
    fn tell(&self, state: &Self::State, action: &Self::Action) -> String;
}

/// How far a check goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads that search.
    pub threads: usize,
    /// Generated states after which it is cut; each state that waits to be visited takes a few
    /// kilobytes.
    pub generated: usize,
}

/// Visits every state of `model`, breadth first, until all were visited or a promise is broken;
/// then looks from each for a way to an end.
pub fn exhaust<M>(name: impl Into<String>, model: M, limits: Limits) -> Verdict
where
    M: Tells + Ends + Clone + Send + Sync + 'static,
    M::State: Clone + PartialEq + fmt::Debug + Hash + Send + Sync + 'static,
    M::Action: Clone + PartialEq + fmt::Debug + Send + Sync + 'static,
{
    let began = Instant::now();
    let expected = model.properties();
    let checker = visit(Charted::new(model.clone()), limits);
    let found = checker.discoveries();
    let seen = |property: &&Property<M>| found.contains_key(property.name);
    let wanted = |property: &&Property<M>| property.expectation == Expectation::Sometimes;
    let broken = expected.iter().filter(|property| !wanted(property) && seen(property));
    let way = |property: &Property<M>| way(&model, found.get(property.name).cloned());
    let broken: Vec<_> =
        broken.map(|property| Broken { promise: property.name, way: way(property) }).collect();
    let never = expected.iter().filter(|property| wanted(property) && !seen(property));
    let never = if broken.is_empty() { never.map(|p| p.name).collect() } else { Vec::new() };
    let mut verdict = Verdict {
        name: name.into(),
        unique: checker.unique_state_count(),
        generated: checker.state_count(),
        depth: checker.max_depth(),
        took: Duration::ZERO,
        cut: broken.is_empty() && checker.state_count() >= limits.generated,
        broken,
        never,
        reach: None,
    };
    if verdict.whole() {
        let reach = checker.model().reach();
        verdict.broken.extend(seek(&model, &reach, limits));
        verdict.reach = Some(reach);
    }
    verdict.took = began.elapsed();
    verdict
}

/// Visits all states that there are, or enough to find something broken.
fn visit<M>(model: M, limits: Limits) -> impl Checker<M>
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + PartialEq + fmt::Debug + Hash + Send + Sync + 'static,
    M::Action: Clone + PartialEq + fmt::Debug + Send + Sync + 'static,
{
    let visiting = model.checker().threads(limits.threads).target_state_count(limits.generated);
    visiting.finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join()
}

/// A way to a state that cannot end, if there is one.
fn seek<M>(model: &M, reach: &Reach, limits: Limits) -> Option<Broken>
where
    M: Tells + Ends + Clone + Send + Sync + 'static,
    M::State: Clone + PartialEq + fmt::Debug + Hash + Send + Sync + 'static,
    M::Action: Clone + PartialEq + fmt::Debug + Send + Sync + 'static,
{
    let sought = (!reach.stuck.is_empty()).then(|| reach.stuck.clone())?;
    let checker = visit(Seeking { model: model.clone(), sought }, limits);
    let found = checker.discovery(CAN_END);
    Some(Broken { promise: CAN_END, way: way(model, found) })
}

/// A way in words.
fn way<M: Tells>(model: &M, path: Option<Path<M::State, M::Action>>) -> Vec<String> {
    let told = |(state, action): (M::State, Option<M::Action>)| Some(model.tell(&state, &action?));
    path.into_iter().flat_map(Path::into_vec).filter_map(told).collect()
}
