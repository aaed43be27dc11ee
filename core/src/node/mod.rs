//! One replica of Bowline as a machine: what comes in, what goes out, when to wake it.

use crate::model::{Mono, Now, ReplicaId};
use crate::op::{Answer, Call, CallId, Fault};
use crate::policy::Policy;

/// What is handed to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// What became of a call.
    Reply {
        /// Which call.
        id: CallId,
        /// Its answer or fault.
        result: Result<Answer, Fault>,
    },
    /// The time asked for by [`Node::wake_at`] has come.
    Wake,
    /// The policies that are in force, all of them.
    Policies(Vec<Policy>),
    /// Stop cleanly: hand over, and release the lease.
    Stop,
}

/// What a node is told about itself when it starts.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Its name; unique among all processes that use the store.
    pub id: ReplicaId,
}

/// One replica of Bowline.
#[derive(Debug)]
pub struct Node {
    config: NodeConfig,
}

impl Node {
    /// A node that has seen nothing yet.
    #[must_use]
    pub fn new(config: NodeConfig) -> Self {
        Self { config }
    }

    /// Takes one input and hands out the calls that follow from it.
    pub fn handle(&mut self, _now: Now, _input: Input, _out: &mut Vec<Call>) {}

    /// When it wants [`Input::Wake`] next, at the latest.
    #[must_use]
    pub fn wake_at(&self) -> Option<Mono> {
        None
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &ReplicaId {
        &self.config.id
    }
}
