//! What `check` finds, each with its place.

use super::super::schema::json_schema;
use super::super::testing::Slip;
use super::super::tree;
use super::*;

#[test]
fn an_unknown_field_is_told_at_its_key_with_what_was_meant() {
    let slip = Slip::new("quorum: 2", "«quorom»: 2");
    let (message, remedy) = slip.is(Code::UnknownField, "spec.health.quorom");
    assert_eq!(message, "there is no field `quorom`");
    assert_eq!(remedy, "did you mean `quorum`?");
}

#[test]
fn an_unknown_field_like_no_other_is_told_with_what_there_is() {
    let slip = Slip::new("cluster: {eks: shop-home}", "cluster: {eks: shop-home, «fargate»: x}");
    let (_, remedy) = slip.is(Code::UnknownField, "spec.sites.home.cluster.fargate");
    assert_eq!(remedy, "leave it out; what there is here: `context`, `eks` and `kubeconfigSecret`");
    let slip = Slip::new("regionApi: {}", "regionApi: {«deep»: true}");
    let (_, remedy) = slip.is(Code::UnknownField, "spec.health.signals[3].regionApi.deep");
    assert_eq!(remedy, "leave it out: there is nothing to set here");
}

#[test]
fn a_value_of_another_type_is_told_with_the_right_way_to_write_it() {
    let slip = Slip::new("cpu: \"200\"", "cpu: «200»");
    let (_, remedy) = slip.is(Code::WrongType, "spec.capacity.nodePools[0].limits.cpu");
    assert_eq!(remedy, "put it in quotes: \"200\"");
    let slip = Slip::new("confirm: 60s", "confirm: «60»");
    let (_, remedy) = slip.is(Code::WrongType, "spec.health.confirm");
    assert!(remedy.starts_with("write a number and a unit"), "{remedy}");
    let slip = Slip::new("minimumReadyPercent: 90", "minimumReadyPercent: «\"90\"»");
    let (message, _) = slip.is(Code::WrongType, "spec.capacity.minimumReadyPercent");
    assert_eq!(message, "a whole number is wanted here, and this is a text");
    Slip::new("minimumReadyPercent: 90", "minimumReadyPercent: «90.5»")
        .is(Code::WrongType, "spec.capacity.minimumReadyPercent");
}

#[test]
fn a_list_in_the_place_of_a_map_is_told_at_its_key_and_nothing_in_it() {
    let slip = Slip::new("    fence: {onUnknown: proceed} ", "    «fence»: [proceed] ");
    let (message, _) = slip.is(Code::WrongType, "spec.databases[0].fence");
    assert_eq!(message, "a map is wanted here, and this is a list");
}

#[test]
fn something_else_in_the_place_of_a_list_is_told_once() {
    let slip = Slip::new("actions: [failback]", "actions: «failback»");
    let (message, _) = slip.is(Code::WrongType, "spec.automation.blockedWindows[0].actions");
    assert_eq!(message, "a list is wanted here, and this is a text");
    let from = crate::policy::examples::SHOP.find("    - {name: alb,").expect("signals");
    let end = crate::policy::examples::SHOP.find("    quorum: 2").expect("a quorum");
    let slip = Slip::new(&crate::policy::examples::SHOP[from..end], "")
        .and("    signals:\n", "    signals: «none»\n");
    slip.is(Code::WrongType, "spec.health.signals");
}

#[test]
fn a_key_without_a_value_is_no_text() {
    let slip = Slip::new("cluster: {eks: shop-home}", "cluster: {«eks»: }");
    let (_, remedy) = slip.is(Code::WrongType, "spec.sites.home.cluster.eks");
    assert_eq!(remedy, "an EKS cluster of the site's Region, by name");
}

