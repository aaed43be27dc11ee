//! Calls to AWS: Route 53, ELBv2, RDS, CloudWatch. Shapes follow the services' own.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{
    ChangeId, Claim, HealthCheckId, Host, InstanceArn, InstanceId, LoadBalancerArn, ResourceId,
    SecurityGroupId, Site, Span, TargetGroupArn, Version, Wall, ZoneId,
};

/// Calls to Route 53.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Route53Op {
    /// All record sets of one name (`ListResourceRecordSets` from that name). →
    /// [`super::Answer::Records`]
    Records {
        /// In which zone.
        zone: ZoneId,
        /// Of which name.
        name: Host,
    },
    /// One atomic batch: exact DELETEs first, then CREATEs. → [`super::Answer::Change`];
    /// a DELETE that does not match or a CREATE that exists is [`super::Fault::Conflict`].
    Change {
        /// In which zone.
        zone: ZoneId,
        /// The sets to delete, exactly as they are.
        delete: Vec<RecordSet>,
        /// The sets to create.
        create: Vec<RecordSet>,
    },
    /// `GetChange`. → [`super::Answer::Insync`]
    ChangeStatus(ChangeId),
    /// `GetHealthCheck`. → [`super::Answer::HealthCheck`]
    HealthCheck(HealthCheckId),
    /// `GetHealthCheckStatus`. → [`super::Answer::CheckStatus`]
    CheckStatus(HealthCheckId),
    /// `GetHostedZone`. → [`super::Answer::Zone`]
    Zone(ZoneId),
}

/// Record types that Bowline reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Service binding.
    Https,
    /// Text: the fence record, and external-dns' ownership.
    Txt,
    /// Canonical name.
    Cname,
}

/// A record set's failover role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Failover {
    /// Answers while healthy, and when both are unhealthy.
    Primary,
    /// Answers while the primary is unhealthy and it is healthy or has no check.
    Secondary,
}

/// A resource record set, with every field that an exact DELETE compares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordSet {
    /// The name.
    pub name: Host,
    /// The type.
    pub kind: RecordType,
    /// Tells sets of one name and type apart.
    pub set_identifier: Option<Arc<str>>,
    /// The failover role; absent for simple records.
    pub failover: Option<Failover>,
    /// The health check.
    pub health_check: Option<HealthCheckId>,
    /// Seconds to cache; absent for an alias.
    pub ttl_secs: Option<u32>,
    /// The values; empty for an alias.
    pub values: Vec<Arc<str>>,
    /// The alias target.
    pub alias: Option<AliasTarget>,
}

/// What an alias points at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AliasTarget {
    /// The target's own zone (the load balancer's canonical hosted zone).
    pub zone: ZoneId,
    /// The target's DNS name.
    pub dns_name: Host,
    /// `EvaluateTargetHealth`.
    pub evaluate_target_health: bool,
}

/// A health check's configuration, as far as Bowline must know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// Its id.
    pub id: HealthCheckId,
    /// What it does.
    pub kind: HealthCheckKind,
    /// A disabled check counts as healthy.
    pub disabled: bool,
    /// Healthy and unhealthy exchanged.
    pub inverted: bool,
}

impl HealthCheck {
    /// Whether it is always unhealthy: calculated, threshold above its children, enabled, not
    /// inverted.
    #[must_use]
    pub fn always_closed(&self) -> bool {
        let above = match self.kind {
            HealthCheckKind::Calculated { threshold, children } => threshold > children,
            _ => false,
        };
        above && !self.disabled && !self.inverted
    }
}

/// What a health check does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HealthCheckKind {
    /// Probes an endpoint.
    Endpoint {
        /// How often each checker does.
        interval: Span,
        /// How many in a row must say otherwise before a checker changes its mind.
        threshold: u32,
    },
    /// Healthy when at least `threshold` of its children are.
    Calculated {
        /// How many children must be healthy.
        threshold: u32,
        /// How many children there are.
        children: u32,
    },
    /// Follows a CloudWatch alarm's data stream.
    CloudWatch,
    /// Follows an ARC routing control.
    RoutingControl,
}

