//! Calls to RDS: each [`RdsOp`] is one request, but that a long list of events is read page by
//! page.
//!
//! RDS takes no token and no condition: who calls has looked before, and looks afterwards.

use aws_sdk_rds::Client;
use aws_sdk_rds::error::SdkError;
use aws_sdk_rds::operation::create_db_instance_read_replica::builders;
use aws_sdk_rds::types::{DbInstance, Event, SourceType};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use bowline_core::model::{InstanceArn, InstanceId, SecurityGroupId, Span, Wall};
use bowline_core::op::{Answer, Fault, Instance, InstanceEvent, InstanceSettings, RdsOp};

use super::fault::{fault, lost};
use super::instant::{from_wall, now, to_wall};
use super::server_clock::ServerClock;

/// The request for a new replica.
type NewReplica = builders::CreateDBInstanceReadReplicaFluentBuilder;

/// RDS keeps events for 14 days and refuses an earlier start; a minute is for the clocks.
const KEPT: Span = Span::mins(14 * 24 * 60 - 1);

/// How far AWS's clock may be ahead of ours.
const AHEAD: Span = Span::mins(15);

/// Events of one page: the most that RDS gives.
const PAGE: i32 = 100;

/// The most pages that are read for one answer.
const PAGES: usize = 10;

/// What RDS says when the engine was restarted (RDS-EVENT-0006); the answer has no event's number.
/// A shutdown, a failed restart or a failover that began is not yet one.
const RESTARTED: &str = "DB instance restarted";

/// Makes one call.
///
/// # Errors
/// What RDS or the way to it said.
pub(super) async fn perform(client: &Client, op: &RdsOp) -> Result<Answer, Fault> {
    match op {
        RdsOp::Describe(id) => describe(client, id).await.map(Answer::Instance),
        RdsOp::Events { instance, since } => {
            events(client, instance, *since).await.map(Answer::Events)
        }
        change => perform_change(client, change).await.map(|()| Answer::Ok),
    }
}

async fn perform_change(client: &Client, op: &RdsOp) -> Result<(), Fault> {
    match op {
        RdsOp::SetSecurityGroups { instance, groups } => {
            let call = client.modify_db_instance().db_instance_identifier(instance.as_str());
            let call = call.set_vpc_security_group_ids(Some(names(groups)?));
            call.apply_immediately(true).send().await.map(drop).map_err(unchanged)
        }
        RdsOp::Reboot { instance, .. } => {
            let call = client.reboot_db_instance().db_instance_identifier(instance.as_str());
            call.send().await.map(drop).map_err(unchanged)
        }
        RdsOp::Promote(id) => {
            let call = client.promote_read_replica().db_instance_identifier(id.as_str());
            call.send().await.map(drop).map_err(unchanged)
        }
        RdsOp::Rename { instance, to } => {
            let call = client.modify_db_instance().db_instance_identifier(instance.as_str());
            let call = call.new_db_instance_identifier(to.as_str());
            call.apply_immediately(true).send().await.map(drop).map_err(unchanged)
        }
        RdsOp::Configure { instance, settings } => {
            let days = i32::try_from(settings.backup_retention_days).unwrap_or(i32::MAX);
            let call = client.modify_db_instance().db_instance_identifier(instance.as_str());
            let call = call.set_db_parameter_group_name(text(settings.parameter_group.as_deref()));
            let call = call.backup_retention_period(days).apply_immediately(true);
            call.send().await.map(drop).map_err(unchanged)
        }
        RdsOp::CreateReplica { instance, source, settings } => {
            let call = new_replica(client, instance, source, settings)?;
            call.send().await.map(drop).map_err(unchanged)
        }
        RdsOp::Describe(_) | RdsOp::Events { .. } => Ok(()),
    }
}

/// The fault of a change.
fn unchanged<E>(error: SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fault(error, true)
}

/// RDS takes an empty list for "leave them as they are".
fn names(groups: &[SecurityGroupId]) -> Result<Vec<String>, Fault> {
    if groups.is_empty() {
        return Err(Fault::Invalid("no security group named: RDS would change nothing".into()));
    }
    Ok(groups.iter().map(ToString::to_string).collect())
}

/// A replica of a source in another Region, told what it would not inherit.
fn new_replica(
    client: &Client,
    instance: &InstanceId,
    source: &InstanceArn,
    settings: &InstanceSettings,
) -> Result<NewReplica, Fault> {
    if source.region().is_none() {
        let words = format!("{source} is no instance's ARN; run `bowline arm` again");
        return Err(Fault::Invalid(words));
    }
    if source.as_str().starts_with("arn:aws-cn:") || source.as_str().starts_with("arn:aws-us-gov:")
    {
        let words = "there RDS wants a presigned URL of the source's Region for a replica, \
                     which Bowline does not make: create it by hand";
        return Err(Fault::Invalid(format!("{source}: {words}")));
    }
    let parameters = settings.parameter_group.as_deref().filter(|_| settings.grouped_at_birth());
    let call = client
        .create_db_instance_read_replica()
        .db_instance_identifier(instance.as_str())
        .source_db_instance_identifier(source.as_str())
        .db_instance_class(&*settings.class)
        .set_db_subnet_group_name(text(settings.subnet_group.as_deref()))
        .set_db_parameter_group_name(text(parameters))
        .set_kms_key_id(text(settings.kms_key.as_deref()))
        .multi_az(settings.multi_az);
    Ok(call.set_vpc_security_group_ids(Some(names(&settings.security_groups)?)))
}

