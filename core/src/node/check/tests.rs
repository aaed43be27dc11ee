//! A group that was looked at in small worlds: all findings at once, each with what to do.

use super::*;
use crate::model::Span;
use crate::node::testing::{Bench, Reply, fit, looked, looked_by};
use crate::op::{Answer, ElbOp, Fault, HealthCheckKind, KubeOp, Op, Route53Op};
use crate::testing::Ground;

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
        let finding = extra_findings(&policy, extra, &gone, |_| true);
        match extra {
            Extra::ZoneFence(_) => assert_eq!(finding.verdict, Verdict::Unknown),
            _ => assert_eq!(finding.verdict, Verdict::Failed, "{finding:?}"),
        }
    }
    let theirs = crate::testing::claim(9, "shop-9-failover");
    let apex = "example.com".into();
    let set = records_fence(&theirs);
    let fence = Extra::ZoneFence(apex);
    let told = Ok(Answer::Records(vec![set]));
    let finding = extra_findings(&policy, &fence, &told, |_| false);
    assert_eq!(finding.verdict, Verdict::Failed);
    assert!(finding.found.contains("shop-9-failover"), "{finding:?}");
    let finding = extra_findings(&policy, &fence, &told, |_| true);
    assert_eq!(finding.verdict, Verdict::Ok);
}

fn records_fence(claim: &crate::model::Claim) -> crate::op::RecordSet {
    let (group, apex) = ("shop".into(), "example.com".into());
    crate::levers::records::fence_set(&group, &apex, claim, Site::Standby)
}

/// How a thing was found, in one line.
fn told(findings: &[Finding], about: &str) -> String {
    let Finding { verdict, found, .. } = of(findings, about);
    format!("{verdict:?}: {found}")
}

/// The shop as it should be, but for what `odd` makes of an answer.
fn but(odd: impl Fn(&Op, Answer) -> Reply) -> Vec<Finding> {
    looked(|op| odd(op, fit(op)?)).check()
}

/// The shop with instances that are not as they should be.
fn with_instances(odd: impl Fn(Instance) -> Instance) -> Vec<Finding> {
    but(|_, answer| match answer {
        Answer::Instance(found) => Ok(Answer::Instance(odd(found))),
        other => Ok(other),
    })
}

#[test]
fn a_check_tells_how_everything_was_found() {
    let findings = but(|_, answer| match answer {
        Answer::Pool(mut view) => {
            view.limits = [("cpu".into(), 200_000), ("memory".into(), 800)].into();
            Ok(Answer::Pool(view))
        }
        other => Ok(other),
    });
    let all: Vec<_> = findings
        .iter()
        .map(|finding| format!("{:?}: {}: {}", finding.verdict, finding.about, finding.found))
        .collect();
    let site = |site: &str, region: &str, member: &str, closed: &str| {
        vec![
            format!("Ok: {site}: cluster eks:{region}/shop-{site}: answers; nobody claims it"),
            format!("Ok: {site}: load balancer web: {site}.elb.example"),
            format!("Ok: {site}: Deployment shop/web: 3 of 3 ready"),
            format!("Ok: {site}: Deployment shop/cache: 3 of 3 ready"),
            format!("Ok: {site}: Deployment shop/worker: 3 of 3 ready"),
            format!("Ok: {site}: RDS instance shop-{site}: {member}"),
            format!(
                "Ok: {site}: closed security group {closed}: not in force; that it admits \
                 replication and nobody else is not looked at"
            ),
        ]
    };
    let sized = "available, db.r6g.large, backups kept 7 days";
    let home = site("home", "eu-west-1", &format!("the writer, {sized}"), "sg-0aaaaaaaaaaaaaaaa");
    let replica = format!("replica of shop-home, {sized}");
    let standby = site("standby", "eu-central-1", &replica, "sg-0bbbbbbbbbbbbbbbb");
    let rest = [
        "Ok: standby: NodePool dr: limits: cpu 200, memory 800",
        "Ok: zone Z0123456789: example.com, 1 name servers",
        "Ok: always-closed health check 0a1b2c3d-4e5f-6789-abcd-ef0123456789: calculated, \
         threshold above its children, enabled",
        "Ok: records of shop.example.com: 2 failover sets as armed",
        "Ok: records of api.shop.example.com: 2 failover sets as armed",
        "Warning: recorded facts: home's replicas and settings were never recorded",
    ];
    assert_eq!(all, [home, standby, rest.map(String::from).to_vec()].concat());
}

