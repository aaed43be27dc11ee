//! Resolving: what a policy must not say.

use crate::model::{Cluster, Span};
use crate::policy::testing::{STANDBY_ARN, Slip};
use crate::policy::types::{Lever, Mode, Probe, Replicas};
use crate::policy::{Action, Believes, Code, Policy};

fn names(policy: &Policy) -> Vec<String> {
    let Lever::Records(records) = &policy.lever else { panic!("records") };
    records.names.iter().map(|record| record.name.to_string()).collect()
}

#[test]
fn a_standby_in_homes_region_is_refused() {
    let arn = "arn:aws:elasticloadbalancing:eu-central-1";
    let slip = Slip::new("region: eu-central-1", "region: «eu-west-1»")
        .and(arn, "arn:aws:elasticloadbalancing:eu-west-1");
    let (message, _) = slip.is(Code::SameSite, "spec.sites.standby.region");
    assert_eq!(message, "standby has the same Region as home: eu-west-1");
}

#[test]
fn a_standby_that_is_home_in_everything_is_told_in_everything() {
    let slip = Slip::new("region: eu-central-1", "region: eu-west-1")
        .and("eks: shop-standby", "eks: shop-home")
        .and("rdsInstance: shop-standby", "rdsInstance: shop-home")
        .and("sg-0bbbbbbbbbbbbbbbb", "sg-0aaaaaaaaaaaaaaaa")
        .and(
            &format!("{{arn: \"{STANDBY_ARN}\"}}"),
            "{tags: {elbv2.k8s.aws/cluster: shop-home, ingress.k8s.aws/stack: shop/web}}",
        );
    let problems = slip.load().expect_err("one site");
    assert!(problems.list.iter().all(|problem| problem.code == Code::SameSite), "{problems}");
    let fields: Vec<&str> =
        problems.list.iter().map(|p| p.path.trim_start_matches("spec.sites.standby.")).collect();
    let expected = [
        "region",
        "loadBalancers.web",
        "cluster",
        "database.rdsInstance",
        "database.closedSecurityGroup",
    ];
    assert_eq!(fields, expected);
}

#[test]
fn the_same_context_or_secret_is_the_same_cluster_in_any_region() {
    for key in ["context", "kubeconfigSecret"] {
        Slip::new("cluster: {eks: shop-home}", &format!("cluster: {{{key}: one}}"))
            .and("cluster: {eks: shop-standby}", &format!("«cluster»: {{{key}: one}}"))
            .is(Code::SameSite, "spec.sites.standby.cluster");
    }
}

#[test]
fn equal_names_in_two_regions_are_two_things() {
    Slip::new("eks: shop-standby", "eks: shop-home")
        .and("rdsInstance: shop-standby", "rdsInstance: shop-home")
        .is_fine();
}

#[test]
fn the_same_security_group_cannot_close_both() {
    Slip::new("sg-0bbbbbbbbbbbbbbbb", "«sg-0aaaaaaaaaaaaaaaa»")
        .is(Code::SameSite, "spec.sites.standby.database.closedSecurityGroup");
}

#[test]
fn a_load_balancer_lies_in_its_sites_region() {
    let old = format!("\"{STANDBY_ARN}\"");
    let new = format!("«{}»", old.replace("central", "north"));
    let (message, _) =
        Slip::new(&old, &new).is(Code::SameSite, "spec.sites.standby.loadBalancers.web.arn");
    assert_eq!(message, "this load balancer is in eu-north-1, its site in eu-central-1");
}

#[test]
fn a_load_balancer_has_a_name_of_small_letters() {
    let problems = Slip::new("        web: {arn", "        Web: {arn").load().expect_err("Web");
    let codes: Vec<Code> = problems.list.iter().map(|problem| problem.code).collect();
    assert!(codes.contains(&Code::BadText), "{problems}");
}

#[test]
fn a_record_leads_to_a_load_balancer_of_both_sites() {
    let slip = Slip::new(
        "{name: api.shop.example.com, hostedZoneId: Z0123456789, loadBalancer: web}",
        "{name: api.shop.example.com, hostedZoneId: Z0123456789, loadBalancer: «api»}",
    );
    let path = "spec.traffic.records.names[1].loadBalancer";
    let (message, _) = slip.is(Code::NoLoadBalancer, path);
    assert_eq!(message, "the sites have no load balancer `api`");
    let slip =
        slip.and("        web: {tags: ", "        api: {tags: {a: b}}\n        web: {tags: ");
    let (message, remedy) = slip.is(Code::NoLoadBalancer, path);
    assert_eq!(message, "standby has no load balancer `api`");
    assert_eq!(remedy, "add `api` to spec.sites.standby.loadBalancers");
}

