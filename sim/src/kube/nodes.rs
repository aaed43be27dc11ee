//! Nodes: a floor that is always there, and what Karpenter adds and takes away.

use std::collections::BTreeMap;

use bowline_core::model::{Mono, Span};
use bowline_core::op::{NodesView, Quantities};

use super::objects::NodePool;
use super::pods::PodId;
use super::{Change, Due, KubeCluster};

/// Names a node.
pub(super) type NodeId = u32;

/// A node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Of which NodePool; `None`: of the floor.
    pool: Option<usize>,
    /// CPU for pods, in milli-units.
    cpu: u64,
    /// How much of it is not yet requested.
    free: u64,
    /// How many pods are on it.
    pods: u32,
    /// Moves with every pod that comes or goes: an older `Consolidate` is void.
    stamp: u32,
    state: State,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The instance starts; the cluster does not know it.
    Launched,
    /// It has joined, and is not ready.
    Registered,
    /// It takes pods.
    Ready,
    /// It is being removed.
    Leaving,
}

/// Karpenter's batch window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    opened: Mono,
    last: Mono,
    pods: usize,
}

impl Batch {
    /// Makes the window close so much later.
    pub(super) fn delay(&mut self, by: Span) {
        self.opened = self.opened + by;
        self.last = self.last + by;
    }
}

impl KubeCluster {
    pub(super) fn add_floor_node(&mut self, cpu: u64) {
        let id = self.fresh_id();
        let node = Node { pool: None, cpu, free: cpu, pods: 0, stamp: 0, state: State::Ready };
        self.nodes.insert(id, node);
    }

    /// Takes room on the first ready node that has it.
    pub(super) fn place(&mut self, pod: PodId) -> Option<NodeId> {
        let cpu = self.pods.get(&pod)?.cpu;
        let fits = |node: &Node| node.state == State::Ready && node.free >= cpu;
        let (id, node) = self.nodes.iter_mut().find(|(_, node)| fits(node))?;
        node.free -= cpu;
        node.pods += 1;
        node.stamp += 1;
        Some(*id)
    }

