//! Bytes both ways, half-closed streams, and targets that come and go.

use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A forwarder in front of `target`; ends with the test's runtime.
async fn forwarder(target: Target) -> SocketAddr {
    let (front, address) = listener().await;
    tokio::spawn(serve(front, Arc::new(target)));
    address
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(5), work).await.unwrap()
}

#[tokio::test]
async fn a_client_that_has_said_its_last_still_gets_the_answer() {
    let (server, address) = listener().await;
    let answering = tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut question = String::new();
        // Ends only when the client's half-close comes through.
        stream.read_to_string(&mut question).await.unwrap();
        let answer = question.repeat(100_000);
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let front = forwarder(Target::Address(address)).await;
    let mut client = TcpStream::connect(front).await.unwrap();
    client.write_all(b"hello").await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    within(client.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"hello".repeat(100_000), "far more than a buffer holds");
    within(answering).await.unwrap();
}

#[tokio::test]
async fn a_target_nobody_listens_on_ends_the_connection() {
    let (gone, address) = listener().await;
    drop(gone);
    let front = forwarder(Target::Address(address)).await;
    let mut client = TcpStream::connect(front).await.unwrap();
    assert_eq!(within(client.read(&mut [0; 8])).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_load_balancer_is_followed_to_the_port_it_has_at_the_time() {
    let (server, address) = listener().await;
    let (found, seen) = watch::channel(Vec::new());
    let front = forwarder(Target::LoadBalancer { arn: "arn:1".into(), seen }).await;
    let mut early = TcpStream::connect(front).await.unwrap();
    assert_eq!(within(early.read(&mut [0; 8])).await.unwrap_or(0), 0, "it listens nowhere yet");

    let other = LoadBalancer { arn: "arn:2".into(), bound_port: None };
    let ours = LoadBalancer { arn: "arn:1".into(), bound_port: Some(address.port()) };
    found.send(vec![other, ours]).unwrap();
    let mut client = TcpStream::connect(front).await.unwrap();
    let (mut there, _) = within(server.accept()).await.unwrap();
    there.write_all(b"x").await.unwrap();
    assert_eq!(within(client.read_u8()).await.unwrap(), b'x');
}

#[test]
fn a_configuration_says_where_each_route_leads() {
    let text = r#"{"cloud": "http://127.0.0.1:1", "routes": [
        {"listen": "127.9.0.1:80", "to": {"loadBalancer": "arn:1"}},
        {"listen": "127.9.0.2:80", "to": {"address": "127.0.0.1:6443"}}]}"#;
    let config: Config = serde_json::from_str(text).unwrap();
    assert_eq!(config.routes[0].to, To::LoadBalancer("arn:1".into()));
    assert_eq!(config.routes[1].to, To::Address(([127, 0, 0, 1], 6443).into()));
    let odd = serde_json::from_str::<Config>(r#"{"routes": [], "rotes": []}"#).unwrap_err();
    assert!(odd.to_string().contains("rotes"), "{odd}");
}
