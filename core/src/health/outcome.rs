//! Which answers of a probe speak for a site, which against it, and which tell nothing.
//!
//! ```text
//! kind          good                       bad                         silent
//! albTargets    every matching target      one has less, or no         any fault of the API
//!               group has its share of     targets at all; there is
//!               healthy targets            no group, or no load
//!                                          balancer
//! http,         a status within            another status; refused,    the load balancer's name is
//! writeProbe    `expect`                   reset or timed out          not found, Bowline's own
//!                                          (Transient, Unknown)        rate limit, a request that
//!                                                                      cannot be made
//! route53Check  more than 18 % of the      fewer do                    no checker reported; any
//!               checkers say healthy                                   fault of the API
//! clusterApi    the API server is ready    no answer (Transient,       an answer that is no
//!                                          Unknown)                    readiness (Denied, …)
//! regionApi     most of the Region's       two or more, and more       anything else
//!               APIs answer                than half, do not, while
//!                                          all of the other Region's,
//!                                          at least two, do
//! progress      requests were served in    never                       anything else
//!               a period that began after
//!               the last one counted
//! ```
//!
//! An API *answers* when it says anything, a refusal too. `clusterApi` calls no answer bad, since
//! that is all it claims to know; it is no user-facing kind, so it can second a "no" but never make
//! one. `progress` never speaks against a site: CloudWatch publishes late, and silence proves
//! nothing.

use super::window::Outcome;
use crate::bugs::{self, Bug};
use crate::model::{Counted, Wall};
use crate::op::{Answer, Fault, TargetHealth};
use crate::policy::{HttpCheck, Probe};

/// The answers of one look of one signal at one site.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// What the site's own calls answered.
    pub own: &'a [Result<Answer, Fault>],
    /// What the same calls to the other site's Region answered (only `regionApi` looks at it).
    pub other: &'a [Result<Answer, Fault>],
    /// For `progress`: only periods that began at or after this count, by the service's clock. The
    /// caller passes the later of the first bad sample and the period after the last one counted.
    pub progress_after: Wall,
}

impl<'a> Round<'a> {
    /// A round that needs nothing but the site's own answers.
    #[must_use]
    pub fn of(own: &'a [Result<Answer, Fault>]) -> Self {
        Self { own, other: &[], progress_after: Wall(i64::MIN) }
    }
}

/// What the look tells, by the table of this module.
#[must_use]
pub fn outcome(probe: &Probe, round: &Round<'_>) -> Outcome {
    match probe {
        Probe::AlbTargets { minimum_healthy_percent, .. } => {
            alb_targets(round.own, *minimum_healthy_percent)
        }
        Probe::Http(check) | Probe::WriteProbe(check) => first(round.own, |r| http(r, check)),
        Probe::Route53Check { .. } => first(round.own, route53_check),
        Probe::ClusterApi => first(round.own, cluster_api),
        Probe::RegionApi => region_api(round.own, round.other),
        Probe::Progress { .. } => first(round.own, |r| progress(r, round.progress_after)),
    }
}

/// Judges the first answer of a round; an empty round tells nothing.
fn first(
    own: &[Result<Answer, Fault>],
    judge: impl Fn(&Result<Answer, Fault>) -> Outcome,
) -> Outcome {
    own.first().map_or(Outcome::Silent, judge)
}

/// Every matching target group must have its share: one with only unhealthy targets makes the whole
/// load balancer unhealthy for Route 53, and so does an empty one.
fn alb_targets(own: &[Result<Answer, Fault>], minimum_percent: u32) -> Outcome {
    let group = |result: &Result<Answer, Fault>| match result {
        Ok(Answer::Targets(health)) if enough(*health, minimum_percent) => Outcome::Good,
        Ok(Answer::Targets(_) | Answer::LoadBalancer(None)) => Outcome::Bad,
        Ok(Answer::TargetGroups(groups)) if groups.is_empty() => Outcome::Bad,
        _ if bugs::on(Bug::SilenceIsDown) => Outcome::Bad,
        _ => Outcome::Silent,
    };
    let outcomes = || own.iter().map(group);
    if outcomes().any(|outcome| outcome == Outcome::Bad) {
        Outcome::Bad
    } else if own.is_empty() || outcomes().any(|outcome| outcome == Outcome::Silent) {
        Outcome::Silent
    } else {
        Outcome::Good
    }
}

/// Whether a target group has its share of healthy targets, and any at all.
fn enough(health: TargetHealth, minimum_percent: u32) -> bool {
    let (healthy, total) = (u64::from(health.healthy), u64::from(health.total));
    healthy > 0 && healthy * 100 >= total * u64::from(minimum_percent)
}

fn http(result: &Result<Answer, Fault>, check: &HttpCheck) -> Outcome {
    let (lowest, highest) = check.expect;
    match result {
        Ok(Answer::Http(seen)) if (lowest..=highest).contains(&seen.status) => Outcome::Good,
        Ok(Answer::Http(_)) | Err(Fault::Transient(_) | Fault::Unknown(_)) => Outcome::Bad,
        _ => Outcome::Silent,
    }
}

/// A Route 53 health check is healthy while more than this share of its checkers say so, in percent
/// (Amazon Route 53 Developer Guide, "How Route 53 determines whether a health check is healthy").
const CHECKERS_PERCENT: u64 = 18;

fn route53_check(result: &Result<Answer, Fault>) -> Outcome {
    match result {
        Ok(Answer::CheckStatus { of: 0, .. }) => Outcome::Silent,
        Ok(Answer::CheckStatus { healthy, of }) => {
            if u64::from(*healthy) * 100 > u64::from(*of) * CHECKERS_PERCENT {
                Outcome::Good
            } else {
                Outcome::Bad
            }
        }
        _ if bugs::on(Bug::SilenceIsDown) => Outcome::Bad,
        _ => Outcome::Silent,
    }
}

fn cluster_api(result: &Result<Answer, Fault>) -> Outcome {
    match result {
        Ok(_) => Outcome::Good,
        Err(Fault::Transient(_) | Fault::Unknown(_)) => Outcome::Bad,
        Err(_) => Outcome::Silent,
    }
}

fn region_api(own: &[Result<Answer, Fault>], other: &[Result<Answer, Fault>]) -> Outcome {
    let silent = own.iter().filter(|result| !answers(result)).count();
    // What was over our own share was never sent.
    let sent = own.iter().filter(|r| !matches!(r, Err(fault) if fault.turn().is_some()));
    let sent = sent.count();
    if silent * 2 < sent {
        return Outcome::Good;
    }
    let most_silent = silent * 2 > sent;
    if silent >= 2 && most_silent && other.len() >= 2 && other.iter().all(answers) {
        return Outcome::Bad;
    }
    Outcome::Silent
}

/// Whether the API said anything at all.
fn answers(result: &Result<Answer, Fault>) -> bool {
    !matches!(result, Err(Fault::Transient(_) | Fault::Unknown(_)))
}

fn progress(result: &Result<Answer, Fault>, after: Wall) -> Outcome {
    let served = |point: &Counted| point.at >= after && point.thousandths > 0;
    match result {
        Ok(Answer::Points(points)) if points.iter().any(served) => Outcome::Good,
        _ => Outcome::Silent,
    }
}

#[cfg(test)]
mod tests;
