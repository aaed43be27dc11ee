//! The world of a row: every call of the node is answered as the row says that the world is at that
//! instant. What it was asked for is kept, so that a row that says something nobody looks at is
//! found out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bowline_core::levers::records::{ArmedSet, fence_name, fence_set};
use bowline_core::model::{
    Claim, Cluster, Counted, HealthCheckId, Host, InstanceArn, InstanceId, Wall, ZoneId,
};
use bowline_core::op::{
    AliasTarget, Answer, CloudWatchOp, ElbOp, Failover, Fault, FenceView, HealthCheck,
    HealthCheckKind, HttpProbe, HttpSeen, Instance, InstanceSettings, KubeOp, LoadBalancer,
    LoadBalancerSelector, Metric, Op, PoolView, ProbeOp, RdsOp, RecordSet, RecordType, Route53Op,
    TargetHealth, WorkloadView, ZoneInfo,
};
use bowline_core::policy::{Lever, Probe};

use super::group::Group;
use super::shape::{Place, Site, World};
use super::value::{Api, Behind, Claimed, Front, Member, Offset, Pods, Served, There};

/// A site, as the core names it.
type Where = bowline_core::model::Site;

/// What a call gets; `None`: no answer, ever.
pub(super) type Reply = Option<Result<Answer, Fault>>;

/// The worlds of a row's groups.
pub(super) struct Answers<'a> {
    pub(super) groups: &'a [Group],
    /// The wall time of 0s.
    pub(super) zero: Wall,
    /// What was asked for, by group.
    asked: RefCell<BTreeSet<(usize, String)>>,
}

/// A group's site at an instant.
#[derive(Clone, Copy)]
struct Spot<'a> {
    group: &'a Group,
    index: usize,
    site: Where,
    at: Offset,
}

impl<'a> Spot<'a> {
    fn world(self) -> &'a World {
        self.group.world(self.at)
    }

    fn said(self) -> &'a Site {
        match self.site {
            Where::Home => &self.world().home,
            Where::Standby => &self.world().standby,
        }
    }

    fn reached(self) -> bool {
        let place = match self.site {
            Where::Home => Place::Home,
            Where::Standby => Place::Standby,
        };
        !self.group.cut_off(self.at, place)
    }
}

impl<'a> Answers<'a> {
    pub(super) fn new(groups: &'a [Group], zero: Wall) -> Self {
        Self { groups, zero, asked: RefCell::default() }
    }

    /// What the row says of the `index`th group, and nobody asked for.
    pub(super) fn unasked(&self, index: usize) -> Vec<String> {
        let asked = self.asked.borrow();
        let said = self.groups[index].said.iter();
        said.filter(|name| !asked.contains(&(index, (*name).clone()))).cloned().collect()
    }

    fn note(&self, spot: Spot<'_>, what: &str) {
        self.asked.borrow_mut().insert((spot.index, format!("{}.{what}", spot.site)));
    }

    /// Answers a call to the world. The store's, the lease's and people's are not among them.
    pub(super) fn answer(&self, op: &Op, at: Offset) -> Reply {
        match op {
            Op::Kube(cluster, op) => self.kube(self.of_cluster(cluster, at)?, op),
            Op::Elb(scope, op) => self.elb(scope, op, at),
            Op::Rds(_, RdsOp::Describe(id)) => self.describe(self.of_instance(id, at)?),
            Op::CloudWatch(_, CloudWatchOp::Points { metric, since }) => {
                self.points(metric, *since, at)
            }
            Op::Route53(_, op) => self.route53(op, at),
            Op::Probe(ProbeOp::Http(probe)) => self.http(probe, at),
            other => panic!("the table has no answer to {other:?}"),
        }
    }