/// A hosted zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneInfo {
    /// Its apex.
    pub apex: Host,
    /// Whether it is private.
    pub private: bool,
    /// Its authoritative servers.
    pub name_servers: Vec<Host>,
}

/// Calls to Elastic Load Balancing v2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ElbOp {
    /// Finds a load balancer. → [`super::Answer::LoadBalancer`]
    Find(LoadBalancerSelector),
    /// The target groups whose host rules match. → [`super::Answer::TargetGroups`]
    TargetGroups {
        /// Of which load balancer.
        load_balancer: LoadBalancerArn,
        /// The names that the rules must match; a default rule matches all.
        hosts: Vec<Host>,
    },
    /// `DescribeTargetHealth`. → [`super::Answer::Targets`]
    TargetHealth(TargetGroupArn),
}

/// How a policy says which load balancer it means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoadBalancerSelector {
    /// By ARN.
    Arn(LoadBalancerArn),
    /// By tags that must all be there.
    Tags(BTreeMap<Arc<str>, Arc<str>>),
}

/// A load balancer as found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    /// Its ARN.
    pub arn: LoadBalancerArn,
    /// Its own DNS name.
    pub dns_name: Host,
    /// Its canonical hosted zone.
    pub zone: ZoneId,
}

/// How a target group's targets are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetHealth {
    /// Registered targets; 0 makes the group unhealthy.
    pub total: u32,
    /// Targets in state `healthy`.
    pub healthy: u32,
}

/// Calls to RDS. None takes a token or a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RdsOp {
    /// `DescribeDBInstances` of one. → [`super::Answer::Instance`], or [`super::Fault::NotFound`]
    Describe(InstanceId),
    /// `DescribeEvents` of one since an instant. → [`super::Answer::Events`]
    Events {
        /// Of which instance.
        instance: InstanceId,
        /// Since when.
        since: Wall,
    },
    /// `ModifyDBInstance`: exactly these VPC security groups, applied at once. →
    /// [`super::Answer::Ok`]
    SetSecurityGroups {
        /// Of which instance.
        instance: InstanceId,
        /// The groups it shall have.
        groups: Vec<SecurityGroupId>,
    },
    /// `RebootDBInstance`. → [`super::Answer::Ok`]
    Reboot {
        /// Which instance.
        instance: InstanceId,
        /// When its door was seen shut, by AWS's clock: of its restarts, those that ended later
        /// threw out everybody. RDS is not told.
        shut_at: Wall,
    },
    /// `PromoteReadReplica`: one way. → [`super::Answer::Ok`]; refused for what is no replica and
    /// while it is backing up ([`super::Fault::Invalid`]).
    Promote(InstanceId),
    /// `ModifyDBInstance` with a new identifier, applied at once. → [`super::Answer::Ok`]
    Rename {
        /// Which instance.
        instance: InstanceId,
        /// Its new identifier.
        to: InstanceId,
    },
    /// `ModifyDBInstance`: what a replica cannot be told when it is created, applied at once:
    /// [`InstanceSettings::told_later`]. → [`super::Answer::Ok`]
    Configure {
        /// Which instance.
        instance: InstanceId,
        /// What it shall be set to.
        settings: Box<InstanceSettings>,
    },
    /// `CreateDBInstanceReadReplica` from another Region. → [`super::Answer::Ok`]
    CreateReplica {
        /// The identifier that the replica takes.
        instance: InstanceId,
        /// The source, by the only name that RDS takes across Regions. It was recorded in
        /// peacetime.
        source: InstanceArn,
        /// What it must be told, since cross-Region replicas get defaults.
        settings: Box<InstanceSettings>,
    },
}

impl RdsOp {
    /// Whether it may change an instance.
    #[must_use]
    pub fn mutates(&self) -> bool {
        !matches!(self, Self::Describe(_) | Self::Events { .. })
    }
}

