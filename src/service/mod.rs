//! `bowline run`: the service around one [`Node`](bowline_core::node::Node).
//!
//! ```text
//! policies ─┐                       ┌→ edges.perform(op), one task per call ─┐
//! signals  ─┼→ driver: node.handle ─┤                                        │
//!           │                       └→ shared: what health and metrics read  │
//!           └──────────────────────────────── replies ←──────────────────────┘
//! ```
//! Policies, signals, the driver and the HTTP server are critical: when one of them ends, the
//! process ends, and another replica leads. Nothing here decides anything about a group.

mod clock;
mod driver;
mod first_look;
mod hosted;
mod http;
mod journal;
mod log;
mod looker;
mod metrics;
#[cfg(test)]
mod notices_tests;
mod options;
mod policies;
mod publish;
mod shared;
mod signals;
mod start;

#[cfg(test)]
pub(crate) use clock::Clock;
pub use hosted::{Hosted, HostedView};
pub use log::{LogFormat, init as init_log};
pub use looker::Looker;
pub use options::{RunOptions, ServiceError, StoreOptions};
#[cfg(test)]
pub(crate) use policies::Source;
pub use publish::AT_LEAST as PUBLISHED_EVERY;
pub(crate) use signals::Signals;
pub use start::{edges, host, run, serve, store};
