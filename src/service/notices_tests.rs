//! Webhooks for real: the driver around a whole failover in the simulated world, and a receiver on
//! loopback that is told of it over HTTP.
//!
//! The world's time is tokio's paused clock. A notice is posted on a thread of its own with a clock
//! of its own; the paused one stands still meanwhile.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline_core::model::{Mono, Now, Site, Span};
use bowline_core::op::{Answer, Fault, Op};
use bowline_core::policy::{Policy, examples};
use bowline_core::run::Intent;
use bowline_sim::faults::Trouble;
use bowline_sim::part::at;
use bowline_sim::world::{Outcome, World, WorldSpec};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::clock::Clock;
use super::hosted::Hosted;
use super::options::{RunOptions, StoreOptions};
use super::policies::Source;
use crate::edges::files::FileStore;
use crate::edges::kube::Boxed;
use crate::edges::net::Dns;
use crate::edges::registry::{Registry, Secrets};
use crate::edges::{Edges, Remote, Store};

/// How long a call is on its way.
const WAY: Duration = Duration::from_millis(40);

/// The longest that the story may take, in its own time.
const STORY: Duration = Duration::from_secs(3_600);

/// The world, and the real edges for store and notices.
struct Around {
    world: Mutex<(World, fastrand::Rng)>,
    began: (Instant, Mono),
    edges: Arc<Edges>,
}

impl Around {
    fn see<T>(&self, look: impl FnOnce(&mut World, Now, &mut fastrand::Rng) -> T) -> T {
        let since = u64::try_from(self.began.0.elapsed().as_millis()).unwrap();
        let now = at(self.began.1 + Span::millis(since));
        let mut parts = self.world.lock().unwrap();
        let (world, rng) = &mut *parts;
        while let Some(next) = world.next().filter(|next| *next <= now.mono) {
            world.advance(at(next), rng);
        }
        look(world, now, rng)
    }
}

impl Remote for Around {
    fn perform<'a>(&'a self, op: &'a Op, deadline: Instant) -> Boxed<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            match op {
                Op::Store(_) | Op::Lease(_) => return self.edges.perform(op, deadline).await,
                Op::Notify(_) => return post(Arc::clone(&self.edges), op.clone()).await,
                _ => sleep(WAY).await,
            }
            match self.see(|world, now, rng| world.perform(op, now, rng)) {
                Outcome::Answered(result) => result,
                Outcome::Silent => {
                    sleep_until(deadline).await;
                    let words = "no answer in time".to_owned();
                    Err(if op.mutates() { Fault::Unknown(words) } else { Fault::Transient(words) })
                }
            }
        })
    }

    fn adopt(&self, policies: &[Policy]) {
        self.edges.adopt(policies);
    }
}

/// Posts a notice by the real edges, in real time.
async fn post(edges: Arc<Edges>, op: Op) -> Result<Answer, Fault> {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime
            .block_on(async { edges.perform(&op, Instant::now() + Duration::from_secs(5)).await })
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// Somebody who is told: the bodies of all requests, in their order.
struct Receiver {
    port: u16,
    told: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told: Arc<Mutex<Vec<Value>>> = Arc::default();
        let keeps = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                keeps.lock().unwrap().push(take(stream));
            }
        });
        Self { port, told }
    }

    /// The first notice of a kind that is about a run.
    fn of(&self, kind: &str) -> Option<Value> {
        let told = self.told.lock().unwrap();
        told.iter().find(|one| one["kind"] == kind && one["run"].is_string()).cloned()
    }
}

/// Reads one request, answers it, and gives its body.
fn take(mut stream: TcpStream) -> Value {
    let mut request = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
                assert!(head.starts_with("POST /hook/shop "), "{head}");
                return serde_json::from_str(body).unwrap();
            }
        }
        let read = stream.read(&mut part).unwrap();
        assert!(read > 0, "cut off: {text}");
        request.extend(&part[..read]);
    }
}

/// A replica in the simulated world that tells this receiver.
fn replica(folder: &Path, receiver: &Receiver) -> (Hosted, Arc<Around>) {
    let secret = folder.join("secrets/bowline-notify");
    std::fs::create_dir_all(&secret).unwrap();
    let url = format!("http://127.0.0.1:{}/hook/shop\n", receiver.port);
    std::fs::write(secret.join("pagerduty"), url).unwrap();
    let store = FileStore::open_or_create(folder.join("store")).unwrap();
    let edges = Arc::new(Edges {
        store: Store::Files(store),
        clusters: Default::default(),
        dns: Dns::default(),
        registry: Registry::new(Secrets::Folder(folder.join("secrets"))),
        aws: None,
    });
    let mut rng = fastrand::Rng::with_seed(3);
    let world = World::build(&WorldSpec::new(vec![examples::shop()]), &mut rng);
    let began = (Instant::now(), world.began());
    let clock = Clock::at(at(world.began()).wall);
    let remote = Arc::new(Around { world: Mutex::new((world, rng)), began, edges });
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/shop.yaml");
    let policies = vec![policy];
    let options = StoreOptions::Folder { folder: folder.join("store"), policies: policies.clone() };
    let (options, source) = (RunOptions::new(options), Source::Files(policies));
    let hosted = Hosted::start(&options, Arc::clone(&remote) as _, source, clock);
    (hosted, remote)
}

async fn until(what: &str, seen: impl Fn() -> bool) {
    let deadline = Instant::now() + STORY;
    while !seen() {
        assert!(Instant::now() < deadline, "never: {what}");
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn people_are_told_by_webhook_when_a_run_starts_asks_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start();
    let (hosted, around) = replica(folder.path(), &receiver);
    let store = around.edges.store.clone();
    let shop = "shop".into();
    let now = |look: fn(&bowline_core::node::GroupStatus) -> bool| {
        hosted.groups().iter().any(|status| status.group.as_str() == "shop" && look(status))
    };
    until("home serves", || {
        now(|status| status.decision.contains("not armed") || status.decision.contains("serves"))
    })
    .await;
    sleep(Duration::from_secs(180)).await;
    store.intend(&shop, "ada", &Intent::Arm).await.unwrap();
    until("armed", || now(|status| status.armed)).await;
    assert!(receiver.of("runStarted").is_none(), "nothing to tell in peace");

    let region = examples::shop().site(Site::Home).scope.region.clone();
    around.see(|world, now, rng| world.begin(&Trouble::RegionDead(region), now, rng));
    until("the run asks", || receiver.of("ask").is_some()).await;
    let started = receiver.of("runStarted").unwrap();
    let run = started["run"].as_str().unwrap().to_owned();
    assert!(started["title"].as_str().unwrap().contains("failover from home begins"), "{started}");
    let ask = receiver.of("ask").unwrap();
    let command = format!("bowline approve shop --run {run}");
    assert!(ask["body"].as_str().unwrap().contains(&command), "{ask}");
    assert!(ask["text"].as_str().unwrap().contains("If nobody answers: "), "{ask}");
    assert_eq!((&ask["group"], &ask["run"]), (&"shop".into(), &run.as_str().into()));

    let yes = Intent::Approve {
        run: run.as_str().into(),
        accept_loss: None,
        accept_unfenced: false,
        keep_trying: false,
    };
    store.intend(&shop, "grace", &yes).await.unwrap();
    until("the run ends", || receiver.of("runEnded").is_some()).await;
    let ended = receiver.of("runEnded").unwrap();
    assert_eq!(ended["title"], format!("{run}: the standby site serves"));
    assert!(ended["by"].as_str().is_some_and(|by| !by.is_empty()), "{ended}");
}
