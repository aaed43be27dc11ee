//! Who can read and write through a site's door: groups, tracked connections, restarts, deaths.

use bowline_core::model::{Span, Wall};
use bowline_core::op::{Metric, RdsOp};

use super::rig::*;
use crate::aws::rds::Engine;

fn rig() -> Rig {
    Rig::new(Engine::MySql, 2)
}

#[test]
fn the_writer_takes_writes_and_a_replica_answers_reads() {
    let mut rig = rig();
    rig.rds.set_clients(STANDBY, 3, 5, rig.now());
    assert_eq!((rig.access(HOME), rig.access(STANDBY)), (WRITES, READS));
}

#[test]
fn nobody_connected_means_nothing_is_answered() {
    let mut rig = rig();
    assert_eq!(rig.access(STANDBY), NOTHING);
    let before = rig.rds.generation();
    rig.rds.set_clients(HOME, 0, 50, rig.now());
    assert_eq!(rig.access(HOME), NOTHING);
    assert!(rig.rds.generation() > before, "a change of access is told");
}

#[test]
fn a_closed_group_leaves_tracked_connections_until_reboot() {
    let mut rig = rig();
    rig.groups(HOME, "shop-home", "sg-closed");
    assert_eq!((rig.access(HOME), rig.member(HOME).established), (WRITES, 10));
    rig.reboot(HOME, "shop-home");
    assert_eq!((rig.access(HOME), rig.member(HOME).established), (NOTHING, 0));
}

#[test]
fn a_closed_group_drops_new_connections() {
    let mut rig = rig();
    rig.groups(HOME, "shop-home", "sg-closed");
    rig.rds.set_clients(HOME, 20, 50, rig.now());
    assert_eq!(rig.member(HOME).established, 10, "those inside stay");
    rig.rds.set_clients(HOME, 0, 0, rig.now());
    rig.rds.set_clients(HOME, 20, 50, rig.now());
    assert_eq!(rig.member(HOME).established, 0, "nobody comes in again");
}

#[test]
fn an_opened_group_lets_them_in_again() {
    let mut rig = rig();
    rig.groups(HOME, "shop-home", "sg-closed");
    rig.reboot(HOME, "shop-home");
    rig.groups(HOME, "shop-home", "sg-open");
    assert_eq!(rig.access(HOME), WRITES);
}

#[test]
fn a_reboot_of_an_open_instance_interrupts_and_lets_them_in_again() {
    let mut rig = rig();
    rig.done(HOME, &RdsOp::Reboot { instance: "shop-home".into(), shut_at: Wall(0) });
    let down = rig.until("down", |rig| rig.access(HOME) == NOTHING);
    let up = rig.until("up", |rig| rig.access(HOME) == WRITES);
    assert!(down <= Span::secs(6) && up <= Span::secs(60), "{down}, {up}");
}

#[test]
fn replication_goes_on_through_a_closed_group() {
    let mut rig = rig();
    rig.groups(HOME, "shop-home", "sg-closed");
    rig.reboot(HOME, "shop-home");
    rig.pass(Span::mins(2));
    assert!(rig.describe(STANDBY, "shop-standby").streaming);
    assert_eq!(rig.missing(STANDBY, bowline_core::model::Mono(0)), 0);
}

#[test]
fn a_killed_database_answers_nobody_and_its_replica_stops_streaming() {
    let mut rig = rig();
    rig.rds.kill(HOME, rig.now());
    assert_eq!(rig.access(HOME), NOTHING);
    assert!(!rig.describe(STANDBY, "shop-standby").streaming);
    assert!(rig.describe(HOME, "shop-home").available(), "RDS has not noticed");
}

#[test]
fn a_revived_old_writer_is_a_writer_and_its_connections_are_opened_again() {
    let mut rig = rig();
    rig.rds.kill(HOME, rig.now());
    rig.pass(Span::mins(5));
    rig.promote_standby();
    rig.rds.revive(HOME, rig.now());
    assert!(rig.member(HOME).writer);
    assert_eq!(rig.access(HOME), WRITES);
    let events = rig.events(HOME, "shop-home", crate::part::EPOCH);
    assert!(events.iter().any(|event| event.restarted));
}

#[test]
fn a_revived_old_writer_behind_a_closed_door_takes_nothing() {
    let mut rig = rig();
    rig.rds.kill(HOME, rig.now());
    rig.groups(HOME, "shop-home", "sg-closed");
    rig.rds.revive(HOME, rig.now());
    assert_eq!(rig.access(HOME), NOTHING);
}

#[test]
fn a_reboot_of_a_killed_instance_ends_when_it_is_revived() {
    let mut rig = rig();
    rig.rds.kill(HOME, rig.now());
    rig.done(HOME, &RdsOp::Reboot { instance: "shop-home".into(), shut_at: Wall(0) });
    rig.pass(Span::mins(10));
    assert_eq!(&*rig.describe(HOME, "shop-home").status, "rebooting");
    let revived = rig.now();
    rig.rds.revive(HOME, revived);
    assert!(rig.describe(HOME, "shop-home").available());
    assert_eq!(rig.access(HOME), WRITES);
    let events = rig.events(HOME, "shop-home", revived.wall);
    assert_eq!(events.iter().filter(|event| event.restarted).count(), 1);
}

#[test]
fn a_promoted_replica_takes_writes_only_after_its_reboot() {
    let mut rig = rig();
    rig.rds.set_clients(STANDBY, 3, 5, rig.now());
    rig.done(STANDBY, &RdsOp::Promote("shop-standby".into()));
    rig.until("down", |rig| rig.access(STANDBY) == NOTHING);
    rig.until("up again", |rig| rig.access(STANDBY).reads);
    assert_eq!(rig.access(STANDBY), WRITES);
    assert!(rig.describe(STANDBY, "shop-standby").source.is_some(), "before the API says so");
}

#[test]
fn the_connections_metric_shows_when_they_are_gone() {
    let mut rig = rig();
    let metric = || Metric::Connections("shop-home".into());
    assert_eq!(rig.points(HOME, metric()).last(), Some(&10_000));
    rig.rds.set_clients(HOME, 0, 0, rig.now());
    rig.pass(Span::secs(151));
    assert_eq!(rig.points(HOME, metric()).last(), Some(&0));
    rig.rds.kill(HOME, rig.now());
    let before = rig.points(HOME, metric()).len();
    rig.pass(Span::mins(5));
    assert!(rig.points(HOME, metric()).len() < before, "a dead engine makes no points");
}
