//! ELBv2 as it answers, page by page, and what is not found or not clear.

use bowline_core::model::Region;
use proptest::prelude::*;
use tokio::sync::mpsc::UnboundedReceiver;

use super::super::budget::{Budgets, Counter};
use super::super::testing::{Request, Script, answering, answers, config, nobody, run, service};
use super::*;

const OK: &str = "200 OK\r\ncontent-type: text/xml";

async fn at(url: String, op: &ElbOp) -> Result<Answer, Fault> {
    let client = Client::from_conf(config!(aws_sdk_elasticloadbalancingv2, url).build());
    let budgets = Budgets::default();
    perform(&client, op, &budgets.pace(None, &Region::new("eu-west-1"), Counter::Elb)).await
}

/// An answer to an action, as ELBv2 wraps it.
fn answer(action: &str, body: &str) -> Script {
    let body =
        format!("<{action}Response><{action}Result>{body}</{action}Result></{action}Response>");
    Script::Answer(OK, body.into_bytes())
}

async fn told(
    scripts: &[Script],
    op: &ElbOp,
) -> (Result<Answer, Fault>, UnboundedReceiver<Request>) {
    let (address, requests) = service(scripts).await;
    (at(format!("http://{address}"), op).await, requests)
}

fn balancers(names: &[&str]) -> Script {
    let one = |name: &&str| {
        format!(
            "<member><LoadBalancerArn>arn:{name}</LoadBalancerArn>\
             <DNSName>Internal-{name}.eu-west-1.elb.amazonaws.com</DNSName>\
             <CanonicalHostedZoneId>Z32O12XQLNTSW2</CanonicalHostedZoneId></member>"
        )
    };
    let members: String = names.iter().map(one).collect();
    answer("DescribeLoadBalancers", &format!("<LoadBalancers>{members}</LoadBalancers>"))
}

/// The tags of load balancers: `arn` and its pairs.
fn tags(all: &[(&str, &[(&str, &str)])]) -> Script {
    let one = |(name, tags): &(&str, &[(&str, &str)])| {
        let tag = |(key, value): &(&str, &str)| {
            format!("<member><Key>{key}</Key><Value>{value}</Value></member>")
        };
        let tags: String = tags.iter().map(tag).collect();
        format!("<member><ResourceArn>arn:{name}</ResourceArn><Tags>{tags}</Tags></member>")
    };
    let members: String = all.iter().map(one).collect();
    answer("DescribeTags", &format!("<TagDescriptions>{members}</TagDescriptions>"))
}

fn by_tags() -> ElbOp {
    let pairs = [("app", "shop"), ("env", "prod")];
    let tags = pairs.map(|(key, value)| (Arc::from(key), Arc::from(value)));
    ElbOp::Find(LoadBalancerSelector::Tags(tags.into()))
}

fn found(name: &str) -> Answer {
    Answer::LoadBalancer(Some(LoadBalancer {
        arn: format!("arn:{name}").into(),
        dns_name: Host::new(format!("internal-{name}.eu-west-1.elb.amazonaws.com")),
        zone: "Z32O12XQLNTSW2".into(),
    }))
}

fn refusal(status: &'static str, code: &str) -> Script {
    let body = format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    );
    Script::Answer(status, body.into_bytes())
}

#[tokio::test]
async fn a_load_balancer_is_found_by_its_arn_or_is_not_there() {
    let op = ElbOp::Find(LoadBalancerSelector::Arn("arn:web".into()));
    let (seen, mut requests) = told(&[balancers(&["web"])], &op).await;
    assert_eq!(seen, Ok(found("web")));
    let request = requests.recv().await.unwrap();
    assert_eq!(request.parameter("Action").unwrap(), "DescribeLoadBalancers");
    assert_eq!(request.parameter("LoadBalancerArns.member.1").unwrap(), "arn:web");
    let (gone, _r) = told(&[refusal("400 Bad", "LoadBalancerNotFound")], &op).await;
    assert_eq!(gone, Ok(Answer::LoadBalancer(None)));
    let (denied, _r) = told(&[refusal("403 No", "AccessDenied")], &op).await;
    assert_eq!(denied, Err(Fault::Denied("AccessDenied: no".into())));
}

#[tokio::test]
async fn all_tags_must_be_there() {
    let some = [
        ("one", &[("app", "shop")][..]),
        ("two", &[("app", "shop"), ("env", "prod"), ("x", "y")]),
        ("three", &[("app", "shop"), ("env", "test")]),
    ];
    let scripts = [balancers(&["one", "two", "three"]), tags(&some)];
    let (seen, mut requests) = told(&scripts, &by_tags()).await;
    assert_eq!(seen, Ok(found("two")));
    requests.recv().await.unwrap();
    let request = requests.recv().await.unwrap();
    assert_eq!(request.parameter("ResourceArns.member.3").unwrap(), "arn:three");
    let (none, _r) = told(&[balancers(&["one"]), tags(&some[..1])], &by_tags()).await;
    assert_eq!(none, Ok(Answer::LoadBalancer(None)));
    let (empty, _r) = told(&[balancers(&[])], &by_tags()).await;
    assert_eq!(empty, Ok(Answer::LoadBalancer(None)));
}

