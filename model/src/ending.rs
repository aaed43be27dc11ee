//! Whether everything can end: from every state that can be reached, some way on which nothing goes
//! wrong any more leads to an end.
//!
//! Stateright's `eventually` misses cycles and ways that join, and a model of retries is full of
//! both. So the steps on which nothing goes wrong are kept while stateright visits the states
//! ([`Charted`]), and the ends are followed backwards. What is shown is that an end stays within
//! reach; a system whose every step that stays possible is taken some time (strong fairness) then
//! ends.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use stateright::{Model, Property};

use crate::graph::Graph;

/// A model of something that shall end.
pub trait Ends: Model {
    /// Whether nothing goes wrong in this.
    fn heals(&self, action: &Self::Action) -> bool;

    /// How far it is.
    fn fate(&self, state: &Self::State) -> Fate;
}

/// How far a state is from an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A way to an end is asked for.
    Open,
    /// It is over.
    Over,
    /// It would go on, but for the bounds of the model: a way to here is as good as one to an end.
    Waits,
    /// The bounds of the model keep it from going on: no way is asked for from here, and none to
    /// here counts.
    Excused,
}

/// What became of looking for ends.
#[derive(Clone, Debug)]
pub struct Reach {
    /// States that were visited.
    pub states: usize,
    /// States that are over.
    pub over: usize,
    /// States from which no healing way leads to an end, since the model's bounds do not let it.
    pub excused: usize,
    /// Other states from which no healing way leads to an end.
    pub stuck: HashSet<u64>,
}

/// A number that is the same for equal things, and hardly ever for others.
#[must_use]
pub fn print(thing: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish()
}

/// A model that keeps its graph while it is visited.
pub struct Charted<M: Model> {
    model: M,
    promises: Vec<Property<M>>,
    sheets: Vec<Mutex<Sheet>>,
}

/// A part of the graph: those states, by their prints, whose prints begin alike.
#[derive(Default)]
struct Sheet {
    states: Vec<u64>,
    over: Vec<u64>,
    waits: Vec<u64>,
    excused: Vec<u64>,
    /// Healing steps from these states, from and to.
    steps: Vec<(u64, u64)>,
}

/// Sheets are many, so that threads seldom meet at one, and that one which grows is small.
const SHEETS: u64 = 64;

impl<M> Charted<M>
where
    M: Ends,
    M::State: Hash,
{
    /// The model with a graph of nothing yet.
    #[must_use]
    pub fn new(model: M) -> Self {
        let sheets = (0..SHEETS).map(|_| Mutex::default()).collect();
        let promises = model.properties();
        assert!(promises.len() <= places::<M>().len(), "promises without a place");
        Self { model, promises, sheets }
    }

    /// The model itself.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Looks from every state that was visited for a way to an end.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let take = |sheet: &Mutex<Sheet>| std::mem::take(&mut *open(sheet));
        let mut sheets: Vec<_> = self.sheets.iter().map(take).collect();
        let states = sheets.iter_mut().flat_map(|sheet| std::mem::take(&mut sheet.states));
        let mut graph = Graph::new(states.collect());
        for sheet in &mut sheets {
            graph.join(std::mem::take(&mut sheet.steps));
        }
        let mut backwards = graph.backwards();
        let mut over: Vec<_> = sheets.iter().flat_map(|sheet| &sheet.over).copied().collect();
        over.sort_unstable();
        over.dedup();
        backwards.follow(over.iter().copied());
        let waiting = backwards.follow(sheets.iter().flat_map(|sheet| &sheet.waits).copied());
        let mut stuck: HashSet<_> = backwards.others().collect();
        let others = stuck.len();
        sheets.iter().flat_map(|sheet| &sheet.excused).for_each(|one| _ = stuck.remove(one));
        let excused = waiting + others - stuck.len();
        Reach { states: graph.states(), over: over.len(), excused, stuck }
    }

    fn sheet(&self, print: u64) -> MutexGuard<'_, Sheet> {
        open(&self.sheets[usize::try_from(print % SHEETS).unwrap_or_default()])
    }
}

