//! The chain: writers that append to one group's chain, and a store of create-only names.
//!
//! Modelled is [`Chain`] as it ships, with the [`Ledger`](bowline_core::run::Ledger) in it. Appends
//! and reads are delayed for as long as one likes; a writer gives a call up at any time, and what
//! it had sent may still arrive, once or twice; writers crash and begin again with nothing.
//!
//! Left out: claims (they are in [`crate::run`]), and reads that answer only a part.

mod actions;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bowline_core::op::{Answer, Fault, StoreOp};
use bowline_core::run::{Chain, Entry};
use stateright::{Model, Property};

pub use actions::Action;

use crate::check::Tells;
use crate::ending::{Ends, Fate};

/// Names are never given twice.
pub const CREATE_ONLY: &str = "one entry per sequence number, and its bytes never change";
/// Everybody reads the same.
pub const ONE_CHAIN: &str = "every writer's ledger is a beginning of the stored chain";
/// An acceptance is true.
pub const ACCEPTED: &str = "what a writer was told is accepted stands in the chain, once";
/// A refusal is true.
pub const LOST: &str = "what a writer was told is lost is not in the chain";

/// How much may go on.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Writers.
    pub writers: usize,
    /// Records that each wants to write, one after the other.
    pub wishes: u8,
    /// Calls given up, all together.
    pub timeouts: u8,
    /// Crashes, all together.
    pub crashes: u8,
    /// Appends doubled, all together.
    pub doubles: u8,
}

/// What may be wrong with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// Nothing.
    None,
    /// It writes over a name that is taken.
    Overwrites,
    /// It says that it took an entry, and forgets it now and then.
    Forgets,
    /// It rereads and retries: an append to a name that is taken is refused, and written behind the
    /// last entry all the same.
    Rebases,
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct ChainModel {
    /// How much may go on.
    pub bounds: Bounds,
    /// What is wrong.
    pub mistake: Mistake,
}

/// Writers, the store, and what is on its way.
#[derive(Clone, Debug)]
pub struct State {
    writers: Vec<Writer>,
    /// The entries, by sequence number from 1.
    store: Vec<Kept>,
    /// Whether bytes that stood were changed.
    changed: bool,
    timeouts: u8,
    crashes: u8,
    doubles: u8,
}

/// One stored entry.
#[derive(Clone, Debug)]
struct Kept {
    bytes: Arc<str>,
    hash: Arc<str>,
    /// Whose record it holds, and which one.
    wish: (usize, u8),
}

/// One writer, and what it sent.
#[derive(Clone, Debug)]
struct Writer {
    chain: Chain,
    /// How many records it wanted to write so far.
    wished: u8,
    /// Those it was told are in the chain, and those it was told are not.
    accepted: Vec<u8>,
    lost: Vec<u8>,
    /// The call it waits for.
    call: Option<Travel>,
    /// Appends that it waits for no more.
    adrift: Vec<(u64, Arc<str>)>,
    /// Of all that decides how it goes on, and what it was told.
    print: u64,
}

/// Where a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Travel {
    Sent(StoreOp),
    Answered(Result<Answer, Fault>),
}

impl Bounds {
    /// Two writers with two records each, and one of each thing that goes wrong.
    #[must_use]
    pub fn small() -> Self {
        Self { writers: 2, wishes: 2, timeouts: 1, crashes: 1, doubles: 1 }
    }
}

impl ChainModel {
    /// The chain on a store without mistakes.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, mistake: Mistake::None }
    }

    /// The bounds, in words.
    #[must_use]
    pub fn name(&self) -> String {
        let Bounds { writers, wishes, timeouts, crashes, doubles } = self.bounds;
        let wrong = match self.mistake {
            Mistake::None => String::new(),
            other => format!("; MISTAKE: the store {other:?}"),
        };
        format!(
            "chain: {writers} writers, {wishes} records each, {timeouts} calls given up, {crashes} \
             crashes, {doubles} doubled{wrong}"
        )
    }
}

