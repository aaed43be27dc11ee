//! Checks that the code reads as it is meant to: names the pure crates must not use, the direction
//! of imports, and the limits of length, width, depth and carelessness.
//!
//! Production lines are lines of code outside tests: blank lines and comments do not count. Tests
//! are `#[cfg(test)]` modules, folders `tests/`, and files `tests.rs` or `*_tests.rs`.

#[path = "tidy/figures.rs"]
mod figures;
#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/lexer.rs"]
mod lexer;
#[path = "tidy/limits.rs"]
mod limits;
#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/purity.rs"]
mod purity;
#[path = "tidy/source.rs"]
mod source;

use source::{Finding, Source, read_all};

/// Whether too few test lines fail the build, or are only told.
const ENFORCE_TEST_RATIO: bool = false;

/// Folders with Rust code; each must keep the limits.
const FOLDERS: &[&str] = &["core", "sim", "model", "src", "lab", "xtask", "tests"];

/// Parts of the code with the least tests they need, in percent of their production lines. The
/// first is everything.
const TEST_RATIOS: &[(&str, usize)] = &[("", 100), ("core/src/lease", 150), ("core/src/run", 150)];

fn check(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(|f| format!("{}: {}", f.place, f.text)).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn pure_crates_use_no_banned_names() {
    check(
        &read_all(&["core/src", "sim/src"])
            .iter()
            .flat_map(purity::banned_names)
            .collect::<Vec<_>>(),
    );
}

#[test]
fn the_documentation_counts_as_the_code_does() {
    let text = std::fs::read_to_string("docs/proof.md").unwrap();
    check(&figures::deliberate_bugs(&text));
    let other = figures::deliberate_bugs(&text.replacen("| 14 |", "| 11 |", 1));
    assert!(other.len() == 1 && other[0].text.contains("\"S1\": 11"), "{other:?}");
    assert_eq!(figures::deliberate_bugs("").len(), 3);
    check(&figures::left_open(&text));
    assert_eq!(figures::left_open("a\n@@B, c").len(), 1);
}

#[test]
fn crates_depend_only_on_what_they_may() {
    check(&purity::workspace_dependencies());
}

#[test]
fn core_modules_import_in_one_direction() {
    check(&read_all(&["core/src"]).iter().flat_map(imports::wrong_imports).collect::<Vec<_>>());
}

#[test]
fn every_file_keeps_the_limits() {
    check(&read_all(FOLDERS).iter().flat_map(limits::file_findings).collect::<Vec<_>>());
}

#[test]
fn half_of_the_files_are_short() {
    let sources = read_all(FOLDERS);
    let mut files: Vec<(usize, &str)> =
        production(&sources).map(|s| (s.production_lines(), s.path.as_str())).collect();
    files.sort_unstable();
    let median = at_percent(&files, 50).0;
    println!(
        "production files: {}, median {median} lines, longest {:?}",
        files.len(),
        files.last()
    );
    assert!(
        median <= limits::FILE_MEDIAN,
        "the median production file has {median} lines, limit {}: split the longest: {:?}",
        limits::FILE_MEDIAN,
        files.iter().rev().take(5).collect::<Vec<_>>()
    );
}

#[test]
fn nine_functions_of_ten_are_short() {
    let sources = read_all(FOLDERS);
    let mut lengths: Vec<(usize, String)> = production(&sources)
        .flat_map(|s| {
            let place = |f: &functions::Function| format!("{}:{} {}", s.path, f.line + 1, f.name);
            functions::functions(s).iter().map(|f| (f.lines, place(f))).collect::<Vec<_>>()
        })
        .collect();
    lengths.sort_unstable();
    let p90 = at_percent(&lengths, 90).0;
    println!("functions: {}, 90 % have at most {p90} lines", lengths.len());
    let longest: Vec<_> = lengths.iter().rev().take(10).collect();
    println!("longest: {longest:#?}");
    let limit = limits::FUNCTION_P90;
    assert!(p90 <= limit, "90 % at most {p90} lines, limit {limit}: split {longest:#?}");
}

#[test]
fn unwraps_are_rare() {
    let sources = read_all(FOLDERS);
    let lines: usize = production(&sources).map(Source::production_lines).sum();
    let places: Vec<String> = production(&sources)
        .flat_map(|s| limits::unwraps(s).into_iter().map(|l| format!("{}:{}", s.path, l + 1)))
        .collect();
    let allowed = (lines * limits::UNWRAPS_PER_1000).div_ceil(1000);
    println!("unwrap and expect: {} in {lines} production lines, limit {allowed}", places.len());
    assert!(
        places.len() <= allowed,
        "{} unwrap and expect, limit {allowed} ({} in 1,000 production lines): return an error \
         in some of\n{}",
        places.len(),
        limits::UNWRAPS_PER_1000,
        places.join("\n")
    );
}

#[test]
fn there_are_enough_tests() {
    let sources = read_all(FOLDERS);
    let mut short = Vec::new();
    for (part, wanted) in TEST_RATIOS {
        let of_part = || sources.iter().filter(|s| s.path.starts_with(part));
        let production: usize = of_part().map(Source::production_lines).sum();
        let tests: usize = of_part().map(Source::test_lines).sum();
        let name = if part.is_empty() { "everything" } else { part };
        println!("{name}: {tests} test lines, {production} production lines, want {wanted} %");
        if tests * 100 < production * wanted {
            short.push(format!("{name}: {tests} test lines for {production}, limit {wanted} %"));
        }
    }
    for folder in FOLDERS {
        let of_folder = || sources.iter().filter(|s| s.path.starts_with(&format!("{folder}/")));
        let production: usize = of_folder().map(Source::production_lines).sum();
        let tests: usize = of_folder().map(Source::test_lines).sum();
        println!("  {folder}: {tests} test lines, {production} production lines");
    }
    assert!(!ENFORCE_TEST_RATIO || short.is_empty(), "{}: write tests", short.join("\n"));
}

/// The files that hold production code.
fn production(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|s| !s.is_test() && s.production_lines() > 0)
}

/// The least element of the sorted `list` that `percent` of the elements do not exceed.
fn at_percent<T>(list: &[T], percent: usize) -> &T {
    assert!(!list.is_empty(), "nothing to judge: are the folders right?");
    &list[(list.len() * percent).div_ceil(100).max(1) - 1]
}

#[test]
fn percentiles_are_the_nearest_rank() {
    let list: Vec<usize> = (1..=10).collect();
    assert_eq!((*at_percent(&list, 50), *at_percent(&list, 90)), (5, 9));
    assert_eq!(*at_percent(&[7], 50), 7);
}

#[test]
fn the_folders_are_found() {
    for folder in FOLDERS {
        assert!(!read_all(&[folder]).is_empty(), "no Rust file in {folder}");
    }
}
