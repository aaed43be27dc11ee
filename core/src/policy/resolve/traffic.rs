//! The lever and the names it moves.

use std::sync::Arc;

use super::{check_unique, host, sites};
use crate::model::{HealthCheckId, Host, LoadBalancerName, RoleArn, Site, ZoneId};
use crate::policy::code::Code;
use crate::policy::report::Report;
use crate::policy::schema::{GroupSpec, NameSpec};
use crate::policy::suggest::{listed, nearest};
use crate::policy::types::{GatesLever, Lever, RecordName, RecordsLever};

/// The lever; `None` when none is chosen.
pub(super) fn resolve(report: &mut Report<'_>, spec: &GroupSpec) -> Option<Lever> {
    let traffic = &spec.traffic;
    let records = traffic.records.as_ref().map(|records| {
        check_names(report, spec, &records.names, "spec.traffic.records.names");
        Lever::Records(RecordsLever {
            role: records.role_arn.as_ref().map(RoleArn::new),
            closed_health_check: HealthCheckId::new(&records.closed_health_check_id),
            names: records.names.iter().map(record).collect(),
        })
    });
    let gates = traffic.gates.as_ref().map(|gates| {
        check_names(report, spec, &gates.names, "spec.traffic.gates.names");
        Lever::Gates(GatesLever {
            role: gates.role_arn.as_ref().map(RoleArn::new),
            object: Arc::from(gates.object.as_str()),
            home_check: HealthCheckId::new(&gates.home_health_check_id),
            standby_check: HealthCheckId::new(&gates.standby_health_check_id),
            names: gates.names.iter().map(record).collect(),
        })
    });
    records.or(gates)
}

/// The names that a lever moves.
pub(super) fn hosts(lever: &Lever) -> Vec<Host> {
    let names = match lever {
        Lever::Records(records) => &records.names,
        Lever::Gates(gates) => &gates.names,
    };
    names.iter().map(|record| record.name.clone()).collect()
}

fn record(written: &NameSpec) -> RecordName {
    RecordName {
        name: host(&written.name),
        zone: ZoneId::new(&written.hosted_zone_id),
        load_balancer: LoadBalancerName::new(&written.load_balancer),
    }
}

fn check_names(report: &mut Report<'_>, spec: &GroupSpec, names: &[NameSpec], path: &str) {
    let at = |index: usize, field: &str| format!("{path}[{index}].{field}");
    let hosts: Vec<(String, String)> = names
        .iter()
        .enumerate()
        .map(|(index, name)| (at(index, "name"), host(&name.name).to_string()))
        .collect();
    check_unique(report, "the name", &hosts);
    for (index, name) in names.iter().enumerate() {
        check_load_balancer(report, spec, &name.load_balancer, &at(index, "loadBalancer"));
    }
}

/// Both sites must have the load balancer that something refers to.
pub(super) fn check_load_balancer(
    report: &mut Report<'_>,
    spec: &GroupSpec,
    name: &str,
    path: &str,
) {
    let lacks = |site: Site| {
        let has = sites::written(&spec.sites, site).load_balancers.contains_key(name);
        let known = report.sound(&format!("{}.loadBalancers", sites::path_of(site)));
        known && !has
    };
    let lacking: Vec<Site> = Site::BOTH.into_iter().filter(|site| lacks(*site)).collect();
    let (whom, site) = match lacking.as_slice() {
        [] => return,
        [one] => (format!("{one} has"), *one),
        _ => ("the sites have".to_owned(), Site::Home),
    };
    let known: Vec<&str> =
        spec.sites.home.load_balancers.keys().map(String::as_str).filter(|n| *n != name).collect();
    let remedy = match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() || lacking.len() == 1 => {
            format!("add `{name}` to {}.loadBalancers", sites::path_of(site))
        }
        None => {
            format!("add `{name}` to the loadBalancers of both, or use {}", listed(&known, "or"))
        }
    };
    report.error(Code::NoLoadBalancer, path, format!("{whom} no load balancer `{name}`"), remedy);
}
