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
//!
//! What is the same but for what makes no difference is one state: replicas that have done nothing
//! yet begin in their order; time passes only where something may become too old; who does not lead
//! has forgotten its steps, as it will before it leads again; and who cannot lead again within the
//! bounds knows nothing, since it only writes what it has sent already.

mod actions;
mod ground;
mod memory;
mod promises;
mod replica;
mod stored;
mod telling;
mod world;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bowline_core::model::Wall;
use bowline_core::op::{Op, RdsOp};
use bowline_core::plan::Effect;
use bowline_core::run::{StepRun, StepState};
use stateright::{Model, Property};

pub use actions::Action;
pub use promises::{BACK, ONCE, ONE_CHAIN, Promise, UNWOUND};

use crate::ending::{Ends, Fate, print};
use memory::Memory;
use promises::Faults;
use replica::{Message, Replica};
use stored::Stored;
use world::World;

/// How much may go on.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Replicas.
    pub replicas: usize,
    /// How often one begins to lead, all together.
    pub leads: u8,
    /// Whether each does so once at most.
    pub once: bool,
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
    /// Whether reads of the chain are answered as soon as they are asked.
    pub prompt: bool,
}

/// Which steps the run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Claim at the gate, promotion: the shortest that cannot be undone.
    Short,
    /// Fence (may end unconfirmed), promotion: the shortest that closes a door.
    Door,
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
    /// Who cancels a run takes back what was begun for good, whether it was sent or not.
    TakesBackWhatWasSent,
    /// A door that is seen open for half a minute is let go of, whatever is on its way.
    TrustsAnOpenDoor,
}

/// The model.
#[derive(Clone)]
pub struct RunModel {
    bounds: Bounds,
    mistake: Mistake,
    memory: Arc<Memory>,
}

/// Replicas, the store, the world, and what is on its way.
#[derive(Clone)]
pub struct State {
    replicas: Vec<Arc<Replica>>,
    /// In the order of their prints.
    messages: Vec<Arc<Message>>,
    /// The stored chain.
    stored: Arc<Stored>,
    world: Arc<World>,
    spent: Spent,
    /// Promises that were broken.
    faults: Faults,
}

/// How much of the bounds is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Spent {
    leads: u8,
    /// Who has led, a bit for each, where that is bounded.
    led: u8,
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
            once: false,
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
            prompt: false,
        }
    }
}

