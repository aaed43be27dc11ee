//! What Bowline stores or prints is read back as it was, whatever it says; and what is not its own
//! is refused without a panic.

use std::collections::BTreeMap;

use bowline_core::levers::records::{fence_set, read_fence};
use bowline_core::model::{
    Claim, Epoch, GroupName, HoldNote, Mono, NoteOwner, Now, RunId, Site, Span, Wall,
};
use bowline_core::op::{Answer, IntentObject, LeaseSpec, Op, Stored};
use bowline_core::plan::Facts;
use bowline_core::policy::schema::FailoverGroup;
use bowline_core::policy::{examples, load, load_object};
use bowline_core::run::{Intent, Record};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn again<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("it has a JSON form");
    serde_json::from_str(&text).expect("its own JSON is read back")
}

fn claims() -> impl Strategy<Value = Claim> {
    // Runs are named `GROUP-EPOCH-KIND`, and a group's name is a DNS label.
    (any::<u64>(), "[a-z][a-z0-9-]{0,20}", "\\PC{0,8}").prop_map(|(epoch, run, by)| {
        Claim::new(Epoch(epoch), RunId::new(run)).made_by(&by.as_str().into())
    })
}

fn spans() -> impl Strategy<Value = Span> {
    prop_oneof![0u64..100_000_000, any::<u64>().prop_map(|ms| ms >> 1)].prop_map(Span::millis)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_claim_reads_back_from_its_text_and_from_a_zones_fence_record(claim in claims()) {
        prop_assert_eq!(claim.to_string().parse::<Claim>().unwrap(), claim.clone());
        for site in Site::BOTH {
            let set = fence_set(&GroupName::new("shop"), &"example.com".into(), &claim, site);
            prop_assert_eq!(read_fence(&set), Some(claim.clone()));
        }
    }

    #[test]
    fn a_text_that_is_no_claim_is_refused(text in "\\PC{0,40}") {
        if let Ok(claim) = text.parse::<Claim>() {
            prop_assert!(text.contains("epoch=") && text.contains("run="), "{claim}");
        }
    }

    #[test]
    fn a_duration_reads_back_from_its_text(span in spans()) {
        prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        prop_assert_eq!(again(&span), span);
    }

    #[test]
    fn a_text_is_a_duration_or_refused(text in "[0-9a-z ]{0,24}|\\PC{0,12}") {
        if let Ok(span) = text.parse::<Span>() {
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
    }

    #[test]
    fn a_hold_note_reads_back(
        baseline in any::<u32>(),
        owners in prop::collection::btree_map("[a-z]{1,8}", (claims(), any::<u32>()), 0..4),
    ) {
        let owner = |(name, (claim, wants)): (String, _)| {
            (GroupName::new(name), NoteOwner { claim, wants })
        };
        let owners: BTreeMap<_, _> = owners.into_iter().map(owner).collect();
        let note = HoldNote { baseline, owners };
        prop_assert_eq!(again(&note), note);
    }

    #[test]
    fn a_lease_reads_back(
        holder in prop::option::of("\\PC{0,12}"), transitions in any::<u64>(), at in any::<i64>(),
        duration in spans(),
    ) {
        let holder = holder.map(|name| name.as_str().into());
        let lease = LeaseSpec { holder, duration, transitions, renewed: Wall(at) };
        prop_assert_eq!(again(&lease), lease);
    }

    #[test]
    fn arbitrary_json_is_read_or_refused_as_anything_that_is_stored(value in values(3)) {
        let text = value.to_string();
        drop(serde_json::from_str::<Intent>(&text));
        drop(serde_json::from_str::<Record>(&text));
        drop(serde_json::from_str::<Op>(&text));
        drop(serde_json::from_str::<Answer>(&text));
        drop(serde_json::from_str::<LeaseSpec>(&text));
        drop(serde_json::from_str::<HoldNote<u32>>(&text));
        drop(serde_json::from_str::<IntentObject>(&text));
        drop(serde_json::from_str::<Stored>(&text));
        if let Ok(facts) = serde_json::from_str::<Facts>(&text) {
            prop_assert_eq!(again(&facts), facts);
        }
        drop(load_object(&value));
    }
}

/// Any JSON value, with the names that Bowline uses among its keys.
fn values(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    let keys = [
        "spec", "metadata", "name", "want", "reason", "failover", "sites", "home", "epoch", "run",
        "claimed", "paused", "health", "signals", "holder", "baseline", "owners", "at", "bytes",
    ];
    leaf.prop_recursive(depth, 32, 6, move |inner| {
        let key =
            prop_oneof![prop::sample::select(keys.to_vec()).prop_map(str::to_owned), ".{0,5}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

// === policies ===

/// The shop with values of its own in some fields; some of them do not go together.
fn policies() -> impl Strategy<Value = Value> {
    let modes = || prop::sample::select(vec!["automatic", "approve", "manual", "observe"]);
    let time = || (1u64..10_000).prop_map(|secs| Span::secs(secs).to_string());
    (
        (modes(), modes(), prop::sample::select(vec!["automatic", "observe"])),
        (time(), time(), time()),
        (1u32..5, 1u32..12, 0u32..12, 0u32..12),
        ("[a-z][a-z0-9]{0,10}", any::<bool>(), prop::option::of(0u32..200)),
    )
        .prop_map(|(modes, times, (quorum, of, down, up), (name, proceed, count))| {
            let mut object = shop();
            object["metadata"]["name"] = json!(name);
            let spec = &mut object["spec"];
            spec["automation"]["failover"] = json!(modes.0);
            spec["automation"]["failback"] = json!(modes.1);
            spec["automation"]["prewarm"] = json!(modes.2);
            spec["health"]["confirm"] = json!(times.0);
            spec["health"]["stableFor"] = json!(times.1);
            spec["coolDown"] = json!(times.2);
            spec["health"]["quorum"] = json!(quorum);
            spec["health"]["signals"][0]["down"] = json!({"of": of, "need": down});
            spec["health"]["signals"][0]["up"] = json!({"of": of, "need": up});
            let word = if proceed { "proceed" } else { "ask" };
            spec["databases"][0]["fence"]["onUnknown"] = json!(word);
            if let Some(count) = count {
                spec["capacity"]["workloads"][1]["replicas"] = json!({"count": count});
            }
            object
        })
}

fn shop() -> Value {
    serde_saphyr::from_str(examples::SHOP).expect("the example is YAML")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// A policy says the same as a file, as an API server's object, and written back by Bowline.
    #[test]
    fn a_policy_that_is_taken_reads_back_as_the_same_policy(object in policies()) {
        let (file, served) = (load("x.yaml", &object.to_string()), load_object(&object));
        prop_assert_eq!(file.is_ok(), served.is_ok(), "{:?} {:?}", file, served);
        if let (Ok(file), Ok(served)) = (file, served) {
            prop_assert_eq!(&file.policies, &served.policies);
            let written: FailoverGroup = serde_json::from_value(object).unwrap();
            let printed = serde_json::to_value(&written).unwrap();
            prop_assert_eq!(&load_object(&printed).unwrap().policies, &served.policies);
            let twice: FailoverGroup = serde_json::from_value(printed.clone()).unwrap();
            prop_assert_eq!(serde_json::to_value(&twice).unwrap(), printed);
        }
    }

    /// What is taken can be used: no verdict, wake-up or decision of a node panics on it.
    #[test]
    fn a_policy_that_is_taken_can_be_run(object in policies()) {
        if let Ok(loaded) = load_object(&object) {
            use bowline_core::lease::LeaseTimes;
            use bowline_core::node::{Input, Node, NodeConfig};
            let config = NodeConfig { id: "a".into(), lease: LeaseTimes::default() };
            let (mut node, mut out) = (Node::new(config), Vec::new());
            let at = |ms| Now { mono: Mono(ms), wall: Wall(ms as i64) };
            node.handle(at(0), Input::Policies(loaded.policies), &mut out);
            for turn in 1..200u64 {
                let woken = node.wake_at().map_or(turn * 1_000, |mono| mono.0);
                node.handle(at(woken.max(turn)), Input::Wake, &mut out);
            }
            prop_assert!(!out.is_empty());
        }
    }
}
