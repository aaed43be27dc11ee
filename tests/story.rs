//! The story of issue 3, part C3, with real parts: two replicas of `bowline run` against real API
//! servers, a real Karpenter, emulated AWS and real DNS packets. Ignored by a plain `cargo test`;
//! `cargo xtask test` runs it.
#![allow(clippy::unwrap_used)]

#[path = "story/stand.rs"]
mod stand;

use std::net::IpAddr;

use stand::{Stand, wait_for};

/// Steps 1 and 2: home dies as a whole, and the leader with it, right after it sent the promotion.
#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn a_dead_region_is_left_although_the_leader_dies_after_the_promotion() {
    let mut stand = Stand::set();
    let (home, standby) = (stand.balancer("home"), stand.balancer("standby"));
    assert_eq!(stand.answer(), [IpAddr::from(home)]);
    assert_eq!(stand.standby_nodes(), [""; 0], "no Karpenter node at standby in peace");

    stand.lab.freeze("home").unwrap();
    wait_for("the promotion", 240, || {
        let sent = stand.promotions();
        (!sent.is_empty(), stand.headline())
    });
    assert!(!stand.standby_nodes().is_empty(), "nodes were started before");
    stand.kill_leader();

    wait_for("the answer that leads to standby", 300, || {
        let seen = stand.answer();
        (seen == [IpAddr::from(standby)], stand.headline())
    });
    wait_for("an order that standby acknowledges", 60, || {
        let order = stand.order();
        (order.as_deref() == Ok("standby"), format!("{order:?}"))
    });
    wait_for("the run's end", 180, || {
        let status = stand.status();
        (
            status["active"] == "standby"
                && status["run"]["phase"] == "moved; obligations are left",
            stand.headline(),
        )
    });
    let took_effect = stand.promotions().into_iter().filter(|call| call["effect"] == true);
    assert_eq!(took_effect.count(), 1, "{:?}", stand.promotions());
    assert_eq!(stand.runs().len(), 1, "one run, finished by the other replica");
}
