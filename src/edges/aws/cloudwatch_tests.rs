//! What is asked of CloudWatch in CBOR, and what its answers are taken for.

use std::sync::LazyLock;

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use proptest::prelude::*;

use super::super::testing::{Request, Script, answering, answers, config, run, service};
use super::*;

const ALB: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/app/shop/50dc6c495c0c9188";
const OK: &str = "200 OK\r\ncontent-type: application/cbor\r\nsmithy-protocol: rpc-v2-cbor";

/// One metric's part of a page: its id, points, status.
type Part<'a> = (&'a str, &'a [(i64, f64)], &'a str);

fn page(parts: &[Part<'_>], next: Option<&str>) -> Vec<u8> {
    let mut cbor = Encoder::new(Vec::new());
    cbor.begin_map().str("MetricDataResults").array(parts.len());
    for (id, points, status) in parts {
        cbor.map(5).str("Id").str(id).str("StatusCode").str(status);
        cbor.str("Timestamps").array(points.len());
        for (at, _) in *points {
            cbor.timestamp(&DateTime::from_secs(*at));
        }
        cbor.str("Values").array(points.len());
        for (_, value) in *points {
            cbor.double(*value);
        }
        cbor.str("Messages").array(0);
    }
    if let Some(token) = next {
        cbor.str("NextToken").str(token);
    }
    cbor.end();
    cbor.into_writer()
}

fn ask(metric: Metric, since: Wall) -> CloudWatchOp {
    CloudWatchOp::Points { metric, since }
}

fn lag() -> Metric {
    Metric::ReplicaLag("shop".into())
}

/// Calls a service that plays these scripts; gives the requests that it saw, too.
async fn call(scripts: &[Script], op: &CloudWatchOp) -> (Result<Answer, Fault>, Vec<Request>) {
    let (address, mut told) = service(scripts).await;
    let client =
        Client::from_conf(config!(aws_sdk_cloudwatch, format!("http://{address}")).build());
    let answer = perform(&client, op).await;
    let seen = std::iter::from_fn(|| told.try_recv().ok()).collect();
    (answer, seen)
}

async fn answered(parts: &[Part<'_>], metric: Metric) -> Result<Answer, Fault> {
    call(&[Script::Answer(OK, page(parts, None))], &ask(metric, recent(0))).await.0
}

/// The beginning of a minute an hour ago, in seconds; the same all through a test.
static BEGAN: LazyLock<i64> = LazyLock::new(|| now().0 / 60_000 * 60 - 3_600);

/// The beginning of the minute that many minutes later, in seconds.
fn minute(number: i64) -> i64 {
    *BEGAN + number * 60
}

fn recent(number: i64) -> Wall {
    Wall(minute(number) * 1_000)
}

fn points(expected: &[(i64, i64)]) -> Result<Answer, Fault> {
    let points = expected
        .iter()
        .map(|(number, thousandths)| Counted { at: recent(*number), thousandths: *thousandths });
    Ok(Answer::Points(points.collect()))
}

/// Every text of a CBOR document in order, numbers and instants among them.
fn texts(bytes: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(bytes);
    let mut found = Vec::new();
    while decoder.position() < bytes.len() {
        match decoder.datatype().unwrap() {
            Type::String => found.push(decoder.string().unwrap()),
            Type::Map | Type::MapIndef => drop(decoder.map().unwrap()),
            Type::Array | Type::ArrayIndef => drop(decoder.list().unwrap()),
            Type::Tag => found.push(decoder.timestamp().unwrap().to_string()),
            Type::U8 | Type::U16 | Type::U32 => found.push(decoder.integer().unwrap().to_string()),
            _ => decoder.skip().unwrap(),
        }
    }
    found
}

/// Whether the texts hold these one after the other, wherever.
fn holds(texts: &[String], wanted: &[&str]) -> bool {
    texts.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn each_metric_is_asked_for_by_its_names_in_one_request() {
    let cases = [
        (lag(), "AWS/RDS", vec!["ReplicaLag"], ("DBInstanceIdentifier", "shop"), "Maximum"),
        (
            Metric::Connections("shop".into()),
            "AWS/RDS",
            vec!["DatabaseConnections"],
            ("DBInstanceIdentifier", "shop"),
            "Maximum",
        ),
        (
            Metric::Served(ALB.into()),
            "AWS/ApplicationELB",
            vec!["HTTPCode_Target_2XX_Count", "HTTPCode_Target_3XX_Count"],
            ("LoadBalancer", "app/shop/50dc6c495c0c9188"),
            "Sum",
        ),
    ];
    for (metric, namespace, names, (key, value), statistic) in cases {
        let script = [Script::Answer(OK, page(&[], None))];
        let (_, seen) = call(&script, &ask(metric.clone(), recent(0))).await;
        assert_eq!(seen.len(), 1);
        let line = "POST /service/GraniteServiceVersion20100801/operation/GetMetricData HTTP/1.1";
        assert!(seen[0].head.starts_with(line), "{}", seen[0].head);
        let texts = texts(&seen[0].body);
        for name in names {
            assert!(holds(&texts, &["MetricName", name]), "{metric:?}: {texts:?}");
        }
        let wanted: [&[&str]; 6] = [
            &["Namespace", namespace],
            &["Name", key],
            &["Value", value],
            &["Period", "60"],
            &["Stat", statistic],
            &["ScanBy", "TimestampAscending"],
        ];
        for wanted in wanted {
            assert!(holds(&texts, wanted), "{metric:?}: {wanted:?} in {texts:?}");
        }
        let start = DateTime::from_secs(minute(0)).to_string();
        assert!(holds(&texts, &["StartTime", &start]), "{start} in {texts:?}");
    }
}

#[tokio::test]
async fn points_are_told_in_thousandths_as_they_came_oldest_first() {
    let came = [
        (minute(3), 0.0),
        (minute(1), 1.2345),
        (minute(2), -1.0),
        (minute(4), f64::NAN),
        (minute(5), f64::INFINITY),
        (minute(-1), 9.0),
        (minute(6), 1e300),
    ];
    let found = answered(&[("value", &came, "Complete")], lag()).await;
    assert_eq!(found, points(&[(1, 1_235), (2, -1_000), (3, 0), (6, i64::MAX)]));
}

#[tokio::test]
async fn requests_served_are_those_answered_well_whether_moved_or_not() {
    let parts: [Part<'_>; 2] = [
        ("moved", &[(minute(2), 5.0), (minute(3), 7.0)], "Complete"),
        ("ok", &[(minute(1), 100.0), (minute(2), 200.0)], "Complete"),
    ];
    let found = answered(&parts, Metric::Served(ALB.into())).await;
    assert_eq!(found, points(&[(1, 100_000), (2, 205_000), (3, 7_000)]));
    let none: [Part<'_>; 2] = [("moved", &[], "Complete"), ("ok", &[], "Complete")];
    assert_eq!(answered(&none, Metric::Served(ALB.into())).await, points(&[]));
}

#[tokio::test]
async fn only_an_application_load_balancer_counts_requests() {
    let other = ALB.replace("/app/", "/net/");
    for arn in [other.as_str(), "", "arn:aws:rds:eu-west-1:111111111111:db:shop"] {
        let (answer, seen) =
            call(&[Script::Silence], &ask(Metric::Served(arn.into()), Wall(0))).await;
        assert!(matches!(answer, Err(Fault::Invalid(_))), "{arn}: {answer:?}");
        assert!(seen.is_empty());
    }
}

#[tokio::test]
async fn pages_are_put_together_and_judged_by_the_last() {
    let first = page(&[("value", &[(minute(1), 1.0)], "PartialData")], Some("more"));
    let last = page(&[("value", &[(minute(2), 2.0)], "Complete")], None);
    let scripts = [Script::Answer(OK, first.clone()), Script::Answer(OK, last)];
    let (answer, seen) = call(&scripts, &ask(lag(), recent(0))).await;
    assert_eq!(answer, points(&[(1, 1_000), (2, 2_000)]));
    assert!(!holds(&texts(&seen[0].body), &["NextToken"]));
    assert!(holds(&texts(&seen[1].body), &["NextToken", "more"]));
    let (answer, seen) = call(&[Script::Answer(OK, first)], &ask(lag(), recent(0))).await;
    assert!(matches!(answer, Err(Fault::Invalid(_))), "{answer:?}");
    assert_eq!(seen.len(), PAGES);
}

#[tokio::test]
async fn s10_an_incomplete_answer_is_no_evidence() {
    let one: &[(i64, f64)] = &[(minute(1), 1.0)];
    for status in ["PartialData", "InternalError", "Whatever"] {
        let found = answered(&[("value", one, status)], lag()).await;
        assert!(matches!(found, Err(Fault::Transient(_))), "{status}: {found:?}");
    }
    let found = answered(&[("value", one, "Forbidden")], lag()).await;
    assert!(matches!(found, Err(Fault::Denied(_))), "{found:?}");
    let half: [Part<'_>; 2] = [("ok", one, "Complete"), ("moved", &[], "InternalError")];
    let found = answered(&half, Metric::Served(ALB.into())).await;
    assert!(matches!(found, Err(Fault::Transient(_))), "{found:?}");
    for parts in [vec![], vec![("other", one, "Complete")]] {
        let found = answered(&parts, lag()).await;
        assert!(matches!(found, Err(Fault::Transient(_))), "{found:?}");
    }
}

#[tokio::test]
async fn what_cloudwatch_refuses_is_told_by_its_code() {
    let mut cbor = Encoder::new(Vec::new());
    cbor.map(2).str("__type").str("com.amazonaws.cloudwatch#Throttling");
    cbor.str("message").str("Rate exceeded");
    let throttled = cbor.into_writer();
    let throttle = "400 Bad Request\r\nsmithy-protocol: rpc-v2-cbor\r\nretry-after: 2";
    let (answer, _) = call(&[Script::Answer(throttle, throttled)], &ask(lag(), Wall(0))).await;
    assert_eq!(answer, Err(Fault::Throttled { after: Some(Span::secs(2)) }));
    let query = "403 Forbidden\r\nx-amzn-query-error: AccessDenied;Sender";
    let mut empty = Encoder::new(Vec::new());
    empty.map(0);
    let (answer, _) =
        call(&[Script::Answer(query, empty.into_writer())], &ask(lag(), Wall(0))).await;
    assert!(matches!(answer, Err(Fault::Denied(_))), "{answer:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_whatever_makes_it_panic(
        (status, body) in answers([
            page(&[("value", &[(1_795_262_400, 1.5)], "Complete")], Some("more")),
        ]),
        since in any::<i64>(),
    ) {
        let config = config!(aws_sdk_cloudwatch, "http://monitoring.invalid");
        let client = Client::from_conf(config.http_client(answering(status, body)).build());
        let answer = run(async { perform(&client, &ask(lag(), Wall(since))).await });
        prop_assert!(!matches!(answer, Err(Fault::Unknown(_))), "a look is never unknown");
    }
}
