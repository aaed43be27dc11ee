//! Campaigns: many trials of whole nodes, each with faults drawn from one seed.
//!
//! A trial has two phases. In **safety** everything may go wrong at once; in **healing** nothing
//! does any more, a human answers what is asked, and everything must come home within a stated time
//! of the virtual clock. The oracle judges both. A [`Schedule`] is all there is to a trial: the
//! same one gives the same log, byte for byte. One that breaks a promise is made small
//! ([`shrink()`]) and told ([`tell()`]).

mod aim;
mod aimed;
mod draw;
mod generate;
mod glass;
mod human;
mod kinds;
mod outcome;
mod play;
mod policy;
mod schedule;
mod shrink;
mod tell;
mod trial;
mod twist;

pub use aim::{Aim, Harm};
pub use aimed::aimed;
pub use generate::generate;
pub use kinds::{Faults, Kind};
pub(crate) use outcome::broken;
pub use outcome::{Outcome, PANIC};
pub use play::play;
pub(crate) use play::to_the_end;
pub use policy::{Story, UnknownStory};
pub use schedule::{Blow, Glass, Happening, Schedule, Wish};
pub use shrink::{Shrunk, shrink};
pub use tell::tell;
pub use trial::Trial;
pub use twist::Twist;

#[cfg(test)]
pub(crate) mod tests;