#[test]
fn a_key_without_a_value_is_no_map() {
    let slip = Slip::new("fence: {onUnknown: proceed}", "«fence»: ");
    let (_, remedy) = slip.is(Code::WrongType, "spec.databases[0].fence");
    assert_eq!(remedy, "write its fields below it, or {} if it has none to set");
    let slip = Slip::new("regionApi: {}", "«regionApi»: ");
    let (_, remedy) = slip.is(Code::WrongType, "spec.health.signals[3].regionApi");
    assert!(remedy.contains("{}"), "{remedy}");
}

#[test]
fn a_key_without_a_value_is_an_empty_list() {
    let policy = Slip::new(
        "[{cron: \"0 8 * * MON-FRI\", for: 2h, timeZone: Europe/Berlin, actions: [failback]}]",
        "",
    )
    .is_fine();
    assert!(policy.automation.blocked_windows.is_empty());
}

#[test]
fn a_bad_duration_is_told_with_how_to_write_one() {
    for bad in ["soon", "15 m", "15", "-15m", "1.5h", "32d"] {
        let slip = Slip::new("coolDown: 15m", &format!("coolDown: «\"{bad}\"»"));
        let (message, remedy) = slip.is(Code::BadText, "spec.coolDown");
        assert_eq!(message, format!("\"{bad}\" is not a duration of at most 31 days"));
        assert!(remedy.contains("such as 90s"), "{remedy}");
    }
}

#[test]
fn no_duration_is_longer_than_a_month() {
    Slip::new("coolDown: 15m", "coolDown: 744h").is_fine();
    Slip::new("coolDown: 15m", "coolDown: «745h»").is(Code::BadText, "spec.coolDown");
}

#[test]
fn a_duration_that_must_last_is_not_nothing() {
    Slip::new("every: 5s", "every: «0s»").is(Code::BadText, "spec.health.signals[1].every");
    Slip::new("coolDown: 15m", "coolDown: 0s").is_fine();
}

#[test]
fn a_text_in_a_wrong_form_is_told_with_an_example() {
    let slip = Slip::new("region: eu-central-1", "region: «frankfurt»");
    let (message, remedy) = slip.is(Code::BadText, "spec.sites.standby.region");
    assert_eq!(message, "\"frankfurt\" is not an AWS Region");
    assert_eq!(remedy, "write it like eu-west-1");
    Slip::new("closedSecurityGroup: sg-0aaaaaaaaaaaaaaaa", "closedSecurityGroup: «default»")
        .is(Code::BadText, "spec.sites.home.database.closedSecurityGroup");
    Slip::new("expect: 200-299", "expect: «2xx»")
        .is(Code::BadText, "spec.health.signals[1].http.expect");
    Slip::new("roleArn: arn:aws:iam::333333333333:role/bowline-dns", "roleArn: «bowline-dns»")
        .is(Code::BadText, "spec.traffic.records.roleArn");
    Slip::new("memory: 800Gi", "memory: «800GB»")
        .is(Code::BadText, "spec.capacity.nodePools[0].limits.memory");
}

#[test]
fn a_word_that_is_none_of_the_words_is_told_with_them() {
    let slip = Slip::new("failback: approve", "failback: «approved»");
    let (_, remedy) = slip.is(Code::BadText, "spec.automation.failback");
    assert_eq!(remedy, "did you mean `approve`?");
    let slip = Slip::new("prewarm: automatic", "prewarm: «approve»");
    let (_, remedy) = slip.is(Code::BadText, "spec.automation.prewarm");
    assert_eq!(remedy, "write `automatic`, `manual` or `observe`");
    Slip::new("method: POST", "method: «GET»").is(Code::BadText, "spec.verify.writeProbe.method");
    Slip::new("actions: [failback]", "actions: [«switchover»]")
        .is(Code::BadText, "spec.automation.blockedWindows[0].actions[0]");
}

