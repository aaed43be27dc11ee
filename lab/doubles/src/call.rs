//! Plain HTTP calls to the emulators' own paths, each with a deadline.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest answer that is read.
const BODY_LIMIT: usize = 4 << 20;

/// A client whose calls end in time.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    limit: Duration,
}

impl Http {
    /// A client that gives each call `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), limit }
    }

    /// Reads JSON from `url`. Fails unless it answers 200 in time.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T> {
        let request = Request::builder().method(Method::GET).uri(url).body(Full::default())?;
        let (status, body) = self.call(request).await.with_context(|| url.to_owned())?;
        if status != StatusCode::OK {
            bail!("{url} answers {status}");
        }
        serde_json::from_slice(&body).with_context(|| url.to_owned())
    }

    /// Posts JSON to `url`. Fails unless it answers 2xx in time.
    pub(crate) async fn post(&self, url: &str, body: &impl Serialize) -> Result<()> {
        let uri: Uri = url.parse().with_context(|| format!("`{url}` is no URL"))?;
        let body = Full::from(serde_json::to_vec(body)?);
        let request = Request::post(uri).header("content-type", "application/json").body(body)?;
        let (status, _) = self.call(request).await.with_context(|| url.to_owned())?;
        if !status.is_success() {
            bail!("{url} answers {status}");
        }
        Ok(())
    }

    /// Asks with any method, with JSON if there is some; gives whatever is answered in time.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<(StatusCode, Bytes)> {
        let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = Request::builder().method(method).uri(url);
        let request = request.header("content-type", "application/json").body(Full::from(body))?;
        self.call(request).await.with_context(|| url.to_owned())
    }

    async fn call(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        let whole = async {
            let answer = self.client.request(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), BODY_LIMIT).collect().await;
            let body = body.map_err(|error| anyhow::anyhow!(error))?;
            anyhow::Ok((status, body.to_bytes()))
        };
        let ended = tokio::time::timeout(self.limit, whole).await;
        ended.with_context(|| format!("no answer within {} s", self.limit.as_secs_f32()))?
    }
}
