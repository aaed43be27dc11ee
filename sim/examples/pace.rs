//! What the harness itself costs: three replicas that only look, for a simulated day.
//!
//! `cargo run --release -p bowline-sim --example pace` prints nanoseconds per event. Aim: 25,000
//! events in 6 ms, of which the replicas themselves want most. Seen on a shared core in 2026-11:
//! 120 to 160 ns an event, 3 to 4 ms for 25,000.

use std::time::Instant;

use bowline_core::model::{Cluster, Mono, Now, Span, WorkloadKind, WorkloadRef};
use bowline_core::node::Input;
use bowline_core::op::{Call, CallId, KubeOp, LeaseOp, Op, StoreOp};
use bowline_sim::harness::{Replica, Simulation};
use bowline_sim::kube::{ClusterSpec, KubeCluster, WorkloadSpec};
use bowline_sim::world::World;

/// Asks the same things every five seconds.
struct Looker {
    asks: Vec<Op>,
    calls: u64,
    wake: Mono,
}

impl Replica for Looker {
    fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Call>) {
        if !matches!(input, Input::Wake | Input::Policies(_)) {
            return;
        }
        self.wake = now.mono + Span::secs(5);
        for op in &self.asks {
            self.calls += 1;
            let (id, deadline) = (CallId(self.calls), now.mono + Span::secs(3));
            out.push(Call { id, deadline, op: op.clone() });
        }
    }

    fn wake_at(&self) -> Option<Mono> {
        Some(self.wake)
    }
}

fn workload(name: &str) -> WorkloadRef {
    WorkloadRef { kind: WorkloadKind::Deployment, namespace: "shop".into(), name: name.into() }
}

fn world(cluster: &Cluster) -> World {
    let web = |name| WorkloadSpec {
        object: workload(name),
        replicas: 12,
        cpu: 500,
        claims_volumes: false,
    };
    let workloads = vec![web("web"), web("worker")];
    let spec = ClusterSpec { floor: 12, floor_cpu: 4_000, workloads, ..Default::default() };
    let mut world = World::default();
    let kube = KubeCluster::new(&spec, &mut fastrand::Rng::with_seed(0));
    world.add_cluster(cluster.clone(), "eu-west-1".into(), kube);
    world
}

fn main() {
    let cluster = Cluster::Context("home".into());
    let kube = |op| Op::Kube(cluster.clone(), op);
    let asks = vec![
        Op::Lease(LeaseOp::Read),
        Op::Store(StoreOp::Intents),
        Op::Store(StoreOp::Read { group: "shop".into(), after: 0 }),
        kube(KubeOp::Ready),
        kube(KubeOp::Workload(workload("web"))),
        kube(KubeOp::Fence("shop".into())),
    ];
    let recruit = Box::new(move |_, _| Looker { asks: asks.clone(), calls: 0, wake: Mono(0) });
    let mut simulation = Simulation::new(world(&cluster), Vec::new(), 1, 3, recruit);
    let began = Instant::now();
    simulation.run_until(Mono(24 * 3_600_000));
    let took = began.elapsed();
    let each = took.as_nanos() / u128::from(simulation.steps());
    println!("{} events in {took:?}: {each} ns each", simulation.steps());
    println!("25,000 events: {:.2} ms", each as f64 * 25_000.0 / 1e6);
}
