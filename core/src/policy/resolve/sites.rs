//! The two sites: each by itself, and that they are two.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{
    Cluster, InstanceId, LoadBalancerArn, LoadBalancerName, ObjectName, Region, RoleArn, Scope,
    SecurityGroupId, Site,
};
use crate::op::LoadBalancerSelector;
use crate::policy::code::Code;
use crate::policy::forms;
use crate::policy::report::{Report, below};
use crate::policy::schema::{ClusterSpec, LoadBalancerSpec, SiteDatabaseSpec, SiteSpec, SitesSpec};
use crate::policy::types::{SiteDatabase, SitePolicy};

/// One of the sites; `None` when its cluster is not said.
pub(super) fn resolve(
    report: &mut Report<'_>,
    sites: &SitesSpec,
    which: Site,
) -> Option<SitePolicy> {
    let site = written(sites, which);
    let path = path_of(which);
    check_load_balancers(report, site, &path);
    let scope =
        Scope { region: Region::new(&site.region), role: site.role_arn.as_ref().map(RoleArn::new) };
    Some(SitePolicy {
        load_balancers: site
            .load_balancers
            .iter()
            .filter_map(|(name, found)| Some((LoadBalancerName::new(name), selector(found)?)))
            .collect(),
        cluster: cluster(&site.cluster, &scope)?,
        scope,
        database: site.database.as_ref().map(database),
    })
}

/// The site as it is written.
pub(super) fn written(sites: &SitesSpec, which: Site) -> &SiteSpec {
    match which {
        Site::Home => &sites.home,
        Site::Standby => &sites.standby,
    }
}

/// The path of a site.
pub(super) fn path_of(which: Site) -> String {
    format!("spec.sites.{which}")
}

fn selector(written: &LoadBalancerSpec) -> Option<LoadBalancerSelector> {
    let by_arn = written.arn.as_deref().map(LoadBalancerArn::from).map(LoadBalancerSelector::Arn);
    by_arn.or_else(|| {
        let tags: BTreeMap<Arc<str>, Arc<str>> = written
            .tags
            .as_ref()?
            .iter()
            .map(|(key, value)| (Arc::from(key.as_str()), Arc::from(value.as_str())))
            .collect();
        Some(LoadBalancerSelector::Tags(tags))
    })
}

fn cluster(written: &ClusterSpec, scope: &Scope) -> Option<Cluster> {
    let eks = written
        .eks
        .as_ref()
        .map(|name| Cluster::Eks { scope: scope.clone(), name: ObjectName::new(name) });
    let secret = || written.kubeconfig_secret.as_ref().map(ObjectName::new);
    let context = || written.context.as_ref().map(ObjectName::new);
    eks.or_else(|| secret().map(Cluster::KubeconfigSecret))
        .or_else(|| context().map(Cluster::Context))
}

fn database(written: &SiteDatabaseSpec) -> SiteDatabase {
    SiteDatabase {
        instance: InstanceId::new(&written.rds_instance),
        closed_security_group: SecurityGroupId::new(&written.closed_security_group),
    }
}

/// Names are labels, and an ARN lies in the site's Region.
fn check_load_balancers(report: &mut Report<'_>, site: &SiteSpec, path: &str) {
    for (name, found) in &site.load_balancers {
        let at = below(&format!("{path}.loadBalancers"), name);
        if forms::by_pattern(forms::LABEL).is_some_and(|form| !(form.fits)(name)) {
            let message = format!("`{}` is no name for a load balancer", name.escape_debug());
            let remedy = "use small letters, digits and hyphens, such as web".to_owned();
            report.error(Code::BadText, &at, message, remedy);
        }
        let region = found.arn.as_deref().and_then(forms::region_of);
        let sound = report.sound(&format!("{path}.region"));
        if let Some(region) = region.filter(|region| sound && *region != site.region) {
            let message = format!("this load balancer is in {region}, its site in {}", site.region);
            let remedy = format!("name one in {}, or correct the site's region", site.region);
            report.error(Code::SameSite, &format!("{at}.arn"), message, remedy);
        }
    }
}

/// Standby must not be home: one failure would take both.
pub(super) fn check_apart(report: &mut Report<'_>, sites: &SitesSpec) {
    let (home, standby) = (&sites.home, &sites.standby);
    let same_region = home.region == standby.region;
    same(report, "region", "Region", same_region.then_some(home.region.as_str()));
    let named = |cluster: &ClusterSpec| {
        let elsewhere = cluster.kubeconfig_secret.clone().or_else(|| cluster.context.clone());
        elsewhere.or_else(|| cluster.eks.clone().filter(|_| same_region))
    };
    let cluster = named(&home.cluster).filter(|_| home.cluster == standby.cluster);
    same(report, "cluster", "cluster", cluster.as_deref());
    if let (Some(one), Some(other)) = (&home.database, &standby.database) {
        let instance = one.rds_instance.as_str();
        let equal = same_region && instance == other.rds_instance;
        same(report, "database.rdsInstance", "RDS instance", equal.then_some(instance));
        let group = one.closed_security_group.as_str();
        let equal = group == other.closed_security_group;
        same(report, "database.closedSecurityGroup", "security group", equal.then_some(group));
    }
    check_balancers_apart(report, sites);
}

fn check_balancers_apart(report: &mut Report<'_>, sites: &SitesSpec) {
    let same_region = sites.home.region == sites.standby.region;
    for (name, found) in &sites.standby.load_balancers {
        let equal = |other: &&LoadBalancerSpec| {
            let by_arn = found.arn.is_some() && found.arn == other.arn;
            by_arn || (same_region && found.tags.is_some() && found.tags == other.tags)
        };
        let shared = sites.home.load_balancers.values().any(|other| equal(&other));
        let field = below("loadBalancers", name);
        same(report, &field, "load balancer", shared.then_some(name.as_str()));
    }
}

fn same(report: &mut Report<'_>, field: &str, what: &str, equal: Option<&str>) {
    let Some(name) = equal else { return };
    let (home, standby) =
        (format!("spec.sites.home.{field}"), format!("spec.sites.standby.{field}"));
    if report.sound(&home) {
        let message = format!("standby has the same {what} as home: {name}");
        let remedy = format!("name another {what}: what fails with home cannot stand in for it");
        report.error(Code::SameSite, &standby, message, remedy);
    }
}
