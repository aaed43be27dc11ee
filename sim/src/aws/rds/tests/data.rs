//! What becomes of acknowledged writes.

use bowline_core::model::{Mono, Span, Wall};
use bowline_core::op::{Metric, RdsOp};
use proptest::prelude::*;

use super::rig::*;
use crate::aws::rds::Engine;

const BEGIN: Mono = Mono(0);

fn rig() -> Rig {
    Rig::new(Engine::MySql, 3)
}

#[test]
fn an_unplanned_promotion_loses_what_had_not_arrived() {
    let mut rig = rig();
    let lag = rig.points(STANDBY, Metric::ReplicaLag("shop-standby".into()));
    assert!(lag.iter().all(|ms| *ms > 0), "{lag:?}");
    rig.rds.kill(HOME, rig.now());
    rig.promote_standby();
    let lost = rig.missing(STANDBY, BEGIN);
    assert!((10..=1_000).contains(&lost), "0.2 s to 20 s of 50 writes a second: {lost}");
    rig.pass(Span::mins(10));
    assert_eq!(rig.missing(STANDBY, BEGIN), lost, "a dead writer takes no more");
}

#[test]
fn an_unfenced_old_writers_writes_are_lost_too() {
    let mut rig = rig();
    rig.promote_standby();
    let lost = rig.missing(STANDBY, BEGIN);
    rig.pass(Span::secs(10));
    assert_eq!(rig.missing(STANDBY, BEGIN), lost + 500);
    assert!(rig.member(HOME).accepts_writes);
}

#[test]
fn a_planned_promotion_loses_nothing() {
    let mut rig = rig();
    rig.groups(HOME, "shop-home", "sg-closed");
    rig.rds.set_clients(HOME, 0, 0, rig.now());
    rig.pass(Span::mins(1));
    rig.promote_standby();
    rig.rds.set_clients(STANDBY, 10, 50, rig.now());
    rig.pass(Span::mins(1));
    assert_eq!(rig.missing(STANDBY, BEGIN), 0);
    assert_eq!(rig.missing(HOME, BEGIN), 50 * 60, "home has none of the new ones");
}

#[test]
fn a_probes_write_counts_where_it_was_accepted() {
    let mut rig = rig();
    let before = rig.rds.acknowledged(0, rig.now);
    assert!(rig.rds.write(HOME, rig.now()));
    assert!(!rig.rds.write(STANDBY, rig.now()), "a replica accepts none");
    assert_eq!(rig.rds.acknowledged(0, rig.now), before + 1_000);
}

#[test]
fn a_partition_loses_nothing_when_it_heals() {
    let mut rig = rig();
    rig.rds.set_partitioned(true, rig.now());
    rig.pass(Span::mins(5));
    assert!(rig.missing(STANDBY, BEGIN) >= 50 * 300);
    assert!(!rig.describe(STANDBY, "shop-standby").streaming);
    rig.rds.set_partitioned(false, rig.now());
    rig.pass(Span::mins(5));
    assert!(rig.missing(STANDBY, BEGIN) <= 1_000);
    assert_eq!(rig.access(HOME), WRITES);
}

#[test]
fn mysql_lag_reads_minus_one_once_the_source_is_gone() {
    let mut rig = rig();
    rig.rds.kill(HOME, rig.now());
    rig.pass(Span::mins(5));
    let points = rig.points(STANDBY, Metric::ReplicaLag("shop-standby".into()));
    assert_eq!(points.last(), Some(&-1_000));
    assert!(points[0] > 0, "the good points before the fault are still there");
}

#[test]
fn postgresql_lag_grows_with_the_outage() {
    let mut rig = Rig::new(Engine::PostgreSql, 3);
    rig.rds.kill(HOME, rig.now());
    rig.pass(Span::mins(5));
    let points = rig.points(STANDBY, Metric::ReplicaLag("shop-standby".into()));
    let last: Vec<_> = points.iter().rev().take(3).copied().collect();
    assert_eq!(last[0] - last[1], 60_000);
    assert!(last[0] > 180_000, "{points:?}");
}

#[test]
fn a_promoted_instance_has_no_lag_any_more() {
    let mut rig = rig();
    rig.promote_standby();
    rig.pass(Span::mins(15));
    assert!(rig.points(STANDBY, Metric::ReplicaLag("shop-standby".into())).is_empty());
}

#[test]
fn metrics_of_another_region_or_service_have_no_points() {
    let mut rig = rig();
    assert!(rig.points(HOME, Metric::ReplicaLag("shop-standby".into())).is_empty());
    assert!(rig.points(HOME, Metric::Served("arn".into())).is_empty());
}

fn reboot(instance: &str) -> RdsOp {
    RdsOp::Reboot { instance: instance.into(), shut_at: Wall(0) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever happens, the instances' own parts and what they miss are all that was acknowledged.
    #[test]
    fn no_write_is_counted_twice_or_forgotten(
        seed: u64, acts in proptest::collection::vec((0u8..7, 1u64..400), 1..14),
    ) {
        let mut rig = Rig::new(Engine::MySql, seed);
        rig.rds.set_clients(STANDBY, 5, 20, rig.now());
        for (act, secs) in acts {
            let now = rig.now();
            match act {
                0 => rig.rds.kill(HOME, now),
                1 => rig.rds.revive(HOME, now),
                2 => rig.rds.set_partitioned(true, now),
                3 => rig.rds.set_partitioned(false, now),
                4 => drop(rig.call(STANDBY, &RdsOp::Promote("shop-standby".into()))),
                5 => drop(rig.call(HOME, &reboot("shop-home"))),
                _ => drop(rig.call(STANDBY, &reboot("shop-standby"))),
            }
            rig.pass(Span::secs(secs));
            let all = rig.rds.acknowledged(0, rig.now);
            let log = rig.rds.log(0).unwrap();
            for member in rig.rds.members(rig.now()) {
                let missing = log.missing(member.held, BEGIN, rig.now);
                let has: u64 = (0..2)
                    .map(|id| log.part_of(member.held, crate::aws::rds::BranchId(id)))
                    .sum();
                prop_assert_eq!(has + missing, all);
                prop_assert!(member.promotions <= 1);
            }
        }
    }
}
