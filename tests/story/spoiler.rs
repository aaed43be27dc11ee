//! Somebody on the way to AWS and to the clusters. Once it has begun, the first call of each kind
//! that comes by meets a trouble; every other one goes through.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::paths::{Paths, lead};
use super::stand::{Running, Stand, free_address, listens, spawn};
use super::trouble::{Trouble, whole_request};

/// The spoiler; it ends with its runtime.
pub(crate) struct Spoiler {
    /// What leads a replica by it.
    pub(crate) paths: Paths,
    shared: Arc<Shared>,
    _runtime: Runtime,
    /// Who speaks TLS with the clusters.
    _proxies: Vec<Running>,
}

struct Shared {
    trouble: Trouble,
    begun: AtomicBool,
    /// Kinds of calls that met it.
    met: Mutex<BTreeSet<String>>,
}

impl Stand {
    /// The same as [`Stand::set`], with a spoiler in every replica's way to AWS, the store and the
    /// sites' clusters.
    pub(crate) fn set_spoilt(trouble: Trouble) -> Self {
        Self::set_with(|stand, _| {
            if stand.spoiler.is_none() {
                stand.spoiler = Some(Spoiler::before(stand, trouble));
            }
        })
    }
}

impl Spoiler {
    /// One that lets everything through for now.
    fn before(stand: &Stand, trouble: Trouble) -> Self {
        let (begun, met) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(Shared { trouble, begun, met });
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let (mut ways, mut proxies) = (BTreeMap::new(), Vec::new());
        let way = |to, who: &str| {
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let address = listener.local_addr().unwrap();
            runtime.spawn(serve(listener, to, who.to_owned(), Arc::clone(&shared)));
            address
        };
        let clusters = |cluster: &mut Value| {
            let name = cluster["name"].as_str().unwrap().to_owned();
            let (proxy, to) = proxy(stand, &name);
            proxies.push(proxy);
            cluster["cluster"] = json!({ "server": format!("http://{}", way(to, &name)) });
        };
        let urls = |url: &mut Value| lead(url, |to| *ways.entry(to).or_insert_with(|| way(to, "")));
        let paths = stand.paths("spoilt", clusters, urls);
        Self { paths, shared, _runtime: runtime, _proxies: proxies }
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

/// Who lets a cluster be called without TLS, and where.
fn proxy(stand: &Stand, cluster: &str) -> (Running, SocketAddr) {
    let at: SocketAddr = free_address().parse().unwrap();
    let kubeconfig = stand.stage().kubeconfig_file("bowline");
    let mut command = stand.lab.cluster(cluster).unwrap().proxy(&kubeconfig, cluster, at.port());
    let log = stand.lab.folder().join(format!("proxy-{cluster}.log"));
    let name = format!("proxy-{cluster}");
    let running = spawn((&name, String::new()), &mut command, &stand.lab, &log);
    listens(&name, at);
    (running, at)
}

async fn serve(listener: TcpListener, to: SocketAddr, who: String, shared: Arc<Shared>) {
    while let Ok((socket, _)) = listener.accept().await {
        tokio::spawn(pass(socket, to, who.clone(), Arc::clone(&shared)));
    }
}

/// One call on its way to somebody, and its answer on the way back.
async fn pass(mut socket: TcpStream, to: SocketAddr, who: String, shared: Arc<Shared>) {
    let Some(request) = whole_request(&mut socket).await else { return };
    let text = String::from_utf8_lossy(&request).into_owned();
    let kind = format!("{who} {}", kind(&text)).trim_start().to_owned();
    let first = || shared.met.lock().unwrap().insert(kind);
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

/// What kind of call a request is: the action, the operation, or the method and what of the path is
/// plain words; a patch that changes more than metadata is another one.
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
    let spec = if method == "PATCH" && request.contains("\"spec\":") { " spec" } else { "" };
    format!("{method} {}{spec}", parts.join(" "))
}