    fn spots(&self, at: Offset) -> impl Iterator<Item = Spot<'_>> {
        let of = move |(index, group)| Where::BOTH.map(|site| Spot { group, index, site, at });
        self.groups.iter().enumerate().flat_map(of)
    }

    fn of_cluster(&self, cluster: &Cluster, at: Offset) -> Option<Spot<'_>> {
        self.spots(at).find(|spot| spot.group.policy.site(spot.site).cluster == *cluster)
    }

    fn of_instance(&self, id: &InstanceId, at: Offset) -> Option<Spot<'_>> {
        self.spots(at).find(|spot| {
            let database = spot.group.policy.site(spot.site).database.as_ref();
            database.is_some_and(|database| database.instance == *id)
        })
    }

    /// Who is named `GROUP-SITE`.
    fn of_name(&self, name: &str, at: Offset) -> Option<Spot<'_>> {
        self.spots(at).find(|spot| format!("{}-{}", spot.group.name, spot.site) == name)
    }

    /// What an API of a site says instead of its answer: a fault, or nothing.
    fn api(&self, spot: Spot<'_>, what: &str, api: Option<Api>) -> Result<(), Option<Fault>> {
        self.note(spot, what);
        if spot.reached() { says(api) } else { Err(None) }
    }

    fn kube(&self, spot: Spot<'_>, op: &KubeOp) -> Reply {
        if let Err(fault) = self.api(spot, "kubernetes", spot.said().kubernetes) {
            return fault.map(Err);
        }
        match op {
            KubeOp::Ready => Some(Ok(Answer::Ok)),
            KubeOp::Workload(workload) => {
                let name = workload.name.as_str();
                self.note(spot, &format!("pods.{name}"));
                Some(match spot.said().pods.get(name) {
                    Some(Pods::Wanted(wanted, ready)) => {
                        Ok(Answer::Workload(workload_view(*wanted, *ready)))
                    }
                    Some(Pods::Absent) | None => Err(Fault::NotFound(name.to_owned())),
                })
            }
            KubeOp::Pool(name) => {
                self.note(spot, "nodePool");
                let limits = BTreeMap::from([(Arc::from("cpu"), 0)]);
                let pool = PoolView { version: "1".into(), limits, note: None };
                Some(match spot.said().node_pool {
                    Some(There::There) => Ok(Answer::Pool(pool)),
                    Some(There::Absent) | None => Err(Fault::NotFound(name.to_string())),
                })
            }
            KubeOp::Fence(_) => {
                self.note(spot, "claim");
                let claim = claim(spot.group, spot.said().claim);
                let fence = claim.map(|claim| FenceView { version: "1".into(), claim });
                Some(Ok(Answer::Fence(fence)))
            }
            other => panic!("the table has no answer to {other:?}"),
        }
    }

    fn elb(&self, scope: &bowline_core::model::Scope, op: &ElbOp, at: Offset) -> Reply {
        let spot = match op {
            ElbOp::Find(selector) => self.spots(at).find(|spot| {
                let own = spot.group.policy.site(spot.site);
                own.scope == *scope && own.load_balancers.values().any(|own| own == selector)
            }),
            ElbOp::TargetGroups { load_balancer: arn, .. } | ElbOp::TargetHealth(arn) => {
                self.of_name(arn, at)
            }
        };
        // What was found by its tags is asked for by its ARN.
        let found = || match op {
            ElbOp::Find(LoadBalancerSelector::Arn(arn)) => self.of_name(arn, at),
            _ => None,
        };
        let spot = spot.or_else(found)?;
        if let Err(fault) = self.api(spot, "elb", spot.said().elb) {
            return fault.map(Err);
        }
        let name = format!("{}-{}", spot.group.name, spot.site);
        Some(Ok(match op {
            ElbOp::Find(_) => Answer::LoadBalancer(Some(LoadBalancer {
                arn: name.as_str().into(),
                dns_name: Host::new(format!("{name}.elb.example")),
                zone: ZoneId::new("ZELB"),
            })),
            ElbOp::TargetGroups { .. } => Answer::TargetGroups(vec![name.as_str().into()]),
            ElbOp::TargetHealth(_) => {
                self.note(spot, "targets");
                let share = spot.said().targets?;
                Answer::Targets(TargetHealth { total: share.of, healthy: share.healthy })
            }
        }))
    }

    fn describe(&self, spot: Spot<'_>) -> Reply {
        if let Err(fault) = self.api(spot, "rds", spot.said().rds) {
            return fault.map(Err);
        }
        self.note(spot, "database");
        let member = spot.said().database?;
        if member == Member::Absent {
            return Some(Err(Fault::NotFound("DBInstanceNotFound".into())));
        }
        let id = |site: Where| {
            let database = spot.group.policy.site(site).database.as_ref();
            database.map(|database| database.instance.clone())
        };
        let (own, other) = (id(spot.site)?, id(spot.site.other())?);
        let replica = member != Member::Writer;
        let region = &spot.group.policy.site(spot.site).scope.region;
        Some(Ok(Answer::Instance(Instance {
            arn: InstanceArn::of("aws", region, "111111111111", &own),
            resource: format!("db-{own}").as_str().into(),
            id: own,
            status: "available".into(),
            source: replica.then(|| other.clone()),
            streaming: member == Member::Streams,
            replicas: if replica { Vec::new() } else { vec![other] },
            settings: Box::new(settings()),
            managed_password: false,
            told_at: Wall::default(),
        })))
    }

    fn points(&self, metric: &Metric, since: Wall, at: Offset) -> Reply {
        let spot = match metric {
            Metric::ReplicaLag(id) | Metric::Connections(id) => self.of_instance(id, at)?,
            Metric::Served(arn) => self.of_name(arn, at)?,
        };
        if let Err(fault) = self.api(spot, "cloudwatch", spot.said().cloudwatch) {
            return fault.map(Err);
        }
        let lag = matches!(metric, Metric::ReplicaLag(_));
        self.note(spot, if lag { "behind" } else { "served" });
        let first = (since.0 - self.zero.0).div_euclid(MINUTE);
        let last = (at.0 - PUBLISHED).div_euclid(MINUTE) - 1;
        let minutes = (first..=last).map(|minute| Offset(minute * MINUTE));
        let points = minutes.filter_map(|begin| {
            // What was so at the end of the minute: its worst, for a lag that grows.
            let then = Spot { at: Offset(begin.0 + MINUTE - 1), ..spot };
            let thousandths = if lag { behind(then.said())? } else { served(then.said())? };
            Some(Counted { at: Wall(self.zero.0 + begin.0), thousandths })
        });
        Some(Ok(Answer::Points(points.collect())))
    }

    fn route53(&self, op: &Route53Op, at: Offset) -> Reply {
        let (index, group) = self.of_route53(op)?;
        if group.cut_off(at, Place::Aws) {
            return None;
        }
        self.asked.borrow_mut().insert((index, "route53".into()));
        if let Err(fault) = says(group.world(at).route53) {
            return fault.map(Err);
        }
        Some(Ok(match op {
            Route53Op::CheckStatus(id) => {
                let site = check_site(group, id)?;
                let spot = Spot { group, index, site, at };
                self.note(spot, "checkers");
                let share = spot.said().checkers?;
                Answer::CheckStatus { healthy: share.healthy, of: share.of }
            }
            Route53Op::Records { name, .. } => {
                let apex = Host::new("example.com");
                if *name == fence_name(&group.name, &apex) {
                    self.asked.borrow_mut().insert((index, "zoneClaim".into()));
                    let claim = claim(group, group.world(at).zone_claim);
                    let active = group.journal.ledger.active;
                    let set = claim.map(|claim| fence_set(&group.name, &apex, &claim, active));
                    Answer::Records(set.into_iter().collect())
                } else {
                    Answer::Records(sets(group, name))
                }
            }
            Route53Op::HealthCheck(id) => Answer::HealthCheck(HealthCheck {
                id: id.clone(),
                kind: HealthCheckKind::Calculated { threshold: 1, children: 0 },
                disabled: false,
                inverted: false,
            }),
            Route53Op::Zone(_) => Answer::Zone(ZoneInfo {
                apex: "example.com".into(),
                private: false,
                name_servers: vec!["ns1.example".into()],
            }),
            other => panic!("the table has no answer to {other:?}"),
        }))
    }

    /// Whose call to Route 53 it is; what all share is the first group's.
    fn of_route53(&self, op: &Route53Op) -> Option<(usize, &Group)> {
        let names = |group: &Group, host: &Host| {
            let own = records(group).iter().any(|name| name.name == *host);
            own || *host == fence_name(&group.name, &"example.com".into())
        };
        let mut groups = self.groups.iter().enumerate();
        match op {
            Route53Op::CheckStatus(id) => groups.find(|(_, g)| check_site(g, id).is_some()),
            Route53Op::Records { name, .. } => groups.find(|(_, g)| names(g, name)),
            _ => groups.next(),
        }
    }

    fn http(&self, probe: &HttpProbe, at: Offset) -> Reply {
        let Some(name) = probe.connect.as_str().strip_suffix(".elb.example") else {
            let cut = self.groups.iter().any(|group| group.cut_off(at, Place::Canaries));
            return (!cut).then_some(Ok(seen(200)));
        };
        let spot = self.of_name(name, at)?;
        self.note(spot, if probe.writes { "writes" } else { "front" });
        if !spot.reached() {
            return None;
        }
        match if probe.writes { spot.said().writes } else { spot.said().front }? {
            Front::Status(status) => Some(Ok(seen(status))),
            Front::TimesOut => None,
            Front::Refused => Some(Err(Fault::Transient("connection refused".into()))),
            Front::NoName => Some(Err(Fault::NotFound("no address".into()))),
        }
    }
}