#[test]
fn what_would_make_a_move_fail_is_told_for_each_object() {
    let findings = but(|op, answer| match answer {
        Answer::Zone(zone) => Ok(Answer::Zone(crate::op::ZoneInfo { private: true, ..zone })),
        Answer::Workload(view) => {
            Ok(Answer::Workload(crate::op::WorkloadView { claims_volumes: true, ..view }))
        }
        Answer::Pool(view) => {
            Ok(Answer::Pool(crate::op::PoolView { limits: Default::default(), ..view }))
        }
        Answer::HealthCheck(check) => {
            Ok(Answer::HealthCheck(HealthCheck { disabled: true, inverted: true, ..check }))
        }
        Answer::Instance(_) => Err(Fault::NotFound(format!("{op:?}"))),
        other => Ok(other),
    });
    for (about, found) in [
        ("zone Z0123456789", "Failed: it is private: private zones are refused"),
        (
            "home: Deployment shop/web",
            "Failed: it has volume claim templates: EBS volumes do not cross Regions",
        ),
        ("NodePool dr", "Ok: limits: none"),
        ("home: RDS instance", "Failed: RDS knows no such instance"),
        (
            "always-closed",
            "Failed: it is not always closed: Calculated { threshold: 1, children: 0 }, disabled, \
             inverted",
        ),
    ] {
        assert_eq!(told(&findings, about), found);
    }
    let gone = looked(|op| match op {
        Op::Kube(_, KubeOp::Workload(_)) => Err(Fault::NotFound("gone".into())),
        _ => fit(op),
    });
    assert_eq!(told(&gone.check(), "home: Deployment"), "Failed: there is no such object");
}

#[test]
fn a_member_in_the_wrong_role_is_told_and_one_that_lags_is_not_called_broken_at_home() {
    let standby_is_still = with_instances(|found| Instance { streaming: false, ..found });
    let of_members = |findings: &[Finding]| -> Vec<String> {
        let members = findings.iter().filter(|finding| finding.about.contains("RDS instance"));
        members.map(|finding| format!("{}: {}", finding.about, finding.found)).collect()
    };
    let told = of_members(&standby_is_still);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[2], "standby: RDS instance shop-standby: it does not stream");

    let replicas = with_instances(|found| Instance {
        source: Some("other".into()),
        streaming: false,
        ..found
    });
    let told = of_members(&replicas);
    assert_eq!(told[0], "home: RDS instance shop-home: it is a replica, not the writer");
    assert!(!told[1].starts_with("home"), "whether a writer streams is not asked: {told:?}");

    let writers = with_instances(|found| Instance { source: None, streaming: false, ..found });
    let told = of_members(&writers);
    assert_eq!(told[1..], ["standby: RDS instance shop-standby: it is no replica"]);
}

#[test]
fn a_closed_door_that_bowline_did_not_close_is_a_warning_and_its_own_is_none() {
    let closed = |op: &Op| match (op, fit(op)?) {
        (Op::Rds(..), Answer::Instance(mut found)) if found.id.as_str() == "shop-home" => {
            let policy = Ground::shop().policy;
            let group = policy.home.database.unwrap().closed_security_group;
            found.settings.security_groups = vec![group];
            Ok(Answer::Instance(found))
        }
        (_, answer) => Ok(answer),
    };
    let about = "home: closed security group";
    let bench = Bench::of(looked(closed));
    let found = told(&bench.group.check(), about);
    assert_eq!(found, "Warning: shop-home is in it now, and Bowline did not put it there");
    assert!(told(&bench.group.check(), "standby: closed").starts_with("Ok"));
    let left = bench.failed_over();
    assert!(left.group.ledger().fenced.contains(&Site::Home), "{:?}", left.group.ledger());
    assert!(told(&left.group.check(), about).starts_with("Ok"), "Bowline closed it");
}