#[test]
fn a_signal_looks_through_a_load_balancer_of_both_sites() {
    let slip = Slip::new("albTargets: {loadBalancer: web", "albTargets: {loadBalancer: «wep»");
    let (_, remedy) =
        slip.is(Code::NoLoadBalancer, "spec.health.signals[0].albTargets.loadBalancer");
    assert_eq!(remedy, "did you mean `web`?");
    Slip::new("http: {loadBalancer: web", "http: {loadBalancer: «wep»")
        .is(Code::NoLoadBalancer, "spec.health.signals[1].http.loadBalancer");
}

#[test]
fn names_are_normalised_and_then_unique() {
    let slip = Slip::new("name: api.shop.example.com", "name: API.Shop.Example.com.");
    assert_eq!(names(&slip.is_fine()), ["shop.example.com", "api.shop.example.com"]);
    let slip = Slip::new("name: api.shop.example.com", "name: «Shop.example.com.»");
    let (message, _) = slip.is(Code::Duplicate, "spec.traffic.records.names[1].name");
    assert_eq!(
        message,
        "the name `shop.example.com` is here a second time, \
         after spec.traffic.records.names[0].name"
    );
}

#[test]
fn names_of_signals_workloads_and_pools_are_unique() {
    Slip::new("name: front", "name: «alb»").is(Code::Duplicate, "spec.health.signals[1].name");
    Slip::new("name: cache", "name: «web»").is(Code::Duplicate, "spec.capacity.workloads[1].name");
    Slip::new(
        "    readyTimeout: 15m",
        "    - {name: «dr», limits: {cpu: \"1\"}}\n    readyTimeout: 15m",
    )
    .is(Code::Duplicate, "spec.capacity.nodePools[1].name");
}

#[test]
fn two_kinds_of_workloads_may_share_a_name() {
    Slip::new("name: invoices", "name: web").is_fine();
}

#[test]
fn the_gates_lever_is_read() {
    let old = "      roleArn: arn:aws:iam::333333333333:role/bowline-dns
      closedHealthCheckId: 0a1b2c3d-4e5f-6789-abcd-ef0123456789
";
    let new = "      object: s3://bowline-gates/shop
      homeHealthCheckId: home-check
      standbyHealthCheckId: standby-check
";
    let policy = Slip::new("    records:\n", "    gates:\n").and(old, new).is_fine();
    let Lever::Gates(gates) = policy.lever else { panic!("gates") };
    assert_eq!(&*gates.object, "s3://bowline-gates/shop");
    assert_eq!(gates.names.len(), 2);
}

#[test]
fn a_quorum_that_a_silent_region_cannot_reach_is_refused() {
    let slip = Slip::new("quorum: 2", "quorum: «4»");
    let (message, remedy) = slip.is(Code::Quorum, "spec.health.quorum");
    assert_eq!(message, "4 kinds must say down, and only 3 can while the Region's APIs are silent");
    assert_eq!(remedy, "add a signal of kind `writeProbe`, or lower it");
    Slip::new("quorum: 2", "quorum: 3").is_fine();
}

#[test]
fn kinds_to_which_silence_is_unknown_do_not_count() {
    for (kind, fields) in
        [("clusterApi", ""), ("progress", "loadBalancer: web"), ("albTargets", "loadBalancer: web")]
    {
        Slip::new("regionApi: {}", &format!("{kind}: {{{fields}}}"))
            .and("quorum: 2", "quorum: «3»")
            .is(Code::Quorum, "spec.health.quorum");
    }
}

#[test]
fn two_signals_of_one_kind_are_one_kind() {
    Slip::new("regionApi: {}", "http: {loadBalancer: web, host: api.shop.example.com}")
        .and("quorum: 2", "quorum: «3»")
        .is(Code::Quorum, "spec.health.quorum");
}

#[test]
fn apis_that_are_down_do_not_tell_of_users() {
    let check = "route53Check: {home: 11111111-2222-3333-4444-555555555555, \
                 standby: 66666666-7777-8888-9999-000000000000}";
    let front = "http: {loadBalancer: web, host: shop.example.com, path: /healthz, \
                 expect: 200-299, timeout: 3s}";
    let slip = Slip::new(check, "clusterApi: {}")
        .and(front, "progress: {loadBalancer: web}")
        .and("quorum: 2", "quorum: «1»");
    let (message, _) = slip.is(Code::Quorum, "spec.health.quorum");
    assert_eq!(message, "nothing can tell what users get while the Region's APIs are silent");
}

