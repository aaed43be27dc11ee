//! A world in peace, made from policies: home serves, standby stands by, everything is armed.

mod cluster;
mod dns;
mod front;

use bowline_core::model::{Mono, Site};
use bowline_core::op::InstanceSettings;
use bowline_core::policy::{Policy, Runs, SiteDatabase, SitePolicy, Starts, Workload};
use bowline_core::run::Reader;

use super::World;
use super::groups::{GroupParts, SiteParts, SiteTold};
use crate::aws::rds::{DatabaseSpec, Engine, MemberSpec, Rds, Times};
use crate::kube::Timings;
use crate::part::at;
use crate::users::{PopulationSpec, Servers};

/// How long the world has been at peace when the first replica starts: load balancers have found
/// their targets, and metrics have points.
const PEACE: Mono = Mono(15 * 60_000);

/// What a world is made of, beyond what the policies say.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// The groups' policies. Those that name the same cluster, load balancer or zone share it.
    pub policies: Vec<Policy>,
    /// Nodes of home's cluster, all of its managed node group.
    pub home_nodes: u32,
    /// The floor of standby's cluster.
    pub standby_nodes: u32,
    /// CPU of every node, in milli-units.
    pub node_cpu: u64,
    /// Replicas at home of a workload whose policy says a percentage.
    pub replicas: u32,
    /// CPU of every pod, in milli-units.
    pub pod_cpu: u64,
    /// How long things take in clusters.
    pub timings: Timings,
    /// How long things take in RDS.
    pub rds: Times,
    /// The databases' engine.
    pub engine: Engine,
    /// Each group's users.
    pub users: PopulationSpec,
}

impl WorldSpec {
    /// A world for these policies, as large as in the README: home has 12 nodes, standby a
    /// floor of 2.
    #[must_use]
    pub fn new(policies: Vec<Policy>) -> Self {
        Self {
            policies,
            home_nodes: 12,
            standby_nodes: 2,
            node_cpu: 4_000,
            replicas: 12,
            pod_cpu: 1_000,
            timings: Timings::default(),
            rds: Times::default(),
            engine: Engine::PostgreSql,
            users: PopulationSpec { resolvers: 40, reads_per_sec: 400, writes_per_sec: 50 },
        }
    }
}

impl World {
    /// Builds a world and lets it run until it is at peace.
    #[must_use]
    pub fn build(spec: &WorldSpec, rng: &mut fastrand::Rng) -> Self {
        let mut world =
            Self { rds: Rds::new(spec.rds), reader: Reader::shared(), ..Self::default() };
        let canaries = spec.policies.iter().flat_map(|policy| &policy.health.canaries);
        world.canaries = canaries.map(|canary| canary.host.clone()).collect();
        cluster::add_all(&mut world, spec, rng);
        dns::add_checks(&mut world, &spec.policies, rng);
        for policy in &spec.policies {
            world.add_group(spec, policy, rng);
        }
        dns::add_zones(&mut world, &spec.policies);
        world.begin_peace(spec, rng);
        world
    }

    fn add_group(&mut self, spec: &WorldSpec, policy: &Policy, rng: &mut fastrand::Rng) {
        let database = database_of(spec, policy);
        self.app.add(database.is_none());
        let database = database.map(|database| self.rds.add(database, at(Mono(0)), rng));
        let sites = Site::BOTH.map(|site| self.site_parts(policy, site, rng));
        let names = dns::names(policy);
        let name = policy.group.clone();
        let answers = Servers::default();
        self.groups.push(GroupParts { name, names, database, sites, answers });
    }

    fn site_parts(&mut self, policy: &Policy, site: Site, rng: &mut fastrand::Rng) -> SiteParts {
        let (serving, clients) = workloads(policy);
        let part = policy.site(site);
        SiteParts {
            region: part.scope.region.clone(),
            cluster: part.cluster.clone(),
            serving,
            clients,
            load_balancers: front::load_balancers(self, policy, site, rng),
            check: dns::own_check(policy, site),
            extra: 0,
            told: SiteTold::default(),
        }
    }

    fn begin_peace(&mut self, spec: &WorldSpec, rng: &mut fastrand::Rng) {
        let start = at(Mono(0));
        self.count_pods();
        for (check, answers) in self.gates.endpoints() {
            self.route53.set_endpoint(check, answers, start);
        }
        for group in 0..self.groups.len() {
            self.users.add(spec.users, [self.answer(group, 0, 0, start); 4], start, rng);
        }
        self.disturb();
        self.settle(start, rng);
        while let Some(next) = self.next().filter(|next| *next <= PEACE) {
            self.advance(at(next), rng);
        }
        for group in 0..self.groups.len() {
            self.users.restart(group, at(PEACE));
        }
        self.news.clear();
        self.began = PEACE;
    }
}

/// The workload that serves requests (the first that runs at both sites and needs the writer), and
/// those that hold connections beside it.
fn workloads(
    policy: &Policy,
) -> (bowline_core::model::WorkloadRef, Vec<bowline_core::model::WorkloadRef>) {
    let all = &policy.capacity.workloads;
    let front = |w: &&Workload| w.runs == Runs::Both && w.starts == Starts::AfterWriter;
    let serving = all.iter().find(front).or(all.first());
    let serving = serving.map(|workload| workload.object.clone());
    let clients = all.iter().filter(|w| w.starts == Starts::AfterWriter);
    let clients = clients.map(|w| w.object.clone()).filter(|w| Some(w) != serving.as_ref());
    let clients = clients.collect();
    (serving.unwrap_or_else(|| cluster::nobody(policy)), clients)
}

fn database_of(spec: &WorldSpec, policy: &Policy) -> Option<DatabaseSpec> {
    policy.database.as_ref()?;
    let member = |site: &SitePolicy, database: &SiteDatabase| MemberSpec {
        region: site.scope.region.clone(),
        instance: database.instance.clone(),
        closed: database.closed_security_group.clone(),
        settings: settings(database),
    };
    let (home, standby) = (policy.home.database.as_ref()?, policy.standby.database.as_ref()?);
    Some(DatabaseSpec {
        engine: spec.engine,
        home: member(&policy.home, home),
        standby: member(&policy.standby, standby),
        managed_password: false,
    })
}

fn settings(database: &SiteDatabase) -> InstanceSettings {
    InstanceSettings {
        engine: "postgres".into(),
        class: "db.r6g.large".into(),
        subnet_group: Some("private".into()),
        parameter_group: Some("shop-15".into()),
        security_groups: vec![format!("sg-open-{}", database.instance).as_str().into()],
        kms_key: None,
        backup_retention_days: 7,
        multi_az: false,
    }
}
