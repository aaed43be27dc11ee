//! The leader lease: replicas with clocks of their own, and a store that compares versions.
//!
//! Modelled is [`Lease`] as it ships, two or three of them; requests and replies are delayed for as
//! long as one likes, lost, refused, doubled; replicas pause (nobody wakes them), crash at any
//! instant, stop cleanly, and come back under a new name; clocks run at different rates.
//!
//! Left out: time between two ticks; more requests on their way than [`Bounds::adrift`] that nobody
//! waits for any more. How long it all goes on is not bounded: instants are told as seen from now
//! ([`Lease::moved`]), and names are those that come first ([`Lease::renamed`]).

mod actions;

use std::hash::{Hash, Hasher};
use std::sync::LazyLock;

use bowline_core::lease::{Lease, LeaseTimes};
use bowline_core::model::{Mono, ReplicaId, Span, Version};
use bowline_core::op::{Answer, Fault, LeaseOp, LeaseSpec};
use stateright::{Model, Property};

pub use actions::Action;

use crate::check::Tells;
use crate::ending::{Ends, Fate, print};

/// What time it always is, by every replica's own clock.
const NOW: Mono = Mono(1_000);

/// At most one leader, by everybody's own clock.
pub const ONE_LEADER: &str = "at most one replica believes, by its own clock, that it leads";

/// How much may go on at once.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// How far each replica's clock goes in one tick; one per replica.
    pub rates: Vec<u64>,
    /// The lease's times, in these units.
    pub times: LeaseTimes,
    /// Writes on their way that nobody waits for any more, at once.
    pub adrift: usize,
    /// Whether requests are doubled, refused, and replicas stopped cleanly, too.
    pub rare: bool,
    /// Whether reads are answered as soon as they are asked.
    pub prompt: bool,
}

/// What may be wrong with the world the lease relies on, or with its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Nothing.
    None,
    /// The store takes a write whatever version it was based on.
    BlindStore,
}

/// The model.
#[derive(Clone, Debug)]
pub struct LeaseModel {
    /// How much may go on.
    pub bounds: Bounds,
    /// What is wrong.
    pub mistake: Mistake,
}

/// Replicas, the record, and what is on its way.
#[derive(Clone, Debug)]
pub struct State {
    replicas: Vec<Replica>,
    /// The record's version and holder.
    record: Option<(Version, Option<ReplicaId>)>,
    /// Of all that.
    print: u64,
}

/// One replica, and what it sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Replica {
    id: ReplicaId,
    lease: Lease,
    /// The call it waits for, if the network still has it.
    call: Option<Travel>,
    /// Writes that it waits for no more, in no order.
    adrift: Vec<Write>,
}

/// Where a call is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Travel {
    /// On its way to the store: a read, or a write.
    Sent(Option<Write>),
    /// On its way back.
    Answered(Reply),
}

/// A write, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Write {
    version: Option<Version>,
    holder: Option<ReplicaId>,
}

/// A reply, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Reply {
    Read(Option<(Version, Option<ReplicaId>)>),
    Written(Version),
    Conflict,
    Refused,
}

impl Bounds {
    /// Two replicas whose clocks agree: 4 ticks to wait, 3 to believe, 1 for an attempt.
    #[must_use]
    pub fn small() -> Self {
        Self { rates: vec![1, 1], times: times(4, 3, 1), adrift: 1, rare: false, prompt: false }
    }

    /// Three replicas whose clocks agree; no write that nobody waits for, and reads are answered at
    /// once.
    #[must_use]
    pub fn three(times: LeaseTimes) -> Self {
        Self { rates: vec![1, 1, 1], times, adrift: 0, rare: false, prompt: true }
    }

    /// The first clock slower than the second by the most that the times allow: 2 to 3.
    #[must_use]
    pub fn skewed() -> Self {
        Self { rates: vec![2, 3], times: times(9, 6, 2), adrift: 1, rare: false, prompt: false }
    }
}

/// Lease times in units of a tick.
#[must_use]
pub fn times(duration: u64, renew_deadline: u64, retry: u64) -> LeaseTimes {
    let [duration, renew_deadline, retry] = [duration, renew_deadline, retry].map(Span::millis);
    LeaseTimes { duration, renew_deadline, retry }
}

