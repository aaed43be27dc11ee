//! Compares what was decided with what a row says, and tells every difference with the file, the
//! line, the row and the field.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_saphyr::Spanned;

use super::play::{Played, play};
use super::reason::{names, not_ready, told};
use super::shape::{Bases, File, Row};

/// A file of the table, as read.
pub(crate) struct Topic {
    pub(super) path: String,
    pub(super) file: File,
}

/// Reads a file of rows.
///
/// # Errors
/// Where it is wrong, and why.
pub(super) fn read(path: &Path) -> Result<Topic, String> {
    let shown = shown(path);
    let text = std::fs::read_to_string(path).map_err(|e| format!("{shown}: {e}"))?;
    let file: File = serde_saphyr::from_str(&text).map_err(|e| format!("{shown}: {e}"))?;
    if file.topic.trim().is_empty() || file.rows.is_empty() {
        return Err(format!("{shown}: a file has a topic and rows"));
    }
    Ok(Topic { path: shown, file })
}

/// The path from the repository's root.
fn shown(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"));
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// What came of the whole table.
#[derive(Default)]
pub(crate) struct Verdict {
    /// What is wrong, each with its place.
    pub(crate) wrong: Vec<String>,
    /// Decisions with their reasons, and why sites were not ready, that rows came to.
    pub(crate) reached: BTreeSet<String>,
    /// How many rows each file has.
    pub(crate) rows: BTreeMap<String, usize>,
}

/// Plays all rows.
pub(super) fn check(bases: &Bases, topics: &[Topic]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for Topic { path, file } in topics {
        verdict.rows.insert(path.clone(), file.rows.len());
        for row in &file.rows {
            let place = format!("{path}:{}: row {:?}", row.referenced.line(), row.value.name);
            let row = &row.value;
            for (what, text) in [("name", row.name.clone()), ("situation", situation(row))] {
                if let Some(other) = seen.insert(format!("{what} {text}"), place.clone()) {
                    verdict.wrong.push(format!("{place}: its {what} is that of {other}"));
                }
            }
            match play(bases, row) {
                Err(error) => verdict.wrong.push(format!("{place}: {error}")),
                Ok(played) => {
                    let differences = differences(row, &played);
                    verdict.reached.extend(played.decision.iter().map(told));
                    let passive = played.status.sites.iter().flat_map(|site| &site.not_ready);
                    verdict.reached.extend(passive.filter_map(|words| not_ready(words)));
                    if !differences.is_empty() {
                        let why = row.why.iter().map(|why| format!("why it is so: {why}"));
                        let why: Vec<_> = why.collect();
                        let lines = [vec![place], differences, why, context(&played)].concat();
                        verdict.wrong.push(lines.join("\n    "));
                    }
                }
            }
        }
        verdict.wrong.extend(beside(path, &file.rows));
    }
    verdict
}

/// What `bowline status` and people's channels show of one row of every file.
pub(super) fn seen(bases: &Bases, topics: &[Topic]) -> String {
    let mut text = String::new();
    for Topic { path, file } in topics {
        let Some(row) = file.rows.last().map(|row| &row.value) else { continue };
        text += &format!("# {path}: {}\n", row.name);
        match play(bases, row) {
            Ok(played) => text += &shown_to_people(&played),
            Err(error) => text += &format!("{error}\n"),
        }
    }
    text
}

fn shown_to_people(played: &Played) -> String {
    let mut lines = Vec::new();
    let status = serde_json::to_value(&played.status).unwrap_or_default();
    let fields = status.as_object().into_iter().flatten();
    // Both hold the journal's hash, which any change of a record's form changes.
    for (key, value) in fields.filter(|(key, _)| !["hash", "report"].contains(&key.as_str())) {
        match value.as_array().filter(|_| key == "sites") {
            None => lines.push(format!("{key}: {value}")),
            Some(sites) => lines.extend(sites.iter().flat_map(site)),
        }
    }
    for notice in &played.told {
        lines.push(format!("told {}: {}", notice.kind, notice.title));
        lines.extend(notice.body.lines().map(|line| format!("  | {line}")));
    }
    lines.join("\n") + "\n"
}

fn site(site: &serde_json::Value) -> Vec<String> {
    let fields = site.as_object().into_iter().flatten();
    let (lists, plain): (Vec<_>, Vec<_>) = fields.partition(|(key, _)| *key == "signals");
    let plain = plain.into_iter().map(|(key, value)| format!("{key} {value}"));
    let mut lines = vec![format!("site: {}", plain.collect::<Vec<_>>().join(", "))];
    let signals = lists.into_iter().filter_map(|(_, list)| list.as_array()).flatten();
    lines.extend(signals.map(|signal| format!("  {signal}")));
    lines
}

/// What a row says of the world, without its name and what it expects.
fn situation(row: &Row) -> String {
    format!(
        "{:?}",
        (
            (&row.base, &row.policy, &row.past, row.no_facts, &row.then),
            (&row.others, &row.starts, &row.zero, row.at)
        )
    )
}

/// What is not as the row says.
fn differences(row: &Row, played: &Played) -> Vec<String> {
    let (decides, because) = played.decision.as_ref().map_or(("nothing", None), names);
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "(none)".into());
    let mut fields = vec![
        ("decides", row.decides.clone(), decides.to_owned()),
        ("because", or_none(&row.because), or_none(&because)),
        ("says", row.says.clone(), played.status.decision.clone()),
    ];
    if let Some(tells) = &row.tells {
        let last = played.told.last().map_or("nothing", |notice| &notice.title);
        fields.push(("tells", tells.clone(), last.to_owned()));
    }
    if let Some(expected) = &row.not_ready {
        let passive = played.status.sites.iter().flat_map(|site| site.not_ready.clone());
        fields.push(("notReady", expected.join("; "), passive.collect::<Vec<_>>().join("; ")));
    }
    let wrong = fields.into_iter().filter(|(_, expected, found)| expected != found);
    wrong
        .flat_map(|(field, expected, found)| {
            [
                format!("{field}: expected {expected}"),
                format!("{:>1$}: found    {found}", "", field.len()),
            ]
        })
        .collect()
}

