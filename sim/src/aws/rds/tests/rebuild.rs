//! Making a replica anew under an identifier that was freed.

use bowline_core::model::{InstanceArn, Mono, Span};
use bowline_core::op::{Fault, InstanceSettings, RdsOp};

use super::rig::*;
use crate::aws::rds::instance::Db;
use crate::aws::rds::{Access, Engine};

type Arrange = fn(&mut Db);

/// Standby was promoted; home's old instance is shut.
fn failed_over() -> Rig {
    let mut rig = Rig::new(Engine::MySql, 4);
    rig.groups(HOME, "shop-home", "sg-closed");
    rig.rds.set_clients(HOME, 0, 0, rig.now());
    rig.pass(Span::mins(1));
    rig.promote_standby();
    rig.rds.set_clients(STANDBY, 10, 50, rig.now());
    rig
}

fn arn(id: &str) -> InstanceArn {
    InstanceArn::of("aws", &region(STANDBY), "111111111111", &id.into())
}

fn replica(id: &str, settings: InstanceSettings) -> RdsOp {
    RdsOp::CreateReplica {
        instance: id.into(),
        source: arn("shop-standby"),
        settings: Box::new(settings),
    }
}

fn refused(rig: &mut Rig, op: &RdsOp) -> Fault {
    rig.call(HOME, op).unwrap_err()
}

#[test]
fn a_renamed_instances_identifier_is_taken_by_its_replacement() {
    let mut rig = failed_over();
    let old = rig.describe(HOME, "shop-home").resource;
    let anew = replica("shop-home", settings("sg-open", 7));
    assert!(matches!(refused(&mut rig, &anew), Fault::Conflict(_)), "still taken");
    rig.done(HOME, &RdsOp::Rename { instance: "shop-home".into(), to: "shop-home-old".into() });
    rig.until("renamed", |rig| rig.call(HOME, &RdsOp::Describe("shop-home".into())).is_err());
    rig.done(HOME, &anew);
    assert_eq!(&*rig.describe(HOME, "shop-home").status, "creating");
    let taken = rig.until("available", |rig| rig.describe(HOME, "shop-home").available());
    assert!((Span::mins(10)..=Span::mins(31)).contains(&taken), "{taken}");
    let found = rig.describe(HOME, "shop-home");
    assert!(found.streaming && found.source == Some("shop-standby".into()));
    assert_ne!(found.resource, old);
    rig.pass(Span::mins(5));
    assert!(rig.missing(HOME, Mono(0)) <= 1_000, "caught up but for its lag");
    rig.rds.set_clients(HOME, 4, 0, rig.now());
    assert_eq!(rig.access(HOME), READS, "the site's application finds it by the old name");
}

#[test]
fn a_replica_is_refused_for_what_rules_it_out() {
    let mut rig = failed_over();
    let mut other = settings("sg-open", 7);
    other.kms_key = Some("key".into());
    let unknown = RdsOp::CreateReplica {
        instance: "new".into(),
        source: arn("nobody"),
        settings: Box::new(other),
    };
    assert!(matches!(refused(&mut rig, &unknown), Fault::NotFound(_)));
    let new = replica("new", settings("sg-open", 0));
    let arrange: [(&str, Arrange); 5] = [
        ("no backups", |db| db.settings.backup_retention_days = 0),
        ("managed password", |db| db.managed_password = true),
        ("not available", |db| db.status = "modifying"),
        ("encrypted without a key here", |db| db.settings.kms_key = Some("k".into())),
        ("a replica of a replica", |db| db.named_source = Some(0)),
    ];
    for (what, arrange) in arrange {
        let mut rig = failed_over();
        arrange(rig.rds.db_mut(STANDBY).unwrap());
        let fault = refused(&mut rig, &new);
        assert!(matches!(fault, Fault::Invalid(_)), "{what}: {fault}");
    }
    rig.done(HOME, &new);
}

#[test]
fn a_new_replica_gets_the_settings_it_was_told_and_backups_only_afterwards() {
    let mut rig = failed_over();
    let told = settings("sg-special", 3);
    rig.done(HOME, &replica("new", told.clone()));
    let born = rig.describe(HOME, "new").settings;
    assert_eq!((&born.security_groups, born.backup_retention_days), (&told.security_groups, 0));
    assert!(!told.told_later(&born));
    let configure = RdsOp::Configure { instance: "new".into(), settings: Box::new(told.clone()) };
    assert!(matches!(refused(&mut rig, &configure), Fault::Invalid(_)), "still being created");
    rig.until("available", |rig| rig.describe(HOME, "new").available());
    rig.done(HOME, &configure);
    assert_eq!(*rig.describe(HOME, "new").settings, told);
}

#[test]
fn a_whole_round_trip_ends_with_every_later_write_at_home() {
    let mut rig = failed_over();
    let first_failover = rig.now;
    rig.done(HOME, &RdsOp::Rename { instance: "shop-home".into(), to: "shop-home-old".into() });
    rig.until("renamed", |rig| rig.call(HOME, &RdsOp::Describe("shop-home".into())).is_err());
    rig.done(HOME, &replica("shop-home", settings("sg-open", 7)));
    rig.until("streams", |rig| rig.describe(HOME, "shop-home").streaming);
    rig.pass(Span::mins(10));
    rig.groups(STANDBY, "shop-standby", "sg-closed");
    rig.rds.set_clients(STANDBY, 0, 0, rig.now());
    rig.pass(Span::mins(1));
    rig.done(HOME, &RdsOp::Promote("shop-home".into()));
    rig.until("promoted", |rig| rig.describe(HOME, "shop-home").source.is_none());
    rig.rds.set_clients(HOME, 10, 50, rig.now());
    rig.pass(Span::mins(1));
    assert_eq!(rig.missing(HOME, first_failover), 0);
    assert_eq!(rig.access(HOME), Access { reads: true, writes: true });
    let promoted: Vec<_> =
        rig.rds.members(rig.now()).map(|m| (m.id.to_string(), m.promotions)).collect();
    let wanted = [("shop-home-old", 0), ("shop-standby", 1), ("shop-home", 1)];
    assert_eq!(promoted, wanted.map(|(id, n)| (id.to_owned(), n)));
}

#[test]
fn a_replica_of_a_dead_source_is_made_but_does_not_stream() {
    let mut rig = failed_over();
    rig.done(HOME, &replica("new", settings("sg-open", 0)));
    rig.rds.kill(STANDBY, rig.now());
    rig.until("available", |rig| rig.describe(HOME, "new").available());
    assert!(!rig.describe(HOME, "new").streaming);
    rig.rds.revive(STANDBY, rig.now());
    assert!(rig.describe(HOME, "new").streaming);
}