const MINUTE: i64 = 60_000;

/// How long after its end CloudWatch shows a minute.
const PUBLISHED: i64 = 30_000;

fn says(api: Option<Api>) -> Result<(), Option<Fault>> {
    match api {
        Some(Api::Answers) => Ok(()),
        Some(Api::Silent) | None => Err(None),
        Some(Api::Fails) => Err(Some(Fault::Transient("503".into()))),
        Some(Api::Denies) => Err(Some(Fault::Denied("AccessDenied".into()))),
        Some(Api::Throttles) => Err(Some(Fault::Throttled { after: None })),
    }
}

fn behind(site: &Site) -> Option<i64> {
    match site.behind? {
        Behind::By(span) => i64::try_from(span.as_millis()).ok(),
        Behind::Nonsense => Some(-1_000),
        Behind::NoPoints => None,
    }
}

fn served(site: &Site) -> Option<i64> {
    match site.served? {
        Served::Count(count) => Some(i64::from(count) * 1_000),
        Served::NoPoints => None,
    }
}

fn claim(group: &Group, claimed: Option<Claimed>) -> Option<Claim> {
    match claimed? {
        Claimed::Nobody => None,
        Claimed::Ours => group.journal.ledger.claim.clone(),
        Claimed::Foreign => Some(group.foreign()),
    }
}

