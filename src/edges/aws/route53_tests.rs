//! Route 53 as it answers, and every way in which it refuses.

use std::sync::Arc;

use bowline_core::model::Region;
use bowline_core::op::{AliasTarget, Failover, RecordType};
use proptest::prelude::*;
use tokio::sync::mpsc::UnboundedReceiver;

use super::super::budget::{Budgets, Counter};
use super::super::testing::{Request, Script, answering, answers, config, nobody, run, service};
use super::*;

const OK: &str = "200 OK\r\ncontent-type: text/xml";

async fn at(url: String, op: &Route53Op) -> Result<Answer, Fault> {
    let client = Client::from_conf(config!(aws_sdk_route53, url).build());
    let budgets = Budgets::default();
    perform(&client, op, &budgets.pace(None, &Region::new("us-east-1"), Counter::Route53)).await
}

/// What a call gives when Route 53 answers this, and the requests that it took.
async fn told(
    bodies: &[&str],
    op: &Route53Op,
) -> (Result<Answer, Fault>, UnboundedReceiver<Request>) {
    let script = |body: &&str| Script::Answer(OK, body.as_bytes().to_vec());
    let scripts: Vec<_> = bodies.iter().map(script).collect();
    let (address, requests) = service(&scripts).await;
    (at(format!("http://{address}"), op).await, requests)
}