#[test]
fn automatic_failover_needs_a_vantage_outside() {
    let check = "route53Check: {home: 11111111-2222-3333-4444-555555555555, \
                 standby: 66666666-7777-8888-9999-000000000000}";
    let slip = Slip::new("failover: approve", "failover: «automatic»").and(check, "clusterApi: {}");
    let (_, remedy) = slip.is(Code::NoOutsideVantage, "spec.automation.failover");
    assert_eq!(remedy, "add a signal of kind `route53Check`, or write `approve`");
    Slip::new(check, "clusterApi: {}").is_fine();
    let policy = Slip::new("failover: approve", "failover: automatic").is_fine();
    assert_eq!(policy.automation.failover, Mode::Automatic);
    Slip::new("failover: approve", "failover: automatic")
        .and("outside, route53Check: {", "outside, «route53Chek»: {")
        .is(Code::UnknownField, "spec.health.signals[2].route53Chek");
}

#[test]
fn lag_fresh_spans_two_metric_periods_and_their_delay() {
    let slip = Slip::new("lagFresh: 3m", "lagFresh: «179s»");
    let (message, remedy) = slip.is(Code::LagFresh, "spec.databases[0].rdsReadReplica.lagFresh");
    assert_eq!(message, "2m59s is less than two metric periods and their delay (3m)");
    assert_eq!(remedy, "write 3m or more");
    Slip::new("lagFresh: 3m", "lagFresh: 180s").is_fine();
    let policy = Slip::new("lagFresh: 3m, ", "").is_fine();
    assert_eq!(policy.database.expect("a database").lag_fresh, super::SHORTEST_LAG_FRESH);
    assert_eq!(super::SHORTEST_LAG_FRESH, Span::secs(180));
}

#[test]
fn every_site_has_a_member_of_the_database() {
    let member = "database: {rdsInstance: shop-standby, closedSecurityGroup: sg-0bbbbbbbbbbbbbbbb}";
    let slip =
        Slip::new(&format!("      {member}\n"), "").and("    standby:\n", "    «standby»:\n");
    let (message, _) = slip.is(Code::Database, "spec.sites.standby.database");
    assert_eq!(message, "the group has a database, and standby no member of it");
}

#[test]
fn a_member_without_a_database_is_told_for_each_site() {
    let start = crate::policy::examples::SHOP.find("  databases:").expect("databases");
    let end = crate::policy::examples::SHOP.find("  capacity:").expect("capacity");
    let slip = Slip::new(&crate::policy::examples::SHOP[start..end], "");
    let problems = slip.load().expect_err("members without a database");
    let paths: Vec<&str> = problems.list.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["spec.sites.home.database", "spec.sites.standby.database"]);
}

#[test]
fn a_replica_stays_in_its_account() {
    let old = "      region: eu-central-1\n      roleArn: arn:aws:iam::111111111111:role/bowline";
    let new = "      region: eu-central-1\n      roleArn: «arn:aws:iam::222222222222:role/bowline»";
    Slip::new(old, new).is(Code::Database, "spec.sites.standby.roleArn");
}

#[test]
fn a_site_without_a_database_may_have_roles_of_two_accounts() {
    let role = |site: &str, account: &str| {
        format!("    {site}:\n      roleArn: arn:aws:iam::{account}:role/bowline\n")
    };
    let text = crate::policy::examples::MINIMAL
        .replace("    home:\n", &role("home", "111111111111"))
        .replace("    standby:\n", &role("standby", "222222222222"));
    assert!(crate::policy::load("site.yaml", &text).is_ok());
}

#[test]
fn replicas_are_decided_for_whatever_has_them() {
    let slip = Slip::new(
        "- {kind: Deployment, namespace: shop, name: cache, replicas: {count: 2}, start: early}",
        "- «{»kind: Deployment, namespace: shop, name: cache, start: early}",
    );
    slip.is(Code::Undecided, "spec.capacity.workloads[1].replicas");
}