fn seen(status: u16) -> Answer {
    let address = std::net::IpAddr::from([192, 0, 2, 1]);
    Answer::Http(HttpSeen { status, site: None, address })
}

fn workload_view(wanted: u32, ready: u32) -> WorkloadView {
    let (version, pods) = ("1".into(), wanted.max(ready));
    WorkloadView { version, wanted, ready, pods, note: None, claims_volumes: false }
}

fn settings() -> InstanceSettings {
    InstanceSettings {
        engine: "postgres".into(),
        class: "db.r6g.large".into(),
        subnet_group: None,
        parameter_group: None,
        security_groups: vec!["sg-app".into()],
        kms_key: None,
        backup_retention_days: 7,
        multi_az: true,
    }
}

fn records(group: &Group) -> &[bowline_core::policy::RecordName] {
    match &group.policy.lever {
        Lever::Records(lever) => &lever.names,
        Lever::Gates(lever) => &lever.names,
    }
}

/// The failover sets of a name, as they are while the active site serves.
fn sets(group: &Group, name: &Host) -> Vec<RecordSet> {
    let Lever::Records(lever) = &group.policy.lever else { return Vec::new() };
    let set = |site: Where| {
        let set = RecordSet {
            name: name.clone(),
            kind: RecordType::A,
            set_identifier: Some(site.to_string().into()),
            failover: Some(Failover::Primary),
            health_check: None,
            ttl_secs: None,
            values: Vec::new(),
            alias: Some(AliasTarget {
                zone: ZoneId::new("ZELB"),
                dns_name: Host::new(format!("{}-{site}.elb.example", group.name)),
                evaluate_target_health: true,
            }),
        };
        let armed = ArmedSet { site, set, own_check: Some(own_check(group, site)) };
        armed.when_active(group.journal.ledger.active, &lever.closed_health_check)
    };
    Where::BOTH.map(set).into()
}

/// A site's own check; some other where the policy has none.
fn own_check(group: &Group, site: Where) -> HealthCheckId {
    let checks = checks(group).find_map(|(of, id)| (of == site).then_some(id));
    checks.unwrap_or_else(|| HealthCheckId::new(format!("check-{site}")))
}

fn check_site(group: &Group, id: &HealthCheckId) -> Option<Where> {
    checks(group).find_map(|(site, own)| (own == *id).then_some(site))
}

fn checks(group: &Group) -> impl Iterator<Item = (Where, HealthCheckId)> {
    group.policy.health.signals.iter().flat_map(|signal| match &signal.probe {
        Probe::Route53Check { home, standby } => {
            vec![(Where::Home, home.clone()), (Where::Standby, standby.clone())]
        }
        _ => Vec::new(),
    })
}
