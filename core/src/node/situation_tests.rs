//! What a decision is made of: a site that could take over, and what the ledger says.

use super::*;
use crate::health::ReadyReason;
use crate::model::{Span, Wall, WorkloadKind, WorkloadRef};
use crate::node::testing::{Bench, down, fit, looked};
use crate::op::{Answer, Fault, KubeOp, Op, RdsOp};
use crate::policy::examples;

const NOW: Now = Now { mono: Mono(600_000), wall: Wall(600_000) };

/// The shop, with Karpenter as its floor.
fn shop() -> Group {
    let mut policy = examples::shop();
    let karpenter = WorkloadRef {
        kind: WorkloadKind::Deployment,
        namespace: "kube-system".into(),
        name: "karpenter".into(),
    };
    policy.capacity.floor = vec![karpenter];
    let mut group = Group::new(1, policy);
    see_floor(&mut group, Some((1, 1)));
    see_cache(&mut group, (0, 0));
    group
}

fn seen(pods: Option<(u32, u32)>) -> SeenAt<Option<WorkloadView>> {
    let view = |(wanted, ready)| WorkloadView {
        version: "1".into(),
        wanted,
        ready,
        pods: wanted,
        note: None,
        claims_volumes: false,
    };
    SeenAt { at: NOW.mono, value: pods.map(view) }
}

fn see_floor(group: &mut Group, pods: Option<(u32, u32)>) {
    group.known.floor.insert((Site::Standby, 0), seen(pods));
}

/// The shop's one workload that is safe without the writer.
fn see_cache(group: &mut Group, pods: (u32, u32)) {
    group.known.workloads.insert((Site::Standby, 1), seen(Some(pods)));
}

fn floor(group: &Group, now: Now) -> Answer3 {
    let reasons = group.readiness(now).reasons;
    let found = reasons.into_iter().find(|(reason, _)| *reason == ReadyReason::Floor);
    found.map_or(Answer3::Yes, |(_, how)| how)
}

#[test]
fn a_site_whose_floor_does_not_run_is_not_ready() {
    let mut group = shop();
    assert_eq!(floor(&group, NOW), Answer3::Yes);
    for (pods, expected) in [
        (None, Answer3::No),
        (Some((1, 0)), Answer3::No),
        (Some((0, 0)), Answer3::No),
        (Some((2, 1)), Answer3::Yes),
    ] {
        see_floor(&mut group, pods);
        assert_eq!(floor(&group, NOW), expected, "{pods:?}");
    }
}

#[test]
fn s4_a_floor_that_was_not_seen_lately_is_unknown() {
    let mut group = shop();
    let later = Now { mono: NOW.mono + Span::mins(4), ..NOW };
    assert_eq!(floor(&group, later), Answer3::Unknown);
    group.known.floor.clear();
    assert_eq!(floor(&group, NOW), Answer3::Unknown);
}

#[test]
fn what_is_wanted_there_in_peace_must_have_a_pod_and_what_is_not_need_not() {
    let mut group = shop();
    for (pods, expected) in [((0, 0), Answer3::Yes), ((2, 0), Answer3::No), ((2, 1), Answer3::Yes)]
    {
        see_cache(&mut group, pods);
        assert_eq!(floor(&group, NOW), expected, "{pods:?}");
    }
}

#[test]
fn s4_a_replica_is_what_rds_says_of_it_and_unknown_before_anybody_asked() {
    let mut group = shop();
    let said = |group: &Group| group.streams(Site::Standby, NOW.mono);
    assert_eq!(said(&group), ReplicaState::Unknown);
    let replication = group.known.replication.entry(Site::Standby).or_default();
    // Points from before this process asked say nothing of streaming.
    replication.point(Wall(60_000), Some(1));
    replication.described(NOW.wall, true);
    assert_eq!(said(&group), ReplicaState::Streaming);
    let replication = group.known.replication.entry(Site::Standby).or_default();
    replication.described(NOW.wall, false);
    assert_eq!(said(&group), ReplicaState::Broken);
}

/// Why the passive site is not ready, each reason with how surely.
fn reasons(bench: &Bench) -> Vec<(ReadyReason, Answer3)> {
    bench.group.readiness(bench.now).reasons
}

#[test]
fn s4_what_was_seen_of_the_passive_site_counts_for_three_minutes() {
    let old = |seen: Mono, age: Span| {
        let mut bench = Bench::fit();
        bench.now.mono = seen + age;
        reasons(&bench)
    };
    let known = Bench::fit().group.known;
    let (first, last) =
        (known.workloads[&(Site::Standby, 1)].at, known.cluster_claims[&Site::Standby].at);
    let (good, moment) = (Span::mins(3), Span::millis(1));
    assert_eq!(old(first, good), []);
    let of = |reason| (reason, Answer3::Unknown);
    assert_eq!(old(first, good + moment), [of(ReadyReason::Floor)]);
    let all = [ReadyReason::ClusterApi, ReadyReason::Replica, ReadyReason::Floor].map(of);
    assert_eq!(old(last, good + moment), all);
}