#[test]
fn replicas_are_a_count_or_a_share() {
    let path = "spec.capacity.workloads[1].replicas";
    for bad in ["{count: 2, percentOfHome: 50}", "{count: 2, atLeast: 1}", "{atLeast: 1}"] {
        Slip::new("replicas: {count: 2}", &format!("«replicas»: {bad}")).is(Code::OneOf, path);
    }
    Slip::new("replicas: {count: 2}", "«replicas»: {}").is(Code::OutOfRange, path);
    Slip::new("replicas: {count: 2}", "replicas: {«cuont»: 2}")
        .is(Code::UnknownField, "spec.capacity.workloads[1].replicas.cuont");
    let policy = Slip::new("replicas: {count: 2}", "replicas: {percentOfHome: 30}").is_fine();
    let share = Replicas::PercentOfHome { percent: 30, at_least: 1 };
    assert_eq!(policy.capacity.workloads[1].replicas, share);
}

#[test]
fn a_cron_job_has_no_replicas_and_no_start() {
    let slip = Slip::new("name: invoices,", "name: invoices, «replicas»: {count: 1},");
    slip.is(Code::Workload, "spec.capacity.workloads[3].replicas");
    let slip = Slip::new("name: invoices,", "name: invoices, start: «early»,");
    slip.is(Code::Workload, "spec.capacity.workloads[3].start");
}

#[test]
fn a_stateful_set_is_taken_with_a_warning() {
    Slip::new(
        "{kind: Deployment, namespace: shop, name: cache",
        "{kind: «StatefulSet», namespace: shop, name: cache",
    )
    .warns(Code::StatefulSet, "spec.capacity.workloads[1].kind");
}

#[test]
fn limits_are_thousandths_for_cpu_and_whole_for_the_rest() {
    let policy = Slip::new(
        "{cpu: \"200\", memory: 800Gi}",
        "{cpu: 500m, memory: 1k, nvidia.com/gpu: \"4\"}",
    )
    .is_fine();
    let limits: Vec<(&str, u64)> =
        policy.capacity.pools[0].limits.iter().map(|(key, value)| (&**key, *value)).collect();
    assert_eq!(limits, [("cpu", 500), ("memory", 1_000), ("nvidia.com/gpu", 4)]);
    Slip::new("memory: 800Gi", "memory: «500m»")
        .is(Code::BadText, "spec.capacity.nodePools[0].limits.memory");
}

#[test]
fn a_window_asks_for_no_more_than_it_holds() {
    let slip = Slip::new("down: {of: 3, need: 2}", "«down»: {of: 3, need: 4}");
    let (message, _) = slip.is(Code::Window, "spec.health.signals[2].down");
    assert_eq!(message, "4 of the last 3 samples cannot be");
}

#[test]
fn the_same_samples_cannot_say_up_and_down() {
    let slip = Slip::new("up: {of: 3, need: 3}", "«up»: {of: 3, need: 1}");
    let (message, remedy) = slip.is(Code::Window, "spec.health.signals[2].up");
    assert_eq!(message, "the same 3 samples can say up (1 good) and down (2 bad)");
    assert_eq!(remedy, "need 2 or more good samples");
    Slip::new("up: {of: 3, need: 3}", "up: {of: 3, need: 2}").is_fine();
}

#[test]
fn two_bad_and_three_good_are_among_five() {
    Slip::new(
        "down: {of: 5, need: 4}, up: {of: 5, need: 5}",
        "down: {of: 5, need: 2}, «up»: {of: 5, need: 3}",
    )
    .is(Code::Window, "spec.health.signals[3].up");
    Slip::new(
        "down: {of: 5, need: 4}, up: {of: 5, need: 5}",
        "down: {of: 5, need: 2}, up: {of: 5, need: 4}",
    )
    .is_fine();
}

#[test]
fn a_signal_looks_at_exactly_one_thing() {
    let slip = Slip::new("- {name: region, regionApi: {}, ", "- «{»name: region, ");
    let (_, remedy) = slip.is(Code::OneOf, "spec.health.signals[3]");
    assert!(remedy.starts_with("write one of `albTargets`, `http`"), "{remedy}");
    Slip::new(
        "- {name: region, regionApi: {}, ",
        "- «{»name: region, regionApi: {}, clusterApi: {}, ",
    )
    .is(Code::OneOf, "spec.health.signals[3]");
    Slip::new("regionApi: {}", "«regionAPIs»: {}")
        .is(Code::UnknownField, "spec.health.signals[3].regionAPIs");
}

#[test]
fn both_sites_have_a_health_check_of_their_own() {
    Slip::new(
        "standby: 66666666-7777-8888-9999-000000000000",
        "standby: «11111111-2222-3333-4444-555555555555»",
    )
    .is(Code::SameSite, "spec.health.signals[2].route53Check.standby");
}

