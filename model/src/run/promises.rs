//! The promises, as the checker asks for them in every state.

use bowline_core::run::{Ended, Entry, Ledger, Phase, Record};
use stateright::Property;

use super::{Bounds, RunModel, State};

/// A promise about what happens. When it is broken the state remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// S6: a call that changes something leaves only when its `Started` is in the store.
    Recorded = 1,
    /// S5: a name of the chain is given once, and every stored entry continues the one before.
    Chain = 2,
    /// S5: nobody writes under a claim that is another's, at the lever or in the chain.
    Stale = 4,
    /// S2: traffic is led only to a site whose member is the writer.
    Writer = 8,
}

impl Promise {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recorded => "S6: no effect without its accepted record",
            Self::Chain => "S5: one entry per sequence number, each continuing the one before",
            Self::Stale => "S5: a stale claimant changes nothing",
            Self::Writer => "S2: traffic opens only to the writer's site",
        }
    }
}

/// An irreversible effect takes effect at most once a run.
pub const ONCE: &str = "S6: an irreversible effect takes effect at most once";
/// A run that went back leaves nothing behind.
pub const UNWOUND: &str = "a run that ended unwound changed nothing for good";
/// Nothing irreversible is begun by a run that goes back.
pub const BACK: &str = "behind its point of no return a run never goes back";
/// What replicas know is what is stored.
pub const ONE_CHAIN: &str = "S5: every replica's ledger is a beginning of the stored chain";

/// Which promises were broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Faults(u8);

impl Faults {
    pub(super) fn found(&mut self, promise: Promise) {
        self.0 |= promise as u8;
    }

    pub(super) fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    fn keeps(self, promise: Promise) -> bool {
        self.0 & promise as u8 == 0
    }
}

/// Whether an entry was written by who may: who claims with it, or holds the claim it is under.
pub(super) fn rightful(before: &Ledger, entry: &Entry) -> bool {
    let claims = entry.records.iter().any(|record| match record {
        Record::Claimed { by, .. } => {
            entry.by == bowline_core::model::Author::Controller(by.clone())
        }
        _ => false,
    });
    let holds = before.claimant.clone().map(bowline_core::model::Author::Controller);
    claims || (holds.as_ref() == Some(&entry.by) && entry.claim == before.claim)
}

fn promise(promise: Promise) -> Property<RunModel> {
    // A property is a plain function: it cannot remember which promise it is about.
    let kept: fn(&RunModel, &State) -> bool = match promise {
        Promise::Recorded => |_, state| state.faults.keeps(Promise::Recorded),
        Promise::Chain => |_, state| state.faults.keeps(Promise::Chain),
        Promise::Stale => |_, state| state.faults.keeps(Promise::Stale),
        Promise::Writer => |_, state| state.faults.keeps(Promise::Writer),
    };
    Property::always(promise.name(), kept)
}

/// What is checked, and what must be seen to happen for the check to mean anything.
pub(super) fn properties(bounds: &Bounds) -> Vec<Property<RunModel>> {
    let mut all: Vec<_> =
        [Promise::Recorded, Promise::Chain, Promise::Stale, Promise::Writer].map(promise).into();
    all.extend([
        Property::always(ONCE, |_, state: &State| {
            state.world.promoted <= 1 && state.world.shifted <= 1
        }),
        Property::always(UNWOUND, |_, state: &State| {
            let untouched = state.world.promoted == 0 && state.world.shifted == 0;
            !state.unwound() || (untouched && !state.world.closed)
        }),
        Property::always(BACK, |_, state: &State| {
            !(state.committed() && (state.unwinds() || state.unwound()))
        }),
        Property::always(ONE_CHAIN, |_, state: &State| state.one_chain()),
        Property::sometimes("a run ends moved", |_, state: &State| state.moved()),
    ]);
    if bounds.leads > 1 && !bounds.once {
        // Who wrote its record leads again.
        all.push(Property::sometimes("what was not sent is taken back", |_, state: &State| {
            state.stored.took_back
        }));
    }
    if bounds.leads > 1 {
        all.push(Property::sometimes("two believe that they lead", |_, state: &State| {
            state.replicas.iter().filter(|replica| replica.leads).count() > 1
        }));
        all.push(Property::sometimes("a run is taken over and ends moved", |_, state: &State| {
            state.moved() && state.stored.ledger.epoch().0 > 1
        }));
    }
    if bounds.cancels > 0 {
        all.push(Property::sometimes("a run ends unwound", |_, state: &State| state.unwound()));
    }
    all
}

impl State {
    fn phase(&self) -> Option<&Phase> {
        self.stored.ledger.run.as_ref().map(|run| &run.phase)
    }

    fn moved(&self) -> bool {
        self.phase() == Some(&Phase::Closed(Ended::Moved))
    }

    fn unwound(&self) -> bool {
        matches!(self.phase(), Some(Phase::Closed(Ended::Unwound(_))))
    }

    fn unwinds(&self) -> bool {
        matches!(self.phase(), Some(Phase::Unwinding { .. }))
    }

    fn committed(&self) -> bool {
        self.stored.ledger.run.as_ref().is_some_and(|run| run.committed)
    }

    fn one_chain(&self) -> bool {
        self.replicas.iter().all(|replica| {
            let ledger = replica.desk.ledger();
            let follows = ledger.head == 0 || self.stored.hash(ledger.head) == Some(&ledger.hash);
            follows && replica.desk.broken().is_none()
        })
    }
}
