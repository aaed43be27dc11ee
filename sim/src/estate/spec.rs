//! An estate made from policies: what the AWS accounts look like when the groups are armed at home.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_core::model::{HealthCheckId, Host, LoadBalancerName, Now, Site, Span, ZoneId};
use bowline_core::op::{
    Failover, Fault, InstanceSettings, LoadBalancer, LoadBalancerSelector, RecordSet, ZoneInfo,
};
use bowline_core::policy::{Lever, Policy, Probe, RecordName};

use super::{Estate, Group, SiteWiring};
use crate::aws::dns_rules::alias_set;
use crate::aws::elb::{LoadBalancerSpec, TargetGroupSpec, canonical_zone};
use crate::aws::rds::{DatabaseSpec, Engine, MemberSpec};
use crate::aws::route53::{CheckSpec, SERVERS, Watches};
use crate::users::PopulationSpec;

/// What a policy does not say of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EstateOptions {
    /// The databases' engine.
    pub engine: Engine,
    /// Each group's users.
    pub users: PopulationSpec,
    /// How often Route 53's checkers probe: 10 or 30 s.
    pub check_interval: Span,
    /// Failed probes that turn a checker, 1–10.
    pub check_threshold: u32,
    /// How often load balancers probe their targets.
    pub target_interval: Span,
}

impl Default for EstateOptions {
    /// MySQL, a thousand reads and fifty writes a second, fast health checks with three probes.
    fn default() -> Self {
        Self {
            engine: Engine::MySql,
            users: PopulationSpec { resolvers: 24, reads_per_sec: 1_000, writes_per_sec: 50 },
            check_interval: Span::secs(10),
            check_threshold: 3,
            target_interval: Span::secs(10),
        }
    }
}

/// Probes that turn a target.
const TARGET_THRESHOLD: u32 = 2;

/// The zones' sets, collected before the zones are made.
type Zones = BTreeMap<ZoneId, (Host, Vec<RecordSet>)>;

impl Estate {
    /// The estate of some armed groups, home active, before any pod is there. Groups share load
    /// balancers, zones and checks that their policies name alike.
    ///
    /// # Errors
    /// [`Fault::Invalid`] for a policy that no armed state fits, such as two groups with one name.
    pub fn new(
        policies: &[Policy],
        options: EstateOptions,
        now: Now,
        rng: &mut fastrand::Rng,
    ) -> Result<Self, Fault> {
        let mut builder = Builder { estate: Self::default(), zones: Zones::new(), options, now };
        for policy in policies {
            builder.group(policy, rng)?;
        }
        let Builder { mut estate, zones, .. } = builder;
        for (number, (id, (apex, sets))) in zones.into_iter().enumerate() {
            let server = |n| Host::new(format!("ns-{n}.awsdns-{number:02}.test"));
            let name_servers = (1..=SERVERS).map(server).collect();
            let info = ZoneInfo { apex, private: false, name_servers };
            estate.route53.add_zone(id, info, &sets)?;
        }
        for group in 0..estate.groups.len() {
            let servers = estate.servers(group, now);
            estate.users.add(options.users, servers, now, rng);
        }
        estate.settle(now, rng);
        Ok(estate)
    }
}

struct Builder {
    estate: Estate,
    zones: Zones,
    options: EstateOptions,
    now: Now,
}