#[test]
fn plain_http_on_another_port_can_be_looked_at() {
    let policy =
        Slip::new("path: /healthz,", "path: /healthz, scheme: http, port: 8080,").is_fine();
    let Probe::Http(http) = &policy.health.signals[1].probe else { panic!("http") };
    assert_eq!((http.tls, http.port), (false, 8080));
    let policy = Slip::new("path: /healthz,", "path: /healthz, scheme: http,").is_fine();
    let Probe::Http(http) = &policy.health.signals[1].probe else { panic!("http") };
    assert_eq!(http.port, 80);
}

#[test]
fn a_range_of_statuses_ends_after_it_begins() {
    Slip::new("expect: 200-299", "expect: «299-200»")
        .is(Code::BadText, "spec.health.signals[1].http.expect");
    Slip::new("expect: 200-299", "expect: 204-204").is_fine();
}

#[test]
fn an_answer_is_not_waited_for_beyond_the_next_sample() {
    Slip::new("timeout: 3s", "timeout: «6s»")
        .is(Code::Times, "spec.health.signals[1].http.timeout");
    Slip::new("timeout: 3s", "timeout: 5s").is_fine();
}

#[test]
fn the_confirm_time_holds_a_sample_of_every_signal() {
    Slip::new("every: 15s", "every: «61s»").is(Code::Times, "spec.health.signals[2].every");
    Slip::new("every: 15s", "every: 60s").is_fine();
}

#[test]
fn a_confirm_time_within_known_stalls_is_warned_of() {
    Slip::new("confirm: 60s", "confirm: «45s»").warns(Code::ShortConfirm, "spec.health.confirm");
    Slip::new("confirm: 60s", "confirm: 46s").is_fine();
}

#[test]
fn s4_an_automatic_failover_rests_on_no_news_that_is_older_than_the_confirm_time() {
    let automatic =
        |from: &str, to: &str| Slip::new("failover: approve", "failover: automatic").and(from, to);
    let outside = "every: 15s, down: {of: 3, need: 2}";
    let slip = automatic(outside, "every: 26s, «down»: {of: 3, need: 2}")
        .and("every: 10s, down: {of: 5, need: 3}", "every: 18s, down: {of: 5, need: 3}");
    let (message, remedy) = slip.is(Code::OldNews, "spec.health.signals[2].down");
    assert_eq!(
        message,
        "enough signals may say down for 1m2s when the site serves again, however fast AWS \
         notices, and confirm is 1m: a site that serves would be left"
    );
    assert!(remedy.ends_with("or confirm for 1m2s"), "{remedy}");
    automatic(outside, outside).is_fine();
    // A quorum is there for as long as its last member; an API may be gone for as long as it likes.
    let slow = "every: 30s, down: {of: 3, need: 2}";
    automatic(outside, "every: 30s, «down»: {of: 3, need: 2}")
        .is(Code::OldNews, "spec.health.signals[2].down");
    automatic(outside, slow).and("regionApi: {}", "progress: {loadBalancer: web}").is_fine();
    automatic(outside, slow).and("quorum: 2", "quorum: 3").is_fine();
    // Two signals of one kind are one kind: the quorum is not there without a third.
    let mut health = crate::policy::examples::shop().health;
    health.quorum = 3;
    let front = health.signals[1].clone();
    (health.signals[0], health.signals[3]) = (front.clone(), front);
    health.signals.iter_mut().for_each(|signal| signal.every = Span::mins(2));
    assert_eq!(health.old_news(Believes::FASTEST), None);
    health.quorum = 2;
    assert!(health.old_news(Believes::FASTEST).is_some());
    // What cannot be read is told, and nothing that would follow from it.
    let bad = |from: &str, to: &str, code, path: &str| {
        automatic(outside, slow).and(from, to).is(code, path);
    };
    bad("quorum: 2", "quorum: «two»", Code::WrongType, "spec.health.quorum");
    bad("confirm: 60s", "confirm: «a minute»", Code::BadText, "spec.health.confirm");
    let path = "spec.health.signals[1].up.of";
    bad(
        "every: 5s, down: {of: 5, need: 3}, up: {of: 5,",
        "every: 5s, down: {of: 5, need: 3}, \
        up: {of: «all»,",
        Code::WrongType,
        path,
    );
    // Somebody looks before anything moves.
    Slip::new(outside, "every: 26s, down: {of: 3, need: 2}")
        .and("every: 10s, down: {of: 5, need: 3}", "every: 18s, down: {of: 5, need: 3}")
        .is_fine();
}

