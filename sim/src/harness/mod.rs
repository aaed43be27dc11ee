//! The harness: replicas of Bowline, the world, and the messages between them, on virtual time.
//!
//! ```text
//! replica ── call ──▶ latency ──▶ World::perform ──▶ latency ──▶ Input::Reply ──▶ replica
//! ```
//!
//! Everything happens in the order of (virtual time, sequence). One seed gives one story, to the
//! last reply: [`Simulation::digest`] says whether two stories were the same.

mod clock;
mod digest;
mod flight;
mod latency;
mod messages;
mod replica;
mod seat;
mod spoil;
mod strike;
mod troubles;
mod watch;

use bowline_core::model::{GroupName, Mono, Now};
use bowline_core::node::Input;
use bowline_core::op::Call;
use bowline_core::policy::Policy;

use crate::faults::{Spell, Weather};
use crate::part::{self, earlier, earliest};
use crate::timers::Timers;
use crate::world::{News, World};
use digest::Digest;
use flight::{Flights, Slot};
use seat::Seat;
use spoil::Spoiling;
use strike::Strikes;

pub use replica::Replica;
pub(crate) use replica::{replicas, replicas_beside_glass};
pub use spoil::{Spoil, Trouble as SpoilTrouble};
pub use strike::{Arrival, Death, Side, Strike};
pub use watch::{Event, Watch};

/// Makes the replica that sits down in a seat: `(seat, how many sat there before)`.
pub type Recruit<R> = Box<dyn FnMut(usize, u32) -> R>;

/// A world with replicas of Bowline in it.
pub struct Simulation<R> {
    /// The world.
    pub world: World,
    seats: Vec<Seat<R>>,
    recruit: Recruit<R>,
    policies: Vec<Policy>,
    items: Timers<Item>,
    flights: Flights,
    weather: Weather,
    spells: Vec<Spell>,
    intents: Vec<Wanted>,
    strikes: Strikes,
    spoiling: Option<Spoiling>,
    /// The seat whose store is a directory of its own.
    apart: Option<usize>,
    now: Mono,
    nature: fastrand::Rng,
    network: fastrand::Rng,
    digest: Digest,
    steps: u64,
    watchers: Vec<Box<dyn Watch>>,
    out: Vec<Call>,
    news: Vec<News>,
}

/// What somebody will want.
#[derive(Clone, Debug)]
struct Wanted {
    /// Said in the directory beside the store.
    apart: bool,
    group: GroupName,
    by: String,
    bytes: std::sync::Arc<str>,
}

/// Something that is due.
#[derive(Clone, Copy, Debug)]
enum Item {
    /// A call arrives in the world.
    Arrives(Slot),
    /// A reply arrives at its sender.
    Returns(Slot),
    /// A spell of trouble begins.
    Begins(usize),
    /// A spell of trouble ends.
    Ends(usize),
    /// A human creates an intent.
    Intends(usize),
}

impl<R: Replica> Simulation<R> {
    /// A world at its beginning, with `seats` replicas that have just been started with these
    /// policies.
    pub fn new(
        world: World,
        policies: Vec<Policy>,
        seed: u64,
        seats: usize,
        recruit: Recruit<R>,
    ) -> Self {
        let mut nature = fastrand::Rng::with_seed(seed);
        let network = nature.fork();
        let now = world.began();
        let mut this = Self {
            world,
            seats: (0..seats).map(|_| Seat::empty()).collect(),
            recruit,
            policies,
            items: Timers::default(),
            flights: Flights::default(),
            weather: Weather::default(),
            spells: Vec::new(),
            intents: Vec::new(),
            strikes: Strikes::default(),
            spoiling: None,
            apart: None,
            now,
            nature,
            network,
            digest: Digest::new(),
            steps: 0,
            watchers: Vec::new(),
            out: Vec::new(),
            news: Vec::new(),
        };
        (0..seats).for_each(|seat| this.start(seat));
        this
    }

    /// Plans a spell of trouble. One that is past its beginning begins at once.
    pub fn plan(&mut self, spell: Spell) {
        let index = self.spells.len();
        self.items.set(spell.from.max(self.now), Item::Begins(index));
        if let Some(until) = spell.until {
            self.items.set(until.max(self.now), Item::Ends(index));
        }
        self.spells.push(spell);
    }

    /// Plans that somebody creates an intent: JSON of `run::Intent`.
    pub fn plan_intent(
        &mut self,
        at: Mono,
        group: GroupName,
        by: impl Into<String>,
        bytes: impl Into<std::sync::Arc<str>>,
    ) {
        self.want(at, Wanted { apart: false, group, by: by.into(), bytes: bytes.into() });
    }

