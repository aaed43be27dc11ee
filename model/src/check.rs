//! Visiting every state of a model, and saying what was found.
//!
//! A check is either exhausted, refuted, or cut. It is cut only by the limit on generated states
//! that guards the machine's memory, and then it says so: it never passes as exhausted.

use std::fmt;
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};

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
    /// Whether every state was visited, no promise is broken, and nothing is missing.
    #[must_use]
    pub fn holds(&self) -> bool {
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

/// Visits every state of `model`, breadth first, until all were visited or a promise is broken.
pub fn exhaust<M>(name: impl Into<String>, model: M, limits: Limits) -> Verdict
where
    M: Tells + Send + Sync + 'static,
    M::State: Clone + PartialEq + fmt::Debug + Hash + Send + Sync + 'static,
    M::Action: Clone + PartialEq + fmt::Debug + Send + Sync + 'static,
{
    let began = Instant::now();
    let expected = model.properties();
    let checker = model
        .checker()
        .threads(limits.threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .target_state_count(limits.generated)
        .spawn_bfs()
        .join();
    let found = checker.discoveries();
    let seen = |property: &Property<M>| found.contains_key(property.name);
    let wanted = |property: &&Property<M>| property.expectation == Expectation::Sometimes;
    let broken = expected.iter().filter(|property| !wanted(property) && seen(property));
    let way = |property: &Property<M>| {
        let path = found.get(property.name).map(|path| path.clone().into_vec());
        let told = |(state, action): (M::State, Option<M::Action>)| {
            Some(checker.model().tell(&state, &action?))
        };
        path.into_iter().flatten().filter_map(told).collect()
    };
    let broken: Vec<_> =
        broken.map(|property| Broken { promise: property.name, way: way(property) }).collect();
    let never = expected.iter().filter(|property| wanted(property) && !seen(property));
    let never = if broken.is_empty() { never.map(|p| p.name).collect() } else { Vec::new() };
    Verdict {
        name: name.into(),
        unique: checker.unique_state_count(),
        generated: checker.state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        cut: broken.is_empty() && checker.state_count() >= limits.generated,
        broken,
        never,
    }
}
