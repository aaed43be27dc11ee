//! What each call is accepted or refused for, and how it shows.

use bowline_core::model::{Span, Wall};
use bowline_core::op::{Fault, RdsOp};

use super::rig::*;
use crate::aws::rds::Engine;

fn rig() -> Rig {
    Rig::new(Engine::MySql, 1)
}

fn promote() -> RdsOp {
    RdsOp::Promote("shop-standby".into())
}

#[test]
fn what_does_not_exist_is_not_found() {
    let mut rig = rig();
    for (door, id) in [(HOME, "nobody"), (STANDBY, "shop-home")] {
        let result = rig.call(door, &RdsOp::Describe(id.into()));
        assert!(matches!(result, Err(Fault::NotFound(_))), "{id}: {result:?}");
    }
}

#[test]
fn a_pair_shows_who_replicates_whom() {
    let mut rig = rig();
    let (home, standby) = (rig.describe(HOME, "shop-home"), rig.describe(STANDBY, "shop-standby"));
    assert_eq!((home.source, home.streaming), (None, false));
    assert_eq!(home.replicas, ["shop-standby".into()]);
    assert_eq!((standby.source, standby.streaming), (Some("shop-home".into()), true));
    assert_ne!(home.resource, standby.resource);
}

#[test]
fn a_writer_cannot_be_promoted() {
    let mut rig = rig();
    let result = rig.call(HOME, &RdsOp::Promote("shop-home".into()));
    assert!(matches!(result, Err(Fault::Invalid(_))), "{result:?}");
}

#[test]
fn a_promotion_is_refused_while_backing_up() {
    let mut rig = rig();
    rig.rds.schedule_backup(STANDBY, Span::secs(5), Span::mins(3), rig.now());
    rig.pass(Span::secs(5));
    assert_eq!(&*rig.describe(STANDBY, "shop-standby").status, "backing-up");
    assert!(matches!(rig.call(STANDBY, &promote()), Err(Fault::Invalid(_))));
    rig.pass(Span::mins(3));
    rig.promote_standby();
}

#[test]
fn a_backup_waits_until_the_instance_is_available() {
    let mut rig = rig();
    rig.done(STANDBY, &promote());
    rig.rds.schedule_backup(STANDBY, Span::secs(1), Span::mins(3), rig.now());
    rig.pass(Span::secs(2));
    assert_eq!(&*rig.describe(STANDBY, "shop-standby").status, "available");
    rig.until("promoted", |rig| rig.describe(STANDBY, "shop-standby").source.is_none());
    rig.until("backs up", |rig| &*rig.describe(STANDBY, "shop-standby").status == "backing-up");
}

#[test]
fn after_a_promotion_was_accepted_the_status_stays_available_for_a_while() {
    for seed in 0..20 {
        let mut rig = Rig::new(Engine::MySql, seed);
        rig.done(STANDBY, &promote());
        rig.pass(Span::secs(4));
        let found = rig.describe(STANDBY, "shop-standby");
        assert!(found.available() && found.source.is_some(), "{found:?}");
    }
}

#[test]
fn the_source_is_named_until_the_very_end_of_a_promotion() {
    let mut rig = rig();
    rig.done(STANDBY, &promote());
    let (mut seen, begun) = (Vec::new(), rig.now);
    rig.until("no source", |rig| rig.describe(STANDBY, "shop-standby").source.is_none());
    let taken = rig.now.since(begun);
    let mut again = Rig::new(Engine::MySql, 1);
    again.done(STANDBY, &promote());
    for _ in 0..taken.as_secs() {
        let status = again.describe(STANDBY, "shop-standby").status;
        if seen.last() != Some(&status) {
            seen.push(status);
        }
        again.pass(Span::secs(1));
    }
    let seen: Vec<&str> = seen.iter().map(AsRef::as_ref).collect();
    assert_eq!(seen, ["available", "modifying", "rebooting", "available"]);
}

#[test]
fn a_second_promotion_is_refused_and_has_no_effect() {
    let mut rig = rig();
    rig.done(STANDBY, &promote());
    for after in [0, 3, 60, 600] {
        rig.pass(Span::secs(after));
        let result = rig.call(STANDBY, &promote());
        assert!(matches!(result, Err(Fault::Invalid(_))), "after {after} s: {result:?}");
    }
    assert_eq!(rig.member(STANDBY).promotions, 1);
}