fn text(value: Option<&str>) -> Option<String> {
    value.map(str::to_owned)
}

async fn describe(client: &Client, id: &InstanceId) -> Result<Instance, Fault> {
    let call = client.describe_db_instances().db_instance_identifier(id.as_str());
    let clock = ServerClock::default();
    let call = call.customize().interceptor(clock.clone());
    let answer = call.send().await.map_err(|e| fault(e, false))?;
    let told_at = clock.told_by().ok_or_else(|| lost("RDS said no date".into(), false))?;
    let ours = |found: &&DbInstance| {
        let name = found.db_instance_identifier().unwrap_or_default();
        name.eq_ignore_ascii_case(id.as_str())
    };
    match answer.db_instances().iter().find(ours) {
        Some(found) => instance(id, found, told_at)
            .ok_or_else(|| lost(format!("RDS said only part of what {id} is"), false)),
        None => Err(Fault::NotFound(format!("DBInstanceNotFound: {id}"))),
    }
}

/// The instance as described; `None` when what identifies it is missing.
fn instance(id: &InstanceId, found: &DbInstance, told_at: Wall) -> Option<Instance> {
    let replicas = found.read_replica_db_instance_identifiers().iter();
    Some(Instance {
        id: id.clone(),
        arn: InstanceArn::new(found.db_instance_arn()?),
        resource: found.dbi_resource_id()?.into(),
        status: found.db_instance_status()?.into(),
        source: source(found).map(identifier),
        streaming: streaming(found),
        replicas: replicas.map(|replica| identifier(replica)).collect(),
        settings: Box::new(settings(found)?),
        managed_password: found.master_user_secret().is_some(),
        told_at,
    })
}

/// A replica of a Multi-AZ cluster is a replica, too.
fn source(found: &DbInstance) -> Option<&str> {
    let cluster = found.read_replica_source_db_cluster_identifier();
    let source = found.read_replica_source_db_instance_identifier().or(cluster);
    source.filter(|source| !source.is_empty())
}

/// The identifier in an ARN, which is how RDS names what is in another Region.
fn identifier(name: &str) -> InstanceId {
    name.rsplit(':').next().unwrap_or(name).into()
}

fn streaming(found: &DbInstance) -> bool {
    found.status_infos().iter().any(|info| {
        info.status_type() == Some("read replication")
            && info.normal() == Some(true)
            && info.status() == Some("replicating")
    })
}

fn settings(found: &DbInstance) -> Option<InstanceSettings> {
    let subnets = found.db_subnet_group().and_then(|group| group.db_subnet_group_name());
    let parameters = found.db_parameter_groups().first();
    let days = found.backup_retention_period().and_then(|days| u32::try_from(days).ok());
    Some(InstanceSettings {
        engine: found.engine()?.into(),
        class: found.db_instance_class()?.into(),
        subnet_group: subnets.map(Into::into),
        parameter_group: parameters
            .and_then(|group| group.db_parameter_group_name())
            .map(Into::into),
        security_groups: security_groups(found),
        kms_key: found.kms_key_id().map(Into::into),
        backup_retention_days: days.unwrap_or_default(),
        multi_az: found.multi_az().unwrap_or_default(),
    })
}

/// The security groups that let somebody in now: one that is being removed still does, one that is
/// being added does not yet. Sorted: RDS keeps no order.
fn security_groups(found: &DbInstance) -> Vec<SecurityGroupId> {
    let groups = found.vpc_security_groups().iter();
    let groups = groups.filter(|group| group.status() != Some("adding"));
    let mut groups: Vec<SecurityGroupId> =
        groups.filter_map(|group| group.vpc_security_group_id()).map(Into::into).collect();
    groups.sort();
    groups.dedup();
    groups
}

async fn events(
    client: &Client,
    instance: &InstanceId,
    since: Wall,
) -> Result<Vec<InstanceEvent>, Fault> {
    let now = now();
    let start = since.max(now - KEPT);
    // Without an end RDS may take the start for that of the usual hour. By its clock it may be
    // later than here.
    let end = now.max(start) + AHEAD;
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES {
        let call = client
            .describe_events()
            .source_identifier(instance.as_str())
            .source_type(SourceType::DbInstance)
            .start_time(from_wall(start))
            .end_time(from_wall(end))
            .max_records(PAGE)
            .set_marker(marker);
        let page = call.send().await.map_err(|e| fault(e, false))?;
        found.extend(page.events().iter().filter_map(event));
        marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
        if marker.is_none() {
            found.sort_by_key(|event| event.at);
            return Ok(found);
        }
    }
    let most = PAGES * usize::try_from(PAGE).unwrap_or_default();
    Err(Fault::Invalid(format!("{instance} has more than {most} events since {start}")))
}

fn event(event: &Event) -> Option<InstanceEvent> {
    let message = event.message()?;
    let beginning = message.trim_start().get(..RESTARTED.len());
    Some(InstanceEvent {
        at: to_wall(event.date()?)?,
        restarted: beginning.is_some_and(|words| words.eq_ignore_ascii_case(RESTARTED)),
        message: message.into(),
    })
}

#[cfg(test)]
#[path = "rds_tests.rs"]
mod tests;
