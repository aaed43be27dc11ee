//! The pure crates: names they must not use, and packages they must not depend on.

use std::fs;

use crate::paths::{Named, paths};
use crate::source::{Finding, Source, root};

/// Packages that a crate may depend on, development included. What is not listed is refused:
/// adding a line here is a decision that a reviewer sees.
const ALLOWED: &[(&str, &[&str])] = &[
    (
        "core",
        &[
            "serde",
            "serde_json",
            "indexmap",
            "rustc-hash",
            "thiserror",
            "sha2",
            "hex",
            "jiff",
            "schemars",
            "serde-saphyr",
            "garde",
            "croner",
            "proptest",
            "insta",
        ],
    ),
    (
        "sim",
        &[
            "bowline-core",
            "serde",
            "serde_json",
            "indexmap",
            "thiserror",
            "jiff",
            "fastrand",
            "proptest",
            "insta",
        ],
    ),
    // What is checked is what ships: the models know core and the checker, and nothing else.
    ("model", &["bowline-core", "stateright"]),
];

/// Packages no other crate of the workspace may depend on, and who is meant: the direction
/// `core` ← `sim` ← `bowline`, with `lab` and `xtask` beside them.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("lab", &["bowline", "bowline-doubles", "xtask"]),
    ("lab/doubles", &["bowline", "xtask"]),
    ("xtask", &["bowline"]),
    (".", &["bowline-doubles", "bowline-model", "xtask"]),
];

/// Crates whose names must not stand in a pure crate, were they dependencies or not.
const CRATES: &[&str] = &["tokio", "kube", "k8s_openapi", "hyper", "reqwest", "rand", "chrono"];

/// Beginnings of paths that do I/O, tell the time or start threads.
const BEGINNINGS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "std::os",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "core::time::Instant",
];

/// Addresses are plain data, though they live among what does I/O.
const PLAIN: &[&str] =
    &["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr", "std::net::SocketAddr"];

/// Ends of paths that tell the time or draw on chance.
const ENDS: &[&str] = &[
    "time::Instant",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Utc::now",
    "Local::now",
    "TimeZone::system",
    "Rng::new",
];

/// Words that mean the time, chance, or an order that differs from run to run.
const WORDS: &[&str] = &[
    "SystemTime",
    "HashMap",
    "HashSet",
    "RandomState",
    "thread_rng",
    "from_entropy",
    "OsRng",
    "getrandom",
    "thread_local",
];

/// Which deliberate bug is there differs by thread; what ships has none.
const CHOICE: (&str, &str) = ("core/src/bugs.rs", "thread_local");

/// Macros that write to the process's own streams.
const MACROS: &[&str] = &["println", "eprintln", "print", "eprint", "dbg"];

/// The banned names that the production code of `source`, a file of a pure crate, uses.
pub(crate) fn banned_names(source: &Source) -> Vec<Finding> {
    let own = own_modules(source);
    let named = paths(source);
    named.iter().filter_map(|n| Some(report(source, n, banned(n, &source.path, &own)?))).collect()
}

fn report(source: &Source, named: &Named, why: &str) -> Finding {
    let text = named.text();
    source.finding(named.line, format!("`{text}` {why}; make it an Op, or take it as an argument"))
}

/// Why `named` is banned in the file at `path`.
fn banned(named: &Named, path: &str, own: &[String]) -> Option<&'static str> {
    let text = named.text();
    let first = named.path.first().map_or("", String::as_str);
    let outside = named.path.len() > 1 && !own.iter().any(|m| m == first);
    let has = |words: &[&str]| named.path.iter().any(|p| words.contains(&p.as_str()));
    if path.starts_with("core/") && has(&["bowline_sim"]) {
        return Some("is the simulator: core must not know it");
    }
    if outside && (CRATES.contains(&first) || first.starts_with("aws_")) {
        return Some("is of a crate that belongs to the edges");
    }
    if path == CHOICE.0 && has(&[CHOICE.1]) {
        return None;
    }
    let begins = |name: &&str| text == **name || text.starts_with(&format!("{name}::"));
    if BEGINNINGS.iter().any(begins) && !PLAIN.iter().any(begins) {
        return Some("reaches outside the process");
    }
    if ENDS.iter().any(|e| text == *e || text.ends_with(&format!("::{e}"))) || has(WORDS) {
        return Some("differs from run to run");
    }
    if first == "fastrand" && free_function(named) {
        return Some("draws on chance without a seed");
    }
    (named.is_macro && has(MACROS)).then_some("writes to the terminal")
}

fn free_function(named: &Named) -> bool {
    named.path.get(1).is_some_and(|p| p.starts_with(|c: char| c.is_lowercase()) && p != "self")
}

/// The modules a file declares: `kube::x` is ours where `mod kube` stands.
fn own_modules(source: &Source) -> Vec<String> {
    let text = source.production();
    let words: Vec<&str> = crate::source::words(&text).collect();
    words.windows(2).filter(|w| w[0] == "mod").map(|w| w[1].to_owned()).collect()
}

