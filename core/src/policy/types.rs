//! A checked policy, as the rest of the core reads it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::model::{
    Cluster, GroupName, HealthCheckId, Host, InstanceId, JobRef, LoadBalancerName, ObjectName,
    RoleArn, Scope, SecurityGroupId, Site, Span, WorkloadRef, ZoneId,
};
use crate::op::{LoadBalancerSelector, Quantities};

/// A group's checked policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// `metadata.name`.
    pub group: GroupName,
    /// `metadata.namespace`.
    pub namespace: ObjectName,
    /// The home site.
    pub home: SitePolicy,
    /// The standby site.
    pub standby: SitePolicy,
    /// What moves traffic.
    pub lever: Lever,
    /// The database, if the group has one.
    pub database: Option<Database>,
    /// What must run at the active site.
    pub capacity: Capacity,
    /// How health is judged.
    pub health: HealthPolicy,
    /// What may be done without a human.
    pub automation: Automation,
    /// Who is told.
    pub notify: Vec<Notify>,
    /// How success is seen from outside.
    pub verify: Verify,
    /// How long a run watches after the traffic moved, before the other side is rebuilt.
    pub cool_down: Span,
}

impl Policy {
    /// The site's part.
    #[must_use]
    pub fn site(&self, site: Site) -> &SitePolicy {
        match site {
            Site::Home => &self.home,
            Site::Standby => &self.standby,
        }
    }
}

/// One site of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct SitePolicy {
    /// Region and role for its AWS APIs.
    pub scope: Scope,
    /// Load balancers by the policy's own names.
    pub load_balancers: BTreeMap<LoadBalancerName, LoadBalancerSelector>,
    /// Its cluster.
    pub cluster: Cluster,
    /// Its database member; present exactly when the group has a database.
    pub database: Option<SiteDatabase>,
}

/// A site's database member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteDatabase {
    /// The RDS instance's identifier, kept through rebuilds.
    pub instance: InstanceId,
    /// The security group that admits replication and nobody else.
    pub closed_security_group: SecurityGroupId,
}

/// What moves traffic.
#[derive(Clone, Debug, PartialEq)]
pub enum Lever {
    /// Failover records exchanged in one atomic batch per zone.
    Records(RecordsLever),
    /// One bit that drives two pre-created health checks.
    Gates(GatesLever),
}

impl Lever {
    /// The role of the account that holds the zones (never a site's).
    #[must_use]
    pub fn role(&self) -> Option<&RoleArn> {
        match self {
            Self::Records(lever) => lever.role.as_ref(),
            Self::Gates(lever) => lever.role.as_ref(),
        }
    }
}

/// The `records` lever.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordsLever {
    /// The role of the account that holds the zones.
    pub role: Option<RoleArn>,
    /// The health check that is always unhealthy.
    pub closed_health_check: HealthCheckId,
    /// The names that move.
    pub names: Vec<RecordName>,
}

/// A name that moves with the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordName {
    /// The name.
    pub name: Host,
    /// Its zone.
    pub zone: ZoneId,
    /// The load balancer it leads to at either site.
    pub load_balancer: LoadBalancerName,
}

/// The `gates` lever: only against the simulator for now.
#[derive(Clone, Debug, PartialEq)]
pub struct GatesLever {
    /// Role for the object's account.
    pub role: Option<RoleArn>,
    /// The object that holds the bit: `s3://bucket/key`, in a Region that is neither site's.
    pub object: Arc<str>,
    /// Home's health check, which follows the bit; standby's is its inverse.
    pub home_check: HealthCheckId,
    /// Standby's health check.
    pub standby_check: HealthCheckId,
    /// The names whose pre-created records carry the checks.
    pub names: Vec<RecordName>,
}

/// A group's database: one RDS instance with a cross-Region read replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// The policy's own name of it.
    pub name: ObjectName,
    /// The most data, in replication time, that a move may lose without a human's word.
    pub max_lag: Span,
    /// How old the last sample before the fault may be.
    pub lag_fresh: Span,
    /// How long a promotion may take before a human is asked.
    pub promote_timeout: Span,
    /// What to do when the old writer cannot be confirmed stopped.
    pub on_unknown: OnUnknown,
}

/// What to do when the fence ends unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnknown {
    /// Go on; the fence stays a standing hold.
    Proceed,
    /// Ask a human.
    Ask,
}

/// What must run at the active site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capacity {
    /// Deployments and StatefulSets.
    pub workloads: Vec<Workload>,
    /// CronJobs.
    pub jobs: Vec<Job>,
    /// Karpenter NodePools of the standby cluster that are opened while it is needed.
    pub pools: Vec<Pool>,
    /// What must run in a passive cluster before more can be added there.
    pub floor: Vec<WorkloadRef>,
    /// How long capacity may take before a human is asked.
    pub ready_timeout: Span,
    /// How much of what was asked must be ready before traffic opens, 1–100.
    pub minimum_ready_percent: u32,
}

/// A Deployment or StatefulSet of the group; the same name at both sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Which.
    pub object: WorkloadRef,
    /// How many at the standby site while it is active.
    pub replicas: Replicas,
    /// When it may start.
    pub starts: Starts,
    /// Where it may run.
    pub runs: Runs,
}

