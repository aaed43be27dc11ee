//! A server on loopback that has one trouble with everything it is asked: HTTP in the protocol of
//! whoever asks, and DNS.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

/// What goes wrong with a call on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Refused for its rate.
    Throttled,
    /// An internal error.
    Error,
    /// The connection is reset while the request is being sent.
    ResetBefore,
    /// The connection is reset after the request was read: it may have taken effect.
    ResetAfter,
    /// The request is read, and nothing is ever said.
    Silent,
    /// An answer whose head never ends.
    Slow,
    /// Success, and a body that is no answer of this service.
    Malformed,
    /// The credentials were good once.
    Expired,
    /// The credentials do not allow it.
    Denied,
}

impl Trouble {
    /// All of them, in the order of the table.
    pub(super) const ALL: [Self; 9] = [
        Self::Throttled,
        Self::Error,
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Silent,
        Self::Slow,
        Self::Malformed,
        Self::Expired,
        Self::Denied,
    ];
}

/// A running server; it ends with its runtime.
pub(super) struct Server {
    /// Where both HTTP and DNS are.
    pub(super) address: SocketAddr,
    read: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Server {
    /// A server with this trouble.
    pub(super) async fn start(trouble: Trouble) -> Self {
        let (listener, dns) = same_port().await;
        let address = listener.local_addr().unwrap();
        let read = Arc::new(Mutex::new(BTreeMap::new()));
        let counted = Arc::clone(&read);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(socket, trouble, Arc::clone(&counted)));
            }
        });
        tokio::spawn(answer_questions(dns, trouble));
        Self { address, read }
    }

    /// How many requests were read whose text contains this.
    pub(super) fn requests(&self, text: &str) -> u32 {
        let read = self.read.lock().unwrap();
        read.iter().filter(|(request, _)| request.contains(text)).map(|(_, count)| count).sum()
    }
}

/// TCP and UDP on one port, as DNS and `--endpoints` want it.
async fn same_port() -> (TcpListener, UdpSocket) {
    for _ in 0..50 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        if let Ok(dns) = UdpSocket::bind(listener.local_addr().unwrap()).await {
            return (listener, dns);
        }
    }
    panic!("no port is free for both TCP and UDP");
}

async fn serve(mut socket: TcpStream, trouble: Trouble, read: Arc<Mutex<BTreeMap<String, u32>>>) {
    if trouble == Trouble::ResetBefore {
        let _begun = socket.read(&mut [0; 1]).await;
        return socket.set_zero_linger().unwrap();
    }
    let Some(request) = whole_request(&mut socket).await else { return };
    let protocol = Protocol::of(&request);
    *read.lock().unwrap().entry(request).or_default() += 1;
    let answer = match trouble {
        Trouble::ResetBefore | Trouble::ResetAfter => return socket.set_zero_linger().unwrap(),
        Trouble::Silent => return hold(socket).await,
        Trouble::Slow => return dribble(socket).await,
        Trouble::Malformed => protocol.success(),
        Trouble::Throttled => protocol.refusal(Refusal::Throttled),
        Trouble::Error => protocol.refusal(Refusal::Error),
        Trouble::Expired => protocol.refusal(Refusal::Expired),
        Trouble::Denied => protocol.refusal(Refusal::Denied),
    };
    // Whoever has hung up has what it wants.
    let _gone = socket.write_all(&answer).await;
}

/// Says nothing for as long as somebody waits.
async fn hold(mut socket: TcpStream) {
    let _until_it_hangs_up = socket.read(&mut [0; 64]).await;
}

async fn dribble(mut socket: TcpStream) {
    let mut bytes = "HTTP/1.1 200 OK\r\nx-slow: ".bytes().chain(std::iter::repeat(b'z'));
    while socket.write_all(&[bytes.next().unwrap()]).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A whole request as text; `None` when the client hung up before its end.
async fn whole_request(socket: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 8192];
        let count = socket.read(&mut more).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&more[..count]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let ours = name.eq_ignore_ascii_case("content-length");
            ours.then(|| value.trim().parse::<usize>().unwrap())
        });
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        if body.len() >= length.unwrap_or(0) && (!chunked || body.ends_with("0\r\n\r\n")) {
            return Some(text);
        }
    }
}