#[test]
fn somebody_is_told_unless_nothing_happens_by_itself() {
    let notify = "  notify:
  - {webhook: {urlFrom: {secret: bowline-notify, key: pagerduty}}, repeatUntilAnswered: 5m}
";
    let slip = Slip::new(notify, "").and("spec:\n", "«spec»:\n");
    let (message, _) = slip.is(Code::NobodyTold, "spec.notify");
    assert_eq!(message, "nobody is told, and `failover` acts or asks by itself");
    let quiet = slip
        .and("failover: approve", "failover: observe")
        .and("failback: approve", "failback: manual");
    let (message, _) = quiet.is(Code::NobodyTold, "spec.notify");
    assert_eq!(message, "nobody is told, and `prewarm` acts or asks by itself");
    quiet.and("prewarm: automatic", "prewarm: observe").is_fine();
}

#[test]
fn a_blocked_window_is_a_recurring_time_in_a_known_zone() {
    let path = "spec.automation.blockedWindows[0]";
    for bad in ["8 * *", "0 25 * * *", "* * * * * *", "now"] {
        let slip = Slip::new("cron: \"0 8 * * MON-FRI\"", &format!("cron: «\"{bad}\"»"));
        slip.is(Code::BlockedWindow, &format!("{path}.cron"));
    }
    let all = Slip::new(", actions: [failback]", "").is_fine();
    let blocked = &all.automation.blocked_windows[0].actions;
    assert_eq!(*blocked, [Action::Failover, Action::Failback, Action::Prewarm]);
    let slip = Slip::new("timeZone: Europe/Berlin", "timeZone: «Europe/Bonn»");
    slip.is(Code::BlockedWindow, &format!("{path}.timeZone"));
}

#[test]
fn verify_looks_at_a_name_that_moves() {
    let slip = Slip::new(
        "    url: https://shop.example.com/healthz",
        "    url: «https://www.example.com/healthz»",
    )
    .and("    writeProbe: {url: \"https://shop.example.com/canary\", method: POST}\n", "");
    let (message, _) = slip.is(Code::Verify, "spec.verify.url");
    assert_eq!(message, "`www.example.com` does not move with the group");
}

#[test]
fn verify_needs_an_address() {
    Slip::new(
        "    url: https://shop.example.com/healthz",
        "    url: «https://user@shop.example.com/»",
    )
    .is(Code::Verify, "spec.verify.url");
}

#[test]
fn the_write_goes_where_verify_looks() {
    for bad in ["http://shop.example.com/canary", "https://api.shop.example.com/canary"] {
        let slip = Slip::new("\"https://shop.example.com/canary\"", &format!("«\"{bad}\"»"));
        slip.is(Code::Verify, "spec.verify.writeProbe.url");
    }
}

#[test]
fn clusters_are_reached_in_three_ways() {
    let policy = Slip::new("cluster: {eks: shop-home}", "cluster: {context: home}").is_fine();
    assert_eq!(policy.home.cluster, Cluster::Context("home".into()));
    let policy =
        Slip::new("cluster: {eks: shop-home}", "cluster: {kubeconfigSecret: home}").is_fine();
    assert_eq!(policy.home.cluster, Cluster::KubeconfigSecret("home".into()));
}

#[test]
fn canaries_are_web_addresses() {
    let slip = Slip::new("    quorum: 2\n", "    quorum: 2\n    canaries: [«ftp://example.net»]\n");
    slip.is(Code::BadText, "spec.health.canaries[0]");
    let fine =
        "    quorum: 2\n    canaries: [https://checkip.amazonaws.com, http://a.example:81/x]\n";
    let canaries = Slip::new("    quorum: 2\n", fine).is_fine().health.canaries;
    let told: Vec<_> =
        canaries.iter().map(|c| (c.tls, c.host.as_str(), c.port, &*c.path)).collect();
    let expected = [(true, "checkip.amazonaws.com", 443, "/"), (false, "a.example", 81, "/x")];
    assert_eq!(told, expected);
}

#[test]
fn a_floor_is_workloads_that_a_cluster_cannot_grow_without() {
    let floor = "    floor: [{kind: Deployment, namespace: kube-system, name: karpenter}]\n";
    let fine = format!("{floor}    readyTimeout: 15m\n");
    let policy = Slip::new("    readyTimeout: 15m\n", &fine).is_fine();
    let told: Vec<_> = policy.capacity.floor.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["Deployment kube-system/karpenter"]);
}
