//! Whether everything can end: from every state that can be reached, some way on which nothing goes
//! wrong any more leads to an end.
//!
//! Stateright's `eventually` misses cycles and ways that join, and a model of retries is full of
//! both. So the states are visited once more here, the steps on which nothing goes wrong are kept,
//! and the ends are followed backwards. What is shown is that an end stays within reach; a system
//! whose every step that stays possible is taken some time (strong fairness) then ends.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Model;

use crate::check::Tells;

/// A model of something that shall end.
pub trait Ends: Model {
    /// Whether nothing goes wrong in this.
    fn heals(&self, action: &Self::Action) -> bool;

    /// Whether it is over.
    fn over(&self, state: &Self::State) -> bool;

    /// Whether the bounds of the model, not the system, keep it from going on: no way to an end is
    /// asked for from here.
    fn excused(&self, state: &Self::State) -> bool {
        let _ = state;
        false
    }
}

/// What became of looking for ends.
#[derive(Clone, Debug)]
pub struct Reach {
    /// States that were visited.
    pub states: usize,
    /// States that are over.
    pub over: usize,
    /// States from which the model's bounds keep it from going on.
    pub excused: usize,
    /// Other states from which no healing way leads to an end.
    pub stuck: usize,
    /// The shortest way to one of these.
    pub way: Vec<String>,
}

/// The graph of what can be reached.
#[derive(Default)]
struct Graph {
    /// From which state, by its how-manieth action, each was first reached.
    parents: Vec<(u32, u16)>,
    /// Healing steps, from and to.
    steps: Vec<(u32, u32)>,
    over: Vec<bool>,
    excused: Vec<bool>,
}

impl Graph {
    fn add(&mut self, parent: (u32, u16), over: bool, excused: bool) -> u32 {
        let index = u32::try_from(self.parents.len()).unwrap_or(u32::MAX);
        self.parents.push(parent);
        self.over.push(over);
        self.excused.push(excused && !over);
        index
    }
}

/// Looks from every state of `model` for a way to an end. There must be fewer than 2^32 states.
pub fn reach<M>(model: &M) -> Reach
where
    M: Ends + Tells,
    M::State: Hash + Clone,
{
    let graph = visit(model);
    let reached = backwards(&graph);
    let stuck = |state: &usize| !reached[*state] && !graph.excused[*state];
    let way = (0..reached.len()).find(stuck);
    let count = |these: &[bool]| these.iter().filter(|this| **this).count();
    Reach {
        states: graph.parents.len(),
        over: count(&graph.over),
        excused: count(&graph.excused),
        stuck: (0..reached.len()).filter(stuck).count(),
        way: way.map(|state| way_to(model, &graph, state)).unwrap_or_default(),
    }
}

/// A number that is the same for equal states, and hardly ever for others.
#[must_use]
pub fn print(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

fn visit<M>(model: &M) -> Graph
where
    M: Ends,
    M::State: Hash,
{
    let mut graph = Graph::default();
    let (mut known, mut waiting) = (BTreeMap::new(), VecDeque::new());
    for state in model.init_states() {
        let first = graph.add((u32::MAX, 0), model.over(&state), model.excused(&state));
        known.insert(print(&state), first);
        waiting.push_back(state);
    }
    let mut from = 0;
    while let Some(state) = waiting.pop_front() {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for (number, action) in (0u16..).zip(actions) {
            let heals = model.heals(&action);
            let next = model.next_state(&state, action);
            let Some(next) = next.filter(|next| model.within_boundary(next)) else { continue };
            let to = *known.entry(print(&next)).or_insert_with(|| {
                let to = graph.add((from, number), model.over(&next), model.excused(&next));
                waiting.push_back(next);
                to
            });
            if heals && to != from {
                graph.steps.push((from, to));
            }
        }
        from += 1;
    }
    graph
}

/// Which states lead to an end.
fn backwards(graph: &Graph) -> Vec<bool> {
    let states = graph.parents.len();
    let mut first = vec![0usize; states + 1];
    for (_, to) in &graph.steps {
        first[*to as usize + 1] += 1;
    }
    for state in 0..states {
        first[state + 1] += first[state];
    }
    let (mut place, mut from) = (first.clone(), vec![0u32; graph.steps.len()]);
    for (before, to) in &graph.steps {
        from[place[*to as usize]] = *before;
        place[*to as usize] += 1;
    }
    let mut reached = graph.over.clone();
    let mut waiting: Vec<usize> = (0..states).filter(|state| reached[*state]).collect();
    while let Some(state) = waiting.pop() {
        for before in &from[first[state]..first[state + 1]] {
            let before = *before as usize;
            if !std::mem::replace(&mut reached[before], true) {
                waiting.push(before);
            }
        }
    }
    reached
}

/// What happened on the first way to a state.
fn way_to<M>(model: &M, graph: &Graph, mut state: usize) -> Vec<String>
where
    M: Ends + Tells,
    M::State: Clone,
{
    let mut numbers = Vec::new();
    while let (before, number) = graph.parents[state]
        && before != u32::MAX
    {
        numbers.push(usize::from(number));
        state = before as usize;
    }
    let mut way = Vec::new();
    let Some(mut at) = model.init_states().into_iter().nth(state) else { return way };
    for number in numbers.into_iter().rev() {
        let mut actions = Vec::new();
        model.actions(&at, &mut actions);
        let action = actions.swap_remove(number);
        way.push(model.tell(&at, &action));
        let Some(next) = model.next_state(&at, action) else { return way };
        at = next;
    }
    way
}
