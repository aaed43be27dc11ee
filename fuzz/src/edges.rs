//! What the targets of the edges and the command line do with their bytes. Each tells whether it
//! took them, so that a test (`tests/wire/fuzz_seeds.rs`) can show that the seeds reach what they are
//! for.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use bowline::cli::Cli;
use bowline::edges::aws::{AwsEdge, Endpoints};
use bowline::edges::kube::{ClusterStore, Clusters, KubeconfigSource, Wire};
use bowline::edges::net::Dns;
use bowline::edges::registry::Registry;
use bowline::edges::{Edges, Store};
use bowline_core::op::{Answer, Fault, Op};
use clap::Parser;
use kube::client::Body;
use tokio::time::Instant;

/// When a call is given up. Nothing waits here.
const LIMIT: Duration = Duration::from_secs(10);

/// When AWS says that it answers.
const DATE: &str = "Sat, 28 Nov 2026 12:00:00 GMT";

/// What stands between one body and the next: some calls ask several times.
const NEXT: &str = "\n---\n";

/// Answers without a socket: one body after the other, the last one for ever.
#[derive(Clone, Debug)]
struct Canned {
    status: u16,
    cbor: bool,
    bodies: Arc<[u8]>,
    /// How many were given to the call.
    given: Arc<AtomicUsize>,
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Who asks for a role has not made the call yet.
        let role = |body: &[u8]| body.starts_with(b"Action=AssumeRole");
        let made = !request.body().bytes().is_some_and(role);
        let status = StatusCode::try_from(self.status).expect("it was checked");
        let mut answer = HttpResponse::new(status, self.body(made).into());
        answer.headers_mut().insert("date", DATE);
        if self.cbor {
            answer.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
        }
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl HttpClient for Canned {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl Canned {
    /// The next body, for the call or for what must come before it.
    fn body(&self, call: bool) -> Vec<u8> {
        let number = self.given.fetch_add(usize::from(call), Ordering::Relaxed);
        let end = |of: &[u8]| of.windows(NEXT.len()).position(|bytes| bytes == NEXT.as_bytes());
        let mut rest = &*self.bodies;
        for _ in 0..number {
            let Some(next) = end(rest) else { break };
            rest = &rest[next + NEXT.len()..];
        }
        rest[..end(rest).unwrap_or(rest.len())].to_vec()
    }

    /// An API server that says so.
    fn wire(&self) -> Wire {
        let canned = self.clone();
        let service = tower::service_fn(move |_: http::Request<Body>| {
            let answer = http::Response::builder().status(canned.status);
            let answer = answer.body(Body::from(canned.body(true)));
            std::future::ready(Ok::<_, Infallible>(answer.expect("it was checked")))
        });
        Wire::new(kube::Client::new(service, "default"))
    }

    /// Edges for which everything that is asked over HTTP is this.
    fn edges(&self, op: &Op) -> Edges {
        let wire = self.wire();
        let store = Store::Cluster(ClusterStore::new(wire.clone(), "bowline".into()));
        let mut clusters = Clusters::new(KubeconfigSource::default(), None);
        if let Op::Kube(cluster, _) = op {
            clusters = clusters.with_wire(cluster.clone(), wire);
        }
        let credentials = Credentials::new("AKIDEXAMPLE", "not a secret", None, None, "fuzz");
        let aws = AwsEdge::with_credentials(Endpoints::default(), credentials);
        let aws = Some(Arc::new(aws.over_http(self.clone())) as _);
        Edges { store, clusters, dns: Dns::default(), registry: Registry::default(), aws }
    }
}

/// A service's answer to a call is understood or refused: the first line is the call, as a journal
/// has it, the second the status, the rest the bodies. One that arrived leaves no doubt about a look,
/// and no hope that a change was not made because the way there failed.
#[must_use]
pub fn answers(bytes: &[u8]) -> bool {
    let Some((op, status, body)) = answer(bytes) else { return false };
    let cbor = matches!(op, Op::CloudWatch(..));
    let canned = Canned { status, cbor, bodies: body.into(), given: Arc::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let result = runtime.expect("a runtime").block_on(async {
        let edges = canned.edges(&op);
        edges.perform(&op, Instant::now() + LIMIT).await
    });
    let sent = canned.given.load(Ordering::Relaxed) > 0;
    match &result {
        Err(Fault::Unknown(words)) => assert!(op.mutates(), "a look: {words}"),
        Err(Fault::Transient(words)) => assert!(!(sent && op.mutates()), "a change: {words}"),
        Err(_) => {}
        Ok(answer) => {
            assert!(sent, "nobody was asked: {answer:?}");
            let written = serde_json::to_string(answer).expect("it has a JSON form");
            let read: Answer = serde_json::from_str(&written).expect("its own");
            assert_eq!(&read, answer);
        }
    }
    result.is_ok()
}

/// Call, status and bodies; none if it is no call that is made over HTTP here.
fn answer(bytes: &[u8]) -> Option<(Op, u16, &[u8])> {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let op: Op = serde_json::from_slice(parts.next()?).ok()?;
    let status = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let ours = !matches!(op, Op::Probe(_) | Op::Notify(_));
    (ours && (200..600).contains(&status)).then_some((op, status, parts.next()?))
}

/// A command line, an argument a line, is understood or refused with words.
#[must_use]
pub fn commands(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match Cli::try_parse_from(std::iter::once("bowline").chain(text.lines())) {
        Ok(understood) => {
            assert!(!format!("{understood:?}").is_empty());
            true
        }
        Err(error) => {
            assert!(!error.to_string().trim().is_empty(), "refused without a word");
            false
        }
    }
}
