//! What the targets of the edges, the command line and the resolver do with their bytes. Each tells whether it
//! took them, so that a test (`tests/wire/fuzz_seeds.rs`) can show that the seeds reach what they are for.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::http::StatusCode;
use bowline::cli::Cli;
use bowline::edges::aws::{AwsEdge, Endpoints};
use bowline::edges::kube::{ClusterStore, Clusters, KubeconfigSource, Wire};
use bowline::edges::net::Dns;
use bowline::edges::registry::Registry;
use bowline::edges::{Edges, Store};
use bowline_core::op::{Answer, Fault, Op};
use clap::Parser;
use hickory_proto::op::Message;
use kube::client::Body;
use tokio::time::Instant;

/// When a call is given up. Time is not the world's here: who waits, waits for nothing.
const LIMIT: Duration = Duration::from_secs(10);

/// When AWS says that it answers.
const DATE: &str = "Sat, 28 Nov 2026 12:00:00 GMT";

/// What stands between one body and the next: some calls ask several times, the first time for a
/// role.
const NEXT: &[u8] = b"\n---\n";

/// Answers without a socket: one body after the other, the last one for ever.
#[derive(Clone, Debug)]
struct Canned {
    status: u16,
    cbor: bool,
    bodies: Arc<[u8]>,
    /// How many were given.
    given: Arc<AtomicUsize>,
    /// Whether one was given to the call itself.
    sent: Arc<AtomicBool>,
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Who asks for a role has not made the call yet.
        let role = |body: &[u8]| body.starts_with(b"Action=AssumeRole");
        let call = !request.body().bytes().is_some_and(role);
        let status = StatusCode::try_from(self.status).expect("it was checked");
        let mut answer = HttpResponse::new(status, self.next(call).into());
        answer.headers_mut().insert("date", DATE);
        if self.cbor {
            answer.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
        }
        HttpConnectorFuture::ready(Ok(answer))
    }
}

impl Canned {
    /// The next body, for the call itself or for what must come before it.
    fn next(&self, call: bool) -> Vec<u8> {
        self.sent.fetch_or(call, Ordering::Relaxed);
        let end = |of: &[u8]| of.windows(NEXT.len()).position(|bytes| bytes == NEXT);
        let mut rest = &*self.bodies;
        for _ in 0..self.given.fetch_add(1, Ordering::Relaxed) {
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
            let answer = answer.body(Body::from(canned.next(true)));
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
        let connector = SharedHttpConnector::new(self.clone());
        let aws = aws.over_http(http_client_fn(move |_, _| connector.clone()));
        let aws = Some(Arc::new(aws) as _);
        Edges { store, clusters, dns: Dns::default(), registry: Registry::default(), aws }
    }
}

/// The answer of AWS, the store or a cluster to a call is understood or refused: the first line is
/// the call, as a journal has it, the second the status, the rest the bodies. One that arrived leaves
/// no doubt about a look, and no hope that a change was not made because the way there failed.
#[must_use]
pub fn answers(bytes: &[u8]) -> bool {
    let Some((op, status, bodies)) = exchange(bytes) else { return false };
    let (given, sent, cbor) = (Arc::default(), Arc::default(), matches!(op, Op::CloudWatch(..)));
    let canned = Canned { status, cbor, bodies: bodies.into(), given, sent };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    let result = runtime.block_on(async {
        let edges = canned.edges(&op);
        edges.perform(&op, Instant::now() + LIMIT).await
    });
    let sent = canned.sent.load(Ordering::Relaxed);
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

/// Call, status and bodies; none if it is no call to AWS, the store or a cluster.
#[must_use]
pub fn exchange(bytes: &[u8]) -> Option<(Op, u16, &[u8])> {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let op: Op = serde_json::from_slice(parts.next()?).ok()?;
    let status = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let ours = !matches!(op, Op::Probe(_) | Op::Notify(_));
    (ours && (200..600).contains(&status)).then_some((op, status, parts.next()?))
}

/// A command line, arguments with NUL between them, is understood or refused with words.
#[must_use]
pub fn commands(bytes: &[u8]) -> bool {
    let arguments = bytes.split(|byte| *byte == 0).map(OsStr::from_bytes);
    match Cli::try_parse_from(std::iter::once(OsStr::new("bowline")).chain(arguments)) {
        Ok(understood) => {
            drop(format!("{understood:?}"));
            true
        }
        Err(error) => {
            assert!(!error.to_string().trim().is_empty(), "refused without a word");
            false
        }
    }
}

/// A DNS message is read or refused; what is read is written and read back.
#[must_use]
pub fn dns(bytes: &[u8]) -> bool {
    let Ok(message) = Message::from_vec(bytes) else { return false };
    if let Ok(written) = message.to_vec() {
        assert!(Message::from_vec(&written).is_ok(), "what was written is read");
    }
    true
}
