//! Every call to RDS that Bowline makes, and what the simulator's RDS is known for.

use std::time::SystemTime;

use aws_sdk_rds::error::SdkError;
use aws_sdk_rds::primitives::DateTime;
use aws_sdk_rds::types::{DbInstance, SourceType};
use http::Method;
use serde_json::{Value, json};

use crate::lab::*;

const SOURCE: &str = "arn:aws:rds:eu-west-1:111111111111:db:shop-home";

fn groups(found: &DbInstance) -> Vec<&str> {
    found.vpc_security_groups().iter().filter_map(|group| group.vpc_security_group_id()).collect()
}

fn available(found: &DbInstance) -> bool {
    found.db_instance_status() == Some("available")
}

fn promoted(found: &DbInstance) -> bool {
    available(found) && found.read_replica_source_db_instance_identifier().is_none()
}

/// The promotions that took effect.
async fn promotions(lab: &Lab) -> usize {
    let log = lab.data(Method::GET, "/log", json!(null)).await;
    let took = |call: &&Value| call["op"] == "PromoteReadReplica" && call["effect"] == true;
    log.as_array().unwrap().iter().filter(took).count()
}

#[tokio::test]
async fn instances_are_described_with_their_settings_and_kin_by_arn() {
    let lab = Lab::start();
    let home = describe(&lab.rds(HOME), HOME.1).await;
    assert!(available(&home) && home.dbi_resource_id().is_some());
    assert_eq!(home.db_instance_arn(), Some(SOURCE));
    assert_eq!(groups(&home), [OPEN]);
    assert_eq!(home.backup_retention_period(), Some(7));
    assert_eq!(home.db_subnet_group().unwrap().db_subnet_group_name(), Some("shop"));
    let standby_arn = "arn:aws:rds:eu-central-1:111111111111:db:shop-standby";
    assert_eq!(home.read_replica_db_instance_identifiers(), [standby_arn]);

    let client = lab.rds(STANDBY);
    let standby = describe(&client, STANDBY.1).await;
    assert_eq!(standby.read_replica_source_db_instance_identifier(), Some(SOURCE));
    let info = &standby.status_infos()[0];
    assert_eq!((info.status_type(), info.normal()), (Some("read replication"), Some(true)));
    let nobody = client.describe_db_instances().db_instance_identifier("nobody").send().await;
    assert_eq!(code(nobody), "DBInstanceNotFound");
}

#[tokio::test]
async fn a_fence_is_a_closed_group_a_reboot_and_an_event_that_tells_of_it() {
    let lab = Lab::start();
    let client = lab.rds(HOME);
    lab.connect(HOME, 5);
    lab.established(HOME.1, 5).await;
    let begun = DateTime::from(SystemTime::now());
    let closing = client.modify_db_instance().db_instance_identifier(HOME.1);
    closing.vpc_security_group_ids(CLOSED).apply_immediately(true).send().await.unwrap();
    until(&client, HOME.1, |found| available(found) && groups(found) == [CLOSED]).await;
    // Tracked connections go on.
    lab.established(HOME.1, 5).await;
    let (status, _) = lab.database(HOME, "write", json!({"id": "tracked"})).await;
    assert_eq!(status, 200);

    let rebooted = client.reboot_db_instance().db_instance_identifier(HOME.1).send().await.unwrap();
    assert_eq!(rebooted.db_instance().unwrap().db_instance_status(), Some("rebooting"));
    until(&client, HOME.1, available).await;
    let events = client.describe_events().source_identifier(HOME.1);
    let events = events.source_type(SourceType::DbInstance).start_time(begun).send().await.unwrap();
    let told: Vec<_> = events.events().iter().filter_map(|event| event.message()).collect();
    assert!(told.contains(&"DB instance restarted"), "{told:?}");
    assert!(events.events().iter().all(|event| *event.date().unwrap() >= begun));
    lab.established(HOME.1, 0).await;
    let (status, _) = lab.database(HOME, "write", json!({"id": "fenced"})).await;
    assert_eq!(status, 503);
}

#[tokio::test]
async fn a_promotion_is_available_before_its_source_goes_and_refused_the_second_time() {
    let lab = Lab::start();
    let client = lab.rds(STANDBY);
    let promote = || client.promote_read_replica().db_instance_identifier(STANDBY.1).send();
    let answered = promote().await.unwrap();
    let at_once = answered.db_instance().unwrap();
    assert!(available(at_once) && !promoted(at_once), "the first `available` is not done");
    until(&client, STANDBY.1, |found| found.db_instance_status() == Some("rebooting")).await;
    until(&client, STANDBY.1, |found| available(found) && !promoted(found)).await;
    until(&client, STANDBY.1, promoted).await;
    assert_eq!(code(promote().await), "InvalidDBInstanceState");
    assert_eq!(promotions(&lab).await, 1);
}