impl LeaseModel {
    /// The lease in a world without mistakes.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, mistake: Mistake::None }
    }

    /// The bounds, in words.
    #[must_use]
    pub fn name(&self) -> String {
        let Bounds { rates, times, adrift, rare, prompt } = &self.bounds;
        let (duration, renew) = (times.duration.as_millis(), times.renew_deadline.as_millis());
        let rare = if *rare { ", doubled and refused requests, clean stops" } else { "" };
        let prompt = if *prompt { ", reads answered at once" } else { "" };
        let wrong = match self.mistake {
            Mistake::None => "",
            Mistake::BlindStore => "; MISTAKE: the store does not compare",
        };
        format!(
            "lease: {} replicas, clocks {rates:?}, lease {duration}, claim {renew}, {adrift} \
             stray writes{rare}{prompt}, any crashes, any time{wrong}",
            rates.len()
        )
    }
}

impl LeaseModel {
    /// One of all states that differ in names alone. Replicas whose clocks are alike change places.
    fn plain(&self, state: State) -> State {
        let alike = self.bounds.rates.iter().all(|rate| *rate == self.bounds.rates[0]);
        let given: Vec<_> = (0..state.replicas.len()).collect();
        let orders = if alike { orders(state.replicas.len()) } else { vec![given] };
        let prune = self.mistake == Mistake::None;
        let plain = orders.iter().map(|order| state.clone().plain(order, prune));
        plain.min_by_key(|state| state.print).unwrap_or(state)
    }
}

/// All orders of so many places.
fn orders(places: usize) -> Vec<Vec<usize>> {
    let Some(last) = places.checked_sub(1) else { return vec![Vec::new()] };
    let within = |shorter: Vec<usize>| {
        (0..places).map(move |place| {
            let mut order = shorter.clone();
            order.insert(place, last);
            order
        })
    };
    orders(last).into_iter().flat_map(within).collect()
}

impl Model for LeaseModel {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let replica = |index: usize| Replica {
            id: name(index),
            lease: Lease::new(name(index), self.bounds.times).moved(Mono(0), NOW),
            call: None,
            adrift: Vec::new(),
        };
        let replicas = (0..self.bounds.rates.len()).map(replica).collect();
        vec![self.plain(State { replicas, record: None, print: 0 })]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        self.happen(&mut next, action);
        self.hurry(&mut next);
        let next = self.plain(next);
        (next != *last).then_some(next)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.replicas.iter().map(|replica| replica.adrift.len()).sum::<usize>()
            <= self.bounds.adrift
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_LEADER, |_, state: &State| state.leaders() <= 1),
            Property::sometimes("a replica leads", |_, state: &State| state.leaders() == 1),
            Property::sometimes("a replica leads after another", |_, state: &State| {
                let gone = |replica: &Replica| replica.lease.holder() == Some(&NAMES.gone);
                state.leaders() == 1 && state.replicas.iter().any(gone)
            }),
            Property::sometimes("a leader's write drifts", |model: &Self, state: &State| {
                let drifts = |index| state.leads(index) && !state.replicas[index].adrift.is_empty();
                model.bounds.adrift == 0 || (0..state.replicas.len()).any(drifts)
            }),
        ]
    }
}

impl Tells for LeaseModel {
    /// Replicas whose clocks are alike change places: who it was is told by what it knows.
    fn tell(&self, state: &State, action: &Action) -> String {
        let leads = |index: &usize| state.leads(*index);
        let leader: Vec<_> = (0..state.replicas.len()).filter(leads).collect();
        format!("{action:?} (leading: {leader:?})")
    }
}

impl Ends for LeaseModel {
    fn heals(&self, action: &Action) -> bool {
        match action {
            Action::Tick | Action::Wake(_) | Action::Arrive(_) | Action::Hear(_) => true,
            // A process that stopped cleanly is started again by whoever runs it.
            Action::Restart(_) => true,
            _ => false,
        }
    }

    fn fate(&self, state: &State) -> Fate {
        if state.leaders() > 0 { Fate::Over } else { Fate::Open }
    }
}

impl State {
    fn leads(&self, index: usize) -> bool {
        self.replicas[index].lease.leads(NOW).is_some()
    }