impl Builder {
    fn group(&mut self, policy: &Policy, rng: &mut fastrand::Rng) -> Result<(), Fault> {
        let names = match &policy.lever {
            Lever::Records(lever) => &lever.names,
            Lever::Gates(lever) => &lever.names,
        };
        let main = names.first().ok_or_else(|| invalid(policy, "no names"))?;
        let hosts = hosts(policy, names);
        let checks = self.checks(policy, rng);
        let mut sites = Vec::new();
        for (site, check) in Site::BOTH.into_iter().zip(&checks) {
            let alb = self.balancer(policy, site, (&main.load_balancer, &hosts), rng)?;
            sites.push(SiteWiring { check: check.clone(), ..alb });
        }
        let [home, standby] = sites.try_into().map_err(|_| invalid(policy, "two sites"))?;
        for name in names {
            self.records(policy, name, &checks)?;
        }
        let app = self.estate.app.add(policy.database.is_none());
        debug_assert_eq!(app, self.estate.groups.len());
        let database = self.database(policy, rng);
        let (zone, name) = (main.zone.clone(), main.name.clone());
        let sites = [home, standby];
        self.estate.groups.push(Group { name, zone, hosts, sites, database });
        Ok(())
    }

    /// The two sites' own checks; and those that the lever needs beside them.
    fn checks(&mut self, policy: &Policy, rng: &mut fastrand::Rng) -> [Option<HealthCheckId>; 2] {
        let endpoint = Watches::Endpoint {
            interval: self.options.check_interval,
            threshold: self.options.check_threshold,
        };
        let signal = policy.health.signals.iter().find_map(|signal| match &signal.probe {
            Probe::Route53Check { home, standby } => Some([home.clone(), standby.clone()]),
            _ => None,
        });
        for id in signal.iter().flatten() {
            self.check(id, endpoint.clone(), false, rng);
        }
        match &policy.lever {
            Lever::Records(lever) => {
                let never = Watches::Calculated { threshold: 1, children: Vec::new() };
                self.check(&lever.closed_health_check, never, false, rng);
            }
            Lever::Gates(lever) => {
                let checks = [lever.home_check.clone(), lever.standby_check.clone()];
                self.check(&checks[0], endpoint.clone(), false, rng);
                self.check(&checks[1], endpoint, true, rng);
                self.estate.gates.add(lever.object.clone(), checks, Site::Home);
            }
        }
        signal.map_or([None, None], |ids| ids.map(Some))
    }

    fn check(
        &mut self,
        id: &HealthCheckId,
        watches: Watches,
        inverted: bool,
        rng: &mut fastrand::Rng,
    ) {
        if !self.estate.route53.has_check(id) {
            let spec = CheckSpec { id: id.clone(), watches, disabled: false, inverted };
            self.estate.route53.add_check(spec, rng);
        }
    }

    /// Gives a site's load balancer the group's target group, and makes it if it is not there.
    fn balancer(
        &mut self,
        policy: &Policy,
        site: Site,
        (name, hosts): (&LoadBalancerName, &[Host]),
        rng: &mut fastrand::Rng,
    ) -> Result<SiteWiring, Fault> {
        let region = policy.site(site).scope.region.clone();
        let selector = policy.site(site).load_balancers.get(name);
        let selector = selector.ok_or_else(|| invalid(policy, "an unknown load balancer"))?;
        let targets: Arc<str> = format!("tg/{}/{site}", policy.group).into();
        let group = TargetGroupSpec {
            arn: targets.clone(),
            hosts: hosts.to_vec(),
            interval: self.options.target_interval,
            healthy: TARGET_THRESHOLD,
            unhealthy: TARGET_THRESHOLD,
        };
        let alb = match self.estate.elb.select(&region, selector) {
            Some(alb) => alb,
            None => {
                let (found, tags) = described(policy, site, selector);
                let groups = Vec::new();
                let spec = LoadBalancerSpec { region: region.clone(), found, tags, groups };
                self.estate.elb.add(spec, self.now, rng)
            }
        };
        self.estate.elb.add_group(alb, group);
        Ok(SiteWiring { region, alb, targets, ..SiteWiring::default() })
    }

