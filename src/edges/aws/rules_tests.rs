//! Listener rules, and which target groups a host's requests reach.

use aws_sdk_elasticloadbalancingv2::types::{
    ForwardActionConfig, HostHeaderConditionConfig, PathPatternConditionConfig, TargetGroupTuple,
};
use proptest::prelude::*;

use super::*;

fn host_is(values: &[&str]) -> RuleCondition {
    let values = values.iter().map(ToString::to_string).collect();
    let config = HostHeaderConditionConfig::builder().set_values(Some(values)).build();
    RuleCondition::builder().field("host-header").host_header_config(config).build()
}

fn path_is(value: &str) -> RuleCondition {
    let config = PathPatternConditionConfig::builder().values(value).build();
    RuleCondition::builder().field("path-pattern").path_pattern_config(config).build()
}

/// Forwards to groups by weight.
fn forward(groups: &[(&str, i32)]) -> Action {
    let tuple = |(arn, weight): &(&str, i32)| {
        TargetGroupTuple::builder().target_group_arn(*arn).weight(*weight).build()
    };
    let groups = groups.iter().map(tuple).collect();
    let config = ForwardActionConfig::builder().set_target_groups(Some(groups)).build();
    Action::builder().r#type(ActionTypeEnum::Forward).forward_config(config).build()
}

fn rule(priority: &str, conditions: Vec<RuleCondition>, action: Action) -> Rule {
    let is_default = priority == "default";
    let rule = Rule::builder().priority(priority).set_conditions(Some(conditions));
    rule.is_default(is_default).actions(action).build()
}

fn to(group: &str) -> Action {
    forward(&[(group, 1)])
}

fn groups(rules: &[Rule], host: &str) -> Vec<String> {
    reached(rules, &host.into()).iter().map(ToString::to_string).collect()
}

#[test]
fn the_default_rule_takes_what_no_earlier_rule_takes() {
    let rules = [
        rule("default", vec![], to("rest")),
        rule("10", vec![host_is(&["shop.example.com"])], to("shop")),
        rule("20", vec![host_is(&["*.example.com"])], to("any")),
    ];
    assert_eq!(groups(&rules, "shop.example.com"), ["shop"]);
    assert_eq!(groups(&rules, "www.example.com"), ["any"]);
    assert_eq!(groups(&rules, "example.com"), ["rest"]);
}

#[test]
fn rules_are_tried_as_numbers_and_not_as_words() {
    let rules = [
        rule("10", vec![host_is(&["*"])], to("ten")),
        rule("9", vec![host_is(&["shop.example.com"])], to("nine")),
    ];
    assert_eq!(groups(&rules, "shop.example.com"), ["nine"]);
}

#[test]
fn a_rule_that_asks_for_more_than_the_host_leaves_the_rest_to_later_rules() {
    let rules = [
        rule("1", vec![host_is(&["shop.example.com"]), path_is("/admin/*")], to("admin")),
        rule("2", vec![host_is(&["other.example.com"]), path_is("/x")], to("other")),
        rule("3", vec![host_is(&["shop.example.com"]), path_is("/*")], to("shop")),
        rule("default", vec![], to("rest")),
    ];
    assert_eq!(groups(&rules, "shop.example.com"), ["admin", "shop"]);
    let header = RuleCondition::builder().field("http-header").build();
    let rules = [rule("1", vec![header], to("canary")), rule("default", vec![], to("rest"))];
    assert_eq!(groups(&rules, "shop.example.com"), ["canary", "rest"]);
}

#[test]
fn a_redirect_takes_the_host_and_sends_it_to_no_group() {
    let redirect = Action::builder().r#type(ActionTypeEnum::Redirect).build();
    let rules = [
        rule("1", vec![host_is(&["shop.example.com"])], redirect),
        rule("default", vec![], to("rest")),
    ];
    assert!(groups(&rules, "shop.example.com").is_empty());
}

#[test]
fn a_group_of_weight_nothing_gets_nothing() {
    let weighted = forward(&[("blue", 0), ("green", 9), ("canary", 1)]);
    let rules = [rule("default", vec![], weighted)];
    assert_eq!(groups(&rules, "x"), ["green", "canary"]);
    let none = [rule("default", vec![], forward(&[("blue", 0)]))];
    assert!(groups(&none, "x").is_empty());
    let plain = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn("only").build();
    let both = Action::builder().r#type(ActionTypeEnum::AuthenticateOidc).order(1).build();
    let signed_in = rule("default", vec![], plain).to_owned();
    let mut actions = vec![both];
    actions.extend(signed_in.actions().iter().cloned());
    assert_eq!(forwarded(&actions).first().map(|arn| &**arn), Some("only"));
}

#[test]
fn a_host_pattern_has_stars_and_question_marks_and_no_case() {
    for (given, host, expected) in [
        ("Shop.Example.COM", "shop.example.com", Takes::All),
        ("*.example.com", "a.b.example.com", Takes::All),
        ("*.example.com", "example.com", Takes::Nothing),
        ("sho?.example.com", "shop.example.com", Takes::All),
        ("sho?.example.com", "sho.example.com", Takes::Nothing),
        ("*", "shop.example.com", Takes::All),
        ("", "shop.example.com", Takes::Nothing),
        ("shop*com", "shop.example.com", Takes::All),
        ("*.shop.example.com", "*.shop.example.com", Takes::All),
        ("*.example.com", "*.shop.example.com", Takes::All),
        ("a.shop.example.com", "*.shop.example.com", Takes::Some),
        ("a*.shop.example.com", "*.shop.example.com", Takes::Some),
        ("?.shop.example.com", "*.shop.example.com", Takes::Some),
        ("a.other.example.com", "*.shop.example.com", Takes::Nothing),
    ] {
        assert_eq!(pattern(given, &host.into()), expected, "{given} {host}");
    }
}

#[test]
fn a_regular_expression_may_take_any_host() {
    let config = HostHeaderConditionConfig::builder().regex_values("^a").build();
    let regex = RuleCondition::builder().field("host-header").host_header_config(config).build();
    let rules = [rule("1", vec![regex], to("maybe")), rule("default", vec![], to("rest"))];
    assert_eq!(groups(&rules, "shop.example.com"), ["maybe", "rest"]);
}

/// The definition of a match, slow and plain.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            matches(rest, text) || (!text.is_empty() && matches(pattern, &text[1..]))
        }
        ([p, rest @ ..], [t, more @ ..]) => (p == t || *p == b'?') && matches(rest, more),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_pattern_covers_exactly_what_it_matches(pattern in "[ab*?]{0,6}", text in "[ab]{0,6}") {
        let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
        prop_assert_eq!(covers(pattern, text), matches(pattern, text));
    }

    /// Whatever both patterns match proves that they overlap; what covers also overlaps.
    #[test]
    fn patterns_that_share_a_text_overlap(
        left in "[ab*?]{0,5}", right in "[ab*]{0,5}", text in "[ab]{0,6}",
    ) {
        let (l, r, text) = (left.as_bytes(), right.as_bytes(), text.as_bytes());
        if matches(l, text) && matches(r, text) {
            prop_assert!(overlap(l, r), "{left} {right}");
        }
        if covers(l, r) {
            prop_assert!(overlap(l, r), "{left} covers {right}");
        }
        prop_assert_eq!(overlap(l, r), overlap(r, l));
    }
}
