//! The processes of a test, which end with it.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_rds::config::retry::RetryConfig;
use aws_sdk_rds::config::timeout::TimeoutConfig;
use aws_sdk_rds::config::{BehaviorVersion, Region};
use aws_sdk_rds::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_rds::types::DbInstance;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Longest time until something is so.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) const HOME: (&str, &str) = ("eu-west-1", "shop-home");
pub(crate) const STANDBY: (&str, &str) = ("eu-central-1", "shop-standby");
pub(crate) const OPEN: &str = "sg-0cccccccccccccccc";
pub(crate) const CLOSED: &str = "sg-0aaaaaaaaaaaaaaaa";

/// A service's client in a Region: each crate has its own builder of the same shape.
macro_rules! client {
    ($service:ident, $region:expr, $url:expr) => {{
        let config = $service::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new($region))
            .credentials_provider(credentials())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts())
            .endpoint_url($url);
        $service::Client::from_conf(config.build())
    }};
}

/// A process that ends with this.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts a double and waits until it says where it listens.
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bowline-doubles"))
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let process = Self(child);
        let (told, listens) = std::sync::mpsc::channel();
        // To the end: a double that cannot say a word on standard error would die of it.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if line.contains(" on 127.") {
                    let _ = told.send(());
                }
            }
        });
        assert!(listens.recv_timeout(LIMIT).is_ok(), "{arguments:?} does not listen");
        process
    }
}

/// `data`, and a front for each Region.
pub(crate) struct Lab {
    _processes: Vec<Process>,
    data: String,
    fronts: [String; 2],
}

fn free() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().to_string()
}

impl Lab {
    pub(crate) fn start() -> Self {
        let (data, fronts) = (free(), [free(), free()]);
        let pace = "--promotion 4s-5s --rename 1s-2s --replica 1s-2s --reboot 1s-2s";
        let mut line = vec!["data", "--listen", &data];
        line.extend(pace.split(' '));
        let mut processes = vec![Process::start(&line)];
        let url = format!("http://{data}");
        for ((region, _), listen) in [HOME, STANDBY].into_iter().zip(&fronts) {
            let line = ["front", "--region", region, "--listen", listen, "--data", &url];
            processes.push(Process::start(&line));
        }
        let fronts = fronts.map(|address| format!("http://{address}"));
        Self { _processes: processes, data: url, fronts }
    }

    fn front(&self, (region, _): (&str, &str)) -> &str {
        &self.fronts[usize::from(region == STANDBY.0)]
    }

    pub(crate) fn rds(&self, site: (&'static str, &str)) -> aws_sdk_rds::Client {
        client!(aws_sdk_rds, site.0, self.front(site))
    }

    pub(crate) fn cloudwatch(&self, site: (&'static str, &str)) -> aws_sdk_cloudwatch::Client {
        client!(aws_sdk_cloudwatch, site.0, self.front(site))
    }

    /// Asks `data`, which must accept it.
    pub(crate) async fn data(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = ask(method, &format!("{}{path}", self.data), &body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// The application of a site asks its database.
    pub(crate) async fn database(
        &self,
        site: (&str, &str),
        what: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let url = format!("{}/db/{}/{what}", self.front(site), site.1);
        let method = if what == "count" { Method::GET } else { Method::POST };
        ask(method, &url, &body).await
    }

    /// The application of a site says every half second that it wants connections, until the test
    /// ends.
    pub(crate) fn connect(&self, site: (&str, &str), clients: u32) {
        let url = format!("{}/db/{}/beat", self.front(site), site.1);
        tokio::spawn(async move {
            loop {
                ask(Method::POST, &url, &json!({"clients": clients, "served": 0})).await;
                sleep(Duration::from_millis(500)).await;
            }
        });
    }

    /// Waits until so many connections to an instance are established.
    pub(crate) async fn established(&self, id: &str, clients: u32) {
        let end = Instant::now() + LIMIT;
        loop {
            let members = self.data(Method::GET, "/members", json!(null)).await;
            let mut members = members.as_array().unwrap().iter();
            let member = members.find(|member| member["id"] == id).unwrap();
            if member["established"] == clients {
                return;
            }
            assert!(Instant::now() < end, "never: {member}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn credentials() -> Credentials {
    Credentials::new("key", "secret", None, None, "test")
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(Duration::from_secs(3)).build()
}

async fn ask(method: Method, url: &str, body: &Value) -> (StatusCode, Value) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let body = Full::from(body.to_string());
    let request = Request::builder().method(method).uri(url).body(body).unwrap();
    let answer = tokio::time::timeout(LIMIT, client.request(request)).await.unwrap().unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// The instance, which must be there.
pub(crate) async fn describe(client: &aws_sdk_rds::Client, id: &str) -> DbInstance {
    let found = client.describe_db_instances().db_instance_identifier(id).send().await.unwrap();
    let found = found.db_instances().first().unwrap().clone();
    assert_eq!(found.db_instance_identifier(), Some(id));
    found
}

/// Waits until an instance is as wanted; gives it.
pub(crate) async fn until(
    client: &aws_sdk_rds::Client,
    id: &str,
    holds: impl Fn(&DbInstance) -> bool,
) -> DbInstance {
    let end = Instant::now() + LIMIT;
    loop {
        let found = describe(client, id).await;
        if holds(&found) {
            return found;
        }
        assert!(Instant::now() < end, "never: {found:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The code that a call was refused with.
pub(crate) fn code<T: std::fmt::Debug, E: ProvideErrorMetadata, R>(
    result: Result<T, SdkError<E, R>>,
) -> String {
    match result {
        Err(SdkError::ServiceError(refused)) => refused.err().code().unwrap().to_owned(),
        Err(_) => panic!("no answer"),
        Ok(done) => panic!("accepted: {done:?}"),
    }
}
