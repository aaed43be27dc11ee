//! `front`: one Region's RDS and CloudWatch endpoint, and the way to its databases. A process of
//! its own, so that it is frozen with its Region; it keeps nothing.
//!
//! | path | who asks |
//! | --- | --- |
//! | `POST /` | RDS' clients, in the query protocol |
//! | `POST /service/…/operation/GetMetricData` | CloudWatch's clients, in `rpc-v2-cbor` |
//! | `/db/IDENTIFIER/beat`, `write`, `count` | the Region's application |

mod metrics;
mod query;
mod torn;
mod wire;
mod xml;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bowline_core::model::Region;
use bowline_core::op::Fault;
use clap::Args;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::call::Http;
use crate::data::{Manner, Reply};
use crate::service::tell;
use wire::Failure;

/// Longest time for `data`'s answer.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a call hangs that nobody answers; longer than any deadline.
const HANGS: Duration = Duration::from_secs(300);

/// What `front` is told on its command line.
#[derive(Clone, Debug, Args)]
pub(crate) struct Arguments {
    /// Its Region.
    #[arg(long)]
    region: String,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where `data` answers: http://127.0.0.1:PORT.
    #[arg(long, value_name = "URL")]
    data: String,
    /// The account that its ARNs name.
    #[arg(long, default_value = "111111111111")]
    account: String,
}

/// What every request needs.
struct Front {
    region: Region,
    account: String,
    data: String,
    http: Http,
}

/// Serves until it is ended.
pub(crate) async fn run(arguments: Arguments) -> Result<()> {
    let front = Arc::new(Front {
        region: Region::new(&arguments.region),
        account: arguments.account,
        data: arguments.data.trim_end_matches('/').to_owned(),
        http: Http::new(LIMIT),
    });
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    tell("front", format!("{} on {}", arguments.region, listener.local_addr()?));
    Ok(axum::serve(listener, router(front)).await?)
}

fn router(front: Arc<Front>) -> Router {
    Router::new()
        .route("/", post(rds))
        .route("/service/{service}/operation/{operation}", post(cloudwatch))
        .route("/db/{instance}/count", get(count))
        .route("/db/{instance}/{what}", post(database))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(front)
}

async fn rds(State(front): State<Arc<Front>>, body: Bytes) -> Response {
    let form = query::Form::read(&body);
    let action = form.action().to_owned();
    let result = match query::op(&form) {
        Ok(op) => front.ask("rds", &op).await,
        Err(failure) => return wire::query_error(&failure),
    };
    match result {
        Ok(reply) => match tampered(reply.manner).await {
            Some(response) => response,
            None => {
                let names = xml::Names { region: &front.region, account: &front.account };
                match xml::answer(&action, &reply, &names) {
                    Ok(text) => wire::query_answer(text),
                    Err(failure) => wire::query_error(&failure),
                }
            }
        },
        Err(error) => wire::query_error(&Failure::internal(&error)),
    }
}

async fn cloudwatch(
    State(front): State<Arc<Front>>,
    Path((_, operation)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if operation != "GetMetricData" {
        let text = format!("this double has no {operation}");
        return wire::cbor_error(&Failure::sender("InvalidAction", text));
    }
    match front.metric_data(&body).await {
        Ok(answer) => wire::cbor(StatusCode::OK, answer),
        Err(failure) => wire::cbor_error(&failure),
    }
}

impl Front {
    /// Performs a call at `data`.
    async fn ask(&self, service: &str, op: &impl Serialize) -> Result<Reply> {
        let url = format!("{}/{service}/{}", self.data, self.region);
        let body = serde_json::to_value(op)?;
        let (status, body) = self.http.ask(Method::POST, &url, Some(&body)).await?;
        anyhow::ensure!(status == StatusCode::OK, "{url} answers {status}");
        Ok(serde_json::from_slice(&body)?)
    }

    /// Every series that was asked for, each one call at `data`.
    async fn metric_data(&self, body: &[u8]) -> Result<Vec<u8>, Failure> {
        let asked = metrics::read(body)?;
        let mut found = Vec::new();
        for series in asked.series() {
            let points = match series.op(asked.since())? {
                Some(op) => {
                    let reply = self.ask("cloudwatch", &op).await;
                    let reply = reply.map_err(|error| Failure::internal(&error))?;
                    reply.result.map_err(|fault| metrics::failure(&fault))?
                }
                None => metrics::nothing(),
            };
            found.push((series.id(), series.label(), points));
        }
        Ok(metrics::write(&found, &asked))
    }
}

/// How a call goes wrong that a test tampered with: as that test wants it, not by an answer.
async fn tampered(manner: Option<Manner>) -> Option<Response> {
    match manner? {
        Manner::TimeOutAfterEffect | Manner::TimeOutBeforeEffect => {
            tokio::time::sleep(HANGS).await;
            Some(torn::response())
        }
        Manner::CloseAfterEffect => Some(torn::response()),
        Manner::Throttle | Manner::Fail => None,
    }
}

async fn database(
    State(front): State<Arc<Front>>,
    Path((instance, what)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    front.pass_on(Method::POST, &format!("{instance}/{what}"), &body).await
}

async fn count(State(front): State<Arc<Front>>, Path(instance): Path<String>) -> Response {
    front.pass_on(Method::GET, &format!("{instance}/count"), b"null").await
}

impl Front {
    /// What the Region's application asks its database, as it is.
    async fn pass_on(&self, method: Method, path: &str, body: &[u8]) -> Response {
        let told = |status: StatusCode, body: Bytes| {
            let json = HeaderValue::from_static("application/json");
            (status, [(header::CONTENT_TYPE, json)], body).into_response()
        };
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
            let error = Bytes::from_static(br#"{"error":"the body is no JSON"}"#);
            return told(StatusCode::BAD_REQUEST, error);
        };
        let url = format!("{}/doors/{}/{path}", self.data, self.region);
        match self.http.ask(method, &url, Some(&body)).await {
            Ok((status, body)) => told(status, body),
            Err(error) => {
                let error = serde_json::json!({"error": format!("{error:#}")}).to_string();
                told(StatusCode::BAD_GATEWAY, Bytes::from(error))
            }
        }
    }
}

/// What a fault of RDS is on the wire.
fn rds_failure(fault: &Fault) -> Failure {
    // The simulator's words begin with RDS' own code: `InvalidDBInstanceState: …`.
    match fault {
        Fault::NotFound(text) => Failure::new(404, "DBInstanceNotFound", text),
        Fault::Conflict(text) => Failure::new(400, "DBInstanceAlreadyExists", text),
        Fault::Invalid(text) => Failure::new(400, "InvalidDBInstanceState", text),
        Fault::Throttled { .. } => Failure::new(400, "Throttling", "Rate exceeded"),
        Fault::Denied(text) => Failure::new(403, "AccessDenied", text),
        Fault::Transient(text) => Failure::new(503, "ServiceUnavailable", text),
        Fault::Fenced(_) | Fault::Unknown(_) => {
            Failure::new(500, "InternalFailure", &fault.to_string())
        }
    }
}
