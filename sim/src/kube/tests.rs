//! The facts about clusters, seen on a simulated one.

use std::sync::Arc;

use bowline_core::model::{Claim, Epoch, GroupName, ObjectRef, RunId, Version, WorkloadKind};
use bowline_core::op::{Answer, Fault, KubeOp};

use super::*;
use crate::part;

/// A cluster with its time and its seed.
struct Bench {
    cluster: KubeCluster,
    rng: fastrand::Rng,
    now: Mono,
}

impl Bench {
    fn new(spec: &ClusterSpec, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        Self { cluster: KubeCluster::new(spec, &mut rng), rng, now: Mono(0) }
    }

    fn call(&mut self, op: KubeOp) -> Result<Answer, Fault> {
        self.cluster.perform(&op, part::at(self.now), &mut self.rng)
    }

    fn workload(&mut self, object: &WorkloadRef) -> WorkloadView {
        match self.call(KubeOp::Workload(object.clone())) {
            Ok(Answer::Workload(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    fn job(&mut self) -> JobView {
        match self.call(KubeOp::Job(invoices())) {
            Ok(Answer::Job(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    fn pool(&mut self) -> PoolView {
        match self.call(KubeOp::Pool("dr".into())) {
            Ok(Answer::Pool(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    fn nodes(&mut self) -> NodesView {
        match self.call(KubeOp::Nodes { pool: "dr".into() }) {
            Ok(Answer::Nodes(view)) => view,
            other => panic!("{other:?}"),
        }
    }

    fn scale(&mut self, object: &WorkloadRef, replicas: u32) -> Result<Answer, Fault> {
        let version = self.workload(object).version;
        self.call(KubeOp::Scale { workload: object.clone(), version, replicas })
    }

    fn open(&mut self, cpu: u64) {
        let version = self.pool().version;
        let limits = limits(cpu);
        let op = KubeOp::Limit { pool: "dr".into(), version, limits, note: None };
        self.call(op).unwrap();
    }

    fn pass(&mut self, span: Span) {
        let end = self.now + span;
        while let Some(next) = self.cluster.next().filter(|next| *next <= end) {
            self.cluster.advance(part::at(next), &mut self.rng);
        }
        self.now = end;
    }

    /// Lets time pass until something holds; gives how long it took.
    fn until(&mut self, most: Span, mut holds: impl FnMut(&mut Self) -> bool) -> Span {
        let began = self.now;
        while !holds(self) {
            assert!(self.now.since(began) < most, "not within {most}");
            self.pass(Span::millis(100));
        }
        self.now.since(began)
    }
}

fn web() -> WorkloadRef {
    workload(WorkloadKind::Deployment, "web")
}

fn queue() -> WorkloadRef {
    workload(WorkloadKind::StatefulSet, "queue")
}

fn workload(kind: WorkloadKind, name: &str) -> WorkloadRef {
    WorkloadRef { kind, namespace: "shop".into(), name: name.into() }
}

fn invoices() -> JobRef {
    JobRef { namespace: "shop".into(), name: "invoices".into() }
}

fn limits(cpu: u64) -> bowline_core::op::Quantities {
    [(Arc::from("cpu"), cpu)].into()
}

fn wants(object: WorkloadRef, replicas: u32) -> WorkloadSpec {
    WorkloadSpec { object, replicas, cpu: 1_000, claims_volumes: false }
}

/// A standby: two floor nodes of 2 CPU, a parked NodePool with nodes of 4 CPU.
fn standby() -> ClusterSpec {
    ClusterSpec {
        floor: 2,
        floor_cpu: 2_000,
        pools: vec![PoolSpec {
            name: "dr".into(),
            limits: limits(0),
            node_cpu: 4_000,
            node_memory: 16 << 30,
        }],
        workloads: vec![wants(web(), 0), wants(queue(), 0)],
        jobs: vec![JobSpec {
            object: invoices(),
            suspended: true,
            every: Span::mins(5),
            lasts: Between(Span::secs(30), Span::secs(30)),
        }],
        timings: Timings::default(),
    }
}

fn claim(epoch: u64) -> Claim {
    Claim::new(Epoch(epoch), RunId::new(format!("run-{epoch}")))
}

#[test]
fn in_peace_what_is_wanted_is_ready_from_the_start() {
    let mut spec = standby();
    spec.workloads = vec![wants(web(), 3)];
    let mut bench = Bench::new(&spec, 1);
    let view = bench.workload(&web());
    assert_eq!((view.wanted, view.ready, view.pods), (3, 3, 3));
}

#[test]
fn a_write_over_another_version_is_a_conflict_and_changes_nothing() {
    let mut bench = Bench::new(&standby(), 1);
    let old = bench.workload(&web()).version;
    bench.scale(&web(), 1).unwrap();
    let stale = KubeOp::Scale { workload: web(), version: old.clone(), replicas: 9 };
    assert!(matches!(bench.call(stale), Err(Fault::Conflict(_))));
    let stale = KubeOp::Annotate { object: ObjectRef::Workload(web()), version: old, note: None };
    assert!(matches!(bench.call(stale), Err(Fault::Conflict(_))));
    assert_eq!(bench.workload(&web()).wanted, 1);
}

#[test]
fn a_status_change_moves_the_version_too() {
    let mut bench = Bench::new(&standby(), 1);
    bench.scale(&web(), 1).unwrap();
    let asked = bench.workload(&web()).version;
    bench.until(Span::secs(20), |b| b.workload(&web()).ready == 1);
    let stale = KubeOp::Scale { workload: web(), version: asked, replicas: 0 };
    assert!(matches!(bench.call(stale), Err(Fault::Conflict(_))));
}

#[test]
fn ready_replicas_are_not_believed_until_the_controller_has_seen_the_spec() {
    let mut spec = standby();
    spec.workloads = vec![wants(web(), 2)];
    let mut bench = Bench::new(&spec, 1);
    bench.scale(&web(), 3).unwrap();
    assert_eq!(bench.workload(&web()).ready, 0, "observedGeneration lags");
    bench.pass(Span::millis(500));
    assert_eq!(bench.workload(&web()).ready, 2);
}

#[test]
fn the_scale_subresource_leaves_the_annotation_alone() {
    let mut bench = Bench::new(&standby(), 1);
    let version = bench.workload(&web()).version;
    let note = Some(Arc::from("held"));
    let object = ObjectRef::Workload(web());
    bench.call(KubeOp::Annotate { object, version, note: note.clone() }).unwrap();
    bench.scale(&web(), 2).unwrap();
    assert_eq!(bench.workload(&web()).note, note);
    assert_eq!(bench.cluster.notes().len(), 1);
}

#[test]
fn pods_without_room_stay_pending_while_the_pool_is_parked() {
    let mut bench = Bench::new(&standby(), 1);
    bench.scale(&web(), 12).unwrap();
    bench.pass(Span::mins(10));
    let view = bench.workload(&web());
    assert_eq!((view.ready, view.pods), (4, 12), "the floor has room for four");
    assert_eq!(bench.nodes(), NodesView { total: 0, ready: 0 });
}

#[test]
fn an_open_pool_gets_nodes_within_the_batch_window_and_the_boot_time() {
    for seed in 0..20 {
        let mut bench = Bench::new(&standby(), seed);
        bench.open(200_000);
        bench.scale(&web(), 12).unwrap();
        let took = bench.until(Span::mins(4), |b| b.workload(&web()).ready == 12);
        assert!(took >= Span::secs(46), "batch idle 1 s and 45 s at least, not {took}");
        assert!(took <= Span::secs(150 + 12 + 10), "seed {seed}: {took}");
        assert_eq!(bench.nodes(), NodesView { total: 2, ready: 2 }, "8 pods on two nodes of 4");
    }
}

#[test]
fn opening_the_pool_later_helps_pods_that_already_wait() {
    let mut bench = Bench::new(&standby(), 3);
    bench.scale(&web(), 8).unwrap();
    bench.pass(Span::mins(5));
    bench.open(200_000);
    bench.until(Span::mins(4), |b| b.workload(&web()).ready == 8);
}

#[test]
fn limits_stop_more_nodes_and_take_none_away() {
    let mut bench = Bench::new(&standby(), 1);
    bench.open(8_000);
    bench.scale(&web(), 40).unwrap();
    bench.pass(Span::mins(10));
    assert_eq!(bench.nodes(), NodesView { total: 2, ready: 2 });
    assert_eq!(bench.workload(&web()).ready, 12);
    bench.open(0);
    bench.pass(Span::mins(10));
    assert_eq!(bench.nodes().total, 2, "a lower limit removes nothing");
}

#[test]
fn memory_is_a_limit_as_well() {
    let mut spec = standby();
    spec.pools[0].limits = [(Arc::from("cpu"), 200_000), (Arc::from("memory"), 16 << 30)].into();
    let mut bench = Bench::new(&spec, 1);
    bench.scale(&web(), 20).unwrap();
    bench.pass(Span::mins(10));
    assert_eq!(bench.nodes().total, 1);
}

#[test]
fn a_booting_instance_is_no_node_yet() {
    let mut bench = Bench::new(&standby(), 1);
    bench.open(200_000);
    bench.scale(&web(), 8).unwrap();
    bench.pass(Span::secs(20));
    assert_eq!(bench.nodes().total, 0, "launched, not registered");
    bench.until(Span::mins(3), |b| b.nodes() == NodesView { total: 1, ready: 0 });
}

#[test]
fn insufficient_capacity_is_remembered_for_three_minutes() {
    let mut bench = Bench::new(&standby(), 1);
    bench.cluster.limit_capacity(&"dr".into(), Some(1));
    bench.open(200_000);
    bench.scale(&web(), 12).unwrap();
    bench.until(Span::mins(4), |b| b.workload(&web()).ready == 8);
    bench.cluster.limit_capacity(&"dr".into(), None);
    bench.pass(Span::mins(6));
    assert_eq!(bench.workload(&web()).ready, 12, "asked again once forgotten");
}

#[test]
fn without_capacity_the_next_pool_is_tried() {
    let mut spec = standby();
    spec.pools[0].limits = limits(200_000);
    let mut other = spec.pools[0].clone();
    other.name = "od".into();
    spec.pools.push(other);
    let mut bench = Bench::new(&spec, 1);
    bench.cluster.limit_capacity(&"dr".into(), Some(0));
    bench.scale(&web(), 8).unwrap();
    bench.pass(Span::mins(4));
    assert_eq!(bench.nodes().total, 0);
    assert_eq!(bench.cluster.nodes(&"od".into()), Some(NodesView { total: 1, ready: 1 }));
}

#[test]
fn empty_nodes_go_and_pods_terminate_after_their_grace() {
    let mut bench = Bench::new(&standby(), 5);
    bench.open(200_000);
    bench.scale(&web(), 12).unwrap();
    bench.until(Span::mins(4), |b| b.workload(&web()).ready == 12);
    bench.scale(&web(), 0).unwrap();
    bench.pass(Span::secs(1));
    let view = bench.workload(&web());
    assert_eq!((view.ready, view.pods), (0, 12), "terminating pods still exist");
    bench.until(Span::secs(31), |b| b.workload(&web()).pods == 0);
    let gone = bench.until(Span::mins(3), |b| b.nodes().total == 0);
    assert!(gone >= Span::secs(10), "consolidation waits: {gone}");
}

#[test]
fn a_pod_that_comes_back_keeps_its_node() {
    let mut bench = Bench::new(&standby(), 5);
    bench.open(200_000);
    bench.scale(&web(), 8).unwrap();
    bench.until(Span::mins(4), |b| b.workload(&web()).ready == 8);
    bench.scale(&web(), 0).unwrap();
    bench.until(Span::secs(40), |b| b.workload(&web()).pods == 0);
    bench.scale(&web(), 8).unwrap();
    bench.until(Span::secs(20), |b| b.workload(&web()).ready == 8);
    bench.pass(Span::mins(5));
    assert_eq!(bench.nodes(), NodesView { total: 1, ready: 1 });
}

#[test]
fn a_node_whose_pods_were_cancelled_meanwhile_joins_and_goes() {
    let mut bench = Bench::new(&standby(), 2);
    bench.open(200_000);
    bench.scale(&web(), 8).unwrap();
    bench.pass(Span::secs(15));
    bench.scale(&web(), 0).unwrap();
    bench.open(0);
    bench.until(Span::mins(3), |b| b.nodes().total == 1);
    bench.until(Span::mins(5), |b| b.nodes().total == 0);
}

#[test]
fn a_stateful_set_starts_and_stops_one_pod_at_a_time() {
    let mut bench = Bench::new(&standby(), 1);
    bench.scale(&queue(), 3).unwrap();
    bench.pass(Span::secs(2));
    assert_eq!(bench.workload(&queue()).pods, 1);
    bench.until(Span::secs(60), |b| b.workload(&queue()).ready == 3);
    bench.scale(&queue(), 0).unwrap();
    bench.pass(Span::secs(1));
    let view = bench.workload(&queue());
    assert_eq!((view.ready, view.pods), (2, 3));
    bench.until(Span::secs(120), |b| b.workload(&queue()).pods == 0);
}

#[test]
fn a_suspended_cron_job_starts_nothing_and_lets_running_jobs_end() {
    let mut bench = Bench::new(&standby(), 1);
    bench.pass(Span::mins(20));
    assert_eq!(bench.job().active, 0);
    let suspend = |bench: &mut Bench, suspend| {
        let version = bench.job().version;
        let op = KubeOp::Suspend { job: invoices(), version, suspend, note: None };
        bench.call(op).unwrap();
    };
    suspend(&mut bench, false);
    bench.until(Span::mins(6), |b| b.job().active == 1);
    suspend(&mut bench, true);
    assert_eq!((bench.job().active, bench.job().suspended), (1, true));
    bench.until(Span::secs(31), |b| b.job().active == 0);
    bench.pass(Span::mins(20));
    assert_eq!(bench.job().active, 0);
}

#[test]
fn s5_the_fence_config_map_is_created_once_and_replaced_over_its_version() {
    let mut bench = Bench::new(&standby(), 1);
    let group = GroupName::new("shop");
    let write = |version: Option<Version>, epoch| KubeOp::Claim {
        group: group.clone(),
        version,
        claim: claim(epoch),
    };
    assert_eq!(bench.call(KubeOp::Fence(group.clone())), Ok(Answer::Fence(None)));
    assert!(matches!(bench.call(write(Some("7".into()), 1)), Err(Fault::NotFound(_))));
    let Ok(Answer::Written(first)) = bench.call(write(None, 1)) else { panic!() };
    assert!(matches!(bench.call(write(None, 2)), Err(Fault::Conflict(_))));
    bench.call(write(Some(first.clone()), 2)).unwrap();
    assert!(matches!(bench.call(write(Some(first), 3)), Err(Fault::Conflict(_))));
    let Ok(Answer::Fence(Some(fence))) = bench.call(KubeOp::Fence(group)) else { panic!() };
    assert_eq!(fence.claim, claim(2));
}

#[test]
fn two_groups_have_two_fences_in_one_cluster() {
    let mut bench = Bench::new(&standby(), 1);
    for group in ["shop", "mail"] {
        let op = KubeOp::Claim { group: group.into(), version: None, claim: claim(1) };
        assert!(bench.call(op).is_ok());
    }
}

#[test]
fn gitops_puts_back_what_git_declares() {
    let mut bench = Bench::new(&standby(), 1);
    bench.cluster.revert_every(Some(Span::mins(3)), part::at(bench.now));
    bench.scale(&web(), 2).unwrap();
    bench.until(Span::mins(4), |b| b.workload(&web()).wanted == 0);
    bench.cluster.revert_every(None, part::at(bench.now));
    bench.scale(&web(), 2).unwrap();
    bench.pass(Span::mins(10));
    assert_eq!(bench.workload(&web()).wanted, 2);
}

#[test]
fn gitops_puts_cron_jobs_and_node_pools_back_too() {
    let mut bench = Bench::new(&standby(), 1);
    let (job, limits) = (bench.job(), bench.pool().limits);
    bench.cluster.revert_every(Some(Span::mins(3)), part::at(bench.now));
    let suspend = !job.suspended;
    let op = KubeOp::Suspend { job: invoices(), version: job.version, suspend, note: None };
    bench.call(op).unwrap();
    bench.open(200_000);
    assert_ne!(bench.pool().limits, limits);
    bench.until(Span::mins(4), |b| b.job().suspended == job.suspended);
    assert_eq!(bench.pool().limits, limits);
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut bench = Bench::new(&standby(), 1);
    let nobody = workload(WorkloadKind::StatefulSet, "web");
    let job = JobRef { namespace: "shop".into(), name: "none".into() };
    for op in [
        KubeOp::Workload(nobody),
        KubeOp::Job(job),
        KubeOp::Pool("none".into()),
        KubeOp::Nodes { pool: ObjectName::new("none") },
    ] {
        assert!(matches!(bench.call(op), Err(Fault::NotFound(_))));
    }
    let version = bench.pool().version;
    let fence = ObjectRef::Fence("shop".into());
    let op = KubeOp::Annotate { object: fence, version, note: None };
    assert!(matches!(bench.call(op), Err(Fault::Invalid(_))));
    assert_eq!(bench.call(KubeOp::Ready), Ok(Answer::Ok));
}

#[test]
fn others_are_told_how_many_pods_and_nodes_are_ready() {
    let mut bench = Bench::new(&standby(), 1);
    bench.cluster.drain_changes();
    bench.open(200_000);
    bench.scale(&web(), 6).unwrap();
    bench.pass(Span::mins(4));
    assert!(bench.cluster.has_changes());
    let changes: Vec<Change> = bench.cluster.drain_changes().collect();
    assert!(changes.contains(&Change::Ready { workload: web(), ready: 6 }));
    let nodes = NodesView { total: 1, ready: 1 };
    assert!(changes.contains(&Change::Nodes { pool: "dr".into(), nodes }));
    assert!(!bench.cluster.has_changes());
}

#[test]
fn a_frozen_cluster_goes_on_from_where_it_was() {
    let ready = |frozen: Option<Span>| {
        let mut bench = Bench::new(&standby(), 4);
        bench.open(200_000);
        bench.scale(&web(), 12).unwrap();
        bench.pass(Span::secs(20));
        if let Some(span) = frozen {
            bench.cluster.freeze(part::at(bench.now));
            assert_eq!(bench.cluster.next(), None);
            bench.now = bench.now + span;
            bench.cluster.advance(part::at(bench.now), &mut bench.rng);
            bench.cluster.thaw(part::at(bench.now));
        }
        bench.until(Span::mins(4), |b| b.workload(&web()).ready == 12)
    };
    assert_eq!(ready(None), ready(Some(Span::mins(30))));
}

#[test]
fn the_same_seed_gives_the_same_cluster() {
    let story = |seed| {
        let mut bench = Bench::new(&standby(), seed);
        bench.open(200_000);
        bench.scale(&web(), 20).unwrap();
        bench.until(Span::mins(5), |b| b.workload(&web()).ready == 20);
        (bench.now, bench.workload(&web()), bench.nodes())
    };
    assert_eq!(story(7), story(7));
    assert_ne!(story(7).0, story(8).0);
}
