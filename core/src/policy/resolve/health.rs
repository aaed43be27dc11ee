//! Signals: what each looks at, its windows and its times.

use std::sync::Arc;

use super::traffic::check_load_balancer;
use super::verify::{Address, parse};
use super::{check_unique, host, quorum};
use crate::model::{HealthCheckId, LoadBalancerName, ObjectName, Span};
use crate::policy::code::Code;
use crate::policy::forms;
use crate::policy::recovery::Believes;
use crate::policy::report::Report;
use crate::policy::schema::{
    GroupSpec, HealthSpec, HttpSpec, KOfNSpec, ModeSpec, SchemeSpec, SignalSpec,
};
use crate::policy::suggest::listed;
use crate::policy::types::{Canary, HealthPolicy, HttpCheck, KOfN, Probe, SignalPolicy};

/// The stalls that moved others' databases took 43 s and 45 s; a confirm time must outlast them.
const LONGEST_KNOWN_STALL: Span = Span::secs(45);

/// The kinds of signals, as they are written.
pub(super) const KINDS: [&str; 7] =
    ["albTargets", "http", "route53Check", "clusterApi", "regionApi", "writeProbe", "progress"];

/// How health is judged.
pub(super) fn resolve(report: &mut Report<'_>, spec: &GroupSpec) -> HealthPolicy {
    let health = &spec.health;
    let names: Vec<(String, String)> = health
        .signals
        .iter()
        .enumerate()
        .map(|(index, signal)| (format!("{}.name", path_of(index)), signal.name.clone()))
        .collect();
    check_unique(report, "the signal", &names);
    let mut signals = Vec::new();
    for (index, written) in health.signals.iter().enumerate() {
        signals.extend(signal(report, spec, written, &path_of(index)));
    }
    check_confirm(report, health);
    quorum::check(report, spec);
    let policy = HealthPolicy {
        signals,
        quorum: health.quorum,
        confirm: health.confirm,
        stable_for: health.stable_for,
        canaries: canaries(report, &health.canaries),
    };
    if spec.automation.failover == ModeSpec::Automatic {
        check_recovery(report, &policy);
    }
    policy
}

/// What an automatic failover rests on is over before a site that serves again has served for
/// `confirm`.
fn check_recovery(report: &mut Report<'_>, health: &HealthPolicy) {
    let sound = report.sound("spec.health.confirm")
        && report.sound("spec.health.quorum")
        && report.sound_within("spec.health.signals");
    let old_news = health.old_news(Believes::FASTEST).filter(|_| sound);
    let Some((lasts, slowest)) = old_news.zip(health.slowest_outside()) else { return };
    let message = format!(
        "enough signals may say down for {lasts} when the site serves again, however fast AWS \
         notices, and confirm is {}: a site that serves would be left",
        health.confirm
    );
    let remedy = format!(
        "look more often, let fewer good samples end a down (of - need), or confirm for {lasts}"
    );
    report.error(Code::OldNews, &format!("{}.down", path_of(slowest)), message, remedy);
}

fn canaries(report: &mut Report<'_>, written: &[String]) -> Vec<Canary> {
    let mut found = Vec::new();
    for (index, url) in written.iter().enumerate() {
        let Some(Address { tls, host, port, path }) = parse(url) else {
            let at = format!("spec.health.canaries[{index}]");
            let message =
                format!("\"{}\" is not a web address with a DNS name", url.escape_debug());
            let remedy = "write it like https://checkip.amazonaws.com".to_owned();
            report.error(Code::BadText, &at, message, remedy);
            continue;
        };
        found.push(Canary { tls, host, port, path: Arc::from(path.as_str()) });
    }
    found
}

/// The path of a signal.
pub(super) fn path_of(index: usize) -> String {
    format!("spec.health.signals[{index}]")
}

fn signal(
    report: &mut Report<'_>,
    spec: &GroupSpec,
    written: &SignalSpec,
    path: &str,
) -> Option<SignalPolicy> {
    check_windows(report, written, path);
    check_times(report, spec, written, path);
    let probe = probe(report, written, path);
    if let Some((field, name)) = load_balancer(written) {
        check_load_balancer(report, spec, name, &format!("{path}.{field}.loadBalancer"));
    }
    Some(SignalPolicy {
        name: ObjectName::new(&written.name),
        probe: probe?,
        every: written.every,
        down: k_of_n(written.down),
        up: k_of_n(written.up),
    })
}

fn k_of_n(written: KOfNSpec) -> KOfN {
    KOfN { of: written.of, need: written.need }
}

/// The kinds that a signal has, in the order of [`KINDS`].
pub(super) fn kinds(written: &SignalSpec) -> Vec<&'static str> {
    let present = [
        written.alb_targets.is_some(),
        written.http.is_some(),
        written.route53_check.is_some(),
        written.cluster_api.is_some(),
        written.region_api.is_some(),
        written.write_probe.is_some(),
        written.progress.is_some(),
    ];
    KINDS.into_iter().zip(present).filter(|(_, present)| *present).map(|(kind, _)| kind).collect()
}

/// What a signal looks at, if it says exactly one thing.
fn probe(report: &mut Report<'_>, written: &SignalSpec, path: &str) -> Option<Probe> {
    let message = match kinds(written).as_slice() {
        [_] => return read_probe(report, written, path),
        [] => "the signal says nothing to look at".to_owned(),
        several => format!("{} are here, and exactly one may be", listed(several, "and")),
    };
    if KINDS.iter().all(|kind| report.sound(&format!("{path}.{kind}"))) {
        report.error(Code::OneOf, path, message, format!("write one of {}", listed(&KINDS, "or")));
    }
    None
}

