//! The oracle: whether the promises (README, *Promises*) were kept.
//!
//! It judges the world: DNS answers, who accepts writes, replicas, pods, annotations, and the
//! durable store's bytes. It never asks a node what it believes. Each promise is a check with its
//! definition in words beside it, and a test with a hand-made world that makes it say `broken`.

mod case;
mod court;
mod data;
mod ending;
mod journal;
mod judge;
mod leader;
mod starts;
mod traffic;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use bowline_core::model::Now;
use bowline_core::policy::Policy;

use crate::harness::{Event, Watch};
use crate::world::World;
use judge::Judge;

/// The promises as they are judged here.
pub const PROMISES: [(&str, &str); 13] = [
    (
        "S1",
        "every authoritative answer leads to the site whose member is the newest writer, but \
         from a recorded promotion until all answers lead to the promoted site; meanwhile the \
         old site takes no writes, or its fence is recorded as unknown and somebody said \
         proceed",
    ),
    (
        "S2",
        "when a record set or gate opens a site, its member is the newest writer and is up, \
         and each listed workload has the minimum share of ready pods that the policy asks \
         for",
    ),
    (
        "S3",
        "a site that is opened serves its users at that instant, and after every change each \
         name has one primary and one secondary set of each type, none of them empty; no name \
         server ever answers with nothing",
    ),
    (
        "S4",
        "no call of an automatic move that users notice is sent while the site that it leaves has \
         served them for the whole confirm time (unless the outside vantage lies and Bowline's own \
         looks are cut off or lie too), and none is gone on with away from a site that, with \
         nothing that deceives Bowline, has failed them for less than that, or has just been left \
         and come back to; none of a group that is not armed; nothing that needs the writer is \
         started before a move is planned",
    ),
    (
        "S5",
        "the stored chain is whole and each entry written under the claim that stood, steps by \
         the replica that claimed; no run opens while another is open; claims in clusters, on \
         held objects, in zones and gates never go back; nobody takes a lease before its \
         duration is over by its own clock, or does what only a leader does while another holds it",
    ),
    (
        "S6",
        "a call that changes something is performed at most as often as its start was \
         recorded, and a promotion takes effect at most once a run",
    ),
    (
        "S7",
        "every call that changes something was recorded before; when no run is busy, every \
         annotation and every closed door is a recorded hold, and every recorded hold is \
         there",
    ),
    (
        "S8",
        "no automatic failover is planned within the block window after another, and none \
         when three groups of one Region failed over within ten minutes; and a way home that \
         was undone when it had been an outage for users is not begun again by itself",
    ),
    (
        "S9",
        "no call to a dead Region waits longer than 30 s, no failover asks since the failed \
         site does not answer, and with nothing asked the promotion is started within three \
         minutes after the move was planned; and when a Region is lost and nothing else is wrong, \
         a move is planned within four minutes for groups of it that fail over by themselves, if \
         they are fewer than three",
    ),
    (
        "S10",
        "a planned promotion misses no write acknowledged since its run was opened; an \
         unplanned one misses at most maxLag plus lagFresh of replication time, or what a \
         human accepted, and never more than its report says; and nobody is asked about a loss \
         when only a Region died, and the replica had kept up",
    ),
    (
        "S11",
        "when a run says that it moved, all answers lead to the gaining site, and its users \
         can read and write there",
    ),
    ("L1", "an hour after the last trouble every run is over, or asks a human"),
    (
        "L2",
        "after a failback the group is armed, the records are as at the beginning, home \
         writes, and the standby is back at its baseline with a streaming replica and without \
         added nodes",
    ),
];

/// Whether a promise was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was seen that breaks it.
    Held,
    /// It was broken: when, and how, in words.
    Broken(String),
}

/// All verdicts by the promise's name.
pub type Verdicts = BTreeMap<&'static str, Verdict>;

/// The oracle. A clone is the same oracle: give one to the simulation, and ask the other.
#[derive(Clone, Debug)]
pub struct Oracle(Rc<RefCell<Judge>>);

impl Oracle {
    /// An oracle for a world in peace. The policies are those that the world was built from, in the
    /// same order.
    #[must_use]
    pub fn new(policies: &[Policy], world: &World) -> Self {
        Self(Rc::new(RefCell::new(Judge::new(policies, world))))
    }

    /// Whether a promise is broken already, whatever the end will show.
    #[must_use]
    pub fn has_broken(&self, promise: &str) -> bool {
        self.0.borrow().has_broken(promise)
    }

    /// The verdicts, now that nothing more is to come.
    #[must_use]
    pub fn verdicts(&self, world: &World, now: Now) -> Verdicts {
        self.0.borrow().verdicts(world, now)
    }
}

impl Watch for Oracle {
    fn seen(&mut self, at: Now, world: &World, event: &Event<'_>) {
        self.0.borrow_mut().seen(at, world, event);
    }
}

#[cfg(test)]
mod tests;