impl<M> Model for Charted<M>
where
    M: Ends,
    M::State: Hash,
{
    type State = M::State;
    type Action = M::Action;

    fn init_states(&self) -> Vec<M::State> {
        self.model.init_states()
    }

    /// Stateright asks this of every state that it visits, once.
    fn actions(&self, state: &M::State, actions: &mut Vec<M::Action>) {
        let print = print(state);
        let mut sheet = self.sheet(print);
        sheet.states.push(print);
        match self.model.fate(state) {
            Fate::Open => {}
            Fate::Over => sheet.over.push(print),
            Fate::Waits => sheet.waits.push(print),
            Fate::Excused => sheet.excused.push(print),
        }
        drop(sheet);
        self.model.actions(state, actions);
    }

    fn next_state(&self, last: &M::State, action: M::Action) -> Option<M::State> {
        let heals = self.model.heals(&action);
        let next = self.model.next_state(last, action)?;
        let next = Some(next).filter(|next| self.model.within_boundary(next))?;
        if heals {
            let from = print(last);
            self.sheet(from).steps.push((from, print(&next)));
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let given = self.promises.iter().zip(places());
        let same = |(promise, condition): (&Property<M>, _)| {
            let (expectation, name) = (promise.expectation.clone(), promise.name);
            Property { expectation, name, condition }
        };
        given.map(same).collect()
    }
}

/// A condition, as stateright wants it.
type Condition<M> = fn(&M, &<M as Model>::State) -> bool;

/// Stateright's conditions are plain functions and cannot remember a promise: here is one for each
/// place in the list of promises.
fn places<M>() -> [Condition<Charted<M>>; 15]
where
    M: Ends,
    M::State: Hash,
{
    let [a, b, c] = [nth::<M, 0>, nth::<M, 1>, nth::<M, 2>];
    let [d, e, f] = [nth::<M, 3>, nth::<M, 4>, nth::<M, 5>];
    let [g, h, i] = [nth::<M, 6>, nth::<M, 7>, nth::<M, 8>];
    let [j, k, l] = [nth::<M, 9>, nth::<M, 10>, nth::<M, 11>];
    let [m, n, o] = [nth::<M, 12>, nth::<M, 13>, nth::<M, 14>];
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o]
}

fn nth<M, const N: usize>(charted: &Charted<M>, state: &M::State) -> bool
where
    M: Ends,
    M::State: Hash,
{
    (charted.promises[N].condition)(&charted.model, state)
}

/// A model in which some states are looked for.
pub struct Seeking<M> {
    /// The model.
    pub model: M,
    /// The prints of the states.
    pub sought: HashSet<u64>,
}

impl<M> Model for Seeking<M>
where
    M: Ends,
    M::State: Hash,
{
    type State = M::State;
    type Action = M::Action;

    fn init_states(&self) -> Vec<M::State> {
        self.model.init_states()
    }

    fn actions(&self, state: &M::State, actions: &mut Vec<M::Action>) {
        self.model.actions(state, actions);
    }

    fn next_state(&self, last: &M::State, action: M::Action) -> Option<M::State> {
        self.model.next_state(last, action)
    }

    fn within_boundary(&self, state: &M::State) -> bool {
        self.model.within_boundary(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let other = |seeking: &Self, state: &M::State| !seeking.sought.contains(&print(state));
        vec![Property::always(CAN_END, other)]
    }
}

/// What is asked of every state.
pub const CAN_END: &str = "from every state some way on which nothing goes wrong leads to an end";

/// What is on a sheet is whole, whoever panicked beside it.
fn open(sheet: &Mutex<Sheet>) -> MutexGuard<'_, Sheet> {
    sheet.lock().unwrap_or_else(PoisonError::into_inner)
}
