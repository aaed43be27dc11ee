//! What Route 53 makes of its health checks: the checkers' votes, calculated checks, inversion.

use std::collections::BTreeMap;

use aws_sdk_route53::types::{HealthCheck, HealthCheckConfig, HealthCheckType};
use bowline_core::model::HealthCheckId;

/// Which checks are healthy.
pub(crate) type States = BTreeMap<HealthCheckId, bool>;

/// A check is healthy while more than this part of the checkers say so, in percent.
const QUORUM_PERCENT: usize = 18;
/// How deep calculated checks may stand on others; Route 53 lets them stand on no calculated one
/// but through two levels.
const DEPTH: u32 = 4;

/// Whether more than 18 % of the reports say success. Without reports it is healthy: a new check
/// starts so.
pub(crate) fn vote<'a>(reports: impl Iterator<Item = &'a str>) -> bool {
    let (mut all, mut well) = (0, 0);
    for report in reports {
        all += 1;
        well += usize::from(report.starts_with("Success"));
    }
    agree(well, all)
}

/// Whether so many checkers of all suffice.
pub(crate) fn agree(well: usize, all: usize) -> bool {
    all == 0 || well * 100 > all * QUORUM_PERCENT
}

/// Whether checkers probe it.
pub(crate) fn is_endpoint(config: &HealthCheckConfig) -> bool {
    use HealthCheckType::{Http, HttpStrMatch, Https, HttpsStrMatch, Tcp};
    matches!(config.r#type, Http | HttpStrMatch | Https | HttpsStrMatch | Tcp)
}

/// The state of every check, given what the checkers say of endpoints.
pub(crate) fn states(checks: &[HealthCheck], votes: &States) -> States {
    let judge = Judge { checks, votes };
    checks.iter().map(|one| (one.id.as_str().into(), judge.healthy(&one.id, DEPTH))).collect()
}

struct Judge<'a> {
    checks: &'a [HealthCheck],
    votes: &'a States,
}

impl Judge<'_> {
    /// A disabled check is healthy; what is no check any more, too.
    fn healthy(&self, id: &str, depth: u32) -> bool {
        let config = self.checks.iter().find(|one| one.id == id);
        let Some(config) = config.and_then(|one| one.health_check_config.as_ref()) else {
            return true;
        };
        if config.disabled == Some(true) {
            return true;
        }
        let well = match config.r#type {
            HealthCheckType::Calculated => self.calculated(config, depth),
            _ => self.votes.get(&HealthCheckId::new(id)).copied().unwrap_or(true),
        };
        well != (config.inverted == Some(true))
    }

    fn calculated(&self, config: &HealthCheckConfig, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let children = config.child_health_checks.as_deref().unwrap_or_default();
        let well = children.iter().filter(|child| self.healthy(child, depth)).count();
        i64::try_from(well).is_ok_and(|well| well >= config.health_threshold.unwrap_or(0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, config: HealthCheckConfig) -> HealthCheck {
        let built = HealthCheck::builder().id(id).caller_reference(id).health_check_version(1);
        built.health_check_config(config).build().unwrap()
    }

    fn endpoint(id: &str, disabled: bool, inverted: bool) -> HealthCheck {
        let config = HealthCheckConfig::builder().r#type(HealthCheckType::Http);
        check(id, config.disabled(disabled).inverted(inverted).build().unwrap())
    }

    fn calculated(id: &str, threshold: i32, children: &[&str]) -> HealthCheck {
        let config = HealthCheckConfig::builder().r#type(HealthCheckType::Calculated);
        let children = children.iter().map(|c| (*c).to_owned()).collect();
        let config = config.health_threshold(threshold).set_child_health_checks(Some(children));
        check(id, config.build().unwrap())
    }

    fn of(checks: &[HealthCheck], id: &str, down: &[&str]) -> bool {
        let votes = down.iter().map(|id| ((*id).into(), false)).collect();
        states(checks, &votes)[&HealthCheckId::new(id)]
    }

    #[test]
    fn a_check_is_healthy_while_more_than_18_percent_of_the_checkers_say_so() {
        let reports = |well: usize, all: usize| {
            (0..all).map(move |n| if n < well { "Success: 200" } else { "Failure: refused" })
        };
        for (well, all, healthy) in [(16, 16, true), (3, 16, true), (2, 16, false), (0, 8, false)] {
            assert_eq!(vote(reports(well, all)), healthy, "{well} of {all}");
        }
        assert!(vote(reports(0, 0)), "nobody has looked yet");
    }

    #[test]
    fn a_threshold_above_the_children_is_a_gate_that_is_always_closed() {
        let checks = [endpoint("a", false, false), calculated("closed", 2, &["a"])];
        assert!(!of(&checks, "closed", &[]) && !of(&checks, "closed", &["a"]));
        let open = [endpoint("a", false, false), calculated("open", 0, &["a"])];
        assert!(of(&open, "open", &["a"]));
        let any = [endpoint("a", false, false), calculated("any", 1, &["a", "gone"])];
        assert!(of(&any, "any", &["a"]), "what is gone counts as healthy");
    }

    #[test]
    fn disabled_is_healthy_and_inverted_is_turned_round() {
        let checks = [endpoint("off", true, true), endpoint("not", false, true)];
        assert!(of(&checks, "off", &["off"]));
        assert!(of(&checks, "not", &["not"]) && !of(&checks, "not", &[]));
    }

    #[test]
    fn calculated_checks_that_stand_on_themselves_are_unhealthy() {
        assert!(!of(&[calculated("loop", 1, &["loop"])], "loop", &[]));
    }
}