#[test]
fn a_change_of_groups_shows_as_modifying_for_a_few_seconds() {
    let mut rig = rig();
    let groups = vec!["sg-closed".into()];
    rig.done(HOME, &RdsOp::SetSecurityGroups { instance: "shop-home".into(), groups });
    assert_eq!(rig.describe(HOME, "shop-home").settings.security_groups, ["sg-open".into()]);
    rig.until("modifying", |rig| &*rig.describe(HOME, "shop-home").status == "modifying");
    let taken = rig.until("available", |rig| rig.describe(HOME, "shop-home").available());
    assert!(taken < Span::secs(20), "{taken}");
    assert_eq!(rig.describe(HOME, "shop-home").settings.security_groups, ["sg-closed".into()]);
}

#[test]
fn groups_can_be_changed_beside_a_backup_and_it_goes_on() {
    let mut rig = rig();
    rig.rds.schedule_backup(HOME, Span::ZERO, Span::mins(3), rig.now());
    rig.pass(Span::secs(1));
    let groups = vec!["sg-closed".into()];
    rig.done(HOME, &RdsOp::SetSecurityGroups { instance: "shop-home".into(), groups });
    rig.pass(Span::secs(10));
    let found = rig.describe(HOME, "shop-home");
    assert_eq!(&*found.status, "backing-up");
    assert_eq!(found.settings.security_groups, ["sg-closed".into()]);
}

#[test]
fn a_busy_instance_refuses_what_changes_it() {
    let mut rig = rig();
    rig.done(HOME, &RdsOp::Reboot { instance: "shop-home".into(), shut_at: Wall(0) });
    let groups = vec!["sg-closed".into()];
    for op in [
        RdsOp::Reboot { instance: "shop-home".into(), shut_at: Wall(0) },
        RdsOp::SetSecurityGroups { instance: "shop-home".into(), groups },
        RdsOp::Rename { instance: "shop-home".into(), to: "old".into() },
    ] {
        let result = rig.call(HOME, &op);
        assert!(matches!(result, Err(Fault::Invalid(_))), "{op:?}: {result:?}");
    }
}

#[test]
fn a_reboot_tells_of_itself_after_it_was_asked_for() {
    let mut rig = rig();
    let asked = rig.now();
    rig.reboot(HOME, "shop-home");
    let events = rig.events(HOME, "shop-home", asked.wall);
    let restarts: Vec<_> = events.iter().filter(|event| event.restarted).collect();
    assert_eq!(restarts.len(), 1);
    assert!(restarts[0].at > asked.wall);
    let later = rig.now().wall;
    assert!(rig.events(HOME, "shop-home", later).is_empty(), "since is kept to");
}

#[test]
fn a_rename_keeps_the_resource_and_frees_the_identifier() {
    let mut rig = rig();
    let before = rig.describe(HOME, "shop-home").resource;
    let rename = RdsOp::Rename { instance: "shop-home".into(), to: "shop-home-old".into() };
    rig.done(HOME, &rename);
    rig.pass(Span::secs(10));
    assert_eq!(&*rig.describe(HOME, "shop-home").status, "renaming");
    rig.until("renamed", |rig| rig.call(HOME, &RdsOp::Describe("shop-home-old".into())).is_ok());
    assert_eq!(rig.describe(HOME, "shop-home-old").resource, before);
    let gone = rig.call(HOME, &RdsOp::Describe("shop-home".into()));
    assert!(matches!(gone, Err(Fault::NotFound(_))));
    let named = rig.describe(STANDBY, "shop-standby").source;
    assert_eq!(named, Some("shop-home-old".into()), "its replica names it anew");
}

#[test]
fn an_identifier_that_is_taken_or_about_to_be_is_refused() {
    let mut rig = rig();
    let rename = |to: &str| RdsOp::Rename { instance: "shop-home".into(), to: to.into() };
    assert!(matches!(rig.call(HOME, &rename("shop-home")), Err(Fault::Conflict(_))));
    rig.done(HOME, &rename("next"));
    assert!(matches!(rig.call(HOME, &rename("next")), Err(Fault::Conflict(_))));
}

#[test]
fn kin_names_source_and_replicas_with_their_regions() {
    let rig = Rig::new(Engine::MySql, 4);
    let (home, standby) =
        ((region(HOME), "shop-home".into()), (region(STANDBY), "shop-standby".into()));
    let of_standby = rig.rds.kin(&standby.0, &standby.1);
    assert_eq!((of_standby.source, of_standby.replicas), (Some(home.clone()), vec![]));
    let of_home = rig.rds.kin(&home.0, &home.1);
    assert_eq!((of_home.source, of_home.replicas), (None, vec![standby]));
}