/// What an instance is set to, and a replica that takes its place must be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceSettings {
    /// `Engine`: `mysql`, `postgres`, … It decides what a new replica can be told.
    pub engine: Arc<str>,
    /// `DBInstanceClass`.
    pub class: Arc<str>,
    /// `DBSubnetGroupName`.
    pub subnet_group: Option<Arc<str>>,
    /// `DBParameterGroupName`.
    pub parameter_group: Option<Arc<str>>,
    /// VPC security groups.
    pub security_groups: Vec<SecurityGroupId>,
    /// `KmsKeyId` of the instance's own Region, when it is encrypted.
    pub kms_key: Option<Arc<str>>,
    /// `BackupRetentionPeriod` in days.
    pub backup_retention_days: u32,
    /// `MultiAZ`.
    pub multi_az: bool,
}

impl InstanceSettings {
    /// Whether a cross-Region replica is told its parameter group when it is created. RDS refuses
    /// one for the other engines.
    #[must_use]
    pub fn grouped_at_birth(&self) -> bool {
        ["mysql", "db2", "oracle"].iter().any(|engine| self.engine.starts_with(engine))
    }

    /// Whether `found`, a replica made with these settings, has what RDS takes only afterwards:
    /// days of backups (a new replica has none) and the parameter group.
    #[must_use]
    pub fn told_later(&self, found: &Self) -> bool {
        let group = &self.parameter_group;
        found.backup_retention_days == self.backup_retention_days
            && (group.is_none() || found.parameter_group == *group)
    }
}

/// An RDS instance as described.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// `DBInstanceIdentifier`.
    pub id: InstanceId,
    /// `DBInstanceArn`.
    pub arn: InstanceArn,
    /// `DbiResourceId`.
    pub resource: ResourceId,
    /// `DBInstanceStatus`, as it is: `available`, `modifying`, `rebooting`, `backing-up`, …
    pub status: Arc<str>,
    /// `ReadReplicaSourceDBInstanceIdentifier` (an ARN across Regions: its last part); absent: no
    /// replica.
    pub source: Option<InstanceId>,
    /// Whether `StatusInfos` says `read replication` is normal.
    pub streaming: bool,
    /// Identifiers of its own replicas.
    pub replicas: Vec<InstanceId>,
    /// Settings in force.
    pub settings: Box<InstanceSettings>,
    /// Whether the master password is managed by RDS (`MasterUserSecret`), which rules replicas
    /// out.
    pub managed_password: bool,
    /// When RDS told this at the latest, by AWS's own clock: what its events and metrics say is
    /// dated by that one, and a replica's may be off.
    pub told_at: Wall,
}

impl Instance {
    /// Whether RDS says it is `available`.
    #[must_use]
    pub fn available(&self) -> bool {
        &*self.status == "available"
    }
}

/// An event of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceEvent {
    /// When, by RDS' clock.
    pub at: Wall,
    /// RDS' own words.
    pub message: Arc<str>,
    /// Whether it says that the engine was restarted.
    pub restarted: bool,
}

/// Calls to CloudWatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CloudWatchOp {
    /// `GetMetricData`, one-minute points. → [`super::Answer::Points`]
    Points {
        /// Which metric.
        metric: Metric,
        /// Since when.
        since: Wall,
    },
}

/// Metrics that Bowline reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Metric {
    /// `AWS/RDS ReplicaLag` (maximum), in seconds.
    ReplicaLag(InstanceId),
    /// `AWS/RDS DatabaseConnections` (maximum).
    Connections(InstanceId),
    /// `AWS/ApplicationELB RequestCount` with a 2xx or 3xx answer (sum).
    Served(LoadBalancerArn),
}

/// Calls on the gate object: S3 with conditional writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GateOp {
    /// `GetObject`. → [`super::Answer::Gate`]
    Read {
        /// `s3://bucket/key`.
        object: Arc<str>,
    },
    /// `PutObject` with `If-Match` (or `If-None-Match: *`). → [`super::Answer::Written`], or
    /// [`super::Fault::Conflict`]
    Write {
        /// `s3://bucket/key`.
        object: Arc<str>,
        /// The version (ETag) that was read; `None` to create it.
        version: Option<Version>,
        /// Which site's gate is open.
        open: Site,
        /// Whose word it is.
        claim: Claim,
    },
}

/// The gate object as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateView {
    /// Its ETag.
    pub version: Version,
    /// Which site's gate is open.
    pub open: Site,
    /// Whose word it is; absent before the first run.
    pub claim: Option<Claim>,
}
