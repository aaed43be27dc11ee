//! Kubernetes: the sites' clusters, and the store, intents and lease in the management cluster.
//!
//! Nothing here retries, waits or decides. Built-in retries of the client are off.

mod access;
mod clusters;
pub mod crd;
mod discreet;
mod intents;
mod lease;
mod objects;
mod path;
mod quantity;
pub(crate) mod site;
mod status;
mod store;
mod wire;

pub(crate) use access::secret_key;
pub use access::{AccessError, Boxed, KubeconfigSource};
pub use clusters::{Clusters, EksLogin, EksLogins};
pub use lease::LEASE;
pub use objects::HOLDS;
pub use site::FENCE_NAMESPACE;
pub use status::FINALIZER;
pub use store::{API_VERSION, ClusterStore, LIMIT};
pub use wire::{FIELD_MANAGER, Wire};
