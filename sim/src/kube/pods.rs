//! Pods: made and removed by their workload's controller, placed by the scheduler.

use std::cmp::Reverse;

use bowline_core::model::{Mono, Version, WorkloadKind};

use super::nodes::NodeId;
use super::{Change, Due, KubeCluster};

/// Names a pod.
pub(super) type PodId = u32;

/// A pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pod {
    /// Whose it is.
    pub(super) workload: usize,
    /// Its request, in milli-units.
    pub(super) cpu: u64,
    /// Where it stands.
    pub(super) phase: Phase,
}

/// Where a pod stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// No node has room for it.
    Pending,
    /// On a node, not ready.
    Starting(NodeId),
    /// It takes requests.
    Ready(NodeId),
    /// Deleted; still there until its grace is over.
    Terminating(NodeId),
}

impl KubeCluster {
    /// Changes a workload's replicas; its controller sees that a little later.
    pub(super) fn want(
        &mut self,
        index: usize,
        replicas: u32,
        at: Mono,
        rng: &mut fastrand::Rng,
    ) -> Version {
        let version = self.objects.revise();
        let workload = &mut self.objects.workloads[index];
        workload.view.version = version.clone();
        if workload.view.wanted != replicas {
            workload.view.wanted = replicas;
            workload.unobserved = true;
            self.timers.set(at + self.timings.observe.draw(rng), Due::Observe(index));
        }
        version
    }

    /// Makes every wanted pod ready at once, where the floor has room: the world's beginning.
    pub(super) fn fill(&mut self) {
        for index in 0..self.objects.workloads.len() {
            for _ in 0..self.objects.workloads[index].view.wanted {
                let pod = self.create_pod(index);
                if let Some(node) = self.place(pod) {
                    self.set_phase(pod, Phase::Ready(node));
                    self.count(index, 1, 0);
                }
            }
        }
    }

    /// A controller sees the present `spec`.
    pub(super) fn observe(&mut self, index: usize, at: Mono, rng: &mut fastrand::Rng) {
        let version = self.objects.revise();
        let workload = &mut self.objects.workloads[index];
        workload.unobserved = false;
        workload.view.version = version;
        self.reconcile(index, at, rng);
    }

    /// Makes or deletes the pods that are missing or too many: a StatefulSet's one by one, in
    /// order.
    fn reconcile(&mut self, index: usize, at: Mono, rng: &mut fastrand::Rng) {
        let wanted = self.objects.workloads[index].view.wanted as usize;
        let mut live = self.live(index);
        if self.objects.workloads[index].object.kind == WorkloadKind::StatefulSet {
            let pods = self.objects.workloads[index].view.pods as usize;
            let calm = pods == live.len() && live.iter().all(|pod| self.is_ready(*pod));
            match live.len() {
                n if n < wanted && calm => drop(self.create_pod(index)),
                n if n > wanted && pods == n => self.delete_pod(live[0], at, rng),
                _ => {}
            }
        } else {
            for _ in live.len()..wanted {
                self.create_pod(index);
            }
            let surplus = live.len().saturating_sub(wanted);
            live.drain(..surplus).for_each(|pod| self.delete_pod(pod, at, rng));
        }
        self.schedule(at, rng);
    }

    /// A workload's pods that are not being deleted, those to delete first in front: the least
    /// ready, then the newest.
    fn live(&self, index: usize) -> Vec<PodId> {
        let phase = |pod: &Pod| match pod.phase {
            Phase::Pending => Some(0),
            Phase::Starting(_) => Some(1),
            Phase::Ready(_) => Some(2),
            Phase::Terminating(_) => None,
        };
        let mine = self.pods.iter().filter(|(_, pod)| pod.workload == index);
        let mut live: Vec<_> =
            mine.filter_map(|(id, pod)| Some((phase(pod)?, Reverse(*id)))).collect();
        live.sort_unstable();
        live.into_iter().map(|(_, Reverse(id))| id).collect()
    }

