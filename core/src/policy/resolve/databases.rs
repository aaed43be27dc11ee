//! The database: what may be lost, how fresh evidence must be, and that both sites have a member.

use super::sites;
use crate::model::{ObjectName, Site, Span};
use crate::policy::code::Code;
use crate::policy::forms;
use crate::policy::report::Report;
use crate::policy::schema::{DatabaseSpec, GroupSpec, OnUnknownSpec};
use crate::policy::types::{Database, OnUnknown};

/// CloudWatch has one point of `ReplicaLag` a minute, stamped at the minute's start.
const METRIC_PERIOD: Span = Span::secs(60);
/// A point is published after its minute: the last good one may lie two minutes before a fault when
/// it is looked for.
const PUBLICATION_DELAY: Span = Span::secs(60);
/// The shortest `lagFresh`: two metric periods and the publication delay. With less, evidence from
/// before a fault would be too old by the time it can be had, and no failover would be allowed.
pub const SHORTEST_LAG_FRESH: Span =
    Span::secs(2 * METRIC_PERIOD.as_secs() + PUBLICATION_DELAY.as_secs());

/// The group's database, if it has one.
pub(super) fn resolve(report: &mut Report<'_>, spec: &GroupSpec) -> Option<Database> {
    for (index, database) in spec.databases.iter().enumerate() {
        check_freshness(report, database, &format!("spec.databases[{index}].rdsReadReplica"));
    }
    let database = spec.databases.first()?;
    Some(Database {
        name: ObjectName::new(&database.name),
        max_lag: database.rds_read_replica.max_lag,
        lag_fresh: database.rds_read_replica.lag_fresh,
        promote_timeout: database.rds_read_replica.promote_timeout,
        on_unknown: match database.fence.on_unknown {
            OnUnknownSpec::Proceed => OnUnknown::Proceed,
            OnUnknownSpec::Ask => OnUnknown::Ask,
        },
    })
}

fn check_freshness(report: &mut Report<'_>, database: &DatabaseSpec, path: &str) {
    let lag_fresh = database.rds_read_replica.lag_fresh;
    if lag_fresh < SHORTEST_LAG_FRESH {
        let message = format!(
            "{lag_fresh} is less than two metric periods and their delay ({SHORTEST_LAG_FRESH})"
        );
        let remedy = format!("write {SHORTEST_LAG_FRESH} or more");
        report.error(Code::LagFresh, &format!("{path}.lagFresh"), message, remedy);
    }
}

/// Both sites have a member exactly when there is a database, in one account.
pub(super) fn check_members(report: &mut Report<'_>, spec: &GroupSpec) {
    if !report.sound("spec.databases") {
        return;
    }
    for site in Site::BOTH {
        check_member(report, spec, site);
    }
    let role = |site| sites::written(&spec.sites, site).role_arn.as_deref();
    let account = |site| role(site).and_then(forms::account_of);
    let (home, standby) = (account(Site::Home), account(Site::Standby));
    let sound = report.sound("spec.sites.home.roleArn");
    if let (Some(home), Some(standby), true) = (home, standby, sound && !spec.databases.is_empty())
        && home != standby
    {
        let message = format!("home's role is of account {home}, standby's of {standby}");
        let remedy = "use one account: an RDS replica cannot cross accounts".to_owned();
        report.error(Code::Database, "spec.sites.standby.roleArn", message, remedy);
    }
}

fn check_member(report: &mut Report<'_>, spec: &GroupSpec, site: Site) {
    let path = format!("{}.database", sites::path_of(site));
    let member = sites::written(&spec.sites, site).database.is_some();
    match (spec.databases.is_empty(), member) {
        (true, true) => {
            let message = format!("{site} has a database member, and the group no database");
            let remedy = "add the database to spec.databases, or remove its member here".to_owned();
            report.error(Code::Database, &path, message, remedy);
        }
        (false, false) => {
            let message = format!("the group has a database, and {site} no member of it");
            let remedy = "add `database: {rdsInstance: …, closedSecurityGroup: …}`".to_owned();
            report.error(Code::Database, &path, message, remedy);
        }
        _ => {}
    }
}