#[test]
fn a_workload_that_a_run_scales_or_that_rests_in_peace_says_nothing_of_the_floor() {
    let mut group = shop();
    see_cache(&mut group, (2, 0));
    assert_eq!(floor(&group, NOW), Answer3::No);
    group.policy.capacity.workloads[1].runs = Runs::ActiveOnly;
    assert_eq!(floor(&group, NOW), Answer3::Yes, "it runs at the active site alone");
    let mut bench = Bench::fit();
    let cache = bench.group.policy.capacity.workloads[1].object.clone();
    see_cache(&mut bench.group, (2, 0));
    assert_eq!(floor(&bench.group, bench.now), Answer3::No);
    let mut held = bench.prewarming().holding(Site::Standby, &cache);
    see_cache(&mut held.group, (2, 0));
    assert_eq!(floor(&held.group, held.now), Answer3::Yes, "a run of ours is scaling it");
}

#[test]
fn what_the_policy_lists_must_be_there_and_node_pools_at_standby_alone() {
    let absent = |kind: fn(&KubeOp) -> bool| {
        Bench::of(looked(move |op| match op {
            Op::Kube(_, op) if kind(op) => Err(Fault::NotFound("gone".into())),
            _ => fit(op),
        }))
    };
    let pool: fn(&KubeOp) -> bool = |op| matches!(op, KubeOp::Pool(_));
    assert_eq!(reasons(&absent(pool)), [(ReadyReason::Listed, Answer3::No)]);
    let away = absent(pool).failed_over();
    let listed =
        |bench: &Bench| reasons(bench).iter().any(|(reason, _)| *reason == ReadyReason::Listed);
    assert!(!listed(&away), "home has none");
    let workload: fn(&KubeOp) -> bool = |op| matches!(op, KubeOp::Workload(_));
    assert!(listed(&absent(workload)));
}

#[test]
fn a_member_is_fit_to_take_over_if_it_streams_or_was_left_and_stopped() {
    let member =
        |bench: &Bench| bench.group.replica_state(bench.group.active().other(), bench.now.mono);
    assert_eq!(member(&Bench::fit()), ReplicaState::Streaming);
    let still = |op: &Op| match fit(op)? {
        Answer::Instance(found) => Ok(Answer::Instance(Instance { streaming: false, ..found })),
        answer => Ok(answer),
    };
    assert_eq!(member(&Bench::of(looked(still))), ReplicaState::Broken, "it does not stream");
    let mut none = Bench::fit();
    none.group.policy.database = None;
    assert_eq!(member(&none), ReplicaState::NoDatabase);
    let writer = |op: &Op| match fit(op)? {
        Answer::Instance(found) => Ok(Answer::Instance(Instance { source: None, ..found })),
        answer => Ok(answer),
    };
    assert_eq!(member(&Bench::of(looked(writer))), ReplicaState::Broken, "nobody stopped it");
    assert_eq!(member(&Bench::fit().failed_over()), ReplicaState::Rebuildable);
    let running = Bench::fit().failed_over_but(&["fence.standing", "fence"]);
    assert_eq!(member(&running), ReplicaState::Broken);
}

#[test]
fn s3_a_member_that_is_gone_replaced_or_was_left_is_not_promoted() {
    let why = |bench: &Bench| {
        bench.group.nothing_to_promote(&crate::testing::Ground::shop().facts, bench.now.mono)
    };
    assert_eq!(why(&Bench::fit()), None);
    let other = |op: &Op| match fit(op)? {
        Answer::Instance(found) => {
            Ok(Answer::Instance(Instance { resource: "db-new".into(), ..found }))
        }
        answer => Ok(answer),
    };
    let told = why(&Bench::of(looked(other))).unwrap();
    assert!(told.ends_with("it is db-new, and recorded is db-standby"), "{told}");
    let left = why(&Bench::fit().failed_over()).unwrap();
    assert!(left.starts_with("home's") && left.contains("the writer that was left"), "{left}");
    let writer = |op: &Op| match fit(op)? {
        Answer::Instance(found) => Ok(Answer::Instance(Instance { source: None, ..found })),
        answer => Ok(answer),
    };
    assert_eq!(why(&Bench::of(looked(writer))), None, "nobody left standby");
    let shut = |op: &Op| match writer(op)? {
        Answer::Instance(mut found) => {
            let database = examples::shop().standby.database.unwrap();
            found.settings.security_groups = vec![database.closed_security_group];
            Ok(Answer::Instance(found))
        }
        answer => Ok(answer),
    };
    let told = why(&Bench::of(looked(shut))).unwrap();
    assert!(told.contains("the writer that was left"), "a copied journal may not know: {told}");
    let replica = |op: &Op| match fit(op)? {
        Answer::Instance(found) => {
            Ok(Answer::Instance(Instance { source: Some("shop-standby".into()), ..found }))
        }
        answer => Ok(answer),
    };
    assert_eq!(why(&Bench::of(looked(replica)).failed_over()), None, "it was made a replica");
    let without = |fault: Fault| {
        Bench::of(looked(|op| match op {
            Op::Rds(_, RdsOp::Describe(_)) => Err(fault.clone()),
            _ => fit(op),
        }))
    };
    let silent = || without(Fault::Transient("no answer".into()));
    assert_eq!(why(&silent()), None, "nobody left it");
    let unseen = why(&silent().failed_over()).unwrap();
    assert!(unseen.contains("the writer that was left, and nobody sees"), "{unseen}");
    let bench = without(Fault::NotFound("gone".into()));
    assert!(bench.group.lacks_instance(Site::Standby, bench.now.mono));
    let bench = bench.later(Span::mins(4));
    assert!(!bench.group.lacks_instance(Site::Standby, bench.now.mono), "that was long ago");
    assert!(!Bench::fit().group.lacks_instance(Site::Standby, NOW.mono));
}