impl Model for ChainModel {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let writer = Writer {
            chain: Chain::new("g".into()),
            wished: 0,
            accepted: Vec::new(),
            lost: Vec::new(),
            call: None,
            adrift: Vec::new(),
            print: 0,
        };
        let writers = vec![writer; self.bounds.writers];
        let (timeouts, crashes, doubles) = (0, 0, 0);
        vec![State { writers, store: Vec::new(), changed: false, timeouts, crashes, doubles }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        self.happen(&mut next, action);
        next.writers[action.writer()].settle();
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(CREATE_ONLY, |_, state: &State| !state.changed),
            Property::always(ONE_CHAIN, |_, state: &State| state.one_chain()),
            Property::always(ACCEPTED, |_, state: &State| {
                state.writers.iter().enumerate().all(|(index, writer)| {
                    let stands = |nth| state.times_stored(index, nth);
                    writer.accepted.iter().all(|nth| stands(*nth) == 1)
                        && (0..writer.wished).all(|nth| stands(nth) <= 1)
                })
            }),
            Property::always(LOST, |_, state: &State| {
                state.writers.iter().enumerate().all(|(index, writer)| {
                    writer.lost.iter().all(|nth| state.times_stored(index, *nth) == 0)
                })
            }),
            Property::sometimes("a writer loses", |_, state: &State| {
                state.writers.iter().any(|writer| !writer.lost.is_empty())
            }),
            Property::sometimes("all that was wanted is written", |model, state: &State| {
                let all = usize::from(model.bounds.wishes) * model.bounds.writers;
                state.writers.iter().map(|writer| writer.accepted.len()).sum::<usize>() == all
            }),
        ]
    }
}

impl Tells for ChainModel {
    fn tell(&self, state: &State, action: &Action) -> String {
        let call = match &state.writers[action.writer()].call {
            Some(Travel::Sent(StoreOp::Append { seq, .. })) => format!("entry {seq} sent"),
            Some(Travel::Sent(_)) => "a read sent".into(),
            Some(Travel::Answered(result)) => match result {
                Ok(Answer::Entries(entries)) => format!("{} entries read", entries.len()),
                other => format!("{other:?}"),
            },
            None => "nothing sent".into(),
        };
        format!("{action:?} ({} entries stored; {call})", state.store.len())
    }
}

impl Ends for ChainModel {
    fn heals(&self, action: &Action) -> bool {
        matches!(action, Action::Wish(_) | Action::Arrive(_) | Action::Hear(_) | Action::Read(_))
    }

    fn fate(&self, state: &State) -> Fate {
        let done = |writer: &Writer| writer.wished == self.bounds.wishes && writer.chain.settled();
        if state.writers.iter().all(done) { Fate::Over } else { Fate::Open }
    }
}

impl State {
    fn one_chain(&self) -> bool {
        self.writers.iter().all(|writer| {
            let ledger = writer.chain.ledger();
            let head = usize::try_from(ledger.head).unwrap_or(usize::MAX);
            let same = match head {
                0 => true,
                head => self.store.get(head - 1).is_some_and(|kept| kept.hash == ledger.hash),
            };
            same && writer.chain.broken().is_none()
        })
    }

    /// How many entries hold this record.
    fn times_stored(&self, writer: usize, nth: u8) -> usize {
        self.store.iter().filter(|kept| kept.wish == (writer, nth)).count()
    }

    fn append(&mut self, bytes: &Arc<str>) {
        let texts = (0..self.writers.len()).flat_map(|writer| (0..9).map(move |nth| (writer, nth)));
        let mut texts = texts.filter(|(writer, nth)| bytes.contains(&wish(*writer, *nth)));
        let wish = texts.next().unwrap_or_default();
        self.store.push(Kept { bytes: Arc::clone(bytes), hash: Entry::hash(bytes), wish });
    }

    /// What decides how it goes on.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.writers.iter().for_each(|writer| writer.print.hash(&mut hasher));
        self.store.iter().for_each(|kept| kept.hash.hash(&mut hasher));
        (self.changed, self.timeouts, self.crashes, self.doubles).hash(&mut hasher);
        hasher.finish()
    }
}

impl Writer {
    /// Looks up its print, once something happened to it.
    fn settle(&mut self) {
        let Self { chain, wished, accepted, lost, call, adrift, .. } = self;
        let mut hasher = DefaultHasher::new();
        (chain.gist(), wished, accepted, lost, format!("{call:?}"), adrift).hash(&mut hasher);
        self.print = hasher.finish();
    }
}

/// The text of a writer's record; no two are the same.
fn wish(writer: usize, nth: u8) -> String {
    format!("w{writer}.{nth};")
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
