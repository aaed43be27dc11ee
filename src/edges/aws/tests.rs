//! The edge as a whole: which service is asked, as whom, how often, and what is refused unasked.

use std::time::Duration;

use bowline_core::model::{RoleArn, Span};
use bowline_core::op::{ElbOp, GateOp, Route53Op};
use tokio::sync::mpsc::UnboundedReceiver;

use aws_credential_types::Credentials;

use super::testing::{Request, Script, credentials, nobody, service};
use super::*;

const HOME: &str = "eu-west-1";
const ROLE: &str = "arn:aws:iam::111111111111:role/bowline";

/// An edge whose services are at these places.
fn edge(places: &[(&str, Service, std::net::SocketAddr)]) -> AwsEdge {
    let endpoints = places.iter().fold(Endpoints::default(), |all, (region, service, at)| {
        all.with(region, *service, &format!("http://{at}"))
    });
    AwsEdge::with_credentials(endpoints, credentials())
}

fn health(region: &str, role: Option<&str>) -> Op {
    let scope = Scope { region: region.into(), role: role.map(RoleArn::new) };
    Op::Elb(scope, ElbOp::TargetHealth("arn:shop".into()))
}

fn zone(role: Option<&str>) -> Op {
    Op::Route53(role.map(RoleArn::new), Route53Op::Zone("Z1".into()))
}

/// What STS gives: credentials of one hour.
fn assumed() -> Script {
    let expiry =
        aws_smithy_types::DateTime::from(std::time::SystemTime::now() + Duration::from_secs(3_600));
    let expiry = expiry.fmt(aws_smithy_types::date_time::Format::DateTime).unwrap();
    let body = format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASSUMED</AccessKeyId>\
         <SecretAccessKey>not a secret</SecretAccessKey><SessionToken>session</SessionToken>\
         <Expiration>{expiry}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    Script::Answer("200 OK\r\ncontent-type: text/xml", body.into_bytes())
}

fn targets() -> Script {
    let body = "<DescribeTargetHealthResponse><DescribeTargetHealthResult>\
                <TargetHealthDescriptions/></DescribeTargetHealthResult>\
                </DescribeTargetHealthResponse>";
    Script::Answer("200 OK\r\ncontent-type: text/xml", body.into())
}

fn hosted() -> Script {
    let body = "<GetHostedZoneResponse><HostedZone><Id>/hostedzone/Z1</Id>\
                <Name>example.com.</Name><CallerReference>x</CallerReference></HostedZone>\
                </GetHostedZoneResponse>";
    Script::Answer("200 OK\r\ncontent-type: text/xml", body.into())
}

/// An edge whose own key ends with a line, as one read from a file may.
fn edge_with_a_broken_key() -> AwsEdge {
    let own = Credentials::new("AKIDEXAMPLE\n", "not a secret", None, None, "test");
    AwsEdge::with_credentials(Endpoints::default(), own)
}

/// Who signed a request, and for which Region and service.
async fn signed(told: &mut UnboundedReceiver<Request>) -> String {
    let head = told.recv().await.unwrap().head;
    let at = head.to_lowercase().find("credential=").unwrap() + "credential=".len();
    let credential: Vec<_> = head[at..].split(['/', ',']).take(4).collect();
    format!("{} {} {}", credential[0], credential[2], credential[3])
}

#[tokio::test]
async fn s9_a_role_is_assumed_once_at_its_own_regions_sts() {
    let (sts, mut asked) = service(&[assumed()]).await;
    let (elb, mut told) = service(&[targets()]).await;
    let edge = edge(&[(HOME, Service::Sts, sts), (HOME, Service::Elb, elb)]);
    for _ in 0..3 {
        assert!(edge.perform(&health(HOME, Some(ROLE))).await.is_ok());
        assert_eq!(signed(&mut told).await, "ASSUMED eu-west-1 elasticloadbalancing");
    }
    assert!(edge.perform(&health(HOME, None)).await.is_ok());
    assert_eq!(signed(&mut told).await, "AKIDEXAMPLE eu-west-1 elasticloadbalancing");
    let request = asked.recv().await.unwrap();
    assert_eq!(request.parameter("Action").unwrap(), "AssumeRole");
    assert_eq!(request.parameter("RoleArn").unwrap(), ROLE);
    assert_eq!(request.parameter("RoleSessionName").unwrap(), "bowline");
    assert!(asked.try_recv().is_err(), "once is enough for an hour");
}

