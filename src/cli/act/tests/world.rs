//! The simulated world behind the real loop: every call that is not the store's is performed by
//! `bowline-sim`, on tokio's paused clock; the store is a real directory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bowline_core::model::{Mono, Now, Span};
use bowline_core::op::{Answer, Fault, Op};
use bowline_core::policy::{Policy, examples};
use bowline_sim::faults::Trouble;
use bowline_sim::part::at;
use bowline_sim::world::{Outcome, World, WorldSpec};
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::cli::act::session::Session;
use crate::edges::files::FileStore;
use crate::edges::kube::Boxed;
use crate::edges::{Remote, Store};
use crate::service::{Clock, Hosted, RunOptions, Source, StoreOptions};

/// How long a call is on its way, there and back alike.
const WAY: Duration = Duration::from_millis(40);

/// A world that lives as long as the runtime's clock runs.
pub(super) struct Simulated {
    parts: Mutex<(World, fastrand::Rng)>,
    began: (Instant, Mono),
    clock: Clock,
    pub(super) policy: Policy,
}

impl Simulated {
    /// The world of `policies/shop.yaml`, in peace.
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let policy = examples::shop();
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::build(&WorldSpec::new(vec![policy.clone()]), &mut rng);
        let began = (Instant::now(), world.began());
        let clock = Clock::at(at(world.began()).wall);
        Arc::new(Self { parts: Mutex::new((world, rng)), began, clock, policy })
    }

    fn now(&self) -> Now {
        let since = u64::try_from(self.began.0.elapsed().as_millis()).unwrap();
        at(self.began.1 + Span::millis(since))
    }

    /// The world as it is now.
    pub(super) fn see<T>(&self, look: impl FnOnce(&mut World, Now, &mut fastrand::Rng) -> T) -> T {
        let now = self.now();
        let mut parts = self.parts.lock().unwrap();
        let (world, rng) = &mut *parts;
        while let Some(next) = world.next().filter(|next| *next <= now.mono) {
            world.advance(at(next), rng);
        }
        look(world, now, rng)
    }

    pub(super) fn begin(&self, trouble: &Trouble) {
        self.see(|world, now, rng| world.begin(trouble, now, rng));
    }

    pub(super) fn end(&self, trouble: &Trouble) {
        self.see(|world, now, rng| world.end(trouble, now, rng));
    }
}

/// The world's calls, and a directory's store.
struct Around {
    world: Arc<Simulated>,
    store: Store,
}

impl Remote for Around {
    fn perform<'a>(&'a self, op: &'a Op, deadline: Instant) -> Boxed<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            match op {
                Op::Store(op) => return self.store.perform(op).await,
                Op::Lease(op) => return self.store.lease(op).await,
                _ => sleep(WAY).await,
            }
            let outcome = self.world.see(|world, now, rng| world.perform(op, now, rng));
            match outcome {
                Outcome::Answered(result) => {
                    sleep(WAY).await;
                    result
                }
                Outcome::Silent => {
                    sleep_until(deadline).await;
                    let words = "no answer in time".to_owned();
                    Err(if op.mutates() { Fault::Unknown(words) } else { Fault::Transient(words) })
                }
            }
        })
    }

    fn adopt(&self, _: &[Policy]) {}
}

/// What `--store dir:` and `--policy` name in these tests.
pub(super) fn policy_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/shop.yaml")
}

/// The session of one command over this directory, with a replica in its process.
pub(super) fn session(world: &Arc<Simulated>, folder: &Path) -> Session {
    let mut session = beside(world, folder);
    session.hosted = Some(replica(world, folder));
    session.patience = Duration::from_secs(60);
    session
}

/// The session of one command over this directory, where another process has the replica.
pub(super) fn beside(world: &Arc<Simulated>, folder: &Path) -> Session {
    Session {
        store: Store::Files(FileStore::open_or_create(folder).unwrap()),
        hosted: None,
        groups: vec![world.policy.group.clone()],
        without_fence: Vec::new(),
        by: "ada".into(),
        patience: Duration::from_secs(15),
    }
}

/// A replica, as `bowline run` and commands have one.
pub(super) fn replica(world: &Arc<Simulated>, folder: &Path) -> Hosted {
    let policies = vec![policy_file()];
    let options = StoreOptions::Folder { folder: folder.into(), policies: policies.clone() };
    let store = Store::Files(FileStore::open_or_create(folder).unwrap());
    let remote = Around { world: Arc::clone(world), store };
    let (options, source) = (RunOptions::new(options), Source::Files(policies));
    Hosted::start(&options, Arc::new(remote), source, world.clock)
}
