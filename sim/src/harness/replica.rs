//! What sits in a seat: one replica of Bowline, or what a test puts in its place.

use bowline_core::lease::LeaseTimes;
use bowline_core::model::{GroupName, Mono, Now, ReplicaId};
use bowline_core::node::{Input, Node, NodeConfig};
use bowline_core::op::Call;
use bowline_core::run::Reader;

use super::{Recruit, Simulation};

/// A replica as a machine: [`Node`], or a script.
pub trait Replica {
    /// Takes one input and hands out the calls that follow from it.
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Call>);

    /// When it wants [`Input::Wake`] next, at the latest.
    fn wake_at(&self) -> Option<Mono>;
}

impl Replica for Node {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Call>) {
        Self::handle(self, now, input, out);
    }

    fn wake_at(&self) -> Option<Mono> {
        Self::wake_at(self)
    }
}

impl Simulation<Node> {
    /// Whoever leads, as one of those who sit here believes by its own clock; and its seat.
    #[must_use]
    pub fn leader(&self) -> Option<(usize, &Node)> {
        self.seats.iter().enumerate().find_map(|(number, seat)| {
            let now = seat.clock.read(self.now()).mono;
            Some((number, seat.replica.as_ref().filter(|node| node.leads(now))?))
        })
    }
}

/// The node that sits down in a seat: named after it, and after how many sat there before.
fn node(seat: usize, earlier: u32, lease: LeaseTimes) -> Node {
    let id = ReplicaId::new(format!("bowline-{seat}.{earlier}"));
    Node::new(NodeConfig { id, lease })
}

/// Replicas with these leases, which read journals with others.
pub(crate) fn replicas((lease, reader): (LeaseTimes, Reader)) -> Recruit<Node> {
    Box::new(move |seat, earlier| node(seat, earlier, lease).read_with(reader.clone()))
}

/// So many such replicas; in a seat beyond them a break-glass process that is told about one group.
pub(crate) fn replicas_beside_glass(
    count: usize,
    habits: (LeaseTimes, Reader),
    told: GroupName,
) -> Recruit<Node> {
    let mut recruit = replicas(habits);
    Box::new(move |seat, earlier| match recruit(seat, earlier) {
        replica if seat < count => replica,
        glass => glass.only_told(told.clone()),
    })
}
