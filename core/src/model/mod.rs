//! The vocabulary: names, time, places and what is observed of them. No behaviour beyond the types.

mod arn;
mod ids;
mod note;
mod observation;
mod time;
mod topology;

pub use ids::{
    Author, BadClaim, ChangeId, Claim, Epoch, GroupName, HealthCheckId, Host, InstanceArn,
    InstanceId, LoadBalancerName, ObjectName, Region, ReplicaId, ResourceId, RoleArn, RunId,
    SecurityGroupId, StepId, Version, WorkloadKind, ZoneId,
};
pub use note::{HoldNote, NoteOwner};
pub use observation::{Answer3, Counted, Lag, LoadBalancerArn, TargetGroupArn};
pub use time::{Mono, Now, Span, SpanError, Wall};
pub use topology::{Cluster, JobRef, ObjectRef, Place, Scope, Site, WorkloadRef};

/// A map that keeps the order in which it was filled. Its keys are our own: nobody can choose them
/// so that they collide.
pub type Ordered<K, V> = indexmap::IndexMap<K, V, rustc_hash::FxBuildHasher>;