/// How a service says no.
#[derive(Clone, Copy)]
enum Refusal {
    Throttled,
    Error,
    Expired,
    Denied,
}

/// The protocol a request was made in.
#[derive(Clone, Copy)]
enum Protocol {
    /// An API server's.
    Kube,
    /// AWS' query protocol (ELBv2, RDS) and Route 53's: errors in XML.
    Xml,
    /// CloudWatch's, in CBOR.
    Cbor,
    /// Anybody's web server.
    Web,
}

impl Protocol {
    fn of(request: &str) -> Self {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let head = request.to_ascii_lowercase();
        match path {
            _ if head.contains("smithy-protocol: rpc-v2-cbor") => Self::Cbor,
            "/" | "" => Self::Xml,
            _ if path.starts_with("/2013-04-01/") => Self::Xml,
            _ if path.starts_with("/api") || path.starts_with("/readyz") => Self::Kube,
            _ => Self::Web,
        }
    }

    /// Success, with a body that the service would never give.
    fn success(self) -> Vec<u8> {
        match self {
            Self::Cbor => http("200 OK", "smithy-protocol: rpc-v2-cbor\r\n", b"\xff\xffnot cbor"),
            _ => http("200 OK", "", b"<half a="),
        }
    }

    fn refusal(self, refusal: Refusal) -> Vec<u8> {
        let (status, code) = match (self, refusal) {
            (Self::Kube | Self::Web, Refusal::Expired) => ("401 Unauthorized", "Unauthorized"),
            (Self::Kube | Self::Web, Refusal::Throttled) => ("429 Too Many Requests", "TooMany"),
            (_, Refusal::Throttled) => ("400 Bad Request", "Throttling"),
            (_, Refusal::Error) => ("500 Internal Server Error", "InternalFailure"),
            (_, Refusal::Expired) => ("403 Forbidden", "ExpiredToken"),
            (_, Refusal::Denied) => ("403 Forbidden", "AccessDenied"),
        };
        match self {
            Self::Kube => {
                let body = format!(r#"{{"kind":"Status","reason":"{code}","message":"no"}}"#);
                http(status, "content-type: application/json\r\n", body.as_bytes())
            }
            Self::Xml => {
                let error = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
                let body = format!("<ErrorResponse>{error}</ErrorResponse>");
                http(status, "content-type: text/xml\r\n", body.as_bytes())
            }
            Self::Cbor => {
                let mut encoder = aws_smithy_cbor::Encoder::new(Vec::new());
                encoder.begin_map().str("__type").str(code).str("message").str("no").end();
                http(status, "smithy-protocol: rpc-v2-cbor\r\n", &encoder.into_writer())
            }
            Self::Web => http(status, "", b"no"),
        }
    }
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// DNS has no credentials and no connections: what is nearest to the trouble.
async fn answer_questions(socket: UdpSocket, trouble: Trouble) {
    const SERVFAIL: u8 = 2;
    const REFUSED: u8 = 5;
    loop {
        let mut question = [0; 512];
        let Ok((length, from)) = socket.recv_from(&mut question).await else { continue };
        let mut answer = question[..length].to_vec();
        match trouble {
            Trouble::Error => (answer[2], answer[3]) = (answer[2] | 0x80, SERVFAIL),
            Trouble::Throttled | Trouble::Expired | Trouble::Denied => {
                (answer[2], answer[3]) = (answer[2] | 0x80, REFUSED);
            }
            // As a question, but cut in the middle of its name.
            Trouble::Malformed => answer.truncate(15),
            _ => continue,
        }
        socket.send_to(&answer, from).await.unwrap();
    }
}
