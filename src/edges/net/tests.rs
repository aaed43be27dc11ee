//! Probes and webhooks against servers that answer, refuse, and say nothing.

use std::net::SocketAddr;
use std::time::Duration;

use bowline_core::model::{Author, Host, Span};
use bowline_core::op::{HttpProbe, HttpSeen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;

/// Answers every connection with `answer`, or never; hands out the requests.
async fn server(answer: Option<&'static str>) -> (SocketAddr, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        let mut silent = Vec::new();
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let read = socket.read(&mut request).await.unwrap();
            let _ = tell.send(String::from_utf8_lossy(&request[..read]).into_owned());
            match answer {
                Some(answer) => socket.write_all(answer.as_bytes()).await.unwrap(),
                None => silent.push(socket),
            }
        }
    });
    (address, told)
}

fn probe(address: SocketAddr) -> HttpProbe {
    HttpProbe {
        connect: "127.0.0.1".into(),
        addresses: Vec::new(),
        tls: false,
        port: address.port(),
        host: "shop.example.com".into(),
        path: "/healthz?deep=1".into(),
        writes: false,
        site_header: Some("x-site".into()),
        timeout: Span::millis(400),
    }
}

async fn seen(probe: HttpProbe) -> Result<Answer, Fault> {
    look(&Dns::default(), &ProbeOp::Http(probe)).await
}

#[tokio::test]
async fn s11_a_probe_says_status_site_and_address() {
    let answer = "HTTP/1.1 503 Unavailable\r\nX-Site: standby\r\ncontent-length: 2\r\n\r\nno";
    let (address, mut told) = server(Some(answer)).await;
    let expected = HttpSeen { status: 503, site: Some("standby".into()), address: address.ip() };
    assert_eq!(seen(probe(address)).await, Ok(Answer::Http(expected)));
    let request = told.recv().await.unwrap();
    assert!(request.starts_with("GET /healthz?deep=1 HTTP/1.1\r\n"), "{request}");
    let host = format!("host: shop.example.com:{}\r\n", address.port());
    assert!(request.to_lowercase().contains(&host), "{request}");
    let write = HttpProbe {
        writes: true,
        connect: "nobody.invalid".into(),
        addresses: vec![address.ip()],
        ..probe(address)
    };
    assert!(seen(write).await.is_ok());
    assert!(told.recv().await.unwrap().starts_with("POST "));
}

#[tokio::test]
async fn no_connection_is_told_apart_from_no_answer() {
    let (address, _told) = server(None).await;
    let began = std::time::Instant::now();
    assert!(matches!(seen(probe(address)).await, Err(Fault::Unknown(_))));
    assert!(began.elapsed() < Duration::from_secs(3));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    assert!(matches!(seen(probe(gone)).await, Err(Fault::Transient(_))));
}

#[tokio::test]
async fn a_server_without_tls_is_no_connection_for_a_probe_with_it() {
    let (address, _told) = server(Some("HTTP/1.1 200 OK\r\n\r\n")).await;
    let probe = HttpProbe { tls: true, ..probe(address) };
    assert!(matches!(seen(probe).await, Err(Fault::Transient(_))));
}

/// An answer to a look, over a connection that is closed after it.
const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn every_target_takes_its_own_turns_over_its_addresses() {
    let (address, _told) = server(Some(FINE)).await;
    let listener = TcpListener::bind(("127.0.0.2", address.port())).await.unwrap();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4096]).await;
            let _ = socket.write_all(FINE.as_bytes()).await;
        }
    });
    let addresses: Vec<std::net::IpAddr> = vec![[127, 0, 0, 1].into(), [127, 0, 0, 2].into()];
    let mut met = [Vec::new(), Vec::new()];
    for _ in 0..4 {
        for (host, met) in ["a.example.com", "b.example.com"].into_iter().zip(&mut met) {
            let addresses = addresses.clone();
            let look = HttpProbe { addresses, host: host.into(), ..probe(address) };
            let Ok(Answer::Http(seen)) = seen(look).await else { panic!("{host}") };
            met.push(seen.address);
        }
    }
    assert_eq!(met, [[addresses.clone(), addresses.clone()].concat(), addresses.repeat(2)]);
}