    fn is_ready(&self, pod: PodId) -> bool {
        self.pods.get(&pod).is_some_and(|pod| matches!(pod.phase, Phase::Ready(_)))
    }

    fn create_pod(&mut self, index: usize) -> PodId {
        let id = self.fresh_id();
        let cpu = self.objects.workloads[index].cpu;
        self.pods.insert(id, Pod { workload: index, cpu, phase: Phase::Pending });
        self.count(index, 0, 1);
        id
    }

    fn delete_pod(&mut self, id: PodId, at: Mono, rng: &mut fastrand::Rng) {
        let Some(pod) = self.pods.get(&id).copied() else { return };
        match pod.phase {
            Phase::Pending => {
                self.pods.remove(&id);
                self.count(pod.workload, 0, -1);
            }
            Phase::Starting(node) | Phase::Ready(node) => {
                self.set_phase(id, Phase::Terminating(node));
                let ready = matches!(pod.phase, Phase::Ready(_));
                self.count(pod.workload, -i32::from(ready), 0);
                self.timers.set(at + self.timings.grace.draw(rng), Due::Gone(id));
            }
            Phase::Terminating(_) => {}
        }
    }

    /// Places every pending pod that a node has room for; Karpenter hears of the others.
    pub(super) fn schedule(&mut self, at: Mono, rng: &mut fastrand::Rng) {
        let pending: Vec<PodId> = self.pending().map(|(id, _)| id).collect();
        let mut left = 0;
        for id in pending {
            match self.place(id) {
                Some(node) => {
                    self.set_phase(id, Phase::Starting(node));
                    self.timers.set(at + self.timings.start.draw(rng), Due::Started(id));
                }
                None => left += 1,
            }
        }
        self.unschedulable(left, at);
    }

    /// Pods that no node has room for, oldest first.
    pub(super) fn pending(&self) -> impl Iterator<Item = (PodId, &Pod)> {
        let pending = self.pods.iter().filter(|(_, pod)| pod.phase == Phase::Pending);
        pending.map(|(id, pod)| (*id, pod))
    }

    fn set_phase(&mut self, id: PodId, phase: Phase) {
        if let Some(pod) = self.pods.get_mut(&id) {
            pod.phase = phase;
        }
    }

    pub(super) fn pod_started(&mut self, id: PodId, at: Mono, rng: &mut fastrand::Rng) {
        let Some(pod) = self.pods.get(&id).copied() else { return };
        let Phase::Starting(node) = pod.phase else { return };
        self.set_phase(id, Phase::Ready(node));
        self.count(pod.workload, 1, 0);
        self.follow(pod.workload, at, rng);
    }

    pub(super) fn pod_gone(&mut self, id: PodId, at: Mono, rng: &mut fastrand::Rng) {
        let Some(pod) = self.pods.remove(&id) else { return };
        self.count(pod.workload, 0, -1);
        if let Phase::Terminating(node) = pod.phase {
            self.leave(node, pod.cpu, at, rng);
        }
        self.follow(pod.workload, at, rng);
        self.schedule(at, rng);
    }

    /// A StatefulSet goes on to its next pod when the last one is settled.
    fn follow(&mut self, index: usize, at: Mono, rng: &mut fastrand::Rng) {
        let workload = &self.objects.workloads[index];
        if workload.object.kind == WorkloadKind::StatefulSet && !workload.unobserved {
            self.reconcile(index, at, rng);
        }
    }

    /// Moves a workload's status, which moves its resourceVersion.
    fn count(&mut self, index: usize, ready: i32, pods: i32) {
        let version = self.objects.revise();
        let workload = &mut self.objects.workloads[index];
        workload.view.version = version;
        workload.view.ready = workload.view.ready.saturating_add_signed(ready);
        workload.view.pods = workload.view.pods.saturating_add_signed(pods);
        if ready != 0 {
            let (workload, ready) = (workload.object.clone(), workload.view.ready);
            self.changes.push(Change::Ready { workload, ready });
        }
    }
}
