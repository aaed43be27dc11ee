//! One HTTP call to an API server, and what became of it. It retries nothing, waits for nothing and
//! understands no object.

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::de::DeserializeOwned;
use serde_json::Value;

use bowline_core::model::Span;
use bowline_core::op::Fault;

use super::discreet;
use crate::edges::words::{chain, clip};

/// The field manager that Bowline's writes are recorded under.
pub const FIELD_MANAGER: &str = "bowline";

/// A way to one API server.
#[derive(Clone)]
pub struct Wire {
    client: kube::Client,
}

/// What kind of change a call makes, as its method and content type say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `POST`: the object must not exist.
    Create,
    /// `POST` that the server judges and forgets: nothing is changed.
    Rehearse,
    /// `PUT`: the whole object, over the resourceVersion in it.
    Replace,
    /// JSON merge patch, over the resourceVersion in it.
    Merge,
    /// Server-side apply with `force`, over the resourceVersion in it.
    Apply,
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Self::Create | Self::Rehearse => Method::POST,
            Self::Replace => Method::PUT,
            Self::Merge | Self::Apply => Method::PATCH,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Create | Self::Rehearse | Self::Replace => "application/json",
            Self::Merge => "application/merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }

    fn query(self) -> String {
        let more = match self {
            Self::Apply => "&force=true",
            Self::Rehearse => "&dryRun=All",
            _ => "",
        };
        format!("?fieldManager={FIELD_MANAGER}{more}")
    }
}

impl Wire {
    /// A wire over a client, which must have its own retries off.
    #[must_use]
    pub fn new(client: kube::Client) -> Self {
        Self { client }
    }

    /// Reads an object or a list.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Fault> {
        let request = Request::get(path).header(ACCEPT, "application/json");
        let bytes = self.call(request.body(Body::empty()), false).await?;
        serde_json::from_slice(&bytes).map_err(|e| Fault::Invalid(format!("{path}: {e}")))
    }

    /// Asks a path whose answer is only its status.
    pub(crate) async fn probe(&self, path: &str) -> Result<(), Fault> {
        self.call(Request::get(path).body(Body::empty()), false).await.map(drop)
    }

    /// Changes something, and gives the object as it is afterwards.
    pub(crate) async fn write(&self, verb: Verb, path: &str, body: &Value) -> Result<Value, Fault> {
        let request = Request::builder()
            .method(verb.method())
            .uri(format!("{path}{}", verb.query()))
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, verb.content_type());
        let bytes =
            self.call(request.body(Body::from(body.to_string().into_bytes())), true).await?;
        // The change took effect; an answer that cannot be read makes its outcome unknown to us.
        serde_json::from_slice(&bytes).map_err(|e| Fault::Unknown(format!("{path}: {e}")))
    }

    async fn call(
        &self,
        request: Result<Request<Body>, http::Error>,
        mutates: bool,
    ) -> Result<Vec<u8>, Fault> {
        let request = request.map_err(|e| Fault::Invalid(e.to_string()))?;
        let answer = self.client.send(request).await.map_err(|e| unsent(e, mutates))?;
        let status = answer.status();
        let after = retry_after(answer.headers());
        let body = answer.into_body().collect().await;
        let body = body.map_err(|e| lost(format!("answer cut off: {e}"), mutates))?;
        let bytes = body.to_bytes();
        if status.is_success() {
            return Ok(bytes.to_vec());
        }
        Err(refused(status, after, &bytes, mutates))
    }
}

/// What an error without an answer means: no connection is certainly nothing; all else may have
/// reached the server.
fn unsent(error: kube::Error, mutates: bool) -> Fault {
    let connect = match &error {
        kube::Error::Service(inner) => inner
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect),
        _ => false,
    };
    let words = discreet::auth(&error).unwrap_or_else(|| clip(&chain(&error)));
    match error {
        _ if connect => Fault::Transient(words),
        kube::Error::Auth(_) => Fault::Denied(words),
        kube::Error::Service(_) | kube::Error::HyperError(_) => lost(words, mutates),
        _ => Fault::Invalid(words),
    }
}

fn lost(words: String, mutates: bool) -> Fault {
    if mutates { Fault::Unknown(words) } else { Fault::Transient(words) }
}

fn retry_after(headers: &http::HeaderMap) -> Option<Span> {
    let secs: u32 = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Span::secs(secs.into()))
}

/// The fault of an answer that is no success.
fn refused(status: StatusCode, after: Option<Span>, body: &[u8], mutates: bool) -> Fault {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = match told["message"].as_str() {
        Some(message) => clip(message),
        None => format!("HTTP {}", status.as_u16()),
    };
    match status.as_u16() {
        404 | 410 => Fault::NotFound(words),
        409 => Fault::Conflict(words),
        401 | 403 => Fault::Denied(words),
        429 => Fault::Throttled { after },
        500.. => lost(words, mutates),
        _ => Fault::Invalid(words),
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