    fn leaders(&self) -> usize {
        (0..self.replicas.len()).filter(|index| self.leads(*index)).count()
    }

    /// The same state with the replicas in this order, under the names that come first: who lives
    /// is called by place, who is dead is nobody in particular, versions are counted as they are
    /// met. A write that nobody waits for is dropped once its version is over: versions never come
    /// back.
    fn plain(mut self, order: &[usize], prune: bool) -> Self {
        self.replicas = order.iter().map(|place| self.replicas[*place].clone()).collect();
        let alive: Vec<_> = self.replicas.iter().map(|replica| replica.id.clone()).collect();
        let replica = |id: &ReplicaId| match alive.iter().position(|alive| alive == id) {
            Some(index) => name(index),
            None => NAMES.gone.clone(),
        };
        let mut versions: Vec<Version> = Vec::new();
        let mut version = |old: &Version| {
            let place = versions.iter().position(|known| known == old).unwrap_or_else(|| {
                versions.push(old.clone());
                versions.len() - 1
            });
            NAMES.versions[place].clone()
        };
        if prune {
            let present = self.record.as_ref().map(|(version, _)| version.clone());
            let replicas = self.replicas.iter_mut();
            replicas.for_each(|r| r.adrift.retain(|write| write.version == present));
        }
        self.record = self.record.map(|(v, id)| (version(&v), id.as_ref().map(replica)));
        for each in &mut self.replicas {
            each.id = replica(&each.id);
            each.lease = each.lease.renamed(replica, &mut version);
            each.rename(&replica, &mut version);
        }
        self.print = print(&(&self.replicas, &self.record));
        self
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.print.hash(state);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}

impl Replica {
    fn rename(
        &mut self,
        replica: &impl Fn(&ReplicaId) -> ReplicaId,
        version: &mut impl FnMut(&Version) -> Version,
    ) {
        let mut write = |write: &mut Write| {
            write.version = write.version.as_ref().map(&mut *version);
            write.holder = write.holder.as_ref().map(replica);
        };
        self.adrift.iter_mut().for_each(&mut write);
        match &mut self.call {
            Some(Travel::Sent(Some(sent))) => write(sent),
            Some(Travel::Answered(Reply::Written(written))) => *written = version(written),
            Some(Travel::Answered(Reply::Read(Some((read, holder))))) => {
                (*read, *holder) = (version(read), holder.as_ref().map(replica));
            }
            _ => {}
        }
        self.adrift.sort();
    }
}

/// A replica's name; in its next life it has another, until the old one is forgotten.
fn name(index: usize) -> ReplicaId {
    NAMES.replicas[index].clone()
}

/// The names that are given. They are made once: giving them is most of the work.
struct Names {
    replicas: [ReplicaId; 4],
    /// Who is dead.
    gone: ReplicaId,
    /// Who is just born.
    new: ReplicaId,
    /// Everybody knows at most two versions, and so do the record and whatever is on its way.
    versions: [Version; 32],
    /// The version that is just written.
    written: Version,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    replicas: std::array::from_fn(|index| ReplicaId::new(format!("r{index}"))),
    gone: ReplicaId::new("gone"),
    new: ReplicaId::new("new"),
    versions: std::array::from_fn(|place| Version::new(place.to_string())),
    written: Version::new("new"),
});

impl Write {
    fn of(op: &LeaseOp) -> Option<Self> {
        match op {
            LeaseOp::Read => None,
            LeaseOp::Write { version, lease } => {
                Some(Self { version: version.clone(), holder: lease.holder.clone() })
            }
        }
    }
}

impl Reply {
    /// The reply as the lease gets it. What only people read of the record is left at nothing.
    fn result(self, duration: Span) -> Result<Answer, Fault> {
        match self {
            Self::Read(record) => Ok(Answer::Lease(record.map(|(version, holder)| {
                let renewed = bowline_core::model::Wall(0);
                let lease = LeaseSpec { holder, duration, transitions: 0, renewed };
                bowline_core::op::LeaseView { version, lease }
            }))),
            Self::Written(version) => Ok(Answer::Written(version)),
            Self::Conflict => Err(Fault::Conflict("version".into())),
            Self::Refused => Err(Fault::Throttled { after: None }),
        }
    }
}
