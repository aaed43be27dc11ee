//! The answers of one look, by position, each as the type it must be.

use crate::model::Counted;
use crate::op::{
    Answer, Fault, FenceView, GateView, Instance, InstanceEvent, JobView, NodesView, PoolView,
    RecordSet, WorkloadView,
};

/// What the calls of one look answered, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a>(pub &'a [Result<Answer, Fault>]);

/// Declares an accessor for one kind of answer.
macro_rules! accessor {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $type:ty) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// The fault of that call, or [`Fault::Invalid`] when it answered something else.
        pub fn $name(self, index: usize) -> Result<&'a $type, Fault> {
            match self.get(index)? {
                Answer::$variant(value) => Ok(value),
                other => Err(unexpected(stringify!($name), other)),
            }
        }
    };
}

impl<'a> Seen<'a> {
    /// How many calls have answered.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether nothing was asked yet.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// One answer.
    ///
    /// # Errors
    /// The fault of that call.
    pub fn get(self, index: usize) -> Result<&'a Answer, Fault> {
        match self.0.get(index) {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(fault)) => Err(fault.clone()),
            None => Err(Fault::Transient("not asked".into())),
        }
    }

    /// Whether that call said there is no such thing.
    #[must_use]
    pub fn missing(self, index: usize) -> bool {
        matches!(self.0.get(index), Some(Err(Fault::NotFound(_))))
    }

    accessor! {
        /// A workload.
        workload, Workload, WorkloadView
    }
    accessor! {
        /// A CronJob.
        job, Job, JobView
    }
    accessor! {
        /// A NodePool.
        pool, Pool, PoolView
    }
    accessor! {
        /// The nodes of a NodePool.
        nodes, Nodes, NodesView
    }
    accessor! {
        /// A fence ConfigMap.
        fence, Fence, Option<FenceView>
    }
    accessor! {
        /// A gate object.
        gate, Gate, Option<GateView>
    }
    accessor! {
        /// Record sets of a name.
        records, Records, Vec<RecordSet>
    }
    accessor! {
        /// A database instance.
        instance, Instance, Instance
    }
    accessor! {
        /// Events of an instance.
        events, Events, Vec<InstanceEvent>
    }
    accessor! {
        /// Points of a metric.
        points, Points, Vec<Counted>
    }
}

/// An edge answered something that the call cannot answer.
fn unexpected(wanted: &str, got: &Answer) -> Fault {
    Fault::Invalid(format!("expected {wanted}, got {got:?}"))
}