#[test]
fn s1_a_strangers_claim_is_told_with_its_place_and_how_to_go_on() {
    let theirs = crate::testing::claim(9, "shop-9-failover");
    let group = looked(|op| match (op, fit(op)?) {
        (Op::Kube(cluster, _), Answer::Fence(None)) => {
            let at_standby = *cluster == Ground::shop().policy.standby.cluster;
            let view = crate::op::FenceView { version: "1".into(), claim: theirs.clone() };
            Ok(Answer::Fence(at_standby.then_some(view)))
        }
        (_, answer) => Ok(answer),
    });
    let findings = group.check();
    let finding = of(&findings, "fence: standby's cluster");
    assert_eq!(finding.verdict, Verdict::Failed);
    assert!(finding.remedy.as_ref().unwrap().ends_with("bowline journal import shop"));
    assert!(told(&findings, "standby: cluster").contains("its fence says epoch=9"));
    assert!(told(&findings, "home: cluster").contains("nobody claims it"));
}

#[test]
fn recorded_facts_are_counted() {
    let group = Bench::fit().recorded().group;
    assert!(told(&group.check(), "recorded facts").starts_with("Ok: home's 36 replicas, as of"));
}

#[test]
fn s4_every_look_that_has_no_answer_is_listed_with_what_it_met() {
    let mut policy = Ground::shop().policy;
    policy.capacity.floor = vec![policy.capacity.workloads[0].object.clone()];
    let group = looked_by(policy.clone(), |_| Err(Fault::Transient("503".into())));
    let site = |site: &str| {
        let looks = ["load balancer web", "database instance", "Deployment shop/web"];
        let more = ["Deployment shop/cache", "Deployment shop/worker"];
        let last = ["Deployment shop/web (floor)", "cluster"];
        let own = looks.into_iter().chain(more).chain(last).map(|what| format!("{site}'s {what}"));
        let mut own: Vec<_> = own.collect();
        own.insert(1, format!("target groups of {site}'s web"));
        own
    };
    let rest = [
        "standby's NodePool dr",
        "the always-closed health check",
        "records of shop.example.com",
        "records of api.shop.example.com",
        "the fence record in zone Z0123456789",
        "zone Z0123456789",
    ];
    let abouts = [site("home"), site("standby"), rest.map(String::from).to_vec()].concat();
    let waits = ["target groups", "the fence record"];
    let line = |about: String| match waits.iter().any(|what| about.starts_with(what)) {
        true => format!("{about}: no answer yet"),
        false => format!("{about}: {}", Fault::Transient("503".into())),
    };
    assert_eq!(group.missing(), abouts.into_iter().map(line).collect::<Vec<_>>());
    assert!(group.check().iter().all(|finding| finding.verdict != Verdict::Ok), "nothing is known");

    let quiet = looked_by(policy, |op| match op {
        Op::CloudWatch(..) => Err(Fault::Transient("503".into())),
        _ => fit(op),
    });
    let missing = quiet.missing();
    assert_eq!(missing.len(), 1, "only a replica has a lag: {missing:?}");
    assert!(missing[0].starts_with("replication to standby: "), "{missing:?}");
}

#[test]
fn a_node_tells_what_its_group_found_and_nothing_of_groups_it_has_not() {
    let mut node = Node::new(crate::node::NodeConfig { id: "a".into(), lease: Default::default() });
    node.groups = vec![looked(fit)];
    let (shop, other) = ("shop".into(), "other".into());
    assert_eq!(node.check(&shop), looked(fit).check());
    assert_eq!(node.apexes(&shop), [("Z0123456789".into(), "example.com".into())]);
    node.groups = vec![looked(|_| Err(Fault::Transient("503".into())))];
    assert_eq!(node.missing(&shop), node.groups[0].missing());
    assert!(!node.missing(&shop).is_empty() && node.missing(&other).is_empty());
    assert!(node.check(&other).is_empty() && node.apexes(&other).is_empty());
}

