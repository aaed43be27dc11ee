//! Somebody on the way to AWS. Once it has begun, the first call of each kind that comes by meets a
//! trouble; every other one goes through.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::trouble::{Trouble, whole_request};
use super::ways::{lead, urls};

/// The spoiler; it ends with its runtime.
pub(crate) struct Spoiler {
    shared: Arc<Shared>,
    runtime: Runtime,
}

struct Shared {
    trouble: Trouble,
    begun: AtomicBool,
    /// Kinds of calls that met it.
    met: Mutex<BTreeSet<String>>,
}

impl Spoiler {
    /// One that lets everything through for now.
    pub(crate) fn new(trouble: Trouble) -> Self {
        let (begun, met) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(Shared { trouble, begun, met });
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        Self { shared, runtime }
    }

    /// Stands in the way of everything that an endpoints file leads to.
    pub(crate) fn stand_before(&self, endpoints: &mut Value) {
        let mut ways = BTreeMap::new();
        for url in urls(endpoints) {
            lead(url, |to| *ways.entry(to).or_insert_with(|| self.way(to)));
        }
    }

    /// A way to there; its address.
    fn way(&self, to: SocketAddr) -> SocketAddr {
        let listener = self.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&self.shared);
        self.runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(pass(socket, to, Arc::clone(&shared)));
            }
        });
        address
    }

    /// From now on calls meet it.
    pub(crate) fn begin(&self) {
        self.shared.begun.store(true, Ordering::SeqCst);
    }

    /// The kinds of calls that have met it.
    pub(crate) fn met(&self) -> BTreeSet<String> {
        self.shared.met.lock().unwrap().clone()
    }
}

/// One call on its way there, and its answer on the way back.
async fn pass(mut socket: TcpStream, to: SocketAddr, shared: Arc<Shared>) {
    let Some(request) = whole_request(&mut socket).await else { return };
    let text = String::from_utf8_lossy(&request).into_owned();
    let first = || shared.met.lock().unwrap().insert(kind(&text));
    let meets = shared.begun.load(Ordering::SeqCst) && first();
    let trouble = meets.then_some(shared.trouble);
    // What is lost on its way back has had its effect; all else is met on the way there.
    let through = matches!(trouble, None | Some(Trouble::ResetAfter | Trouble::Slow));
    let answer = if through { forward(&request, to).await } else { None };
    match (trouble, answer) {
        (Some(trouble), _) => trouble.befall(socket, &text).await,
        // Whoever has hung up has what it wants.
        (None, Some(answer)) => drop(socket.write_all(&answer).await),
        (None, None) => drop(socket.set_zero_linger()),
    }
}

/// The answer to a request, on a connection of its own that is not used again.
async fn forward(request: &[u8], to: SocketAddr) -> Option<Vec<u8>> {
    let mut there = TcpStream::connect(to).await.ok()?;
    there.write_all(&closing(request)?).await.ok()?;
    let mut answer = Vec::new();
    there.read_to_end(&mut answer).await.ok()?;
    closing(&answer)
}

/// The same message, which says that it is the connection's last.
fn closing(message: &[u8]) -> Option<Vec<u8>> {
    let end = message.windows(2).position(|two| two == b"\r\n")?;
    let (first, rest) = message.split_at(end);
    Some([first, b"\r\nconnection: close", rest].concat())
}

/// What kind of call a request is: the action, the operation, or the method and the path without
/// names.
fn kind(request: &str) -> String {
    let line = request.lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let action = request.split_once("Action=").map(|(_, rest)| rest.split('&').next());
    let operation = path.split_once("/operation/").map(|(_, rest)| rest);
    if let Some(name) = action.flatten().or(operation) {
        return name.to_owned();
    }
    let path = path.split('?').next().unwrap_or_default();
    let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    let parts: Vec<_> = path.split('/').filter(plain).collect();
    format!("{method} {}", parts.join(" "))
}