    /// Gives room back; an empty node of a NodePool starts to count towards its removal.
    pub(super) fn leave(&mut self, id: NodeId, cpu: u64, at: Mono, rng: &mut fastrand::Rng) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.free += cpu;
        node.pods -= 1;
        node.stamp += 1;
        self.watch_empty(id, at, rng);
    }

    fn watch_empty(&mut self, id: NodeId, at: Mono, rng: &mut fastrand::Rng) {
        let Some(node) = self.nodes.get(&id) else { return };
        if node.pool.is_some() && node.pods == 0 && node.state == State::Ready {
            let due = Due::Consolidate(id, node.stamp);
            self.timers.set(at + self.timings.consolidate_after.draw(rng), due);
        }
    }

    /// So many pods have no room: more than before open the batch window, or keep it open.
    pub(super) fn unschedulable(&mut self, pods: usize, at: Mono) {
        match &mut self.batch {
            Some(batch) if pods > batch.pods => (batch.last, batch.pods) = (at, pods),
            Some(_) => {}
            None if pods > 0 => {
                self.batch = Some(Batch { opened: at, last: at, pods });
                self.timers.set(at + self.timings.batch_idle, Due::Batch);
            }
            None => {}
        }
    }

    pub(super) fn close_batch(&mut self, at: Mono, rng: &mut fastrand::Rng) {
        let Some(batch) = self.batch else { return };
        let idle = batch.last + self.timings.batch_idle;
        let closes = idle.min(batch.opened + self.timings.batch_max);
        if closes > at {
            self.timers.set(closes, Due::Batch);
        } else {
            self.batch = None;
            self.provision(at, rng);
        }
    }

    /// Launches nodes for the pods that have no room, on what is launched already neither.
    fn provision(&mut self, at: Mono, rng: &mut fastrand::Rng) {
        let coming = |node: &&Node| matches!(node.state, State::Launched | State::Registered);
        let mut room: Vec<u64> = self.nodes.values().filter(coming).map(|n| n.cpu).collect();
        let wanted: Vec<u64> = self.pending().map(|(_, pod)| pod.cpu).collect();
        for cpu in wanted {
            if let Some(free) = room.iter_mut().find(|free| **free >= cpu) {
                *free -= cpu;
            } else if let Some(node_cpu) = self.launch(cpu, at, rng) {
                room.push(node_cpu - cpu);
            }
        }
    }

    /// Launches a node for a pod in the first NodePool whose limits allow it. Gives its CPU.
    fn launch(&mut self, cpu: u64, at: Mono, rng: &mut fastrand::Rng) -> Option<u64> {
        let used = self.used();
        let within = |(index, pool): &(usize, &NodePool)| {
            let nodes = used.get(index).copied().unwrap_or(0) + 1;
            pool.node_cpu >= cpu && !pool.exhausted && allows(pool, nodes)
        };
        let (index, pool) = self.objects.pools.iter().enumerate().find(within)?;
        let node_cpu = pool.node_cpu;
        if pool.available == Some(0) {
            self.objects.pools[index].exhausted = true;
            self.timers.set(at + self.timings.capacity_cache, Due::Retry(index));
            return self.launch(cpu, at, rng);
        }
        self.start_node(index, at, rng);
        Some(node_cpu)
    }

    fn start_node(&mut self, pool: usize, at: Mono, rng: &mut fastrand::Rng) {
        let id = self.fresh_id();
        let kind = &mut self.objects.pools[pool];
        kind.available = kind.available.map(|left| left - 1);
        let cpu = kind.node_cpu;
        let (pool, state) = (Some(pool), State::Launched);
        self.nodes.insert(id, Node { pool, cpu, free: cpu, pods: 0, stamp: 0, state });
        let ready = self.timings.node_ready.draw(rng);
        // A node registers well before its network and DaemonSets are ready: two thirds is assumed.
        self.timers.set(at + Span(ready.as_millis() * 2 / 3), Due::Registered(id));
        self.timers.set(at + ready, Due::NodeReady(id));
    }

    /// How many nodes each NodePool has, instances that still start included.
    fn used(&self) -> BTreeMap<usize, u64> {
        let mut used = BTreeMap::new();
        for pool in self.nodes.values().filter_map(|node| node.pool) {
            *used.entry(pool).or_insert(0) += 1;
        }
        used
    }

    /// Sets a NodePool's limits; Karpenter learns of it later.
    pub(super) fn limit(
        &mut self,
        pool: usize,
        limits: Quantities,
        at: Mono,
        rng: &mut fastrand::Rng,
    ) {
        self.objects.pools[pool].view.limits = limits;
        self.objects.pools[pool].limited = Some(at);
        self.timers.set(at + self.timings.limits.draw(rng), Due::Limits(pool));
    }

    pub(super) fn learn_limits(&mut self, pool: usize, at: Mono) {
        let pool = &mut self.objects.pools[pool];
        pool.seen.clone_from(&pool.view.limits);
        self.ask_again(at);
    }

    pub(super) fn retry(&mut self, pool: usize, at: Mono) {
        self.objects.pools[pool].exhausted = false;
        self.ask_again(at);
    }

    /// Karpenter looks again at the pods that it could not help before.
    fn ask_again(&mut self, at: Mono) {
        let pods = self.pending().count();
        self.unschedulable(pods, at);
    }

    pub(super) fn node_registered(&mut self, id: NodeId) {
        self.set_state(id, State::Registered);
    }

    pub(super) fn node_ready(&mut self, id: NodeId, at: Mono, rng: &mut fastrand::Rng) {
        self.set_state(id, State::Ready);
        self.schedule(at, rng);
        self.watch_empty(id, at, rng);
    }

    pub(super) fn consolidate(
        &mut self,
        id: NodeId,
        stamp: u32,
        at: Mono,
        rng: &mut fastrand::Rng,
    ) {
        let Some(node) = self.nodes.get(&id) else { return };
        if node.stamp == stamp && node.state == State::Ready {
            self.set_state(id, State::Leaving);
            self.timers.set(at + self.timings.node_gone.draw(rng), Due::NodeGone(id));
        }
    }

    pub(super) fn node_gone(&mut self, id: NodeId, at: Mono) {
        let Some(pool) = self.nodes.remove(&id).and_then(|node| node.pool) else { return };
        let available = &mut self.objects.pools[pool].available;
        *available = available.map(|left| left + 1);
        self.tell_nodes(pool);
        self.ask_again(at);
    }

    fn set_state(&mut self, id: NodeId, state: State) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        node.state = state;
        if let Some(pool) = node.pool {
            self.tell_nodes(pool);
        }
    }

    /// A NodePool's status says what its nodes are, so its resourceVersion moves with them.
    fn tell_nodes(&mut self, index: usize) {
        let nodes = self.count_nodes(index);
        let version = self.objects.revise();
        let pool = &mut self.objects.pools[index];
        pool.view.version = version;
        self.changes.push(Change::Nodes { pool: pool.name.clone(), nodes });
    }

    /// Every instance of a NodePool, those included that have not joined yet.
    pub(super) fn count_claims(&self, pool: usize) -> NodesView {
        let all = self.nodes.values().filter(|node| node.pool == Some(pool)).count();
        let total = u32::try_from(all).unwrap_or(u32::MAX);
        NodesView { total, ..self.count_nodes(pool) }
    }

    /// The nodes of a NodePool that the cluster knows.
    pub(super) fn count_nodes(&self, pool: usize) -> NodesView {
        let mut view = NodesView { total: 0, ready: 0 };
        for node in self.nodes.values().filter(|node| node.pool == Some(pool)) {
            view.total += u32::from(node.state != State::Launched);
            view.ready += u32::from(node.state == State::Ready);
        }
        view
    }
}

/// Whether the limits that Karpenter knows allow a pool so many nodes.
fn allows(pool: &NodePool, nodes: u64) -> bool {
    pool.seen.iter().all(|(resource, limit)| match &**resource {
        "cpu" => nodes * pool.node_cpu <= *limit,
        "memory" => nodes * pool.node_memory <= *limit,
        "nodes" => nodes <= *limit,
        _ => true,
    })
}
