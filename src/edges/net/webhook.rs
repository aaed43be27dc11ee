//! Telling people: one POST of a notice to a webhook. The URL is a secret and is never repeated.

use http::header::{CONNECTION, CONTENT_TYPE, HOST};
use http::{Request, Uri};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::json;
use tokio::time::Instant;

use bowline_core::model::Host;
use bowline_core::op::{Answer, Fault, Notice};

use super::dns::Dns;
use super::http::{Target, exchange};

/// Posts a notice. `text` is what chat services show; the other fields are for machines.
///
/// # Errors
/// A bad URL, no connection, or an answer that is no success.
pub(super) async fn post(
    dns: &Dns,
    url: &str,
    notice: &Notice,
    deadline: Instant,
) -> Result<Answer, Fault> {
    let bad = || Fault::Invalid("the webhook's URL cannot be used".into());
    let uri: Uri = url.trim().parse().map_err(|_| bad())?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(bad()),
    };
    let host = uri.host().ok_or_else(bad)?.to_owned();
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let address = dns.addresses(&Host::new(&host)).await?.first().copied();
    let address = address.ok_or_else(|| Fault::Transient(format!("{host} has no address")))?;
    let target = Target { address, port, tls: tls.then_some(host) };
    let answer = exchange(&target, request(&uri, notice).map_err(|_| bad())?, deadline).await?;
    let status = answer.status();
    match status.as_u16() {
        _ if status.is_success() => Ok(Answer::Ok),
        401 | 403 => Err(Fault::Denied(format!("the webhook answers {status}"))),
        429 => Err(Fault::Throttled { after: None }),
        500.. => Err(Fault::Unknown(format!("the webhook answers {status}"))),
        _ => Err(Fault::Invalid(format!("the webhook answers {status}"))),
    }
}

fn request(uri: &Uri, notice: &Notice) -> Result<Request<Full<Bytes>>, http::Error> {
    let body = json!({
        "text": format!("{}\n{}", notice.title, notice.body).trim_end(),
        "group": notice.group,
        "run": notice.run,
        "kind": notice.kind,
        "title": notice.title,
        "body": notice.body,
        "by": notice.by.to_string(),
    });
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    Request::post(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/json")
        .header(CONNECTION, "close")
        .body(Full::from(body.to_string()))
}
