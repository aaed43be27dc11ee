//! CloudWatch's `GetMetricData` in `rpc-v2-cbor`.

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::decode::DeserializeError;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use bowline_core::model::{Counted, Wall};
use bowline_core::op::{Answer, CloudWatchOp, Fault, Metric};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use super::wire::Failure;

/// How deep a request may nest.
const DEEPEST: u32 = 16;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Asked {
    metric_data_queries: Vec<Series>,
    start_time: f64,
    end_time: f64,
    #[serde(default)]
    scan_by: Option<String>,
}

/// One series of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Series {
    id: String,
    metric_stat: Option<Statistic>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statistic {
    metric: Named,
    period: u32,
    stat: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Dimension {
    name: String,
    value: String,
}

impl Asked {
    /// Its series.
    pub(super) fn series(&self) -> &[Series] {
        &self.metric_data_queries
    }

    /// Since when.
    pub(super) fn since(&self) -> Wall {
        millis(self.start_time)
    }
}

/// Seconds of the epoch as the protocol has them.
#[allow(clippy::cast_possible_truncation)]
fn millis(secs: f64) -> Wall {
    Wall((secs * 1_000.0).round() as i64)
}

impl Series {
    /// What the caller calls it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Its name for people.
    pub(super) fn label(&self) -> &str {
        self.metric_stat.as_ref().map_or("", |stat| &stat.metric.metric_name)
    }

    /// The call that answers it; `None` for a metric that nobody publishes.
    ///
    /// # Errors
    /// A statistic or a period that this double does not have.
    pub(super) fn op(&self, since: Wall) -> Result<Option<CloudWatchOp>, Failure> {
        let wrong = |text: String| Failure::sender("InvalidParameterValue", text);
        let Some(stat) = &self.metric_stat else {
            return Err(wrong(format!("{}: this double knows no expressions", self.id)));
        };
        if stat.period != 60 {
            return Err(wrong(format!("{}: its points are 60 s, not {}", self.id, stat.period)));
        }
        let (metric, wanted) = match stat.metric.metric() {
            Some(found) => found,
            None => return Ok(None),
        };
        if stat.stat != wanted {
            let text = format!("{}: this double has its {wanted}, not its {}", self.id, stat.stat);
            return Err(wrong(text));
        }
        Ok(Some(CloudWatchOp::Points { metric, since }))
    }
}

impl Named {
    /// The metric, and the statistic of it that is kept.
    fn metric(&self) -> Option<(Metric, &'static str)> {
        let of = |wanted: &str| {
            let found = self.dimensions.iter().find(|dimension| dimension.name == wanted);
            found.map(|dimension| dimension.value.as_str())
        };
        let instance = || of("DBInstanceIdentifier");
        match (self.namespace.as_str(), self.metric_name.as_str()) {
            ("AWS/RDS", "ReplicaLag") => Some((Metric::ReplicaLag(instance()?.into()), "Maximum")),
            ("AWS/RDS", "DatabaseConnections") => {
                Some((Metric::Connections(instance()?.into()), "Maximum"))
            }
            ("AWS/ApplicationELB", "RequestCount" | "HTTPCode_Target_2XX_Count") => {
                Some((Metric::Served(of("LoadBalancer")?.into()), "Sum"))
            }
            _ => None,
        }
    }
}

/// Nothing was measured.
pub(super) fn nothing() -> Answer {
    Answer::Points(Vec::new())
}

/// What a fault of `data` is on the wire.
pub(super) fn failure(fault: &Fault) -> Failure {
    Failure::new(500, "InternalServiceFault", &fault.to_string())
}

/// Reads a request.
///
/// # Errors
/// A body that is not what the operation takes.
pub(super) fn read(body: &[u8]) -> Result<Asked, Failure> {
    let wrong = |text: String| Failure::sender("SerializationException", text);
    let value = value(&mut Decoder::new(body), 0).map_err(|e| wrong(e.to_string()))?;
    serde_json::from_value(value).map_err(|e| wrong(e.to_string()))
}

/// Any value; a timestamp as seconds.
fn value(decoder: &mut Decoder<'_>, depth: u32) -> Result<Value, DeserializeError> {
    if depth > DEEPEST {
        return Err(DeserializeError::custom("nested too deeply", decoder.position()));
    }
    Ok(match decoder.datatype()? {
        Type::Map | Type::MapIndef => {
            let mut map = Map::new();
            let count = decoder.map()?;
            while more(decoder, count, map.len())? {
                let key = decoder.string()?;
                map.insert(key, value(decoder, depth + 1)?);
            }
            Value::Object(map)
        }
        Type::Array | Type::ArrayIndef => {
            let mut list = Vec::new();
            let count = decoder.list()?;
            while more(decoder, count, list.len())? {
                list.push(value(decoder, depth + 1)?);
            }
            Value::Array(list)
        }
        Type::String | Type::StringIndef => Value::String(decoder.string()?),
        Type::Bool => Value::Bool(decoder.boolean()?),
        Type::Tag => number(decoder.timestamp()?.as_secs_f64()),
        Type::F16 | Type::F32 | Type::F64 => number(decoder.double()?),
        Type::Null => {
            decoder.null()?;
            Value::Null
        }
        _ => Value::from(decoder.long()?),
    })
}

/// Whether there is another element; takes the end of what has no length.
fn more(
    decoder: &mut Decoder<'_>,
    count: Option<u64>,
    read: usize,
) -> Result<bool, DeserializeError> {
    match count {
        Some(count) => Ok((read as u64) < count),
        None if decoder.datatype()? == Type::Break => decoder.skip().map(|()| false),
        None => Ok(true),
    }
}

fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Writes the answer: the points before the end, in the order that was asked for.
pub(super) fn write(found: &[(&str, &str, Answer)], asked: &Asked) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(1).str("MetricDataResults").array(found.len());
    for (id, label, answer) in found {
        let mut points: Vec<Counted> = match answer {
            Answer::Points(points) => points.clone(),
            _ => Vec::new(),
        };
        points.retain(|point| point.at < millis(asked.end_time));
        if asked.scan_by.as_deref() != Some("TimestampAscending") {
            points.reverse();
        }
        encoder.map(5).str("Id").str(id).str("Label").str(label);
        encoder.str("StatusCode").str("Complete");
        encoder.str("Timestamps").array(points.len());
        for point in &points {
            encoder.timestamp(&DateTime::from_millis(point.at.0));
        }
        encoder.str("Values").array(points.len());
        for point in &points {
            encoder.double(thousandths(point.thousandths));
        }
    }
    encoder.into_writer()
}

/// Metrics are far below what a float has exactly.
#[allow(clippy::cast_precision_loss)]
fn thousandths(value: i64) -> f64 {
    value as f64 / 1_000.0
}