    fn records(
        &mut self,
        policy: &Policy,
        name: &RecordName,
        own: &[Option<HealthCheckId>; 2],
    ) -> Result<(), Fault> {
        let (checks, evaluate) = match &policy.lever {
            Lever::Records(lever) => {
                ([own[0].clone(), Some(lever.closed_health_check.clone())], true)
            }
            Lever::Gates(lever) => {
                ([Some(lever.home_check.clone()), Some(lever.standby_check.clone())], false)
            }
        };
        let roles = [Failover::Primary, Failover::Secondary];
        for ((site, role), check) in Site::BOTH.into_iter().zip(roles).zip(checks) {
            let selector = policy.site(site).load_balancers.get(&name.load_balancer);
            let region = &policy.site(site).scope.region;
            let alb = selector.and_then(|selector| self.estate.elb.select(region, selector));
            let found = alb.and_then(|alb| self.estate.elb.describe(alb));
            let found = found.ok_or_else(|| invalid(policy, "an unknown load balancer"))?;
            let mut set = alias_set(&name.name, &site.to_string(), role, &found.dns_name);
            set.health_check = check;
            if let Some(alias) = &mut set.alias {
                alias.evaluate_target_health = evaluate;
            }
            let zone = self.zones.entry(name.zone.clone());
            zone.or_insert_with(|| (apex(&name.name), Vec::new())).1.push(set);
        }
        Ok(())
    }

    fn database(&mut self, policy: &Policy, rng: &mut fastrand::Rng) -> Option<usize> {
        let member = |site| {
            let site = policy.site(site);
            let database = site.database.as_ref()?;
            Some(MemberSpec {
                region: site.scope.region.clone(),
                instance: database.instance.clone(),
                closed: database.closed_security_group.clone(),
                settings: settings(),
            })
        };
        let (home, standby) = (member(Site::Home)?, member(Site::Standby)?);
        policy.database.as_ref()?;
        let engine = self.options.engine;
        let spec = DatabaseSpec { engine, home, standby, managed_password: false };
        Some(self.estate.rds.add(spec, self.now, rng))
    }
}

/// Every host that the group's target groups answer: its names, and those that it is probed by.
fn hosts(policy: &Policy, names: &[RecordName]) -> Vec<Host> {
    let mut hosts: Vec<Host> = names.iter().map(|name| name.name.clone()).collect();
    hosts.extend(policy.health.signals.iter().filter_map(|signal| match &signal.probe {
        Probe::Http(check) | Probe::WriteProbe(check) => Some(check.host.clone()),
        _ => None,
    }));
    hosts.push(policy.verify.host.clone());
    hosts.sort();
    hosts.dedup();
    hosts
}

/// What `DescribeLoadBalancers` and the tags say of a load balancer that the selector means.
fn described(
    policy: &Policy,
    site: Site,
    selector: &LoadBalancerSelector,
) -> (LoadBalancer, BTreeMap<Arc<str>, Arc<str>>) {
    let region = &policy.site(site).scope.region;
    let dns_name = Host::new(format!("{}-{site}.{region}.elb.test", policy.group));
    let made = || format!("arn:aws:elasticloadbalancing:{region}:1:app/{}", policy.group).into();
    let (arn, tags) = match selector {
        LoadBalancerSelector::Arn(arn) => (arn.clone(), BTreeMap::new()),
        LoadBalancerSelector::Tags(tags) => (made(), tags.clone()),
    };
    (LoadBalancer { arn, dns_name, zone: canonical_zone() }, tags)
}

fn settings() -> InstanceSettings {
    InstanceSettings {
        class: "db.r6g.large".into(),
        subnet_group: Some("private".into()),
        parameter_group: Some("tuned".into()),
        security_groups: vec!["sg-application".into()],
        kms_key: None,
        backup_retention_days: 7,
        multi_az: true,
    }
}

/// The zone's apex: the last two labels of a name in it.
fn apex(name: &Host) -> Host {
    let mut dots = name.as_str().rmatch_indices('.').map(|(at, _)| at);
    let from = dots.nth(1).map_or(0, |at| at + 1);
    Host::new(&name.as_str()[from..])
}

fn invalid(policy: &Policy, why: &str) -> Fault {
    Fault::Invalid(format!("{}: {why}", policy.group))
}
