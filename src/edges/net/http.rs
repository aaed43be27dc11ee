//! One HTTP request over a connection of its own: to an address that the caller names, with the
//! host and TLS name that the caller names. Redirects are answers like any other.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use bowline_core::op::Fault;

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The address to connect to.
    pub(super) address: IpAddr,
    /// The port.
    pub(super) port: u16,
    /// The TLS name, if TLS is used.
    pub(super) tls: Option<String>,
}

/// Sends one request and waits for the head of its answer.
///
/// # Errors
/// [`Fault::Transient`] when there was no connection: nothing was sent. [`Fault::Unknown`] when
/// there was no answer. Faults never repeat the path, which may be a secret.
pub(super) async fn exchange(
    target: &Target,
    request: Request<Full<Bytes>>,
    deadline: Instant,
) -> Result<Response<Incoming>, Fault> {
    let address = SocketAddr::new(target.address, target.port);
    let connect = connect(target, address, request);
    let late = |_| Fault::Transient(format!("{address}: no connection in time"));
    let answer = timeout_at(deadline, connect).await.map_err(late)??;
    let late = |_| Fault::Unknown(format!("{address}: no answer in time"));
    let answer = timeout_at(deadline, answer).await.map_err(late)?;
    answer.map_err(|e| Fault::Unknown(format!("{address}: {e}")))
}

/// Connects, and gives the future that sends the request and waits.
async fn connect(
    target: &Target,
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> Result<impl Future<Output = hyper::Result<Response<Incoming>>>, Fault> {
    let none = |e: &dyn std::fmt::Display| Fault::Transient(format!("{address}: {e}"));
    let stream = TcpStream::connect(address).await.map_err(|e| none(&e))?;
    let stream: Box<dyn Stream> = match &target.tls {
        None => Box::new(stream),
        Some(name) => {
            let name = ServerName::try_from(name.clone())
                .map_err(|e| Fault::Invalid(format!("TLS name: {e}")))?;
            Box::new(tls()?.connect(name, stream).await.map_err(|e| none(&e))?)
        }
    };
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|e| none(&e))?;
    // Ends with the answer's body, at the latest when the answer is dropped.
    tokio::spawn(connection);
    Ok(async move { sender.send_request(request).await })
}

trait Stream: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin> Stream for T {}

/// TLS with the machine's own authorities (`SSL_CERT_FILE` names others).
fn tls() -> Result<TlsConnector, Fault> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(TlsConnector::from(Arc::clone(config)));
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Fault::Invalid(format!("TLS: {e}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::clone(CONFIG.get_or_init(|| Arc::new(config)))))
}
