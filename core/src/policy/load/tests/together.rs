//! The promise of the loader: whatever is wrong at once is told at once, and nothing besides.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A slip, and what must be told of it. Slips change different texts.
struct Slip {
    old: &'static str,
    new: &'static str,
    code: Code,
    path: &'static str,
}

/// The shop, with automatic failover, and without a write that would follow `verify.url`. The
/// outside check forgets soon, so that a short confirm time is one slip and not two.
fn shop() -> String {
    let text = SHOP.replace("failover: approve", "failover: automatic");
    let text =
        text.replace("every: 15s, down: {of: 3, need: 2}", "every: 8s, down: {of: 3, need: 2}");
    let text =
        text.replace("every: 10s, down: {of: 5, need: 3}", "every: 18s, down: {of: 5, need: 3}");
    let lines = text.lines().filter(|line| !line.contains("writeProbe"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Declares slips: old text, new text, code, path.
macro_rules! slips {
    ($($old:literal => $new:literal, $code:ident at $path:literal;)*) => {
        &[$(Slip { old: $old, new: $new, code: Code::$code, path: $path },)*]
    };
}

/// At least one slip of every kind that leaves a document to be judged.
const SLIPS: &[Slip] = slips! {
    "stableFor: 10m" => "stableFr: 10m", UnknownField at "spec.health.stableFr";
    "coolDown: 15m" => "coolDown: 15", WrongType at "spec.coolDown";
    "    for: 60s" => "    for: a while", BadText at "spec.verify.for";
    "rdsInstance: shop-home" => "rdsInstance: Shop",
        BadText at "spec.sites.home.database.rdsInstance";
    "minimumReadyPercent: 90" => "minimumReadyPercent: 0",
        OutOfRange at "spec.capacity.minimumReadyPercent";
    "rdsInstance: shop-standby, " => "",
        Missing at "spec.sites.standby.database.rdsInstance";
    "{eks: shop-home}" => "{eks: a, context: b}", OneOf at "spec.sites.home.cluster";
    "name: cache" => "name: web", Duplicate at "spec.capacity.workloads[1].name";
    "prewarm: automatic" => "# prewarm", Undecided at "spec.automation.prewarm";
    "{maxLag: 30s, " => "{", Undecided at "spec.databases[0].rdsReadReplica.maxLag";
    "sg-0bbbbbbbbbbbbbbbb" => "sg-0aaaaaaaaaaaaaaaa",
        SameSite at "spec.sites.standby.database.closedSecurityGroup";
    "loadBalancer: web}\n\n" => "loadBalancer: api}\n\n",
        NoLoadBalancer at "spec.traffic.records.names[1].loadBalancer";
    "quorum: 2" => "quorum: 9", Quorum at "spec.health.quorum";
    "route53Check: {home: 11111111-2222-3333-4444-555555555555, standby: 66666666-7777" =>
        "writeProbe: {loadBalancer: web, host: shop.example.com, path: /66666666-7777",
        NoOutsideVantage at "spec.automation.failover";
    "lagFresh: 3m" => "lagFresh: 1m", LagFresh at "spec.databases[0].rdsReadReplica.lagFresh";
    "down: {of: 5, need: 4}" => "down: {of: 5, need: 6}",
        Window at "spec.health.signals[3].down";
    "  - {webhook: " => "  # {webhook: ", NobodyTold at "spec.notify";
    "name: invoices" => "name: invoices, start: early",
        Workload at "spec.capacity.workloads[3].start";
    "database: {rdsInstance: shop-h" => "# database: {rdsInstance: shop-h",
        Database at "spec.sites.home.database";
    "url: https://shop.example.com/" => "url: https://a.b.example/", Verify at "spec.verify.url";
    "Europe/Berlin" => "Europe/Bonn",
        BlockedWindow at "spec.automation.blockedWindows[0].timeZone";
    "confirm: 60s" => "confirm: 45s", ShortConfirm at "spec.health.confirm";
    "timeout: 3s" => "timeout: 8s", Times at "spec.health.signals[1].http.timeout";
    "- {kind: Deployment, namespace: shop, name: worker" =>
        "- {kind: StatefulSet, namespace: shop, name: worker",
        StatefulSet at "spec.capacity.workloads[2].kind";
    "every: 8s" => "every: 26s", OldNews at "spec.health.signals[2].down";
};

/// Without an outside check, a quorum and windows nobody can say how long a *down* lasts.
const BEFORE_OLD_NEWS: [Code; 3] = [Code::NoOutsideVantage, Code::Quorum, Code::Window];

/// Makes the chosen slips; one whose text another has changed is left out.
fn make(chosen: &[bool]) -> (String, BTreeSet<(Code, &'static str)>) {
    let mut text = shop();
    let mut expected = BTreeSet::new();
    for (slip, _) in SLIPS.iter().zip(chosen).filter(|(_, chosen)| **chosen) {
        // A member that is left out has no security group to be equal.
        let hides: &[Code] = match slip.code {
            Code::Database => &[Code::SameSite],
            Code::OldNews => &BEFORE_OLD_NEWS,
            _ => &[],
        };
        let hidden = expected.iter().any(|(code, _)| hides.contains(code));
        if !hidden && text.matches(slip.old).count() == 1 {
            text = text.replace(slip.old, slip.new);
            expected.insert((slip.code, slip.path));
        }
    }
    (text, expected)
}

/// What is told, as codes and paths.
fn told(text: &str) -> Vec<(Code, String)> {
    let problems = match load("shop.yaml", text) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    problems.list.into_iter().map(|problem| (problem.code, problem.path)).collect()
}

#[test]
fn there_is_a_slip_of_every_kind() {
    let missed: Vec<Code> = Code::ALL
        .iter()
        .copied()
        .filter(|code| SLIPS.iter().all(|slip| slip.code != *code))
        .collect();
    // The first two leave nothing to be judged, the last needs two groups; `tests.rs` has them.
    assert_eq!(missed, [Code::Syntax, Code::NotAGroup, Code::Shared]);
}

#[test]
fn every_slip_alone_is_told_alone() {
    assert_eq!(told(&shop()), []);
    for (index, slip) in SLIPS.iter().enumerate() {
        let chosen: Vec<bool> = (0..SLIPS.len()).map(|other| other == index).collect();
        let (text, _) = make(&chosen);
        assert_ne!(text, shop(), "{:?} is there once", slip.old);
        assert_eq!(
            told(&text),
            [(slip.code, slip.path.to_owned())],
            "{} -> {}",
            slip.old,
            slip.new
        );
    }
}

#[test]
fn all_slips_together_are_all_told() {
    let (text, expected) = make(&vec![true; SLIPS.len()]);
    assert!(expected.len() >= SLIPS.len() - 3, "{}", expected.len());
    let told: BTreeSet<(Code, String)> = told(&text).into_iter().collect();
    assert_eq!(told.len(), expected.len(), "{told:?}");
}

proptest! {
    #[test]
    fn whatever_is_wrong_at_once_is_told_at_once(
        chosen in prop::collection::vec(any::<bool>(), SLIPS.len())
    ) {
        let (text, expected) = make(&chosen);
        let told = told(&text);
        let told: BTreeSet<(Code, &str)> =
            told.iter().map(|(code, path)| (*code, path.as_str())).collect();
        prop_assert_eq!(told, expected, "{}", text);
    }
}
