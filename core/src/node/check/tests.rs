//! A group that was looked at in small worlds: all findings at once, each with what to do.

use super::*;
use crate::model::{Mono, Now, Wall};
use crate::node::survey::Look;
use crate::op::{
    Answer, CloudWatchOp, ElbOp, Fault, HealthCheckKind, KubeOp, Op, RdsOp, Route53Op, ZoneInfo,
};
use crate::testing::{Ground, instance};

/// The shop's group, its survey answered by a world.
fn looked(world: impl Fn(&Op) -> Result<Answer, Fault>) -> Group {
    let ground = Ground::shop();
    let mut group = Group::new(1, ground.policy.clone());
    let now = Now { mono: Mono(1), wall: Wall(1_000_000) };
    // Target groups are looked up once their load balancer is known.
    for round in 0..3 {
        let now = Now { mono: Mono(1 + round * 20_000), ..now };
        for (index, op) in group.survey.due(&group.policy, &group.known, now) {
            let look: Look = group.survey.look(index).unwrap().clone();
            let answer = match world(&op) {
                Err(Fault::Invalid(_)) => continue,
                other => other,
            };
            group.known.take(index, &look, now, answer);
        }
    }
    group
}

/// The shop as it should be.
fn fit(op: &Op) -> Result<Answer, Fault> {
    let ground = Ground::shop();
    let site = |region: &str| {
        let home = ground.policy.home.scope.region.as_str() == region;
        if home { Site::Home } else { Site::Standby }
    };
    match op {
        Op::Elb(scope, ElbOp::Find(_)) => {
            let found = &ground.facts.load_balancers[&site(scope.region.as_str())];
            Ok(Answer::LoadBalancer(found.values().next().cloned()))
        }
        Op::Elb(..) => Ok(Answer::TargetGroups(vec!["tg".into()])),
        Op::Rds(scope, RdsOp::Describe(id)) => {
            let site = site(scope.region.as_str());
            let source = (site == Site::Standby).then_some("shop-home");
            Ok(Answer::Instance(instance(id.as_str(), site, &format!("db-{site}"), source)))
        }
        Op::CloudWatch(_, CloudWatchOp::Points { .. }) => Ok(Answer::Points(Vec::new())),
        Op::Kube(_, KubeOp::Fence(_)) => Ok(Answer::Fence(None)),
        Op::Kube(_, KubeOp::Workload(_)) => Ok(Answer::Workload(crate::op::WorkloadView {
            version: "1".into(),
            wanted: 3,
            ready: 3,
            pods: 3,
            note: None,
            claims_volumes: false,
        })),
        Op::Kube(_, KubeOp::Pool(_)) => {
            let limits = [("cpu".into(), 0)].into();
            Ok(Answer::Pool(crate::op::PoolView { version: "1".into(), limits, note: None }))
        }
        Op::Route53(_, Route53Op::Zone(_)) => Ok(Answer::Zone(ZoneInfo {
            apex: "example.com".into(),
            private: false,
            name_servers: vec!["ns1.example".into()],
        })),
        Op::Route53(_, Route53Op::HealthCheck(id)) => Ok(Answer::HealthCheck(HealthCheck {
            id: id.clone(),
            kind: HealthCheckKind::Calculated { threshold: 1, children: 0 },
            disabled: false,
            inverted: false,
        })),
        Op::Route53(_, Route53Op::Records { name, .. }) => Ok(Answer::Records(sets(&ground, name))),
        other => Err(Fault::Invalid(format!("not in this world: {other:?}"))),
    }
}

fn sets(ground: &Ground, name: &crate::model::Host) -> Vec<crate::op::RecordSet> {
    let sets = ground.facts.zones.values().flat_map(|zone| &zone.sets);
    let armed = sets.filter(|armed| armed.set.name == *name);
    armed
        .map(|armed| {
            let own = collect::own_check(&ground.policy, armed.site);
            let mut armed = armed.clone();
            armed.own_check = own.or(armed.own_check);
            let Lever::Records(lever) = &ground.policy.lever else { unreachable!() };
            armed.when_active(Site::Home, &lever.closed_health_check)
        })
        .collect()
}

fn of<'a>(findings: &'a [Finding], about: &str) -> &'a Finding {
    let found = findings.iter().find(|finding| finding.about.contains(about));
    found.unwrap_or_else(|| panic!("nothing about {about} in {findings:#?}"))
}

