//! What goes wrong with a call on the wire, in the protocol of whoever asks.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What goes wrong with a call on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
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
    pub(crate) const ALL: [Self; 9] = [
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

    /// Has a request that was read come to it.
    pub(crate) async fn befall(self, mut socket: TcpStream, request: &str) {
        match (Protocol::of(request).says(self), self) {
            // Whoever has hung up has what it wants.
            (Some(answer), _) => drop(socket.write_all(&answer).await),
            (None, Self::Silent) => hold(socket).await,
            (None, Self::Slow) => dribble(socket).await,
            (None, _) => socket.set_zero_linger().unwrap(),
        }
    }
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

/// A whole request; `None` when the client hung up before its end.
pub(crate) async fn whole_request(socket: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let mut more = [0; 8192];
        let count = socket.read(&mut more).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&more[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let (head, body) = (String::from_utf8_lossy(&bytes[..end]), &bytes[end + 4..]);
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let ours = name.eq_ignore_ascii_case("content-length");
            ours.then(|| value.trim().parse::<usize>().unwrap())
        });
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        if body.len() >= length.unwrap_or(0) && (!chunked || body.ends_with(b"0\r\n\r\n")) {
            return Some(bytes);
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

    /// What a trouble has a service say, if it lets it say anything.
    fn says(self, trouble: Trouble) -> Option<Vec<u8>> {
        let refusal = match trouble {
            Trouble::ResetBefore | Trouble::ResetAfter | Trouble::Silent | Trouble::Slow => None?,
            Trouble::Malformed => return Some(self.success()),
            Trouble::Throttled => Refusal::Throttled,
            Trouble::Error => Refusal::Error,
            Trouble::Expired => Refusal::Expired,
            Trouble::Denied => Refusal::Denied,
        };
        Some(self.refusal(refusal))
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