/// What the decision rested on, for whoever must find out which of the two is wrong.
fn context(played: &Played) -> Vec<String> {
    let status = &played.status;
    let mut lines =
        vec![format!("at {}, {} active, armed {}", status.at, status.active, status.armed)];
    for site in &status.sites {
        let verdict = |name: &str, verdict: Option<_>| {
            verdict.map(|verdict: bowline_core::model::Answer3| format!(", {name} {verdict}"))
        };
        let serving = verdict("serving", site.serving).unwrap_or_default();
        let ready = verdict("ready", site.ready).unwrap_or_default();
        lines.push(format!("{}: {:?}{serving}{ready} {:?}", site.site, site.reach, site.not_ready));
        lines.extend(site.signals.iter().map(|signal| {
            let (name, sign, of) = (&signal.name, signal.sign, signal.of);
            let since = signal.down_since.map(|at| format!(" since {at}")).unwrap_or_default();
            format!("  {name}: {sign:?}{since} ({} good, {} bad of {of})", signal.good, signal.bad)
        }));
    }
    lines
}

/// A row that names the row beside it is named by that, and the two are decided differently.
fn beside(path: &str, rows: &[Spanned<Row>]) -> Vec<String> {
    let mut wrong = Vec::new();
    for row in rows {
        let Some(name) = &row.value.beside else { continue };
        let place = format!("{path}:{}: row {:?}: beside", row.referenced.line(), row.value.name);
        let other = rows.iter().find(|other| other.value.name == *name);
        let Some(other) = other.map(|other| &other.value) else {
            wrong.push(format!("{place}: there is no row {name:?} in this file"));
            continue;
        };
        if other.beside.as_ref() != Some(&row.value.name) {
            wrong.push(format!("{place}: that row does not name this one"));
        }
        let decided = |row: &Row| (row.decides.clone(), row.because.clone(), row.says.clone());
        if decided(other) == decided(&row.value) {
            wrong.push(format!("{place}: both rows expect the same, so there is no limit between"));
        }
    }
    wrong
}