#[test]
fn a_fit_group_has_nothing_failed_and_its_survey_is_complete() {
    let group = looked(fit);
    assert_eq!(group.missing(), Vec::<String>::new());
    let findings = group.check();
    let bad: Vec<_> = findings.iter().filter(|f| f.verdict > Verdict::Warning).collect();
    assert_eq!(bad, Vec::<&Finding>::new());
    assert_eq!(of(&findings, "recorded facts").verdict, Verdict::Warning);
    assert!(of(&findings, "RDS instance shop-standby").found.contains("replica of shop-home"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_remedy() {
    let findings = looked(|op| match op {
        Op::Rds(..) => match fit(op)? {
            Answer::Instance(found) => {
                let mut settings = found.settings.clone();
                settings.backup_retention_days = 0;
                let changed = Instance { managed_password: true, settings, ..found };
                Ok(Answer::Instance(changed))
            }
            other => Ok(other),
        },
        Op::Kube(_, KubeOp::Pool(name)) => Err(Fault::NotFound(name.to_string())),
        Op::Route53(_, Route53Op::HealthCheck(id)) => Ok(Answer::HealthCheck(HealthCheck {
            id: id.clone(),
            kind: HealthCheckKind::Calculated { threshold: 1, children: 3 },
            disabled: false,
            inverted: false,
        })),
        _ => fit(op),
    })
    .check();
    let failed: Vec<_> = findings.iter().filter(|f| f.verdict == Verdict::Failed).collect();
    let told = |words: &str| failed.iter().any(|finding| finding.found.contains(words));
    for words in ["master password", "backups on", "no such NodePool", "not always closed"] {
        assert!(told(words), "{words}: {failed:#?}");
    }
    assert!(failed.iter().all(|finding| finding.remedy.is_some()));
}

#[test]
fn a_name_that_external_dns_owns_or_that_looks_otherwise_is_refused() {
    let txt = |name: &crate::model::Host| crate::op::RecordSet {
        name: name.clone(),
        kind: crate::op::RecordType::Txt,
        set_identifier: None,
        failover: None,
        health_check: None,
        ttl_secs: Some(300),
        values: vec!["\"heritage=external-dns,external-dns/owner=x\"".into()],
        alias: None,
    };
    let owned = looked(|op| match (op, fit(op)?) {
        (Op::Route53(_, Route53Op::Records { name, .. }), Answer::Records(sets)) => {
            Ok(Answer::Records([sets, vec![txt(name)]].concat()))
        }
        (_, answer) => Ok(answer),
    });
    let findings = owned.check();
    let finding = of(&findings, "records of");
    assert_eq!(finding.verdict, Verdict::Failed);
    assert!(finding.remedy.as_ref().unwrap().contains("external-dns"), "{finding:?}");

    let swapped = looked(|op| match fit(op)? {
        Answer::Records(mut sets) => {
            for set in &mut sets {
                set.failover = Some(crate::op::Failover::Primary);
            }
            Ok(Answer::Records(sets))
        }
        answer => Ok(answer),
    });
    let findings = swapped.check();
    assert!(of(&findings, "records of").found.contains("SECONDARY"), "{findings:#?}");
}

#[test]
fn s4_what_does_not_answer_is_unknown_and_says_what_it_met() {
    let group = looked(|op| match op {
        Op::Kube(..) | Op::Elb(..) => Err(Fault::Transient("connection refused".into())),
        _ => fit(op),
    });
    let missing = group.missing();
    let of_home = missing.iter().find(|one| one.starts_with("home's cluster: "));
    assert!(of_home.is_some_and(|one| one.contains("connection refused")), "{missing:?}");
    let findings = group.check();
    assert_eq!(of(&findings, "home: cluster").verdict, Verdict::Unknown);
    assert!(of(&findings, "home: cluster").found.contains("connection refused"));
    assert_eq!(of(&findings, "home: load balancer").verdict, Verdict::Unknown);
    let none = looked(|op| match op {
        Op::Elb(_, ElbOp::Find(_)) => Ok(Answer::LoadBalancer(None)),
        _ => fit(op),
    });
    let findings = none.check();
    assert_eq!(of(&findings, "home: load balancer").verdict, Verdict::Failed, "that is known");
}

#[test]
fn extra_looks_tell_a_missing_check_a_strangers_fence_and_a_missing_job() {
    let policy = Ground::shop().policy;
    let all = extras(&policy, &[("Z1".into(), "example.com".into())]);
    assert!(all.iter().all(|(_, op)| !op.mutates()));
    let gone = Err(Fault::NotFound("gone".into()));
    for (extra, _) in &all {
        let finding = extra_findings(extra, &gone, |_| true);
        match extra {
            Extra::ZoneFence(_) => assert_eq!(finding.verdict, Verdict::Unknown),
            _ => assert_eq!(finding.verdict, Verdict::Failed, "{finding:?}"),
        }
    }
    let theirs = crate::testing::claim(9, "shop-9-failover");
    let apex = "example.com".into();
    let set = records_fence(&theirs);
    let fence = Extra::ZoneFence(apex);
    let finding = extra_findings(&fence, &Ok(Answer::Records(vec![set.clone()])), |_| false);
    assert_eq!(finding.verdict, Verdict::Failed);
    assert!(finding.found.contains("shop-9-failover"), "{finding:?}");
    let finding = extra_findings(&fence, &Ok(Answer::Records(vec![set])), |_| true);
    assert_eq!(finding.verdict, Verdict::Ok);
}

fn records_fence(claim: &crate::model::Claim) -> crate::op::RecordSet {
    let (group, apex) = ("shop".into(), "example.com".into());
    crate::levers::records::fence_set(&group, &apex, claim, Site::Standby)
}