#[tokio::test]
async fn a_promotion_is_refused_while_the_replica_backs_up() {
    let lab = Lab::start();
    let client = lab.rds(STANDBY);
    let backup = json!({"site": "standby", "takes": "2s"});
    lab.data(Method::POST, "/backup", backup).await;
    assert_eq!(describe(&client, STANDBY.1).await.db_instance_status(), Some("backing-up"));
    let refused = client.promote_read_replica().db_instance_identifier(STANDBY.1).send().await;
    assert_eq!(code(refused), "InvalidDBInstanceState");
    until(&client, STANDBY.1, available).await;
    client.promote_read_replica().db_instance_identifier(STANDBY.1).send().await.unwrap();
}

#[tokio::test]
async fn a_call_can_take_effect_and_time_out_or_lose_its_connection() {
    let lab = Lab::start();
    let client = lab.rds(STANDBY);
    let fault = json!({"op": "PromoteReadReplica", "manner": "timeOutAfterEffect"});
    lab.data(Method::POST, "/faults", fault).await;
    let lost = client.promote_read_replica().db_instance_identifier(STANDBY.1).send().await;
    assert!(matches!(lost, Err(SdkError::TimeoutError(_))), "{lost:?}");
    until(&client, STANDBY.1, promoted).await;
    assert_eq!(promotions(&lab).await, 1);

    let fault = json!({"op": "RebootDBInstance", "manner": "closeAfterEffect"});
    lab.data(Method::POST, "/faults", fault).await;
    let lost = client.reboot_db_instance().db_instance_identifier(STANDBY.1).send().await;
    assert!(!matches!(lost, Ok(_) | Err(SdkError::ServiceError(_))), "{lost:?}");
    assert_eq!(describe(&client, STANDBY.1).await.db_instance_status(), Some("rebooting"));

    let fault = json!({"op": "RebootDBInstance", "manner": "throttle"});
    lab.data(Method::POST, "/faults", fault).await;
    let refused = client.reboot_db_instance().db_instance_identifier(STANDBY.1).send().await;
    assert_eq!(code(refused), "Throttling");
}

#[tokio::test]
async fn an_old_writer_is_renamed_and_a_replica_takes_its_identifier() {
    let lab = Lab::start();
    let (home, standby) = (lab.rds(HOME), lab.rds(STANDBY));
    standby.promote_read_replica().db_instance_identifier(STANDBY.1).send().await.unwrap();
    until(&standby, STANDBY.1, promoted).await;
    let old = describe(&home, HOME.1).await;
    let rename = home.modify_db_instance().db_instance_identifier(HOME.1);
    let rename = rename.new_db_instance_identifier("shop-home-old").apply_immediately(true);
    rename.send().await.unwrap();
    let create = || {
        let create = home.create_db_instance_read_replica().db_instance_identifier(HOME.1);
        let source = "arn:aws:rds:eu-central-1:111111111111:db:shop-standby";
        create
            .source_db_instance_identifier(source)
            .db_instance_class("db.r6g.large")
            .db_subnet_group_name("shop")
            .vpc_security_group_ids(OPEN)
            .send()
    };
    assert_eq!(code(create().await), "DBInstanceAlreadyExists");
    let renamed = || home.describe_db_instances().db_instance_identifier("shop-home-old").send();
    let end = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while renamed().await.is_err() {
        assert!(tokio::time::Instant::now() < end, "never renamed");
    }
    let moved = describe(&home, "shop-home-old").await;
    assert_eq!(moved.dbi_resource_id(), old.dbi_resource_id());

    create().await.unwrap();
    let new = until(&home, HOME.1, |found| {
        available(found) && found.status_infos().iter().any(|info| info.normal() == Some(true))
    })
    .await;
    assert_ne!(new.dbi_resource_id(), old.dbi_resource_id());
    assert_eq!(new.backup_retention_period(), Some(0), "RDS cannot be told when it is made");
    home.promote_read_replica().db_instance_identifier(HOME.1).send().await.unwrap();
    let new = until(&home, HOME.1, promoted).await;
    assert_eq!(new.backup_retention_period(), Some(1), "a promotion turns backups on");
}
