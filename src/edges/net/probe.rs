//! The HTTP probe: what a user's request would meet at one of a name's addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::time::Instant;

use bowline_core::model::Host;
use bowline_core::op::{Answer, Fault, HttpProbe, HttpSeen};

use super::dns::Dns;
use super::http::{Target, exchange};

/// What is looked at: where, as whom, on which path, and whether it writes.
type Looked = (Host, u16, Host, Arc<str>, bool);

/// Looks take turns over a name's addresses, each target's on its own: together, two that alternate
/// would each see the same half for ever.
static TURNS: Mutex<BTreeMap<Looked, usize>> = Mutex::new(BTreeMap::new());

/// Makes one request.
///
/// # Errors
/// No address or connection is [`Fault::Transient`]; no answer in time [`Fault::Unknown`].
pub(super) async fn perform(dns: &Dns, probe: &HttpProbe) -> Result<Answer, Fault> {
    let deadline = Instant::now() + Duration::from_millis(probe.timeout.as_millis());
    let address = address(dns, probe, deadline).await?;
    let host = probe.host.as_str();
    let target = Target { address, port: probe.port, tls: probe.tls.then(|| host.to_owned()) };
    let answer = exchange(&target, request(probe)?, deadline).await?;
    let site = probe.site_header.as_ref().and_then(|name| answer.headers().get(&**name));
    let site = site.and_then(|value| value.to_str().ok()).map(Arc::from);
    Ok(Answer::Http(HttpSeen { status: answer.status().as_u16(), site, address }))
}

async fn address(dns: &Dns, probe: &HttpProbe, deadline: Instant) -> Result<IpAddr, Fault> {
    let found = match probe.addresses.as_slice() {
        [] => match tokio::time::timeout_at(deadline, dns.addresses(&probe.connect)).await {
            Ok(found) => found?,
            Err(_) => return Err(Fault::Transient(format!("{}: no address", probe.connect))),
        },
        given => reachable(given),
    };
    let chosen = found.get(turn(probe) % found.len().max(1)).copied();
    chosen.ok_or_else(|| Fault::Transient(format!("{} has no address", probe.connect)))
}

/// Those of IPv4, if there are any (see [`Dns::addresses`]).
fn reachable(given: &[IpAddr]) -> Vec<IpAddr> {
    let v4: Vec<_> = given.iter().copied().filter(IpAddr::is_ipv4).collect();
    if v4.is_empty() { given.to_vec() } else { v4 }
}

/// How many looks at the same went before this one.
fn turn(probe: &HttpProbe) -> usize {
    let HttpProbe { connect, port, host, path, writes, .. } = probe;
    let looked = (connect.clone(), *port, host.clone(), Arc::clone(path), *writes);
    let mut turns = TURNS.lock().unwrap_or_else(PoisonError::into_inner);
    let next = turns.entry(looked).or_default();
    let turn = *next;
    *next = turn.wrapping_add(1);
    turn
}

fn request(probe: &HttpProbe) -> Result<Request<Full<Bytes>>, Fault> {
    let standard = if probe.tls { 443 } else { 80 };
    let host = match probe.port {
        port if port == standard => probe.host.to_string(),
        port => format!("{}:{port}", probe.host),
    };
    Request::builder()
        .method(if probe.writes { Method::POST } else { Method::GET })
        .uri(&*probe.path)
        .header(HOST, host)
        .header(USER_AGENT, concat!("bowline/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(Full::default())
        .map_err(|e| Fault::Invalid(format!("probe of {}: {e}", probe.host)))
}