/// How many replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// This many.
    Count(u32),
    /// A share of home's last healthy count, rounded up, and at least so many.
    PercentOfHome {
        /// Percent of home's count.
        percent: u32,
        /// The floor.
        at_least: u32,
    },
}

/// When a workload may start at the gaining site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    /// At once: it is safe without the writer.
    Early,
    /// Only when the site's member is the confirmed writer.
    AfterWriter,
}

/// Where a workload may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Only at the active site.
    ActiveOnly,
    /// At both.
    Both,
}

/// A CronJob of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which.
    pub object: JobRef,
    /// Where it may run.
    pub runs: Runs,
}

/// A Karpenter NodePool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Its name.
    pub name: ObjectName,
    /// The limits it has while the standby site is needed.
    pub limits: Quantities,
}

/// How health is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthPolicy {
    /// The signals.
    pub signals: Vec<SignalPolicy>,
    /// How many kinds must say down.
    pub quorum: Quorum,
    /// For how long they must say so.
    pub confirm: Span,
    /// For how long home must be fit before anything moves back.
    pub stable_for: Span,
    /// Web addresses that have nothing to do with either site.
    pub canaries: Vec<Canary>,
}

/// A web address that answers whatever becomes of the sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// Whether it is `https`.
    pub tls: bool,
    /// Its host.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// Its path.
    pub path: Arc<str>,
}

/// How many kinds of signals must agree.
pub type Quorum = u32;

/// One signal.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalPolicy {
    /// The policy's own name of it.
    pub name: ObjectName,
    /// What is looked at.
    pub probe: Probe,
    /// How often.
    pub every: Span,
    /// It says down when `need` of the last `of` samples are bad.
    pub down: KOfN,
    /// It says up when `need` of the last `of` samples are good.
    pub up: KOfN,
}

/// `need` of the last `of` samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KOfN {
    /// The window, in samples.
    pub of: u32,
    /// How many of them.
    pub need: u32,
}

/// What a signal looks at. Each kind documents in `health` which outcomes are good, bad or silence.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// ELBv2 target health of the target groups whose host rules match the names.
    AlbTargets {
        /// Which load balancer.
        load_balancer: LoadBalancerName,
        /// Below this share of healthy targets the sample is bad.
        minimum_healthy_percent: u32,
    },
    /// HTTP through the load balancer's own addresses.
    Http(HttpCheck),
    /// What Route 53's checkers see: a vantage outside Bowline's network.
    Route53Check {
        /// The check of the home site.
        home: HealthCheckId,
        /// The check of the standby site.
        standby: HealthCheckId,
    },
    /// The cluster's API server.
    ClusterApi,
    /// Several AWS APIs of the Region, against the other Region's.
    RegionApi,
    /// A write through the load balancer.
    WriteProbe(HttpCheck),
    /// Requests still served, as the load balancer counts them.
    Progress {
        /// Which load balancer.
        load_balancer: LoadBalancerName,
    },
}

/// An HTTP check through a load balancer's own addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpCheck {
    /// Which load balancer.
    pub load_balancer: LoadBalancerName,
    /// The `Host` header, and the TLS name.
    pub host: Host,
    /// The path.
    pub path: Arc<str>,
    /// The lowest and highest status that is good.
    pub expect: (u16, u16),
    /// How long to wait.
    pub timeout: Span,
    /// Whether to use TLS (the default).
    pub tls: bool,
    /// The port.
    pub port: u16,
}

/// How an action may be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Without a human.
    Automatic,
    /// Prepared and asked for; a human says yes.
    Approve,
    /// Only on a human's command.
    Manual,
    /// Decided and reported, never done.
    Observe,
}

/// An action that automation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// An unplanned move.
    Failover,
    /// Coming home.
    Failback,
    /// Starting nodes while the confirm time runs.
    Prewarm,
}

/// What may be done without a human.
#[derive(Clone, Debug, PartialEq)]
pub struct Automation {
    /// Failover.
    pub failover: Mode,
    /// Failback.
    pub failback: Mode,
    /// Prewarm: `automatic` or `observe`.
    pub prewarm: Mode,
    /// After an automatic failover, another one within this time needs a human.
    pub block_after_failover: Span,
    /// When automatic action is held.
    pub blocked_windows: Vec<BlockedWindow>,
}

/// A recurring time during which some automatic actions are held.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockedWindow {
    /// When it begins (checked).
    pub cron: croner::Cron,
    /// How long it lasts.
    pub length: Span,
    /// The time zone of `cron`.
    pub time_zone: TimeZone,
    /// What is held.
    pub actions: Vec<Action>,
}

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The Secret that holds the webhook's URL.
    pub secret: ObjectName,
    /// The key in it.
    pub key: Arc<str>,
    /// How often an unanswered ask is repeated.
    pub repeat: Span,
}

/// How success is seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verify {
    /// Host of the URL.
    pub host: Host,
    /// Whether it is `https`.
    pub tls: bool,
    /// Its port.
    pub port: u16,
    /// Its path.
    pub path: Arc<str>,
    /// The header that says which site answered; without it the answer's addresses must match the
    /// load balancer's.
    pub site_header: Option<Arc<str>>,
    /// For how long it must hold.
    pub hold: Span,
    /// A write through the public name, if the application has one.
    pub write_probe: Option<WriteProbe>,
}

/// A write through the public name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteProbe {
    /// Its path at [`Verify::host`].
    pub path: Arc<str>,
}
