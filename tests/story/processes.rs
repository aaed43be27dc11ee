//! Whole processes that die, stand still or start anew in the middle of a failover: each time the
//! same end, with one promotion that took effect.

use std::thread;
use std::time::Duration;

use bowline_lab::Component;

use super::look::wall;
use super::stand::{Stand, wait_for};
use super::ways::To;

/// Which seeds are played, `A..B` (B excluded); one when absent.
const SEEDS: &str = "BOWLINE_STORY_SEEDS";

/// What standby wants when the application has moved there: all of what home had, half its workers.
const MOVED: [&str; 4] = ["cache=2", "web=4", "worker=1", "invoices=false"];

/// What is held then, to be given back on the way home; home itself is dead.
const HELD: [&str; 5] = [
    "standby/CronJob shop/invoices",
    "standby/Deployment shop/cache",
    "standby/Deployment shop/web",
    "standby/Deployment shop/worker",
    "standby/NodePool dr",
];

/// When, after home died, something happens to a process: from before anything is decided until the
/// application has moved.
const INSTANTS: std::ops::Range<u64> = 5_000..105_000;

/// The leader is killed at a seeded instant, and comes back five seconds later as a new process.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn s6_a_leader_that_is_killed_at_any_instant_leaves_one_promotion() {
    with_each_seed(Stand::set, Stand::kill_leader, |stand, killed| {
        thread::sleep(Duration::from_secs(5));
        stand.start_replica(&killed);
    });
}

/// The leader stands still for longer than its lease and goes on as soon as another leads: both
/// believe that they do.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn s5_a_leader_that_wakes_up_beside_another_changes_nothing() {
    let stop = |stand: &mut Stand| {
        let leader = stand.leader();
        stand.replica(&leader).signal("-STOP");
        leader
    };
    with_each_seed(Stand::set, stop, |stand, old| {
        wait_for("another leads", 60, || (stand.leader() != old, stand.leader()));
        stand.replica(&old).signal("-CONT");
        moved_once(stand);
        assert_ne!(stand.leader(), old, "it follows");
    });
}

/// The management cluster's API server and its etcd are killed in the middle and start anew.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn s5_a_store_that_is_killed_and_starts_anew_has_every_record() {
    let restart = |stand: &mut Stand| {
        for component in [Component::Etcd, Component::ApiServer] {
            stand.lab.restart("management", component).unwrap();
        }
    };
    with_each_seed(Stand::set, restart, |_, ()| {});
}

/// The leader cannot reach the management cluster, and everything else answers it: it goes on
/// seeing the world, and may not touch it.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn s5_a_leader_that_is_cut_off_from_the_store_alone_changes_nothing() {
    with_each_seed(Stand::set_with_ways, cut_leader(To::Store), |stand, old| {
        wait_for("another leads", 60, || (stand.leader() != old, stand.leader()));
        moved_once(stand);
        stand.heal(&old, To::Store);
        wait_for("it is ready again", 60, || stand.is_ready(&old));
        assert_ne!(stand.leader(), old, "it follows");
    });
}

/// The leader cannot reach AWS nor the sites' clusters, and keeps its lease: it waits, and goes on
/// when they answer again.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn l1_a_leader_that_is_cut_off_from_aws_alone_goes_on_later() {
    with_each_seed(Stand::set_with_ways, cut_leader(To::Beyond), |stand, leader| {
        trouble();
        stand.heal(&leader, To::Beyond);
    });
}

/// The management cluster's etcd stands still while the promotion comes due: nothing can be
/// recorded, so nothing may be done.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn s7_a_store_that_stands_still_holds_everything_up_and_loses_nothing() {
    for seed in seeds() {
        let stand = soon_to_promote(seed);
        let since = wall();
        stand.management().freeze_one(Component::Etcd).unwrap();
        trouble();
        let asked = stand.promotions().len();
        stand.management().thaw_one(Component::Etcd).unwrap();
        let recorded = stand.recorded("promote").into_iter().filter(|at| *at <= since).count();
        assert!(asked <= recorded, "{asked} promotions, and {recorded} recorded before");
        moved_once(&stand);
    }
}

/// The management cluster's etcd has no room left and refuses every write, the lease's too.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn s7_a_full_store_holds_everything_up_and_loses_nothing() {
    for seed in seeds() {
        let stand = soon_to_promote(seed);
        stand.management().fill_store(true).unwrap();
        let (records, promotions) = (stand.journal().len(), stand.promotions().len());
        trouble();
        assert_eq!(stand.journal().len(), records, "nothing can be recorded");
        assert_eq!(stand.promotions().len(), promotions, "what is not recorded is not done");
        stand.management().fill_store(false).unwrap();
        moved_once(&stand);
    }
}

/// For each seed: home dies, some time later there is a trouble, `after` sees to what follows, and
/// the application has moved once.
fn with_each_seed<T>(
    set: fn() -> Stand,
    trouble: impl Fn(&mut Stand) -> T,
    after: impl Fn(&mut Stand, T),
) {
    for seed in seeds() {
        let mut stand = set();
        let befallen = at_a_seeded_instant(&mut stand, seed, &trouble);
        after(&mut stand, befallen);
        moved_once(&stand);
    }
}

/// Cuts one of the leader's ways; gives its name.
fn cut_leader(to: To) -> impl Fn(&mut Stand) -> String {
    move |stand| {
        let leader = stand.leader();
        stand.cut(&leader, to);
        leader
    }
}

/// As long as a trouble lasts that is over by itself: longer than the lease and the policy's
/// `confirm` together. The length is what is tried, whatever is going on meanwhile.
fn trouble() {
    thread::sleep(Duration::from_secs(40));
}

/// Home dies, and a while later something happens.
fn at_a_seeded_instant<T>(stand: &mut Stand, seed: u64, event: impl Fn(&mut Stand) -> T) -> T {
    let after = fastrand::Rng::with_seed(seed).u64(INSTANTS);
    println!("seed {seed}: {after} ms after home died");
    stand.has_evidence();
    stand.lab.freeze("home").unwrap();
    // The instant is what is tried, whatever is going on then.
    thread::sleep(Duration::from_millis(after));
    println!("then: {}", stand.headline());
    event(stand)
}

/// Home is dead and the move planned. Its fence is given up 45 s later, and the promotion is next:
/// a trouble that begins at the seeded instant lasts beyond that.
fn soon_to_promote(seed: u64) -> Stand {
    let stand = Stand::set();
    stand.has_evidence();
    stand.lab.freeze("home").unwrap();
    wait_for("the move", 120, || (stand.is_moving(), stand.headline()));
    let after = fastrand::Rng::with_seed(seed).u64(10_000..35_000);
    println!("seed {seed}: {after} ms after the move was planned");
    // The instant is what is tried, whatever is going on then.
    thread::sleep(Duration::from_millis(after));
    assert!(stand.promotions().is_empty(), "it is too late: {}", stand.headline());
    stand
}

/// The application serves at standby, by one run and one promotion, and all of it runs there.
fn moved_once(stand: &Stand) {
    stand.serves_at_standby();
    stand.run_ended_once();
    assert_eq!(stand.wanted("standby"), MOVED);
    assert_eq!(stand.standby_limit(), ["200"], "the NodePool is open");
    assert_eq!(stand.status()["holds"], serde_json::json!(HELD));
}

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var(SEEDS) else { return 1..2 };
    let parsed = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    parsed.unwrap_or_else(|| panic!("{SEEDS} is `{text}`, not as `1..21`"))
}