fn read_probe(report: &mut Report<'_>, written: &SignalSpec, path: &str) -> Option<Probe> {
    if let Some(found) = &written.alb_targets {
        return Some(Probe::AlbTargets {
            load_balancer: LoadBalancerName::new(&found.load_balancer),
            minimum_healthy_percent: found.minimum_healthy_percent,
        });
    }
    if let Some(found) = &written.http {
        return Some(Probe::Http(http(report, found, &format!("{path}.http"))));
    }
    if let Some(found) = &written.write_probe {
        return Some(Probe::WriteProbe(http(report, found, &format!("{path}.writeProbe"))));
    }
    if let Some(found) = &written.route53_check {
        check_two_checks(report, &found.home, &found.standby, &format!("{path}.route53Check"));
        return Some(Probe::Route53Check {
            home: HealthCheckId::new(&found.home),
            standby: HealthCheckId::new(&found.standby),
        });
    }
    if let Some(found) = &written.progress {
        return Some(Probe::Progress {
            load_balancer: LoadBalancerName::new(&found.load_balancer),
        });
    }
    Some(if written.cluster_api.is_some() { Probe::ClusterApi } else { Probe::RegionApi })
}

fn check_two_checks(report: &mut Report<'_>, home: &str, standby: &str, path: &str) {
    if home == standby && report.sound(&format!("{path}.home")) {
        let message = "home and standby have the same health check".to_owned();
        let remedy = "name each site's own: one check cannot tell them apart".to_owned();
        report.error(Code::SameSite, &format!("{path}.standby"), message, remedy);
    }
}

fn http(report: &mut Report<'_>, written: &HttpSpec, path: &str) -> HttpCheck {
    let expect = forms::statuses(&written.expect).unwrap_or((200, 299));
    if expect.0 > expect.1 {
        let message = format!("\"{}\" ends before it begins", written.expect);
        let remedy = format!("write {}-{}", expect.1, expect.0);
        report.error(Code::BadText, &format!("{path}.expect"), message, remedy);
    }
    let tls = written.scheme == SchemeSpec::Https;
    HttpCheck {
        load_balancer: LoadBalancerName::new(&written.load_balancer),
        host: host(&written.host),
        path: Arc::from(written.path.as_str()),
        expect,
        timeout: written.timeout,
        tls,
        port: written.port.unwrap_or(if tls { 443 } else { 80 }),
    }
}

/// The load balancer that a signal refers to, and the kind that does.
fn load_balancer(written: &SignalSpec) -> Option<(&'static str, &str)> {
    let alb = written.alb_targets.as_ref().map(|found| ("albTargets", &found.load_balancer));
    let http = written.http.as_ref().map(|found| ("http", &found.load_balancer));
    let write = written.write_probe.as_ref().map(|found| ("writeProbe", &found.load_balancer));
    let progress = written.progress.as_ref().map(|found| ("progress", &found.load_balancer));
    alb.or(http).or(write).or(progress).map(|(kind, name)| (kind, name.as_str()))
}

/// Each window can be filled, and no samples can say up and down at once.
fn check_windows(report: &mut Report<'_>, written: &SignalSpec, path: &str) {
    let windows = [("down", written.down), ("up", written.up)];
    for (field, window) in windows {
        if window.need > window.of && report.sound_within(&format!("{path}.{field}")) {
            let message = format!("{} of the last {} samples cannot be", window.need, window.of);
            let remedy = format!("need at most {}", window.of);
            report.spoiling(Code::Window, &format!("{path}.{field}"), message, remedy);
        }
    }
    let (down, up) = (written.down, written.up);
    let longest = down.of.max(up.of);
    let sound = ["down", "up"].iter().all(|field| report.sound_within(&format!("{path}.{field}")));
    if down.need + up.need <= longest && sound {
        let message = format!(
            "the same {longest} samples can say up ({} good) and down ({} bad)",
            up.need, down.need
        );
        let remedy = format!("need {} or more good samples", longest + 1 - down.need);
        report.error(Code::Window, &format!("{path}.up"), message, remedy);
    }
}

fn check_times(report: &mut Report<'_>, spec: &GroupSpec, written: &SignalSpec, path: &str) {
    let every = format!("{path}.every");
    let timeouts = [("http", &written.http), ("writeProbe", &written.write_probe)];
    for (kind, found) in timeouts {
        let Some(found) = found else { continue };
        if found.timeout > written.every && report.sound(&every) {
            let at = format!("{path}.{kind}.timeout");
            let message = format!(
                "an answer is waited for longer ({}) than until the next sample ({})",
                found.timeout, written.every
            );
            let remedy = format!("wait at most {}", written.every);
            report.error(Code::Times, &at, message, remedy);
        }
    }
    if written.every > spec.health.confirm && report.sound("spec.health.confirm") {
        let message = format!(
            "no sample need fall into the confirm time: one every {}, and confirm is {}",
            written.every, spec.health.confirm
        );
        let remedy = format!("look at least every {}", spec.health.confirm);
        report.error(Code::Times, &every, message, remedy);
    }
}

fn check_confirm(report: &mut Report<'_>, health: &HealthSpec) {
    if health.confirm <= LONGEST_KNOWN_STALL {
        let message =
            format!("stalls of up to {LONGEST_KNOWN_STALL} that pass by themselves trip it");
        let remedy = "write 60s or more, unless a false alarm costs you nothing".to_owned();
        report.warning(Code::ShortConfirm, "spec.health.confirm", message, remedy);
    }
}
