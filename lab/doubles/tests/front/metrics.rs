//! CloudWatch's metrics, and the orders that an application writes.

use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat};
use aws_sdk_cloudwatch::types::{ScanBy, StatusCode};
use http::Method;
use serde_json::json;

use crate::lab::*;

type Wanted<'a> = (&'a str, &'a str, &'a str, &'a str);

fn query(id: &str, (name, dimension, value, statistic): Wanted<'_>) -> MetricDataQuery {
    let namespace = if dimension == "LoadBalancer" { "AWS/ApplicationELB" } else { "AWS/RDS" };
    let dimension = Dimension::builder().name(dimension).value(value).build();
    let metric = Metric::builder().namespace(namespace).metric_name(name).dimensions(dimension);
    let stat = MetricStat::builder().metric(metric.build()).period(60).stat(statistic);
    MetricDataQuery::builder().id(id).metric_stat(stat.build()).build()
}

async fn ask(
    client: &aws_sdk_cloudwatch::Client,
    queries: Vec<MetricDataQuery>,
) -> Vec<MetricDataResult> {
    let now = SystemTime::now();
    let found = client
        .get_metric_data()
        .set_metric_data_queries(Some(queries))
        .start_time(DateTime::from(now - Duration::from_secs(600)))
        .end_time(DateTime::from(now + Duration::from_secs(60)))
        .scan_by(ScanBy::TimestampAscending)
        .send()
        .await
        .unwrap();
    found.metric_data_results().to_vec()
}

const LAG: Wanted<'static> = ("ReplicaLag", "DBInstanceIdentifier", "shop-standby", "Maximum");

#[tokio::test]
async fn lag_has_a_point_for_each_past_minute_by_the_real_clock() {
    let lab = Lab::start();
    let client = lab.cloudwatch(STANDBY);
    let found = ask(&client, vec![query("lag", LAG)]).await;
    assert_eq!((found[0].id(), found[0].status_code()), (Some("lag"), Some(&StatusCode::Complete)));
    let (stamps, values) = (found[0].timestamps(), found[0].values());
    assert!((6..=9).contains(&stamps.len()), "{stamps:?}");
    assert_eq!(stamps.len(), values.len());
    assert!(stamps.is_sorted() && stamps.iter().all(|at| at.secs() % 60 == 0), "{stamps:?}");
    let newest = SystemTime::try_from(*stamps.last().unwrap()).unwrap();
    let age = SystemTime::now().duration_since(newest).unwrap().as_secs();
    assert!((60..=150).contains(&age), "published 60 to 90 s after its stamp: {age}");
    assert!(values.iter().all(|lag| (0.1..30.0).contains(lag)), "{values:?}");
}

#[tokio::test]
async fn connections_and_served_requests_are_asked_for_together_and_strangers_have_no_points() {
    let lab = Lab::start();
    let client = lab.cloudwatch(HOME);
    let queries = vec![
        query("conns", ("DatabaseConnections", "DBInstanceIdentifier", "shop-home", "Maximum")),
        query("ok", ("HTTPCode_Target_2XX_Count", "LoadBalancer", "app/shop/1", "Sum")),
        query("moved", ("HTTPCode_Target_3XX_Count", "LoadBalancer", "app/shop/1", "Sum")),
    ];
    let found = ask(&client, queries).await;
    let ids: Vec<_> = found.iter().filter_map(|series| series.id()).collect();
    assert_eq!(ids, ["conns", "ok", "moved"]);
    assert!(found[0].values().iter().all(|n| *n == 0.0) && !found[0].values().is_empty());
    assert!(found[1].values().is_empty() && found[2].values().is_empty());
}

#[tokio::test]
async fn a_statistic_that_is_not_kept_is_refused_with_cloudwatchs_own_code() {
    let lab = Lab::start();
    let client = lab.cloudwatch(STANDBY);
    let now = SystemTime::now();
    let (name, dimension, value, _) = LAG;
    let refused = client
        .get_metric_data()
        .metric_data_queries(query("lag", (name, dimension, value, "Average")))
        .start_time(DateTime::from(now))
        .end_time(DateTime::from(now))
        .send()
        .await;
    assert_eq!(code(refused), "InvalidParameterValue");
}

#[tokio::test]
async fn orders_are_counted_and_those_a_dead_region_kept_are_told_as_missing() {
    let lab = Lab::start();
    let beat = json!({"clients": 5, "served": 1});
    let (status, door) = lab.database(HOME, "beat", beat.clone()).await;
    assert_eq!((status.as_u16(), &door["writes"]), (200, &json!(true)));
    for number in 1..=3 {
        let (status, told) = lab.database(HOME, "write", json!({"id": format!("u{number}")})).await;
        assert_eq!((status.as_u16(), &told["number"]), (200, &json!(number)));
    }
    let (_, door) = lab.database(STANDBY, "beat", beat).await;
    assert_eq!((&door["reads"], &door["writes"]), (&json!(true), &json!(false)));
    let (status, _) = lab.database(STANDBY, "write", json!({"id": "u9"})).await;
    assert_eq!(status, 503);
    assert_eq!(lab.database(HOME, "count", json!(null)).await.1["count"], 3);
    let stranger = (HOME.0, "nobody");
    assert_eq!(lab.database(stranger, "count", json!(null)).await.0, 404);

    lab.data(Method::POST, "/regions/eu-west-1", json!({"up": false})).await;
    let client = lab.rds(STANDBY);
    client.promote_read_replica().db_instance_identifier(STANDBY.1).send().await.unwrap();
    until(&client, STANDBY.1, |found| found.read_replica_source_db_instance_identifier().is_none())
        .await;
    let lost = lab.data(Method::GET, "/writes", json!(null)).await;
    assert_eq!((&lost["acknowledged"], &lost["writer"]["id"]), (&json!(3), &json!("shop-standby")));
    assert!(!lost["missing"].as_array().unwrap().is_empty(), "written within the lag: {lost}");
}