#[tokio::test]
async fn a_look_goes_to_ipv4_where_there_is_any() {
    let (address, _told) = server(Some(FINE)).await;
    let (names, _asked) = zone(Has::Address(&[127, 0, 0, 1]), Has::Address(V6)).await;
    let dns = Dns { only: vec![names], ..Dns::default() };
    let both = vec!["2001:db8::1".parse().unwrap(), address.ip()];
    for addresses in [Vec::new(), both] {
        for _ in 0..4 {
            let connect = "shop.example.com".into();
            let look = HttpProbe { connect, addresses: addresses.clone(), ..probe(address) };
            let met = super::look(&dns, &ProbeOp::Http(look)).await;
            assert!(matches!(met, Ok(Answer::Http(_))), "{met:?}");
        }
    }
}

/// What a server has of a name, of one family.
#[derive(Clone, Copy)]
enum Has {
    Nothing,
    Address(&'static [u8]),
    /// It does not even say so.
    Silence,
}

/// A server of one zone that has one address of IPv4.
async fn name_server() -> (SocketAddr, UnboundedReceiver<bool>) {
    zone(Has::Address(&[10, 1, 2, 3]), Has::Nothing).await
}

/// A server of one zone: answers questions for `shop.example.com`, and all else with "no such
/// name". Hands out whether recursion was wanted.
async fn zone(a: Has, aaaa: Has) -> (SocketAddr, UnboundedReceiver<bool>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (tell, told) = unbounded_channel();
    tokio::spawn(async move {
        let mut packet = [0; 512];
        loop {
            let (_, from) = socket.recv_from(&mut packet).await.unwrap();
            let name = 12 + packet[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
            let question = &packet[12..name + 4];
            let ours = question.to_ascii_lowercase().starts_with(b"\x04shop\x07example\x03com\0");
            let family = question[question.len() - 3];
            let found: &[u8] = match if family == 1 { a } else { aaaa } {
                Has::Silence => continue,
                Has::Address(found) if ours => found,
                _ => &[],
            };
            let _ = tell.send(packet[2] & 1 == 1);
            let (code, yes) = (if ours { 0 } else { 3 }, u8::from(!found.is_empty()));
            let mut answer = packet[..2].to_vec();
            answer.extend([0x84, code, 0, 1, 0, yes, 0, 0, 0, 0]);
            answer.extend(question);
            if yes == 1 {
                let length = u8::try_from(found.len()).unwrap();
                answer.extend([0xc0, 12, 0, family, 0, 1, 0, 0, 0, 60, 0, length]);
                answer.extend(found);
            }
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    (address, told)
}

#[tokio::test]
async fn s11_an_authoritative_server_is_asked_itself_and_without_recursion() {
    let (address, mut told) = name_server().await;
    let dns = Dns { only: Vec::new(), servers: [("ns-1.example.net".into(), address)].into() };
    let ask = |name: &str| ProbeOp::Authoritative {
        server: "ns-1.example.net".into(),
        name: name.into(),
    };
    let found = look(&dns, &ask("shop.example.com")).await;
    assert_eq!(found, Ok(Answer::Addresses(vec!["10.1.2.3".parse().unwrap()])));
    assert_eq!(told.recv().await, Some(false));
    assert_eq!(look(&dns, &ask("other.example.com")).await, Ok(Answer::Addresses(Vec::new())));
    let resolving = Dns { only: vec![address], ..Dns::default() };
    let resolve = |name: &str| ProbeOp::Resolve { name: name.into() };
    let found = look(&resolving, &resolve("shop.example.com")).await;
    let addresses = vec!["10.1.2.3".parse().unwrap()];
    assert_eq!(found, Ok(Answer::Resolved("shop.example.com".into(), addresses)));
    while told.try_recv().is_ok() {}
    let elsewhere =
        ProbeOp::Authoritative { server: "ns-2.invalid".into(), name: "shop.example.com".into() };
    let found = look(&resolving, &elsewhere).await;
    assert_eq!(found, Ok(Answer::Addresses(vec!["10.1.2.3".parse().unwrap()])));
    assert_eq!(told.recv().await, Some(false), "as an authoritative server is asked");
    let absent = look(&resolving, &resolve("other.example.com")).await;
    assert!(matches!(absent, Err(Fault::NotFound(_))), "{absent:?}");
}

/// `2001:db8::9`.
const V6: &[u8] = &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

/// What the zone's own server answers, and what the name resolves to.
async fn asked(a: Has, aaaa: Has) -> [Result<Answer, Fault>; 2] {
    let (address, _asked) = zone(a, aaaa).await;
    let dns = Dns { only: vec![address], ..Dns::default() };
    let (server, name) = (Host::from("ns-1.example.net"), Host::from("shop.example.com"));
    let (whole, known) = tokio::join!(dns.authoritative(&server, &name), dns.resolve(&name));
    [whole, known]
}

#[tokio::test]
async fn s11_half_an_authoritative_answer_is_none() {
    let v4 = Has::Address(&[10, 1, 2, 3]);
    let (nothing, only_v6, only_v4, all) = tokio::join!(
        asked(Has::Silence, Has::Nothing),
        asked(Has::Silence, Has::Address(V6)),
        asked(v4, Has::Silence),
        asked(v4, Has::Address(V6)),
    );
    for [whole, _] in [&nothing, &only_v6, &only_v4] {
        assert!(matches!(whole, Err(Fault::Transient(_))), "{whole:?}");
    }
    let list = |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect::<Vec<_>>();
    let [v4, v6] = ["10.1.2.3", "2001:db8::9"];
    assert_eq!(all[0], Ok(Answer::Addresses(list(&[v4, v6]))));
    assert!(matches!(&nothing[1], Err(Fault::Transient(_))), "not that there is none");
    for ([_, known], expected) in [(&only_v6, &[v6][..]), (&only_v4, &[v4]), (&all, &[v4, v6])] {
        let expected = Answer::Resolved("shop.example.com".into(), list(expected));
        assert_eq!(known, &Ok(expected), "what is known of the name");
    }
}

#[tokio::test]
async fn a_name_without_ipv4_is_reached_by_ipv6() {
    let (address, _asked) = zone(Has::Nothing, Has::Address(V6)).await;
    let dns = Dns { only: vec![address], ..Dns::default() };
    let found = dns.addresses(&"shop.example.com".into()).await;
    assert_eq!(found, Ok(vec!["2001:db8::9".parse().unwrap()]));
}

fn notice() -> Notice {
    Notice {
        group: "shop".into(),
        run: Some("shop-1-failover".into()),
        target: 0,
        kind: "ask".into(),
        title: "shop: asks".into(),
        body: "bowline approve shop".into(),
        by: Author::Controller("bowline-0".into()),
    }
}

async fn tell_at(url: &str) -> Result<Answer, Fault> {
    tell(&Dns::default(), url, &notice(), Instant::now() + Duration::from_millis(500)).await
}

#[tokio::test]
async fn a_webhook_gets_the_notice_and_its_url_is_never_told() {
    let (address, mut told) = server(Some("HTTP/1.1 204 No Content\r\n\r\n")).await;
    assert_eq!(tell_at(&format!("http://{address}/hook/s3cret")).await, Ok(Answer::Ok));
    let request = told.recv().await.unwrap();
    assert!(request.starts_with("POST /hook/s3cret HTTP/1.1"), "{request}");
    assert!(request.contains(r#""text":"shop: asks\nbowline approve shop""#), "{request}");
    let (angry, _told) = server(Some("HTTP/1.1 403 Forbidden\r\n\r\n")).await;
    let (silent, _told) = server(None).await;
    let urls = [
        format!("http://{angry}/s3cret"),
        format!("http://{silent}/s3cret"),
        "ftp://x/s3cret".to_owned(),
        "s3cret s3cret".to_owned(),
    ];
    for url in urls {
        let refused = tell_at(&url).await.unwrap_err().to_string();
        assert!(!refused.contains("s3cret"), "{refused}");
    }
}
