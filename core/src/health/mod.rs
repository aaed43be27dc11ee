//! From samples to verdicts: does the active site serve its users, is the passive one ready, and
//! may Bowline trust its own eyes? Pure: what is sampled, when, and what follows from a verdict is
//! somebody else's.
//!
//! ```text
//! Result<Answer, Fault> --outcome--> Good | Bad | Silent --window--> Up | Down | Unknown
//! every kind's sign --site--> serving: yes | no | unknown
//! ```
//!
//! Silence never becomes "down" on the way: a probe that told nothing is [`Outcome::Silent`], too
//! few samples that tell something are [`Sign::Unknown`], and a quorum that is not reached is
//! [`crate::model::Answer3::Unknown`] (S4).

mod isolation;
mod kind;
mod outcome;
mod ready;
mod site;
mod steady;
mod window;

pub use isolation::{Contact, Isolation, IsolationWatch, Reach, Vantage};
pub use kind::Kind;
pub use outcome::{Round, outcome};
pub use ready::{Readiness, Ready, ReadyReason, ReplicaState, ready};
pub use site::{KindEvidence, Serving, ServingWhy, SiteHealth, Suspect, Veto};
pub use steady::Steady;
pub use window::{Outcome, Reading, Sample, Sign, Window};