#[test]
fn what_is_looked_at_once_is_every_check_every_job_and_every_zones_fence() {
    let policy = Ground::shop().policy;
    let all = extras(&policy, &[("Z1".into(), "example.com".into())]);
    let words: Vec<_> = all.iter().map(|(extra, op)| format!("{extra:?} {op:?}")).collect();
    let wanted = [
        ["SiteCheck(Home", "HealthCheck(", "11111111-2222-3333-4444-555555555555"],
        ["SiteCheck(Standby", "HealthCheck(", "66666666-7777-8888-9999-000000000000"],
        ["Job(Home", "shop-home", "invoices"],
        ["Job(Standby", "shop-standby", "invoices"],
        ["ZoneFence", "Records {", "_bowline.shop.example.com"],
    ];
    assert_eq!(words.len(), wanted.len(), "{words:#?}");
    for (words, wanted) in words.iter().zip(wanted) {
        assert!(wanted.iter().all(|part| words.contains(part)), "{words}: {wanted:?}");
    }
}

#[test]
fn an_extra_look_tells_what_is_there_and_what_is_wrong_with_it() {
    let check = |disabled, threshold| {
        Ok(Answer::HealthCheck(HealthCheck {
            id: "h".into(),
            kind: HealthCheckKind::Calculated { threshold, children: 1 },
            disabled,
            inverted: false,
        }))
    };
    let job = |suspended| {
        let (version, active, note) = ("1".into(), 0, None);
        Ok(Answer::Job(crate::op::JobView { version, suspended, active, note }))
    };
    let down: Reply = Err(Fault::Transient("503".into()));
    let no_fence = crate::op::RecordSet {
        values: vec!["\"hello\"".into()],
        ..records_fence(&crate::testing::claim(1, "r1"))
    };
    let mut policy = Ground::shop().policy;
    (policy.automation.failover, policy.health.quorum) = (crate::policy::Mode::Automatic, 1);
    let probes = |secs, threshold| {
        Ok(Answer::HealthCheck(HealthCheck {
            id: "h".into(),
            kind: HealthCheckKind::Endpoint { interval: Span::secs(secs), threshold },
            disabled: false,
            inverted: false,
        }))
    };
    let own_check = Extra::SiteCheck(Site::Home, "h".into());
    let invoices = Extra::Job(Site::Home, Ground::shop().policy.capacity.jobs[0].object.clone());
    let fence = Extra::ZoneFence("example.com".into());
    for (extra, answer, wanted) in [
        (&own_check, check(false, 1), "Ok: it is there and enabled"),
        (&own_check, probes(10, 3), "Ok: it is there and enabled"),
        (&own_check, probes(30, 3), "Failed: it takes 1m30s to say that the site serves again"),
        (&own_check, check(true, 1), "Failed: it is disabled, and counts as healthy"),
        (&own_check, check(false, 2), "Failed: it is always unhealthy"),
        (&own_check, Ok(Answer::Ok), "Unknown: Ok"),
        (&own_check, down.clone(), "Unknown: "),
        (&invoices, job(true), "Ok: it is there, suspended"),
        (&invoices, job(false), "Ok: it is there"),
        (&invoices, down.clone(), "Unknown: "),
        (&fence, Ok(Answer::Records(Vec::new())), "Ok: nobody has moved these names yet"),
        (&fence, Ok(Answer::Records(vec![no_fence])), "Failed: the record is there and is no"),
        (&fence, Ok(Answer::Ok), "Unknown: Ok"),
        (&fence, down, "Unknown: "),
    ] {
        let finding = extra_findings(&policy, extra, &answer, |_| false);
        let found = format!("{:?}: {}", finding.verdict, finding.found);
        assert!(found.starts_with(wanted), "{extra:?} {answer:?}: {found}");
        assert_eq!(wanted.ends_with("suspended"), found.ends_with("suspended"), "{found}");
    }
}
