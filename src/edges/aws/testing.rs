//! Scripted services on loopback, and clients of them that send everything once.

use std::net::SocketAddr;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(super) use crate::edges::testing::{answers, run};

/// When every answer is given.
pub(super) const DATE: &str = "Sat, 28 Nov 2026 12:00:00 GMT";

/// What a scripted service does with one connection.
#[derive(Clone, Debug)]
pub(super) enum Script {
    /// Reads the request and answers: status and headers, body.
    Answer(&'static str, Vec<u8>),
    /// Reads the request, answers these bytes and closes.
    Bytes(&'static str),
    /// Closes before reading anything.
    CloseUnread,
    /// Reads the request and resets the connection.
    Reset,
    /// Reads the request and says nothing.
    Silence,
}

/// A request as the service read it.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// The request line and headers, in lower case but for the path.
    pub(super) head: String,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl Request {
    /// A parameter of a query-protocol body, percent-decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let body = String::from_utf8(self.body.clone()).unwrap();
        body.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (decode(key) == name).then(|| decode(value))
        })
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => {
                let hex = [*high, *low];
                let hex = std::str::from_utf8(&hex).unwrap();
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A service that plays `scripts`, one connection each and the last one for ever; hands out the
/// requests.
pub(super) async fn service(scripts: &[Script]) -> (SocketAddr, UnboundedReceiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = unbounded_channel();
    let scripts = scripts.to_vec();
    tokio::spawn(async move {
        let mut silent = Vec::new();
        for number in 0.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            let script = scripts[number.min(scripts.len() - 1)].clone();
            if matches!(script, Script::CloseUnread) {
                continue;
            }
            let _ = tell.send(read(&mut socket).await);
            match script {
                Script::Answer(head, body) => answer(&mut socket, head, &body).await,
                Script::Bytes(bytes) => socket.write_all(bytes.as_bytes()).await.unwrap(),
                Script::Reset => socket.set_zero_linger().unwrap(),
                Script::Silence | Script::CloseUnread => silent.push(socket),
            }
        }
    });
    (address, told)
}

async fn answer(socket: &mut TcpStream, head: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close");
    let head = format!("{head}\r\ndate: {DATE}\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
}

/// Reads one whole request.
async fn read(socket: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 4096];
        let count = socket.read(&mut more).await.unwrap();
        bytes.extend_from_slice(&more[..count]);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let whole = end.and_then(|end| {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let ours = name.eq_ignore_ascii_case("content-length");
                ours.then(|| value.trim().parse::<usize>().unwrap())
            });
            let body = bytes[end + 4..].to_vec();
            (body.len() >= length.unwrap_or(0)).then_some(Request { head, body })
        });
        match whole {
            Some(request) => return request,
            None => assert!(count > 0, "the client hung up: {bytes:?}"),
        }
    }
}

/// An HTTP client that has one answer to everything, without a socket.
pub(super) fn answering(status: u16, body: Vec<u8>) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Canned(status, body));
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Clone, Debug)]
struct Canned(u16, Vec<u8>);

impl HttpConnector for Canned {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = StatusCode::try_from(self.0).unwrap();
        let mut response = HttpResponse::new(status, self.1.clone().into());
        response.headers_mut().insert("date", DATE);
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// An address that nobody listens at.
pub(super) async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// Credentials for requests that nobody verifies.
pub(super) fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "not a secret", None, None, "test")
}

/// Why credentials cannot be had.
pub(super) type NoCredentials = fn() -> CredentialsError;

/// A provider whose credentials cannot be had.
#[derive(Debug)]
pub(super) struct Failing(pub(super) NoCredentials);

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

/// Short, so that a service that says nothing does not hold a test up.
pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(400))
        .operation_timeout(Duration::from_secs(2))
        .build()
}

/// Everything is sent once.
pub(super) fn once() -> RetryConfig {
    RetryConfig::disabled()
}

/// A builder of an SDK client's configuration for a service at a URL.
macro_rules! config {
    ($sdk:ident, $url:expr) => {
        $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new("eu-west-1"))
            .endpoint_url($url)
            .credentials_provider($crate::edges::aws::testing::credentials())
            .retry_config($crate::edges::aws::testing::once())
            .timeout_config($crate::edges::aws::testing::timeouts())
    };
}
pub(super) use config;