impl RunModel {
    /// A run in a world without mistakes.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self::wrong(bounds, Mistake::None)
    }

    /// A run in a world with a mistake.
    #[must_use]
    pub fn wrong(bounds: Bounds, mistake: Mistake) -> Self {
        Self { bounds, mistake, memory: Arc::default() }
    }

    /// The bounds, in words.
    #[must_use]
    pub fn name(&self) -> String {
        let Bounds { replicas, leads, crashes, losses, doubles, cancels, .. } = self.bounds;
        let Bounds { pauses, adrift, epochs, route, rds, skew_secs, prompt, .. } = self.bounds;
        let wrong = match self.mistake {
            Mistake::None => String::new(),
            other => format!("; MISTAKE: {other:?}"),
        };
        let prompt = if prompt { ", chains are read at once" } else { "" };
        let once = if self.bounds.once { ", each once" } else { "" };
        let skew = if skew_secs == 0 { String::new() } else { format!(", skew {skew_secs} s") };
        format!(
            "run {route:?}, RDS {rds:?}: {replicas} replicas, {leads} leads{once}, {epochs} \
             claims, {crashes} crashes, {losses} lost, {doubles} doubled, {adrift} adrift, \
             {cancels} cancels, {pauses} pauses{skew}{prompt}{wrong}"
        )
    }

    /// A replica that begins a life.
    fn replica(&self, index: usize, life: u8) -> Arc<Replica> {
        let new = Replica::new(index, life);
        self.memory.replicas.recall(new.print, || Arc::new(new))
    }

    /// Whether the bounds let a replica begin to lead.
    fn can_lead(&self, state: &State, index: usize) -> bool {
        state.spent.leads < self.bounds.leads && state.spent.led & (1 << index) == 0
    }

    /// Whether replicas differ by name alone.
    fn alike(&self) -> bool {
        self.mistake == Mistake::None && self.bounds.skew_secs == 0
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
        vec![State {
            replicas: (0..self.bounds.replicas).map(|index| self.replica(index, 0)).collect(),
            messages: Vec::new(),
            stored: Arc::default(),
            world: Arc::new(World::new()),
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
        self.hurry(&mut next);
        self.retire(&mut next);
        next.messages.sort_by_key(|message| message.print);
        (next != *last).then_some(next)
    }

    fn within_boundary(&self, state: &State) -> bool {
        let adrift = state.messages.iter().filter(|message| !message.waited).count();
        adrift <= self.bounds.adrift && state.stored.ledger.epoch().0 <= self.bounds.epochs
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

    /// It waits, where a call that was lost is given minutes to show, or one that may be late is
    /// outlasted, and no pause is left. It is excused, where the run was claimed for the last time
    /// and its claimant is dead, or cannot lead again.
    fn fate(&self, state: &State) -> Fate {
        let ledger = &state.stored.ledger;
        let able = state.replicas.iter().enumerate().any(|(index, replica)| {
            let claimant = Some(&replica.id) == ledger.claimant.as_ref();
            claimant && (replica.leads || self.can_lead(state, index))
        });
        let no_pause = state.spent.pauses >= self.bounds.pauses;
        match &ledger.run {
            Some(run) if run.closed() => Fate::Over,
            _ if ledger.epoch().0 >= self.bounds.epochs && !able => Fate::Excused,
            _ if no_pause && (state.waits_for_lost() || state.outlasts()) => Fate::Waits,
            _ => Fate::Open,
        }
    }
}

impl State {
    /// How late it is, by the clocks of the store, of RDS and of most replicas.
    fn wall(&self) -> Wall {
        (0..self.spent.pauses).fold(Wall(1_000_000_000), |wall, _| wall + ground::PAUSE)
    }

    /// Whether a step waits for the effect of a call that is not to come: it was recorded since the
    /// last pause, is not on its way, and has changed nothing. Calls to a lever are not waited for,
    /// and a fence ends when its time is over.
    fn waits_for_lost(&self) -> bool {
        let steps = self.stored.ledger.run.iter().flat_map(|run| run.steps.values());
        let mut begun = steps.filter(|step| step.state == StepState::Started);
        begun.any(|step| step.step.timeout.is_none() && self.lost(step))
    }

    /// Whether a step watches a door that a call may still close.
    fn outlasts(&self) -> bool {
        let mut steps = self.stored.ledger.run.iter().flat_map(|run| run.steps.values());
        let recent = |step: &StepRun| self.wall().since(step.planned_at) < ground::PAUSE;
        steps.any(|step| match &step.step.effect {
            Effect::Reopen(reopen) => step.open() && reopen.outlasts && recent(step),
            _ => false,
        })
    }

    fn lost(&self, step: &StepRun) -> bool {
        let Some(acted) = &step.acted else { return false };
        let idle = match &acted.op {
            Op::Rds(_, RdsOp::Promote(_)) => self.world.promoted == 0,
            Op::Rds(_, RdsOp::SetSecurityGroups { groups, .. }) => !self.world.admits(groups),
            _ => false,
        };
        let travels = |message: &Arc<Message>| *message.op == acted.op;
        let shows = self.wall().since(acted.at) < ground::PAUSE;
        idle && shows && !self.messages.iter().any(travels)
    }

    /// What decides how it goes on.
    fn print(&self) -> u64 {
        let Self { replicas, messages, stored, world, spent, faults } = self;
        let replicas: u64 = replicas.iter().fold(0, |all, one| print(&(all, one.print)));
        let messages: u64 = messages.iter().fold(1, |all, one| print(&(all, one.print)));
        print(&(replicas, messages, stored.print, world.print, spent, faults))
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
        let Self { replicas, messages, stored, world, spent, faults } = self;
        write!(f, "{replicas:#?} {messages:#?} {stored:#?} {world:#?} {spent:?} {faults:?}")
    }
}
