//! Capacity: workloads, CronJobs and NodePools of a site, held and released.
//!
//! Every write first makes sure of two fences: the group's `bowline-fence` ConfigMap in that
//! cluster, and the annotation `bowline.dev/holds` on the object, both under the resourceVersion of
//! the read it is based on. A newer or foreign claim in either stops the run.

mod fence;
mod jobs;
mod note;
mod pools;
mod ready;
mod release;
mod workloads;

pub use fence::ClaimCluster;
pub use jobs::SetJob;
pub use note::BadNote;
pub use pools::{NodesGone, SetPool};
pub use ready::CapacityReady;
pub use release::Release;
pub use workloads::{SetWorkload, Until};

#[cfg(test)]
mod tests;