/// What a crate's manifest depends on and must not.
pub(crate) fn bad_dependencies(folder: &str, manifest: &str) -> Vec<Finding> {
    let place = |line: usize| format!("{folder}/Cargo.toml:{}", line + 1);
    let allowed = ALLOWED.iter().find(|a| a.0 == folder).map(|a| a.1);
    let forbidden = FORBIDDEN.iter().find(|a| a.0 == folder).map_or(&[][..], |a| a.1);
    let bad = |name: &str| allowed.is_some_and(|a| !a.contains(&name)) || forbidden.contains(&name);
    let found = dependencies(manifest).into_iter().filter(|(name, _)| bad(name));
    found
        .map(|(name, line)| Finding {
            place: place(line),
            text: format!("`{folder}` must not depend on `{name}`; see tests/tidy/purity.rs"),
        })
        .collect()
}

/// The packages a manifest names in its dependency tables, with their lines.
fn dependencies(manifest: &str) -> Vec<(String, usize)> {
    let (mut inside, mut found) = (false, Vec::new());
    for (line, text) in manifest.lines().map(str::trim).enumerate() {
        if let Some(table) = text.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            inside = table.ends_with("dependencies") && !table.starts_with("workspace");
            if let Some((_, name)) = table.split_once("dependencies.") {
                found.push((name.to_owned(), line));
            }
        } else if inside && !text.is_empty() && !text.starts_with('#') {
            let name = text.split(['=', '.', ' ']).next().unwrap_or(text);
            found.push((renamed(text).unwrap_or(name).trim_matches('"').to_owned(), line));
        }
    }
    found
}

/// The real package where a dependency is renamed: `x = { package = "y" }`.
fn renamed(text: &str) -> Option<&str> {
    text.split_once("package")?.1.split('"').nth(1)
}

/// The manifests' findings for the whole workspace.
pub(crate) fn workspace_dependencies() -> Vec<Finding> {
    ["core", "sim", "model", "lab", "lab/doubles", "xtask", "."]
        .iter()
        .flat_map(|folder| {
            let path = root().join(folder).join("Cargo.toml");
            let text =
                fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            bad_dependencies(folder, &text)
        })
        .collect()
}

#[cfg(test)]
fn findings(path: &str, text: &str) -> usize {
    banned_names(&Source::new(path, text)).len()
}

#[test]
fn each_banned_name_is_found() {
    let bad = [
        "use tokio::time;",
        "use kube::Api;",
        "let x = aws_sdk_rds::Client::new();",
        "Instant::now();",
        "use std::time::{Duration, Instant};",
        "SystemTime::UNIX_EPOCH;",
        "use std::{fs, io};",
        "std::net::TcpStream::connect(a);",
        "std::env::var(a);",
        "std::thread::sleep(a);",
        "let m: HashMap<A, B>;",
        "use std::collections::HashSet;",
        "rand::thread_rng();",
        "SmallRng::from_entropy();",
        "println!();",
        "eprintln!();",
        "fastrand::u64(..);",
        "Rng::new();",
        "jiff::Timestamp::now();",
        "use std::net::*;",
        "thread_local! {}",
    ];
    for text in bad {
        assert_eq!(findings("sim/src/a.rs", text), 1, "{text}");
    }
    assert_eq!(findings("core/src/a.rs", "use bowline_sim::World;"), 1);
}

#[test]
fn innocent_names_pass() {
    let good = [
        "// tokio::spawn, HashMap\nlet a = \"std::fs\";",
        "mod kube; use kube::World;",
        "use indexmap::IndexMap;",
        "use std::net::IpAddr;",
        "std::time::Duration::ZERO;",
        "world.kube.pods;",
        "fastrand::Rng::with_seed(1);",
        "let now = clock.now();",
        "write!(f, a);",
        "#[cfg(test)]\nmod tests { use std::collections::HashMap; }",
    ];
    for text in good {
        assert_eq!(findings("sim/src/a.rs", text), 0, "{text}");
    }
    assert_eq!(findings("sim/src/a.rs", "use bowline_core::model;"), 0);
}

#[test]
fn dependencies_are_judged_by_package_and_crate() {
    let bad = "[dependencies]\nserde.workspace = true\ntokio = \"1\"\n[dev-dependencies]\n\
               x = { package = \"kube\", version = \"5\" }\n[dependencies.bowline-sim]\n\
               path = \"\"\n[features]\nno = []\n";
    let lines: Vec<_> = bad_dependencies("core", bad).into_iter().map(|f| f.place).collect();
    let expected = ["core/Cargo.toml:3", "core/Cargo.toml:5", "core/Cargo.toml:6"];
    assert_eq!(lines, expected);
    assert_eq!(bad_dependencies("lab", "[dependencies]\nbowline = \"1\"\ntokio = \"1\"").len(), 1);
}
