//! Answers of an API server, good and bad, and what they are taken for.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use proptest::prelude::*;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::edges::testing::{answers, run};
use crate::edges::words::WORDS;

/// Requests whose answers are counted.
static REQUESTS: AtomicUsize = AtomicUsize::new(0);

/// Serves connections: reads the request, writes `answer`, closes.
async fn server(answer: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = answer.to_owned();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            if answer.contains("x-counted") {
                REQUESTS.fetch_add(1, Ordering::Relaxed);
            }
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    address
}

/// As the service makes it.
fn wire(address: SocketAddr) -> Wire {
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    super::super::access::wire(config).unwrap()
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

async fn read(text: &str) -> Result<Value, Fault> {
    wire(server(text).await).get("/x").await
}

async fn create(text: &str) -> Result<Value, Fault> {
    wire(server(text).await).write(Verb::Create, "/x", &json!({})).await
}

#[tokio::test]
async fn every_status_is_classified_for_reads_and_writes() {
    let said = || "no".to_owned();
    let cases: [(&str, Fault, Fault); 11] = [
        ("400 Bad Request", Fault::Invalid(said()), Fault::Invalid(said())),
        ("401 Unauthorized", Fault::Denied(said()), Fault::Denied(said())),
        ("403 Forbidden", Fault::Denied(said()), Fault::Denied(said())),
        ("404 Not Found", Fault::NotFound(said()), Fault::NotFound(said())),
        ("409 Conflict", Fault::Conflict(said()), Fault::Conflict(said())),
        ("413 Too Large", Fault::Invalid(said()), Fault::Invalid(said())),
        ("422 Unprocessable", Fault::Invalid(said()), Fault::Invalid(said())),
        ("500 Internal", Fault::Transient(said()), Fault::Unknown(said())),
        ("503 Unavailable", Fault::Transient(said()), Fault::Unknown(said())),
        ("504 Timeout", Fault::Transient(said()), Fault::Unknown(said())),
        ("302 Found", Fault::Invalid(said()), Fault::Invalid(said())),
    ];
    for (status, for_read, for_write) in cases {
        let text = answer(status, "", r#"{"kind":"Status","message":"no"}"#);
        assert_eq!(read(&text).await, Err(for_read), "{status}");
        assert_eq!(create(&text).await, Err(for_write), "{status}");
    }
}

#[tokio::test]
async fn throttling_says_when_to_come_back() {
    let text = answer("429 Too Many", "retry-after: 7\r\n", "");
    assert_eq!(read(&text).await, Err(Fault::Throttled { after: Some(Span::secs(7)) }));
    let text = answer("429 Too Many", "retry-after: soon\r\n", "");
    assert_eq!(create(&text).await, Err(Fault::Throttled { after: None }));
}

#[tokio::test]
async fn s6_nothing_is_sent_twice() {
    for status in ["429 Too Many", "503 Unavailable", "504 Timeout", "500 Internal"] {
        let before = REQUESTS.load(Ordering::Relaxed);
        let text = answer(status, "retry-after: 0\r\nx-counted: yes\r\n", "");
        assert!(create(&text).await.is_err());
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(REQUESTS.load(Ordering::Relaxed) - before, 1, "{status}");
    }
}

#[tokio::test]
async fn no_connection_is_certainly_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let refused = wire(address).write(Verb::Create, "/x", &json!({})).await;
    assert!(matches!(refused, Err(Fault::Transient(_))), "{refused:?}");
}

#[tokio::test]
async fn s6_a_connection_lost_after_the_request_leaves_a_write_unknown() {
    for text in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"half", "garbage\r\n\r\n"] {
        let wrote = create(text).await;
        assert!(matches!(wrote, Err(Fault::Unknown(_))), "{text:?}: {wrote:?}");
        let seen = read(text).await;
        assert!(matches!(seen, Err(Fault::Transient(_))), "{text:?}: {seen:?}");
    }
    let nonsense = answer("201 Created", "", "not json");
    assert!(matches!(create(&nonsense).await, Err(Fault::Unknown(_))));
    assert!(matches!(read(&nonsense).await, Err(Fault::Invalid(_))));
}

#[tokio::test]
async fn a_long_message_is_clipped() {
    let body = json!({"message": "x".repeat(10_000)}).to_string();
    let Err(Fault::Denied(words)) = read(&answer("403 Forbidden", "", &body)).await else {
        panic!()
    };
    assert_eq!(words.len(), WORDS);
}

/// An API server that gives one answer to everything.
fn canned(status: u16, body: &[u8]) -> Wire {
    let body = body.to_vec();
    let answer = move |_: Request<Body>| {
        let answer = http::Response::builder().status(status).body(Body::from(body.clone()));
        std::future::ready(answer)
    };
    Wire::new(kube::Client::new(tower::service_fn(answer), "default"))
}

fn deployment() -> Vec<u8> {
    let metadata = json!({"name": "web", "namespace": "shop", "resourceVersion": "7"});
    let spec = json!({"replicas": 3, "selector": {}, "template": {}});
    let status = json!({"readyReplicas": 3, "replicas": 3});
    let (version, kind) = ("apps/v1", "Deployment");
    let object = json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec,
        "status": status});
    object.to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_whatever_makes_it_panic((status, body) in answers([deployment()])) {
        run(async {
            let wire = canned(status, &body);
            let read = wire.get::<Deployment>("/x").await;
            prop_assert!(!matches!(read, Err(Fault::Unknown(_))), "never of a look: {read:?}");
            let written = wire.write(Verb::Replace, "/x", &json!({})).await;
            let json = serde_json::from_slice::<Value>(&body).is_ok();
            prop_assert!(written.is_err() || (json && status < 300), "{written:?}");
            Ok(())
        })?;
    }
}
