//! What a check looks at beside the survey: things a running replica has no need to read again and
//! again.

use super::{Finding, Verdict};
use crate::levers::records;
use crate::model::{HealthCheckId, Host, JobRef, Site};
use crate::op::{Answer, Fault, HealthCheck, HealthCheckKind, KubeOp, Op, Route53Op};
use crate::policy::{Believes, Lever, Mode, Policy, Probe};

/// Something to look at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extra {
    /// A `route53Check`'s own check at a site.
    SiteCheck(Site, HealthCheckId),
    /// A CronJob at a site.
    Job(Site, JobRef),
    /// The group's fence record in a zone, by the zone's apex.
    ZoneFence(Host),
}

/// Everything to look at once for a policy; `apexes` are the zones' names.
#[must_use]
pub fn extras(policy: &Policy, apexes: &[(crate::model::ZoneId, Host)]) -> Vec<(Extra, Op)> {
    let role = policy.lever.role();
    let mut all = Vec::new();
    for signal in &policy.health.signals {
        let Probe::Route53Check { home, standby } = &signal.probe else { continue };
        for (site, id) in [(Site::Home, home), (Site::Standby, standby)] {
            let op = Op::Route53(role.cloned(), Route53Op::HealthCheck(id.clone()));
            all.push((Extra::SiteCheck(site, id.clone()), op));
        }
    }
    for site in Site::BOTH {
        for job in &policy.capacity.jobs {
            let op = KubeOp::Job(job.object.clone());
            let op = Op::Kube(policy.site(site).cluster.clone(), op);
            all.push((Extra::Job(site, job.object.clone()), op));
        }
    }
    if let Lever::Records(_) = &policy.lever {
        for (zone, apex) in apexes {
            let name = records::fence_name(&policy.group, apex);
            let op = Route53Op::Records { zone: zone.clone(), name };
            all.push((Extra::ZoneFence(apex.clone()), Op::Route53(role.cloned(), op)));
        }
    }
    all
}

/// What an extra look for a policy found; `ours` says whether a claim is one that the journal
/// knows.
#[must_use]
pub fn extra_findings(
    policy: &Policy,
    extra: &Extra,
    answer: &Result<Answer, Fault>,
    ours: impl Fn(&crate::model::Claim) -> bool,
) -> Finding {
    match extra {
        Extra::SiteCheck(site, id) => site_check(policy, *site, id, answer),
        Extra::Job(site, job) => cron_job(*site, job, answer),
        Extra::ZoneFence(apex) => zone_fence(apex, answer, ours),
    }
}

fn site_check(
    policy: &Policy,
    site: Site,
    id: &HealthCheckId,
    answer: &Result<Answer, Fault>,
) -> Finding {
    let about = format!("{site}: health check {id}");
    let remedy = "correct the id in the route53Check signal, or the DNS role's rights";
    match answer {
        Ok(Answer::HealthCheck(check)) if check.disabled => Finding::bad(
            Verdict::Failed,
            about,
            "it is disabled, and counts as healthy whatever happens",
            "enable it",
        ),
        Ok(Answer::HealthCheck(check)) if check.always_closed() => Finding::bad(
            Verdict::Failed,
            about,
            "it is always unhealthy",
            "name the site's own check; the always-closed one is closedHealthCheckId",
        ),
        Ok(Answer::HealthCheck(check)) => match slow(policy, check) {
            Some(found) => Finding::bad(
                Verdict::Failed,
                about,
                found,
                "make one with a request interval of 10 s and a failure threshold of 3 or less, or \
                 lengthen confirm",
            ),
            None => Finding::ok(about, "it is there and enabled"),
        },
        Ok(other) => Finding::bad(Verdict::Unknown, about, format!("{other:?}"), remedy),
        Err(Fault::NotFound(_)) => {
            Finding::bad(Verdict::Failed, about, "there is no such check", remedy)
        }
        Err(fault) => Finding::bad(Verdict::Unknown, about, fault.to_string(), remedy),
    }
}

/// What is wrong with a check that goes on saying *down* for too long when its site serves again.
fn slow(policy: &Policy, check: &HealthCheck) -> Option<String> {
    let HealthCheckKind::Endpoint { interval, threshold } = check.kind else { return None };
    let aws = Believes::with_checks(interval, threshold);
    let by_itself = policy.automation.failover == Mode::Automatic;
    let lasts = policy.health.old_news(aws).filter(|_| by_itself)?;
    Some(format!(
        "it takes {} to say that the site serves again: a failover may begin {lasts} after that, \
         and confirm is {}",
        aws.route53, policy.health.confirm
    ))
}

fn cron_job(site: Site, job: &JobRef, answer: &Result<Answer, Fault>) -> Finding {
    let about = format!("{site}: CronJob {}/{}", job.namespace, job.name);
    match answer {
        Ok(Answer::Job(view)) if view.suspended => Finding::ok(about, "it is there, suspended"),
        Ok(_) => Finding::ok(about, "it is there"),
        Err(Fault::NotFound(_)) => Finding::bad(
            Verdict::Failed,
            about,
            "there is no such object",
            "deploy it at both sites, suspended where it does not run",
        ),
        Err(fault) => {
            let remedy = "the cluster must answer, and its roles let Bowline read it";
            Finding::bad(Verdict::Unknown, about, fault.to_string(), remedy)
        }
    }
}

fn zone_fence(
    apex: &Host,
    answer: &Result<Answer, Fault>,
    ours: impl Fn(&crate::model::Claim) -> bool,
) -> Finding {
    let about = format!("fence record in {apex}");
    let sets = match answer {
        Ok(Answer::Records(sets)) => sets,
        Ok(other) => {
            let words = format!("{other:?}");
            return Finding::bad(Verdict::Unknown, about, words, "ask again");
        }
        Err(fault) => {
            let remedy = "Route 53 must answer, and the DNS role let Bowline list records";
            return Finding::bad(Verdict::Unknown, about, fault.to_string(), remedy);
        }
    };
    match sets.iter().find_map(records::read_fence) {
        None if sets.is_empty() => Finding::ok(about, "nobody has moved these names yet"),
        None => Finding::bad(
            Verdict::Failed,
            about,
            "the record is there and is no fence of Bowline's",
            "delete it, if nobody else uses that name",
        ),
        Some(claim) if ours(&claim) => Finding::ok(about, format!("{claim}, which is ours")),
        Some(claim) => Finding::bad(
            Verdict::Failed,
            about,
            format!("somebody else's claim stands: {claim}"),
            "import their journal first (bowline journal import), or find out who they are",
        ),
    }
}