#[tokio::test]
async fn s9_a_dead_region_keeps_nobody_from_route_53() {
    let (dead, mut home) = service(&[Script::Silence]).await;
    let (sts, mut asked) = service(&[assumed()]).await;
    let (route53, mut told) = service(&[hosted()]).await;
    let edge = edge(&[
        (HOME, Service::Sts, dead),
        (HOME, Service::Elb, dead),
        ("us-east-1", Service::Sts, sts),
        ("us-east-1", Service::Route53, route53),
    ]);
    let (look, zone) = (health(HOME, Some(ROLE)), zone(Some(ROLE)));
    let zone = tokio::time::timeout(Duration::from_secs(3), edge.perform(&zone));
    let (never_sent, found) = tokio::join!(edge.perform(&look), zone);
    assert!(matches!(found, Ok(Ok(Answer::Zone(_)))), "{found:?}");
    assert_eq!(signed(&mut told).await, "ASSUMED us-east-1 route53");
    assert_eq!(asked.recv().await.unwrap().parameter("RoleArn").unwrap(), ROLE);
    assert!(matches!(never_sent, Err(Fault::Transient(_))), "{never_sent:?}");
    assert_eq!(home.recv().await.unwrap().parameter("Action").unwrap(), "AssumeRole");
    assert!(home.try_recv().is_err(), "unsigned, the look was never sent");
}

#[tokio::test]
async fn a_role_that_we_may_not_assume_is_denied() {
    let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>\
                </ErrorResponse>";
    let (sts, mut asked) = service(&[Script::Answer("403 No", body.into())]).await;
    let edge = edge(&[(HOME, Service::Sts, sts), (HOME, Service::Elb, nobody().await)]);
    let denied = edge.perform(&health(HOME, Some(ROLE))).await;
    assert!(matches!(denied, Err(Fault::Denied(_))), "{denied:?}");
    assert!(asked.recv().await.is_some() && asked.try_recv().is_err(), "asked once");
}

#[tokio::test]
async fn a_lost_answer_of_sts_is_asked_for_again() {
    let (sts, mut asked) = service(&[Script::Reset, assumed()]).await;
    let (elb, _told) = service(&[targets()]).await;
    let edge = edge(&[(HOME, Service::Sts, sts), (HOME, Service::Elb, elb)]);
    assert!(edge.perform(&health(HOME, Some(ROLE))).await.is_ok());
    assert!(asked.recv().await.is_some() && asked.recv().await.is_some());
}

/// What a call says before it waits for anything: nothing, if it is being sent.
async fn at_once(edge: &AwsEdge, op: &Op) -> Option<Result<Answer, Fault>> {
    tokio::select! {
        biased;
        said = edge.perform(op) => Some(said),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn over_budget_nothing_is_sent() {
    let edge = edge(&[("us-east-1", Service::Route53, nobody().await)]);
    let look = Op::Route53(None, Route53Op::CheckStatus("h".into()));
    for _ in 0..3 {
        assert_eq!(at_once(&edge, &look).await, None, "it is sent");
    }
    let after = Some(Span::millis(1_100));
    assert_eq!(at_once(&edge, &look).await, Some(Err(Fault::Throttled { after })));
    tokio::time::advance(Duration::from_millis(1_100)).await;
    assert_eq!(at_once(&edge, &look).await, None, "its turn has come");
    assert_eq!(at_once(&edge, &look).await, Some(Err(Fault::Throttled { after })));
}

#[tokio::test]
async fn the_gates_lever_is_refused_in_words() {
    let op = Op::Gate(None, GateOp::Read { object: "s3://bucket/gate".into() });
    let refused = edge(&[]).perform(&op).await;
    assert!(matches!(&refused, Err(Fault::Invalid(w)) if w.contains("records")), "{refused:?}");
}

#[tokio::test]
async fn route_53_of_another_partition_is_its_own() {
    for (role, region) in [
        (None, "us-east-1"),
        (Some(ROLE), "us-east-1"),
        (Some("arn:aws-cn:iam::111111111111:role/dns"), "cn-northwest-1"),
        (Some("arn:aws-us-gov:iam::111111111111:role/dns"), "us-gov-west-1"),
    ] {
        let role = role.map(RoleArn::new);
        assert_eq!(sessions::dns(role.as_ref()).region.as_str(), region);
    }
}

#[tokio::test(start_paused = true)]
async fn s9_what_cannot_be_signed_is_denied_at_once_and_says_why() {
    let broken = edge_with_a_broken_key();
    for role in [None, Some(ROLE)] {
        let began = tokio::time::Instant::now();
        let refused = broken.perform(&health(HOME, role)).await;
        let Err(Fault::Denied(words)) = refused else { panic!("{role:?}: {refused:?}") };
        assert!(words.contains("the end of a line") && !words.contains("AKID"), "{words}");
        assert!(began.elapsed().is_zero(), "it is not tried again");
    }
}