#[test]
fn a_number_outside_its_limits_is_told_with_them() {
    for bad in ["0", "101", "-1", "99999999999"] {
        let slip = Slip::new("minimumReadyPercent: 90", &format!("minimumReadyPercent: «{bad}»"));
        let (message, _) = slip.is(Code::OutOfRange, "spec.capacity.minimumReadyPercent");
        assert_eq!(message, format!("{bad} is not from 1 to 100"));
    }
    Slip::new("percentOfHome: 50", "percentOfHome: «1001»")
        .is(Code::OutOfRange, "spec.capacity.workloads[2].replicas.percentOfHome");
    Slip::new("down: {of: 3, need: 2}", "down: {of: 3, need: «0»}")
        .is(Code::OutOfRange, "spec.health.signals[2].down.need");
}

#[test]
fn an_empty_list_or_map_is_told_where_one_entry_is_needed() {
    Slip::new("limits: {cpu: \"200\", memory: 800Gi}", "«limits»: {}")
        .is(Code::OutOfRange, "spec.capacity.nodePools[0].limits");
    Slip::new("actions: [failback]", "«actions»: []")
        .is(Code::OutOfRange, "spec.automation.blockedWindows[0].actions");
}

#[test]
fn there_is_one_database_at_most() {
    let second = "    fence: {onUnknown: proceed}
  - name: other
    rdsReadReplica: {maxLag: 30s}
    fence: {onUnknown: ask}";
    let slip =
        Slip::new("  databases:", "  «databases»:").and("    fence: {onUnknown: proceed}", second);
    let (message, remedy) = slip.is(Code::OutOfRange, "spec.databases");
    assert_eq!(message, "2 entries are here, and at most 1 may be");
    assert!(remedy.contains("at most one entry"), "{remedy}");
}

#[test]
fn a_missing_field_is_told_at_what_lacks_it() {
    let slip = Slip::new(
        "database: {rdsInstance: shop-home, closedSecurityGroup: sg-0aaaaaaaaaaaaaaaa}",
        "«database»: {rdsInstance: shop-home}",
    );
    let (message, remedy) = slip.is(Code::Missing, "spec.sites.home.database.closedSecurityGroup");
    assert_eq!(message, "`closedSecurityGroup` is missing");
    assert!(remedy.contains("admits replication and nobody else"), "{remedy}");
}

#[test]
fn a_decision_that_nobody_took_is_told_as_one() {
    let decisions = [
        ("    failover: approve\n", "  automation:", "spec.automation.failover"),
        ("    failback: approve\n", "  automation:", "spec.automation.failback"),
        ("    prewarm: automatic\n", "  automation:", "spec.automation.prewarm"),
        ("    quorum: 2\n", "  health:", "spec.health.quorum"),
    ];
    for (line, parent, path) in decisions {
        let key = parent.trim().trim_end_matches(':');
        let slip = Slip::new(line, "").and(parent, &format!("  «{key}»:"));
        let (message, _) = slip.is(Code::Undecided, path);
        assert!(message.ends_with("is not decided, and it has no default"), "{message}");
    }
    Slip::new("rdsReadReplica: {maxLag: 30s, ", "«rdsReadReplica»: {")
        .is(Code::Undecided, "spec.databases[0].rdsReadReplica.maxLag");
    Slip::new("fence: {onUnknown: proceed}", "«fence»: {}")
        .is(Code::Undecided, "spec.databases[0].fence.onUnknown");
}

