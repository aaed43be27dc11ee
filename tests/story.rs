//! The story of issue 3, part C3, with real parts: two replicas of `bowline run` against real API
//! servers, a real Karpenter, emulated AWS and real DNS packets. Ignored by a plain `cargo test`;
//! `cargo xtask test` plays all of it, each test in a lab of its own and side by side: the way
//! home waits for CloudWatch's one-minute points again and again.
#![allow(clippy::unwrap_used)]

#[path = "story/look.rs"]
mod look;
#[path = "story/paths.rs"]
mod paths;
#[path = "story/processes.rs"]
mod processes;
#[path = "story/spoiler.rs"]
mod spoiler;
#[path = "story/stale.rs"]
mod stale;
#[path = "story/stand.rs"]
mod stand;
#[path = "wire/faults/trouble.rs"]
mod trouble;
#[path = "story/ways.rs"]
mod ways;
#[path = "story/wire.rs"]
mod wire;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use look::wall;
use stale::Stale;
use stand::{COMMAND, Stand, wait_for};

/// A group at rest at home: nothing runs at standby, and nothing may be started there.
const AT_HOME: [&str; 4] = ["cache=2", "web=4", "worker=2", "invoices=false"];
/// Home while it is asked about: what both sites may run is ready, the rest waits.
const AT_REST_BUT_CACHE: [&str; 4] = ["cache=2", "web=0", "worker=0", "invoices=true"];
/// A site that has nothing to run.
const AT_REST: [&str; 4] = ["cache=0", "web=0", "worker=0", "invoices=true"];

#[test]
#[ignore = "needs the lab and a quarter of an hour: cargo xtask test"]
fn a_region_fails_and_the_application_moves_and_comes_home() {
    let mut stand = Stand::set();
    assert_serves(&stand, "home");
    a_partition_moves_nothing_and_status_says_why(&stand);
    let died = a_dead_region_is_left_although_the_leader_dies_after_the_promotion(&mut stand);
    let stale = Stale::remember(&stand);
    home_that_comes_back_is_fenced_and_nothing_moves_by_itself(&stand);
    the_failback_leaves_an_armed_group_and_two_renamed_instances(&stand, died);
    whoever_acts_with_a_stale_claim_is_refused_everywhere(&stand, &stale);
}

