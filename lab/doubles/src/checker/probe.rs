//! One probe of a health check's target, as a checker of Route 53 makes it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest time to connect for HTTP (developer guide, "How Route 53 determines whether a health
/// check is healthy").
const HTTP_CONNECT: Duration = Duration::from_secs(4);
/// Longest time for the answer after that.
const HTTP_ANSWER: Duration = Duration::from_secs(2);
/// Longest time to connect for TCP.
const TCP_CONNECT: Duration = Duration::from_secs(10);
/// How much of a body is searched.
const SEARCHED: usize = 5120;

/// What is probed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Where it is connected to: the address, or the name if there is none.
    connect: String,
    port: u16,
    /// `None`: a TCP check.
    http: Option<HttpCheck>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct HttpCheck {
    host: String,
    path: String,
    search: Option<String>,
}

impl Endpoint {
    pub(super) fn new(config: &HealthCheckConfig) -> Self {
        let name = config.fully_qualified_domain_name.clone().unwrap_or_default();
        let connect = config.ip_address.clone().unwrap_or_else(|| name.clone());
        let given = config.port.and_then(|port| u16::try_from(port).ok());
        let port = given.unwrap_or(80);
        let path = config.resource_path.as_deref().unwrap_or_default();
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let name = if name.is_empty() { connect.clone() } else { name };
        // As Route 53 does: the port is named where it is not the standard one.
        let host = if port == 80 { name } else { format!("{name}:{port}") };
        let http = HttpCheck { host, path, search: config.search_string.clone() };
        let http = (config.r#type != HealthCheckType::Tcp).then_some(http);
        Self { connect, port, http }
    }
}

/// Probes once.
///
/// # Errors
/// Why the target is not well: no connection, no answer in time, a status that is not 2xx or 3xx,
/// or a body without the string.
pub(super) async fn probe(endpoint: &Endpoint) -> Result<()> {
    let place = (endpoint.connect.as_str(), endpoint.port);
    let Some(check) = &endpoint.http else {
        return connect(place, TCP_CONNECT).await.map(drop);
    };
    let stream = connect(place, HTTP_CONNECT).await?;
    let asked = timeout(HTTP_ANSWER, ask(stream, check)).await;
    asked.context("the endpoint did not answer in time")?
}

async fn connect(place: (&str, u16), limit: Duration) -> Result<TcpStream> {
    let connected = timeout(limit, TcpStream::connect(place)).await;
    let connected = connected.context("the connection was not made in time")?;
    connected.context("the connection was refused")
}

async fn ask(stream: TcpStream, check: &HttpCheck) -> Result<()> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let request = Request::get(&check.path)
        .header("host", &check.host)
        .header("user-agent", "Amazon-Route53-Health-Check-Service (bowline lab)")
        .header("connection", "close")
        .body(Empty::new())?;
    let answer = sender.send_request(request).await;
    let judged = match answer {
        Ok(answer) => judge(answer, check.search.as_deref()).await,
        Err(error) => Err(error.into()),
    };
    driving.abort();
    judged
}

async fn judge(answer: http::Response<Incoming>, search: Option<&str>) -> Result<()> {
    let status = answer.status();
    if !(200..400).contains(&status.as_u16()) {
        bail!("HTTP Status Code {status}");
    }
    let Some(search) = search else { return Ok(()) };
    let mut body = answer.into_body();
    let mut seen = Vec::new();
    while let (true, Some(frame)) = (seen.len() < SEARCHED, body.frame().await) {
        seen.extend_from_slice(frame?.data_ref().map_or(&[], |data| &data[..]));
    }
    seen.truncate(SEARCHED);
    if !String::from_utf8_lossy(&seen).contains(search) {
        bail!("the body does not contain the string");
    }
    Ok(())
}
