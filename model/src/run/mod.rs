//! A run under several leaders: who may act, what follows from an accepted record, and what the
//! world lets a stale claimant do.
//!
//! Modelled is [`Desk`](bowline_core::run::Desk) as it ships, with the chain, the ledger, the
//! execution and the procedures of its steps in it: a claim of the lever, the fence of the old
//! writer, the promotion, the shift of the traffic. Everybody may believe to lead at any time, for
//! as long as they like, any number at once: nothing here leans on the lease. Calls are delayed,
//! given up, doubled; what was sent by the dead still arrives.
//!
//! Left out, and why it loses nothing: how long a wait between two looks is (whatever waits looks
//! again at its next turn, and its look may be answered any time later); how long the answer to a
//! look is on its way (what follows from it may be late instead); that a look is lost (it comes
//! later); sampling, surveying and deciding (a run is begun by anybody who leads and sees none).
//! Time passes in steps that no signed request survives: [`Bounds::pauses`].

mod actions;
mod ground;
mod promises;
mod replica;
mod telling;
mod world;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bowline_core::model::Wall;
use bowline_core::op::Op;
use bowline_core::run::{Ledger, Run, StepState};
use stateright::{Model, Property};

pub use actions::Action;
pub use promises::{BACK, ONCE, ONE_CHAIN, Promise, UNWOUND};

use crate::ending::Ends;
use promises::Faults;
use replica::{Message, Replica};
use world::World;

/// How much may go on.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Replicas.
    pub replicas: usize,
    /// How often one begins to lead, all together.
    pub leads: u8,
    /// Crashes.
    pub crashes: u8,
    /// Calls given up: lost before or behind the effect, or only late.
    pub losses: u8,
    /// Calls that change something, doubled on their way.
    pub doubles: u8,
    /// Attempts to cancel the run.
    pub cancels: u8,
    /// Times that everything rests for longer than a signed request is valid.
    pub pauses: u8,
    /// Calls on their way that nobody waits for, at once.
    pub adrift: usize,
    /// Claims of the run.
    pub epochs: u64,
    /// What the run does.
    pub route: Route,
    /// What RDS does with a promotion of what is promoted already.
    pub rds: Rds,
    /// How far the second replica's wall clock is ahead of all others, in seconds.
    pub skew_secs: i64,
}

/// Which steps the run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Claim at the gate, promotion, flip of the gate.
    Gate,
    /// Claim in the zone, promotion, one batch of records.
    Batch,
    /// Claim at the gate, fence (may end unconfirmed), promotion, flip of the gate.
    Fenced,
}

/// What becomes of a promotion of what is promoted already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rds {
    /// It is refused, as documented.
    Refuses,
    /// It takes effect once more: only Bowline's own patience is between the two.
    Repeats,
}

/// What may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Nothing.
    None,
    /// The store writes over names that are taken.
    StoreOverwrites,
    /// A refused entry is written again behind the last one: reread and retry.
    StoreRebases,
    /// The gate takes a write whatever version it was based on.
    GateOverwrites,
    /// A call is sent with its record, not behind it.
    ActsBeforeItsRecord,
    /// A run is cancelled behind its point of no return.
    UnwindsWhatIsCommitted,
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct RunModel {
    /// How much may go on.
    pub bounds: Bounds,
    /// What is wrong.
    pub mistake: Mistake,
}

/// Replicas, the store, the world, and what is on its way.
#[derive(Clone)]
pub struct State {
    replicas: Vec<Arc<Replica>>,
    /// In the order of their prints.
    messages: Vec<Arc<Message>>,
    /// The stored chain.
    store: Arc<Vec<Kept>>,
    /// What it says.
    ledger: Arc<Ledger>,
    world: World,
    spent: Spent,
    /// Promises that were broken.
    faults: Faults,
}

/// One stored entry.
#[derive(Clone, Debug)]
struct Kept {
    bytes: Arc<str>,
    hash: Arc<str>,
}

/// How much of the bounds is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Spent {
    leads: u8,
    crashes: u8,
    losses: u8,
    doubles: u8,
    cancels: u8,
    pauses: u8,
}

impl Bounds {
    /// Two replicas that lead twice all together, while nothing else goes wrong.
    #[must_use]
    pub fn small(route: Route) -> Self {
        Self {
            replicas: 2,
            leads: 2,
            crashes: 0,
            losses: 0,
            doubles: 0,
            cancels: 0,
            pauses: 0,
            adrift: 1,
            epochs: 2,
            route,
            rds: Rds::Refuses,
            skew_secs: 0,
        }
    }
}

