//! A failover in which the first call of each kind to AWS, to the store and to the sites' clusters
//! meets a trouble on the wire: what the run does with it, and that it ends as ever.

use std::collections::BTreeMap;

use serde_json::Value;

use super::stand::Stand;
use super::trouble::Trouble;

/// Which troubles are played: their names, with commas, or `all`.
const TROUBLES: &str = "BOWLINE_STORY_TROUBLES";

/// Those that are played when nobody says which: one of each that is known to have done nothing,
/// and of which nobody knows.
const SOME: [Trouble; 2] = [Trouble::ResetAfter, Trouble::Denied];

/// How long the application may take to serve again, in seconds. A promotion of which nobody knows
/// whether it arrived is asked for once more when it can arrive no more: after six minutes.
const LIMIT: u64 = 800;

/// What a failover cannot do without: of AWS, of the store, and of standby's cluster.
const NEEDED: [&str; 14] = [
    "PromoteReadReplica",
    "DescribeDBInstances",
    "GET change",
    "GET healthcheck status",
    "GET hostedzone rrset",
    "POST hostedzone rrset",
    "management GET apis namespaces bowline failoverrecords",
    "management POST apis namespaces bowline failoverrecords",
    "management PUT apis namespaces bowline leases bowline",
    "standby GET readyz",
    "standby POST api namespaces bowline configmaps",
    "standby PATCH apis nodepools dr spec",
    "standby PUT apis apps namespaces shop deployments web scale",
    "standby PATCH apis batch namespaces shop cronjobs invoices spec",
];

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn s6_a_failover_ends_the_same_whatever_the_wire_does() {
    for trouble in troubles() {
        let stand = Stand::set_spoilt(trouble);
        stand.has_evidence();
        stand.spoiler.as_ref().unwrap().begin();
        stand.lab.freeze("home").unwrap();
        stand.serves_at_standby_within(LIMIT);
        stand.run_ended_once();
        let met = stand.spoiler.as_ref().unwrap().met();
        let missed: Vec<_> = NEEDED.iter().filter(|kind| !met.contains(**kind)).collect();
        assert!(missed.is_empty(), "nothing went wrong with {missed:?}; with {met:?}");
        println!("{trouble:?} met the first of each: {}", Vec::from_iter(met).join(", "));
        for (step, attempts) in attempts(&stand.journal()).iter().filter(|(_, n)| **n > 1) {
            println!("{trouble:?}: {step} was called {attempts} times");
        }
    }
}

fn troubles() -> Vec<Trouble> {
    let Ok(text) = std::env::var(TROUBLES) else { return SOME.to_vec() };
    let named = |name: &str| {
        let mut all = Trouble::ALL.into_iter();
        let found = all.find(|trouble| format!("{trouble:?}") == name);
        found.unwrap_or_else(|| panic!("{TROUBLES}: `{name}` is none of {:?}", Trouble::ALL))
    };
    if text == "all" { Trouble::ALL.to_vec() } else { text.split(',').map(named).collect() }
}

/// How often each step's call was recorded.
fn attempts(journal: &[Value]) -> BTreeMap<String, u64> {
    let mut attempts = BTreeMap::new();
    for record in journal.iter().flat_map(|entry| entry["records"].as_array().unwrap()) {
        let Some(started) = record.get("started") else { continue };
        let step = started["step"].as_str().unwrap().to_owned();
        let most: &mut u64 = attempts.entry(step).or_default();
        *most = started["attempt"].as_u64().unwrap().max(*most);
    }
    attempts
}