    /// Plans that somebody creates an intent in the directory of a break-glass process.
    pub fn plan_intent_apart(
        &mut self,
        at: Mono,
        group: GroupName,
        by: impl Into<String>,
        bytes: impl Into<std::sync::Arc<str>>,
    ) {
        self.want(at, Wanted { apart: true, group, by: by.into(), bytes: bytes.into() });
    }

    fn want(&mut self, at: Mono, wanted: Wanted) {
        self.items.set(at.max(self.now), Item::Intends(self.intents.len()));
        self.intents.push(wanted);
    }

    /// Whoever sits in this seat uses a directory instead of the store: `--store dir:PATH`.
    pub fn keep_apart(&mut self, seat: usize) {
        self.apart = Some(seat);
    }

    /// Somebody looks on from now on.
    pub fn watch(&mut self, watcher: Box<dyn Watch>) {
        self.watchers.push(watcher);
    }

    /// Takes back those who looked on, in the order in which they came.
    pub fn unwatch(&mut self) -> Vec<Box<dyn Watch>> {
        std::mem::take(&mut self.watchers)
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Now {
        part::at(self.now)
    }

    /// How many things have happened.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// How many calls are on their way, there or back.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// One number for everything that happened so far.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    /// How many seats there are.
    #[must_use]
    pub fn seats(&self) -> usize {
        self.seats.len()
    }

    /// Who sits in a seat; `None` while crashed.
    #[must_use]
    pub fn replica(&self, seat: usize) -> Option<&R> {
        self.seats.get(seat)?.replica.as_ref()
    }

    /// Hands an input to a replica from outside, such as a clean stop.
    pub fn hand(&mut self, seat: usize, input: Input) {
        let mut out = std::mem::take(&mut self.out);
        self.seats[seat].hand(part::at(self.now), input, &mut out);
        self.send(seat, &mut out);
        self.out = out;
    }

    /// Runs until nothing is due at or before `end`; then it is `end`.
    pub fn run_until(&mut self, end: Mono) {
        while let Some(due) = self.due().filter(|due| *due <= end) {
            self.step_at(due);
        }
        self.now = self.now.max(end);
    }

    /// Runs while the predicate holds, and at most until `end`. Says whether it ceased to hold.
    pub fn run_while(&mut self, end: Mono, mut holds: impl FnMut(&Self) -> bool) -> bool {
        while holds(self) {
            let Some(due) = self.due().filter(|due| *due <= end) else {
                self.now = self.now.max(end);
                return false;
            };
            self.step_at(due);
        }
        true
    }

    /// When something is due next.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        let wake = earliest(self.seats.iter().map(Seat::wake));
        earlier(earlier(self.items.next(), self.world.next()), wake)
    }

    /// Lets one thing happen; the world before messages, messages before wakes. Says when it did.
    pub fn step(&mut self) -> Option<Now> {
        let due = self.due()?;
        Some(self.step_at(due))
    }

    fn step_at(&mut self, due: Mono) -> Now {
        self.now = self.now.max(due);
        let now = part::at(self.now);
        self.steps += 1;
        if self.world.next().is_some_and(|next| next <= due) {
            self.digest.add(due.0);
            self.world.advance(now, &mut self.nature);
            self.tell_news(now);
        } else if let Some((_, item)) = self.items.pop(due) {
            self.happen(item, now);
        } else if let Some(seat) = self.seats.iter().position(|s| s.wake() == Some(due)) {
            self.note(3, seat as u64, 0);
            self.hand(seat, Input::Wake);
        }
        now
    }

    fn happen(&mut self, item: Item, now: Now) {
        match item {
            Item::Arrives(slot) => self.arrive(slot, now),
            Item::Returns(slot) => self.come_back(slot, now),
            Item::Begins(index) => self.begin(index, now),
            Item::Ends(index) => self.end(index, now),
            Item::Intends(index) => {
                let Wanted { apart, group, by, bytes } = self.intents[index].clone();
                let world = &mut self.world;
                let store = if apart { &mut world.apart.store } else { &mut world.store };
                store.intend(&group, by, bytes, now.wall);
            }
        }
    }

    fn note(&mut self, kind: u64, a: u64, b: u64) {
        self.digest.add(self.now.0 << 8 | kind);
        self.digest.add(a << 32 ^ b);
    }

    fn tell(&mut self, now: Now, event: &Event<'_>) {
        for watcher in &mut self.watchers {
            watcher.seen(now, &self.world, event);
        }
    }

    fn tell_news(&mut self, now: Now) {
        if self.watchers.is_empty() {
            return self.world.drain_news().for_each(drop);
        }
        let mut news = std::mem::take(&mut self.news);
        news.extend(self.world.drain_news());
        news.drain(..).for_each(|news| self.tell(now, &Event::News(&news)));
        self.news = news;
    }
}

#[cfg(test)]
mod tests;
