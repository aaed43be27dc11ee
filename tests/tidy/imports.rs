//! The direction of imports between the modules of `core`.

use crate::paths::paths;
use crate::source::{Finding, Source};

/// For each module of `core`, lowest first, the modules it may name beside itself.
///
/// A module may be split (say `plan::order` lower than the rest of `plan`); the longest name that
/// fits a file counts. An entry names only entries above it, so the table has
/// no cycles. Edit it when the shape changes, and say why in the commit.
const MODULES: &[(&str, &[&str])] = &[
    ("bugs", &[]),
    ("model", &[]),
    ("op", &["model"]),
    ("policy", &["model", "op"]),
    ("lease", &["bugs", "model", "op"]),
    ("health", &["bugs", "model", "op", "policy"]),
    ("step", &["model", "op", "policy"]),
    ("levers", &["bugs", "model", "op", "policy", "step"]),
    ("databases", &["bugs", "model", "op", "policy", "step"]),
    ("capacity", &["bugs", "model", "op", "policy", "step"]),
    ("plan", &["bugs", "model", "op", "policy", "step", "levers", "databases", "capacity"]),
    ("run", &["bugs", "model", "op", "policy", "step", "databases", "plan"]),
    ("decide", &["bugs", "model", "op", "policy", "health", "databases"]),
    (
        "node",
        &[
            "bugs",
            "model",
            "op",
            "policy",
            "lease",
            "health",
            "step",
            "levers",
            "databases",
            "capacity",
            "plan",
            "run",
            "decide",
        ],
    ),
];

/// The imports of `source`, a file of `core`, that go against the table.
pub(crate) fn wrong_imports(source: &Source) -> Vec<Finding> {
    let Some(home) = module_of(&source.path).filter(|_| !source.is_test()) else {
        return Vec::new();
    };
    let Some((own, allowed)) = entry(&home) else {
        let text = format!("module `{}` is not in tests/tidy/imports.rs: add it", home.join("::"));
        return vec![source.finding(0, text)];
    };
    let mut found = Vec::new();
    for named in paths(source) {
        let Some(target) = resolve(&named.path, &home) else { continue };
        let Some((target, _)) = entry(&target) else { continue };
        if target != own && !allowed.contains(&target) && !inside(own, target) {
            let text = format!(
                "`{}`: `{own}` must not use `{target}`; move the type down, or change the table \
                 in tests/tidy/imports.rs",
                named.text()
            );
            found.push(source.finding(named.line, text));
        }
    }
    found
}

/// Whether `part` is a part of the module `whole` (`plan::order` of `plan`).
fn inside(whole: &str, part: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.starts_with("::"))
}

/// The module path of a file of `core`; `None` for the crate's root.
fn module_of(path: &str) -> Option<Vec<String>> {
    let inner = path.strip_prefix("core/src/")?.strip_suffix(".rs")?;
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    (inner != "lib").then(|| inner.split('/').map(str::to_owned).collect())
}

/// The table's entry for a module path: the longest name that begins it.
fn entry(path: &[String]) -> Option<(&'static str, &'static [&'static str])> {
    let begins = |name: &str| {
        let parts: Vec<&str> = name.split("::").collect();
        path.len() >= parts.len() && parts.iter().zip(path).all(|(a, b)| a == b)
    };
    MODULES.iter().filter(|m| begins(m.0)).max_by_key(|m| m.0.len()).copied()
}

/// A path's segments from the crate's root, if it begins with `crate` or leads there by `super`.
fn resolve(path: &[String], home: &[String]) -> Option<Vec<String>> {
    if path.first()? == "crate" {
        return Some(path[1..].to_vec());
    }
    let ups = path.iter().take_while(|p| *p == "super").count();
    let kept = home.len().checked_sub(ups).filter(|_| ups > 0)?;
    Some(home[..kept].iter().chain(&path[ups..]).cloned().collect())
}

#[cfg(test)]
fn count(path: &str, text: &str) -> usize {
    wrong_imports(&Source::new(path, text)).len()
}

#[test]
fn imports_against_the_direction_are_found() {
    assert_eq!(count("core/src/model/ids.rs", "use crate::op::Op;"), 1);
    assert_eq!(count("core/src/lease.rs", "use crate::{model::A, run::{B, C}};"), 2);
    assert_eq!(count("core/src/run/step.rs", "type X = super::super::node::Y;"), 1);
    assert_eq!(count("core/src/levers/records.rs", "use crate::plan::build::A;"), 1);
    assert_eq!(count("core/src/step/mod.rs", "use super::levers::A;"), 1);
    assert_eq!(count("core/src/surprise.rs", "fn a() {}"), 1);
}

#[test]
fn imports_along_the_direction_pass() {
    assert_eq!(count("core/src/lib.rs", "pub use crate::node::Node;"), 0);
    assert_eq!(count("core/src/op.rs", "use crate::model::A;"), 0);
    assert_eq!(count("core/src/levers/records.rs", "use crate::step::Step;"), 0);
    assert_eq!(count("core/src/plan/build.rs", "use super::{super::step::Step, lint};"), 0);
    assert_eq!(count("core/src/run/mod.rs", "use self::step::A; use super::model::B;"), 0);
    let tests = "#[cfg(test)]\nmod tests { use crate::node::Node; }";
    assert_eq!(count("core/src/run/mod.rs", tests), 0);
}

#[test]
fn the_table_has_no_cycles() {
    for (at, (name, allowed)) in MODULES.iter().enumerate() {
        for used in *allowed {
            let above = MODULES[..at].iter().any(|m| m.0 == *used);
            assert!(above, "`{name}` names `{used}`, which is not above it");
        }
    }
}