#[tokio::test]
async fn two_load_balancers_with_the_tags_are_named_and_none_is_taken() {
    let both = [("app", "shop"), ("env", "prod")];
    let scripts = [balancers(&["one", "two"]), tags(&[("one", &both), ("two", &both)])];
    let (refused, _requests) = told(&scripts, &by_tags()).await;
    let Err(Fault::Invalid(words)) = refused else { panic!("{refused:?}") };
    for part in ["arn:one", "arn:two", "app=shop, env=prod", "ARN"] {
        assert!(words.contains(part), "{words}");
    }
}

#[tokio::test]
async fn tags_are_read_twenty_load_balancers_at_a_time() {
    let names: Vec<_> = (0..45).map(|n| format!("lb-{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let last = [("lb-44", &[("app", "shop"), ("env", "prod")][..])];
    let scripts = [balancers(&names), tags(&[]), tags(&[]), tags(&last)];
    let (seen, mut requests) = told(&scripts, &by_tags()).await;
    assert_eq!(seen, Ok(found("lb-44")));
    let mut count = 0;
    while requests.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 4);
}

#[tokio::test]
async fn too_many_to_look_through_is_said_and_so_is_what_to_do() {
    let names: Vec<_> = (0..201).map(|n| format!("lb-{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let (refused, _r) = told(&[balancers(&names)], &by_tags()).await;
    let Err(Fault::Invalid(words)) = refused else { panic!("{refused:?}") };
    assert!(words.contains("ARN"), "{words}");
    let none = ElbOp::Find(LoadBalancerSelector::Tags(Tags::new()));
    let (refused, mut requests) = told(&[Script::Silence], &none).await;
    assert!(matches!(refused, Err(Fault::Invalid(_))), "no tags would be any load balancer");
    assert!(requests.try_recv().is_err());
}

fn listener(name: &str, protocol: &str, group: &str) -> String {
    format!(
        "<member><ListenerArn>{name}</ListenerArn><Protocol>{protocol}</Protocol><DefaultActions>\
         <member><Type>forward</Type><TargetGroupArn>{group}</TargetGroupArn></member>\
         </DefaultActions></member>"
    )
}

fn listeners(members: &str, next: &str) -> Script {
    answer("DescribeListeners", &format!("<Listeners>{members}</Listeners>{next}"))
}

fn rules(all: &[(&str, &str, &str)], next: &str) -> Script {
    let one = |(priority, host, group): &(&str, &str, &str)| {
        let condition = format!(
            "<member><Field>host-header</Field><HostHeaderConfig><Values><member>{host}</member>\
             </Values></HostHeaderConfig></member>"
        );
        let condition = if *priority == "default" { String::new() } else { condition };
        format!(
            "<member><Priority>{priority}</Priority><Conditions>{condition}</Conditions><Actions>\
             <member><Type>forward</Type><ForwardConfig><TargetGroups><member>\
             <TargetGroupArn>{group}</TargetGroupArn></member></TargetGroups></ForwardConfig>\
             </member></Actions></member>"
        )
    };
    let members: String = all.iter().map(one).collect();
    answer("DescribeRules", &format!("<Rules>{members}</Rules>{next}"))
}

fn groups_of(hosts: &[&str]) -> ElbOp {
    let hosts = hosts.iter().map(Host::new).collect();
    ElbOp::TargetGroups { load_balancer: "arn:web".into(), hosts }
}

fn groups(names: &[&str]) -> Result<Answer, Fault> {
    Ok(Answer::TargetGroups(names.iter().map(|name| TargetGroupArn::from(*name)).collect()))
}

#[tokio::test]
async fn the_groups_behind_all_listeners_are_found_each_once() {
    let two = listener("l-1", "HTTP", "rest") + &listener("l-2", "HTTPS", "rest");
    let first = rules(&[("1", "shop.example.com", "shop")], "<NextMarker>m</NextMarker>");
    let second = rules(&[("2", "api.example.com", "api"), ("default", "", "rest")], "");
    let other = rules(&[("1", "*.example.com", "shop"), ("default", "", "rest")], "");
    let scripts = [listeners(&two, ""), first, second, other];
    let hosts = ["shop.example.com", "api.example.com"];
    let (seen, mut requests) = told(&scripts, &groups_of(&hosts)).await;
    assert_eq!(seen, groups(&["shop", "api"]));
    for (action, marker, listener) in [
        ("DescribeListeners", None, None),
        ("DescribeRules", None, Some("l-1")),
        ("DescribeRules", Some("m"), Some("l-1")),
        ("DescribeRules", None, Some("l-2")),
    ] {
        let request = requests.recv().await.unwrap();
        assert_eq!(request.parameter("Action").as_deref(), Some(action));
        assert_eq!(request.parameter("Marker").as_deref(), marker);
        assert_eq!(request.parameter("ListenerArn").as_deref(), listener);
    }
}

#[tokio::test]
async fn a_default_rule_that_is_not_listed_is_the_listeners_own() {
    let one = listeners(&listener("l-1", "HTTP", "rest"), "");
    let scripts = [one, rules(&[("1", "shop.example.com", "shop")], "")];
    let (seen, _r) = told(&scripts, &groups_of(&["x.example.com"])).await;
    assert_eq!(seen, groups(&["rest"]));
}

#[tokio::test]
async fn a_network_load_balancer_sends_every_host_on() {
    let tcp = listener("l-1", "TCP", "shop");
    let (seen, mut requests) = told(&[listeners(&tcp, "")], &groups_of(&["x.example.com"])).await;
    assert_eq!(seen, groups(&["shop"]));
    requests.recv().await.unwrap();
    assert!(requests.try_recv().is_err(), "it has no rules to ask for");
}

#[tokio::test]
async fn pages_without_end_are_an_error_and_not_a_loop() {
    let endless = listeners(&listener("l", "HTTP", "rest"), "<NextMarker>m</NextMarker>");
    let (refused, _r) = told(&[endless], &groups_of(&["x"])).await;
    assert!(matches!(refused, Err(Fault::Invalid(_))), "{refused:?}");
    let one = listeners(&listener("l", "HTTP", "rest"), "");
    let endless = rules(&[("1", "x", "y")], "<NextMarker>m</NextMarker>");
    let (refused, _r) = told(&[one, endless], &groups_of(&["x"])).await;
    assert!(matches!(refused, Err(Fault::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn targets_are_counted_as_they_are_and_draining_ones_are_gone() {
    let states =
        ["healthy", "healthy", "unhealthy", "initial", "draining", "unused", "unavailable"];
    let one = |state: &&str| {
        format!(
            "<member><Target><Id>i</Id></Target><TargetHealth><State>{state}</State>\
             </TargetHealth></member>"
        )
    };
    let members: String = states.iter().map(one).collect();
    let body = format!("<TargetHealthDescriptions>{members}</TargetHealthDescriptions>");
    let op = ElbOp::TargetHealth("arn:shop".into());
    let (seen, mut requests) = told(&[answer("DescribeTargetHealth", &body)], &op).await;
    assert_eq!(seen, Ok(Answer::Targets(TargetHealth { total: 6, healthy: 2 })));
    let request = requests.recv().await.unwrap();
    assert_eq!(request.parameter("TargetGroupArn").unwrap(), "arn:shop");
    let empty = answer("DescribeTargetHealth", "<TargetHealthDescriptions/>");
    let (seen, _r) = told(&[empty], &op).await;
    assert_eq!(seen, Ok(Answer::Targets(TargetHealth::default())));
    let (gone, _r) = told(&[refusal("400 Bad", "TargetGroupNotFound")], &op).await;
    assert_eq!(gone, Err(Fault::NotFound("TargetGroupNotFound: no".into())));
}

#[tokio::test]
async fn a_look_that_gets_no_answer_passes() {
    let op = ElbOp::TargetHealth("arn:shop".into());
    for script in [Script::Silence, Script::Reset, Script::Bytes("garbage")] {
        let (seen, _r) = told(std::slice::from_ref(&script), &op).await;
        assert!(matches!(seen, Err(Fault::Transient(_))), "{script:?}: {seen:?}");
    }
    let seen = at(format!("http://{}", nobody().await), &op).await;
    assert!(matches!(seen, Err(Fault::Transient(_))), "{seen:?}");
}

fn canned(status: u16, body: Vec<u8>, op: &ElbOp) -> Result<Answer, Fault> {
    let config = config!(aws_sdk_elasticloadbalancingv2, "http://elb.invalid");
    let client = Client::from_conf(config.http_client(answering(status, body)).build());
    let budgets = Budgets::default();
    let region = Region::new("eu-west-1");
    let pace = budgets.pace(None, &region, Counter::Elb);
    run(async { perform(&client, op, &pace).await })
}

fn body(script: Script) -> Vec<u8> {
    match script {
        Script::Answer(_, body) => body,
        other => panic!("no body: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_whatever_makes_it_panic(
        (status, body) in answers([
            body(balancers(&["one", "two"])),
            body(tags(&[("one", &[("app", "shop"), ("env", "prod")])])),
        ]),
    ) {
        let hosts = vec!["a.example".into()];
        let groups = ElbOp::TargetGroups { load_balancer: "arn:one".into(), hosts };
        for op in [by_tags(), groups, ElbOp::TargetHealth("arn:group".into())] {
            let answer = canned(status, body.clone(), &op);
            prop_assert!(!matches!(answer, Err(Fault::Unknown(_))), "{op:?}: {answer:?}");
        }
    }
}