impl RunModel {
    /// A run in a world without mistakes.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, mistake: Mistake::None }
    }

    /// The bounds, in words.
    #[must_use]
    pub fn name(&self) -> String {
        let Bounds { replicas, leads, crashes, losses, doubles, cancels, .. } = self.bounds;
        let Bounds { pauses, adrift, epochs, route, rds, skew_secs, .. } = self.bounds;
        let wrong = match self.mistake {
            Mistake::None => String::new(),
            other => format!("; MISTAKE: {other:?}"),
        };
        let skew = if skew_secs == 0 { String::new() } else { format!(", skew {skew_secs} s") };
        format!(
            "run {route:?}, RDS {rds:?}: {replicas} replicas, {leads} leads, {epochs} claims, \
             {crashes} crashes, {losses} lost, {doubles} doubled, {adrift} adrift, {cancels} \
             cancels, {pauses} pauses{skew}{wrong}"
        )
    }

    /// What a replica's wall clock says.
    fn wall(&self, state: &State, replica: usize) -> Wall {
        let skew = if replica == 1 { self.bounds.skew_secs * 1_000 } else { 0 };
        Wall(state.wall().0 + skew)
    }
}

impl Model for RunModel {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let replicas = (0..self.bounds.replicas).map(|index| Arc::new(Replica::new(index, 0)));
        vec![State {
            replicas: replicas.collect(),
            messages: Vec::new(),
            store: Arc::default(),
            ledger: Arc::default(),
            world: World::new(),
            spent: Spent::default(),
            faults: Faults::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        self.happen(&mut next, action);
        next.messages.sort_by_key(|message| message.print);
        (next != *last).then_some(next)
    }

    fn within_boundary(&self, state: &State) -> bool {
        let adrift = state.messages.iter().filter(|message| !message.waited).count();
        adrift <= self.bounds.adrift && state.ledger.epoch().0 <= self.bounds.epochs
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises::properties(&self.bounds)
    }
}

impl Ends for RunModel {
    fn heals(&self, action: &Action) -> bool {
        !matches!(
            action,
            Action::GiveUp(_) | Action::Double(_) | Action::Crash(_) | Action::Cancel(_)
        )
    }

    fn over(&self, state: &State) -> bool {
        state.ledger.run.as_ref().is_some_and(Run::closed)
    }

    /// A call that was recorded and is not on its way, never sent or lost, may need a pause before
    /// it is sent again; a run that was claimed for the last time needs its claimant.
    fn excused(&self, state: &State) -> bool {
        let no_pause = state.spent.pauses >= self.bounds.pauses && state.missing();
        let spare = state.spent.leads < self.bounds.leads;
        let able = state.replicas.iter().any(|replica| {
            Some(&replica.id) == state.ledger.claimant.as_ref() && (replica.leads || spare)
        });
        no_pause || (state.ledger.epoch().0 >= self.bounds.epochs && !able)
    }
}

impl State {
    /// How late it is, by the clocks of the store, of RDS and of most replicas.
    fn wall(&self) -> Wall {
        Wall(1_000_000_000 + i64::from(self.spent.pauses) * ground::PAUSE_MS)
    }

    /// Whether a step's recorded call is neither on its way nor known to have ended.
    fn missing(&self) -> bool {
        let steps = self.ledger.run.iter().flat_map(|run| run.steps.values());
        let mut begun = steps.filter(|step| step.state == StepState::Started);
        let travels = |op: &Op| self.messages.iter().any(|message| *message.op == *op);
        begun.any(|step| step.acted.as_ref().is_some_and(|acted| !travels(&acted.op)))
    }

    /// The store takes an entry behind the last one.
    fn append(&mut self, bytes: &Arc<str>) {
        let (seq, before) = (self.ledger.head + 1, Arc::clone(&self.ledger));
        let Ok(entry) = Arc::make_mut(&mut self.ledger).apply(seq, bytes) else {
            return self.faults.found(Promise::Chain);
        };
        let kept = Kept { bytes: Arc::clone(bytes), hash: Arc::clone(&self.ledger.hash) };
        Arc::make_mut(&mut self.store).push(kept);
        if !promises::rightful(&before, &entry) {
            self.faults.found(Promise::Stale);
        }
    }

    /// What decides how it goes on.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.replicas.iter().for_each(|replica| replica.print.hash(&mut hasher));
        self.messages.iter().for_each(|message| message.print.hash(&mut hasher));
        (&self.ledger.hash, &self.world, self.spent, self.faults).hash(&mut hasher);
        hasher.finish()
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.print().hash(state);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.print() == other.print()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replicas, messages, store, world, spent, faults, .. } = self;
        write!(f, "{replicas:#?} {messages:#?} {store:#?} {world:#?} {spent:?} {faults:?}")
    }
}
