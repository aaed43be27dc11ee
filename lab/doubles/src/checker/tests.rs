//! Probes against real listeners.

use std::net::Ipv4Addr;

use aws_sdk_route53::types::builders::HealthCheckConfigBuilder;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;

fn config(kind: HealthCheckType, port: u16) -> HealthCheckConfigBuilder {
    let config = HealthCheckConfig::builder().r#type(kind).ip_address("127.0.0.1");
    config.port(port.into()).fully_qualified_domain_name("shop.example.com")
}

/// Answers every request with `answer`; sends each request's lines.
async fn server(answer: &'static str) -> (u16, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, lines) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (reading, mut writing) = stream.split();
            let mut reading = BufReader::new(reading).lines();
            while let Ok(Some(line)) = reading.next_line().await {
                if line.is_empty() {
                    break;
                }
                // The test may have seen enough.
                let _gone = sender.send(line.to_ascii_lowercase());
            }
            writing.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, lines)
}

async fn seen(config: HealthCheckConfigBuilder) -> Result<()> {
    probe(&Endpoint::new(&config.build().unwrap())).await
}

#[tokio::test]
async fn a_probe_asks_for_path_and_host_of_the_check() {
    let (port, mut lines) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    seen(config(HealthCheckType::Http, port).resource_path("healthz?deep=1")).await.unwrap();
    let mut asked = Vec::new();
    while let Ok(line) = lines.try_recv() {
        asked.push(line);
    }
    assert_eq!(asked[0], "get /healthz?deep=1 http/1.1");
    assert!(asked.contains(&format!("host: shop.example.com:{port}")), "{asked:?}");
}

#[tokio::test]
async fn statuses_below_400_are_well_and_others_are_told() {
    let (port, _lines) = server("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n").await;
    seen(config(HealthCheckType::Http, port)).await.unwrap();
    let (port, _lines) = server("HTTP/1.1 503 Unavailable\r\ncontent-length: 0\r\n\r\n").await;
    let error = seen(config(HealthCheckType::Http, port)).await.unwrap_err();
    assert!(error.to_string().contains("503"), "{error}");
}

#[tokio::test]
async fn a_body_must_contain_the_string() {
    let (port, _lines) = server("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nall well").await;
    let of = |text| config(HealthCheckType::HttpStrMatch, port).search_string(text);
    seen(of("well")).await.unwrap();
    assert!(seen(of("ill")).await.is_err());
}

#[tokio::test]
async fn nobody_listening_is_a_failure_and_a_listener_that_is_silent_too() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    seen(config(HealthCheckType::Tcp, port)).await.unwrap();
    let silent = seen(config(HealthCheckType::Http, port)).await.unwrap_err();
    assert!(silent.to_string().contains("in time"), "{silent}");
    drop(listener);
    for kind in [HealthCheckType::Tcp, HealthCheckType::Http] {
        let refused = seen(config(kind, port)).await.unwrap_err();
        assert!(refused.to_string().contains("refused"), "{refused}");
    }
}

#[test]
fn calculated_and_disabled_checks_are_left_alone() {
    let built = |config: HealthCheckConfigBuilder| is_probed(&config.build().unwrap());
    assert!(built(config(HealthCheckType::Http, 80)));
    assert!(!built(config(HealthCheckType::Http, 80).disabled(true)));
    assert!(!built(config(HealthCheckType::Calculated, 80)));
}