#[test]
#[ignore = "needs the lab and a quarter of an hour: cargo xtask test"]
fn a_switchover_and_its_failback() {
    let stand = Stand::set();
    assert_serves(&stand, "home");
    a_switchover_and_its_failback_lose_no_order(&stand);
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn a_failover_by_hand() {
    let mut stand = Stand::set();
    assert_serves(&stand, "home");
    a_failover_by_hand_is_taken_over_by_the_controller(&mut stand);
}

// === The steps, as the issue numbers them ===

/// Step 6: Bowline cannot reach home, which serves its users.
fn a_partition_moves_nothing_and_status_says_why(stand: &Stand) {
    stand.lab.partition("home").unwrap();
    wait_for("the status says why nothing moves", 60, || {
        let decision = stand.decision();
        (decision.contains("Route 53's checkers reach the site"), decision)
    });
    // Longer than the policy's `confirm`.
    let until = Instant::now() + Duration::from_secs(25);
    while Instant::now() < until {
        assert_eq!(stand.order().as_deref(), Ok("home"), "users are served all the time");
        assert_eq!(stand.runs().len(), 0, "{}", stand.headline());
    }
    stand.lab.heal("home").unwrap();
    wait_for("every signal is up again", 60, || {
        let home = &stand.status()["published"]["status"]["sites"][0];
        let signals = home["signals"].as_array().cloned().unwrap_or_default();
        let up = signals.iter().filter(|signal| signal["sign"] == "up").count();
        (home["serving"] == "yes" && up == 4, home.to_string())
    });
    assert_eq!(stand.standby_nodes(), [""; 0], "no node was started for it");
    stand.has_evidence();
}

/// 1 to 3. Home dies as a whole, and the leader with it, right after it sent the promotion; then a
/// replica of its name comes back. Gives when home died.
fn a_dead_region_is_left_although_the_leader_dies_after_the_promotion(stand: &mut Stand) -> i64 {
    stand.lab.freeze("home").unwrap();
    let died = wall();
    wait_for("the promotion", 240, || (!stand.promotions().is_empty(), stand.headline()));
    assert!(!stand.standby_nodes().is_empty(), "nodes were started before");
    let killed = stand.kill_leader();

    stand.serves_at_standby();
    stand.start_replica(&killed);
    stand.run_ended_once();
    let leaders = stand.leaders();
    assert!(leaders.len() == 1 && leaders[0] != killed, "{killed} follows; {leaders:?} leads");
    died
}

/// Step 4: Home is thawed: what is there is stopped first, and only asked about.
fn home_that_comes_back_is_fenced_and_nothing_moves_by_itself(stand: &Stand) {
    stand.lab.thaw("home").unwrap();
    wait_for("home's workloads are at 0", 60, || {
        let wanted = stand.wanted("home");
        (wanted == AT_REST, format!("{wanted:?}; {}", stand.headline()))
    });
    assert_eq!(stand.runs().len(), 1, "nothing is begun before that");
    wait_for("the fence is confirmed and nothing is left to do", 120, || {
        (stand.status()["run"].is_null(), stand.headline())
    });
    wait_for("Bowline asks about the failback", 180, || {
        let status = stand.status();
        let asks = status["run"]["asks"][0]["step"] == "approval";
        (asks && status["next"].to_string().contains("bowline approve shop"), stand.headline())
    });
    assert_serves(stand, "standby");
    assert_eq!(stand.wanted("home"), AT_REST_BUT_CACHE, "nothing moves by itself");
}

/// Step 4: The way home, to the end.
fn the_failback_leaves_an_armed_group_and_two_renamed_instances(stand: &Stand, died: i64) {
    let began = wall();
    let approve = ["approve", "shop", "--detach"];
    let told = stand.bowline("approver", &approve, COMMAND);
    assert_eq!(told.status.code(), Some(4), "{}{}", told.stdout, told.stderr);
    at_home_again(stand);
    let left = stand.status()["leftovers"].to_string();
    assert!(left.contains("shop-home-old") && left.contains("shop-standby-old"), "{left}");
    assert_eq!(stand.promotions_that_took_effect(), 2);
    let lost = stand.lost_since(died + 1_000);
    assert!(lost.is_empty(), "acknowledged after the failover and lost: {lost:?}");
    println!("the failback took {:.0} s", (wall() - began) as f64 / 1e3);
}

/// Step 3: Somebody who still believes what was so before the failback.
fn whoever_acts_with_a_stale_claim_is_refused_everywhere(stand: &Stand, stale: &Stale) {
    let before = stale.world();
    stale.is_refused_by_the_store();
    stale.is_refused_by_route_53();
    stale.is_refused_by_kubernetes();
    assert_eq!(before, stale.world(), "nothing was changed");
    assert_serves(stand, "home");
}

/// Step 6: A switchover to standby and, later, the failback.
fn a_switchover_and_its_failback_lose_no_order(stand: &Stand) {
    let began = wall();
    stand.begin(&["switchover", "shop"]);
    wait_for("standby serves, and nothing is left to do", 600, || {
        let status = stand.status();
        (status["active"] == "standby" && status["run"].is_null(), stand.headline())
    });
    assert_serves(stand, "standby");
    stand.begin(&["failback", "shop"]);
    at_home_again(stand);
    assert_eq!(stand.lost_since(began), [""; 0], "acknowledged and lost");
}

/// 5. Nobody controls, home dies, somebody acts over a copy of the store; the controller is back.
fn a_failover_by_hand_is_taken_over_by_the_controller(stand: &mut Stand) {
    stand.stop_replicas();
    let copy = format!("dir:{}", stand.lab.folder().join("copy").display());
    let told = stand.bowline("operator", &["export", "--to", &copy], COMMAND);
    assert!(told.status.success(), "{}", told.stderr);
    stand.lab.freeze("home").unwrap();
    let told = stand.fail_over_by_hand(&copy);
    assert!(told.status.success(), "{}{}", told.stdout, told.stderr);
    assert_serves(stand, "standby");

    ["one", "two"].into_iter().for_each(|name| stand.start_replica(name));
    wait_for("the controller holds for the foreign claim", 120, || {
        let decision = stand.decision();
        (decision.contains("somebody else's claim stands"), decision)
    });
    let import = ["journal", "import", "shop", "--from", &copy];
    let told = stand.bowline("operator", &import, COMMAND);
    assert!(told.status.success(), "{}{}", told.stdout, told.stderr);
    assert_eq!(stand.status()["active"], "standby", "it goes on from there");
    home_that_comes_back_is_stopped(stand);
}

// === What several steps look for ===

fn home_that_comes_back_is_stopped(stand: &Stand) {
    stand.lab.thaw("home").unwrap();
    wait_for("home is stopped, and nothing is left to do", 180, || {
        let there = stand.wanted("home") == AT_REST && stand.status()["run"].is_null();
        (there, stand.headline())
    });
    assert_serves(stand, "standby");
}

fn at_home_again(stand: &Stand) {
    wait_for("home serves, and nothing is left to do", 500, || {
        let status = stand.status();
        (status["active"] == "home" && status["run"].is_null(), stand.headline())
    });
    assert_serves(stand, "home");
    let status = stand.status();
    assert_eq!(status["armed"], true, "{status}");
    assert_eq!(status["holds"].as_array().map(Vec::len), Some(0), "{status}");
    assert_eq!(stand.wanted("home"), AT_HOME);
    assert_eq!(stand.wanted("standby"), AT_REST);
    assert_eq!((stand.pods("standby"), stand.standby_nodes()), (vec![], vec![]));
    assert_eq!(stand.standby_limit(), ["0"], "the NodePool is parked");
}

fn assert_serves(stand: &Stand, site: &str) {
    assert_eq!(stand.answer(), [IpAddr::from(stand.balancer(site))], "{}", stand.headline());
    assert_eq!(stand.order().as_deref(), Ok(site), "{}", stand.headline());
}