async fn refused(status: &'static str, code: &str, op: &Route53Op) -> Fault {
    let body = format!(
        "<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    );
    let (address, _requests) = service(&[Script::Answer(status, body.into_bytes())]).await;
    at(format!("http://{address}"), op).await.unwrap_err()
}

fn page(sets: &str, next: &str) -> String {
    format!(
        "<ListResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">\
         <ResourceRecordSets>{sets}</ResourceRecordSets>{next}<MaxItems>300</MaxItems>\
         </ListResourceRecordSetsResponse>"
    )
}

const ALIAS: &str = "<ResourceRecordSet><Name>\\052.shop.example.com.</Name><Type>A</Type>\
    <SetIdentifier>home</SetIdentifier><Failover>PRIMARY</Failover><AliasTarget>\
    <HostedZoneId>Z32O12XQLNTSW2</HostedZoneId>\
    <DNSName>dualstack.Web-1.elb.amazonaws.com.</DNSName>\
    <EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>\
    <HealthCheckId>check-1</HealthCheckId></ResourceRecordSet>";
const MX: &str = "<ResourceRecordSet><Name>\\052.shop.example.com.</Name><Type>MX</Type>\
    <TTL>60</TTL>\
    <ResourceRecords><ResourceRecord><Value>10 mail</Value></ResourceRecord></ResourceRecords>\
    </ResourceRecordSet>";
const TEXT: &str = "<ResourceRecordSet><Name>\\052.shop.example.com.</Name><Type>TXT</Type>\
    <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>\"v=1 a=b\"</Value></ResourceRecord>\
    <ResourceRecord><Value>\"two\"</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>";
const OTHER: &str = "<ResourceRecordSet><Name>zoo.example.com.</Name><Type>A</Type><TTL>60</TTL>\
    <ResourceRecords><ResourceRecord><Value>10.0.0.1</Value></ResourceRecord></ResourceRecords>\
    </ResourceRecordSet>";
const END: &str = "<IsTruncated>false</IsTruncated>";

fn alias() -> RecordSet {
    RecordSet {
        name: "*.shop.example.com".into(),
        kind: RecordType::A,
        set_identifier: Some("home".into()),
        failover: Some(Failover::Primary),
        health_check: Some("check-1".into()),
        ttl_secs: None,
        values: Vec::new(),
        alias: Some(AliasTarget {
            zone: "Z32O12XQLNTSW2".into(),
            dns_name: "dualstack.web-1.elb.amazonaws.com".into(),
            evaluate_target_health: true,
        }),
    }
}

fn text() -> RecordSet {
    RecordSet {
        name: "*.shop.example.com".into(),
        kind: RecordType::Txt,
        set_identifier: None,
        failover: None,
        health_check: None,
        ttl_secs: Some(60),
        values: vec!["\"v=1 a=b\"".into(), "\"two\"".into()],
        alias: None,
    }
}

fn list() -> Route53Op {
    Route53Op::Records { zone: "Z1".into(), name: "*.shop.example.com".into() }
}

fn exchange() -> Route53Op {
    let other = RecordSet { set_identifier: Some("standby".into()), ..alias() };
    Route53Op::Change { zone: "Z1".into(), delete: vec![alias()], create: vec![other, text()] }
}

#[tokio::test]
async fn the_sets_of_one_name_are_read_and_no_others() {
    let body = page(&format!("{ALIAS}{MX}{TEXT}{OTHER}"), END);
    let (found, mut requests) = told(&[&body], &list()).await;
    assert_eq!(found, Ok(Answer::Records(vec![alias(), text()])));
    let request = requests.recv().await.unwrap().head;
    assert!(request.starts_with("GET /2013-04-01/hostedzone/Z1/rrset?"), "{request}");
    assert!(request.contains("name=%2A.shop.example.com"), "{request}");
}

#[tokio::test]
async fn a_name_over_several_pages_is_read_to_its_end_and_not_beyond() {
    let next = "<IsTruncated>true</IsTruncated><NextRecordName>\\052.shop.example.com.\
                </NextRecordName><NextRecordType>TXT</NextRecordType>";
    let beyond = "<IsTruncated>true</IsTruncated><NextRecordName>zoo.example.com.</NextRecordName>\
                  <NextRecordType>A</NextRecordType>";
    let pages = [page(ALIAS, next), page(TEXT, beyond)];
    let (found, mut requests) = told(&[&pages[0], &pages[1]], &list()).await;
    assert_eq!(found, Ok(Answer::Records(vec![alias(), text()])));
    requests.recv().await.unwrap();
    assert!(requests.recv().await.unwrap().head.contains("type=TXT"));
    assert!(requests.try_recv().is_err());
    let (endless, _requests) = told(&[&pages[0]], &list()).await;
    assert!(matches!(endless, Err(Fault::Invalid(_))), "{endless:?}");
}

#[tokio::test]
async fn s3_a_batch_deletes_exactly_what_was_read_and_then_creates() {
    let body = "<ChangeResourceRecordSetsResponse xmlns=\"https://route53.amazonaws.com/doc/\
                2013-04-01/\"><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status>\
                <SubmittedAt>2026-11-21T00:00:00Z</SubmittedAt></ChangeInfo>\
                </ChangeResourceRecordSetsResponse>";
    let (accepted, mut requests) = told(&[body], &exchange()).await;
    assert_eq!(accepted, Ok(Answer::Change("C1".into())));
    let request = requests.recv().await.unwrap();
    assert!(request.head.starts_with("POST /2013-04-01/hostedzone/Z1/rrset"), "{}", request.head);
    let body = String::from_utf8(request.body).unwrap();
    let places: Vec<_> = [
        "<Action>DELETE</Action>",
        "<Name>*.shop.example.com</Name>",
        "<SetIdentifier>home</SetIdentifier>",
        "<Failover>PRIMARY</Failover>",
        "<HostedZoneId>Z32O12XQLNTSW2</HostedZoneId>",
        "<EvaluateTargetHealth>true</EvaluateTargetHealth>",
        "<HealthCheckId>check-1</HealthCheckId>",
        "<Action>CREATE</Action>",
        "<SetIdentifier>standby</SetIdentifier>",
        "<TTL>60</TTL>",
        "a=b",
    ]
    .iter()
    .map(|part| body.find(part).unwrap_or_else(|| panic!("{part}: {body}")))
    .collect();
    assert!(places.is_sorted(), "{places:?}: {body}");
    assert!(!body.contains("UPSERT"), "{body}");
}

#[tokio::test]
async fn s3_a_stale_batch_is_a_conflict_and_a_busy_zone_throttles() {
    let cases = [
        ("400 Bad", "InvalidChangeBatch", Fault::Conflict("InvalidChangeBatch: no".into())),
        ("400 Bad", "PriorRequestNotComplete", Fault::Throttled { after: None }),
        ("400 Bad", "Throttling", Fault::Throttled { after: None }),
        ("404 Not Found", "NoSuchHostedZone", Fault::NotFound("NoSuchHostedZone: no".into())),
        ("403 Forbidden", "AccessDenied", Fault::Denied("AccessDenied: no".into())),
        ("400 Bad", "InvalidInput", Fault::Invalid("InvalidInput: no".into())),
        ("500 Oops", "InternalError", Fault::Unknown("InternalError: no".into())),
    ];
    for (status, code, expected) in cases {
        assert_eq!(refused(status, code, &exchange()).await, expected, "{code}");
    }
    let look = Route53Op::ChangeStatus("C1".into());
    let gone = refused("404 Not Found", "NoSuchChange", &look).await;
    assert_eq!(gone, Fault::NotFound("NoSuchChange: no".into()));
    let down = refused("500 Oops", "InternalError", &look).await;
    assert_eq!(down, Fault::Transient("InternalError: no".into()));
}

#[tokio::test]
async fn s6_a_batch_whose_answer_is_lost_is_unknown_and_sent_once() {
    for script in [Script::Reset, Script::Silence, Script::Bytes("")] {
        let (address, mut requests) = service(std::slice::from_ref(&script)).await;
        let lost = at(format!("http://{address}"), &exchange()).await;
        assert!(matches!(lost, Err(Fault::Unknown(_))), "{script:?}: {lost:?}");
        assert!(requests.recv().await.is_some());
        assert!(requests.try_recv().is_err(), "{script:?}");
    }
    let nothing = at(format!("http://{}", nobody().await), &exchange()).await;
    assert!(matches!(nothing, Err(Fault::Transient(_))), "{nothing:?}");
}

#[tokio::test]
async fn a_batch_that_route_53_cannot_take_is_not_sent() {
    let set = RecordSet { values: vec![Arc::from("x".repeat(400)); 90], ..text() };
    let op = Route53Op::Change { zone: "Z1".into(), delete: vec![], create: vec![set] };
    let (address, mut requests) = service(&[Script::Silence]).await;
    let refused = at(format!("http://{address}"), &op).await;
    assert!(matches!(refused, Err(Fault::Invalid(_))), "{refused:?}");
    assert!(requests.try_recv().is_err());
}

#[tokio::test]
async fn a_change_is_in_sync_when_route_53_says_so() {
    for (status, expected) in [("PENDING", false), ("INSYNC", true)] {
        let body = format!(
            "<GetChangeResponse><ChangeInfo><Id>/change/C1</Id><Status>{status}</Status>\
             <SubmittedAt>2026-11-21T00:00:00Z</SubmittedAt></ChangeInfo></GetChangeResponse>"
        );
        let (found, mut requests) = told(&[&body], &Route53Op::ChangeStatus("C1".into())).await;
        assert_eq!(found, Ok(Answer::Insync(expected)));
        let request = requests.recv().await.unwrap().head;
        assert!(request.starts_with("GET /2013-04-01/change/C1 "), "{request}");
    }
}

#[tokio::test]
async fn a_health_check_is_read_as_what_it_is() {
    let calculated = HealthCheckKind::Calculated { threshold: 2, children: 1 };
    let endpoint =
        |secs, threshold| HealthCheckKind::Endpoint { interval: Span::secs(secs), threshold };
    let cases = [
        (
            "<Type>CALCULATED</Type><HealthThreshold>2</HealthThreshold><ChildHealthChecks>\
             <ChildHealthCheck>a</ChildHealthCheck></ChildHealthChecks>",
            calculated,
            (false, false),
        ),
        ("<Type>HTTPS</Type><Inverted>true</Inverted>", endpoint(30, 3), (false, true)),
        (
            "<Type>TCP</Type><Disabled>true</Disabled><RequestInterval>10</RequestInterval>\
             <FailureThreshold>2</FailureThreshold>",
            endpoint(10, 2),
            (true, false),
        ),
        ("<Type>CLOUDWATCH_METRIC</Type>", HealthCheckKind::CloudWatch, (false, false)),
        ("<Type>RECOVERY_CONTROL</Type>", HealthCheckKind::RoutingControl, (false, false)),
    ];
    for (settings, kind, (disabled, inverted)) in cases {
        let body = format!(
            "<GetHealthCheckResponse><HealthCheck><Id>h</Id><CallerReference>x</CallerReference>\
             <HealthCheckConfig>{settings}</HealthCheckConfig>\
             <HealthCheckVersion>1</HealthCheckVersion></HealthCheck></GetHealthCheckResponse>"
        );
        let (found, _requests) = told(&[&body], &Route53Op::HealthCheck("h".into())).await;
        let expected = HealthCheck { id: "h".into(), kind, disabled, inverted };
        assert_eq!(found, Ok(Answer::HealthCheck(expected)), "{settings}");
    }
}

#[tokio::test]
async fn s11_checkers_that_say_nothing_are_not_counted() {
    let observation = |status: &str| {
        format!(
            "<HealthCheckObservation><Region>us-east-1</Region><StatusReport>\
             <Status>{status}</Status></StatusReport></HealthCheckObservation>"
        )
    };
    let all = [
        "Success: HTTP Status Code 200, OK",
        "Success",
        "Failure: Connection timed out. Success was not seen",
        "Failure: HTTP Status Code 503",
        "InsufficientDataPoints",
        "Unknown",
    ];
    let all: String = all.iter().map(|status| observation(status)).collect();
    let body = format!(
        "<GetHealthCheckStatusResponse><HealthCheckObservations>{all}<HealthCheckObservation/>\
         </HealthCheckObservations></GetHealthCheckStatusResponse>"
    );
    let (found, mut requests) = told(&[&body], &Route53Op::CheckStatus("h".into())).await;
    assert_eq!(found, Ok(Answer::CheckStatus { healthy: 2, of: 4 }));
    let request = requests.recv().await.unwrap().head;
    assert!(request.starts_with("GET /2013-04-01/healthcheck/h/status "), "{request}");
}

#[tokio::test]
async fn a_zone_is_its_apex_and_its_servers() {
    let body = "<GetHostedZoneResponse><HostedZone><Id>/hostedzone/Z1</Id><Name>Example.com.</Name>\
                <CallerReference>x</CallerReference>\
                <Config><PrivateZone>true</PrivateZone></Config>\
                </HostedZone><DelegationSet><NameServers>\
                <NameServer>ns-1.awsdns-00.com</NameServer>\
                <NameServer>NS-2.awsdns-00.net.</NameServer></NameServers></DelegationSet>\
                </GetHostedZoneResponse>";
    let (found, _requests) = told(&[body], &Route53Op::Zone("Z1".into())).await;
    let expected = ZoneInfo {
        apex: "example.com".into(),
        private: true,
        name_servers: vec!["ns-1.awsdns-00.com".into(), "ns-2.awsdns-00.net".into()],
    };
    assert_eq!(found, Ok(Answer::Zone(expected)));
}

fn canned(status: u16, body: Vec<u8>, op: &Route53Op) -> Result<Answer, Fault> {
    let config = config!(aws_sdk_route53, "http://route53.invalid");
    let client = Client::from_conf(config.http_client(answering(status, body)).build());
    let budgets = Budgets::default();
    let region = Region::new("us-east-1");
    let pace = budgets.pace(None, &region, Counter::Route53);
    run(async { perform(&client, op, &pace).await })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_whatever_makes_it_panic(
        (status, body) in answers([
            page(&format!("{ALIAS}{TEXT}{OTHER}"), END).into_bytes(),
        ]),
    ) {
        let (zone, name) = (ZoneId::new("Z0123456789"), Host::new("*.shop.example.com"));
        let change = Route53Op::Change {
            zone: zone.clone(),
            delete: vec![alias()],
            create: Vec::new(),
        };
        for (op, mutates) in [
            (Route53Op::Records { zone: zone.clone(), name }, false),
            (Route53Op::Zone(zone.clone()), false),
            (Route53Op::CheckStatus("check-1".into()), false),
            (Route53Op::HealthCheck("check-1".into()), false),
            (Route53Op::ChangeStatus("C1".into()), false),
            (change, true),
        ] {
            let answer = canned(status, body.clone(), &op);
            let transient = matches!(answer, Err(Fault::Transient(_)));
            let unknown = matches!(answer, Err(Fault::Unknown(_)));
            prop_assert!(if mutates { !transient } else { !unknown }, "{op:?}: {answer:?}");
        }
    }
}