#[test]
fn what_is_decided_from_is_what_the_ledger_and_the_facts_say() {
    let armed = |bench: Bench| bench.told(vec![crate::run::Record::Armed]);
    let of = |mut bench: Bench| {
        let now = bench.now;
        let Situation { run, armed, paused, home_has_served, switched_over, foreign_claim, .. } =
            bench.group.situation(now, Answer3::Yes);
        (run, [armed, paused, home_has_served, switched_over, foreign_claim])
    };
    let no = [false; 5];
    assert_eq!(of(Bench::fit()), (OpenRun::None, no));
    assert_eq!(of(armed(Bench::fit())), (OpenRun::None, no), "without facts it cannot be moved");
    let served = [false, false, true, false, false];
    assert_eq!(of(Bench::fit().recorded()), (OpenRun::None, served));
    let ready = [true, false, true, false, false];
    assert_eq!(of(armed(Bench::fit().recorded())), (OpenRun::None, ready));
    assert_eq!(of(Bench::fit().prewarming()), (OpenRun::Prewarm, no));
    assert_eq!(of(Bench::fit().failing_over()), (OpenRun::Planned, no));
    assert_eq!(of(Bench::fit().failed_over()), (OpenRun::None, served), "standby serves now");
    let switched = Bench::fit().recorded().switched_over();
    assert_eq!(of(switched), (OpenRun::None, [false, false, true, true, false]));
}

#[test]
fn s10_what_was_bad_while_bowline_was_cut_off_dates_no_fault() {
    let nothing = |_: &Op| Err(Fault::Unknown("no answer".into()));
    let judged = |bench: &mut Bench| bench.group.situation(bench.now, Answer3::Yes).isolation;
    let bad_since = |bench: &Bench| bench.group.sampler.site(Site::Home).unserved_since();
    let mut cut_off = Bench::fit().sampled(nothing);
    assert_eq!(judged(&mut cut_off), Isolation::Isolated);
    assert!(bad_since(&cut_off).is_some());
    let mut back = cut_off.sampled_times(6, down);
    assert!(bad_since(&back).is_some(), "what is seen now is bad, too");
    assert_eq!(judged(&mut back), Isolation::JustBack);
    assert_eq!(bad_since(&back), None);
    let ended = back.now.mono;
    let mut again = back.sampled(down);
    assert!(!judged(&mut again).holds());
    assert!(bad_since(&again).unwrap().mono >= ended, "it is seen anew, once");
}

#[test]
fn s10_a_replica_of_another_instance_than_the_writer_is_none() {
    let of = |source: &'static str| {
        Bench::of(looked(move |op| match fit(op)? {
            Answer::Instance(found) if found.source.is_some() => {
                Ok(Answer::Instance(Instance { source: Some(source.into()), ..found }))
            }
            answer => Ok(answer),
        }))
    };
    let state = |bench: &Bench| bench.group.replica_state(Site::Standby, bench.now.mono);
    let promotes = |bench: &Bench| {
        let facts = crate::testing::Ground::shop().facts;
        bench.group.nothing_to_promote(&facts, bench.now.mono)
    };
    let facts = |bench: &Bench| {
        crate::node::collect::facts(&bench.group.policy, &bench.group.known, bench.now.wall).is_ok()
    };
    let own = of("shop-home");
    assert_eq!((state(&own), promotes(&own), facts(&own)), (state(&Bench::fit()), None, true));
    // The owner renamed home's instance and restored another one under its name.
    let others = of("shop-home-bad");
    assert_eq!((state(&others), facts(&others)), (ReplicaState::Broken, false));
    let why = promotes(&others).unwrap();
    assert!(why.ends_with("it is a replica of shop-home-bad, not of the home site's instance"));
}

#[test]
fn l2_a_replica_that_a_cancelled_run_was_making_is_no_target_of_a_failover() {
    let new = |op: &Op| match fit(op)? {
        Answer::Instance(found) if found.source.is_some() => {
            Ok(Answer::Instance(Instance { resource: "db-new".into(), ..found }))
        }
        answer => Ok(answer),
    };
    let state = |bench: &Bench| bench.group.replica_state(Site::Standby, bench.now.mono);
    assert_eq!(state(&Bench::of(looked(new)).recorded()), ReplicaState::Broken);
    assert_eq!(state(&Bench::of(looked(new))), state(&Bench::fit()), "nothing is recorded yet");
}
