//! Calls to CloudWatch: one-minute points of the metrics that Bowline judges by.
//!
//! A point that was not published is no point: nothing is filled in, and an answer that CloudWatch
//! calls incomplete is no answer.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{
    Dimension, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};

use bowline_core::model::{Counted, InstanceId, LoadBalancerArn, Span, Wall};
use bowline_core::op::{Answer, CloudWatchOp, Fault, Metric};

use super::fault::{fault, lost};
use super::instant::{from_wall, now, to_wall};

/// The length of a point's period.
const PERIOD: Span = Span::mins(1);

/// CloudWatch keeps one-minute points for 15 days.
const KEPT: Span = Span::mins(14 * 24 * 60);

/// The most pages that are read for one answer.
const PAGES: usize = 10;

/// Makes one call.
///
/// # Errors
/// What CloudWatch or the way to it said.
pub(super) async fn perform(client: &Client, op: &CloudWatchOp) -> Result<Answer, Fault> {
    let CloudWatchOp::Points { metric, since } = op;
    let series = series(metric)?;
    let now = now();
    let start = (*since).max(now - KEPT);
    let end = (now + PERIOD).max(start + PERIOD);
    let found = read(client, &series, (start, end)).await?;
    let points = sum(series.iter().map(|one| found.get(one.id)));
    let points = points?.into_iter().filter(|(at, _)| at >= since);
    Ok(Answer::Points(points.map(|(at, thousandths)| Counted { at, thousandths }).collect()))
}

/// One metric as CloudWatch knows it.
struct Series {
    id: &'static str,
    namespace: &'static str,
    name: &'static str,
    statistic: &'static str,
    dimension: (&'static str, String),
}

/// What is asked for; the values of several are added up.
fn series(metric: &Metric) -> Result<Vec<Series>, Fault> {
    Ok(match metric {
        Metric::ReplicaLag(instance) => vec![of_instance("ReplicaLag", instance)],
        Metric::Connections(instance) => vec![of_instance("DatabaseConnections", instance)],
        Metric::Served(arn) => {
            let balancer = balancer(arn)?;
            vec![
                answered("ok", "HTTPCode_Target_2XX_Count", &balancer),
                answered("moved", "HTTPCode_Target_3XX_Count", &balancer),
            ]
        }
    })
}

fn of_instance(name: &'static str, instance: &InstanceId) -> Series {
    let dimension = ("DBInstanceIdentifier", instance.to_string());
    Series { id: "value", namespace: "AWS/RDS", name, statistic: "Maximum", dimension }
}

fn answered(id: &'static str, name: &'static str, balancer: &str) -> Series {
    let dimension = ("LoadBalancer", balancer.to_owned());
    Series { id, namespace: "AWS/ApplicationELB", name, statistic: "Sum", dimension }
}

/// An ALB as CloudWatch names it: `app/NAME/ID`, the end of its ARN.
fn balancer(arn: &LoadBalancerArn) -> Result<String, Fault> {
    let name = arn.split_once(":loadbalancer/").map(|(_, name)| name);
    let name = name.filter(|name| name.starts_with("app/")).map(str::to_owned);
    name.ok_or_else(|| {
        Fault::Invalid(format!("{arn}: requests are counted for Application Load Balancers only"))
    })
}

/// What was found for one series.
#[derive(Default)]
struct Found {
    points: BTreeMap<Wall, f64>,
    status: Option<StatusCode>,
    words: String,
}

/// All pages of the series' points, by id.
async fn read(
    client: &Client,
    series: &[Series],
    (start, end): (Wall, Wall),
) -> Result<BTreeMap<String, Found>, Fault> {
    let queries: Vec<_> = series.iter().map(query).collect();
    let (mut found, mut next) = (BTreeMap::<String, Found>::new(), None);
    for _ in 0..PAGES {
        let call = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.clone()))
            .start_time(from_wall(start))
            .end_time(from_wall(end))
            .scan_by(ScanBy::TimestampAscending)
            .set_next_token(next);
        let page = call.send().await.map_err(|e| fault(e, false))?;
        for result in page.metric_data_results() {
            found.entry(result.id().unwrap_or_default().into()).or_default().take(result)?;
        }
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(found);
        }
    }
    Err(Fault::Invalid(format!("more than {PAGES} pages of points since {start}")))
}

fn query(series: &Series) -> MetricDataQuery {
    let (name, value) = &series.dimension;
    let dimension = Dimension::builder().name(*name).value(value).build();
    let metric = aws_sdk_cloudwatch::types::Metric::builder()
        .namespace(series.namespace)
        .metric_name(series.name)
        .dimensions(dimension)
        .build();
    let period = i32::try_from(PERIOD.as_secs()).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(series.statistic).build();
    MetricDataQuery::builder().id(series.id).metric_stat(stat).return_data(true).build()
}

impl Found {
    /// Adds one page's part.
    fn take(&mut self, result: &MetricDataResult) -> Result<(), Fault> {
        let (times, values) = (result.timestamps(), result.values());
        if times.len() != values.len() {
            let words = format!("{} instants and {} values", times.len(), values.len());
            return Err(lost(format!("CloudWatch answered {words}"), false));
        }
        let pairs = times.iter().map(to_wall).zip(values.iter().copied());
        let points = pairs.filter_map(|(at, value)| Some((at?, value)));
        self.points.extend(points.filter(|(_, value)| value.is_finite()));
        self.status = result.status_code().cloned();
        for message in result.messages() {
            self.words = format!(
                "{}: {}",
                message.code().unwrap_or_default(),
                message.value().unwrap_or_default()
            );
        }
        Ok(())
    }

    /// The points, if CloudWatch says that these are all.
    fn complete(&self) -> Result<&BTreeMap<Wall, f64>, Fault> {
        match &self.status {
            Some(StatusCode::Complete) => Ok(&self.points),
            Some(StatusCode::Forbidden) => Err(Fault::Denied(format!("Forbidden {}", self.words))),
            other => {
                let status = other.as_ref().map_or("no status", StatusCode::as_str);
                Err(lost(format!("CloudWatch has only part: {status} {}", self.words), false))
            }
        }
    }
}

/// The values of all series added up by instant, in thousandths, oldest first.
fn sum<'a>(all: impl Iterator<Item = Option<&'a Found>>) -> Result<BTreeMap<Wall, i64>, Fault> {
    let mut total = BTreeMap::new();
    for found in all {
        let found = found.ok_or_else(|| lost("CloudWatch left out a metric".into(), false))?;
        for (at, value) in found.complete()? {
            let sum: &mut i64 = total.entry(*at).or_default();
            *sum = sum.saturating_add(thousandths(*value));
        }
    }
    Ok(total)
}

/// Rounded to the nearest; what is too large becomes the largest.
#[allow(clippy::cast_possible_truncation)]
fn thousandths(value: f64) -> i64 {
    (value * 1_000.0).round() as i64
}

#[cfg(test)]
#[path = "cloudwatch_tests.rs"]
mod tests;