#[test]
fn no_lever_and_two_levers_are_told() {
    let gates = "  «traffic»:
    gates:
      object: s3://bowline-gates/shop
      homeHealthCheckId: 11111111-2222-3333-4444-555555555555
      standbyHealthCheckId: 66666666-7777-8888-9999-000000000000
      names:
      - {name: shop.example.com, hostedZoneId: Z0123456789, loadBalancer: web}
    records:
";
    let slip = Slip::new("  traffic:\n    records:\n", gates);
    let (message, _) = slip.is(Code::OneOf, "spec.traffic");
    assert_eq!(message, "`gates` and `records` are here, and exactly one may be");
    let records = "    records:
      roleArn: arn:aws:iam::333333333333:role/bowline-dns
      closedHealthCheckId: 0a1b2c3d-4e5f-6789-abcd-ef0123456789
      names:
      - {name: shop.example.com, hostedZoneId: Z0123456789, loadBalancer: web}
      - {name: api.shop.example.com, hostedZoneId: Z0123456789, loadBalancer: web}
";
    let slip = Slip::new(records, "").and("  traffic:", "  «traffic»: {}");
    let (message, remedy) = slip.is(Code::OneOf, "spec.traffic");
    assert_eq!(message, "nothing is chosen here");
    assert_eq!(remedy, "write exactly one of `gates` or `records`");
}

#[test]
fn one_way_to_find_a_load_balancer_and_one_to_reach_a_cluster() {
    Slip::new("cluster: {eks: shop-home}", "«cluster»: {eks: shop-home, context: home}")
        .is(Code::OneOf, "spec.sites.home.cluster");
    Slip::new("cluster: {eks: shop-home}", "«cluster»: {}")
        .is(Code::OneOf, "spec.sites.home.cluster");
    Slip::new("web: {arn: ", "«web»: {tags: {a: b}, arn: ")
        .is(Code::OneOf, "spec.sites.standby.loadBalancers.web");
}

#[test]
fn a_map_of_unknown_fields_alone_is_told_for_these_alone() {
    Slip::new("replicas: {count: 2}", "replicas: {«fargate»: 2}")
        .is(Code::UnknownField, "spec.capacity.workloads[1].replicas.fargate");
}

#[test]
fn what_is_wrong_is_shown_whole_if_it_is_short() {
    let told = |name: &str| {
        let slip = Slip::new("{eks: shop-home}", &format!("{{eks: «\"{name}\"»}}"));
        slip.is(Code::BadText, "spec.sites.home.cluster.eks").0
    };
    let long = format!("{}?", "é".repeat(59));
    assert!(told(&long).starts_with(&format!("\"{long}\" is not")), "{}", told(&long));
    let longer = format!("{long}!");
    assert!(told(&longer).starts_with(&format!("\"{long}…\" is not")), "{}", told(&longer));
}

#[test]
fn a_misspelt_alternative_is_told_once() {
    let slip = Slip::new("cluster: {eks: shop-home}", "cluster: {«ekz»: shop-home}");
    let (_, remedy) = slip.is(Code::UnknownField, "spec.sites.home.cluster.ekz");
    assert_eq!(remedy, "did you mean `eks`?");
}

#[test]
fn the_second_of_two_equal_keys_is_told() {
    let slip = Slip::new("  coolDown: 15m", "  coolDown: 15m\n  «coolDown»: 20m");
    let (message, _) = slip.is(Code::Duplicate, "spec.coolDown");
    assert_eq!(message, "`coolDown` is here a second time");
}

#[test]
fn a_stand_in_passes_every_check_of_the_schema() {
    let schema = json_schema();
    let stand_in = stand_in(&schema);
    let mut report = Report::new(&[]);
    let checked = check(&mut report, &tree::Node::of_json(&stand_in), &schema);
    let told: Vec<Code> = report.into_problems().into_iter().map(|p| p.code).collect();
    // Empty lists, maps and alternatives are all that is wrong with it.
    assert!(told.iter().all(|c| [Code::OneOf, Code::OutOfRange].contains(c)), "{told:?}");
    assert!(serde_json::from_value::<super::super::schema::FailoverGroup>(checked).is_ok());
}

#[test]
fn documentation_becomes_a_remedy_in_one_line() {
    let of = |text: &str| about(&serde_json::json!({"description": text}));
    assert_eq!(of("How many kinds\nmust say down. Required."), "how many kinds must say down");
    assert_eq!(of("EKS it is. Default: none."), "EKS it is");
    assert_eq!(of(""), "");
}
